//! The guards, against the real program: what trips them, what is shown, and what each of the three answers does. What
//! only looks like deletions, because the place or the scope is another one, must never come to a guard at all.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

mod sandbox;

use std::fs;

use insta::assert_snapshot;
use sandbox::Sandbox;

const SYNC: &str = "sync --phone dir:{T}/phone";
const PEOPLE: usize = 60;

/// A phone and a book with sixty people each, synced.
fn synced() -> Sandbox {
    let sandbox = Sandbox::new();
    for number in 0..PEOPLE {
        let lines = [format!("UID:u{number}"), format!("FN:Person {number:02}"), "TITLE:old".into()];
        sandbox.card(&file(number), &lines.iter().map(String::as_str).collect::<Vec<_>>());
    }
    // So that the phone gets its marker, as one that is written to has it.
    add(&sandbox, "Only Here");
    let done = sandbox.run(SYNC);
    assert!(done.ends_with("Created 1 on the phone and 60 on the PC.\n[exit 0]\n"), "{done}");
    sandbox
}

fn add(sandbox: &Sandbox, name: &str) {
    sandbox.write(
        "new.vcf",
        &sandbox::card(&[&format!("UID:{}", name.replace(' ', "-")), &format!("FN:{name}")]),
    );
    assert!(sandbox.run("import new.vcf").ends_with("[exit 0]\n"));
}

fn file(number: usize) -> String {
    format!("phone/p{number}.vcf")
}

fn delete_on_phone(sandbox: &Sandbox, numbers: std::ops::Range<usize>) {
    for number in numbers {
        fs::remove_file(sandbox.path(&file(number))).unwrap();
    }
}

/// Gives many people on the phone another title, as an app does that rewrites all of its cards.
fn edit_on_phone(sandbox: &Sandbox, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let path = sandbox.path(&file(number));
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, text.replace("TITLE:old", "TITLE:rewritten")).unwrap();
    }
}

/// How many cards on the phone and on the PC hold that text.
fn holding(sandbox: &Sandbox, text: &str) -> (usize, usize) {
    let files = fs::read_dir(sandbox.path("phone")).unwrap().map(|entry| entry.unwrap().path());
    let cards = files.filter(|path| path.extension().is_some_and(|extension| extension == "vcf"));
    let on_phone = cards.filter(|path| fs::read_to_string(path).unwrap().contains(text)).count();
    (on_phone, sandbox.run("export").matches(text).count())
}

fn lines_of(text: &str) -> usize {
    text.lines().filter(|line| line.starts_with("stderr| ")).count()
}

#[test]
fn many_edits_stop_and_the_screen_has_the_ways_on() {
    let sandbox = synced();
    edit_on_phone(&sandbox, 0..PEOPLE);
    let text = sandbox.run(&format!("{SYNC} --conflicts newest"));
    assert!(lines_of(&text) <= 24, "{text}");
    assert_snapshot!(text);
    let json = sandbox.run(&format!("{SYNC} --json"));
    let stop = json.lines().find(|line| line.contains("\"type\":\"stop\"")).unwrap();
    let stop: serde_json::Value = serde_json::from_str(stop).unwrap();
    assert_eq!(
        (&stop["guard"], &stop["side"], &stop["edits"], &stop["items"], &stop["allowed"]),
        (&"too-many-edits".into(), &"pc".into(), &60.into(), &61.into(), &50.into())
    );
    assert_eq!(stop["contacts"].as_array().unwrap().len(), 60);
    assert_eq!(
        stop["answers"],
        serde_json::json!({"proceed": "--allow-edits", "put-back": "--put-back", "leave": "--leave"})
    );
    assert_eq!(holding(&sandbox, "TITLE:rewritten"), (60, 0), "a stopped session wrote something");
}

#[test]
fn the_three_answers_to_many_edits() {
    let answers = [
        ("--allow-edits", "updated 60 on the PC.", (60, 60), 0),
        ("--put-back", "updated 60 on the phone.", (0, 0), 0),
        ("--leave", "", (60, 0), 7),
    ];
    for (flag, told, rewritten, next_exit) in answers {
        let sandbox = synced();
        edit_on_phone(&sandbox, 0..PEOPLE);
        add(&sandbox, "New Here");
        let before = holding(&sandbox, "TITLE:rewritten");
        let dry = sandbox.run(&format!("{SYNC} -n {flag}"));
        assert!(dry.ends_with("[exit 0]\n"), "{flag}: {dry}");
        assert_eq!(holding(&sandbox, "TITLE:rewritten"), before, "{flag}: a dry run wrote something");
        let done = sandbox.run(&format!("{SYNC} {flag}"));
        assert!(done.ends_with("[exit 0]\n") && done.contains("New Here"), "{flag}: {done}");
        assert!(done.contains(told), "{flag}: {done}");
        assert_eq!(holding(&sandbox, "TITLE:rewritten"), rewritten, "{flag}");
        assert_eq!(holding(&sandbox, "FN:"), (62, 62), "{flag}");
        let next = sandbox.run(SYNC);
        assert!(next.ends_with(&format!("[exit {next_exit}]\n")), "{flag}: {next}");
    }
}

#[test]
fn what_a_mass_edit_took_away_is_in_the_history() {
    let sandbox = synced();
    edit_on_phone(&sandbox, 0..PEOPLE);
    sandbox.run(&format!("{SYNC} --put-back"));
    let log = sandbox.run("log show 2 -v");
    assert!(log.contains("edited on the phone: taken back, as asked"), "{log}");
    assert!(log.contains("rewritten"), "{log}");
}

#[test]
fn the_three_answers_to_many_deletions() {
    let answers = [("--allow-deletes", (41, 41), 0), ("--put-back", (61, 61), 0), ("--leave", (41, 61), 7)];
    for (flag, left, next_exit) in answers {
        let sandbox = synced();
        delete_on_phone(&sandbox, 0..20);
        let stopped = sandbox.run(SYNC);
        assert!(stopped.ends_with("[exit 7]\n") && lines_of(&stopped) <= 24, "{stopped}");
        sandbox.run("edit u40 --title changed");
        let dry = sandbox.run(&format!("diff --phone dir:{{T}}/phone {flag}"));
        assert!(dry.ends_with("[exit 0]\n"), "{flag}: {dry}");
        let done = sandbox.run(&format!("{SYNC} {flag}"));
        assert!(done.ends_with("[exit 0]\n"), "{flag}: {done}");
        assert_eq!(holding(&sandbox, "FN:"), left, "{flag}");
        assert_eq!(holding(&sandbox, "TITLE:changed"), (1, 1), "{flag}: the rest is synced");
        let next = sandbox.run(SYNC);
        assert!(next.ends_with(&format!("[exit {next_exit}]\n")), "{flag}: {next}");
    }
}

#[test]
fn deletions_on_the_pc_are_put_back_from_the_phone() {
    let sandbox = synced();
    for number in 0..20 {
        sandbox.run(&format!("rm --yes u{number}"));
    }
    assert!(sandbox.run(SYNC).contains("To put them back on the PC:"));
    let done = sandbox.run(&format!("{SYNC} --put-back"));
    assert!(done.contains("Created 20 on the PC."), "{done}");
    assert!(done.contains("deleted on the PC: put back, as"), "{done}");
    assert_eq!(holding(&sandbox, "FN:"), (61, 61));
    assert!(sandbox.run(SYNC).contains("Nothing to do"));
}

#[test]
fn whoever_wants_deletions_undone_gets_even_a_single_one_back() {
    let sandbox = synced();
    delete_on_phone(&sandbox, 0..1);
    sandbox.run("rm --yes u1");
    let done = sandbox.run(&format!("{SYNC} --put-back"));
    assert!(done.contains("Created 1 on the phone and 1 on the PC."), "{done}");
    assert_eq!(holding(&sandbox, "FN:"), (61, 61));
}

#[test]
fn the_three_answers_to_an_emptied_phone() {
    for (flag, left, next_exit) in
        [("--allow-deletes", (1, 1), 0), ("--put-back", (62, 62), 0), ("--leave", (0, 62), 7)]
    {
        let sandbox = synced();
        for entry in fs::read_dir(sandbox.path("phone")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "vcf") {
                fs::remove_file(path).unwrap();
            }
        }
        add(&sandbox, "New Here");
        let stopped = sandbox.run(SYNC);
        assert!(stopped.contains("the phone holds no contacts any more"), "{stopped}");
        let done = sandbox.run(&format!("{SYNC} {flag}"));
        assert!(done.ends_with("[exit 0]\n"), "{flag}: {done}");
        assert_eq!(holding(&sandbox, "FN:"), left, "{flag}");
        assert!(sandbox.run(SYNC).ends_with(&format!("[exit {next_exit}]\n")), "{flag}");
    }
}

#[test]
fn answers_by_kind_go_together() {
    let sandbox = synced();
    delete_on_phone(&sandbox, 0..8);
    edit_on_phone(&sandbox, 8..PEOPLE);
    let first = sandbox.run(SYNC);
    assert!(first.contains("this would delete 8 of 61 contacts on the PC"), "{first}");
    let second = sandbox.run(&format!("{SYNC} --allow-deletes"));
    assert!(second.contains("this would overwrite 52 of 61 contacts on the PC"), "{second}");
    assert!(second.contains("--allow-deletes --allow-edits"), "{second}");
    let done = sandbox.run(&format!("{SYNC} --allow-edits --put-back"));
    assert!(done.contains("Created 8 on the phone, updated 52 on the PC."), "{done}");
    assert_eq!(holding(&sandbox, "FN:"), (61, 61));
    assert_eq!(holding(&sandbox, "TITLE:rewritten"), (52, 52));
    let both = sandbox.run(&format!("{SYNC} --put-back --leave"));
    assert!(both.ends_with("[exit 2]\n"), "{both}");
}

#[test]
fn limits_are_per_side_in_the_configuration() {
    let sandbox = synced();
    sandbox.write(
        "guards.toml",
        "[guards]\nedits_max_count = 2\nedits_max_percent = 0\n[guards.phone]\nedits_max_count = 9\n",
    );
    edit_on_phone(&sandbox, 0..3);
    let sync = format!("{SYNC} --config guards.toml");
    assert!(sandbox.run(&sync).contains("this would overwrite 3 of 61 contacts on the PC; up to 2"));
    assert!(sandbox.run(&format!("{sync} --allow-edits")).ends_with("[exit 0]\n"));
    for number in 10..13 {
        sandbox.run(&format!("edit u{number} --title changed"));
    }
    let done = sandbox.run(&sync);
    assert!(done.contains("Updated 3 on the phone."), "{done}");
}

#[test]
fn a_configuration_cannot_answer_a_guard() {
    let sandbox = synced();
    for key in ["allow_deletes = true", "allow_edits = true", "answer = \"proceed\"", "put_back = true"] {
        for section in ["", "[guards]\n", "[attend]\n"] {
            sandbox.write("answers.toml", &format!("{section}{key}\n"));
            let text = sandbox.run(&format!("{SYNC} --config answers.toml"));
            assert!(
                text.contains("there is no key") && text.ends_with("[exit 2]\n"),
                "{section}{key}: {text}"
            );
        }
    }
}

#[test]
fn a_first_meeting_is_no_mass_edit() {
    let sandbox = Sandbox::new();
    let mut cards = String::new();
    for number in 0..PEOPLE {
        let (uid, name) = (format!("UID:u{number}"), format!("FN:Person {number:02}"));
        sandbox.card(&file(number), &[&uid, &name, "TEL;TYPE=CELL:+49 170 1"]);
        cards += &sandbox::card(&[&uid, &name, "TITLE:boss"]);
    }
    sandbox.write("mine.vcf", &cards);
    sandbox.run("import mine.vcf");
    let done = sandbox.run(SYNC);
    assert!(done.contains("60 pairs of equal contacts") && done.ends_with("[exit 0]\n"), "{done}");
}

#[test]
fn one_way_nothing_can_be_put_back_and_that_is_said() {
    let sandbox = synced();
    delete_on_phone(&sandbox, 0..20);
    let stopped = sandbox.run(&format!("{SYNC} --mode phone-to-pc"));
    assert!(stopped.contains("--mode phone-to-pc --allow-deletes"), "{stopped}");
    assert!(
        !stopped.contains("--put-back") && stopped.contains("Nothing can be put back on the phone"),
        "{stopped}"
    );
    let refused = sandbox.run(&format!("{SYNC} --mode phone-to-pc --put-back"));
    assert!(refused.ends_with("[exit 2]\n"), "{refused}");
    assert!(sandbox.run(&format!("{SYNC} --mode phone-to-pc --leave")).ends_with("[exit 0]\n"));
    assert_eq!(holding(&sandbox, "FN:"), (41, 61));
}

/// Four people in one folder of a simulated phone and one in another, the first synced without ever writing to the phone,
/// so that no marker tells the two folders apart.
fn two_folders(mode: &str) -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    for name in ["Ada", "Bo", "Cleo", "Dan"] {
        sandbox.card(&format!("phone/Contacts/{name}.vcf"), &[&format!("UID:{name}"), &format!("FN:{name}")]);
    }
    sandbox.card("phone/My Organizer/Eve.vcf", &["UID:Eve", "FN:Eve"]);
    let sync = format!("sync --phone sim:{{T}}/phone --mode {mode} --profile");
    let done = sandbox.run(&format!("{sync} generic"));
    assert!(done.contains("Created 4 on the PC."), "{done}");
    (sandbox, sync)
}

#[test]
fn i17_another_profile_that_reads_another_folder_deletes_nothing() {
    for mode in ["phone-to-pc", "two-way"] {
        let (sandbox, sync) = two_folders(mode);
        let other = sandbox.run(&format!("{sync} creative-zen"));
        assert!(other.ends_with("[exit 0]\n") && !other.contains("- "), "{mode}: {other}");
        assert_eq!(sandbox.run("export").matches("FN:").count(), 5, "{mode}: {other}");
        // And back again: nobody is lost, nobody is there twice.
        let back = sandbox.run(&format!("{sync} generic"));
        assert!(back.ends_with("[exit 0]\n"), "{mode}: {back}");
        assert_eq!(sandbox.run("export").matches("FN:").count(), 5, "{mode}: {back}");
        assert!(fs::read_dir(sandbox.path("phone/Contacts")).unwrap().count() >= 4);
    }
    let (sandbox, sync) = two_folders("phone-to-pc");
    let other = sandbox.run(&format!("{sync} creative-zen"));
    let notes: Vec<&str> = other.lines().filter(|line| line.contains("not as it was left")).collect();
    assert_eq!(notes.len(), 1, "{other}");
}

#[test]
fn i17_another_mode_deletes_nothing() {
    let modes = ["two-way", "phone-to-pc", "pc-to-phone"];
    for before in modes {
        for after in modes {
            let sandbox = Sandbox::new();
            sandbox.card("phone/a.vcf", &["UID:a", "FN:On Phone"]);
            add(&sandbox, "On PC");
            sandbox.run(&format!("{SYNC} --mode {before}"));
            let people = holding(&sandbox, "FN:");
            let done = sandbox.run(&format!("{SYNC} --mode {after}"));
            let now = holding(&sandbox, "FN:");
            assert!(now.0 >= people.0 && now.1 >= people.1, "{before}, then {after}: {done}");
        }
    }
}

#[test]
fn i17_another_book_deletes_nothing() {
    let sandbox = synced();
    let done = sandbox.run(&format!("{SYNC} --book other"));
    assert!(done.contains("Created 61 on the PC."), "{done}");
    assert_eq!(holding(&sandbox, "FN:"), (61, 122), "61 in each of the two books");
    assert!(sandbox.run(SYNC).contains("Nothing to do"));
}

#[test]
fn i15_another_phone_in_the_same_place_deletes_nothing() {
    let sandbox = synced();
    fs::rename(sandbox.path("phone"), sandbox.path("old-phone")).unwrap();
    sandbox.card("phone/new.vcf", &["UID:new", "FN:New Phone"]);
    let done = sandbox.run(SYNC);
    assert!(done.ends_with("[exit 0]\n"), "{done}");
    assert_eq!(holding(&sandbox, "FN:"), (62, 62));
}

#[test]
fn i15_a_changed_or_missing_marker_deletes_nothing() {
    for content in [None, Some(""), Some("nonsense")] {
        let sandbox = synced();
        let names = fs::read_dir(sandbox.path("phone")).unwrap().map(|entry| entry.unwrap().file_name());
        let marker =
            names.map(|name| name.into_string().unwrap()).find(|name| !name.ends_with(".vcf")).unwrap();
        let marker = sandbox.path(&format!("phone/{marker}"));
        match content {
            None => fs::remove_file(marker).unwrap(),
            Some(text) => fs::write(marker, text).unwrap(),
        }
        delete_on_phone(&sandbox, 0..4);
        let done = sandbox.run(SYNC);
        assert!(done.contains("Everything is compared anew, and nothing is deleted."), "{done}");
        assert_eq!(holding(&sandbox, "FN:"), (61, 61), "{content:?}: {done}");
    }
}

#[test]
fn i15_a_phone_put_back_in_time_deletes_nothing() {
    let sandbox = synced();
    let copy = |from: &str, to: &str| {
        fs::create_dir_all(sandbox.path(to)).unwrap();
        for entry in fs::read_dir(sandbox.path(from)).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, sandbox.path(to).join(path.file_name().unwrap())).unwrap();
        }
    };
    copy("phone", "backup");
    for name in ["Later One", "Later Two"] {
        add(&sandbox, name);
        assert!(sandbox.run(SYNC).contains("Created 1 on the phone."));
    }
    fs::remove_dir_all(sandbox.path("phone")).unwrap();
    copy("backup", "phone");
    let done = sandbox.run(SYNC);
    assert!(done.contains("nothing is deleted") && done.contains("Created 2 on the phone."), "{done}");
    assert_eq!(holding(&sandbox, "FN:"), (63, 63));
}
