//! The house rules as a test: which room may import which, how long files and functions may be, that every file
//! opens with what it is, and that the documents that could drift have not.
//!
//! Reads the source tree as text; must not depend on anything but the standard library and `syn`-free scanning.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test may stop at the first surprise"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms in order: a room may import only rooms that stand before it.
const ROOMS: [&str; 14] = [
    "contact",
    "ics",
    "provider",
    "relationship",
    "plan",
    "mtp",
    "usb",
    "device",
    "store",
    "report",
    "session",
    "agent",
    "cli",
    "sim",
];

const LINES_PER_FILE_MAX: usize = 600;
const LINES_PER_FUNCTION_MAX: usize = 70;
const COLUMNS_MAX: usize = 130;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut files = rust_files(&root().join("src"));
    files.extend(rust_files(&root().join("tests")));
    files.extend(rust_files(&root().join("benches")));
    files.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

/// The source without its test module, whose length and imports are free.
fn without_tests(text: &str) -> &str {
    text.find("\n#[cfg(test)]\nmod ").map_or(text, |end| &text[..end])
}

/// A file that holds tests only, beside the code it tests.
fn is_tests(path: &Path) -> bool {
    let name = relative(path);
    name.ends_with("_tests.rs") || name.ends_with("/tests.rs") || name.contains("/tests/")
}

/// The simulated phones: each function is one table of values, which is not easier to read in pieces.
fn is_table(path: &Path) -> bool {
    relative(path).starts_with("src/sim/catalogue")
}

fn room_of(path: &Path) -> Option<String> {
    let inside = path.strip_prefix(root().join("src")).ok()?;
    let first = inside.components().next()?.as_os_str().to_str()?;
    let room = first.strip_suffix(".rs").unwrap_or(first);
    ROOMS.contains(&room).then(|| String::from(room))
}

/// Every room named by a `crate::ROOM` path in the text; `use crate::{a::…, b::…}` lists are taken apart.
fn imported_rooms(text: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for piece in line.split("crate::").skip(1) {
            let list = piece.strip_prefix('{').unwrap_or(piece);
            let names = if piece.starts_with('{') { list.split(", ").collect() } else { vec![list] };
            for name in names {
                let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
                if ROOMS.contains(&&name[..end]) {
                    rooms.insert(String::from(&name[..end]));
                }
            }
        }
    }
    rooms
}

#[test]
fn rooms_import_only_what_stands_before_them() {
    let mut broken = Vec::new();
    let mut seen = BTreeSet::new();
    for (path, text) in sources() {
        let Some(room) = room_of(&path).filter(|_| !is_tests(&path)) else { continue };
        seen.insert(room.clone());
        for imported in imported_rooms(without_tests(&text)) {
            let allowed = match room.as_str() {
                "sim" => ["contact", "mtp", "sim", "provider"].contains(&imported.as_str()),
                "cli" => true,
                _ => {
                    let position = |name: &str| ROOMS.iter().position(|room| *room == name).unwrap();
                    imported == room || (position(&imported) < position(&room) && imported != "sim")
                }
            };
            if !allowed {
                broken.push(format!("{}: {room} imports {imported}", relative(&path)));
            }
        }
    }
    assert!(broken.is_empty(), "rooms import backwards:\n{}", broken.join("\n"));
    assert!(seen.len() >= 11, "the scan found only the rooms {seen:?}");
}

#[test]
fn the_simulated_phone_shares_only_constants_and_the_link_with_the_initiator() {
    for (path, text) in sources() {
        if room_of(&path).as_deref() != Some("sim") || is_tests(&path) {
            continue;
        }
        for line in without_tests(&text).lines().filter(|line| line.contains("crate::mtp::")) {
            let allowed =
                ["crate::mtp::code", "crate::mtp::{", "crate::mtp::ClassRequest", "crate::mtp::Link"];
            assert!(
                allowed.iter().any(|prefix| line.contains(prefix)) && !line.contains("Session"),
                "{}: {line}",
                relative(&path)
            );
        }
    }
}

#[test]
fn only_the_device_room_opens_trees_and_only_cli_reads_the_clock() {
    for (path, text) in sources() {
        let Some(room) = room_of(&path).filter(|_| !is_tests(&path)) else { continue };
        let text = without_tests(&text);
        for (forbidden, rooms) in [
            ("rusqlite", &["store"][..]),
            ("SystemTime::now", &["cli"][..]),
            ("Instant::now", &["cli"][..]),
            ("std::env::", &["cli"][..]),
            ("vcard_bytes::", &["contact"][..]),
            ("vcard_parser::", &["contact"][..]),
            ("indicatif", &["report", "cli"][..]),
        ] {
            let used =
                text.lines().any(|line| line.contains(forbidden) && !line.trim_start().starts_with("//"));
            assert!(!used || rooms.contains(&room.as_str()), "{}: uses {forbidden}", relative(&path));
        }
    }
}

#[test]
fn files_open_with_what_they_are_and_stay_short() {
    let mut broken = Vec::new();
    for (path, text) in sources() {
        let name = relative(&path);
        if !text.starts_with("//! ") {
            broken.push(format!("{name}: does not open with //!"));
        }
        let own = without_tests(&text);
        let lines = own.lines().count();
        if lines > LINES_PER_FILE_MAX && !is_tests(&path) {
            broken.push(format!("{name}: {lines} lines without tests"));
        }
        if name.ends_with("mod.rs") && name.starts_with("src/") && own.contains("\nfn ") {
            broken.push(format!("{name}: a mod.rs holds docs and re-exports only"));
        }
        for (number, line) in text.lines().enumerate() {
            if line.chars().count() > COLUMNS_MAX && !line.contains('"') {
                broken.push(format!("{name}:{}: {} columns", number + 1, line.chars().count()));
            }
            for word in ["TO".to_owned() + "DO", "FIX".to_owned() + "ME", "XX".to_owned() + "X:"] {
                if line.contains(&word) {
                    broken.push(format!("{name}:{}: {word}", number + 1));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn functions_stay_short() {
    let mut broken = Vec::new();
    for (path, text) in sources()
        .into_iter()
        .filter(|(path, _)| room_of(path).is_some() && !is_tests(path) && !is_table(path))
    {
        let mut open: Option<(usize, usize, String)> = None;
        for (number, line) in without_tests(&text).lines().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let starts = ["fn ", "pub fn ", "pub(super) fn ", "pub(crate) fn "]
                .iter()
                .any(|prefix| line.trim_start().starts_with(prefix));
            if starts && line.trim_end().ends_with('{')
                || starts && !line.contains(';') && !line.contains('}')
            {
                open = Some((number, indent, line.trim().to_owned()));
            }
            if let Some((start, start_indent, name)) = &open
                && line.trim() == "}"
                && indent == *start_indent
            {
                let length = number - start + 1;
                if length > LINES_PER_FUNCTION_MAX {
                    broken.push(format!("{}:{}: {length} lines: {name}", relative(&path), start + 1));
                }
                open = None;
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn catch_all_names_are_not_used() {
    for (path, _) in sources() {
        let name = relative(&path);
        for word in ["util", "common", "manager", "helper", "misc"] {
            assert!(!name.contains(word), "{name}: a name that says nothing");
        }
    }
}

#[test]
fn architecture_names_every_room_and_every_dependency() {
    let architecture = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    for room in lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')) {
        assert!(architecture.contains(&format!("`{room}`")), "ARCHITECTURE.md does not name the room {room}");
    }
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let mut section = "";
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if section.ends_with("dependencies]")
            && let Some((name, value)) = line.split_once(" = ")
        {
            let package = value.split("package = \"").nth(1).and_then(|rest| rest.split('"').next());
            let package = package.unwrap_or(name);
            assert!(
                architecture.contains(&format!("`{package}`")),
                "ARCHITECTURE.md does not justify {package}"
            );
        }
    }
}

#[test]
fn documents_speak_of_the_product_alone() {
    for name in ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"] {
        let text = fs::read_to_string(root().join(name)).unwrap();
        for path in ["/work/", "/root/", "/home/"] {
            assert!(!text.contains(path), "{name} names a path of one machine: {path}");
        }
    }
}
