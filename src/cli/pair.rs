//! `pair`: gets to know a phone, gives it a name and a book. It writes to the PC only.

use std::rc::Rc;

use crate::agent::{self, Introduction, PairFailure, Paired};
use crate::device::{Access, ChannelChoices, ChannelKind, NoMemory, ProfileSet};
use crate::relationship::Choices;
use crate::report::{ExitCode, Label, Line, hanging, shown};
use crate::store::Store;

use super::arguments::{PairArguments, choices};
use super::failure::Failed;
use super::invocation::{Invocation, Outcome};
use super::pair_probe;
use super::phone;
use super::phone_name::{named_phone, not_the_named_one, phone_flag, quoted};
use super::profiles::profile_of;
use super::sync::shell_word;

/// Where texts behind a label begin, in columns.
const TEXT_COLUMN: usize = 12;

/// Runs `pair`.
pub fn run(invocation: &Invocation<'_>, arguments: &PairArguments) -> Outcome {
    if let Some(name) = &arguments.name {
        agent::usable_name(name).map_err(|why| Failed::usage(why, "tetherbook pair --name 'My phone'"))?;
    }
    let named = named_phone(invocation, arguments.phone.as_deref())?;
    let world = invocation.world;
    let profiles = phone::profiles(world)?;
    if let Some(id) = &arguments.profile {
        profile_of(&profiles, id)?;
    }
    // The phone first: without one nothing is made on the PC.
    let met = {
        let store = invocation.open_for_reading()?;
        let introduction = introduction(invocation, arguments, &store, &profiles);
        let connected = phone::open_phone(world, &store, &profiles, &named.address, None)?;
        agent::meet(connected, &introduction)?
    };
    if let Some(failed) = named.name.as_deref().and_then(|name| not_the_named_one(name, &met)) {
        return Err(failed);
    }
    let (_lock, store) = invocation.open_for_writing()?;
    let usual = invocation.book_name(None);
    let (name, book) = (arguments.name.as_deref(), arguments.book.as_deref());
    let chance = (&*world.clock, &*world.randomness);
    let paired = agent::pair(&met, &store, name, book, &usual, chance).map_err(Failed::from)?;
    let said = choices(arguments.conflicts, arguments.edit_or_delete);
    let mut chosen = Choices::default();
    if !said.is_empty() {
        let book = invocation.book(&store, &paired.now.book)?;
        let mode = invocation.configuration.mode.unwrap_or_default();
        chosen = agent::choose_for(&store, &met, &book, mode, said)?;
    }
    tell(invocation, &met, &paired, chosen)?;
    let probes = pair_probe::is_wanted(invocation, arguments, &met)?;
    // A phone is opened by one program at a time.
    drop(met);
    if probes {
        let reading = introduction(invocation, arguments, &store, &profiles);
        let introduction = Introduction { access: Access::ReadWrite, ..reading };
        pair_probe::run(invocation, &store, &named.address, &introduction)?;
    }
    Ok(ExitCode::Done)
}

fn introduction<'a, 'p>(
    invocation: &Invocation<'_>,
    arguments: &PairArguments,
    store: &'a Store,
    profiles: &'p ProfileSet,
) -> Introduction<'a, 'p> {
    let world = invocation.world;
    Introduction {
        store,
        memory: &NoMemory,
        profiles,
        clock: Rc::clone(&world.clock),
        randomness: Rc::clone(&world.randomness),
        access: Access::ReadOnly,
        profile: arguments.profile.clone(),
        choices: ChannelChoices { address_book: arguments.address_book.clone(), ..ChannelChoices::default() },
    }
}

impl From<PairFailure> for Failed {
    fn from(failure: PairFailure) -> Self {
        match failure {
            PairFailure::Store(error) => error.into(),
            PairFailure::UnusableName(why) => Self::usage(why, "tetherbook pair --name 'My phone'"),
            PairFailure::NameTaken { name, address } => Self::general(
                format!("{} is the name of another phone, {}", quoted(&name), shown(&address)),
                format!("choose another with --name, or first: tetherbook forget {}", shell_word(&name)),
            ),
        }
    }
}

fn tell(
    invocation: &Invocation<'_>,
    met: &agent::Met<'_>,
    paired: &Paired,
    chosen: Choices,
) -> Result<(), Failed> {
    let now = &paired.now;
    let sighting = met.sighting();
    if invocation.global.json {
        let mut told = serde_json::json!({
            "type": "paired", "name": now.name, "book": now.book, "address": now.address,
            "model": sighting.model, "usb_id": sighting.usb_id, "profile": sighting.profile,
            "has_serial": sighting.has_serial, "replica": sighting.guid, "marked": met.is_marked(),
            "folder": met.place(), "note": met.note(),
            "before": paired.before.as_ref().map(|before| serde_json::json!({"name": before.name, "book": before.book})),
        });
        if let Some(told) = told.as_object_mut().filter(|_| !chosen.is_empty()) {
            told.insert(String::from("chosen"), chosen.to_json());
        }
        return invocation.json(&told);
    }
    if let Some(note) = met.note() {
        invocation.say(note);
    }
    if invocation.global.quiet {
        return Ok(());
    }
    let mut lines = vec![Line::new().with(Label::Strong, &headline(paired))];
    let usb_id = sighting.usb_id.as_deref().map_or_else(String::new, |id| format!(" ({id})"));
    lines.extend(labelled("model", &format!("{}{usb_id}", shown(sighting.model.as_deref().unwrap_or("?")))));
    lines.extend(labelled("address", &shown(&now.address)));
    let is_marked_ever = met.profile().contacts.channel != ChannelKind::Export;
    let known_by = match (sighting.has_serial, met.is_marked()) {
        (true, false) if !is_marked_ever => "its address",
        (false, false) if !is_marked_ever => "its model only: it has no serial number of its own",
        (true, true) => "its address and the marker in its contacts folder",
        (true, false) => "its address; the first sync puts a marker into its contacts folder",
        (false, true) => "the marker in its contacts folder; it has no serial number of its own",
        (false, false) => {
            "its model only: it has no serial number of its own; the first sync puts a marker into its contacts \
             folder, by which it is known from then on"
        }
    };
    lines.extend(labelled("known by", known_by));
    if let Some(words) = chosen.words() {
        lines.extend(labelled("chosen", &words));
    }
    let folder = met.place().map_or_else(|| "none yet; the first sync makes one".to_owned(), shown);
    if met.profile().contacts.channel == ChannelKind::Export {
        let words = "two-way, by hand on the phone: a sync leaves new contacts in a file to open there, and lists edits and \
                     deletions to do there";
        lines.extend(labelled("contacts", words));
    }
    lines.extend(labelled("folder", &format!("{folder} (profile {})", sighting.profile)));
    lines.push(Line::new());
    let next = if now.address.starts_with("usb") {
        "Nothing was written to the phone. When the plug-in trigger is installed, plugging it in syncs."
    } else {
        "Nothing was written there. It is no phone on the cable, so nothing syncs by itself."
    };
    lines.extend(hanging(Line::new(), Label::Plain, next, 0));
    let flag = phone_flag(&now.name);
    lines.push(Line::new().with(Label::Plain, &format!("Look first: tetherbook sync {flag} --dry-run")));
    invocation.result_lines(&lines)
}

/// What was done, in a line.
fn headline(paired: &Paired) -> String {
    let Paired { now, before } = paired;
    let (name, book) = (quoted(&now.name), quoted(&now.book));
    match before {
        None => format!("Paired {name} with the book {book}."),
        Some(before) if before.name == now.name && before.book == now.book => {
            format!("{name} was paired with the book {book} already.")
        }
        Some(before) if before.name == now.name => {
            format!("{name} now syncs with the book {book}, no longer with {}.", quoted(&before.book))
        }
        Some(before) if before.book == now.book => {
            format!("{} is now called {name}; it syncs with the book {book}.", quoted(&before.name))
        }
        Some(before) => format!(
            "{} is now called {name} and syncs with the book {book}, no longer with {}.",
            quoted(&before.name),
            quoted(&before.book)
        ),
    }
}

fn labelled(label: &str, text: &str) -> Vec<Line> {
    let start = Line::new().with(Label::Plain, "  ").with(Label::Quiet, label).padded_to(TEXT_COLUMN);
    hanging(start, Label::Plain, text, TEXT_COLUMN)
}
