//! From the command line to the exit code: parse, call the command, tell what failed.

use std::ffi::OsString;
use std::io::Write;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::report::{ExitCode, error_line, shown};

use super::arguments::{Arguments, ColourChoice, Command};
use super::failure::Failed;
use super::invocation::{Invocation, Outcome, coloured};
use super::world::World;
use super::{
    add, attend, books, completions, conflicts, demo, devices, doctor, dupes, edit, export, forget, import,
    link, list, log, man, merge, pair, phones, profiles, resolve, rm, show, state, status, sync, udev,
    unlink,
};

/// Runs one command line. It always ends with an exit code; whatever failed was told by then.
#[must_use]
pub fn run(world: &World) -> ExitCode {
    let exit = match Arguments::try_parse_from(spelled_out(&world.arguments)) {
        Ok(arguments) => match command(world, &arguments) {
            Ok(exit) => exit,
            Err(failed) => {
                tell(world, arguments.global.json, &failed);
                failed.exit
            }
        },
        Err(error) => wrong_usage(world, &error),
    };
    match world.stdout.clone().flush() {
        Ok(()) => exit,
        Err(error) => {
            let failed = Failed::output(&error);
            tell(world, false, &failed);
            if exit == ExitCode::Done { failed.exit } else { exit }
        }
    }
}

/// The command line with the words that other programs understand, in our own: `help sync` is `sync --help`.
fn spelled_out(arguments: &[OsString]) -> Vec<OsString> {
    let mut words = arguments.to_vec();
    match words.get(1).and_then(|word| word.to_str()) {
        Some("help") => {
            words.remove(1);
            words.push("--help".into());
        }
        Some("version") => words = words.into_iter().take(1).chain([OsString::from("--version")]).collect(),
        _ => {}
    }
    words
}

fn command(world: &World, arguments: &Arguments) -> Outcome {
    // These must work whatever the configuration says.
    match &arguments.command {
        Command::Completions(arguments) => return completions::run(world, arguments),
        Command::Man(arguments) => return man::run(world, arguments),
        Command::Doctor(doctor) => return doctor::run(world, &arguments.global, doctor),
        _ => {}
    }
    let invocation = Invocation::new(world, &arguments.global)?;
    match &arguments.command {
        Command::Sync(arguments) => sync::run(&invocation, arguments),
        Command::Diff(arguments) => sync::run_diff(&invocation, arguments),
        Command::Status => status::run(&invocation),
        Command::List(arguments) => list::run(&invocation, arguments),
        Command::Show(arguments) => show::run(&invocation, arguments),
        Command::Add(arguments) => add::run(&invocation, arguments),
        Command::Edit(arguments) => edit::run(&invocation, arguments),
        Command::Rm(arguments) => rm::run(&invocation, arguments),
        Command::Dupes(arguments) => dupes::run(&invocation, arguments),
        Command::Link(arguments) => link::run(&invocation, arguments),
        Command::Unlink(arguments) => unlink::run(&invocation, arguments),
        Command::Merge(arguments) => merge::run(&invocation, arguments),
        Command::Import(arguments) => import::run(&invocation, arguments),
        Command::Export(arguments) => export::run(&invocation, arguments),
        Command::Books(arguments) => books::run(&invocation, arguments),
        Command::Pair(arguments) => pair::run(&invocation, arguments),
        Command::Phones => phones::run(&invocation),
        Command::Forget(arguments) => forget::run(&invocation, arguments),
        Command::State(arguments) => state::run(&invocation, arguments),
        Command::Log(arguments) => log::run(&invocation, arguments),
        Command::Conflicts(arguments) => conflicts::run(&invocation, arguments),
        Command::Resolve(arguments) => resolve::run(&invocation, arguments),
        Command::Devices(arguments) => devices::run(&invocation, arguments),
        Command::Doctor(doctor) => doctor::run(world, &arguments.global, doctor),
        Command::Profiles(arguments) => profiles::run(&invocation, arguments),
        Command::Demo(arguments) => demo::run(&invocation, arguments),
        Command::Udev(arguments) => udev::run(&invocation, arguments),
        Command::Attend(arguments) => attend::run(&invocation, arguments),
        Command::Completions(arguments) => completions::run(world, arguments),
        Command::Man(arguments) => man::run(world, arguments),
    }
}

/// Tells a failure: a line of JSON among the results, or two lines among the talk.
fn tell(world: &World, json: bool, failed: &Failed) {
    if failed.message.is_empty() {
        return;
    }
    // What cannot be told is not told; the exit code says it too.
    if json {
        let line = error_line(&failed.message, failed.hint.as_deref(), failed.exit);
        drop(writeln!(world.stdout.clone(), "{line}"));
        return;
    }
    drop(world.stdout.clone().flush());
    let mut stderr = world.stderr.clone();
    // A file's or a book's name in it may hold what a terminal takes as a command.
    drop(writeln!(stderr, "error: {}", shown(&failed.message)));
    if let Some(hint) = &failed.hint {
        drop(writeln!(stderr, "Hint: {}", shown(hint)));
    }
}

/// Help and version go to stdout and are no failure; what is wrong with the command line goes to stderr.
fn wrong_usage(world: &World, error: &clap::Error) -> ExitCode {
    let text = |is_terminal| {
        let rendered = error.render();
        if coloured(world, ColourChoice::Auto, is_terminal) {
            rendered.ansi().to_string()
        } else {
            rendered.to_string()
        }
    };
    if !error.use_stderr() {
        drop(world.stdout.clone().write_all(text(world.terminal.stdout).as_bytes()));
        return ExitCode::Done;
    }
    if world.arguments.iter().any(|argument| argument == "--json") {
        let message = error.render().to_string();
        // What is missing or possible stands on lines of its own below the first.
        let lines: Vec<&str> = message.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
        let message = lines.join(" ").trim_start_matches("error: ").to_owned();
        let hint =
            usage_hint(world, error).unwrap_or_else(|| "tetherbook --help shows the commands".to_owned());
        tell(world, true, &Failed::usage(message, hint));
    } else {
        let mut stderr = world.stderr.clone();
        drop(stderr.write_all(text(world.terminal.stderr).as_bytes()));
        if let Some(hint) = usage_hint(world, error) {
            drop(writeln!(stderr, "Hint: {hint}"));
        }
    }
    ExitCode::Usage
}

/// What was probably meant, for the slips that the parser has no tip for.
fn usage_hint(world: &World, error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg) else { return None };
    let mut words = world.arguments.iter().skip(1).filter_map(|argument| argument.to_str());
    let command = words.find(|word| ["sync", "diff", "add"].contains(word)).unwrap_or_default();
    let is_before_the_command = world.arguments.get(1).is_some_and(|first| first == word.as_str());
    let value = match error.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(value)) => shown(value),
        _ => String::new(),
    };
    match (error.kind(), command) {
        (ErrorKind::ValueValidation, _) if word.starts_with("--book") => {
            Some(String::from("leave --book out for the usual book; tetherbook books lists them"))
        }
        (ErrorKind::InvalidValue, "add") if word == "[-]" && value != "-" => {
            Some(format!("tetherbook add --name {}", sync::shell_word(&value)))
        }
        (ErrorKind::UnknownArgument, command @ ("sync" | "diff")) if !word.starts_with('-') => {
            let word = shown(word);
            let address = if word.contains(':') || word == "usb" {
                word
            } else if word.contains('/') {
                format!("dir:{word}")
            } else {
                String::from("dir:/path/to/folder")
            };
            Some(format!(
                "name the phone like this: tetherbook {command} --phone {}",
                sync::shell_word(&address)
            ))
        }
        (ErrorKind::UnknownArgument, _) if is_before_the_command && word.starts_with('-') => Some(
            String::from("flags of a command stand behind it: tetherbook sync --phone dir:/path/to/folder"),
        ),
        _ => None,
    }
}
