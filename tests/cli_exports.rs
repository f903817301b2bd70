//! Phones whose contacts leave them as export files, on the command line: what a person reads before, while and after
//! carrying out by hand what a session wants of the phone. Whole outputs.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may stop at the first surprise"
)]

mod exporters;
mod sandbox;

use std::fs;

use exporters::{EzVersion, Kind, Moment, Person, fossify, fossify_name};
use insta::assert_snapshot;
use sandbox::Sandbox;

const SYNC: &str = "sync --phone dir:{T}/phone";

struct Phone {
    sandbox: Sandbox,
    people: Vec<Person>,
    /// The number of the last export.
    exports: u8,
}

impl Phone {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        for folder in ["DCIM", "Download"] {
            fs::create_dir_all(sandbox.path(&format!("phone/{folder}"))).unwrap();
        }
        let mut people = vec![
            Person::named("Ada", "Example", "+447700900101"),
            Person::named("Jörg", "Grünwald", "+491715550103"),
            Person::named("Tom", "Brook", "+441174960107"),
            Person::named("Eva", "Brook", "+441174960107"),
        ];
        people[0].mails.push((Kind::Home, String::from("ada@example.org")));
        let mut phone = Self { sandbox, people, exports: 0 };
        phone.export();
        phone
    }

    fn write(&mut self, bytes: &[u8]) {
        self.exports += 1;
        let name = fossify_name("Contacts", Moment::at_six(2020, 11, self.exports, 1));
        let path = self.sandbox.path(&format!("phone/Download/{name}"));
        fs::write(&path, bytes).unwrap();
        // As old as its name says, so that its date is surely no other one's.
        let day = std::time::Duration::from_secs(1_604_188_800 + 86_400 * u64::from(self.exports));
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH + day).unwrap();
    }

    fn export(&mut self) {
        self.write(&fossify(&self.people, EzVersion::V4));
    }

    /// What came out, without the day of today and without how long ago the export was.
    fn run(&self, lines: &[&str]) -> String {
        let text = without_digits(&self.sandbox.transcript(lines), "tetherbook-to-phone-", ".vcf");
        // How long ago that was, wherever the line breaks.
        let parts: Vec<&str> = text.split(" days ago").collect();
        let last = parts.len() - 1;
        let trimmed = |(at, part): (usize, &&str)| {
            let part =
                if at < last { part.trim_end_matches(|letter: char| letter.is_ascii_digit()) } else { part };
            part.to_owned()
        };
        parts.iter().enumerate().map(trimmed).collect::<Vec<_>>().join("NNNN days ago")
    }

    fn drop_file(&self) -> Option<String> {
        let folder = fs::read_dir(self.sandbox.path("phone/Download/Tetherbook")).ok()?;
        let path = folder.map(|entry| entry.unwrap().path()).next()?;
        Some(fs::read_to_string(path).unwrap())
    }
}

/// The text with `N` for the digits between these two.
fn without_digits(text: &str, before: &str, after: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(before) {
        let (head, tail) = rest.split_at(at + before.len());
        out.push_str(head);
        let digits = tail.chars().take_while(char::is_ascii_digit).count();
        let end = &tail[digits..];
        if digits > 0 && end.starts_with(after) {
            out.push('N');
            rest = end;
        } else {
            rest = tail;
        }
    }
    out + rest
}

#[test]
fn a_first_sync_with_an_export_is_shown_and_done() {
    let phone = Phone::new();
    phone.sandbox.run("add --given Zoë --family Quimbleby --phone mobile=+447700900108 --note Bath");
    assert_snapshot!(phone.run(&[
        &format!("{SYNC} --dry-run"),
        &format!("{SYNC} --dry-run --json"),
        SYNC,
        SYNC,
        "log",
    ]));
}

#[test]
fn what_is_to_be_done_by_hand_is_listed_until_it_was_seen() {
    let mut phone = Phone::new();
    phone.sandbox.run(SYNC);
    phone
        .sandbox
        .run("edit 'Ada Example' --title Engineer --remove-email ada@example.org --phone work=+442079460102");
    phone.sandbox.run("rm --yes 'Jörg Grünwald'");
    phone.sandbox.run("add --given Zoë --family Quimbleby --phone mobile=+447700900108");
    let mut text =
        phone.run(&[&format!("{SYNC} --dry-run"), SYNC, SYNC, &format!("{SYNC} --json"), "status"]);
    let file = phone.drop_file().unwrap();
    assert!(file.contains("Zoë") && !file.contains("Ada"), "{file}");
    // The person does all of it.
    phone.people.remove(1);
    phone.people[0].mails.clear();
    phone.people[0].title = String::from("Engineer");
    phone.people[0].numbers.push((Kind::Work, String::from("+442079460102")));
    phone.people.push(Person::named("Zoë", "Quimbleby", "+447700900108"));
    phone.export();
    text += &phone.run(&[SYNC, SYNC, &format!("{SYNC} --json"), "log"]);
    assert_eq!(phone.drop_file(), None);
    assert_snapshot!(text);
}

#[test]
fn what_is_wrong_with_exports_is_said() {
    let mut phone = Phone::new();
    let mut text = phone.run(&[SYNC]);
    let whole = fossify(&phone.people, EzVersion::V4);
    phone.write(&whole[..whole.len() - 30]);
    text += &phone.run(&[SYNC]);
    phone.write(b"");
    phone.people.remove(1);
    phone.write(&fossify(&phone.people[..1], EzVersion::V4));
    text += &phone.run(&[SYNC]);
    phone.export();
    text += &phone.run(&[SYNC, &format!("{SYNC} --absent delete"), SYNC]);
    // Eva shares her only number with Tom.
    phone.people[2].given = String::from("Evelyn");
    phone.export();
    text += &phone.run(&[SYNC, "rm --yes 'Eva Brook'", SYNC]);
    assert_snapshot!(text);
}

#[test]
fn an_export_that_cannot_be_used_is_no_empty_phone() {
    let mut phone = Phone::new();
    let whole = fossify(&phone.people, EzVersion::V4);
    fs::remove_file(phone.sandbox.path("phone/Download/Contacts_20201101_060001.vcf")).unwrap();
    phone.write(&whole[..whole.len() - 30]);
    assert_snapshot!(phone.run(&[
        SYNC,
        &format!("{SYNC} --json"),
        &format!("{SYNC} --profile fossify --prune-exports")
    ]));
}

#[test]
fn a_phone_with_exports_is_paired_in_its_own_words() {
    let phone = Phone::new();
    assert_snapshot!(phone.run(&[
        "pair --phone dir:{T}/phone --name 'My phone'",
        "sync --phone 'My phone'",
        "status",
        "pair --phone dir:{T}/phone --json",
    ]));
}

/// Ada's title, changed on both sides, is decided on the PC: the phone is told by hand until it shows it.
#[test]
fn a_decided_field_is_done_by_hand_and_then_over() {
    for (answer, title) in [("pc", "Pilot"), ("phone", "Baker")] {
        let mut phone = Phone::new();
        phone.people[0].title = String::from("Clerk");
        phone.export();
        phone.sandbox.run(SYNC);
        phone.people[0].title = String::from("Baker");
        phone.export();
        phone.sandbox.run("edit 'Ada Example' --title Pilot");
        assert!(phone.sandbox.run(SYNC).contains("1 field waits"));
        let told = phone.sandbox.run("conflicts");
        assert!(told.contains("Baker") && told.contains("Pilot") && told.contains("Clerk"), "{told}");
        let decided = phone.sandbox.run(&format!("resolve 'Ada Example' --all-fields {answer}"));
        assert!(decided.contains("Decided 1 field"), "{decided}");
        let after = phone.sandbox.run(SYNC);
        assert_eq!(after.contains("waits to get onto the phone"), answer == "pc", "{after}");
        assert!(!after.contains("conflict"), "{after}");
        phone.people[0].title = String::from(title);
        phone.export();
        for _ in 0..2 {
            let over = phone.sandbox.run(SYNC);
            assert!(over.contains("Nothing to do"), "{answer}\n{over}");
        }
        assert!(phone.sandbox.run("show 'Ada Example'").contains(title));
    }
}
