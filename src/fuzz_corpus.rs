//! The seeds of the fuzz targets, and the inputs that were findings once, as a test: what must hold for any bytes holds
//! for these. It must not need a fuzzer.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::contact::fuzzing::Target;

/// The most bytes of all seeds together.
const SEEDS_BYTES_MAX: u64 = 300 * 1024;

fn targets() -> Vec<Target> {
    let mut targets = crate::contact::fuzzing::TARGETS.to_vec();
    targets.extend(crate::mtp::fuzzing::TARGETS);
    targets.extend(crate::ics::fuzzing::TARGETS);
    targets.extend(crate::device::fuzzing::TARGETS);
    targets
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// The names of the entries of a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_must_hold_for_any_bytes_holds_for_the_seeds() {
    let (mut seeds_bytes, mut failed) = (0, Vec::new());
    for (name, target) in targets() {
        let seeds = folder().join("corpus").join(name);
        let files = names(&seeds);
        assert!(files.len() >= 5, "{name} has {} seeds only", files.len());
        for file in files {
            let bytes = fs::read(seeds.join(&file)).unwrap();
            seeds_bytes += bytes.len() as u64;
            if std::panic::catch_unwind(|| target(&bytes)).is_err() {
                failed.push(format!("{name}/{file}"));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(seeds_bytes <= SEEDS_BYTES_MAX, "the seeds have {seeds_bytes} bytes");
}

#[test]
fn every_target_has_its_program_its_seeds_and_its_row() {
    let known: BTreeSet<String> = targets().into_iter().map(|(name, _)| name.to_owned()).collect();
    let programs: BTreeSet<String> = names(&folder().join("fuzz_targets"))
        .into_iter()
        .map(|file| file.strip_suffix(".rs").unwrap().to_owned())
        .collect();
    assert_eq!(known, programs);
    assert_eq!(known, names(&folder().join("corpus")).into_iter().collect());
    let document = fs::read_to_string(folder().join("../docs/fuzzing.md")).unwrap();
    for name in known {
        assert!(document.contains(&format!("| `{name}` |")), "docs/fuzzing.md has no row for {name}");
    }
}
