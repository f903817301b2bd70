//! Cards as lines of text: the tokens in them, and edits of one field. It must not use the product's vCard code.

use std::collections::BTreeSet;

use crate::decsync_app::vcard::{name, unfolded};

/// Fields that a card holds once; a new value takes the place of the old one.
pub const SINGLES: [&str; 4] = ["NOTE", "TITLE", "NICKNAME", "ORG"];
/// Fields that a card holds many times.
pub const MULTIPLES: [&str; 2] = ["TEL", "EMAIL"];

/// The lines of a new card.
pub fn new_lines(mark: u32, uid: Option<&str>) -> Vec<String> {
    let mut lines = vec!["VERSION:3.0".to_owned()];
    lines.extend(uid.map(|uid| format!("UID:{uid}")));
    lines.push(format!("FN:Zoë idq{mark:04}"));
    lines.push(format!("N:idq{mark:04};Zoë;;;"));
    lines
}

/// The line that says a token.
pub fn line_of(slot: &str, token: u32) -> String {
    match slot {
        "TEL" => format!("TEL;TYPE=CELL:+4930{token:05}"),
        "EMAIL" => format!("EMAIL;TYPE=HOME:tk{token:05}x@example.org"),
        _ => format!("{slot}:tk{token:05}x"),
    }
}

/// Says a token in a field: instead of what was there if it is single, else besides.
pub fn set(lines: &mut Vec<String>, slot: &str, token: u32) {
    if SINGLES.contains(&slot) {
        lines.retain(|line| name(line) != slot);
    }
    lines.push(line_of(slot, token));
}

/// Takes a token's line away.
pub fn unset(lines: &mut Vec<String>, token: u32) {
    lines.retain(|line| !tokens(line).contains(&token));
}

/// The tokens in a text.
pub fn tokens(text: &str) -> BTreeSet<u32> {
    let text = unfolded(text).join("\n");
    let mut found = numbers_after(&text, "+4930");
    found.extend(numbers_after(&text, "tk"));
    found
}

/// The mark by which a card is known whatever else becomes of it.
pub fn mark(text: &str) -> Option<u32> {
    let text = unfolded(text).join("\n");
    text.split("idq").nth(1)?.get(..4)?.parse().ok()
}

fn numbers_after(text: &str, prefix: &str) -> BTreeSet<u32> {
    let number = |at: usize| text.get(at + prefix.len()..at + prefix.len() + 5)?.parse().ok();
    text.match_indices(prefix).filter_map(|(at, _)| number(at)).collect()
}
