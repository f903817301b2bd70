//! Who may be one person, as lines for people. It decides nothing, and the answer is given elsewhere.

use crate::contact::evidence_words;
use crate::provider::AskedPair;

use super::action_text::titled;
use super::layout::{Label, Line, hanging, paragraph};
use super::words::{count_of, shown};

/// Where the contact's name begins.
const NAME_COLUMN: usize = 13;
/// Where the reasons begin.
const REASONS_COLUMN: usize = 15;
/// So many pairs are listed.
const LISTED_MAX: usize = 20;

/// The pairs that wait for an answer; beyond some, how many more there are.
#[must_use]
pub fn asked_lines(asked: &[AskedPair], verbose: bool) -> Vec<Line> {
    let listed_max = if verbose { usize::MAX } else { LISTED_MAX };
    let mut lines = Vec::new();
    for pair in asked.iter().take(listed_max) {
        let start = Line::new().with(Label::Attention, "? same").padded_to(NAME_COLUMN);
        let phone = pair.phone_card.display_name();
        let there = format!("on the PC; “{}” on the phone, {}", shown(&phone), shown(&pair.place));
        lines.extend(titled(start, &pair.pc_card.display_name(), &there));
        let reasons = format!("{}: {} points", evidence_words(&pair.reasons), pair.score);
        lines.extend(hanging(Line::new().padded_to(REASONS_COLUMN), Label::Quiet, &reasons, REASONS_COLUMN));
    }
    let more = asked.len().saturating_sub(listed_max);
    if more > 0 {
        let pairs = count_of(more, "pair", "pairs");
        lines.extend(hanging(
            Line::new().with(Label::Attention, "? same").padded_to(NAME_COLUMN),
            Label::Plain,
            &format!("and {pairs} more; tetherbook dupes lists them all"),
            NAME_COLUMN,
        ));
    }
    lines
}

/// The sum: how many wait, and where to answer. Nothing if none do.
#[must_use]
pub fn asked_total(asked: usize) -> Vec<Line> {
    if asked == 0 {
        return Vec::new();
    }
    let pairs =
        count_of(asked, "pair may be the same person and waits", "pairs may be the same person and wait");
    paragraph(Label::Attention, &format!("{pairs} for your answer: tetherbook dupes"), 0)
}
