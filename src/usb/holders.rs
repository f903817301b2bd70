//! Which programs have a device node open: a walk through `/proc`. It reads, and never touches a process.

use std::fmt;
use std::fs;
use std::path::Path;

/// A process that has a device node open.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// The process id.
    pub process_id: u32,
    /// The program's name, such as `gvfsd-mtp`.
    pub program: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} (process {})", self.program, self.process_id)
    }
}

/// The processes that have `node` open, except this one, ordered by id. Only those are seen that this user may look
/// into, which are one's own, and all for root. `proc` is where the process file system is mounted: `/proc`.
#[must_use]
pub fn holders_of(proc: &Path, node: &Path) -> Vec<Holder> {
    let own = std::process::id();
    let Ok(processes) = fs::read_dir(proc) else { return Vec::new() };
    let mut holders: Vec<Holder> = processes
        .filter_map(|found| {
            let path = found.ok()?.path();
            let process_id: u32 = path.file_name()?.to_str()?.parse().ok()?;
            (process_id != own && has_open(&path, node))
                .then(|| Holder { process_id, program: program_of(&path) })
        })
        .collect();
    holders.sort();
    holders
}

fn has_open(process: &Path, node: &Path) -> bool {
    let Ok(files) = fs::read_dir(process.join("fd")) else { return false };
    files.filter_map(Result::ok).any(|file| fs::read_link(file.path()).is_ok_and(|target| target == node))
}

/// The program's name: that of its file, which the kernel does not shorten, or else the short one.
fn program_of(process: &Path) -> String {
    let by_file = fs::read_link(process.join("exe")).ok();
    let by_file =
        by_file.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    by_file.unwrap_or_else(|| {
        let short = fs::read_to_string(process.join("comm")).unwrap_or_default();
        let short = short.trim();
        if short.is_empty() { String::from("a program") } else { short.to_owned() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn finds_who_has_the_node_open_and_names_the_program() {
        let proc = tempfile::tempdir().unwrap();
        let node = Path::new("/dev/bus/usb/001/004");
        for (id, program, target) in [
            ("41", Some("/usr/libexec/gvfsd-mtp"), "/dev/bus/usb/001/004"),
            ("42", Some("/usr/bin/bash"), "/dev/null"),
            ("7", None, "/dev/bus/usb/001/004"),
            ("self", None, "/dev/bus/usb/001/004"),
        ] {
            let process = proc.path().join(id);
            fs::create_dir_all(process.join("fd")).unwrap();
            symlink(target, process.join("fd/3")).unwrap();
            match program {
                Some(program) => symlink(program, process.join("exe")).unwrap(),
                None => fs::write(process.join("comm"), "kiod5\n").unwrap(),
            }
        }
        let holders = holders_of(proc.path(), node);
        let texts: Vec<String> = holders.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["kiod5 (process 7)", "gvfsd-mtp (process 41)"]);
        assert_eq!(holders_of(&proc.path().join("none"), node), []);
    }
}
