//! `state`: the sync states, shown and decoded. It changes none.

use std::io::Read;

use crate::ics::{IdSet, StateRanges, SyncState, idset_in_words, ranges_by_replica};
use crate::provider::{Direction, Ledger};
use crate::report::{ExitCode, Label, Line, hanging, paragraph, shown};
use crate::store::RelationshipLedger;

use super::arguments::{StateAction, StateArguments};
use super::failure::Failed;
use super::invocation::{Invocation, Outcome};

/// So many ranges of a set are told; the others are counted.
const RANGES_MAX: usize = 8;
/// The most hexadecimal digits that are read from stdin.
const HEX_BYTES_MAX: u64 = 64 << 20;

/// Runs `state`.
pub fn run(invocation: &Invocation<'_>, arguments: &StateArguments) -> Outcome {
    match &arguments.action {
        None | Some(StateAction::Show) => show(invocation),
        Some(StateAction::Decode { hex, whole }) => decode(invocation, hex, *whole),
    }
}

fn show(invocation: &Invocation<'_>) -> Outcome {
    let store = invocation.open_for_reading()?;
    let relationships = store.relationships()?;
    for relationship in &relationships {
        let ledger = RelationshipLedger::new(&store, relationship.id);
        let directions = [
            (Direction::PhoneToPc, "phone-to-pc", "What the PC has of the phone"),
            (Direction::PcToPhone, "pc-to-phone", "What the phone has of the PC"),
        ];
        for (direction, name, words) in directions {
            let state = ledger.state(direction)?;
            let hex = to_hex(&state.to_bytes());
            if invocation.global.json {
                invocation.json(&serde_json::json!({
                    "type": "state", "phone": relationship.phone_label, "book": relationship.book,
                    "direction": name, "state": StateRanges::from(&state), "hex": hex,
                }))?;
                continue;
            }
            let title =
                format!("{} ⇄ {}, {name}", shown(&relationship.phone_label), shown(&relationship.book));
            let mut lines = vec![Line::new().with(Label::Strong, &title)];
            lines.extend(paragraph(Label::Quiet, &format!("{words}:"), 0));
            for (label, set) in [("items given", &state.given), ("changes seen", &state.seen)] {
                let start = Line::new().with(Label::Plain, "  ").with(Label::Plain, label).padded_to(16);
                lines.extend(hanging(start, Label::Plain, &set_words(set), 16));
            }
            // Not wrapped: it is meant to be copied.
            lines.push(Line::new().with(Label::Plain, "  hex").padded_to(16).with(Label::Plain, &hex));
            invocation.result_lines(&lines)?;
        }
    }
    if relationships.is_empty() && !invocation.global.json {
        invocation.say("Nothing was synced yet. Try: tetherbook sync --dry-run");
    }
    Ok(ExitCode::Done)
}

fn set_words(set: &IdSet) -> String {
    if set.is_empty() { "none".to_owned() } else { idset_in_words(set, RANGES_MAX).join("; ") }
}

fn decode(invocation: &Invocation<'_>, words: &[String], whole: bool) -> Outcome {
    let text = if words == ["-"] { stdin(invocation)? } else { words.concat() };
    let bytes = from_hex(&text)?;
    let hint = if whole {
        "a state begins with 01; without --whole a single set is decoded"
    } else {
        "a set is a 16-byte GUID and its commands (MS-OXCFXICS 2.2.2.4); a whole state needs --whole"
    };
    let fault = |error: crate::ics::DecodeError| Failed::general(error.to_string(), hint);
    if whole {
        let state = SyncState::from_bytes(&bytes).map_err(fault)?;
        if invocation.global.json {
            invocation.json(&StateRanges::from(&state))?;
            return Ok(ExitCode::Done);
        }
        let sets = [
            ("items given", &state.given),
            ("changes seen", &state.seen),
            ("changes of associated items seen", &state.seen_fai),
            ("changes of read marks seen", &state.read),
        ];
        for (label, set) in sets {
            invocation.result(format_args!("{label}: {}", set_words(set)))?;
        }
        return Ok(ExitCode::Done);
    }
    let set = IdSet::from_bytes(&bytes).map_err(fault)?;
    if invocation.global.json {
        invocation.json(&ranges_by_replica(&set))?;
    } else {
        invocation.result(set_words(&set))?;
    }
    Ok(ExitCode::Done)
}

fn stdin(invocation: &Invocation<'_>) -> Result<String, Failed> {
    let mut text = String::new();
    let mut stdin = invocation.world.stdin.borrow_mut();
    stdin.by_ref().take(HEX_BYTES_MAX).read_to_string(&mut text).map_err(|error| {
        Failed::general(format!("stdin cannot be read: {error}"), "give hexadecimal digits, not bytes")
    })?;
    Ok(text)
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Digits in pairs; white space and a leading `0x` do not count.
fn from_hex(text: &str) -> Result<Vec<u8>, Failed> {
    let hint = "give pairs of hexadecimal digits";
    let text = text.trim();
    let text = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut half: Option<u8> = None;
    for (position, letter) in text.chars().filter(|letter| !letter.is_whitespace()).enumerate() {
        let digit = letter.to_digit(16).and_then(|digit| u8::try_from(digit).ok()).ok_or_else(|| {
            Failed::general(format!("{letter:?} is no hexadecimal digit (at byte {})", position / 2), hint)
        })?;
        half = match half.take() {
            None => Some(digit << 4),
            Some(high) => {
                bytes.push(high | digit);
                None
            }
        };
    }
    match half {
        Some(_) => {
            Err(Failed::general(format!("half a byte is missing at the end (at byte {})", bytes.len()), hint))
        }
        None => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_read_with_spaces_and_told_where_it_is_wrong() {
        assert_eq!(from_hex("0x0A ff\n").unwrap(), [0x0a, 0xff]);
        assert_eq!(from_hex("").unwrap(), [0_u8; 0]);
        assert_eq!(from_hex("00 0g").unwrap_err().message, "'g' is no hexadecimal digit (at byte 1)");
        assert_eq!(from_hex("00 0").unwrap_err().message, "half a byte is missing at the end (at byte 1)");
        assert_eq!(to_hex(&[0, 255]), "00ff");
    }
}
