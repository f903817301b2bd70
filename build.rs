//! Link settings. It must not generate code.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a build script speaks to cargo by printing and is spoken to by the environment"
)]

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // The libusb that is compiled in and the one behind the system's libmtp are two. The linker would export the
    // compiled-in one's functions because libmtp names them, and libmtp would then call that one: a libusb that it
    // was neither built nor tested with. What comes from archives therefore stays inside.
    let is_linux = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux");
    if is_linux && std::env::var_os("CARGO_FEATURE_LIBMTP").is_some() {
        println!("cargo:rustc-link-arg=-Wl,--exclude-libs,ALL");
    }
}
