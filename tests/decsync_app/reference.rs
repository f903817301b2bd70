//! The reference DecSync library as a process that is told what to do: `tests/interop/decsync_reference.py`.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::entry::Entry;

/// Several apps that use the library, in one process.
pub struct Reference {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Reference {
    /// Starts the process. It must have been installed, which `tests/interop/install` does.
    pub fn start() -> Self {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let python = root.join("target/interop/bin/python");
        assert!(
            python.exists(),
            "run tests/interop/install first: it puts the reference library below target/"
        );
        let mut child = Command::new(python)
            .arg(root.join("tests/interop/decsync_reference.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let orders = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, orders, answers }
    }

    /// Gives an order and waits for the answer.
    pub fn order(&mut self, order: &Value) -> Value {
        writeln!(self.orders, "{order}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the library ended at {order}");
        serde_json::from_str(&line).unwrap()
    }

    /// An app opens an address book.
    pub fn open(&mut self, root: &Path, collection: &str, app_id: &str) {
        self.order(&json!({"do": "open", "app": app_id, "directory": root, "collection": collection}));
    }

    /// An app sets entries, at the real time.
    pub fn set(&mut self, app_id: &str, entries: &[(Vec<String>, Value, Value)]) {
        self.order(&json!({"do": "set", "app": app_id, "entries": entries}));
    }

    /// An app sets a contact, or deletes it.
    pub fn set_contact(&mut self, app_id: &str, uid: &str, card: Option<&str>) {
        let entry = Entry::contact(uid, "", card);
        self.set(app_id, &[(entry.path, entry.key, entry.value)]);
    }

    /// An app takes what is there as known.
    pub fn init(&mut self, app_id: &str) {
        self.order(&json!({"do": "init", "app": app_id}));
    }

    /// What is new to an app.
    pub fn new_entries(&mut self, app_id: &str) -> Vec<Entry> {
        entries(&self.order(&json!({"do": "new", "app": app_id})))
    }

    /// The contacts that an app has stored, deleted ones too.
    pub fn stored_contacts(&mut self, app_id: &str) -> Vec<Entry> {
        entries(&self.order(&json!({"do": "stored", "app": app_id, "prefix": ["resources"]})))
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // It ends by itself when its orders end; a test that stopped may not wait for it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn entries(answer: &Value) -> Vec<Entry> {
    answer.as_array().unwrap().iter().map(|entry| Entry::parse_2(&entry.to_string()).unwrap()).collect()
}
