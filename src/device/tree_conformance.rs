//! One test body for every tree: what all must do alike, with the divergences as named parameters. Tests only.

use super::tree::{ObjectEntry, ObjectKind, ObjectReference, ObjectTree, TreeError};
use crate::provider::Completeness;

/// What renaming does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenameSupport {
    /// It renames.
    Works,
    /// It says so and does nothing.
    Lies,
    /// There is none.
    Absent,
}

/// What a tree's dates are good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dates {
    /// RFC 3339 with nanoseconds.
    Nanoseconds,
    /// MTP DateTime, whole seconds.
    Seconds,
    /// None at all.
    Absent,
}

/// Which lengths of content a tree takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lengths {
    /// All.
    Every,
    /// Content whose transfer, 12 bytes of header included, is a multiple of 64 bytes is refused and changes nothing.
    NoWhole64,
    /// QEMU 7.2's usb-mtp ends all of QEMU, or halts, where the transfer fills packets of 64 bytes exactly, or leaves
    /// fewer than 12 bytes for the last one of 512; whoever cannot refuse in time must not try.
    SomeBreakIt,
}

/// How a tree may differ from the others.
#[derive(Debug, Clone, Copy)]
pub struct Expectation {
    /// What renaming does.
    pub rename: RenameSupport,
    /// Whether making a file under a taken name is answered with an error.
    pub tells_taken_names: bool,
    /// Whether it says of an object that is gone that it is gone, and not just no.
    pub tells_gone_objects: bool,
    /// What its dates are good for.
    pub dates: Dates,
    /// Which lengths of content it takes.
    pub lengths: Lengths,
}

impl Expectation {
    /// What a tree does that does everything right.
    pub const BEST: Self = Self {
        rename: RenameSupport::Works,
        tells_taken_names: true,
        tells_gone_objects: true,
        dates: Dates::Seconds,
        lengths: Lengths::Every,
    };
}

const LIMIT_BYTES: u64 = 1 << 20;

fn names(tree: &mut dyn ObjectTree, folder: &ObjectReference) -> Vec<String> {
    let listing = tree.list(folder).unwrap();
    assert_eq!(listing.completeness, Completeness::Complete);
    let mut names: Vec<String> = listing.entries.into_iter().map(|entry| entry.name).collect();
    names.sort();
    names
}

fn find(tree: &mut dyn ObjectTree, folder: &ObjectReference, name: &str) -> Option<ObjectEntry> {
    let found = tree.find(folder, name).unwrap();
    let listed = tree.list(folder).unwrap().entries.into_iter().find(|entry| entry.name == name);
    assert_eq!(found.as_ref().map(|entry| &entry.object), listed.as_ref().map(|entry| &entry.object));
    listed
}

/// Runs everything against a tree whose first storage is writable and has no folder `Conformance`.
pub fn check_tree(tree: &mut dyn ObjectTree, expectation: &Expectation) {
    let storages = tree.storages().unwrap();
    assert!(!storages.is_empty());
    assert!(storages.iter().all(|storage| !storage.label.contains('/') && !storage.label.is_empty()));
    assert!(tree.capabilities().rename || expectation.rename == RenameSupport::Absent);
    let root = storages[0].root.clone();
    assert!(find(tree, &root, "Conformance").is_none());
    let folder = tree.make_folder(&root, "Conformance").unwrap();
    let found = find(tree, &root, "Conformance").unwrap();
    assert_eq!(found.kind, ObjectKind::Folder);
    assert!(find(tree, &root, "Conformanc").is_none(), "a name is matched whole");
    assert_eq!(names(tree, &folder), Vec::<String>::new());
    check_files(tree, &folder, expectation);
    check_sizes(tree, &folder, expectation);
    check_rename(tree, &folder, expectation);
    let before = tree.statistics();
    assert!(before.requests > 0 && before.read_bytes > 0 && before.written_bytes > 0);
    tree.close();
}

fn check_files(tree: &mut dyn ObjectTree, folder: &ObjectReference, expectation: &Expectation) {
    let object = tree.create(folder, "one.vcf", b"first content").unwrap();
    assert_eq!(tree.read(&object, 13, LIMIT_BYTES).unwrap(), b"first content");
    tree.create(folder, "two.vcf", b"2").unwrap();
    assert_eq!(names(tree, folder), ["one.vcf", "two.vcf"]);
    let entry = find(tree, folder, "one.vcf").unwrap();
    assert_eq!((entry.kind, entry.size_bytes), (ObjectKind::File, 13));
    let stat = tree.stat(&entry.object).unwrap();
    assert_eq!(stat.stamp(), entry.stamp(), "a listing and a single look tell the same");
    assert_eq!(stat.name, "one.vcf");
    match expectation.dates {
        Dates::Nanoseconds => assert_eq!(stat.modified.as_deref().unwrap().len(), 30),
        Dates::Seconds => assert!(stat.modified.as_deref().unwrap().len() >= 15),
        Dates::Absent => assert_eq!(stat.modified, None),
    }
    if expectation.tells_taken_names {
        assert!(tree.create(folder, "one.vcf", b"other").is_err());
        assert_eq!(tree.read(&object, 13, LIMIT_BYTES).unwrap(), b"first content", "nothing is overwritten");
        assert_eq!(names(tree, folder), ["one.vcf", "two.vcf"]);
    }
    tree.delete(&entry.object).unwrap();
    assert_eq!(names(tree, folder), ["two.vcf"]);
    let is_told = |error: TreeError| match error {
        TreeError::NotFound(_) => true,
        other => !expectation.tells_gone_objects && !other.is_fatal(),
    };
    assert!(is_told(tree.stat(&object).unwrap_err()));
    assert!(is_told(tree.read(&object, 13, LIMIT_BYTES).unwrap_err()));
    assert!(is_told(tree.delete(&object).unwrap_err()));
}

/// Sizes around the packet sizes of USB (64, 512, 1024) less the 12 bytes of a container header.
fn check_sizes(tree: &mut dyn ObjectTree, folder: &ObjectReference, expectation: &Expectation) {
    let breaks = |total: usize| total.is_multiple_of(64) || total > 512 && total % 512 < 12;
    let is_tried = |size: &usize| expectation.lengths != Lengths::SomeBreakIt || !breaks(size + 12);
    for size in [0_usize, 1, 52, 500, 511, 512, 513, 1012, 1024, 70_000].into_iter().filter(is_tried) {
        let content: Vec<u8> = (0..size).map(|index| u8::try_from(index % 251).unwrap()).collect();
        if expectation.lengths == Lengths::NoWhole64 && (size + 12).is_multiple_of(64) {
            let refusal = tree.create(folder, "size.vcf", &content).unwrap_err();
            assert!(matches!(refusal, TreeError::Refused(_)), "{size}: {refusal}");
            assert_eq!(names(tree, folder), ["two.vcf"]);
            continue;
        }
        let object = tree.create(folder, "size.vcf", &content).unwrap();
        let size_bytes = u64::try_from(size).unwrap();
        assert_eq!(tree.stat(&object).unwrap().size_bytes, size_bytes);
        assert_eq!(tree.read(&object, size_bytes, LIMIT_BYTES).unwrap(), content, "{size}");
        assert!(tree.read(&object, size_bytes + 1, LIMIT_BYTES).is_err(), "{size}: short is an error");
        tree.delete(&object).unwrap();
    }
}

fn check_rename(tree: &mut dyn ObjectTree, folder: &ObjectReference, expectation: &Expectation) {
    let object = tree.create(folder, "before.vcf", b"moved").unwrap();
    let answer = tree.rename(&object, "after.vcf");
    match expectation.rename {
        RenameSupport::Works => {
            let renamed = answer.unwrap();
            assert_eq!(names(tree, folder), ["after.vcf", "two.vcf"]);
            assert_eq!(tree.read(&renamed, 5, LIMIT_BYTES).unwrap(), b"moved");
        }
        RenameSupport::Lies => {
            answer.unwrap();
            assert_eq!(names(tree, folder), ["before.vcf", "two.vcf"]);
        }
        RenameSupport::Absent => {
            assert!(matches!(answer, Err(TreeError::NotSupported(_))));
            assert!(!tree.capabilities().rename, "known by now");
            assert_eq!(names(tree, folder), ["before.vcf", "two.vcf"]);
        }
    }
}
