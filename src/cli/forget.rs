//! `forget`: takes a pairing back. Contacts stay where they are, on both sides.

use crate::agent::phone_in_words;
use crate::provider::Ledger;
use crate::report::{ExitCode, Label, Line, count, count_of, hanging, shown};
use crate::store::{KnownPhone, RelationshipLedger, Store};

use super::arguments::ForgetArguments;
use super::failure::Failed;
use super::invocation::{Invocation, Outcome};
use super::phone_name::{known_phone, quoted};
use super::sync::shell_word;

/// What is lost with the memory of a phone.
struct Memory {
    links: usize,
    conflicts: usize,
}

/// Runs `forget`.
pub fn run(invocation: &Invocation<'_>, arguments: &ForgetArguments) -> Outcome {
    let (phone, memory) = {
        let store = invocation.open_for_reading()?;
        let phone = known_phone(&store, &arguments.phone)?;
        let memory = memory_of(&store, &phone)?;
        (phone, memory)
    };
    if phone.pairing.is_none() && !arguments.memory {
        return Err(Failed::general(
            format!("{} is not paired", phone_in_words(&phone)),
            format!(
                "nothing syncs with it by itself; to compare everything anew at its next sync: tetherbook forget {} \
                 --memory",
                shell_word(&arguments.phone)
            ),
        ));
    }
    if arguments.memory && !arguments.yes && !confirmed(invocation, &phone, &memory)? {
        invocation.say("Nothing was forgotten.");
        return Ok(ExitCode::Done);
    }
    let (_lock, store) = invocation.open_for_writing()?;
    store.begin()?;
    store.forget(phone.id)?;
    if arguments.memory {
        store.forget_memory(phone.id)?;
    }
    store.commit()?;
    let address = phone.sighting.serial.clone().unwrap_or_default();
    let name = phone.pairing.as_ref().map(|pairing| pairing.name.clone());
    if invocation.global.json {
        invocation.json(&serde_json::json!({
            "type": "forgotten", "name": name, "address": address, "memory": arguments.memory,
        }))?;
    } else if !invocation.global.quiet {
        let what = quoted(name.as_deref().unwrap_or(&phone.sighting.label));
        let first = format!("Forgot {what} ({}).", shown(&address));
        let trigger = if address.starts_with("usb") { "Plugging it in syncs nothing any more. " } else { "" };
        let next = if arguments.memory {
            "a next sync compares both sides as at the first time"
        } else {
            "a next sync goes on where the last one ended"
        };
        let rest = format!("{trigger}Contacts stay where they are, on both sides; {next}.");
        let mut lines = vec![Line::new().with(Label::Plain, &first)];
        lines.extend(hanging(Line::new(), Label::Plain, &rest, 0));
        invocation.result_lines(&lines)?;
    }
    Ok(ExitCode::Done)
}

fn memory_of(store: &Store, phone: &KnownPhone) -> Result<Memory, Failed> {
    let mut memory = Memory { links: 0, conflicts: 0 };
    for row in store.relationships()?.into_iter().filter(|row| row.phone == phone.id) {
        let ledger = RelationshipLedger::new(store, row.id);
        memory.links += ledger.link_count()?;
        memory.conflicts += ledger.open_conflicts()?.len();
    }
    Ok(memory)
}

/// Asks, for what is remembered cannot be had back; only a clear yes is one.
fn confirmed(invocation: &Invocation<'_>, phone: &KnownPhone, memory: &Memory) -> Result<bool, Failed> {
    let mut lost = format!("which {} belong together", count(memory.links, "contact"));
    if memory.conflicts > 0 {
        lost += &format!(
            ", and {} for a decision",
            count_of(memory.conflicts, "field that waits", "fields that wait")
        );
    }
    let terminal = invocation.world.terminal;
    if !terminal.stdin || !terminal.stderr {
        return Err(Failed::usage(
            format!("that forgets {lost}, and there is nobody to ask"),
            "add --yes if it is meant; without --memory only the pairing is forgotten",
        ));
    }
    invocation.confirm(&format!("Forget {} and {lost}?", shown(&phone_in_words(phone))))
}
