//! The plan for people: a pure function from a [`Plan`] to lines.
//!
//! What it prints is the whole plan, not a sample of it: only new contacts are summed up where they are many, and
//! then it says so and how to see them. It must not print, and it must not decide.

use crate::plan::{Action, Headline, Plan};
use crate::relationship::{Mode, Side};

use super::action_text::{Detail, action_lines, hint_lines, note_lines, sentence_lines, skipped_lines};
use super::asked_text::{asked_lines, asked_total};
use super::layout::{COLUMNS, Label, Line, cut, paragraph, width};
use super::words::{count, count_of, per_side, sentence, shown};
use super::{PerSide, Summary};

/// From so many new contacts on a side they take one line each.
const DETAILED_CREATES_MAX: usize = 10;
/// Beyond so many new contacts on a side the rest is one line for all.
const LISTED_CREATES_MAX: usize = 40;

/// What stands over the plan, and what its hints repeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// The phone's label.
    pub phone: String,
    /// How it is reached or which profile it has, in a word; empty for nothing.
    pub channel: String,
    /// The book's name.
    pub book: String,
    /// The mode of the session.
    pub mode: Mode,
    /// Whether the phone takes contacts only from a person's hand.
    pub by_hand: bool,
    /// The arguments that choose this phone and book, with a space in front, to repeat in hints.
    pub arguments: String,
    /// What else was said on the command line, in the same form, where it must be said again to go on from a stop.
    pub said: String,
}

impl Heading {
    fn mode_words(&self) -> String {
        let by_hand =
            if self.by_hand && self.mode != Mode::PhoneToPc { ", by hand on the phone" } else { "" };
        format!("{}{by_hand}", self.mode.name())
    }

    /// The line over the plan; two where one is too narrow.
    #[must_use]
    pub fn lines(&self, items: (usize, usize)) -> Vec<Line> {
        let channel = if self.channel.is_empty() { String::new() } else { format!(" ({})", self.channel) };
        let left = format!("{}{channel}  ⇄  book “{}”", shown(&self.phone), shown(&self.book));
        let right = format!("{}, {} on the phone, {} on the PC", self.mode_words(), items.1, items.0);
        let right_column = COLUMNS.saturating_sub(width(&right));
        let first = Line::new().with(Label::Strong, &cut(&left, COLUMNS));
        if first.width() + 2 <= right_column {
            return vec![first.padded_to(right_column).with(Label::Quiet, &right)];
        }
        vec![first, Line::new().padded_to(right_column).with(Label::Quiet, &right)]
    }
}

/// The plan as `sync --dry-run` and `diff` show it, without the sum at the end.
#[must_use]
pub fn plan_lines(plan: &Plan, heading: &Heading, verbose: bool) -> Vec<Line> {
    let mut lines = heading.lines(plan.items);
    let mut lister = ActionLister::of(plan.actions.iter(), verbose);
    let mut body = Vec::new();
    for action in plan.actions.iter().filter(|action| action.is_visible()) {
        body.extend(lister.lines(action, None));
    }
    body.extend(lister.rest());
    for skipped in &plan.skipped {
        body.extend(skipped_lines(skipped));
    }
    body.extend(asked_lines(&plan.asked, verbose));
    if !body.is_empty() {
        lines.push(Line::new());
        lines.extend(body);
    }
    if !plan.notes.is_empty() {
        lines.push(Line::new());
        lines.extend(plan.notes.iter().flat_map(|note| note_lines(note)));
    }
    lines
}

/// Decides how much of each action is shown, and counts what is not.
#[derive(Debug, Clone)]
pub struct ActionLister {
    verbose: bool,
    creates: PerSide,
    listed: PerSide,
}

impl ActionLister {
    /// For these actions.
    #[must_use]
    pub fn of<'a>(actions: impl Iterator<Item = &'a Action>, verbose: bool) -> Self {
        let mut creates = PerSide::default();
        for action in actions {
            match action.headline {
                Headline::Create(Side::Phone) => creates.phone += 1,
                Headline::Create(Side::Pc) => creates.pc += 1,
                _ => {}
            }
        }
        Self { verbose, creates, listed: PerSide::default() }
    }

    /// The lines of one action; none if it goes into the sum. An outcome that is not "done" is always shown.
    pub fn lines(&mut self, action: &Action, outcome: Option<&str>) -> Vec<Line> {
        let Headline::Create(side) = action.headline else {
            let detail = if self.verbose { Detail::Everything } else { Detail::Fields };
            return action_lines(action, detail, outcome);
        };
        if self.verbose {
            return action_lines(action, Detail::Everything, outcome);
        }
        let (creates, listed) = match side {
            Side::Phone => (self.creates.phone, &mut self.listed.phone),
            Side::Pc => (self.creates.pc, &mut self.listed.pc),
        };
        if creates <= DETAILED_CREATES_MAX {
            *listed += 1;
            return action_lines(action, Detail::Fields, outcome);
        }
        if *listed >= LISTED_CREATES_MAX && outcome.is_none() {
            return Vec::new();
        }
        *listed += 1;
        action_lines(action, Detail::OneLine, outcome)
    }

    /// The lines that stand for the new contacts that were not listed.
    #[must_use]
    pub fn rest(&self) -> Vec<Line> {
        let sides = [
            (Side::Phone, Label::ToPhone, "→ phone", self.creates.phone.saturating_sub(self.listed.phone)),
            (Side::Pc, Label::ToPc, "← PC", self.creates.pc.saturating_sub(self.listed.pc)),
        ];
        let mut lines = Vec::new();
        for (side, label, way, more) in sides {
            if more > 0 && !self.verbose {
                let text =
                    format!("and {} for the {}; -v lists them all", count(more, "new contact"), side.words());
                lines.push(
                    Line::new()
                        .with(label, way)
                        .padded_to(11)
                        .with(label, "+")
                        .padded_to(13)
                        .with(Label::Plain, &text),
                );
            }
        }
        lines
    }
}

/// The sum under a plan or a session: what was (or would be) done, and what waits. `joined` is how many pairs of
/// contacts were found to be the same on both sides.
#[must_use]
pub fn total_lines(summary: &Summary, joined: usize, heading: &Heading) -> Vec<Line> {
    let dry = summary.dry_run;
    let verbs = if dry { ["create", "update", "delete"] } else { ["created", "updated", "deleted"] };
    let mut parts: Vec<String> = verbs
        .into_iter()
        .zip([summary.created, summary.updated, summary.deleted])
        .filter_map(|(verb, counts)| per_side(verb, counts))
        .collect();
    if summary.merged > 0 {
        parts.push(format!("{} {} on both sides", if dry { "merge" } else { "merged" }, summary.merged));
    }
    if summary.offered > 0 {
        parts.push(format!("left {} in a file on the phone", count(summary.offered, "contact")));
    }
    if joined > 0 {
        let pairs = count_of(joined, "pair of equal contacts", "pairs of equal contacts");
        parts.push(format!("{} {pairs}", if dry { "join" } else { "joined" }));
    }
    let is_held = summary.held > 0 && summary.undoes.is_none();
    let waiting = is_held || summary.conflicts + summary.asked + summary.failed + summary.waiting > 0;
    let done = if parts.is_empty() {
        String::from(match (waiting, dry) {
            (false, _) if summary.undoes.is_some() && summary.session.is_none() => {
                "Nothing was written: all of it is as it was before."
            }
            (false, _) if summary.undoes.is_some() => {
                "No contact was changed; only what belongs together was."
            }
            (false, _) if heading.by_hand => "Nothing to do: there is nothing new since the newest export.",
            (false, _) => "Nothing to do: both sides are the same.",
            (true, true) => "Nothing would be written.",
            (true, false) => "Nothing was written.",
        })
    } else {
        let all = parts.join(", ");
        format!("{}.", if dry { format!("Would {all}") } else { sentence(&all) })
    };
    let mut text = vec![done];
    if summary.waiting > 0 {
        text.push(format!(
            "{} to get onto the phone.",
            count_of(summary.waiting, "contact waits", "contacts wait")
        ));
    }
    if summary.failed > 0 {
        text.push(format!("{} left alone.", count_of(summary.failed, "item was", "items were")));
    }
    if dry && !parts.is_empty() {
        text.push(String::from("Nothing was written: this was a dry run."));
    }
    let mut lines = sentence_lines(&text.join(" "));
    lines.extend(held_lines(summary));
    if summary.conflicts > 0 {
        let fields = count_of(summary.conflicts, "field waits", "fields wait");
        lines.extend(paragraph(Label::Attention, &format!("{fields} for a decision."), 0));
        lines.extend(hint_lines(&format!(
            "tetherbook resolve decides, now or later; or let one side win: tetherbook sync{} --conflicts phone (or \
             pc, newest, both)",
            heading.arguments
        )));
    }
    lines.extend(asked_total(summary.asked));
    lines
}

/// What is held since an undo, and how it goes on.
fn held_lines(summary: &Summary) -> Vec<Line> {
    if summary.held == 0 || (summary.undoes.is_some() && summary.dry_run) {
        return Vec::new();
    }
    let contacts = count_of(summary.held, "contact is", "contacts are");
    let stays = if summary.held == 1 { "it as it is" } else { "them as they are" };
    let text = format!("{contacts} held since an undo: sync leaves {stays} on both sides.");
    let mut lines = paragraph(Label::Attention, &text, 0);
    lines.extend(hint_lines(
        "see them: tetherbook undo --held; say which side counts: tetherbook undo --release pc --all (or phone, again)",
    ));
    lines
}

/// What a session cost, for `--stats`.
#[must_use]
pub fn statistics_lines(summary: &Summary) -> Vec<Line> {
    let total = summary.transactions.get("total").copied().unwrap_or(0);
    let by_name: Vec<String> = summary
        .transactions
        .iter()
        .filter(|(name, _)| *name != "total")
        .map(|(name, number)| format!("{name} {number}"))
        .collect();
    let requests = count_of(usize::try_from(total).unwrap_or(usize::MAX), "request", "requests");
    let details = if by_name.is_empty() { String::new() } else { format!(" ({})", by_name.join(", ")) };
    let moved = format!(
        "{} in, {} out",
        super::words::bytes(summary.bytes.from_phone),
        super::words::bytes(summary.bytes.to_phone)
    );
    let times = format!(
        "Time: {} ms (collecting {}, planning {}, writing {})",
        summary.ms.total, summary.ms.collect, summary.ms.plan, summary.ms.apply
    );
    let mut lines = paragraph(Label::Quiet, &format!("Phone: {requests}{details}; {moved}."), 7);
    lines.extend(paragraph(Label::Quiet, &times, 6));
    lines
}
