//! The person interrupts during any transaction: the session ends with that one (and says goodbye), the journal has what
//! was under way, and the next session makes good, as after a pulled cable.

use std::rc::Rc;

use tetherbook::agent::StartFailure;
use tetherbook::mtp::code::operation;
use tetherbook::provider::{Interrupt, ProviderError};
use tetherbook::report::{ExitCode, Silence};
use tetherbook::session::Failure;
use tetherbook::sim::{FaultPlan, TraceEntry};

use crate::crash_world::{Scenario, Snapshot, is_wanted, stride};
use crate::world::{Run, World};

/// The commands of a trace; content and the announcement before it are one transaction.
fn transactions(entries: &[TraceEntry]) -> impl Iterator<Item = u16> + '_ {
    entries
        .iter()
        .filter(|entry| entry.kind == 1 && entry.code != operation::SEND_OBJECT)
        .map(|entry| entry.code)
}

/// One session that is interrupted during its `moment`-th transaction; how it ended, and what was asked after that.
fn interrupted_at(world: &mut World, moment: usize) -> (Option<ExitCode>, Vec<u16>) {
    world.later();
    let link = world.phone.plug_in(FaultPlan::none());
    let trace = link.trace();
    let heard = Rc::clone(&trace);
    world.interrupt = Interrupt::when(move || transactions(&heard.borrow().entries).count() >= moment);
    let ended = world.session(&Run::default(), Box::new(link), &mut Silence);
    world.interrupt = Interrupt::default();
    let exit = match ended {
        Ok(ended) => {
            let is_interrupted = ended.failure == Some(Failure::Interrupted);
            assert_eq!(is_interrupted, ended.summary.exit == ExitCode::Interrupted, "{:?}", ended.failure);
            Some(ended.summary.exit)
        }
        Err(StartFailure::Phone(ProviderError::Interrupted)) => Some(ExitCode::Interrupted),
        Err(_) => None,
    };
    let more = transactions(&trace.borrow().entries).skip(moment).collect();
    (exit, more)
}

#[test]
fn an_interrupt_during_any_transaction_ends_the_session_with_it() {
    let stride = stride(3);
    let mut interrupted = 0;
    for (index, personality) in ["android", "qemu", "nokia-s40", "sailfish"].into_iter().enumerate() {
        for scenario in [Scenario::First, Scenario::Mixed] {
            if !is_wanted(&format!("{personality} {scenario:?}")) {
                continue;
            }
            let start: Snapshot = scenario.start(personality).snapshot();
            let mut undisturbed = start.world(7);
            undisturbed.sync();
            let all = transactions(&undisturbed.trace.as_ref().unwrap().borrow().entries).count();
            let expected = undisturbed.settle_down(&format!("{personality} {scenario:?}"));
            for moment in (1..=all).skip(index % stride).step_by(stride) {
                let context =
                    format!("{personality} {scenario:?} interrupted during transaction {moment} of {all}");
                let mut world = start.world(7);
                let (exit, more) = interrupted_at(&mut world, moment);
                // With the last of them, everything is done.
                let is_over = moment + 1 >= all && exit != Some(ExitCode::Interrupted);
                assert!(is_over || exit == Some(ExitCode::Interrupted), "{context}: {exit:?}");
                assert!(more.is_empty() || more == [operation::CLOSE_SESSION], "{context}: {more:04X?}");
                interrupted += usize::from(!is_over);
                world.recover(false, &expected, &context);
            }
        }
    }
    assert!(interrupted >= 100 || !crate::crash_world::counts_all(), "only {interrupted} were interrupted");
}
