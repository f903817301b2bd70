//! The probe that `pair` offers: asks, lets the agent do it, and says what the phone cannot hold.

use crate::agent::{self, Introduction, Met, Probed};
use crate::device::{ChannelKind, PhoneAddress};
use crate::report::{Line, enumeration, hanging};
use crate::store::Store;

use super::arguments::PairArguments;
use super::failure::Failed;
use super::invocation::Invocation;
use super::phone;

/// Whether the phone is to be probed: as the flags say, else as the person answers, else not.
///
/// # Errors
/// When the answer cannot be read.
pub fn is_wanted(
    invocation: &Invocation<'_>,
    arguments: &PairArguments,
    met: &Met<'_>,
) -> Result<bool, Failed> {
    let contacts = &met.profile().contacts;
    // Files that an app reads and writes are held byte for byte, which says nothing of the app.
    let tells_something = contacts.channel == ChannelKind::VcardFolder && contacts.writable;
    if arguments.probe || arguments.no_probe {
        return Ok(arguments.probe);
    }
    let terminal = invocation.world.terminal;
    if !tells_something || !terminal.stdin || !terminal.stderr || invocation.global.json {
        return Ok(false);
    }
    invocation.confirm(
        "To learn what this phone can hold, one test card can be written to it, read back and deleted again. Do that now?",
    )
}

/// Probes the phone at that address, which is opened for writing, remembers what was found, and tells it.
///
/// # Errors
/// When the phone or the store cannot be used.
pub fn run(
    invocation: &Invocation<'_>,
    store: &Store,
    address: &PhoneAddress,
    introduction: &Introduction<'_, '_>,
) -> Result<(), Failed> {
    let connected = phone::open_phone(invocation.world, store, introduction.profiles, address, None)?;
    let mut met = agent::meet(connected, introduction)?;
    let Some(probed) = agent::probe(&mut met)? else {
        return invocation.done(
            "A probe would tell nothing here: what the phone's app makes of the files shows only there.",
            &serde_json::json!({"type": "probe", "possible": false}),
        );
    };
    probed.keep(store, &met)?;
    let contacts = &met.profile().contacts;
    let lost = agent::lost_words(&contacts.projection().narrowed_by(&probed.learned), &contacts.dialect);
    if invocation.global.json {
        return invocation.json(&serde_json::json!({
            "type": "probe", "possible": true, "cannot_hold": lost, "reencodes": probed.reencodes,
            "remarks": probed.learned.remarks(),
        }));
    }
    invocation.result_lines(&lines(&probed, &lost))
}

fn lines(probed: &Probed, lost: &[String]) -> Vec<Line> {
    let mut text = match (lost, probed.reencodes) {
        ([], false) => String::from("Probed: it keeps a card byte for byte."),
        ([], true) => String::from("Probed: it writes cards in its own way, and keeps all that they say."),
        (lost, _) => format!(
            "Probed: it cannot hold {}. What it cannot hold stays on the PC and is never taken for an edit.",
            enumeration(lost)
        ),
    };
    for remark in probed.learned.remarks() {
        text.push(' ');
        text.push_str(&remark);
    }
    hanging(Line::new(), crate::report::Label::Plain, &text, 0)
}
