//! `udev`: prints, installs and takes away the udev rule and the service's unit. What stands in them is decided in
//! `agent`; where files go and how they are replaced is in `udev_files`.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Serialize;

use crate::agent::{self, PairedDevice, RULE_FILE, RULE_MARK, UNIT_FILE, UNIT_MARK, UsbId};
use crate::device::ProfileSet;
use crate::report::{ExitCode, shown};

use super::arguments::{RuleArguments, UdevAction, UdevArguments};
use super::attend::paired_devices;
use super::failure::Failed;
use super::invocation::{Invocation, Outcome};
use super::phone;
use super::sync::shell_word;
use super::udev_files::{self, FileFault, Left, OwnFile};

/// Where udev looks for what the administrator adds.
const RULES_FOLDER: &str = "etc/udev/rules.d";
/// Where the users' service managers look for what the administrator adds.
const UNITS_FOLDER: &str = "etc/systemd/user";
/// Where packages put the program.
const PACKAGED_PROGRAM: &str = "/usr/bin/tetherbook";

/// One file in `--json`.
#[derive(Serialize)]
struct FileLine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
}

/// Runs `udev`.
///
/// # Errors
/// When something cannot be read or written, or a file is not ours.
pub fn run(invocation: &Invocation<'_>, arguments: &UdevArguments) -> Outcome {
    match &arguments.action {
        UdevAction::Generate { of } => generate(invocation, of),
        UdevAction::Install { of, print, root, program } => {
            let files = Ingredients::gather(invocation, of)?;
            let wanted = wanted(invocation, &files, root.as_deref(), program.as_deref())?;
            if *print {
                return show(invocation, &wanted);
            }
            let sudo = sudo_command(invocation, &files.repeated());
            install(invocation, &wanted, root.is_none(), &sudo)
        }
        UdevAction::Uninstall { root } => uninstall(invocation, root.as_deref()),
    }
}

/// What the rule is made of.
struct Ingredients {
    named: BTreeSet<UsbId>,
    /// Those of them that the built-in profiles do not name.
    own: BTreeSet<UsbId>,
    paired: BTreeSet<PairedDevice>,
}

impl Ingredients {
    fn gather(invocation: &Invocation<'_>, of: &RuleArguments) -> Result<Self, Failed> {
        let built_in = agent::named_ids(ProfileSet::built_in()?.all());
        let mut named = agent::named_ids(phone::profiles(invocation.world)?.all());
        named.extend(&of.device);
        let own = named.difference(&built_in).copied().collect();
        let paired = if of.paired.is_empty() {
            paired_devices(invocation)?
        } else {
            of.paired.iter().cloned().collect()
        };
        Ok(Self { named, own, paired })
    }

    fn rule(&self) -> String {
        agent::rule(&self.named, &self.paired)
    }

    /// The arguments that give the same rule to somebody with another database and other profiles, such as root.
    fn repeated(&self) -> String {
        let paired = self.paired.iter().map(|phone| format!(" --paired {}", shell_word(&phone.to_string())));
        let own = self.own.iter().map(|id| format!(" --device {id}"));
        paired.chain(own).collect()
    }
}

fn generate(invocation: &Invocation<'_>, of: &RuleArguments) -> Outcome {
    let rule = Ingredients::gather(invocation, of)?.rule();
    if invocation.global.json {
        invocation.json(&serde_json::json!({"type": "udev-rule", "content": rule}))?;
    } else {
        invocation.result_bytes(rule.as_bytes())?;
    }
    Ok(ExitCode::Done)
}

/// The two files, the rule first.
fn places(root: Option<&Path>) -> [OwnFile; 2] {
    let root = root.unwrap_or_else(|| Path::new("/"));
    [
        OwnFile { path: root.join(RULES_FOLDER).join(RULE_FILE), mark: RULE_MARK },
        OwnFile { path: root.join(UNITS_FOLDER).join(UNIT_FILE), mark: UNIT_MARK },
    ]
}

/// The two files with what shall stand in them.
fn wanted(
    invocation: &Invocation<'_>,
    files: &Ingredients,
    root: Option<&Path>,
    program: Option<&Path>,
) -> Result<[(OwnFile, String); 2], Failed> {
    let program = match (program, root) {
        (Some(program), _) => program.to_path_buf(),
        (None, Some(_)) => PathBuf::from(PACKAGED_PROGRAM),
        (None, None) => invocation.world.program_path().map_err(|error| {
            Failed::general(
                format!("this program does not know where it is: {error}"),
                "say it: --program /usr/bin/tetherbook",
            )
        })?,
    };
    let unit = agent::unit(&program).ok_or_else(|| {
        Failed::usage(
            format!("a service cannot run {}", shown(&program.display().to_string())),
            "name the program by its whole path, without quotes, $, % or ;: --program /usr/bin/tetherbook",
        )
    })?;
    let [rule_file, unit_file] = places(root);
    Ok([(rule_file, files.rule()), (unit_file, unit)])
}

fn show(invocation: &Invocation<'_>, wanted: &[(OwnFile, String)]) -> Outcome {
    for (number, (file, content)) in wanted.iter().enumerate() {
        let path = file.path.display().to_string();
        if invocation.global.json {
            let line = FileLine { kind: "udev-file", path, state: None, content: Some(content) };
            invocation.json(&line)?;
            continue;
        }
        let gap = if number == 0 { "" } else { "\n" };
        invocation.result_bytes(format!("{gap}==> {} <==\n{content}", shown(&path)).as_bytes())?;
    }
    Ok(ExitCode::Done)
}

fn install(
    invocation: &Invocation<'_>,
    wanted: &[(OwnFile, String)],
    tells_udev: bool,
    sudo: &str,
) -> Outcome {
    // A foreign file is found before the first one of ours is written.
    for (file, _) in wanted {
        file.is_ours().map_err(|fault| failed(&fault, sudo))?;
    }
    for (file, content) in wanted {
        let left = file.write(content).map_err(|fault| failed(&fault, sudo))?;
        told(invocation, file, left)?;
    }
    if tells_udev {
        tell_udev()?;
        invocation.say("udev has read the rule; what is plugged in was looked at again.");
        invocation.say("Already logged in? Then once, as yourself: systemctl --user daemon-reload");
    }
    Ok(ExitCode::Done)
}

fn uninstall(invocation: &Invocation<'_>, root: Option<&Path>) -> Outcome {
    let sudo = format!("sudo {} udev uninstall", program_word(invocation));
    let files = places(root);
    for file in &files {
        file.is_ours().map_err(|fault| failed(&fault, &sudo))?;
    }
    let mut is_any_gone = false;
    // The unit last: without the rule nothing starts it any more.
    for file in &files {
        let left = file.remove().map_err(|fault| failed(&fault, &sudo))?;
        is_any_gone |= left == Left::Removed;
        told(invocation, file, left)?;
    }
    if root.is_none() && is_any_gone {
        tell_udev()?;
        invocation.say("udev has forgotten the rule.");
    }
    Ok(ExitCode::Done)
}

fn told(invocation: &Invocation<'_>, file: &OwnFile, left: Left) -> Result<(), Failed> {
    let path = file.path.display().to_string();
    let (text, state) = match left {
        Left::Written => (format!("Wrote {}.", shown(&path)), "written"),
        Left::Replaced => (format!("Replaced {}.", shown(&path)), "replaced"),
        Left::Kept => (format!("{} is as it should be.", shown(&path)), "kept"),
        Left::Removed => (format!("Removed {}.", shown(&path)), "removed"),
        Left::Absent => (format!("{} is not there.", shown(&path)), "absent"),
    };
    let line = FileLine { kind: "udev-file", path, state: Some(state), content: None };
    invocation.done(text, &line)
}

/// The command that does the same as root, who has another home, and so another database and other profiles.
fn sudo_command(invocation: &Invocation<'_>, repeated: &str) -> String {
    format!("sudo {} udev install{repeated}", program_word(invocation))
}

/// sudo looks for programs in folders of its own, so this one is named by its whole path.
fn program_word(invocation: &Invocation<'_>) -> String {
    let path = invocation.world.program_path();
    path.map_or_else(|_| String::from("tetherbook"), |path| shell_word(&path.display().to_string()))
}

fn failed(fault: &FileFault, sudo: &str) -> Failed {
    match fault {
        FileFault::Foreign(path) => Failed::general(
            format!("{} was not made by Tetherbook, and is left as it is", path.display()),
            "look at it and move it away; tetherbook udev install --print shows what would stand there",
        ),
        FileFault::Io { path, error, .. } if error.kind() == ErrorKind::PermissionDenied => {
            Failed::general(format!("only root may change {}", path.display()), sudo)
        }
        FileFault::Io { path, error, doing } => Failed::file(doing, path, error),
    }
}

/// Lets udev read its rules anew, and look again at phones that are plugged in.
fn tell_udev() -> Result<(), Failed> {
    udev_files::tell_udev(|arguments| Command::new("udevadm").args(arguments).output()).map_err(|reason| {
        Failed::general(
            format!("the files are in place, but udev was not told: {reason}"),
            "as root: udevadm control --reload; then plug the phone in again",
        )
    })
}
