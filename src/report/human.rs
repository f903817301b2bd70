//! A report for people: results to one writer, talk to another. It writes nowhere else and never reads a clock.

use std::io::Write;

use crate::plan::{Action, Headline, Plan};
use crate::provider::Delivery;

use super::action_text::{note_lines, skipped_lines};
use super::asked_text::asked_lines;
use super::layout::{Label, Line, paragraph};
use super::plan_text::{ActionLister, Heading, plan_lines, statistics_lines, total_lines};
use super::stop_text::stop_lines;
use super::words::{count, shown};
use super::{ActionOutcome, Event, ExitCode, Report, Summary};

/// The way on after writes that one side did not take.
const REFUSED_WORDS: &str = "What was not done is lost nowhere; the next sync tries it again.";

/// How a report for people is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct HumanOptions {
    /// Results in colour.
    pub colour_results: bool,
    /// Talk in colour.
    pub colour_talk: bool,
    /// Only what a person must know.
    pub quiet: bool,
    /// Everything, new contacts in full.
    pub verbose: bool,
    /// What the session cost.
    pub statistics: bool,
    /// Whether the session only looks.
    pub dry_run: bool,
}

/// Writes a session for people.
pub struct HumanReport<R, T> {
    results: R,
    talk: T,
    heading: Heading,
    options: HumanOptions,
    lister: Option<ActionLister>,
    /// Lines that come after the actions.
    pending: Vec<Line>,
    /// What a person has to do on the phone.
    checklist: Vec<Line>,
    items: (usize, usize),
    joined: usize,
    wrote_heading: bool,
    /// Whether an action was planned and not done.
    is_refused: bool,
    failed: Option<std::io::Error>,
}

impl<R: Write, T: Write> HumanReport<R, T> {
    /// Results go to `results`, talk goes to `talk`.
    pub fn new(results: R, talk: T, heading: Heading, options: HumanOptions) -> Self {
        Self {
            results,
            talk,
            heading,
            options,
            lister: None,
            pending: Vec::new(),
            checklist: Vec::new(),
            items: (0, 0),
            joined: 0,
            wrote_heading: false,
            is_refused: false,
            failed: None,
        }
    }

    /// The first error of writing results, if there was one: a report does not stop a session.
    ///
    /// # Errors
    /// When a result could not be written.
    pub fn finish(self) -> std::io::Result<()> {
        self.failed.map_or(Ok(()), Err)
    }

    fn result(&mut self, lines: &[Line]) {
        for line in lines {
            if self.failed.is_none() {
                self.failed = writeln!(self.results, "{}", line.render(self.options.colour_results)).err();
            }
        }
    }

    fn say(&mut self, lines: &[Line]) {
        for line in lines {
            // Talk that nobody can hear changes nothing.
            drop(writeln!(self.talk, "{}", line.render(self.options.colour_talk)));
        }
    }

    fn plan(&mut self, plan: &Plan) {
        self.items = plan.items;
        // What waits is told at the end, and not by this list.
        self.lister = Some(ActionLister::of(
            plan.actions.iter().filter(|action| !action.waits()),
            self.options.verbose,
        ));
        let joins = |headline| headline == Headline::Match;
        self.joined = if self.options.dry_run {
            plan.actions.iter().filter(|action| joins(action.headline)).count()
        } else {
            0
        };
        if self.options.dry_run {
            let mut lines = plan_lines(plan, &self.heading, self.options.verbose);
            lines.push(Line::new());
            if let Some(stop) = &plan.stop {
                lines.extend(stop_lines(stop, plan, &self.heading));
            }
            self.result(&lines);
            return;
        }
        if let Some(stop) = &plan.stop {
            let lines = stop_lines(stop, plan, &self.heading);
            self.say(&lines);
        }
        let mut after: Vec<Line> = plan.skipped.iter().flat_map(skipped_lines).collect();
        after.extend(asked_lines(&plan.asked, self.options.verbose));
        if !self.options.quiet {
            after.extend(plan.notes.iter().flat_map(|note| note_lines(note)));
        }
        self.pending = after;
    }

    /// New contacts are told by their number and their file, not one by one in every session.
    fn wait(&mut self, action: &Action) {
        if matches!(action.headline, Headline::Create(_)) {
            return;
        }
        if self.checklist.is_empty() {
            self.checklist.push(Line::new().with(Label::Strong, waiting_words(action.delivery)));
        }
        if let Some(lister) = &mut self.lister {
            self.checklist.extend(lister.lines(action, None));
        }
    }

    fn heading_once(&mut self) {
        if !self.wrote_heading && !self.options.quiet {
            self.wrote_heading = true;
            let mut lines = self.heading.lines(self.items);
            lines.push(Line::new());
            self.result(&lines);
        }
    }

    fn finished(&mut self, summary: &Summary) {
        if !self.options.dry_run {
            // Who wants to hear only of what went wrong was shown no list that could have a rest.
            let lister = self.lister.as_ref().filter(|_| !self.options.quiet);
            let mut lines = lister.map(ActionLister::rest).unwrap_or_default();
            if self.wrote_heading && !self.checklist.is_empty() {
                lines.push(Line::new());
            }
            lines.append(&mut self.checklist);
            lines.append(&mut self.pending);
            if !lines.is_empty() {
                self.heading_once();
                self.result(&lines);
            }
        }
        let told = matches!(
            summary.exit,
            ExitCode::Done | ExitCode::Conflicts | ExitCode::SomeFailed | ExitCode::Interrupted
        );
        // After a failure there is nothing to sum up unless something had been done by then.
        let wrote = summary.device_writes + summary.store_writes > 0;
        let mut lines = Vec::new();
        if (told || (wrote && !self.options.dry_run)) && (!self.options.quiet || self.options.dry_run) {
            if self.wrote_heading {
                lines.push(Line::new());
            }
            lines.extend(total_lines(summary, self.joined, &self.heading));
            if self.is_refused {
                lines.push(Line::new().with(Label::Plain, REFUSED_WORDS));
            }
        }
        if self.options.statistics {
            lines.extend(statistics_lines(summary));
        }
        self.result(&lines);
    }
}

/// What stands over the changes that the session does not make itself.
fn waiting_words(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Direct | Delivery::NotNow => "Waits until the phone can be written:",
        Delivery::ByHand => "To do by hand on the phone; its next export shows whether it is done:",
    }
}

/// What became of an action, where that is not what was planned.
fn outcome_words(outcome: &ActionOutcome) -> Option<String> {
    match outcome {
        ActionOutcome::Done | ActionOutcome::Waits => None,
        ActionOutcome::Stale => {
            Some(String::from("not done: it changed meanwhile and is looked at next time"))
        }
        ActionOutcome::Refused(why) => Some(format!("not done: {}", shown(why))),
        ActionOutcome::Unknown(why) => {
            Some(format!("not known whether it was done ({}); the next session settles it", shown(why)))
        }
        ActionOutcome::NotStarted => Some(String::from("not started")),
    }
}

impl<R: Write, T: Write> Report for HumanReport<R, T> {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Recovering { intents } => {
                let writes = count(*intents, "write");
                let text = if self.options.dry_run {
                    format!(
                        "An interrupted session left {writes} without an answer; the next sync settles that first."
                    )
                } else {
                    format!("An interrupted session left {writes} without an answer; settling that first.")
                };
                self.say(&paragraph(Label::Plain, &text, 0));
            }
            Event::Planned(plan) => self.plan(plan),
            Event::Applied { action, outcome } => {
                if **outcome == ActionOutcome::Done && action.headline == Headline::Match {
                    self.joined += 1;
                }
                if **outcome == ActionOutcome::Waits {
                    self.wait(action);
                    return;
                }
                let words = outcome_words(outcome);
                self.is_refused |= matches!(outcome, ActionOutcome::Refused(_));
                if self.options.quiet && words.is_none() {
                    return;
                }
                self.heading_once();
                let lines = match &mut self.lister {
                    Some(lister) => lister.lines(action, words.as_deref()),
                    None => Vec::new(),
                };
                self.result(&lines);
            }
            Event::Note(text) => self.say(&note_lines(text)),
            Event::Finished(summary) => self.finished(summary),
            Event::Opened { phone, profile, mode, by_hand, .. } => {
                self.heading.phone.clone_from(phone);
                self.heading.channel.clone_from(profile);
                self.heading.mode = *mode;
                self.heading.by_hand = *by_hand;
            }
            Event::Collecting(_) | Event::Collected { .. } | Event::Applying { .. } => {}
        }
    }
}
