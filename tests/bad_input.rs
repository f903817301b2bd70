//! Bad input of every kind, against the real program: files, names, addresses, databases, configurations, command
//! lines. Each must be answered with a message that names the input and a way on, with the documented exit code,
//! and without loss; the other contacts are synced, and what was mended comes in with the next session.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

mod sandbox;

use std::fs;

use insta::assert_snapshot;
use sandbox::{Sandbox, card};

const SYNC: &str = "sync --phone dir:{T}/phone";

fn sandbox_with_ada() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.card("phone/ada.vcf", &["UID:a", "FN:Ada Example", "TEL:1"]);
    sandbox
}

/// The text without what a summary says of its costs: a file as young as the last listing is read once more.
fn without_costs(text: &str) -> String {
    let lines = text.lines().map(|line| match line.split_once(",\"transactions\":") {
        Some((head, _)) if line.starts_with("{\"type\":\"summary\"") => format!("{head},…}}\n"),
        _ => format!("{line}\n"),
    });
    lines.collect()
}

/// The names that `list` shows.
fn listed(sandbox: &Sandbox) -> Vec<String> {
    let text = sandbox.run("list --json");
    let names = text.lines().filter_map(|line| line.split_once("\"fn\":\"")?.1.split_once('"'));
    names.map(|(name, _)| name.to_owned()).collect()
}

fn utf16(text: &str) -> Vec<u8> {
    [0xfeff_u16].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

fn photo(bytes: usize) -> String {
    format!("PHOTO;ENCODING=b;TYPE=JPEG:{}", "QUJD".repeat(bytes / 3))
}

#[test]
fn files_that_are_no_cards_are_left_alone_and_come_in_when_mended() {
    let sandbox = sandbox_with_ada();
    let inner = card(&["UID:i", "FN:Inner Card"]);
    sandbox.write("phone/empty.vcf", "");
    sandbox.write("phone/nothing.vcf", &"\0".repeat(400));
    sandbox.write("phone/nested.vcf", &card(&["UID:o", "FN:Outer Card", inner.trim_end()]));
    sandbox.write("phone/text.vcf", "this is a shopping list\n");
    let three: String = ["One", "Two", "Three"]
        .map(|name| card(&[&format!("UID:{name}"), &format!("FN:{name} Of Three")]))
        .concat();
    sandbox.write("phone/three.vcf", &three);
    sandbox.card("phone/agent.vcf", &["UID:g", "FN:With Agent", "AGENT:", inner.trim_end()]);
    sandbox.card("phone/zero.vcf", &["UID:z", "FN:Zero\0Byte"]);
    fs::write(
        sandbox.path("phone/latin.vcf"),
        b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:l\r\nFN:J\xfcrgen\r\nEND:VCARD\r\n",
    )
    .unwrap();
    fs::write(sandbox.path("phone/wide.vcf"), utf16(&card(&["UID:w", "FN:Wide Letters"]))).unwrap();
    let mut text = sandbox.transcript(&[SYNC, &format!("{SYNC} --json"), &format!("{SYNC} --quiet")]);
    assert_eq!(
        listed(&sandbox),
        ["Ada Example", "Jürgen", "Wide Letters", "With Agent", "Zero\u{fffd}Byte"]
            .map(|name| name.replace('\u{fffd}', "\\u0000"))
    );
    for (file, name) in [("empty", "E"), ("nothing", "N"), ("nested", "M"), ("text", "T"), ("three", "D")] {
        sandbox.card(&format!("phone/{file}.vcf"), &[&format!("UID:m{name}"), &format!("FN:Mended {name}")]);
    }
    text += &sandbox.transcript(&[SYNC, SYNC]);
    assert_snapshot!(without_costs(&text));
}

#[test]
fn a_contact_whose_file_breaks_is_kept_until_the_file_is_mended() {
    let sandbox = sandbox_with_ada();
    sandbox.card("phone/bo.vcf", &["UID:b", "FN:Bo Example", "TEL:2"]);
    let mut text = sandbox.run(&format!("{SYNC} --quiet"));
    sandbox.write("phone/bo.vcf", "");
    sandbox.run("edit ada --title Countess");
    text += &sandbox.transcript(&[SYNC, &format!("{SYNC} --json")]);
    assert_eq!(listed(&sandbox), ["Ada Example", "Bo Example"]);
    sandbox.card("phone/bo.vcf", &["UID:b", "FN:Bo Example", "TEL:2", "NOTE:back"]);
    text += &sandbox.transcript(&[SYNC, SYNC]);
    assert_snapshot!(without_costs(&text));
}

#[test]
fn a_photo_of_fifty_megabytes_stops_nobody_else() {
    let sandbox = sandbox_with_ada();
    let large = card(&["UID:large", "FN:Large Photo", &photo(50_000_000)]);
    sandbox.write("phone/large.vcf", &large);
    let mut text = sandbox.transcript(&[SYNC, "import phone/large.vcf", "--json import phone/large.vcf"]);
    // On the PC there is room for a photo that is too large for the phone.
    sandbox.write("phone/large.vcf", &card(&["UID:large", "FN:Large Photo"]));
    sandbox.write("mine.vcf", &card(&["UID:m", "FN:Mid Photo", &photo(1_200_000)]));
    text += &sandbox.transcript(&["import mine.vcf", SYNC]);
    assert!(!sandbox.path("phone/m.vcf").exists());
    sandbox.write("mine.vcf", &card(&["UID:m", "FN:Mid Photo", &photo(120)]));
    text += &sandbox.transcript(&["import --update mine.vcf", SYNC, SYNC]);
    assert!(sandbox.path("phone/m.vcf").exists());
    assert_snapshot!(text);
}

#[test]
fn strange_file_names_are_synced_and_written_back_under_the_same_name() {
    let sandbox = sandbox_with_ada();
    // The longest name that file systems take, with the room that a temporary name beside it needs or not.
    let long = format!("{}.vcf", "l".repeat(251));
    let names = [
        "😀 friend.vcf",
        ".dot.vcf",
        "LOUD.VCF",
        "Case.vcf",
        "case.vcf",
        "line\nbreak.vcf",
        "esc\u{1b}[31m.vcf",
        &long,
    ];
    for (number, name) in names.iter().enumerate() {
        sandbox.card(&format!("phone/{name}"), &[&format!("UID:n{number}"), &format!("FN:Number {number}")]);
    }
    let first = sandbox.run(SYNC);
    // The one with a dot is hidden, on phones as here, and the person put it away.
    assert_eq!(listed(&sandbox).len(), 9, "{first}");
    assert!(!first.contains('\u{1b}'));
    for number in 0..names.len() {
        sandbox.run(&format!("edit n{number} --title Changed"));
    }
    let second = sandbox.run(SYNC);
    assert!(second.ends_with("Updated 8 on the phone.\n[exit 0]\n"), "{second}");
    for name in names {
        let text = fs::read_to_string(sandbox.path(&format!("phone/{name}"))).unwrap();
        assert!(text.contains("TITLE:Changed"), "{name:?}");
    }
    assert!(sandbox.run(SYNC).contains("Nothing to do"));
    assert_eq!(fs::read_dir(sandbox.path("phone")).unwrap().count(), 10, "9 cards and the marker");
}

#[test]
fn strange_contact_names_become_plain_files_and_harmless_lines() {
    let sandbox = sandbox_with_ada();
    let endless = "N".repeat(10_000);
    let names = [
        "a/b",
        "..",
        ".",
        "../../etc/passwd",
        "two\\nlines",
        "esc\u{1b}[31mred\u{7}",
        &endless,
        "",
        "CON",
        "a\u{202e}b",
    ];
    for (number, name) in names.iter().enumerate() {
        sandbox.write("new.vcf", &card(&[&format!("UID:n{number}"), &format!("FN:{name}"), "TEL:1"]));
        assert!(sandbox.run("import new.vcf").ends_with("[exit 0]\n"), "{name:?}");
    }
    let text = sandbox.transcript(&[SYNC, SYNC, "list", "export {T}/cards/"]);
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
    assert_snapshot!(text);
    for folder in ["phone", "cards"] {
        let cards = fs::read_dir(sandbox.path(folder)).unwrap().filter(|entry| {
            entry.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "vcf")
        });
        assert_eq!(cards.count(), 11, "{folder}");
    }
    assert_eq!(
        fs::read_dir(sandbox.path("")).unwrap().count(),
        4,
        "home, phone, cards, new.vcf: nothing outside"
    );
    assert_snapshot!(
        "names_in_errors",
        sandbox.transcript(&[
            "show 'nobody\u{1b}[2J'",
            "list --book 'none\u{1b}[2J'",
            "import 'nothing\u{1b}[2J.vcf'",
            "sync --phone 'dir:{T}/none\u{1b}[2J'",
            "add --name ''",
            "add --name A --book ''",
            "books add ' '",
        ])
    );
}

#[test]
fn strange_uids_on_both_sides() {
    let sandbox = sandbox_with_ada();
    let endless = "U".repeat(5_000);
    for (number, uid) in ["/../../x", "", &endless, "..", "a\u{1b}[2Jb", "con", "  "].iter().enumerate() {
        sandbox
            .card(&format!("phone/p{number}.vcf"), &[&format!("UID:{uid}"), &format!("FN:Phone {number}")]);
        let on_pc = if uid.trim().is_empty() { (*uid).to_owned() } else { format!("{uid}pc") };
        sandbox.write("new.vcf", &card(&[&format!("UID:{on_pc}"), &format!("FN:Pc {number}")]));
        assert!(sandbox.run("import new.vcf").ends_with("[exit 0]\n"), "{uid:?}");
    }
    let text = sandbox.transcript(&[SYNC, SYNC]);
    assert!(text.contains("Created 7 on the phone and 8 on the PC."), "{text}");
    assert!(text.contains("Nothing to do"), "{text}");
    assert_eq!(fs::read_dir(sandbox.path("")).unwrap().count(), 3, "home, phone, new.vcf: nothing outside");
    assert_eq!(fs::read_dir(sandbox.path("phone")).unwrap().count(), 16, "15 cards and the marker");
    assert!(sandbox.run("show /../../x").contains("Phone 0"));
}

#[test]
fn two_cards_with_one_uid_lose_nobody() {
    let cards = |who: &str| {
        [1, 2].map(|number| card(&["UID:d", &format!("FN:{who} {number}"), &format!("TEL:{number}")]))
    };
    // On the phone.
    let sandbox = sandbox_with_ada();
    for (number, text) in cards("Phone").iter().enumerate() {
        sandbox.write(&format!("phone/d{number}.vcf"), text);
    }
    let mut text = sandbox.transcript(&[SYNC, SYNC]);
    assert_eq!(listed(&sandbox), ["Ada Example", "Phone 1", "Phone 2"]);
    // On the PC: an import does not let the second one in, and says which it is.
    let sandbox = sandbox_with_ada();
    sandbox.write("two.vcf", &cards("Pc").concat());
    text += &sandbox.transcript(&["import two.vcf", SYNC]);
    assert_eq!(listed(&sandbox), ["Ada Example", "Pc 1"]);
    // On both.
    for (number, text) in cards("Phone").iter().enumerate() {
        sandbox.write(&format!("phone/d{number}.vcf"), text);
    }
    text += &sandbox.transcript(&[SYNC, SYNC]);
    assert_eq!(listed(&sandbox).len(), 4, "{text}");
    assert_snapshot!(text);
}

#[test]
fn folders_that_are_none() {
    let sandbox = sandbox_with_ada();
    assert_snapshot!(sandbox.transcript(&[
        "sync --phone dir:{T}/nowhere/x",
        "sync --phone dir:{T}/phone/ada.vcf",
        "sync --phone dir:nowhere/x",
        "sync --phone dir:~/phone",
        "sync --phone sim:{T}/nowhere",
        "sync --phone sim:{T}/phone/ada.vcf",
        "sync --phone sim:{T}/phone?nokia",
        "sync --phone dir:",
        "sync --phone /media/x",
        "--json sync --phone {T}/phone",
        // A relative folder is one, too.
        "sync --phone dir:phone",
        "sync --phone dir:./phone/../phone",
    ]));
    fs::remove_dir_all(sandbox.path("phone")).unwrap();
    let gone = sandbox.run(SYNC);
    assert!(gone.ends_with("[exit 3]\n"), "{gone}");
    assert_eq!(listed(&sandbox), ["Ada Example"], "a folder that is gone is no empty folder");
}

#[test]
fn a_folder_that_may_only_be_read_fails_for_what_goes_there_and_for_nothing_else() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = sandbox_with_ada();
    sandbox.run(SYNC);
    sandbox.card("phone/bo.vcf", &["UID:b", "FN:Bo Example"]);
    sandbox.run("add --name Cleo");
    let allow = |mode| fs::set_permissions(sandbox.path("phone"), fs::Permissions::from_mode(mode)).unwrap();
    allow(0o555);
    if fs::write(sandbox.path("phone/probe"), "").is_ok() {
        // Permissions bind nobody here (root); the simulated phone's storage that is read-only shows the same.
        allow(0o755);
        return;
    }
    let text = sandbox.run(SYNC);
    allow(0o755);
    assert!(text.ends_with("[exit 9]\n") && text.contains("Permission denied"), "{text}");
    assert_eq!(listed(&sandbox), ["Ada Example", "Bo Example", "Cleo"]);
    assert!(sandbox.run(SYNC).contains("Created 1 on the phone."));
}

#[test]
fn databases_that_are_none_are_left_as_they_are() {
    let mut sandbox = sandbox_with_ada();
    sandbox.run(&format!("--database good.db {SYNC}"));
    let good = fs::read(sandbox.path("good.db")).unwrap();
    let mut corrupt = good.clone();
    for (at, byte) in corrupt.iter_mut().enumerate().skip(2 * 4096) {
        *byte = (at * 7) as u8;
    }
    fs::write(sandbox.path("corrupt.db"), &corrupt).unwrap();
    fs::write(sandbox.path("cut.db"), &good[..6000]).unwrap();
    let mut newer = good.clone();
    // The format is the user version, a big-endian number at offset 60 of the file's head (SQLite file format 1.3).
    newer[60..64].copy_from_slice(&99_u32.to_be_bytes());
    fs::write(sandbox.path("newer.db"), &newer).unwrap();
    let foreign = rusqlite::Connection::open(sandbox.path("foreign.db")).unwrap();
    foreign.execute_batch("CREATE TABLE recipe (name TEXT);").unwrap();
    drop(foreign);
    fs::write(sandbox.path("noise.db"), "noise ".repeat(1000)).unwrap();
    fs::create_dir(sandbox.path("folder.db")).unwrap();
    sandbox.write("file", "");
    let names = ["corrupt.db", "cut.db", "newer.db", "foreign.db", "noise.db"];
    let before = names.map(|name| fs::read(sandbox.path(name)).unwrap());
    let mut text = String::new();
    for name in names.into_iter().chain(["folder.db", "file/x.db"]) {
        text +=
            &sandbox.transcript(&[&format!("--database {name} {SYNC}"), &format!("--database {name} list")]);
    }
    assert_eq!(names.map(|name| fs::read(sandbox.path(name)).unwrap()), before, "one of them was written to");
    sandbox.set("XDG_DATA_HOME", "{T}/file");
    text += &sandbox.transcript(&["list", "add --name A", "--json add --name A"]);
    assert_snapshot!(text);
}

#[test]
fn relative_folders_in_the_environment_are_passed_over() {
    let mut sandbox = sandbox_with_ada();
    sandbox.set("XDG_DATA_HOME", "relative");
    sandbox.set("XDG_CONFIG_HOME", "relative");
    sandbox.write("relative/tetherbook/config.toml", "this is not read");
    assert!(sandbox.run(SYNC).ends_with("[exit 0]\n"));
    assert!(sandbox.path("home/.local/share/tetherbook/tetherbook.db").exists());
    assert!(!sandbox.path("relative/tetherbook/tetherbook.db").exists());
    sandbox.set("HOME", "relative");
    assert_snapshot!(sandbox.run(SYNC));
}

#[test]
fn configurations_with_every_fault_are_told_apart() {
    let sandbox = sandbox_with_ada();
    let mut text = String::new();
    for content in [
        "fone = \"dir:/x\"\n",
        "something = 1\n",
        "mode = \"both\"\n",
        "mode = 3\n",
        "book = \"a\"\nphone = [\"a\"]\n",
        "[guards]\ndeletes_max_count = -3\n",
        "guards = 3\n",
        "phone = dir:/x\n",
        "phone = \"/media/x\"\n",
        "book = \"a\"\nbook = \"b\"\n",
        "book = \"\"\n",
    ] {
        sandbox.write("c.toml", content);
        text += &format!("{content}{}\n", sandbox.run(&format!("--config c.toml {SYNC}")));
    }
    fs::write(sandbox.path("c.toml"), b"book = \"\xff\"\n").unwrap();
    fs::create_dir(sandbox.path("folder.toml")).unwrap();
    text += &sandbox.transcript(&[
        &format!("--config c.toml {SYNC}"),
        &format!("--config folder.toml {SYNC}"),
        &format!("--config none.toml {SYNC}"),
    ]);
    fs::create_dir_all(sandbox.path("home/.config/tetherbook/config.toml")).unwrap();
    text += &sandbox.run(SYNC);
    assert!(
        !sandbox.path("home/.local").exists(),
        "nothing is written under a configuration that is not understood"
    );
    assert_snapshot!(text);
}

#[test]
fn device_profiles_with_faults_name_the_file_the_line_and_the_key() {
    let sandbox = sandbox_with_ada();
    let file = "home/.config/tetherbook/device-profiles/mine.toml";
    let mut text = String::new();
    for content in ["id = \"mine\"\nnmae = \"x\"\n", "= 1\n", "", "id = \"mine\"\nname = 3\n"] {
        sandbox.write(file, content);
        text += &format!("{content}{}\n", sandbox.run(SYNC));
    }
    fs::write(sandbox.path(file), [0xff]).unwrap();
    text += &sandbox.run(SYNC);
    fs::remove_file(sandbox.path(file)).unwrap();
    fs::create_dir(sandbox.path(file)).unwrap();
    text += &sandbox.transcript(&[SYNC, &format!("--json {SYNC}")]);
    fs::remove_dir(sandbox.path(file)).unwrap();
    assert!(sandbox.run(SYNC).ends_with("[exit 0]\n"));
    assert_snapshot!(text);
}

#[test]
fn what_a_newcomer_types() {
    let sandbox = sandbox_with_ada();
    let text = sandbox.transcript(&[
        "sync phone",
        "sync {T}/phone",
        "sync dir:{T}/phone",
        "sync --dryrun",
        "sync --dry-run=yes",
        "sync --phone",
        "sync --phone /media/x",
        "-n sync",
        "--phone dir:{T}/phone sync",
        "synchronize",
        "add Ada",
        "add 'Ada Example'",
        "rm",
        "show",
        "import",
        "import nowhere.vcf",
        "export nowhere/x.vcf",
        "log show last",
        "books delete x",
        "sync --mode twoway",
        "--json sync phone",
        "--json show",
    ]);
    assert_snapshot!(text);
    assert_eq!(
        sandbox.run("help").lines().skip(1).collect::<Vec<_>>(),
        sandbox.run("--help").lines().skip(1).collect::<Vec<_>>()
    );
    assert_eq!(
        sandbox.run("help sync").lines().skip(1).collect::<Vec<_>>(),
        sandbox.run("sync --help").lines().skip(1).collect::<Vec<_>>()
    );
    assert!(sandbox.run("version").ends_with("[exit 0]\n"));
    assert!(sandbox.run("").ends_with("[exit 2]\n"));
    assert!(!sandbox.path("home/.local").exists(), "wrong usage wrote something");
}
