//! docs/proof.md says which test proves what: every test that it names must be there, and no cell of the matrix of
//! crashes may be without one.

use std::fs;
use std::path::PathBuf;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn page() -> String {
    fs::read_to_string(root().join("docs/proof.md")).unwrap()
}

/// The tests that a piece of the page names, as file and function: `crash_cut::a_cable_…`.
fn named(text: &str) -> Vec<(String, String)> {
    let words = text.split('`').skip(1).step_by(2);
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .chars()
                .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
    };
    words
        .filter_map(|word| word.split_once("::"))
        .filter(|(file, test)| is_name(file) && is_name(test))
        .map(|(file, test)| (file.to_owned(), test.to_owned()))
        .collect()
}

#[test]
fn every_test_that_the_proof_names_is_there() {
    let all = named(&page());
    assert!(all.len() >= 30, "only {} tests are named", all.len());
    for (file, test) in all {
        let places = [format!("tests/engine/{file}.rs"), format!("tests/{file}.rs")];
        let text = places.iter().find_map(|place| fs::read_to_string(root().join(place)).ok());
        let text =
            text.unwrap_or_else(|| panic!("docs/proof.md names `{file}::{test}`: there is no such file"));
        assert!(
            text.contains(&format!("#[test]\nfn {test}()")) || text.contains(&format!("]\nfn {test}()")),
            "docs/proof.md names `{file}::{test}`: there is no such test"
        );
    }
}

#[test]
fn the_matrix_of_crashes_has_a_test_in_every_cell() {
    let page = page();
    let table = page.split("| step | before | torn | after |").nth(1).unwrap();
    let rows: Vec<&str> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    let steps = [
        "journal write",
        "device create",
        "device data",
        "device delete",
        "device rename",
        "PC row write",
        "base write",
        "watermark write",
        "marker write",
    ];
    assert_eq!(rows.len(), steps.len(), "{rows:?}");
    for (row, step) in rows.iter().zip(steps) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!((cells.len(), cells[0]), (4, step));
        for (cell, when) in cells[1..].iter().zip(["before", "torn", "after"]) {
            assert!(!named(cell).is_empty(), "{step}, {when}: no test is named");
        }
    }
}
