//! What an attendance says: one line for the journal, and a desktop notification where a person should know. Pure.
//! It must not name a contact: journals are read by others and notifications are seen over shoulders.

use crate::report::{ExitCode, PerSide, Summary, count, count_of, per_side, sentence, shown, stop_words};

use super::attend::{Ending, News, PairedPhone, Ran};

/// A desktop notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The line in bold.
    pub title: String,
    /// What stands below it, as the markup that notification servers read: `&`, `<` and `>` are escaped.
    pub body: String,
}

/// The line that tells why it waits.
#[must_use]
pub fn news_line(pairing: Option<&PairedPhone>, news: &News) -> String {
    let name = name_field(pairing);
    match news {
        News::Unlock => format!("tetherbook: waiting{name} for=unlock"),
        News::Holder(by) if by.is_empty() => format!("tetherbook: waiting{name} for=holder"),
        News::Holder(by) => format!("tetherbook: waiting{name} for=holder by={}", value(by)),
    }
}

/// The one line that tells how it ended, for `journalctl` and grep: a word, then `key=value` fields.
///
/// ```text
/// tetherbook: synced name=Pixel book=contacts pc=+1~0-0 phone=+0~2-0 merged=0 conflicts=0 failed=0 exit=0 ms=812
/// ```
#[must_use]
pub fn ending_line(pairing: Option<&PairedPhone>, ending: &Ending, elapsed_ms: u64) -> String {
    let name = name_field(pairing);
    let exit = ending.exit().number();
    let told = match ending {
        Ending::Session(Ran { summary: Some(summary), exit }) => {
            format!("{}{name}{}", word(*exit), counts(pairing, summary))
        }
        Ending::Session(Ran { summary: None, exit }) => {
            format!("failed{name} reason={}", value(exit.words()))
        }
        Ending::Absent => String::from("ended reason=nothing-there"),
        Ending::NotMtp => String::from("ended reason=no-mtp-interface"),
        Ending::Unpaired(label) => {
            format!(
                "unpaired phone={} reason=never-synced-unless-paired pair=\"tetherbook pair\"",
                value(label)
            )
        }
        Ending::Attended => format!("ended{name} reason=another-run-attends"),
        Ending::Unplugged => format!("ended{name} reason=unplugged"),
        Ending::NeverUnlocked => format!("ended{name} reason=never-unlocked"),
        Ending::Held(by) if by.is_empty() => format!("failed{name} reason=held"),
        Ending::Held(by) => format!("failed{name} reason=held by={}", value(by)),
        Ending::Denied => format!("failed{name} reason=no-permission"),
        Ending::Silent => format!("failed{name} reason=no-answer"),
        Ending::DatabaseLocked => format!("ended{name} reason=another-session-runs"),
        Ending::Stopped => format!("ended{name} reason=stopped"),
    };
    format!("tetherbook: {told} exit={exit} ms={elapsed_ms}")
}

/// A session that wrote what it could is "synced", whatever waits for a person.
fn word(exit: ExitCode) -> &'static str {
    match exit {
        ExitCode::Done | ExitCode::Conflicts | ExitCode::SomeFailed => "synced",
        _ => "failed",
    }
}

fn counts(pairing: Option<&PairedPhone>, summary: &Summary) -> String {
    let book = pairing.map_or(summary.book.as_str(), |pairing| pairing.book.as_str());
    let changes = |count: fn(&PerSide) -> usize| {
        format!("+{}~{}-{}", count(&summary.created), count(&summary.updated), count(&summary.deleted))
    };
    let mut waiting =
        if summary.waiting > 0 { format!(" waiting={}", summary.waiting) } else { String::new() };
    if let Some(stop) = &summary.stopped {
        waiting.push_str(&format!(" guard={}", stop.kind()));
    }
    format!(
        " book={} pc={} phone={} merged={} conflicts={} failed={}{waiting}",
        value(book),
        changes(|side| side.pc),
        changes(|side| side.phone),
        summary.merged,
        summary.conflicts,
        summary.failed
    )
}

fn name_field(pairing: Option<&PairedPhone>) -> String {
    pairing.map(|pairing| format!(" name={}", value(&pairing.name))).unwrap_or_default()
}

/// A field's value: as it is if it is one plain word, else in double quotes. What a phone says of itself cannot end
/// the line, the quotes or the field.
fn value(text: &str) -> String {
    let text = shown(text);
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_.:/+@".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text;
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The notification, if something changed or a person is needed.
#[must_use]
pub fn notice(pairing: Option<&PairedPhone>, ending: &Ending) -> Option<Notice> {
    let name = pairing.map_or_else(|| String::from("The phone"), |pairing| shown(&pairing.name));
    let (title, body) = match ending {
        Ending::Session(ran) => return session_notice(&name, ran),
        Ending::Unpaired(label) => (
            "A new phone is plugged in",
            format!(
                "{} is not paired, so its contacts were left alone. To sync it: tetherbook pair",
                shown(if label.is_empty() { "It" } else { label })
            ),
        ),
        Ending::Held(by) => (
            "Contacts were not synced",
            if by.is_empty() {
                format!(
                    "Another program uses {name}. Close it or eject the phone there, then plug it in again."
                )
            } else {
                format!(
                    "{} uses {name}. Close it or eject the phone there, then plug it in again.",
                    shown(by)
                )
            },
        ),
        Ending::Denied => (
            "Contacts were not synced",
            format!("You may not open {name}. tetherbook doctor tells what is missing."),
        ),
        Ending::Silent => (
            "Contacts were not synced",
            format!("{name} does not answer. Unplug it, plug it in again; then try tetherbook doctor."),
        ),
        Ending::Absent
        | Ending::NotMtp
        | Ending::Attended
        | Ending::Unplugged
        | Ending::NeverUnlocked
        | Ending::DatabaseLocked
        | Ending::Stopped => return None,
    };
    Some(Notice { title: title.to_owned(), body: escaped(&body) })
}

fn session_notice(name: &str, ran: &Ran) -> Option<Notice> {
    let done = ran.summary.as_ref().map(|summary| done_words(summary)).unwrap_or_default();
    let needed = match ran.exit {
        ExitCode::Done if done.is_empty() => return None,
        ExitCode::Done => String::new(),
        ExitCode::Conflicts => {
            let (fields, pairs) =
                ran.summary.as_ref().map_or((0, 0), |summary| (summary.conflicts, summary.asked));
            let may =
                count_of(pairs, "pair of contacts may be one person", "pairs of contacts may be one person");
            let asked = format!("{may}: tetherbook dupes");
            match (fields, pairs) {
                (_, 0) => format!("{} for your decision: tetherbook status", wait(fields)),
                (0, _) => format!("{asked}."),
                _ => format!("{} for your decision: tetherbook status. {asked}.", wait(fields)),
            }
        }
        // What tripped is told, and not how to go past it: that is for whoever has looked.
        ExitCode::Guard => {
            let tripped = ran.summary.as_ref().and_then(|summary| summary.stopped.as_ref()).map(stop_words);
            let tripped = tripped.unwrap_or_else(|| String::from("a guard stopped it"));
            format!("{}. Nothing was written; look at it: tetherbook diff", sentence(&tripped))
        }
        ExitCode::NoChannel => {
            String::from("It has no place for contacts that is known. See tetherbook doctor")
        }
        ExitCode::SomeFailed => {
            String::from("Some contacts failed. Plug it in again, or see tetherbook log and tetherbook sync")
        }
        _ => String::from("It failed; tetherbook sync tells why."),
    };
    let title = match ran.exit {
        ExitCode::Done => "Contacts are synced",
        ExitCode::Conflicts | ExitCode::SomeFailed => "Contacts are synced, with a rest",
        _ => "Contacts were not synced",
    };
    let sentences: Vec<&str> = [done.as_str(), &needed].into_iter().filter(|text| !text.is_empty()).collect();
    Some(Notice { title: title.to_owned(), body: escaped(&format!("{name}: {}", sentences.join(" "))) })
}

fn wait(fields: usize) -> String {
    if fields == 1 { String::from("1 field waits") } else { format!("{} wait", count(fields, "field")) }
}

/// What was done, in numbers; empty if nothing was.
fn done_words(summary: &Summary) -> String {
    let parts = [
        per_side("created", summary.created),
        per_side("changed", summary.updated),
        per_side("deleted", summary.deleted),
        (summary.merged > 0).then(|| format!("merged {}", summary.merged)),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let done = if parts.is_empty() { String::new() } else { format!("{}.", sentence(&parts.join("; "))) };
    // News only in the session that left the file: a wish that goes on waiting must not be told at every plug-in.
    let file = match summary.offered {
        0 => return done,
        contacts => format!(
            "A file with {} for its address book is on it. tetherbook sync tells how it is taken in.",
            count(contacts, "contact")
        ),
    };
    [done, file].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Stop;

    fn pairing(name: &str) -> PairedPhone {
        PairedPhone { name: name.into(), book: "my book".into(), serial: "A1".into() }
    }

    fn session(exit: ExitCode, change: impl FnOnce(&mut Summary)) -> Ending {
        let mut summary = Summary::new("label", "book", false);
        summary.exit = exit;
        change(&mut summary);
        Ending::Session(Ran { exit, summary: Some(Box::new(summary)) })
    }

    #[test]
    fn the_summary_is_one_line_of_fields() {
        let ending = session(ExitCode::Conflicts, |summary| {
            summary.created = PerSide { phone: 0, pc: 1 };
            summary.updated = PerSide { phone: 2, pc: 0 };
            summary.conflicts = 3;
        });
        assert_eq!(
            ending_line(Some(&pairing("Pixel")), &ending, 812),
            "tetherbook: synced name=Pixel book=\"my book\" pc=+1~0-0 phone=+0~2-0 merged=0 conflicts=3 failed=0 \
             exit=6 ms=812"
        );
        assert_eq!(
            ending_line(
                Some(&pairing("Pixel")),
                &Ending::Session(Ran { exit: ExitCode::Failed, summary: None }),
                1
            ),
            format!("tetherbook: failed name=Pixel reason=\"{}\" exit=1 ms=1", ExitCode::Failed.words())
        );
        assert_eq!(
            ending_line(Some(&pairing("Pixel")), &Ending::Unplugged, 30),
            "tetherbook: ended name=Pixel reason=unplugged exit=3 ms=30"
        );
    }

    #[test]
    fn a_guard_is_told_with_what_tripped_and_without_a_way_past_it() {
        let stop = Stop::TooManyDeletes {
            side: crate::relationship::Side::Pc,
            deletes: 90,
            items: 120,
            allowed: 12,
        };
        let ending = session(ExitCode::Guard, |summary| summary.stopped = Some(stop));
        let said = notice(Some(&pairing("Pixel")), &ending).unwrap();
        assert_eq!(said.title, "Contacts were not synced");
        assert_eq!(
            said.body,
            "Pixel: This would delete 90 of 120 contacts on the PC; up to 12 are deleted without asking. Nothing was \
             written; look at it: tetherbook diff"
        );
        assert!(!said.body.contains("--allow"), "{}", said.body);
        let line = ending_line(Some(&pairing("Pixel")), &ending, 1);
        assert!(line.contains(" guard=too-many-deletes exit=7"), "{line}");
    }

    #[test]
    fn a_name_cannot_end_its_field_or_the_line() {
        let line = ending_line(Some(&pairing("a\" exit=0\nb\\\u{1b}[2J")), &Ending::Stopped, 0);
        assert_eq!(line.lines().count(), 1);
        assert!(line.contains("name=\"a\\\" exit=0"), "{line}");
        assert!(!line.contains('\u{1b}') && line.ends_with("exit=130 ms=0"), "{line}");
        let line = news_line(Some(&pairing("Red phone")), &News::Holder("gvfsd-mtp".into()));
        assert_eq!(line, "tetherbook: waiting name=\"Red phone\" for=holder by=gvfsd-mtp");
    }

    #[test]
    fn a_file_that_was_left_on_the_phone_is_told_once() {
        let left = session(ExitCode::Done, |summary| (summary.waiting, summary.offered) = (5, 2));
        let told = notice(Some(&pairing("Pixel")), &left).unwrap().body;
        assert_eq!(
            told,
            "Pixel: A file with 2 contacts for its address book is on it. tetherbook sync tells how it is taken in."
        );
        let line = ending_line(Some(&pairing("Pixel")), &left, 7);
        assert!(line.contains(" failed=0 waiting=5 exit=0 "), "{line}");
    }

    #[test]
    fn nobody_is_told_of_what_needs_nobody() {
        let quiet = [
            session(ExitCode::Done, |summary| summary.waiting = 5),
            session(ExitCode::Done, |_| {}),
            Ending::Absent,
            Ending::NotMtp,
            Ending::Attended,
            Ending::Unplugged,
            Ending::NeverUnlocked,
            Ending::DatabaseLocked,
            Ending::Stopped,
        ];
        for ending in quiet {
            assert_eq!(notice(Some(&pairing("Pixel")), &ending), None, "{ending:?}");
        }
    }

    #[test]
    fn a_person_is_told_what_changed_and_what_to_do() {
        let changed = session(ExitCode::Done, |summary| {
            summary.created = PerSide { phone: 1, pc: 2 };
            summary.merged = 1;
        });
        let told = notice(Some(&pairing("R&D <1>")), &changed).unwrap();
        assert_eq!(told.title, "Contacts are synced");
        assert_eq!(told.body, "R&amp;D &lt;1&gt;: Created 1 on the phone and 2 on the PC; merged 1.");
        for (ending, way_on) in [
            (
                session(ExitCode::Conflicts, |summary| summary.conflicts = 1),
                "1 field waits for your decision",
            ),
            (session(ExitCode::Guard, |_| {}), "tetherbook diff"),
            (session(ExitCode::NoChannel, |_| {}), "tetherbook doctor"),
            (session(ExitCode::SomeFailed, |_| {}), "tetherbook log"),
            (Ending::Session(Ran { exit: ExitCode::Failed, summary: None }), "tetherbook sync"),
            (Ending::Unpaired("Pixel 7".into()), "tetherbook pair"),
            (Ending::Held("gvfsd-mtp".into()), "gvfsd-mtp uses Red"),
            (Ending::Held(String::new()), "Another program uses Red"),
            (Ending::Denied, "tetherbook doctor"),
            (Ending::Silent, "plug it in again"),
        ] {
            let told = notice(Some(&pairing("Red")), &ending).unwrap();
            assert!(told.body.contains(way_on), "{ending:?}: {}", told.body);
        }
    }
}
