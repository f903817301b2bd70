//! `profiles`: whole outputs and exit codes, in a sealed place and on a staged USB bus.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

mod sandbox;
#[allow(dead_code, reason = "other test files need the rest")]
mod staged_bus;

use std::fs;

use insta::assert_snapshot;
use sandbox::Sandbox;
use staged_bus::{Computer, everything};
use tetherbook::device::ProfileSet;

const OWN: &str = "home/.config/tetherbook/device-profiles";

/// A built-in profile's file with this done to it.
fn changed(id: &str, from: &str, to: &str) -> String {
    let profiles = ProfileSet::built_in().unwrap();
    let text = profiles.text_of(id).unwrap();
    assert!(text.contains(from), "{id} has no {from}");
    text.replace(from, to)
}

#[test]
fn help_begins_with_examples() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.transcript(&[
        "profiles --help",
        "profiles list --help",
        "profiles show --help",
        "profiles check --help",
        "profiles new --help",
    ]));
}

#[test]
fn the_list_has_every_profile_and_marks_ones_own() {
    let sandbox = Sandbox::new();
    let built_in = ProfileSet::built_in().unwrap();
    let (plain, json) = (sandbox.run("profiles"), sandbox.run("profiles list --json"));
    assert_eq!(plain.lines().skip(1).collect::<Vec<_>>(), {
        let list = sandbox.run("profiles list");
        list.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    });
    for profile in built_in.all() {
        assert!(plain.contains(&format!("\n{} ", profile.id)), "{}", profile.id);
        assert!(json.contains(&format!("\"id\":\"{}\"", profile.id)), "{}", profile.id);
    }
    assert!(!plain.contains("your own"));
    sandbox.write(&format!("{OWN}/mine.toml"), &changed("sony-nwz", "id = \"sony-nwz\"", "id = \"mine\""));
    let with_own = sandbox.run("profiles list");
    let added: Vec<&str> = with_own.lines().filter(|line| !plain.contains(line)).collect();
    let own_json = sandbox.run("profiles list --json");
    let own_json = own_json.lines().find(|line| line.contains("\"id\":\"mine\"")).unwrap().to_owned();
    assert_snapshot!(format!("{}\n{own_json}\n", added.join("\n")));
}

#[test]
fn a_profile_is_shown_in_words_as_json_and_as_its_file() {
    let sandbox = Sandbox::new();
    let limited = changed("nokia-s40", "id = \"nokia-s40\"", "id = \"old\"")
        .replace("fields = \"all\"", "fields = [\"N\", \"TEL\", \"EMAIL\"]")
        .replace(
            "[[examples]]",
            "[contacts.limits]\nlength_max = { \"*\" = 40, N = 20 }\ncount_max = { TEL = 5 }\nkinds = []\n\n[[examples]]",
        );
    sandbox.write(&format!("{OWN}/old.toml"), &limited);
    assert_snapshot!(sandbox.transcript(&[
        "profiles show creative-zen",
        "profiles show qemu",
        "profiles show old",
        "profiles show old --json",
        "profiles show zen",
        "profiles show andriod",
        "profiles show nonsense-of-a-name",
        "profiles show --json none",
        "profiles show",
    ]));
    let file = sandbox.run("profiles show android --toml");
    let built_in = ProfileSet::built_in().unwrap();
    assert!(file.contains(built_in.text_of("android").unwrap()), "{file}");
    assert!(sandbox.run("profiles show old --toml").contains(&limited));
}

#[test]
fn a_faulty_profile_of_ones_own_is_named() {
    let sandbox = Sandbox::new();
    sandbox.write(&format!("{OWN}/mine.toml"), "id = \"mine\"\nsurprise = 1\n");
    sandbox.write("good.toml", &changed("sony-nwz", "id = \"sony-nwz\"", "id = \"good\""));
    assert_snapshot!(sandbox.transcript(&[
        "profiles",
        "profiles show android",
        &format!("profiles check {OWN}/mine.toml"),
        "profiles check good.toml",
    ]));
}

#[test]
fn faults_are_named_with_line_cause_and_next_step() {
    let sandbox = Sandbox::new();
    let good = changed("sony-nwz", "rank = 100", "rank = 90");
    let faulty = [
        ("key", good.replace("folders =", "folder =")),
        ("value", good.replace("\"tell-changes\"", "\"tell_changes\"")),
        ("kind", good.replace("writable = true", "writable = 1")),
        ("missing", good.replace("rank = 90\n", "")),
        ("range", good.replace("length_max = 64", "length_max = 640")),
        ("guide", good.replace("needs = \"nothing\"", "needs = \"a | b\"")),
        ("code", good.replace("folders = [", "object_format = \"vcard\"\nfolders = [")),
        ("quirk", good.replace("no_prop_list", "no_prop_lists")),
        ("toml", good.replace("[contacts]", "[contacts")),
    ];
    let mut lines = Vec::new();
    for (name, text) in &faulty {
        assert_ne!(*text, good, "{name}");
        let text = text.replace("id = \"sony-nwz\"", &format!("id = \"{name}\""));
        sandbox.write(&format!("{name}.toml"), &text);
        lines.push(format!("profiles check {name}.toml"));
    }
    sandbox.write("other-name.toml", &good);
    fs::write(sandbox.path("bytes.toml"), [0xff, 0xfe]).unwrap();
    lines.extend(
        [
            "other-name.toml",
            "bytes.toml",
            "phone",
            "none.toml",
            "other-name.toml --json",
            "sony-nwz.toml other-name.toml",
        ]
        .map(|rest| format!("profiles check {rest}")),
    );
    sandbox.write("sony-nwz.toml", &good);
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_snapshot!(sandbox.transcript(&lines));
}

#[test]
fn stdin_is_checked_and_oddities_are_told() {
    let sandbox = Sandbox::new();
    let mut text = sandbox.run_with("profiles check -", &changed("sony-nwz", "rank = 100", "rank = 90"));
    text += &sandbox.run_with("profiles check -", "id = \"x\"\n");
    text += &sandbox.run_with("profiles check -", "");
    let odd = changed("creative-zen", "id = \"creative-zen\"", "id = \"odd\"")
        .replace("model = \"ZEN Vision:M\"", "model = \"Other\"")
        .replace("[match]\n", "[match]\ndirectory = true\n")
        .replace("fields = \"all\"", "fields = [\"TEL\"]");
    text += &sandbox.run_with("profiles check -", &odd);
    text += &sandbox.run_with("profiles check - --json", &odd);
    text += &sandbox.run_with("profiles check - --quiet", &changed("sony-nwz", "rank = 100", "rank = 90"));
    assert_snapshot!(text);
}

#[test]
fn a_profile_is_tried_on_a_phone_that_is_only_read() {
    let sandbox = Sandbox::new();
    sandbox.card("phone/Contacts/ada.vcf", &["UID:a", "FN:Ada Example"]);
    let mine = changed("android", "id = \"android\"", "id = \"mine\"");
    sandbox.write("mine.toml", &mine.replace("rank = 20", "rank = 21"));
    sandbox.write("zen.toml", &changed("creative-zen", "id = \"creative-zen\"", "id = \"zen\""));
    sandbox.write("nowhere.toml", &mine.replace("\"mine\"", "\"nowhere\"").replace("[\"Contacts\", ", "["));
    let before = everything(&sandbox.path("phone"));
    let mut text = sandbox.transcript(&[
        "profiles check --phone sim:phone mine.toml zen.toml nowhere.toml",
        "profiles check --phone sim:phone mine.toml --json",
        "profiles check --phone dir:phone/Contacts mine.toml",
        "profiles check --phone dir:none mine.toml",
        "profiles check --phone nonsense mine.toml",
    ]);
    sandbox.write(&format!("{OWN}/mine.toml"), &mine.replace("rank = 20", "rank = 30"));
    text += &sandbox.run("profiles check --phone sim:phone nowhere.toml");
    assert_eq!(everything(&sandbox.path("phone")), before, "a check wrote to the phone");
    assert_snapshot!(text);
}

#[test]
fn a_new_profile_is_made_of_a_phone_and_passes_the_check() {
    let sandbox = Sandbox::new();
    let before = everything(&sandbox.path("phone"));
    let text = sandbox.transcript(&[
        "profiles new --phone sim:phone?zen",
        "profiles new --phone sim:phone?zen --name 'Old player' --output mine.toml",
        "profiles check mine.toml --phone sim:phone?zen",
        "profiles new --output mine.toml",
        "profiles new --output phone",
        "profiles new --output none/mine.toml",
        "profiles new --output mine.txt",
        "profiles new --from jola --output other.toml",
        "profiles new --phone dir:phone --json",
    ]);
    assert_eq!(everything(&sandbox.path("phone")), before, "looking wrote to the phone");
    assert_snapshot!(text);
    for personality in tetherbook::sim::Personality::names() {
        let made = sandbox
            .run(&format!("profiles new --phone sim:phone?{personality} --output p-{personality}.toml"));
        assert!(made.ends_with("[exit 0]\n"), "{made}");
        let checked =
            sandbox.run(&format!("profiles check p-{personality}.toml --phone sim:phone?{personality}"));
        assert!(checked.ends_with("[exit 0]\n"), "{checked}");
        assert!(!checked.contains("warn") && checked.contains("would get this profile"), "{checked}");
        assert!(
            !fs::read_to_string(sandbox.path(&format!("p-{personality}.toml"))).unwrap().contains("SIM0")
        );
    }
    for id in ProfileSet::built_in().unwrap().all().iter().map(|profile| &profile.id) {
        let made = sandbox.run(&format!("profiles new --from {id} --output from-{id}.toml"));
        assert!(made.ends_with("[exit 0]\n"), "{made}");
        let checked = sandbox.run(&format!("profiles check from-{id}.toml"));
        assert!(checked.ends_with("[exit 0]\n"), "{checked}");
    }
}

#[test]
fn the_phone_on_the_cable_is_looked_at_and_left_as_it_is() {
    let computer = Computer::new();
    computer.plug(computer.phone().with_cards("Contacts", 3));
    let made = computer.run("profiles new --phone usb --output {T}/mine.toml");
    assert!(made.ends_with("[exit 0]\n"), "{made}");
    let checked = computer.run("profiles check --phone usb:R58M123ABC {T}/mine.toml");
    assert!(checked.contains("3 contacts in Internal shared storage/Contacts"), "{checked}");
    assert!(!fs::read_to_string(computer.path("mine.toml")).unwrap().contains("R58M"));
    assert_eq!(computer.writes(), 0);
    let absent = Computer::new().run("profiles new --phone usb");
    assert!(absent.contains("no phone is plugged in") && absent.ends_with("[exit 3]\n"), "{absent}");
}
