//! `doctor --release`: asks the desktop to let go of the phones that it holds, by its own program `gio`. It asks and
//! waits; it never ends another program.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::agent::{MountedPhone, PluggedFailure, mounted_phones};
use crate::report::shown;

use super::failure::Failed;
use super::invocation::Invocation;

/// GLib's program for mounts (package libglib2.0-bin).
const PROGRAM: &str = "gio";
/// How long it may take, in milliseconds; a desktop that is writing to the phone lets go only then.
const ANSWER_MS: u64 = 15_000;

/// Asks, and says what was asked and what came of it.
///
/// # Errors
/// When the bus cannot be read, or what came of it cannot be written.
pub fn run(invocation: &Invocation<'_>) -> Result<(), Failed> {
    let devices = invocation.world.usb.devices().map_err(PluggedFailure::from)?;
    let Some(program) = program(invocation) else {
        return told(
            invocation,
            None,
            None,
            "there is no program gio here to ask the desktop with (Debian has it in libglib2.0-bin)",
        );
    };
    let listing = match ask(&program, &["mount", "--list"]) {
        Ok(listing) => listing,
        Err(why) => {
            return told(invocation, None, Some("gio mount --list"), &format!("it did not answer: {why}"));
        }
    };
    let mounts = mounted_phones(&listing, &devices);
    if mounts.is_empty() {
        return told(invocation, None, Some("gio mount --list"), "the desktop has mounted no phone");
    }
    for mount in &mounts {
        release(invocation, &program, mount)?;
    }
    Ok(())
}

fn release(invocation: &Invocation<'_>, program: &PathBuf, mount: &MountedPhone<'_>) -> Result<(), Failed> {
    let asked = format!("gio mount --unmount {}", mount.uri);
    let outcome = match ask(program, &["mount", "--unmount", &mount.uri]) {
        Ok(_) => String::from("the desktop let go of it"),
        Err(why) => format!("the desktop did not let go of it: {why}"),
    };
    told(invocation, Some(&mount.device.label()), Some(&asked), &outcome)
}

fn told(
    invocation: &Invocation<'_>,
    phone: Option<&str>,
    asked: Option<&str>,
    outcome: &str,
) -> Result<(), Failed> {
    if invocation.global.json {
        return invocation.json(
            &serde_json::json!({"type": "release", "phone": phone, "asked": asked, "outcome": outcome}),
        );
    }
    let phone = phone.map(|phone| format!("{}: ", shown(phone))).unwrap_or_default();
    let asked = asked.map(|asked| format!("asked {}; ", shown(asked))).unwrap_or_default();
    invocation.say(format!("Release: {phone}{asked}{}", shown(outcome)));
    Ok(())
}

/// The program, looked for as a shell does.
fn program(invocation: &Invocation<'_>) -> Option<PathBuf> {
    let path = invocation.world.variable("PATH")?;
    std::env::split_paths(path).map(|folder| folder.join(PROGRAM)).find(|program| program.is_file())
}

/// What the program writes to stdout; otherwise what it says went wrong, or that it took too long.
fn ask(program: &PathBuf, arguments: &[&str]) -> Result<String, String> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let (sender, receiver) = mpsc::channel();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    std::thread::spawn(move || {
        let read = |stream: Option<Box<dyn Read>>| {
            let mut bytes = Vec::new();
            if let Some(mut stream) = stream {
                // What can be read is read; how it ended is in the exit status.
                drop(stream.read_to_end(&mut bytes));
            }
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let said = read(stdout.map(|stream| Box::new(stream) as Box<dyn Read>));
        let complained = read(stderr.map(|stream| Box::new(stream) as Box<dyn Read>));
        drop(sender.send((said, complained)));
    });
    let Ok((said, complained)) = receiver.recv_timeout(Duration::from_millis(ANSWER_MS)) else {
        // This one was started here, a moment ago, and only asks.
        drop(child.kill());
        drop(child.wait());
        return Err(format!("no answer within {} s", ANSWER_MS / 1000));
    };
    match child.wait() {
        Ok(status) if status.success() => Ok(said),
        Ok(status) => {
            let line = complained.lines().find(|line| !line.trim().is_empty());
            Err(line.map_or_else(|| status.to_string(), |line| line.trim().to_owned()))
        }
        Err(error) => Err(error.to_string()),
    }
}
