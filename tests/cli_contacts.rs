//! Commands on the book: whole outputs, exit codes and what is left on the disk.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

mod sandbox;

use std::fs;
use std::path::PathBuf;

use insta::assert_snapshot;
use sandbox::{Sandbox, card, mode_of};

fn filled() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "friends.vcf",
        &[
            card(&[
                "UID:u-1",
                "N:Ångström;Zoë;;;",
                "FN:Zoë Ångström",
                "TEL;TYPE=CELL:+46 70 123 45 67",
                "EMAIL;TYPE=HOME:zoe@example.org",
                "NOTE:Likes long walks on the beach and writes letters that need more than one line o",
                " f a terminal to be shown.",
            ]),
            card(&["UID:u-2", "FN:王小明", "TEL;TYPE=HOME:110", "ORG:東京 Example;Lab", "BDAY:1990-02-11"]),
            card(&["UID:u-3", "FN:ليلى حداد", "EMAIL:layla@example.org", "X-OWN:kept"]),
            card(&["UID:u-4", "FN:Rocket 👩\u{200d}🚀 Woman", "TITLE:Pilot\\, chief"]),
        ]
        .concat(),
    );
    sandbox.run("import friends.vcf");
    sandbox
}

#[test]
fn an_empty_place_says_what_to_do_and_stays_empty() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.transcript(&[
        "list",
        "list --json",
        "books",
        "status",
        "log",
        "state",
        "show nobody"
    ]));
    assert!(fs::read_dir(sandbox.path("home")).unwrap().next().is_none(), "looking made something");
}

#[test]
fn listing_and_showing() {
    let sandbox = filled();
    assert_snapshot!(sandbox.transcript(&[
        "list",
        "list zo",
        "list nobody",
        "list --json",
        "list --json u-2",
        "show u-1",
        "show 王小明 --json",
        "show layla",
        "show layla --vcard",
        "list --book none",
        "books",
        "books --json",
    ]));
}

#[test]
fn the_database_is_private() {
    let sandbox = filled();
    let folder = sandbox.path("home/.local/share/tetherbook");
    assert_eq!(mode_of(&folder), 0o700);
    assert_eq!(mode_of(&folder.join("tetherbook.db")), 0o600);
}

#[test]
fn adding_by_flags_and_from_stdin() {
    let sandbox = Sandbox::new();
    let mut text = sandbox.transcript(&[
        "add --name 'Ada Lovelace' --phone mobile=+447700900123 --email work=ada@example.org --org Engines --title Countess --note 'a, b; c' --birthday 1815-12-10",
        "add --given 小明 --family 王 --json",
        "show ada --vcard",
        "add",
        "add --name X --birthday yesterday",
        "add - --name X",
    ]);
    let own = card(&["UID:own-1", "FN:From Stdin"]);
    text += &sandbox.run_with("add - --book other", &own);
    text += &sandbox.run_with("add - --book other", &own);
    text += &sandbox.run_with("add -", "no card");
    text += &sandbox.run_with("add -", &own.repeat(2));
    text += &sandbox.transcript(&["list"]);
    assert_snapshot!(text);
}

#[test]
fn editing_by_flags() {
    let sandbox = filled();
    assert_snapshot!(sandbox.transcript(&[
        "edit zoë --title Engineer --email work=zoe@work.example --remove-phone 0046701234567",
        "show zoë --vcard",
        "edit zoë --title ''",
        "edit u-2 --family 王 --given 小明 --birthday 1991-03-04 --json",
        "show u-2 --vcard",
        "edit u-2 --birthday 1991-03-04",
        "edit u-2 --remove-email nobody@example.org",
        "edit u-2 --name ''",
        "edit nobody --title X",
        "edit --title X",
    ]));
}

/// What editors were given and is still there.
fn drafts(sandbox: &Sandbox) -> Vec<PathBuf> {
    let paths = fs::read_dir(sandbox.path("")).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("tetherbook-")).collect()
}

#[test]
fn editing_in_an_editor_never_loses_what_was_typed() {
    let mut sandbox = filled();
    let mut text = sandbox.run("edit u-4");
    sandbox.set("EDITOR", "true");
    text += &sandbox.run("edit u-4");
    sandbox.set("EDITOR", "false");
    text += &sandbox.run("edit u-4");
    sandbox.set("EDITOR", "sed -i s/Pilot/Captain/");
    text += &sandbox.run("edit u-4");
    sandbox.set("EDITOR", "sed -i s/UID:u-4/UID:other/");
    text += &sandbox.run("edit u-4");
    // The editor that failed left its draft; the ones that went well left none.
    for draft in drafts(&sandbox) {
        fs::remove_file(draft).unwrap();
    }
    sandbox.set("VISUAL", "sh -c 'echo what I typed > \"$0\"'");
    text += &sandbox.run("edit u-4");
    text += &sandbox.run("show u-4 --vcard");
    assert_snapshot!(text);
    let [draft] = drafts(&sandbox).try_into().unwrap();
    assert_eq!(fs::read_to_string(&draft).unwrap(), "what I typed\n");
    assert_eq!(mode_of(&draft), 0o600);
}

#[test]
fn removing_needs_a_yes() {
    let sandbox = filled();
    assert_snapshot!(sandbox.transcript(&[
        "rm u-1",
        "rm --yes u-1 nobody",
        "list u-1",
        "rm --yes u-1 'rocket'",
        "rm --yes --json u-2",
        "rm",
        "list",
    ]));
}

#[test]
fn importing_takes_what_it_can_and_doubles_nothing() {
    let sandbox = filled();
    sandbox.write(
        "mixed.vcf",
        &format!("{}BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Torn", card(&["UID:u-5", "FN:Whole"])),
    );
    sandbox.write("noise.vcf", "this is no card\n");
    sandbox.write("empty.vcf", "");
    sandbox.write("changed.vcf", &card(&["UID:u-4", "FN:Rocket Man"]));
    sandbox.write("plain.vcf", &card(&["FN:No Uid", "TEL:112"]).repeat(2));
    sandbox.write("cards/a.vcf", &card(&["UID:a", "FN:A"]));
    sandbox.write("cards/B.VCF", &card(&["UID:b", "FN:B"]));
    sandbox.write("cards/notes.txt", "not a card");
    fs::create_dir(sandbox.path("nothing")).unwrap();
    let mut text = sandbox.transcript(&[
        "import friends.vcf",
        "import mixed.vcf",
        "import mixed.vcf --json",
        "import noise.vcf empty.vcf",
        "import changed.vcf",
        "import changed.vcf --json",
        "import changed.vcf --update",
        "import plain.vcf",
        "import plain.vcf",
        "import cards --book cards",
        "import nothing",
        "import none.vcf",
        "import none.vcf cards/a.vcf --book third",
        "import",
    ]);
    text += &sandbox.run_with("import - --book stdin", &card(&["UID:s", "FN:S"]));
    text += &sandbox.run("list");
    assert_snapshot!(text);
}

#[test]
fn exporting_in_every_version_and_to_every_target() {
    let sandbox = filled();
    let text = sandbox.transcript(&[
        "export",
        "export --format 4.0 --strict",
        "export --format 2.1 --book contacts",
        "export all.vcf",
        "export out/",
        "export nowhere/all.vcf",
        "export --format 5.0",
        "--quiet export all.vcf",
    ]);
    assert_snapshot!(text);
    assert_eq!(mode_of(&sandbox.path("all.vcf")), 0o600);
    let mut names: Vec<_> =
        fs::read_dir(sandbox.path("out")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["u-1.vcf", "u-2.vcf", "u-3.vcf", "u-4.vcf"]);
    // What was exported comes back as what is there already.
    assert!(sandbox.run("import all.vcf out").contains("8 already there"));
}

#[test]
fn books_are_made_once() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.transcript(&[
        "books add friends",
        "books add friends",
        "books add ''",
        "books add --json 東京",
        "books list",
    ]));
}
