//! The program: hands the real world to the command line and ends with its exit code.

use std::process::ExitCode;

use tetherbook::cli;

fn main() -> ExitCode {
    ExitCode::from(cli::run(&cli::World::real()).number())
}
