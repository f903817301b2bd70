//! `doctor`: one check per line, and the fix below what is not well. What to say is decided in `agent`; this file
//! collects and lays out.

use crate::agent::{self, Check, Verdict};
use crate::report::{ExitCode, Label, Line, hanging};

use super::arguments::{DoctorArguments, Global};
use super::computer;
use super::doctor_release;
use super::failure::Failed;
use super::invocation::{Invocation, Outcome};
use super::world::World;

/// Where what was looked at begins, in columns.
const NAME_COLUMN: usize = 6;
/// Where what was found begins, in columns.
const TEXT_COLUMN: usize = 22;

/// Runs `doctor`.
pub fn run(world: &World, global: &Global, arguments: &DoctorArguments) -> Outcome {
    let (invocation, configuration) = Invocation::despite_configuration(world, global)?;
    if arguments.release {
        doctor_release::run(&invocation)?;
    }
    let findings = computer::findings(&invocation, configuration, arguments.release)?;
    let checks = agent::diagnose(&findings);
    let exit = agent::exit_of(&checks);
    if global.json {
        json(&invocation, &checks, exit)?;
    } else {
        let shown = checks.iter().filter(|check| !global.quiet || check.verdict != Verdict::Well);
        let lines: Vec<Line> = shown.flat_map(lines).collect();
        invocation.result_lines(&lines)?;
    }
    Ok(exit)
}

fn mark(verdict: Verdict) -> (&'static str, Label) {
    match verdict {
        Verdict::Well => ("ok", Label::New),
        Verdict::Warning => ("warn", Label::Attention),
        Verdict::Failed => ("FAIL", Label::Deleted),
    }
}

fn lines(check: &Check) -> Vec<Line> {
    let (word, label) = mark(check.verdict);
    let start = Line::new()
        .with(label, word)
        .padded_to(NAME_COLUMN)
        .with(Label::Plain, &check.name.replace('-', " "))
        .padded_to(TEXT_COLUMN);
    let mut lines = hanging(start, Label::Plain, &check.text, TEXT_COLUMN);
    if let Some(fix) = &check.fix {
        let start = Line::new().padded_to(NAME_COLUMN).with(Label::Strong, "Fix: ");
        lines.extend(hanging(start, Label::Plain, fix, NAME_COLUMN + 5));
    }
    lines
}

fn json(invocation: &Invocation<'_>, checks: &[Check], exit: ExitCode) -> Result<(), Failed> {
    for check in checks {
        invocation.json(&serde_json::json!({
            "type": "check",
            "check": check.name,
            "phone": check.phone,
            "verdict": mark(check.verdict).0.to_lowercase(),
            "text": check.text,
            "fix": check.fix,
        }))?;
    }
    let of = |verdict| checks.iter().filter(|check| check.verdict == verdict).count();
    invocation.json(&serde_json::json!({
        "type": "diagnosis",
        "failed": of(Verdict::Failed),
        "warned": of(Verdict::Warning),
        "exit": exit,
    }))
}
