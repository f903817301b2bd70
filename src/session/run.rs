//! The crank: one session from recovery to the summary.

use std::collections::HashMap;

use crate::contact::Country;
use crate::plan::{self, GuardAnswers, Plan, UndoObservations};
use crate::provider::{Clock, Ledger, LinkId, OpenConflict, Provider};
use crate::relationship::{Relationship, Side};
use crate::report::{Event, ExitCode, Report, Summary};

use super::apply::{Applier, Pending};
use super::collect::{self, Collected};
use super::failure::Failure;
use super::recover;
use super::states::States;
use super::undo::{self, Undo};

/// Who takes part.
pub struct Parties<'a> {
    /// The book on the PC.
    pub pc: &'a mut dyn Provider,
    /// The phone.
    pub phone: &'a mut dyn Provider,
    /// The memory of their relationship.
    pub ledger: &'a dyn Ledger,
}

/// How a session is run.
pub struct Options<'a> {
    /// What is synced how.
    pub relationship: &'a Relationship,
    /// Only look: nothing is written anywhere.
    pub dry_run: bool,
    /// What the person answers to the guards.
    pub answers: GuardAnswers,
    /// The relationship changed, so that everything is compared again.
    pub compare_all: bool,
    /// The country that numbers without a country code are from; inferred where it is not set.
    pub country: Option<Country>,
    /// A past session that is to be taken back, instead of a sync.
    pub undo: Option<&'a Undo>,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Whether the person wants to stop; asked between writes.
    pub interrupted: &'a dyn Fn() -> bool,
    /// When the run began, by the clock's steady time, in microseconds.
    pub started_us: u64,
}

/// How a session ended.
#[derive(Debug)]
pub struct Ended {
    /// The plan, if it came to one.
    pub plan: Option<Plan>,
    /// What was done and what it cost; `exit` is set.
    pub summary: Summary,
    /// Why it ended early, if it did.
    pub failure: Option<Failure>,
}

/// Runs one session. It always ends with a summary, whatever failed.
pub fn run(mut parties: Parties<'_>, options: &Options<'_>, report: &mut dyn Report) -> Ended {
    let mut summary = Summary::new(
        &parties.phone.replica().label.clone(),
        &parties.pc.replica().label.clone(),
        options.dry_run,
    );
    let mut plan = None;
    let failure = crank(&mut parties, options, report, &mut summary, &mut plan).err().map(Failure::sorted);
    parties.phone.close();
    // A memory that cannot tell has failed the session already.
    summary.held = parties.ledger.held().map(|held| held.len()).unwrap_or_default();
    summary.undoes = options.undo.map(|undo| undo.session.0);
    summary.set_costs(&parties.phone.costs());
    summary.stopped = plan.as_ref().and_then(|plan| plan.stop.clone());
    summary.ms.total = milliseconds(options.clock.steady_us().saturating_sub(options.started_us));
    // A write that failed or has no outcome may have left something on the phone: that is not "nothing written".
    let left_alone = plan.as_ref().map_or(0, |plan: &Plan| plan.skipped.len());
    let wrote =
        (summary.device_writes + summary.store_writes > 0 || summary.failed > left_alone) && !options.dry_run;
    summary.exit = match &failure {
        Some(failure) => failure.exit_code(wrote),
        None if summary.failed > 0 => ExitCode::SomeFailed,
        None if summary.conflicts + summary.asked > 0 => ExitCode::Conflicts,
        None if summary.held > 0 && options.undo.is_none() => ExitCode::Conflicts,
        None => ExitCode::Done,
    };
    close_history(&parties, options, &summary, report);
    report.event(&Event::Finished(&summary));
    Ended { plan, summary, failure }
}

fn close_history(parties: &Parties<'_>, options: &Options<'_>, summary: &Summary, report: &mut dyn Report) {
    let Some(session) = summary.session else { return };
    let text = serde_json::to_string(summary).unwrap_or_default();
    let session = crate::provider::SessionId(session);
    if let Err(error) = parties.ledger.close_session(session, options.clock.now_ms(), &text) {
        report.event(&Event::Note(format!("The history of this session could not be closed: {error}")));
    }
}

fn crank(
    parties: &mut Parties<'_>,
    options: &Options<'_>,
    report: &mut dyn Report,
    summary: &mut Summary,
    plan_out: &mut Option<Plan>,
) -> Result<(), Failure> {
    let (phone_guid, pc_guid) = (parties.phone.replica().guid, parties.pc.replica().guid);
    let mut states = States::load(parties.ledger, phone_guid, pc_guid)?;
    if options.compare_all {
        states.forget_seen();
    }
    let collect_started_us = options.clock.steady_us();
    let intents = parties.ledger.open_intents()?;
    if !intents.is_empty() {
        report.event(&Event::Recovering { intents: intents.len() });
        if !options.dry_run {
            recover::settle(parties, &intents, &mut states)?;
        }
    }
    let look = match options.undo {
        None => Look::Sync(collect::collect(parties, &states, options.compare_all, report)?),
        Some(past) => Look::Undo(undo::look(parties, &states, past, report)?),
    };
    let told = parties.phone.remarks();
    for remark in &told {
        report.event(&Event::Note(remark.clone()));
    }
    let plan_started_us = options.clock.steady_us();
    summary.ms.collect = milliseconds(plan_started_us.saturating_sub(collect_started_us));
    let (plan, known) = look.decide(options);
    let apply_started_us = options.clock.steady_us();
    summary.ms.plan = milliseconds(apply_started_us.saturating_sub(plan_started_us));
    report.event(&Event::Planned(&plan));
    let plan = plan_out.insert(plan);
    if options.dry_run {
        summary.count_plan(plan);
        return match &plan.stop {
            Some(stop) => Err(Failure::Stopped(stop.clone())),
            None => Ok(()),
        };
    }
    summary.failed += plan.skipped.len();
    if let Some(stop) = &plan.stop {
        return Err(Failure::Stopped(stop.clone()));
    }
    if options.undo.is_none() {
        summary.asked = plan.asked.len();
        parties.ledger.replace_asked(&plan.asked)?;
    }
    let Known { pending, restarted, waiting } = known;
    let mut applier = Applier::new(parties, options, states, pending, waiting);
    let applied = applier.apply(plan, restarted, summary, report);
    // What only the writing brought up.
    for remark in parties.phone.remarks().into_iter().filter(|remark| !told.contains(remark)) {
        report.event(&Event::Note(remark));
    }
    summary.ms.apply = milliseconds(options.clock.steady_us().saturating_sub(apply_started_us));
    applied
}

/// What a session saw.
enum Look {
    Sync(Collected),
    Undo(UndoObservations),
}

/// What the applying must know beside the plan.
struct Known {
    pending: Pending,
    restarted: bool,
    waiting: HashMap<LinkId, Vec<OpenConflict>>,
}

impl Look {
    fn decide(self, options: &Options<'_>) -> (Plan, Known) {
        match self {
            Self::Sync(Collected { mut observations, pending, left_out, restarted, waiting }) => {
                observations.matching.country = options.country;
                let plan = plan::plan(observations, options.relationship, options.answers);
                let pending = Pending { changes: pending, left_out };
                (plan, Known { pending, restarted, waiting })
            }
            Self::Undo(seen) => {
                let plan = plan::undo(seen, options.relationship, options.answers);
                // What else changed is for the next sync to hear: an undo hears of nothing.
                let pending = Pending { changes: HashMap::new(), left_out: vec![Side::Pc, Side::Phone] };
                (plan, Known { pending, restarted: false, waiting: HashMap::new() })
            }
        }
    }
}

/// Milliseconds with a tenth, as the summary shows them.
#[expect(clippy::cast_precision_loss, reason = "a session does not last 285 years")]
pub(super) fn milliseconds(us: u64) -> f64 {
    ((us as f64) / 100.0).round() / 10.0
}

/// The provider of a side.
pub(super) fn provider<'p>(parties: &'p mut Parties<'_>, side: Side) -> &'p mut dyn Provider {
    match side {
        Side::Phone => parties.phone,
        Side::Pc => parties.pc,
    }
}
