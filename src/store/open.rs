//! Opening the database: made with private permissions if it is new, refused untouched if it is not ours.
//!
//! Opening never changes a file before it is known to be a Tetherbook database of a known format. A dry run opens
//! for reading and leaves nothing behind, not even SQLite's side files where that is possible.

use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};

use super::error::{Fault, StoreError};
use super::lock::{self, Sharing};
use super::schema::{APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION, migrate, user_version};
use super::transaction::Batch;
use super::versions::Cause;
use crate::provider::SessionId;

/// The length of the header of an SQLite file.
const HEADER_BYTES: usize = 100;
/// The first bytes of every SQLite file, with the closing NUL.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// More prepared statements than the room has, so that each is prepared once.
const STATEMENTS_KEPT: usize = 96;

/// How to open the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenOptions {
    /// For dry runs: nothing is written anywhere; a database that does not exist is an empty one in memory.
    pub read_only: bool,
    /// How long to wait for another connection's write, in milliseconds.
    pub busy_timeout_ms: u64,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { read_only: false, busy_timeout_ms: 5_000 }
    }
}

/// The open database. One connection; used by one thread.
#[derive(Debug)]
pub struct Store {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    pub(super) batch: RefCell<Batch>,
    pub(super) read_only: bool,
    /// The session that is underway, for the history of what it changes.
    pub(super) underway: Cell<Option<(SessionId, Cause)>>,
    /// Keeps sessions away while the file is read without SQLite's own locks.
    _readers_lock: Option<File>,
}

impl Store {
    /// Opens the database at `path`. Unless `options.read_only`, a missing folder is made with mode 0700 and a
    /// missing file with mode 0600, and an older format is brought up to date.
    ///
    /// # Errors
    /// [`StoreError::Foreign`], [`StoreError::Damaged`], [`StoreError::Newer`] (the file is then untouched),
    /// [`StoreError::Unreachable`], [`StoreError::ReadOnly`], [`StoreError::Busy`], [`StoreError::Full`]. With
    /// `read_only` nothing of an older format is changed: a copy in memory is brought up to date and read.
    pub fn open(path: &Path, options: &OpenOptions) -> Result<Self, StoreError> {
        let header = read_header(path)?;
        if let Some(header) = &header {
            check_header(path, header)?;
        }
        match (options.read_only, header) {
            (true, None) => Self::in_memory_at(path),
            (true, Some(_)) => Self::open_for_reading(path, options),
            (false, header) => {
                if header.is_none() {
                    create_private(path)?;
                }
                Self::open_for_writing(path, options)
            }
        }
    }

    /// An empty database in memory, for tests, the demo, and dry runs without a database.
    ///
    /// # Errors
    /// When SQLite cannot be used at all.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::in_memory_at(Path::new(":memory:"))
    }

    /// The database's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether nothing can be written, because this is a dry run on an existing database.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    fn in_memory_at(path: &Path) -> Result<Self, StoreError> {
        let made = || {
            let connection = Connection::open_in_memory()?;
            configure(&connection, 0)?;
            migrate(&connection, MIGRATIONS)?;
            Ok(connection)
        };
        made()
            .map(|connection| Self::over(connection, path, false, None))
            .map_err(|fault: Fault| fault.at(path))
    }

    fn open_for_writing(path: &Path, options: &OpenOptions) -> Result<Self, StoreError> {
        let opened = || {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(path, flags)?;
            configure(&connection, options.busy_timeout_ms)?;
            // Before anything is changed: the header on the disk may be older than the one in the -wal file.
            check_version(&connection, path)?;
            let mode: String =
                connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
            if mode != "wal" {
                return Err(Fault::Said(StoreError::Unreachable {
                    path: path.to_path_buf(),
                    detail: format!(
                        "its disk allows no write-ahead log, only \"{mode}\"; put it on a local disk"
                    ),
                }));
            }
            connection.pragma_update(None, "synchronous", "FULL")?;
            migrate(&connection, MIGRATIONS)?;
            Ok(connection)
        };
        let connection = opened().map_err(|fault: Fault| fault.at(path))?;
        Ok(Self::over(connection, path, false, None))
    }

    fn open_for_reading(path: &Path, options: &OpenOptions) -> Result<Self, StoreError> {
        let sharing = lock::share(path);
        // Without a -wal file and with sessions kept away the file stands still: SQLite need not make side files.
        let immutable = !has_log(path) && !matches!(sharing, Sharing::Taken);
        let opened = || {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
                | OpenFlags::SQLITE_OPEN_NO_MUTEX
                | OpenFlags::SQLITE_OPEN_URI;
            let connection = Connection::open_with_flags(uri(path, immutable), flags)?;
            configure(&connection, options.busy_timeout_ms)?;
            connection.pragma_update(None, "query_only", true)?;
            let found = check_version(&connection, path)?;
            Ok((connection, found))
        };
        let (connection, found) = opened().map_err(|fault: Fault| fault.at(path))?;
        match found {
            0 => Self::in_memory_at(path),
            SCHEMA_VERSION => Ok(Self::over(connection, path, true, sharing.into_file())),
            _ => {
                let copied = brought_up_to_date(&connection).map_err(|fault| fault.at(path))?;
                Ok(Self::over(copied, path, true, sharing.into_file()))
            }
        }
    }

    fn over(connection: Connection, path: &Path, read_only: bool, readers_lock: Option<File>) -> Self {
        Self {
            connection,
            path: path.to_path_buf(),
            batch: RefCell::new(Batch::Closed),
            read_only,
            underway: Cell::new(None),
            _readers_lock: readers_lock,
        }
    }
}

/// A copy in memory of a database of an older format, in the newest one: a dry run may look, and not touch.
fn brought_up_to_date(older: &Connection) -> Result<Connection, Fault> {
    /// So many pages are copied at once; nobody else waits for them.
    const PAGES_PER_STEP: i32 = 1_000;
    let mut copied = Connection::open_in_memory()?;
    Backup::new(older, &mut copied)?.run_to_completion(PAGES_PER_STEP, Duration::ZERO, None)?;
    configure(&copied, 0)?;
    migrate(&copied, MIGRATIONS)?;
    copied.pragma_update(None, "query_only", true)?;
    Ok(copied)
}

/// The header of the file, `None` if there is no file or an empty one.
fn read_header(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreachable(path, &error)),
    };
    let mut header = Vec::with_capacity(HEADER_BYTES);
    file.take(HEADER_BYTES as u64).read_to_end(&mut header).map_err(|error| unreachable(path, &error))?;
    Ok(if header.is_empty() { None } else { Some(header) })
}

/// Refuses what is not an SQLite file, is another program's, or is of a later format, without opening it.
fn check_header(path: &Path, header: &[u8]) -> Result<(), StoreError> {
    let foreign = |detail: &str| StoreError::Foreign { path: path.to_path_buf(), detail: detail.to_owned() };
    if !header.starts_with(MAGIC) {
        return Err(foreign("it is not an SQLite file"));
    }
    // SQLite file format 1.3: user version at offset 60, application id at offset 68, both big-endian.
    let field = |offset: usize| -> Result<i32, StoreError> {
        let bytes = header.get(offset..).and_then(|rest| rest.first_chunk::<4>());
        bytes.map(|bytes| i32::from_be_bytes(*bytes)).ok_or_else(|| foreign("it is cut off"))
    };
    let (version, application_id) = (field(60)?, field(68)?);
    if application_id != APPLICATION_ID && (application_id, version) != (0, 0) {
        return Err(foreign("it belongs to another program"));
    }
    refuse_newer(path, i64::from(version))
}

/// The same on what SQLite sees, the -wal file included. Returns the format.
fn check_version(connection: &Connection, path: &Path) -> Result<i64, Fault> {
    let application_id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version = user_version(connection)?;
    let objects: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    // A database whose making was cut off has no tables yet.
    let unborn = (application_id, version, objects) == (0, 0, 0);
    if application_id != APPLICATION_ID && !unborn {
        let detail = "it belongs to another program".to_owned();
        return Err(Fault::Said(StoreError::Foreign { path: path.to_path_buf(), detail }));
    }
    refuse_newer(path, version)?;
    Ok(version)
}

fn refuse_newer(path: &Path, found: i64) -> Result<(), StoreError> {
    if found > SCHEMA_VERSION {
        return Err(StoreError::Newer { path: path.to_path_buf(), found, known: SCHEMA_VERSION });
    }
    Ok(())
}

/// Settings of the connection that change nothing in the file.
fn configure(connection: &Connection, busy_timeout_ms: u64) -> Result<(), Fault> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    connection.busy_timeout(Duration::from_millis(busy_timeout_ms))?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // A database from elsewhere may hold malicious definitions; ours need no trust.
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(())
}

/// Makes the folder, readable by nobody else, if it is missing.
pub(super) fn create_folder_of(path: &Path) -> Result<(), StoreError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| unreachable(path, &error))
}

/// Options that make files readable by nobody else.
pub(super) fn private_file() -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes an empty file with its folder. SQLite gives its side files the permissions of the file itself.
fn create_private(path: &Path) -> Result<(), StoreError> {
    create_folder_of(path)?;
    match private_file().write(true).create_new(true).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(unreachable(path, &error)),
    }
}

pub(super) fn unreachable(path: &Path, error: &io::Error) -> StoreError {
    let path = path.to_path_buf();
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full { path },
        io::ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly { path },
        _ => StoreError::Unreachable { path, detail: error.to_string() },
    }
}

/// The path with something after its name: SQLite's and our side files.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(suffix);
    PathBuf::from(name)
}

/// Whether there is a write-ahead log with something in it: a session is running or was cut off.
fn has_log(path: &Path) -> bool {
    fs::metadata(beside(path, "-wal")).is_ok_and(|metadata| metadata.len() > 0)
}

/// The path as an SQLite URI (RFC 3986 percent-encoding), which is the only way to say `immutable`.
fn uri(path: &Path, immutable: bool) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-~".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri.push_str(if immutable { "?immutable=1" } else { "?mode=ro" });
    uri
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{Rig, card, sighting};

    fn writing(path: &Path) -> Result<Store, StoreError> {
        Store::open(path, &OpenOptions { read_only: false, busy_timeout_ms: 0 })
    }

    /// Everything in the folder: names with contents.
    fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
        let mut files: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
            .collect();
        files.sort();
        files
    }

    #[cfg(unix)]
    #[test]
    fn folder_file_and_side_files_are_private() {
        use std::os::unix::fs::PermissionsExt;
        let rig = Rig::new();
        let store = rig.store();
        rig.book(&store).add(&card("a", "Ada Example")).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(rig.path().parent().unwrap()), 0o700);
        for suffix in ["", "-wal", "-shm"] {
            assert_eq!(mode(&beside(&rig.path(), suffix)), 0o600, "{suffix}");
        }
    }

    #[test]
    fn the_settings_are_those_that_durability_needs() {
        let rig = Rig::new();
        let store = rig.store();
        let number = |pragma: &str| -> i64 {
            store.connection.pragma_query_value(None, pragma, |row| row.get(0)).unwrap()
        };
        let mode: String =
            store.connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
        assert_eq!(number("synchronous"), 2);
        assert_eq!(number("foreign_keys"), 1);
        assert_eq!(number("application_id"), i64::from(APPLICATION_ID));
        assert_eq!(number("user_version"), SCHEMA_VERSION);
    }

    #[test]
    fn what_is_not_ours_is_refused_and_left_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        let other = |sql: &str| {
            let connection = Connection::open(&path).unwrap();
            connection.execute_batch(sql).unwrap();
        };
        let text = || fs::write(&path, "just some notes, no database at all\n".repeat(200)).unwrap();
        let cut = || fs::write(&path, &MAGIC[..]).unwrap();
        let foreign = || other("CREATE TABLE t (a); PRAGMA application_id = 7");
        let unmarked = || other("CREATE TABLE t (a)");
        let cases: [(&str, &dyn Fn()); 4] =
            [("text", &text), ("cut", &cut), ("foreign", &foreign), ("unmarked", &unmarked)];
        for (case, make) in cases {
            fs::remove_file(&path).ok();
            make();
            let before = files(folder.path());
            for read_only in [false, true] {
                let error = Store::open(&path, &OpenOptions { read_only, busy_timeout_ms: 0 }).unwrap_err();
                assert!(matches!(error, StoreError::Foreign { .. }), "{case}: {error}");
                assert!(error.to_string().contains("t.db"), "{error}");
                assert_eq!(files(folder.path()), before, "{case}");
            }
        }
    }

    #[test]
    fn a_newer_format_is_refused_and_left_untouched() {
        let rig = Rig::new();
        drop(rig.store());
        Connection::open(rig.path())
            .unwrap()
            .pragma_update(None, "user_version", SCHEMA_VERSION + 1)
            .unwrap();
        let folder = rig.path().parent().unwrap().to_path_buf();
        let before = files(&folder);
        for read_only in [false, true] {
            let error = Store::open(&rig.path(), &OpenOptions { read_only, busy_timeout_ms: 0 }).unwrap_err();
            assert_eq!(
                error,
                StoreError::Newer { path: rig.path(), found: SCHEMA_VERSION + 1, known: SCHEMA_VERSION }
            );
            assert_eq!(files(&folder), before);
        }
    }

    #[test]
    fn a_newer_format_that_is_still_in_the_log_is_refused_too() {
        let rig = Rig::new();
        drop(rig.store());
        let newer = Connection::open(rig.path()).unwrap();
        newer.pragma_update(None, "user_version", SCHEMA_VERSION + 1).unwrap();
        assert!(has_log(&rig.path()));
        assert!(
            matches!(writing(&rig.path()), Err(StoreError::Newer { found, .. }) if found == SCHEMA_VERSION + 1)
        );
    }

    #[test]
    fn a_damaged_page_is_told_as_damage_with_the_next_step() {
        let rig = Rig::new();
        {
            let store = rig.store();
            let book = rig.book(&store);
            store.begin().unwrap();
            for number in 0..500 {
                book.add(&card(&format!("uid-{number}"), "Ada Example")).unwrap();
            }
            store.commit().unwrap();
        }
        let mut bytes = fs::read(rig.path()).unwrap();
        let pages = bytes.len() / 4096;
        for page in 2..pages {
            bytes[page * 4096..page * 4096 + 64].fill(0xEE);
        }
        fs::write(rig.path(), &bytes).unwrap();
        let told = writing(&rig.path()).and_then(|store| {
            let book = rig.book(&store);
            book.list().map(drop)
        });
        let error = told.unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("put a backup in its place"), "{error}");
        assert_eq!(fs::read(rig.path()).unwrap(), bytes);
    }

    #[test]
    fn an_empty_file_and_a_making_that_was_cut_off_become_databases() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        fs::write(&path, "").unwrap();
        writing(&path).unwrap().check().unwrap();
        fs::remove_file(&path).unwrap();
        Connection::open(&path).unwrap().pragma_update(None, "journal_mode", "wal").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), 4096);
        let dry = Store::open(&path, &OpenOptions { read_only: true, busy_timeout_ms: 0 }).unwrap();
        assert_eq!(dry.books().unwrap(), []);
        drop(dry);
        writing(&path).unwrap().check().unwrap();
    }

    #[test]
    fn a_dry_run_without_a_database_makes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/t.db");
        let store = Store::open(&path, &OpenOptions { read_only: true, busy_timeout_ms: 0 }).unwrap();
        assert_eq!(store.books().unwrap(), []);
        drop(store);
        assert_eq!(files(folder.path()), []);
    }

    #[test]
    fn a_dry_run_leaves_every_file_as_it_was_and_sees_the_last_commit() {
        let rig = Rig::new();
        let folder = rig.path().parent().unwrap().to_path_buf();
        let writer = rig.store();
        rig.book(&writer).add(&card("a", "Ada Example")).unwrap();
        // With a log: another connection is at work, or was killed.
        let names = || files(&folder).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        let before = (names(), fs::read(rig.path()).unwrap(), fs::read(beside(&rig.path(), "-wal")).unwrap());
        let dry = rig.read_only();
        assert_eq!(rig.book(&dry).list().unwrap().len(), 1);
        drop(dry);
        let after = (names(), fs::read(rig.path()).unwrap(), fs::read(beside(&rig.path(), "-wal")).unwrap());
        assert!(before == after);
        // Without one.
        drop(writer);
        let before = files(&folder);
        assert_eq!(before.len(), 1);
        let dry = rig.read_only();
        let book = rig.book(&dry);
        assert_eq!(book.list().unwrap().len(), 1);
        assert!(matches!(book.add(&card("b", "Bob Example")), Err(StoreError::ReadOnly { .. })));
        assert!(matches!(dry.begin(), Err(StoreError::ReadOnly { .. })));
        drop(dry);
        assert_eq!(files(&folder), before);
    }

    #[test]
    fn a_dry_run_gives_unknown_books_and_phones_an_empty_memory() {
        let rig = Rig::new();
        drop(rig.store());
        let dry = rig.read_only();
        let book = rig.book(&dry);
        assert_eq!((book.list().unwrap().len(), book.next_counter().unwrap()), (0, 1));
        let phone = dry.see_phone(&sighting(1), 0).unwrap();
        assert_eq!(dry.relate(phone, &book, "two-way", "{}").unwrap().0, 0);
    }

    #[cfg(unix)]
    #[test]
    fn names_that_mean_something_in_a_uri_are_names() {
        use std::os::unix::ffi::OsStrExt;
        let folder = tempfile::tempdir().unwrap();
        for name in ["a b%41?mode=rwc#x.db".as_bytes(), b"\xff\xfe.db"] {
            let path = folder.path().join(std::ffi::OsStr::from_bytes(name));
            writing(&path).unwrap();
            let dry = Store::open(&path, &OpenOptions { read_only: true, busy_timeout_ms: 0 }).unwrap();
            assert!(dry.is_read_only());
        }
    }

    #[test]
    fn a_full_disk_is_told_and_costs_nothing_that_was_there() {
        let rig = Rig::new();
        let store = rig.store();
        let book = rig.book(&store);
        book.add(&card("a", "Ada Example")).unwrap();
        let pages: i64 = store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        let limit: i64 = store
            .connection
            .pragma_update_and_check(None, "max_page_count", pages + 2, |row| row.get(0))
            .unwrap();
        assert_eq!(limit, pages + 2);
        let large = "x".repeat(40_000);
        let error = book.add(&card("b", &large)).unwrap_err();
        assert_eq!(error, StoreError::Full { path: rig.path() });
        assert!(error.to_string().contains("free some space"), "{error}");
        // In a batch: all of it is lost, also what seemed to be written.
        store.begin().unwrap();
        book.add(&card("c", "Cleo Example")).unwrap();
        assert_eq!(book.add(&card("b", &large)).unwrap_err(), error);
        assert_eq!(book.add(&card("d", "Dora Example")).unwrap_err(), error);
        assert_eq!(store.commit().unwrap_err(), error);
        assert_eq!(book.list().unwrap().len(), 1);
        store.check().unwrap();
        // With room again, everything works on.
        store.connection.pragma_update(None, "max_page_count", 1_000_000).unwrap();
        book.add(&card("b", &large)).unwrap();
        assert_eq!(book.list().unwrap().len(), 2);
    }

    #[test]
    fn two_connections_read_side_by_side_and_write_one_after_the_other() {
        let rig = Rig::new();
        let (one, two) = (rig.store(), writing(&rig.path()).unwrap());
        let (book_one, book_two) = (rig.book(&one), rig.book(&two));
        one.begin().unwrap();
        let (first, _) = book_one.add(&card("a", "Ada Example")).unwrap();
        assert_eq!(book_two.list().unwrap().len(), 0, "not committed yet");
        let error = book_two.add(&card("b", "Bob Example")).unwrap_err();
        assert_eq!(error, StoreError::Busy { path: rig.path() });
        assert!(matches!(two.begin(), Err(StoreError::Busy { .. })));
        one.commit().unwrap();
        let (second, _) = book_two.add(&card("b", "Bob Example")).unwrap();
        assert_eq!(second.0, first.0 + 1, "one count for both");
        assert_eq!(book_one.list().unwrap().len(), 2);
    }
}
