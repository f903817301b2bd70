//! Version 1 of the format, per collection: a file per path, told to others by growing files and byte counts.

use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use tetherbook::provider::Clock;

use super::directory::{children, read, write};
use super::entry::{Entry, changes, is_news, put};
use super::names::encoded;

const SEQUENCE: &str = ".decsync-sequence";

/// One app's view of one collection.
pub struct VersionOne {
    pub collection: PathBuf,
    pub app_id: String,
    pub clock: Rc<dyn Clock>,
}

impl VersionOne {
    fn stored_folder(&self, app_id: &str) -> PathBuf {
        self.collection.join("stored-entries").join(encoded(app_id))
    }

    fn new_folder(&self, app_id: &str) -> PathBuf {
        self.collection.join("new-entries").join(encoded(app_id))
    }

    fn read_folder(&self, app_id: &str) -> PathBuf {
        self.collection.join("read-bytes").join(encoded(&self.app_id)).join(encoded(app_id))
    }

    fn others(&self) -> Vec<String> {
        let mut apps = children(&self.collection.join("new-entries"), true);
        apps.retain(|app| *app != self.app_id);
        apps
    }

    /// Every entry that this app has stored.
    pub fn stored(&self) -> Vec<Entry> {
        let folder = self.stored_folder(&self.app_id);
        paths(&folder).iter().flat_map(|path| entries_in(&below(&folder, path), path)).collect()
    }

    fn store(&self, entry: &Entry) -> bool {
        let file = below(&self.stored_folder(&self.app_id), &entry.path);
        let mut stored = entries_in(&file, &entry.path);
        let is_new = is_news(&stored, entry);
        if is_new {
            put(&mut stored, entry.clone());
            let text: String = stored.iter().map(Entry::line_1).collect();
            write(&file, &text, &*self.clock);
            self.note_latest(&entry.datetime);
        }
        is_new
    }

    fn note_latest(&self, datetime: &str) {
        let file = self.collection.join("info").join(encoded(&self.app_id)).join("latest-stored-entry");
        if read(&file).is_none_or(|latest| latest.trim_end() < datetime) {
            write(&file, &format!("{datetime}\n"), &*self.clock);
        }
    }

    /// This app's own entries: stored where they are news, and appended for the others.
    pub fn set(&self, entries: &[Entry]) {
        fs::create_dir_all(self.collection.join("read-bytes")).unwrap();
        for entry in entries {
            let file = below(&self.stored_folder(&self.app_id), &entry.path);
            if !changes(&entries_in(&file, &entry.path), entry) || !self.store(entry) {
                continue;
            }
            let folder = self.new_folder(&self.app_id);
            let file = below(&folder, &entry.path);
            write(&file, &(read(&file).unwrap_or_default() + &entry.line_1()), &*self.clock);
            let mut above = file.parent().unwrap();
            loop {
                let next = number(&above.join(SEQUENCE)) + 1;
                write(&above.join(SEQUENCE), &format!("{next}\n"), &*self.clock);
                if above == folder {
                    break;
                }
                above = above.parent().unwrap();
            }
        }
    }

    /// What the other apps appended since last time and is news: stored here too, and returned.
    pub fn new_entries(&self) -> Vec<Entry> {
        let mut news = Vec::new();
        for app in self.others() {
            self.read_new(&app, &mut Vec::new(), &mut news);
        }
        news
    }

    fn read_new(&self, app: &str, place: &mut Vec<String>, news: &mut Vec<Entry>) {
        let (folder, bookkeeping) =
            (below(&self.new_folder(app), place), below(&self.read_folder(app), place));
        let sequence = number(&folder.join(SEQUENCE));
        if sequence == number(&bookkeeping.join(SEQUENCE)) {
            return;
        }
        for name in children(&folder, true) {
            place.push(name);
            self.read_new(app, place, news);
            place.pop();
        }
        for name in children(&folder, false) {
            let (file, counter) = (folder.join(encoded(&name)), bookkeeping.join(encoded(&name)));
            let text = read(&file).unwrap_or_default();
            let seen = usize::try_from(number(&counter)).unwrap_or(0);
            place.push(name);
            for line in text.get(seen..).unwrap_or_default().lines() {
                news.extend(Entry::parse_1(place, line).filter(|entry| self.store(entry)));
            }
            place.pop();
            write(&counter, &format!("{}\n", text.len()), &*self.clock);
        }
        write(&bookkeeping.join(SEQUENCE), &format!("{sequence}\n"), &*self.clock);
    }

    /// The newest of what the other apps have stored becomes this app's, as known already.
    pub fn init_stored(&self) {
        for app in self.others() {
            let folder = self.stored_folder(&app);
            for path in paths(&folder) {
                for entry in entries_in(&below(&folder, &path), &path) {
                    self.store(&entry);
                }
            }
            self.read_new(&app, &mut Vec::new(), &mut Vec::new());
        }
    }

    /// Removes what this app has in the old format, and the old folders if it was the last.
    pub fn remove(&self) {
        for name in ["info", "new-entries", "stored-entries", "read-bytes"] {
            let above = self.collection.join(name);
            let folder = above.join(encoded(&self.app_id));
            if folder.exists() {
                fs::remove_dir_all(folder).unwrap();
            }
            // A folder in which another app still has something stays.
            let _ = fs::remove_dir(above);
        }
    }
}

fn below(folder: &Path, path: &[String]) -> PathBuf {
    path.iter().fold(folder.to_path_buf(), |folder, part| folder.join(encoded(part)))
}

/// The paths of all files below a folder.
fn paths(folder: &Path) -> Vec<Vec<String>> {
    let mut found: Vec<Vec<String>> = children(folder, false).into_iter().map(|name| vec![name]).collect();
    for name in children(folder, true) {
        for mut path in paths(&folder.join(encoded(&name))) {
            path.insert(0, name.clone());
            found.push(path);
        }
    }
    found
}

fn entries_in(file: &Path, path: &[String]) -> Vec<Entry> {
    let text = read(file).unwrap_or_default();
    let mut entries = Vec::new();
    for entry in text.lines().filter_map(|line| Entry::parse_1(path, line)) {
        put(&mut entries, entry);
    }
    entries
}

fn number(file: &Path) -> i64 {
    read(file).and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}
