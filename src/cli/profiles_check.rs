//! `profiles check`: whether device profiles can be used, what is odd about them, and what they would find on a phone.
//! The phone is only read.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::rc::Rc;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::agent::ConnectedPhone;
use crate::device::{
    Access, ChannelChoices, ChannelOptions, DeviceIdentity, DeviceProfile, NoMemory, ProfileSet, open_channel,
};
use crate::ics::Guid;
use crate::provider::{Completeness, ProviderError, SimpleProvider};
use crate::report::{ExitCode, Label, Line, count, hanging, shown};

use super::arguments::ProfilesCheckArguments;
use super::failure::Failed;
use super::invocation::{Invocation, Outcome};
use super::phone;
use super::phone_name::{NamedPhone, named_phone};
use super::profiles_fault::fault;
use super::profiles_oddities::{Oddity, oddities, unmet_words};
use super::sync::shell_word;

/// Where what was found begins, in columns.
const TEXT_COLUMN: usize = 6;

/// What came of one file.
struct Checked {
    file: String,
    profile: Result<DeviceProfile, Failed>,
    oddities: Vec<Oddity>,
    tried: Option<Tried>,
}

/// What came of trying a profile on a phone.
struct Tried {
    device: String,
    /// The criteria that the phone does not meet, in words.
    unmet: Vec<String>,
    /// The profile that it gets instead, although it meets them.
    winner: Option<String>,
    /// What the profile finds, or why nothing.
    found: Result<Found, Failed>,
}

/// The contacts on a phone.
struct Found {
    /// As storage and path, if there is such a place yet.
    place: Option<String>,
    contacts: usize,
    doubt: Option<String>,
}

/// Runs `profiles check`.
pub fn run(invocation: &Invocation<'_>, arguments: &ProfilesCheckArguments) -> Outcome {
    let built_in = ProfileSet::built_in()?;
    // A faulty profile of one's own may be the one that is checked.
    let own = phone::profiles(invocation.world);
    let known = own.as_ref().unwrap_or(&built_in);
    let phone = arguments.phone.as_deref().map(|named| named_phone(invocation, Some(named))).transpose()?;
    let mut is_well = true;
    for file in &arguments.files {
        let checked = check(invocation, file, known, &built_in, phone.as_ref())?;
        is_well &= checked.profile.is_ok();
        if invocation.global.json {
            invocation.json(&checked.json())?;
        } else {
            invocation.result_lines(&checked.lines(invocation.global.quiet))?;
        }
    }
    match own {
        Err(failed) if is_well => {
            invocation.warn(format_args!("Meanwhile no phone is synced: {}", shown(&failed.message)));
        }
        _ => {}
    }
    Ok(if is_well { ExitCode::Done } else { ExitCode::Failed })
}

fn check(
    invocation: &Invocation<'_>,
    file: &Path,
    known: &ProfileSet,
    built_in: &ProfileSet,
    phone: Option<&NamedPhone>,
) -> Result<Checked, Failed> {
    let label = if file == Path::new("-") { String::from("stdin") } else { file.display().to_string() };
    let profile = match parse(invocation, file) {
        Ok(profile) => profile,
        Err(failed) => {
            return Ok(Checked { file: label, profile: Err(failed), oddities: Vec::new(), tried: None });
        }
    };
    let mut all = known.clone();
    all.try_out(profile.clone(), file);
    let oddities = oddities(&profile, &all, built_in);
    let tried = phone.map(|phone| try_on(invocation, &profile, &all, phone)).transpose()?;
    Ok(Checked { file: label, profile: Ok(profile), oddities, tried })
}

/// The id alone, for what comes from stdin and has no file's name.
#[derive(Deserialize)]
struct IdAlone {
    id: String,
}

fn parse(invocation: &Invocation<'_>, file: &Path) -> Result<DeviceProfile, Failed> {
    let (name, text) = if file == Path::new("-") {
        let mut text = String::new();
        let read = invocation.world.stdin.borrow_mut().read_to_string(&mut text);
        read.map_err(|error| {
            Failed::general(format!("stdin cannot be read: {error}"), "give a profile as UTF-8 text")
        })?;
        let id = toml::from_str::<IdAlone>(&text).map(|alone| alone.id).unwrap_or_default();
        (format!("{id}.toml"), text)
    } else {
        if file.is_dir() {
            let files = file.join("*.toml");
            return Err(Failed::general(
                format!("{} is a folder, not a file", file.display()),
                format!("tetherbook profiles check {}", files.display()),
            ));
        }
        let bytes = fs::read(file).map_err(|error| Failed::file("read", file, &error))?;
        let text = String::from_utf8(bytes).map_err(|_| {
            Failed::general(format!("{} is not UTF-8 text", file.display()), "save it as UTF-8")
        })?;
        (file.file_name().unwrap_or_default().to_string_lossy().into_owned(), text)
    };
    DeviceProfile::parse(&name, &text).map_err(|error| fault(&name, &text, &error))
}

/// Opens a phone, so that its introduction can be read.
pub fn connect(
    invocation: &Invocation<'_>,
    profiles: &ProfileSet,
    phone: &NamedPhone,
) -> Result<ConnectedPhone, Failed> {
    let store = invocation.open_for_reading()?;
    phone::open_phone(invocation.world, &store, profiles, &phone.address, None)
}

/// What a device calls itself.
pub fn device_name(device: &DeviceIdentity) -> String {
    let name = format!("{} {}", device.manufacturer.trim(), device.model.trim());
    let name = shown(name.trim());
    if name.is_empty() { String::from("the phone") } else { name }
}

fn try_on(
    invocation: &Invocation<'_>,
    profile: &DeviceProfile,
    all: &ProfileSet,
    phone: &NamedPhone,
) -> Result<Tried, Failed> {
    let ConnectedPhone { mut tree, .. } = connect(invocation, all, phone)?;
    let identity = tree.identity().clone();
    let unmet: Vec<String> = profile.matches.unmet(&identity).iter().map(unmet_words).collect();
    let first = all.candidates(&identity).first().map(|first| first.id.clone());
    let winner = first.filter(|first| unmet.is_empty() && *first != profile.id);
    let options = ChannelOptions {
        access: Access::ReadOnly,
        guid_if_unmarked: Guid::from_random([0; 16]),
        known_guids: Vec::new(),
        label: String::new(),
        clock: Rc::clone(&invocation.world.clock),
        randomness: Rc::clone(&invocation.world.randomness),
        memory: &NoMemory,
        choices: ChannelChoices::default(),
    };
    // A phone that shows nothing is locked, whatever the profile.
    tree.storages().map_err(Failed::from)?;
    let found = look(open_channel(tree, &[profile], None, options)).map_err(Failed::from);
    Ok(Tried { device: device_name(&identity), unmet, winner, found })
}

fn look(
    opened: Result<(Box<dyn crate::device::Channel + '_>, &DeviceProfile), ProviderError>,
) -> Result<Found, ProviderError> {
    let (mut channel, _) = opened?;
    let listing = channel.list()?;
    let place = channel.place().map(str::to_owned);
    channel.close();
    let doubt = match listing.completeness {
        Completeness::Complete | Completeness::PresentOnly(_) => None,
        Completeness::Incomplete(why) => Some(why),
    };
    Ok(Found { place, contacts: listing.entries.len(), doubt })
}

impl Tried {
    /// Whether the phone would get the profile, and what it finds there, in words; each with whether that is well.
    fn words(&self, id: &str) -> Vec<(bool, String)> {
        let device = &self.device;
        let all_the_same = format!("sync --profile {} takes it all the same", shell_word(id));
        let (is_meant, choice) = match (self.unmet.as_slice(), &self.winner) {
            ([], None) => (true, format!("{device} would get this profile")),
            ([], Some(winner)) => (
                false,
                format!(
                    "{device} would get the profile {winner} first, which has the higher rank; {all_the_same}"
                ),
            ),
            (unmet, _) => {
                let unmet = unmet.join("; ");
                (false, format!("{device} would not get this profile: {unmet}; {all_the_same}"))
            }
        };
        let contacts = match &self.found {
            Ok(Found { place: Some(place), contacts, doubt }) => {
                let doubt = doubt.as_ref().map(|why| format!(", perhaps more: {why}")).unwrap_or_default();
                Some((true, format!("it finds {} in {place}{doubt}", count(*contacts, "contact"))))
            }
            // What is not there says nothing about a phone that the profile is not for.
            _ if !is_meant => None,
            Ok(Found { place: None, .. }) => {
                Some((true, String::from("its folder is not there yet; the first sync makes it")))
            }
            Err(failed) => Some((false, format!("it finds no contacts: {}", failed.message))),
        };
        std::iter::once((is_meant, choice)).chain(contacts).collect()
    }
}

impl Checked {
    fn lines(&self, is_quiet: bool) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut row = |word: &str, label: Label, text: &str, fix: Option<&str>| {
            let start = Line::new().with(label, word).padded_to(TEXT_COLUMN);
            lines.extend(hanging(start, Label::Plain, &shown(text), TEXT_COLUMN));
            if let Some(fix) = fix {
                let start = Line::new().padded_to(TEXT_COLUMN).with(Label::Strong, "Fix: ");
                lines.extend(hanging(start, Label::Plain, &shown(fix), TEXT_COLUMN + 5));
            }
        };
        match &self.profile {
            Err(failed) => {
                // What could not be read is named in the message.
                let names_it = failed.message.starts_with(&self.file);
                let text = if names_it {
                    failed.message.clone()
                } else {
                    format!("{}: {}", self.file, failed.message)
                };
                row("FAIL", Label::Deleted, &text, failed.hint.as_deref());
            }
            Ok(profile) if !is_quiet => {
                let channel = profile.contacts.channel.words();
                let text = format!("{}: {} ({channel}, rank {})", self.file, profile.name, profile.rank);
                row("ok", Label::New, &text, None);
            }
            Ok(_) => {}
        }
        for oddity in &self.oddities {
            row("warn", Label::Attention, &format!("{}: {}", self.file, oddity.text), Some(&oddity.fix));
        }
        if let (Some(tried), Ok(profile)) = (&self.tried, &self.profile) {
            for (is_well, text) in tried.words(&profile.id) {
                let (word, label) = if is_well { ("ok", Label::New) } else { ("warn", Label::Attention) };
                if !is_well || !is_quiet {
                    row(word, label, &text, None);
                }
            }
        }
        lines
    }

    fn json(&self) -> Value {
        let profile = self.profile.as_ref();
        let failed = profile.err();
        let verdict = match (failed, self.oddities.is_empty()) {
            (Some(_), _) => "fail",
            (None, false) => "warn",
            (None, true) => "ok",
        };
        json!({
            "type": "profile-check", "file": self.file, "verdict": verdict,
            "id": profile.ok().map(|profile| &profile.id),
            "error": failed.map(|failed| json!({"text": failed.message, "fix": failed.hint})),
            "warnings": self.oddities.iter().map(|oddity| json!({"text": oddity.text, "fix": oddity.fix}))
                .collect::<Vec<_>>(),
            "phone": self.tried.as_ref().map(Tried::json),
        })
    }
}

impl Tried {
    fn json(&self) -> Value {
        let found = self.found.as_ref();
        json!({
            "device": self.device, "matches": self.unmet.is_empty(), "unmet": self.unmet, "instead": self.winner,
            "place": found.ok().and_then(|found| found.place.as_ref()),
            "contacts": found.ok().map(|found| found.contacts),
            "complete": found.ok().map(|found| found.doubt.is_none()),
            "why": found.err().map(|failed| &failed.message),
        })
    }
}
