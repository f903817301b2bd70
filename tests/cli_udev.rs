//! `udev` and `attend` without a bus: what is printed, written and taken away, and what is refused.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

mod sandbox;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;

use insta::assert_snapshot;
use sandbox::{Sandbox, mode_of};

const RULE: &str = "root/etc/udev/rules.d/69-tetherbook.rules";
const UNIT: &str = "root/etc/systemd/user/tetherbook@.service";

#[test]
fn the_rule_is_made_of_profiles_and_of_what_is_named() {
    let sandbox = Sandbox::new();
    let plain = sandbox.run("udev generate");
    let golden = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("udev/69-tetherbook.rules"));
    assert_eq!(plain, format!("$ tetherbook udev generate\n{}[exit 0]\n", golden.unwrap()));
    let generic = Path::new(env!("CARGO_MANIFEST_DIR")).join("device-profiles/generic.toml");
    let own = fs::read_to_string(generic).unwrap().replace("id = \"generic\"", "id = \"mine\"");
    let own = own.replace("\n[contacts]", "\n[match]\nusb = [\"1234:abcd\", \"1234:*\"]\n\n[contacts]");
    sandbox.write("home/.config/tetherbook/device-profiles/mine.toml", &own);
    let full = sandbox.run("udev generate --paired 18D1:R58M.1 --paired any:0123 --device 04e8:5000");
    let added: Vec<&str> = full.lines().filter(|line| !plain.contains(line)).collect();
    assert_snapshot!(added.join("\n"));
}

#[test]
fn what_could_write_a_rule_of_its_own_is_refused() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.transcript(&[
        "udev generate --paired R58M",
        "udev generate --paired '18d1:A\", RUN+=\"/bin/sh'",
        "udev generate --paired '18d1:*'",
        "udev generate --device 04e8",
        "udev install --root {T}/root --program bin/tetherbook",
        "udev install --root {T}/root --program '/bin/$x'",
        "udev",
    ]));
    assert!(!sandbox.path("root").exists());
}

#[test]
fn it_is_shown_installed_twice_and_taken_away() {
    let sandbox = Sandbox::new();
    let mut text = sandbox.run("udev install --root {T}/root --print");
    assert!(!sandbox.path("root").exists(), "--print wrote something");
    text += &sandbox.transcript(&[
        "udev install --root {T}/root",
        "udev install --root {T}/root",
        "udev install --root {T}/root --paired 18d1:A1 --program /opt/tb/tetherbook",
    ]);
    assert_eq!((mode_of(&sandbox.path(RULE)), mode_of(&sandbox.path(UNIT))), (0o644, 0o644));
    assert!(
        fs::read_to_string(sandbox.path(UNIT)).unwrap().contains("ExecStart=/opt/tb/tetherbook attend %f")
    );
    text += &sandbox.transcript(&[
        "udev install --root {T}/root --json",
        "udev uninstall --root {T}/root",
        "udev uninstall --root {T}/root --json",
    ]);
    assert!(!sandbox.path(RULE).exists() && !sandbox.path(UNIT).exists());
    assert_snapshot!(text);
}

#[test]
fn what_somebody_else_put_there_stays() {
    let sandbox = Sandbox::new();
    sandbox.write(RULE, "# mine\n");
    fs::create_dir_all(sandbox.path(UNIT).parent().unwrap()).unwrap();
    let mut text = sandbox.transcript(&["udev install --root {T}/root", "udev uninstall --root {T}/root"]);
    assert_eq!(fs::read_to_string(sandbox.path(RULE)).unwrap(), "# mine\n");
    assert!(!sandbox.path(UNIT).exists(), "all or nothing");
    fs::remove_file(sandbox.path(RULE)).unwrap();
    symlink("/dev/null", sandbox.path(UNIT)).unwrap();
    text += &sandbox.run("udev install --root {T}/root");
    assert!(!sandbox.path(RULE).exists(), "all or nothing");
    assert_snapshot!(text);
}

#[test]
fn without_root_the_exact_command_is_named() {
    const NOBODY: u32 = 65_534;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    // Where the tests run as root, the program is run as nobody, from a place that nobody may enter.
    let program = folder.path().join("tetherbook");
    fs::copy(env!("CARGO_BIN_EXE_tetherbook"), &program).unwrap();
    let is_root =
        fs::metadata("/proc/self").map(|own| std::os::unix::fs::MetadataExt::uid(&own)).unwrap() == 0;
    let mut command = std::process::Command::new(&program);
    if is_root {
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command
        .args(["udev", "install", "--paired", "18d1:A1", "--device", "04e8:5000"])
        .env_clear()
        .env("HOME", "/nonexistent")
        .current_dir("/")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(
        said,
        format!(
            "error: only root may change /etc/udev/rules.d/69-tetherbook.rules\n\
             Hint: sudo {} udev install --paired 18d1:A1 --device 04e8:5000\n",
            program.display()
        )
    );
}

#[test]
fn an_attendance_needs_a_place_with_something_in_it() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.transcript(&[
        "attend /tmp/1-2",
        "attend /sys/bus/usb/devices/usb1",
        "attend /sys/bus/usb/devices/999-9 --config none.toml",
    ]));
    // The journal's line, with how long it took left out; no database is made for it.
    let line = sandbox.run("attend /sys/bus/usb/devices/999-9");
    assert!(line.contains("stderr| tetherbook: ended reason=nothing-there exit=3 ms="), "{line}");
    assert!(line.ends_with("[exit 3]\n"), "{line}");
    assert!(!sandbox.path("home/.local").exists());
}
