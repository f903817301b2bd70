//! `profiles new`: a device profile to begin with, filled from a phone's introduction and from another profile, every
//! key with a word on what it is for. The phone is only read.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::device::{DeviceIdentity, DeviceProfile, Example, Match, ProfileSet};
use crate::report::{ExitCode, shown};

use super::arguments::ProfilesNewArguments;
use super::failure::Failed;
use super::invocation::{Invocation, Outcome};
use super::paths;
use super::phone;
use super::phone_name::named_phone;
use super::profiles::profile_of;
use super::profiles_check::{connect, device_name};
use super::sync::shell_word;

/// The profile that a new one begins with if nothing says which.
const USUAL_BASE: &str = "generic";
/// The longest id that is made of a name, in letters.
const ID_LETTERS_MAX: usize = 40;

/// Runs `profiles new`.
pub fn run(invocation: &Invocation<'_>, arguments: &ProfilesNewArguments) -> Outcome {
    let profiles = phone::profiles(invocation.world)?;
    let from = arguments.from.as_deref().map(|id| profile_of(&profiles, id)).transpose()?;
    let stem = arguments.output.as_deref().map(stem_of).transpose()?;
    let device = match &arguments.phone {
        None => None,
        Some(named) => {
            let phone = named_phone(invocation, Some(named))?;
            let mut connected = connect(invocation, &profiles, &phone)?;
            let identity = connected.tree.identity().clone();
            connected.tree.close();
            Some(identity)
        }
    };
    let profile = draft(&profiles, from, device.as_ref(), arguments.name.as_deref(), stem)?;
    let text = commented(&profile)?;
    // What is handed out must be what the program takes.
    DeviceProfile::parse(&format!("{}.toml", profile.id), &text)?;
    tell(invocation, arguments, &profile, &text, device.as_ref())
}

fn tell(
    invocation: &Invocation<'_>,
    arguments: &ProfilesNewArguments,
    profile: &DeviceProfile,
    text: &str,
    device: Option<&DeviceIdentity>,
) -> Outcome {
    if let Some(file) = &arguments.output {
        write_new(file, text)?;
    }
    if invocation.global.json {
        invocation.json(&serde_json::json!({
            "type": "profile-draft", "id": profile.id, "file": arguments.output, "toml": text,
        }))?;
        return Ok(ExitCode::Done);
    }
    if arguments.output.is_none() {
        invocation.result_bytes(text.as_bytes())?;
    }
    let folder = paths::device_profiles(invocation.world);
    let folder = folder.map_or_else(|| String::from("its folder"), |folder| folder.display().to_string());
    let place = shell_word(&format!("{folder}/{}.toml", profile.id));
    if let Some(device) = device {
        invocation.say(format_args!("It is for {}, and holds no serial number.", device_name(device)));
    }
    match &arguments.output {
        None => invocation.say(format_args!("Save it as {place}")),
        Some(file) => invocation.say(format_args!("Wrote {}. It counts once it is {place}", file.display())),
    }
    let phone = arguments.phone.as_deref().map(shell_word);
    let flag = phone.map_or_else(String::new, |phone| format!("--phone {phone} "));
    invocation.say(format_args!("Then: tetherbook profiles check {flag}{place}"));
    Ok(ExitCode::Done)
}

/// The id that a file's name says.
fn stem_of(file: &Path) -> Result<String, Failed> {
    if file.is_dir() {
        return Err(Failed::usage(
            format!("{} is a folder, not a file", file.display()),
            format!("name a file in it: --output {}", file.join("my-phone.toml").display()),
        ));
    }
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    match name.strip_suffix(".toml").filter(|stem| !stem.is_empty()) {
        Some(stem) => Ok(stem.to_owned()),
        None => Err(Failed::usage(
            format!("{name} is no name for a profile"),
            "its name is its id and .toml: --output my-phone.toml",
        )),
    }
}

fn write_new(file: &Path, text: &str) -> Result<(), Failed> {
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Failed::general(
            format!("{} exists, and was left as it is", file.display()),
            "name another file with --output, or move that one away",
        ),
        _ => Failed::file("written", file, &error),
    };
    let mut made = fs::OpenOptions::new().write(true).create_new(true).open(file).map_err(failed)?;
    made.write_all(text.as_bytes()).map_err(failed)
}

/// The new profile. What a person must still say is left as the base says it.
fn draft(
    profiles: &ProfileSet,
    from: Option<&DeviceProfile>,
    device: Option<&DeviceIdentity>,
    name: Option<&str>,
    stem: Option<String>,
) -> Result<DeviceProfile, Failed> {
    let base = match (from, device) {
        (Some(from), _) => from,
        (None, Some(device)) => match profiles.choose(device) {
            Some(chosen) => chosen,
            None => profile_of(profiles, USUAL_BASE)?,
        },
        (None, None) => profile_of(profiles, USUAL_BASE)?,
    };
    let mut profile = base.clone();
    profile.name = match (name.map(str::trim).filter(|name| !name.is_empty()), device) {
        (Some(name), _) => shown(name),
        (None, Some(device)) => device_name(device),
        (None, None) => format!("{} of my own", base.name),
    };
    if let Some(device) = device {
        profile.maker = device.manufacturer.trim().to_owned();
        profile.matches = criteria(device);
        profile.examples = vec![example(device)];
    }
    profile.id = stem.unwrap_or_else(|| {
        let id = id_of(&profile.name);
        // It must not take another one's place by chance.
        if profiles.by_id(&id).is_some() { format!("my-{id}") } else { id }
    });
    // Above the one that it began with, so that it wins even among a person's own.
    profile.rank = base.rank.saturating_add(1);
    if let Some(guide) = &mut profile.guide {
        guide.order = 0;
        guide.phone = profile.name.replace('|', "/");
        guide.proved = String::from("nothing yet; say here what you saw on which phone");
    }
    Ok(profile)
}

/// Letters and digits of a name in lower case, everything else as single hyphens.
fn id_of(name: &str) -> String {
    let mut id = String::new();
    for letter in name.to_lowercase().chars().take(ID_LETTERS_MAX) {
        if letter.is_ascii_alphanumeric() {
            id.push(letter);
        } else if !id.is_empty() && !id.ends_with('-') {
            id.push('-');
        }
    }
    let id = id.trim_end_matches('-');
    if id.is_empty() { String::from("my-phone") } else { id.to_owned() }
}

/// Criteria that this device meets and few others do.
fn criteria(device: &DeviceIdentity) -> Match {
    let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    if device.is_directory {
        return Match { directory: Some(true), model: text(&device.model), ..Match::default() };
    }
    Match {
        usb: if device.usb_id == (0, 0) { Vec::new() } else { vec![usb_text(device.usb_id)] },
        manufacturer: text(&device.manufacturer),
        model: text(&device.model),
        ..Match::default()
    }
}

fn usb_text((vendor, product): (u16, u16)) -> String {
    format!("{vendor:04x}:{product:04x}")
}

/// The device's introduction, without its serial number.
fn example(device: &DeviceIdentity) -> Example {
    let codes = |codes: &[u16]| codes.iter().map(|code| format!("{code:04X}")).collect();
    Example {
        directory: device.is_directory,
        usb: if device.usb_id == (0, 0) { String::new() } else { usb_text(device.usb_id) },
        manufacturer: device.manufacturer.clone(),
        model: device.model.clone(),
        vendor_extension: device.vendor_extension.clone(),
        formats: codes(&device.formats),
        operations: codes(&device.operations),
    }
}

/// What is said above a section or a key: section, key (empty for the section itself), words.
const COMMENTS: &[(&str, &str, &str)] = &[
    ("", "name", "What people call such a device."),
    ("", "notes", "What a person should know about contacts on it."),
    (
        "",
        "rank",
        "Where several profiles match a phone, the highest rank goes first; your own go before\n\
     all others, those for DecSync and exports too.",
    ),
    ("guide", "", "What a person needs to know before trying it; a profile of your own may do without."),
    (
        "match",
        "",
        "Which devices: every criterion must hold. Take out what is only so on your own phone.\n\
     A text is a part of what the phone says, or with * and ? a pattern of all of it.",
    ),
    ("contacts", "", "How the phone carries contacts."),
    ("contacts", "channel", "vcard-folder, decsync or export; see docs/profiles.md."),
    ("contacts", "folders", "Where to look on each storage, best first; \".\" is the storage's root."),
    ("contacts", "object_format", "The MTP object format that cards are sent with."),
    ("contacts", "writable", "false: the phone is only read."),
    ("contacts", "card_bytes_max", "The largest card, in bytes."),
    ("contacts", "dates", "useless: dates are missing or constant, so that every card is read every time."),
    (
        "contacts",
        "fields",
        "\"all\", or the vCard properties that the phone can hold: [\"N\", \"FN\", \"TEL\"].",
    ),
    ("contacts.names", "", "Which file names it takes; length_max in bytes."),
    ("contacts.dialect", "", "How cards are written: 2.1, 3.0 or 4.0; folding never, photo-only or always."),
    ("contacts.export", "", "What the exported files look like, and how a person exports and imports."),
    ("contacts.limits", "", "What the phone cuts or drops of the fields that it holds."),
    ("quirks", "", "How it departs from the protocol; each flag only if its symptom was seen."),
    ("examples", "", "How such a phone introduces itself. It holds no serial number."),
];

/// The profile as a file in canonical form, with comments.
fn commented(profile: &DeviceProfile) -> Result<String, Failed> {
    let mut text = String::from(
        "# What this phone does, in a sentence or two.\n#\n# Source: how that is known: tried on the phone, or where \
         it is published.\n\n",
    );
    let mut section = String::new();
    for line in profile.to_text()?.lines() {
        let header = line.strip_prefix('[').map(|rest| rest.trim_matches(['[', ']']).to_owned());
        let key = match &header {
            Some(header) => {
                section.clone_from(header);
                ""
            }
            None => line.split_once(" = ").map_or("-", |(key, _)| key),
        };
        let comment = COMMENTS.iter().find(|(of, name, _)| *of == section && *name == key);
        for words in comment.into_iter().flat_map(|(_, _, words)| words.lines()) {
            text.push_str(&format!("# {}\n", words.trim()));
        }
        text.push_str(line);
        text.push('\n');
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_ids() {
        for (name, id) in
            [("My Phone 9", "my-phone-9"), ("  --  ", "my-phone"), ("电话", "my-phone"), ("A/../b", "a-b")]
        {
            assert_eq!(id_of(name), id);
        }
    }

    #[test]
    fn every_built_in_profile_can_be_begun_with() {
        let profiles = ProfileSet::built_in().unwrap();
        for base in profiles.all() {
            let profile = draft(&profiles, Some(base), None, Some("Mine | \"x\"\n#"), None).unwrap();
            let text = commented(&profile).unwrap();
            let read = DeviceProfile::parse("mine-x.toml", &text).unwrap();
            assert_eq!(read, profile, "{}", base.id);
        }
    }

    #[test]
    fn every_comment_is_about_something_that_is_there() {
        let profiles = ProfileSet::built_in().unwrap();
        let all: String = profiles.all().iter().map(|profile| profile.to_text().unwrap()).collect();
        for (section, key, _) in COMMENTS {
            let is_later = matches!(*section, "contacts.export" | "contacts.limits");
            let is_there = match *key {
                "" => all.contains(&format!("[{section}]")),
                key => all.contains(&format!("\n{key} = ")),
            };
            assert!(is_there || is_later, "{section} {key}");
        }
    }
}
