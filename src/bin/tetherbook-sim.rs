//! The simulated phone as a USB gadget, for the lab: hands the real world to it and ends with its exit code.

use std::io::Write;
use std::process::ExitCode;
use std::rc::Rc;

use clap::Parser;
use tetherbook::cli::World;
use tetherbook::sim::gadget::{GadgetArguments, run};

fn main() -> ExitCode {
    let arguments = GadgetArguments::parse();
    let world = World::real();
    let (mut output, mut log) = (world.stdout.clone(), world.stderr.clone());
    let served = run(&arguments, Rc::clone(&world.clock), &mut output, &mut log, &|| world.is_interrupted());
    // What cannot be told is not told; the exit code says it too.
    drop(output.flush());
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(log, "error: {error}"));
            ExitCode::FAILURE
        }
    }
}
