//! What is written about device profiles is what the program says: the README's table, the guide's output, and that
//! every key of a profile is documented.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

#[allow(dead_code, reason = "other test files need the rest")]
mod sandbox;

use std::collections::BTreeSet;
use std::fs;

use sandbox::Sandbox;
use tetherbook::device::{DeviceProfile, ProfileSet, Quirks};

fn document(name: &str) -> String {
    fs::read_to_string(format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn the_readmes_table_is_made_of_the_profiles() {
    let printed = Sandbox::new().run("profiles list --markdown");
    let table = printed.strip_prefix("$ tetherbook profiles list --markdown\n").unwrap();
    let table = table.strip_suffix("[exit 0]\n").unwrap();
    let readme = document("README.md");
    let between = readme.split_once("<!-- profiles: begin -->\n").unwrap().1;
    let between = between.split_once("<!-- profiles: end -->").unwrap().0;
    assert!(
        between == table,
        "put this between the README's two markers, as tetherbook profiles list --markdown prints it:\n{table}"
    );
    assert!(table.lines().count() > 8);
}

#[test]
fn every_built_in_profile_says_what_a_person_needs_to_know() {
    let profiles = ProfileSet::built_in().unwrap();
    let mut orders = BTreeSet::new();
    for profile in profiles.all() {
        let Some(guide) = &profile.guide else { panic!("{} has no [guide]", profile.id) };
        assert!(
            guide.order == 0 || orders.insert(guide.order),
            "{}: order {} twice",
            profile.id,
            guide.order
        );
    }
}

/// The names that the parser expects in a section; it says them when it meets one that it does not know.
fn keys_of(section: &str) -> Vec<String> {
    let text = format!("{section}\nnonsense = 1\n");
    let reason = DeviceProfile::parse("x.toml", &text).unwrap_err().reason;
    let (_, expected) = reason.split_once("expected ").unwrap_or_else(|| panic!("{section}: {reason}"));
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The part of the reference about a section: from where it is named at the beginning of a line to the next such place.
fn part_about<'a>(reference: &'a str, section: &str) -> &'a str {
    let reference = reference.split_once("## All keys\n").unwrap().1;
    let begins = |at: &usize| {
        let line = reference[*at..].trim_start_matches("### ");
        line.starts_with('`') && line.starts_with(&format!("`{section}`"))
    };
    let starts: Vec<usize> = reference.match_indices('\n').map(|(at, _)| at + 1).collect();
    let start = if section.is_empty() { 0 } else { starts.iter().copied().find(begins).unwrap() };
    let is_next = |at: &usize| {
        *at > start && (reference[*at..].starts_with("### ") || reference[*at..].starts_with("`["))
    };
    let end = starts.iter().copied().find(is_next).unwrap_or(reference.len());
    &reference[start..end]
}

#[test]
fn every_key_is_documented() {
    let reference = document("docs/profiles.md");
    let sections = [
        "",
        "[guide]",
        "[match]",
        "[contacts]",
        "[contacts.names]",
        "[contacts.dialect]",
        "[contacts.export]",
        "[contacts.limits]",
        "[quirks]",
        "[[examples]]",
    ];
    let mut count = 0;
    for section in sections {
        let text = part_about(&reference, section);
        for key in keys_of(section) {
            count += 1;
            // A key that is a section of its own is documented by its head.
            let own_section = match section.trim_matches(['[', ']']) {
                "" => key.clone(),
                outer => format!("{outer}.{key}"),
            };
            let is_documented = text.contains(&format!("`{key}`"))
                || text.contains(&format!("`{key} = "))
                || reference.contains(&format!("`[{own_section}]`"))
                || reference.contains(&format!("`[[{own_section}]]`"));
            assert!(is_documented, "docs/profiles.md does not name {key} of {section}");
        }
    }
    assert!(count > 60, "{count}");
    for name in Quirks::NAMES {
        assert!(reference.contains(&format!("| `{name}` | ")), "{name}");
    }
}

#[test]
fn the_guides_output_is_the_programs() {
    let guide = document("docs/profiles.md");
    let mut sandbox = Sandbox::new();
    sandbox.set("XDG_CONFIG_HOME", "{T}/home/.config");
    sandbox.card("phone/PIM/ada.vcf", &["UID:a", "FN:Ada Example", "TEL:1"]);
    sandbox.card("phone/PIM/bo.vcf", &["UID:b", "FN:Bo Example", "TEL:2"]);
    let file = sandbox.path("phone-9.toml");
    let mut shown = 0;
    for block in guide.split("```text\n").skip(1) {
        let block = block.split("```").next().unwrap();
        shown += 1;
        let Some((command, expected)) =
            block.strip_prefix("$ tetherbook ").and_then(|rest| rest.split_once('\n'))
        else {
            let text = fs::read_to_string(&file).unwrap();
            assert!(text.contains(block), "the guide shows what is not in the file:\n{block}\n\n{text}");
            // What the guide says is typed next.
            let text =
                text.replace("folders = [\"Contacts\", \"Documents/Contacts\"]", "folders = [\"PIM\"]");
            let text = text.replace(
                "version = \"3.0\"\nfolding = \"photo-only\"",
                "version = \"2.1\"\nfolding = \"never\"",
            );
            fs::write(&file, text).unwrap();
            continue;
        };
        if expected.starts_with("FAIL") {
            let text = fs::read_to_string(&file).unwrap();
            fs::write(&file, text.replace("\nfolders = ", "\nfolder = ")).unwrap();
        }
        let said = sandbox.run(&command.replace("--phone usb", "--phone sim:phone"));
        let said: Vec<&str> = said.lines().skip(1).filter(|line| !line.starts_with("[exit ")).collect();
        let said = said.join("\n").replace("stderr| ", "").replace("--phone sim:phone", "--phone usb");
        let said = said.replace("/tmp/SANDBOX_/home/", "~/") + "\n";
        assert_eq!(said, expected, "tetherbook {command}");
    }
    assert_eq!(shown, 4, "the guide's blocks were not found");
}

#[test]
fn the_guides_links_lead_somewhere() {
    for (name, link) in
        [("docs/profiles.md", "../device-profiles/"), ("device-profiles/README.md", "../docs/profiles.md")]
    {
        assert!(document(name).contains(&format!("]({link})")), "{name}");
    }
}
