//! From the command line to the exit code: parse, call the command, tell what failed.

use std::io::Write;

use clap::Parser;

use crate::report::{ExitCode, error_line};

use super::arguments::{Arguments, ColourChoice, Command};
use super::failure::Failed;
use super::invocation::{Invocation, Outcome, coloured};
use super::world::World;
use super::{
    add, books, completions, demo, edit, export, import, list, log, man, rm, show, state, status, sync,
};

/// Runs one command line. It always ends with an exit code; whatever failed was told by then.
#[must_use]
pub fn run(world: &World) -> ExitCode {
    let exit = match Arguments::try_parse_from(&world.arguments) {
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

fn command(world: &World, arguments: &Arguments) -> Outcome {
    // These two must work whatever the configuration says.
    match &arguments.command {
        Command::Completions(arguments) => return completions::run(world, arguments),
        Command::Man(arguments) => return man::run(world, arguments),
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
        Command::Import(arguments) => import::run(&invocation, arguments),
        Command::Export(arguments) => export::run(&invocation, arguments),
        Command::Books(arguments) => books::run(&invocation, arguments),
        Command::State(arguments) => state::run(&invocation, arguments),
        Command::Log(arguments) => log::run(&invocation, arguments),
        Command::Demo(arguments) => demo::run(&invocation, arguments),
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
    drop(writeln!(stderr, "error: {}", failed.message));
    if let Some(hint) = &failed.hint {
        drop(writeln!(stderr, "Hint: {hint}"));
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
        let message = message.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        let hint = "tetherbook --help shows the commands";
        tell(world, true, &Failed::usage(message, hint));
    } else {
        drop(world.stderr.clone().write_all(text(world.terminal.stderr).as_bytes()));
    }
    ExitCode::Usage
}
