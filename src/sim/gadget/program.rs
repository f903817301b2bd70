//! The program behind `tetherbook-sim`: from its command line to a phone that is served. It must not serve it itself.

use std::io::Write;
use std::path::Path;
use std::rc::Rc;

use crate::provider::Clock;
use crate::sim::{DirectoryStorage, Personality, Phone};

use super::arguments::GadgetArguments;
use super::control::tell;
use super::error::GadgetError;
use super::serve::{Gadget, serve};

/// Serves the phone until `should_end` says so; with `--tell`, speaks to the program that does.
///
/// `output` gets what `--tell` was answered, `log` a line for each plug-in and what goes wrong.
///
/// # Errors
/// When the phone cannot be served; the message says what to change.
pub fn run(
    arguments: &GadgetArguments,
    clock: Rc<dyn Clock>,
    output: &mut dyn Write,
    log: &mut dyn Write,
    should_end: &dyn Fn() -> bool,
) -> Result<(), GadgetError> {
    if let (Some(line), Some(control)) = (&arguments.tell, &arguments.control) {
        let answer = tell(control, line)?;
        return writeln!(output, "{answer}").map_err(|error| GadgetError::Refused(error.to_string()));
    }
    let phone = phone(arguments, clock)?;
    let gadget = Gadget {
        mount: arguments.ffs.clone().ok_or(GadgetError::NoMount)?,
        class: arguments.class,
        control: arguments.control.clone(),
    };
    serve(&phone, &gadget, log, should_end)
}

/// The phone that the command line describes.
fn phone(arguments: &GadgetArguments, clock: Rc<dyn Clock>) -> Result<Phone, GadgetError> {
    let mut personality =
        Personality::by_name(&arguments.personality).ok_or_else(|| GadgetError::UnknownPersonality {
            name: arguments.personality.clone(),
            known: Personality::names().join(", "),
        })?;
    for habit in &arguments.habit {
        habit.apply(&mut personality.transport);
    }
    if let Some(serial) = &arguments.serial {
        personality.serial.clone_from(serial);
    }
    let root = arguments.storage.as_deref().unwrap_or(Path::new("."));
    if !root.is_dir() {
        return Err(GadgetError::NoStorage { path: root.to_owned() });
    }
    Ok(Phone::new(personality, DirectoryStorage::shared(root), clock))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::TestClock;
    use clap::Parser;

    fn refusal(arguments: &[&str]) -> String {
        let arguments = GadgetArguments::try_parse_from([&["sim"], arguments].concat()).unwrap();
        let (mut output, mut log) = (Vec::new(), Vec::new());
        let clock = Rc::new(TestClock::at(0));
        let arguments = GadgetArguments { ffs: None, ..arguments };
        run(&arguments, clock, &mut output, &mut log, &|| true).unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_served_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_str().unwrap();
        assert!(refusal(&["--storage", "/nowhere/at/all"]).starts_with("/nowhere/at/all: not a directory"));
        let unknown = refusal(&["--storage", root, "--personality", "brick"]);
        assert!(unknown.starts_with("there is no phone `brick`; there are: android, "), "{unknown}");
        assert!(refusal(&["--storage", root]).contains("--ffs"));
    }
}
