//! The story of the demo, step by step.

use std::path::Path;

use super::cast::{BACKED_UP, LATE_ARRIVALS, ON_THE_PC, ON_THE_PHONE};
use super::stage::{Stage, Turn};
use crate::cli::arguments::DemoArguments;
use crate::cli::failure::Failed;
use crate::cli::invocation::{Invocation, Outcome};
use crate::report::ExitCode;
use crate::sim::FaultPlan;

/// Runs `demo`.
pub fn run(invocation: &Invocation<'_>, arguments: &DemoArguments) -> Outcome {
    let temporary = tempfile::tempdir()
        .map_err(|error| Failed::file("make a folder in", &std::env::temp_dir(), &error))?;
    let mut stage = Stage::set(invocation, temporary.path())?;
    tell(&mut stage)?;
    by_hand(&mut Stage::set_second(invocation, temporary.path())?)?;
    match &arguments.keep {
        None => stage.say("\nThe simulated phone and its store are gone; nothing is left behind.")?,
        Some(folder) => {
            keep(&stage, temporary.path(), folder)?;
            let shown = folder.display();
            stage.say(&format!(
                "\nKept in {shown}: phone/ and tetherbook.db. Go on with\n  \
                 tetherbook --database {shown}/tetherbook.db list\n  \
                 tetherbook --database {shown}/tetherbook.db sync --dry-run --phone sim:{shown}/phone"
            ))?;
        }
    }
    Ok(ExitCode::Done)
}

fn tell(stage: &mut Stage<'_>) -> Result<(), Failed> {
    stage.say("Tetherbook demo. The phone is simulated; the MTP bytes, the store and the sync are real.")?;
    first_sync(stage)?;
    edits(stage)?;
    mass_deletion(stage)?;
    pulled_cable(stage)?;
    nothing_to_do(stage)?;
    taken_back(stage)
}

fn chapter(stage: &Stage<'_>, title: &str, command: &str) -> Result<(), Failed> {
    stage.say(&format!("\n── {title}\n"))?;
    stage.say(&format!("$ tetherbook {command}\n"))
}

fn first_sync(stage: &mut Stage<'_>) -> Result<(), Failed> {
    for (name, card) in ON_THE_PHONE {
        stage.put_file(name, card)?;
    }
    for card in ON_THE_PC {
        stage.add(card)?;
    }
    chapter(stage, "1. A phone with 9 contacts, a PC with 3: what would a sync do?", "sync --dry-run")?;
    stage.session(&Turn::DRY)?;
    chapter(stage, "2. Do it", "sync")?;
    stage.session(&Turn::SYNC)?;
    sides_are_equal(stage)
}

fn edits(stage: &mut Stage<'_>) -> Result<(), Failed> {
    stage.later();
    stage.edit_file("zoe.vcf", "+46 70 123 45 67", "+46 70 765 43 21")?;
    stage.remove_file("taxi.vcf")?;
    stage.edit("Zoë Ångström", "END:VCARD", "EMAIL;TYPE=home:zoe@example.org\r\nEND:VCARD")?;
    stage.edit("Ada Byron", "TITLE:Analyst", "TITLE:Countess of Computing")?;
    chapter(
        stage,
        "3. On the phone: a new number for Zoë, Taxi deleted. On the PC: an e-mail for Zoë, a title for Ada",
        "sync",
    )?;
    stage.session(&Turn::SYNC)?;
    sides_are_equal(stage)
}

fn mass_deletion(stage: &mut Stage<'_>) -> Result<(), Failed> {
    let names = stage.card_files()?;
    let before = stage.files()?;
    for name in names.iter().take(7) {
        stage.remove_file(name)?;
    }
    chapter(stage, "4. Seven files vanish from the phone: a guard stops the sync", "sync")?;
    stage.session(&Turn::SYNC)?;
    stage.say("\nThe PC still has everything. The files come back:")?;
    for (path, bytes) in before {
        if let Some(name) =
            path.rsplit('/').next().filter(|name| names.iter().take(7).any(|gone| gone == name))
        {
            stage.put_file(name, &String::from_utf8_lossy(&bytes))?;
        }
    }
    stage.say("\n$ tetherbook sync\n")?;
    stage.session(&Turn::SYNC)?;
    sides_are_equal(stage)
}

fn pulled_cable(stage: &mut Stage<'_>) -> Result<(), Failed> {
    for card in LATE_ARRIVALS {
        stage.add(card)?;
    }
    stage.remove("Sam Okafor")?;
    stage.edit("Ada Byron", "TEL;TYPE=work:+44 20 7946 0001", "TEL;TYPE=work:+44 20 7946 0999")?;
    // In the middle of the second new contact's bytes.
    let cut = "cut@SendObject:3".parse::<FaultPlan>().unwrap_or_default();
    chapter(stage, "5. Five changes on the PC, and the cable is pulled in the middle", "sync")?;
    stage.session(&Turn { faults: cut, ..Turn::SYNC })?;
    stage.say(&format!("\n(The cable went at container {} of the conversation.)", stage.containers()))?;
    chapter(stage, "6. Plugged in again: it settles what was cut and goes on", "sync")?;
    stage.session(&Turn::SYNC)?;
    sides_are_equal(stage)
}

fn nothing_to_do(stage: &mut Stage<'_>) -> Result<(), Failed> {
    // The session after a writing one reads what was written once more; then it is quiet.
    stage.later();
    chapter(stage, "7. Nothing to do", "sync --stats")?;
    stage.session(&Turn { statistics: true, ..Turn::SYNC })?;
    let before = (stage.files()?, stage.database_bytes()?);
    stage.say("\n$ tetherbook sync --stats\n")?;
    stage.session(&Turn { statistics: true, ..Turn::SYNC })?;
    let quiet = before == (stage.files()?, stage.database_bytes()?);
    let words =
        if quiet { "Not a byte was written, on the phone or on the PC." } else { "Something was written." };
    stage.say(&format!("\n{words}"))
}

/// A mistake on the phone travels to the PC, and is taken back.
fn taken_back(stage: &mut Stage<'_>) -> Result<(), Failed> {
    stage.later();
    stage.remove_file("zoe.vcf")?;
    chapter(
        stage,
        "8. Zoë is deleted on the phone, by mistake, and so on the PC; the sync is taken back",
        "sync",
    )?;
    let ended = stage.session(&Turn::SYNC)?;
    stage.say("\n$ tetherbook undo\n")?;
    stage.session(&Turn { undo: ended.summary.session, ..Turn::SYNC })?;
    stage.say("\n$ tetherbook undo --release pc --all\n$ tetherbook sync\n")?;
    stage.release_to_the_pc()?;
    stage.session(&Turn::SYNC)?;
    sides_are_equal(stage)
}

/// A phone that cannot be written: its app leaves all contacts in a file every morning.
fn by_hand(stage: &mut Stage<'_>) -> Result<(), Failed> {
    let [ada, bo, cleo] = BACKED_UP;
    stage.put("Download/Contacts_20261119_060001.vcf", &[ada, bo].concat())?;
    chapter(stage, "9. Another phone, on which Fossify Contacts makes a backup every morning", "sync")?;
    stage.session(&Turn::SYNC)?;
    stage.edit("Bo Svensson", "END:VCARD", "EMAIL:bo@example.org\r\nEND:VCARD")?;
    stage.add(cleo)?;
    chapter(stage, "10. On the PC: an e-mail for Bo, and Cleo is new", "sync")?;
    stage.session(&Turn::SYNC)?;
    let with_mail = bo.replace("END:VCARD", "EMAIL:bo@example.org\r\nEND:VCARD");
    stage.put("Download/Contacts_20261121_060001.vcf", &[ada, &with_mail, cleo].concat())?;
    chapter(
        stage,
        "11. The person opened the file and gave Bo the e-mail; the next backup shows it",
        "sync",
    )?;
    stage.session(&Turn::SYNC)?;
    stage.say("\n$ tetherbook sync\n")?;
    stage.session(&Turn::SYNC)?;
    Ok(())
}

/// Says how many contacts both sides hold, or that they differ: the demo proves its own words.
fn sides_are_equal(stage: &Stage<'_>) -> Result<(), Failed> {
    let (pc, phone) = stage.fingerprints()?;
    if pc == phone {
        return stage.say(&format!("\nPhone and PC hold the same {} contacts.", pc.len()));
    }
    Err(Failed::general(
        format!("phone and PC differ: {} contacts on the phone, {} on the PC", phone.len(), pc.len()),
        "this is a defect of Tetherbook; please report it with this output",
    ))
}

/// Copies the store and the simulated phone's files to a folder.
fn keep(stage: &Stage<'_>, from: &Path, folder: &Path) -> Result<(), Failed> {
    let copy = |target: &Path, bytes: &[u8]| {
        let parent = target.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent)
            .and_then(|()| std::fs::write(target, bytes))
            .map_err(|error| Failed::file("write", target, &error))
    };
    let database = from.join("tetherbook.db");
    let bytes = std::fs::read(&database).map_err(|error| Failed::file("read", &database, &error))?;
    copy(&folder.join("tetherbook.db"), &bytes)?;
    for (path, bytes) in stage.files()? {
        copy(&folder.join("phone").join(path), &bytes)?;
    }
    Ok(())
}
