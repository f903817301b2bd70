//! The README shows what the program really says: its output blocks are parts of the demo's output, byte for byte.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test may stop at the first surprise"
)]

use std::process::Command;

fn demo() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_tetherbook"))
        .env_clear()
        .env("HOME", "/nonexistent")
        .arg("demo")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_demos_output_is_the_readmes() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let demo = demo();
    let mut blocks = 0;
    for block in readme.split("```text\n").skip(1) {
        let block = block.split("\n```").next().unwrap();
        assert!(
            demo.contains(block),
            "the README shows what the demo does not say:\n{block}\n\nDemo:\n{demo}"
        );
        blocks += 1;
    }
    assert_eq!(blocks, 6, "the README's output blocks were not found");
}

#[test]
fn the_demo_is_the_same_every_time_and_leaves_nothing_behind() {
    let scratch = tempfile::tempdir().unwrap();
    let run = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tetherbook"));
        let output = command
            .env_clear()
            .env("HOME", scratch.path())
            .env("TMPDIR", scratch.path())
            .arg("demo")
            .output()
            .unwrap();
        assert!(output.status.success());
        output.stdout
    };
    assert!(run() == run(), "two runs of the demo differ");
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0, "the demo left something behind");
}

#[test]
fn what_the_demo_keeps_can_be_used() {
    let scratch = tempfile::tempdir().unwrap();
    let kept = scratch.path().join("kept");
    let tetherbook = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tetherbook"));
        command.env_clear().env("HOME", scratch.path()).env("TMPDIR", scratch.path());
        command
    };
    assert!(tetherbook().args(["demo", "--keep"]).arg(&kept).output().unwrap().status.success());
    let list = tetherbook().arg("--database").arg(kept.join("tetherbook.db")).arg("list").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&list.stdout).lines().count(), 11);
    let sync = tetherbook()
        .arg("--database")
        .arg(kept.join("tetherbook.db"))
        .args(["sync", "--dry-run", "--json", "--phone"])
        .arg(format!("sim:{}", kept.join("phone").display()))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&sync.stdout);
    assert!(text.lines().last().unwrap().contains("\"type\":\"summary\""), "{text}");
}
