//! The service that a plugged-in phone starts, as text: the unit in udev/ with the place of the installed program in
//! it. Pure.

use std::path::Path;

/// The unit's file name: a template, whose instance is the path of the phone on the bus.
pub const UNIT_FILE: &str = "tetherbook@.service";
/// The first line, by which a file is known as made by this program.
pub const UNIT_MARK: &str = "# Made for: tetherbook udev install";
/// The line that names the program, as it stands in the repository.
const START: &str = "ExecStart=/usr/bin/tetherbook attend %f";
/// The unit as packages install it.
const UNIT: &str = include_str!("../../udev/tetherbook@.service");

/// The unit for the program at `program`; `None` if that is no absolute path, or holds a letter that means something
/// in a unit's command line (systemd.service(5): quotes, `\`, `%`, `$`, `;`), which no usual place does.
#[must_use]
pub fn unit(program: &Path) -> Option<String> {
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._+-@=~, ".contains(letter);
    let path = program.to_str().filter(|path| program.is_absolute() && path.chars().all(is_plain))?;
    let path = if path.contains(' ') { format!("\"{path}\"") } else { path.to_owned() };
    Some(UNIT.replace(START, &format!("ExecStart={path} attend %f")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(program: &str) -> Option<String> {
        let unit = unit(Path::new(program))?;
        unit.lines().find(|line| line.starts_with("ExecStart=")).map(str::to_owned)
    }

    #[test]
    fn the_unit_names_the_program_that_was_installed() {
        assert!(UNIT.starts_with(UNIT_MARK));
        assert_eq!(unit(Path::new("/usr/bin/tetherbook")).unwrap(), UNIT);
        assert_eq!(start("/opt/tether book/tb").unwrap(), "ExecStart=\"/opt/tether book/tb\" attend %f");
        for refused in
            ["bin/tetherbook", "/bin/a\nExecStartPost=/bin/sh", "/bin/%i", "/bin/$x", "/bin/a\"b", "/bin/a;b"]
        {
            assert_eq!(start(refused), None, "{refused}");
        }
    }

    #[test]
    fn nothing_starts_it_but_the_cable() {
        assert!(!UNIT.contains("[Install]") && !UNIT.contains("WantedBy"));
        for line in ["BindsTo=%i.device", "PrivateNetwork=yes", "NoNewPrivileges=yes", "UMask=0077"] {
            assert!(UNIT.lines().any(|found| found == line), "{line}");
        }
    }
}
