//! `completions`: what a shell needs to complete the command line.

use std::io::Write;

use clap::CommandFactory;

use crate::report::ExitCode;

use super::arguments::{Arguments, CompletionsArguments};
use super::failure::Failed;
use super::invocation::Outcome;
use super::world::World;

/// Runs `completions`.
pub fn run(world: &World, arguments: &CompletionsArguments) -> Outcome {
    let mut script = Vec::new();
    let mut grammar = Arguments::command();
    clap_complete::generate(arguments.shell, &mut grammar, "tetherbook", &mut script);
    world.stdout.clone().write_all(&script).map_err(|error| Failed::output(&error))?;
    Ok(ExitCode::Done)
}
