//! Lines that change the phone while it is served: what they mean, and the Unix socket that takes them.
//!
//! It must not touch the phone; the loop that owns it does what a line says.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::str::FromStr;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use super::error::{GadgetError, LineError};
use super::serve::Message;
use crate::sim::FaultPlan;

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ControlLine {
    /// The screen locks.
    Lock,
    /// The screen is unlocked.
    Unlock,
    /// The phone answers nothing any more until it is reset or plugged in anew.
    Mute,
    /// The media scanner runs.
    Scan,
    /// The phone leaves the bus, and comes back when it is plugged in.
    Cut,
    /// Tells in one line how things are.
    Status,
    /// What goes wrong from now on, counted from now; `none` for nothing.
    Fault(FaultPlan),
}

impl FromStr for ControlLine {
    type Err = LineError;

    fn from_str(line: &str) -> Result<Self, LineError> {
        let line = line.trim();
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        Ok(match (word, rest.trim()) {
            ("lock", "") => Self::Lock,
            ("unlock", "") => Self::Unlock,
            ("mute", "") => Self::Mute,
            ("scan", "") => Self::Scan,
            ("cut", "") => Self::Cut,
            ("status", "") => Self::Status,
            ("fault", plan) if !plan.is_empty() => Self::Fault(plan.parse()?),
            _ => return Err(LineError::Unknown(line.to_owned())),
        })
    }
}

/// Takes connections at `path` for as long as the program runs. A socket left by an earlier run is replaced.
pub(super) fn listen(path: &Path, messages: Sender<Message>) -> Result<(), GadgetError> {
    let broken = |source| GadgetError::Control { path: path.to_owned(), source };
    if UnixStream::connect(path).is_err() && path.exists() {
        std::fs::remove_file(path).map_err(broken)?;
    }
    let listener = UnixListener::bind(path).map_err(broken)?;
    thread::Builder::new()
        .name(String::from("control"))
        .spawn(move || {
            for stream in listener.incoming().flatten() {
                if !converse(stream, &messages) {
                    return;
                }
            }
        })
        .map_err(broken)?;
    Ok(())
}

/// Answers each line of one connection; false if the phone is no longer served.
fn converse(stream: UnixStream, messages: &Sender<Message>) -> bool {
    let Ok(reading) = stream.try_clone() else { return true };
    let mut writing = stream;
    for line in BufReader::new(reading).lines().map_while(Result::ok) {
        let answer = match line.parse::<ControlLine>() {
            Err(error) => format!("error: {error}"),
            Ok(line) => {
                let (reply, answers) = channel();
                if messages.send(Message::Control(line, reply)).is_err() {
                    return false;
                }
                let Ok(answer) = answers.recv() else { return false };
                answer
            }
        };
        if writeln!(writing, "{answer}").is_err() {
            return true;
        }
    }
    true
}

/// Sends one line to the program that serves the phone, and gives its answer.
pub(super) fn tell(path: &Path, line: &str) -> Result<String, GadgetError> {
    let broken = |source| GadgetError::Control { path: path.to_owned(), source };
    let mut stream = UnixStream::connect(path).map_err(broken)?;
    writeln!(stream, "{line}").map_err(broken)?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).map_err(broken)?;
    match answer.trim_end().strip_prefix("error: ") {
        Some(error) => Err(GadgetError::Refused(error.to_owned())),
        None if answer.is_empty() => {
            Err(GadgetError::Refused(String::from("the phone is no longer served; start it again")))
        }
        None => Ok(answer.trim_end().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        assert_eq!("lock".parse(), Ok(ControlLine::Lock));
        assert_eq!(" unlock \n".parse(), Ok(ControlLine::Unlock));
        assert_eq!("mute".parse(), Ok(ControlLine::Mute));
        assert_eq!("cut".parse(), Ok(ControlLine::Cut));
        assert_eq!(
            "fault fail:2002@SendObject:3, cut@byte:in:700".parse(),
            Ok(ControlLine::Fault("fail:2002@SendObject:3,cut@byte:in:700".parse().unwrap()))
        );
        assert_eq!("fault none".parse(), Ok(ControlLine::Fault(FaultPlan::none())));
    }

    #[test]
    fn what_is_no_line_is_named() {
        for line in ["", "lock now", "fault", "explode"] {
            assert_eq!(line.parse::<ControlLine>(), Err(LineError::Unknown(line.to_owned())), "{line}");
        }
        assert!(matches!("fault explode@dawn".parse::<ControlLine>(), Err(LineError::Fault(_))));
    }

    #[test]
    fn the_socket_answers_line_by_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control");
        // A socket that an earlier run left.
        drop(UnixListener::bind(&path).unwrap());
        let (messages, received) = channel();
        listen(&path, messages).unwrap();
        let owner = thread::spawn(move || {
            let Ok(Message::Control(line, reply)) = received.recv() else { panic!("no line") };
            reply.send(String::from("ok")).unwrap();
            line
        });
        assert_eq!(tell(&path, "lock").unwrap(), "ok");
        assert_eq!(owner.join().unwrap(), ControlLine::Lock);
        assert!(tell(&path, "explode").unwrap_err().to_string().contains("`explode` is no command"));
        assert!(tell(&path, "lock").unwrap_err().to_string().contains("no longer served"));
    }
}
