//! Desktop notifications, through a program that speaks `org.freedesktop.Notifications` on the session bus. The message
//! goes as an argument, never through a shell; the binary needs no D-Bus library and opens no socket.

use std::process::{Command, Stdio};

use crate::agent::Notice;

/// Shown as the sender.
const SENDER: &str = "Tetherbook";
/// An icon of the freedesktop.org naming specification.
const ICON: &str = "phone";

/// The programs that can deliver it, in the order in which they are tried. busctl is a part of systemd, which started
/// the service; notify-send is there where systemd is not.
fn commands(notice: &Notice) -> [(&'static str, Vec<String>); 2] {
    let busctl = [
        "--user",
        "--timeout=5",
        "--",
        "call",
        "org.freedesktop.Notifications",
        "/org/freedesktop/Notifications",
        "org.freedesktop.Notifications",
        "Notify",
        // Sender, replaced id, icon, title, body, actions, hints, time-out (-1: the server's own).
        "susssasa{sv}i",
        SENDER,
        "0",
        ICON,
        &notice.title,
        &notice.body,
        "0",
        "0",
        "-1",
    ];
    let notify_send =
        ["--app-name", SENDER, "--icon", ICON, "--", notice.title.as_str(), notice.body.as_str()];
    [("busctl", busctl.map(str::to_owned).to_vec()), ("notify-send", notify_send.map(str::to_owned).to_vec())]
}

/// Shows it; false if nobody took it, which changes nothing: the journal has it too.
pub fn show(notice: &Notice) -> bool {
    commands(notice).into_iter().any(|(program, arguments)| {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_are_arguments_behind_the_options() {
        let notice = Notice { title: "--title".into(), body: "$(body) 'x'".into() };
        for (program, arguments) in commands(&notice) {
            let at = |text: &str| arguments.iter().position(|argument| argument == text).unwrap();
            assert!(at("--") < at("--title") && at("--title") + 1 == at("$(body) 'x'"), "{program}");
        }
    }
}
