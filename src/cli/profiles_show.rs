//! `profiles show`: one device profile in words. What the words are is decided here; what they mean is `device`'s.

use serde_json::{Value, json};

use crate::contact::{FieldKey, Folding, LineEnd};
use crate::device::{
    ChannelKind, ContactsSection, Dates, DeviceProfile, ExportLayout, ExportSection, Match, ProfileSet,
    Quirks, Transport,
};
use crate::report::{ExitCode, Label, Line, bytes, count_of, hanging, shown};

use super::arguments::ProfilesShowArguments;
use super::failure::Failed;
use super::invocation::{Invocation, Outcome};
use super::phone;
use super::profiles::profile_of;

/// Where texts behind a label begin, in columns.
const TEXT_COLUMN: usize = 14;

/// Runs `profiles show`.
pub fn run(invocation: &Invocation<'_>, arguments: &ProfilesShowArguments) -> Outcome {
    let profiles = phone::profiles(invocation.world)?;
    let profile = profile_of(&profiles, &arguments.id)?;
    if arguments.toml {
        let text = profiles.text_of(&profile.id).unwrap_or_default();
        invocation.result_bytes(text.as_bytes())?;
    } else if invocation.global.json {
        invocation.json(&object(&profiles, profile)?)?;
    } else {
        invocation.result_lines(&lines(&profiles, profile))?;
    }
    Ok(ExitCode::Done)
}

fn object(profiles: &ProfileSet, profile: &DeviceProfile) -> Result<Value, Failed> {
    let whole = serde_json::to_value(profile).map_err(|error| {
        Failed::general(
            format!("the profile {} cannot be written as JSON: {error}", profile.id),
            "use --toml",
        )
    })?;
    Ok(json!({
        "type": "profile-file", "own": profiles.is_own(&profile.id), "file": profiles.place_of(&profile.id),
        "profile": whole,
    }))
}

/// Everything that a profile says, in words.
fn lines(profiles: &ProfileSet, profile: &DeviceProfile) -> Vec<Line> {
    let head = format!("{}: {}", shown(&profile.id), shown(&profile.name));
    let mut lines = vec![Line::new().with(Label::Strong, &head)];
    let mut row = |label: &str, text: &str| {
        if !text.is_empty() {
            let start = Line::new().with(Label::Plain, "  ").with(Label::Plain, label).padded_to(TEXT_COLUMN);
            lines.extend(hanging(start, Label::Plain, &shown(text), TEXT_COLUMN));
        }
    };
    let from = match profiles.place_of(&profile.id) {
        Some(place) => format!("your own, {}", place.display()),
        None => String::from("built in"),
    };
    row("from", &from);
    if let Some(guide) = &profile.guide {
        row("for", &guide.phone);
        row("phone → PC", &guide.to_pc);
        row("PC → phone", &guide.to_phone);
        row("needs", &guide.needs);
        row("known by", &guide.proved);
    }
    row("maker", &profile.maker);
    row("notes", &profile.notes);
    row("devices", &devices_words(&profile.matches, profile.contacts.channel));
    row("rank", &format!("{}; of the profiles that match a phone the highest goes first", profile.rank));
    if profile.transport == Transport::Libmtp {
        row("reached by", "the system's libmtp");
    }
    row("channel", channel_words(&profile.contacts));
    row("looks in", &folders_words(&profile.contacts));
    if let Some(export) = &profile.contacts.export {
        export_rows(export, &mut row);
    }
    row("cards", &cards_words(&profile.contacts));
    row("file names", &names_words(&profile.contacts));
    row("dates", dates_words(profile.contacts.dates));
    let held = held_words(&profile.contacts);
    for (index, text) in held.iter().enumerate() {
        row(if index == 0 { "can hold" } else { "" }, text);
    }
    for (index, name) in profile.quirks.names_on().into_iter().enumerate() {
        let text = format!("{name}: {}", Quirks::meaning(name));
        row(if index == 0 { "quirks" } else { "" }, &text);
    }
    lines
}

/// Which devices meet the criteria.
pub fn devices_words(criteria: &Match, channel: ChannelKind) -> String {
    let mut parts = Vec::new();
    match criteria.directory {
        Some(true) => parts.push(String::from("directories of this computer")),
        Some(false) => parts.push(String::from("no directories of this computer")),
        None => {}
    }
    let mut part = |what: &str, values: &[String], between: &str| {
        if !values.is_empty() {
            parts.push(format!("{what} {}", values.join(between)));
        }
    };
    part("USB id", &criteria.usb, " or ");
    part("manufacturer", criteria.manufacturer.as_slice(), "");
    part("model", criteria.model.as_slice(), "");
    part("vendor extension", criteria.vendor_extension.as_slice(), "");
    part("object formats", &criteria.formats, ", ");
    part("operations", &criteria.operations, ", ");
    part("without the operations", &criteria.operations_absent, ", ");
    match (parts.is_empty(), channel) {
        (false, _) => parts.join("; "),
        (true, ChannelKind::VcardFolder) => String::from("every device"),
        (true, _) => String::from("every device on which its files are found"),
    }
}

fn channel_words(contacts: &ContactsSection) -> &'static str {
    match (contacts.channel, contacts.writable) {
        (ChannelKind::VcardFolder, true) => "one vCard file per contact in one folder; two-way",
        (ChannelKind::VcardFolder, false) => "one vCard file per contact in one folder; only read",
        (ChannelKind::Decsync, true) => "a DecSync directory, which an app keeps in step; two-way",
        (ChannelKind::Decsync, false) => "a DecSync directory, which an app keeps in step; only read",
        (ChannelKind::Export, true) => {
            "files that an app exports; additions go back as a file to open by hand"
        }
        (ChannelKind::Export, false) => "files that an app exports; only read",
    }
}

fn folders_words(contacts: &ContactsSection) -> String {
    let root = |path: &String| if path == "." { String::from("the root") } else { path.clone() };
    let folders: Vec<String> = contacts.folders.iter().map(root).collect();
    match (contacts.channel, folders.is_empty()) {
        (_, true) => String::from("every storage, three folders deep"),
        (ChannelKind::VcardFolder, false) if contacts.writable => {
            format!("{}, on each storage; the first is made if there is none", folders.join(", "))
        }
        (_, false) => format!("{}, on each storage", folders.join(", ")),
    }
}

fn export_rows(export: &ExportSection, row: &mut impl FnMut(&str, &str)) {
    let mut what = format!("named {}", export.names.join(" or "));
    if let Some(version) = export.version {
        what += &format!("; vCard {version}");
    }
    if !export.product.is_empty() {
        what += &format!("; PRODID with “{}”", export.product);
    }
    what += match export.layout {
        ExportLayout::OneFile => "; all contacts in one file, of which the newest complete one counts",
        ExportLayout::OneCardPerFile => "; one file per contact, whose name is no identity",
    };
    row("files", &what);
    let stale = match export.stale_after_days {
        0 => String::from("never stale: exports are made by hand"),
        days => format!("stale after {}", count_of(usize::from(days), "day", "days")),
    };
    row("age", &stale);
    row("to export", &export.how_to_export);
    row("to import", &format!("{} The file is in {}.", export.how_to_import, export.drop_folder));
}

fn cards_words(contacts: &ContactsSection) -> String {
    let folding = match contacts.dialect.folding {
        Folding::Never => "no line folded",
        Folding::PhotoOnly => "no line folded but photos",
        Folding::Always => "long lines folded",
    };
    let line_end = match contacts.dialect.line_end {
        LineEnd::CrLf => "lines end in CR LF",
        LineEnd::Lf => "lines end in LF",
    };
    let most = bytes(u64::from(contacts.card_bytes_max));
    let format = match &contacts.object_format {
        Some(format) => format!("; announced as object format {format}"),
        None => String::new(),
    };
    let version = contacts.dialect.version;
    let letters = if contacts.dialect.ascii { ", in ASCII" } else { "" };
    format!("vCard {version}{letters}, {folding}, {line_end}; at most {most} each{format}")
}

fn names_words(contacts: &ContactsSection) -> String {
    let letters = if contacts.names.ascii { "ASCII only" } else { "any letters" };
    format!("{letters}, at most {} bytes", contacts.names.length_max)
}

fn dates_words(dates: Dates) -> &'static str {
    match dates {
        Dates::TellChanges => "a changed file has another date or size, so that only those are read",
        Dates::Useless => "of no use, so that every card is read in every session",
    }
}

/// What such a device can hold of a contact: the fields, then its limits, if it has any.
fn held_words(contacts: &ContactsSection) -> Vec<String> {
    let named = |name: &str| {
        let words = FieldKey::new(name).label();
        if words == name { words } else { format!("{words} ({name})") }
    };
    // The forms in which a profile says it, so that what is added to it later is shown as well.
    let section = serde_json::to_value(contacts).unwrap_or_default();
    let mut held = match section.get("fields") {
        Some(Value::Array(names)) => {
            let names: Vec<String> = names.iter().filter_map(Value::as_str).map(named).collect();
            vec![format!("only {}; everything else stays on the PC", names.join(", "))]
        }
        _ => vec![String::from("every field")],
    };
    if let Some(Value::Object(limits)) = section.get("limits") {
        held.extend(limits.iter().map(|(key, value)| limit_words(key, value, named)));
    }
    held
}

/// One limit in words.
fn limit_words(key: &str, value: &Value, named: impl Fn(&str) -> String) -> String {
    let table = |words: &str| {
        let entries = value.as_object().into_iter().flatten();
        let property = |name: &str| if name == "*" { String::from("others") } else { named(name) };
        let entries: Vec<String> =
            entries.map(|(name, most)| format!("{}: {most}", property(name))).collect();
        format!("{words}: {}", entries.join(", "))
    };
    let list = || {
        let entries: Vec<&str> = value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        entries.join(", ")
    };
    match (key, value) {
        ("length_max", _) => table("characters at most, of"),
        ("count_max", _) => table("values at most, of"),
        ("components", _) => table("only these parts (from 0), of"),
        ("without", _) => {
            let names = value.as_array().into_iter().flatten().filter_map(Value::as_str).map(named);
            format!("not {}", names.collect::<Vec<_>>().join(", "))
        }
        ("kinds", _) if list().is_empty() => String::from("not what a number or an address is for"),
        ("kinds", _) => format!("only these kinds: {}", list()),
        ("ascii", _) => String::from("ASCII letters only"),
        ("no_preference", _) => String::from("not which of several values is preferred"),
        ("no_parameters", _) => String::from("no parameters beside the kind"),
        ("photo_bytes_max", _) => format!("photos of at most {}", bytes(value.as_u64().unwrap_or_default())),
        (other, value) => format!("{other}: {value}"),
    }
}
