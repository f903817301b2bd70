//! `sync` and `diff`: opens both sides, lets `session` turn the crank, and shows what it says. No sync logic here.

use std::io::Write;
use std::rc::Rc;

use clap::ValueEnum;

use crate::agent::{self, Introduction, StartFailure, Wish};
use crate::device::PhoneAddress;
use crate::provider::{SessionId, TrackingOptions};
use crate::relationship::Mode;
use crate::report::{
    ExitCode, Heading, HumanReport, JsonReport, Progress, Report, Silence, Summary, error_line,
};
use crate::session::Ended;
use crate::store::{SessionLock, Store};

use super::arguments::{DiffArguments, SyncArguments, WhatArguments, choices};
use super::arguments_sync::{AbsentChoice, AnswerArguments};
use super::failure::Failed;
use super::invocation::{Invocation, Outcome};
use super::phone;
use super::phone_name::{named_phone, not_the_named_one};
use super::profiles::profile_of;

/// Runs `sync`.
pub fn run(invocation: &Invocation<'_>, arguments: &SyncArguments) -> Outcome {
    let ended = session(invocation, &arguments.what, arguments.dry_run, arguments.wait)?;
    Ok(ended.exit)
}

/// Runs `diff`.
pub fn run_diff(invocation: &Invocation<'_>, arguments: &DiffArguments) -> Outcome {
    let ended = session(invocation, &arguments.what, true, None)?;
    let may_say_so = matches!(ended.exit, ExitCode::Done | ExitCode::Conflicts);
    Ok(if arguments.exit_code && may_say_so && ended.differs { ExitCode::Failed } else { ended.exit })
}

/// Runs the session that takes a past one back.
///
/// # Errors
/// When it cannot start.
pub fn run_undo(
    invocation: &Invocation<'_>,
    what: &WhatArguments,
    past: SessionId,
    dry_run: bool,
) -> Outcome {
    Ok(session_or_undo(invocation, what, dry_run, None, Some(past))?.exit)
}

/// One session that nobody watches, for the plug-in service: like `sync`, in silence, for a log must not name contacts,
/// and never past a guard.
///
/// # Errors
/// When it cannot start.
pub fn unattended(invocation: &Invocation<'_>, phone: &str, book: &str) -> Result<Ended, Failed> {
    let what = WhatArguments {
        phone: Some(phone.to_owned()),
        book: Some(book.to_owned()),
        ..WhatArguments::default()
    };
    let setup = Setup {
        address: phone.parse()?,
        // By its name, a phone that was reset would be refused, and look as if it were unplugged.
        phone_name: None,
        dry_run: false,
        started_us: invocation.world.clock.steady_us(),
        is_watched: false,
        undo: None,
    };
    run_session(invocation, &what, &setup)
}

/// What a session comes down to.
struct SessionResult {
    exit: ExitCode,
    differs: bool,
}

/// One session from the command line's point of view.
fn session(
    invocation: &Invocation<'_>,
    what: &WhatArguments,
    dry_run: bool,
    wait_s: Option<u64>,
) -> Result<SessionResult, Failed> {
    session_or_undo(invocation, what, dry_run, wait_s, None)
}

fn session_or_undo(
    invocation: &Invocation<'_>,
    what: &WhatArguments,
    dry_run: bool,
    wait_s: Option<u64>,
    undo: Option<SessionId>,
) -> Result<SessionResult, Failed> {
    let started_us = invocation.world.clock.steady_us();
    let book_name = invocation.book_name(what.book.as_deref());
    let address_text = what.phone.clone().or_else(|| invocation.configuration.phone.clone());
    let address_text = address_text.unwrap_or_else(|| "usb".to_owned());
    let attempt = named_phone(invocation, what.phone.as_deref()).and_then(|named| {
        let address = with_personality(named.address, what)?;
        if let (PhoneAddress::Usb { selector }, Some(wait_s)) = (&address, wait_s) {
            phone::wait_for(invocation, selector, wait_s)?;
        }
        let setup = Setup { address, phone_name: named.name, dry_run, started_us, is_watched: true, undo };
        run_session(invocation, what, &setup)
    });
    match attempt {
        Ok(ended) => {
            let differs =
                ended.plan.as_ref().is_some_and(|plan| !plan.is_empty() || !plan.skipped.is_empty());
            finish(invocation, &ended)?;
            Ok(SessionResult { exit: ended.summary.exit, differs })
        }
        Err(failed) if invocation.global.json && !failed.message.is_empty() => {
            let mut summary = Summary::new(&address_text, &book_name, dry_run);
            summary.exit = failed.exit;
            invocation.result(error_line(&failed.message, failed.hint.as_deref(), failed.exit))?;
            invocation.json(&summary)?;
            Err(Failed::told(failed.exit))
        }
        Err(failed) => Err(failed),
    }
}

/// What was decided before anything was opened.
struct Setup {
    address: PhoneAddress,
    /// The paired phone that was named; the one at the address must be it.
    phone_name: Option<String>,
    dry_run: bool,
    started_us: u64,
    /// Somebody reads what it says.
    is_watched: bool,
    /// The past session that it takes back.
    undo: Option<SessionId>,
}

fn with_personality(address: PhoneAddress, what: &WhatArguments) -> Result<PhoneAddress, Failed> {
    if what.transport.is_some() && !matches!(address, PhoneAddress::Usb { .. }) {
        return Err(Failed::usage(
            format!("--transport is for phones on the USB cable, and {address} is none"),
            "leave it out, or name one: --phone usb",
        ));
    }
    Ok(match (address, &what.sim_personality) {
        (PhoneAddress::Simulated { directory, .. }, Some(name)) => {
            PhoneAddress::Simulated { directory, personality: name.clone() }
        }
        (address, None) => address,
        (address, Some(_)) => {
            return Err(Failed::usage(
                format!("--sim-personality is for simulated phones, and {address} is none"),
                "leave it out, or name one: --phone sim:DIRECTORY",
            ));
        }
    })
}

fn run_session(invocation: &Invocation<'_>, what: &WhatArguments, setup: &Setup) -> Result<Ended, Failed> {
    let (lock, store) = opened(invocation, setup.dry_run)?;
    let world = invocation.world;
    let configuration = &invocation.configuration;
    let profiles = phone::profiles(world)?;
    if let Some(id) = &what.profile {
        profile_of(&profiles, id)?;
    }
    let mode = what.mode.or(configuration.mode);
    can_be_put_back(what, mode.unwrap_or_default())?;
    let introduction = Introduction {
        store: &store,
        memory: &store,
        profiles: &profiles,
        clock: Rc::clone(&world.clock),
        randomness: Rc::clone(&world.randomness),
        access: agent::access_for(mode.unwrap_or_default(), setup.dry_run),
        profile: what.profile.clone(),
        choices: what.choices(),
    };
    let met = agent::meet(
        phone::open_phone(world, &store, &profiles, &setup.address, what.transport.map(Into::into))?,
        &introduction,
    )?;
    if let Some(failed) = setup.phone_name.as_deref().and_then(|name| not_the_named_one(name, &met)) {
        return Err(failed);
    }
    // A paired phone has its book; the command line goes before it, the configuration after it.
    let paired_book = met.pairing().map(|pairing| pairing.book.clone());
    let book_name = invocation.book_name(what.book.as_deref().or(paired_book.as_deref()));
    // For conflicts the same: the command line, what was chosen for this phone and book, the configuration.
    let choices = choices(what.conflicts, what.edit_or_delete)
        .or(agent::choices_of(&store, &met, &book_name)?)
        .or(choices(configuration.conflicts, configuration.edit_or_delete));
    let interrupted = || world.is_interrupted();
    let wish = Wish {
        store: &store,
        book: &book_name,
        mode,
        conflicts: choices.conflicts.unwrap_or_default(),
        edit_or_delete: choices.edit_or_delete.unwrap_or_default(),
        guards: configuration.guards.guards(),
        dry_run: setup.dry_run,
        answers: what.answers.answers(),
        country: configuration.country(),
        tracking: TrackingOptions { deep: what.deep, ..TrackingOptions::default() },
        profiles: &profiles,
        clock: Rc::clone(&world.clock),
        randomness: Rc::clone(&world.randomness),
        interrupted: &interrupted,
        started_us: setup.started_us,
        keeping: invocation.keeping(setup.undo),
    };
    let heading = Heading {
        phone: String::new(),
        channel: String::new(),
        book: book_name.clone(),
        mode: wish.mode.unwrap_or_default(),
        by_hand: false,
        arguments: repeated(what),
        said: said(what),
    };
    let ended = reported(invocation, what, setup, heading, |report| agent::sync_with(met, &wish, report))?;
    drop(lock);
    Ok(ended)
}

/// The store, with the session's lock where something may be written.
fn opened(invocation: &Invocation<'_>, dry_run: bool) -> Result<(Option<SessionLock>, Store), Failed> {
    if dry_run {
        return Ok((None, invocation.open_for_reading()?));
    }
    let (lock, store) = invocation.open_for_writing()?;
    Ok((Some(lock), store))
}

/// Where one side is never written, nothing that was done there can be undone.
fn can_be_put_back(what: &WhatArguments, mode: Mode) -> Result<(), Failed> {
    let source = match mode {
        Mode::TwoWay => return Ok(()),
        Mode::PhoneToPc => "phone",
        Mode::PcToPhone => "PC",
    };
    if !what.answers.put_back {
        return Ok(());
    }
    Err(Failed::usage(
        format!("--put-back is not for the mode {}: nothing is written to the {source}", mode.name()),
        "leave it out: --leave keeps both sides as they are",
    ))
}

/// Runs `work` with the report that the flags ask for.
fn reported(
    invocation: &Invocation<'_>,
    what: &WhatArguments,
    setup: &Setup,
    heading: Heading,
    work: impl FnOnce(&mut dyn Report) -> Result<Ended, StartFailure>,
) -> Result<Ended, Failed> {
    let world = invocation.world;
    let failed = |error: std::io::Error| Failed::output(&error);
    if !setup.is_watched {
        return Ok(work(&mut Silence)?);
    }
    if invocation.global.json {
        let mut report = JsonReport::new(world.stdout.clone(), setup.dry_run, invocation.global.quiet);
        let ended = with_progress(invocation, setup.started_us, &mut report, work)?;
        report.finish().map_err(failed)?;
        return Ok(ended);
    }
    let options = invocation.human_options(setup.dry_run, what.stats);
    let mut report = HumanReport::new(world.stdout.clone(), world.stderr.clone(), heading, options);
    let ended = with_progress(invocation, setup.started_us, &mut report, work)?;
    report.finish().map_err(failed)?;
    Ok(ended)
}

fn with_progress<R: Report>(
    invocation: &Invocation<'_>,
    started_us: u64,
    report: &mut R,
    work: impl FnOnce(&mut dyn Report) -> Result<Ended, StartFailure>,
) -> Result<Ended, StartFailure> {
    let world = invocation.world;
    let is_dumb = world.variable("TERM").is_some_and(|terminal| terminal == "dumb");
    if !world.terminal.stderr || is_dumb || invocation.global.quiet {
        return work(report);
    }
    let terminal = Box::new(world.stderr.clone());
    work(&mut Progress::new(report, terminal, Rc::clone(&world.clock), started_us))
}

/// Tells why it ended early; with `--json`, then the summary, which is always the last line.
fn finish(invocation: &Invocation<'_>, ended: &Ended) -> Result<(), Failed> {
    let failed = ended.failure.as_ref().map(|failure| Failed { exit: ended.summary.exit, ..failure.into() });
    if invocation.global.json {
        if let Some(failed) = &failed {
            let message =
                if failed.message.is_empty() { "a guard stopped the session" } else { &failed.message };
            let usual = if ended.summary.undoes.is_some() {
                "--dry-run shows all of it; --allow-deletes goes ahead"
            } else {
                "tetherbook diff shows all of it; the stop says which flag gives which answer"
            };
            let hint = failed.hint.as_deref().unwrap_or(usual);
            invocation.result(error_line(message, Some(hint), failed.exit))?;
        }
        return invocation.json(&ended.summary);
    }
    let lines = failed.map(|failed| failed.lines()).unwrap_or_default();
    if !lines.is_empty() {
        drop(invocation.world.stdout.clone().flush());
    }
    for line in lines {
        invocation.warn(line);
    }
    Ok(())
}

/// The arguments that choose phone, book and how they are synced, to be repeated in a hint.
fn repeated(what: &WhatArguments) -> String {
    let transport = what.transport.and_then(|transport| named(&transport));
    let absent = (what.absent == AbsentChoice::Delete).then(|| String::from("delete"));
    let mode = what.mode.map(|mode| mode.name().to_owned());
    let given = [
        ("--phone", &what.phone),
        ("--sim-personality", &what.sim_personality),
        ("--transport", &transport),
        ("--profile", &what.profile),
        ("--address-book", &what.address_book),
        ("--absent", &absent),
        ("--book", &what.book),
        ("--mode", &mode),
    ];
    let words = given.into_iter().filter_map(|(flag, value)| Some((flag, value.as_deref()?)));
    words.map(|(flag, value)| format!(" {flag} {}", shell_word(value))).collect()
}

/// What else was said, and must be said again after a guard's stop: what becomes of clashes, and other answers.
fn said(what: &WhatArguments) -> String {
    let conflicts = what.conflicts.and_then(|policy| named(&policy));
    let conflicts = conflicts.map(|policy| format!(" --conflicts {policy}")).unwrap_or_default();
    let deep = if what.deep { " --deep" } else { "" };
    // An answer that did not help is not proposed again.
    let answers = AnswerArguments { put_back: false, leave: false, ..what.answers };
    format!("{conflicts}{deep}{}", answers.given())
}

/// The word that stands for a choice on the command line.
fn named(choice: &impl ValueEnum) -> Option<String> {
    Some(choice.to_possible_value()?.get_name().to_owned())
}

/// A word as a POSIX shell takes it.
pub fn shell_word(text: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_./:=+,@%".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_repeat_the_phone_as_a_shell_takes_it() {
        assert_eq!(shell_word("dir:/a/b.c"), "dir:/a/b.c");
        assert_eq!(shell_word("dir:/a b/c'd"), r"'dir:/a b/c'\''d'");
        assert_eq!(shell_word(""), "''");
    }

    #[test]
    fn an_unattended_session_never_goes_past_a_guard() {
        let folder = tempfile::tempdir().unwrap();
        let (home, phone) = (folder.path().join("home"), folder.path().join("phone"));
        std::fs::create_dir_all(home.join(".config/tetherbook")).unwrap();
        std::fs::create_dir(&phone).unwrap();
        // As generous as a configuration can be.
        let generous = "[guards]\ndeletes_max_percent = 90\n[attend]\nannounce_unpaired = false\n";
        std::fs::write(home.join(".config/tetherbook/config.toml"), generous).unwrap();
        for number in 0..10 {
            let card =
                format!("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:u{number}\r\nFN:N{number}\r\nEND:VCARD\r\n");
            std::fs::write(phone.join(format!("{number}.vcf")), card).unwrap();
        }
        let environment = std::collections::BTreeMap::from([(String::from("HOME"), home.into_os_string())]);
        let world = super::super::world::World { environment, ..super::super::world::World::real() };
        let global = super::super::arguments::Global::default();
        let invocation = Invocation::new(&world, &global).unwrap();
        assert_eq!(invocation.configuration.guards.deletes_max_percent, Some(90));
        let address = format!("dir:{}", phone.display());
        let session = || unattended(&invocation, &address, "contacts").unwrap().summary;
        assert_eq!(session().created.pc, 10);
        for number in 0..10 {
            std::fs::remove_file(phone.join(format!("{number}.vcf"))).unwrap();
        }
        // However often it is plugged in.
        for _ in 0..3 {
            let summary = session();
            assert_eq!((summary.exit, summary.deleted.pc), (ExitCode::Guard, 0));
            assert!(summary.stopped.is_some());
        }
    }

    #[test]
    fn a_personality_belongs_to_a_simulated_phone() {
        let what = WhatArguments { sim_personality: Some("android".into()), ..WhatArguments::default() };
        let with = |address: &str| with_personality(address.parse().unwrap(), &what);
        assert_eq!(with("sim:/p").unwrap().to_string(), "sim:/p?android");
        assert_eq!(with("dir:/p").unwrap_err().exit, ExitCode::Usage);
    }
}
