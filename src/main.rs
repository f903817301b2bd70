//! The program: hands the real world to the command line and ends with its exit code.

use std::process::ExitCode;

use tetherbook::cli;

fn main() -> ExitCode {
    let code = cli::run(&cli::World::real());
    // libmtp's words would come out now, behind a command's output.
    #[cfg(feature = "libmtp")]
    tetherbook::device::discard_foreign_output();
    ExitCode::from(code.number())
}
