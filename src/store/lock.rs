//! The session lock: one session, or one edit from the command line, at a time.
//!
//! The lock is the operating system's lock on a file beside the database, so it ends with its process however that
//! ends. The file's content, the holder's process number, is for messages only. The file is never deleted: two
//! processes could otherwise lock two different files of the same name.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::error::StoreError;
use super::open::{beside, create_folder_of, private_file, unreachable};
use crate::provider::Clock;

/// How long to wait between two tries, in milliseconds.
const PAUSE_MS: u64 = 20;
/// No process number is longer than this, in bytes.
const PID_BYTES_MAX: u64 = 20;

/// Held while a session runs or an edit is made; dropping it lets the next one in.
#[derive(Debug)]
pub struct SessionLock {
    file: File,
}

impl SessionLock {
    /// Takes the lock of the database at `database`, waiting at most `wait_ms` milliseconds for another holder.
    ///
    /// # Errors
    /// [`StoreError::Locked`] with the holder's process number; [`StoreError::Unreachable`] or
    /// [`StoreError::ReadOnly`] if the lock file cannot be made.
    pub fn acquire(database: &Path, wait_ms: u64, clock: &dyn Clock) -> Result<Self, StoreError> {
        let path = lock_path(database);
        create_folder_of(&path)?;
        let mut file = private_file()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| unreachable(&path, &error))?;
        let mut waited_ms = 0;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(unreachable(&path, &error)),
                Err(TryLockError::WouldBlock) if waited_ms >= wait_ms => {
                    return Err(StoreError::Locked { pid: holder(&mut file), path });
                }
                Err(TryLockError::WouldBlock) => {
                    let pause_ms = PAUSE_MS.min(wait_ms - waited_ms);
                    clock.sleep_ms(pause_ms);
                    waited_ms += pause_ms;
                }
            }
        }
        write_holder(&mut file).map_err(|error| unreachable(&path, &error))?;
        Ok(Self { file })
    }
}

impl Drop for SessionLock {
    fn drop(&mut self) {
        // The number is for messages only; closing the file is what frees the lock.
        drop(self.file.set_len(0));
    }
}

/// Whether sessions can be kept away while a dry run reads.
#[derive(Debug)]
pub(super) enum Sharing {
    /// There is no lock file, so there was no session yet; or this process holds the lock itself.
    Free,
    /// The lock is shared among readers as long as this file is open.
    Held(File),
    /// A session of another process is running.
    Taken,
}

impl Sharing {
    /// The file to keep open.
    pub(super) fn into_file(self) -> Option<File> {
        match self {
            Self::Held(file) => Some(file),
            Self::Free | Self::Taken => None,
        }
    }
}

/// Keeps sessions away without writing anything.
pub(super) fn share(database: &Path) -> Sharing {
    let Ok(mut file) = File::open(lock_path(database)) else { return Sharing::Free };
    match file.try_lock_shared() {
        Ok(()) => Sharing::Held(file),
        Err(_) if holder(&mut file) == Some(std::process::id()) => Sharing::Free,
        Err(_) => Sharing::Taken,
    }
}

fn lock_path(database: &Path) -> PathBuf {
    beside(database, ".lock")
}

fn write_holder(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    writeln!(file, "{}", std::process::id())
}

/// Who says that it holds the lock; `None` if nothing sensible stands there.
fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.take(PID_BYTES_MAX).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::TestClock;

    #[test]
    fn the_second_waits_as_long_as_it_may_and_then_names_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("new/tetherbook.db");
        let clock = TestClock::at(1_000);
        let first = SessionLock::acquire(&database, 0, &clock).unwrap();
        let error = SessionLock::acquire(&database, 130, &clock).unwrap_err();
        assert_eq!(clock.now_ms(), 1_130);
        assert_eq!(error, StoreError::Locked { path: lock_path(&database), pid: Some(std::process::id()) });
        assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
        drop(first);
        SessionLock::acquire(&database, 0, &clock).unwrap();
        assert_eq!(clock.now_ms(), 1_130);
    }

    #[test]
    fn a_dropped_lock_leaves_an_empty_private_file() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("t.db");
        drop(SessionLock::acquire(&database, 0, &TestClock::at(0)).unwrap());
        let metadata = std::fs::metadata(lock_path(&database)).unwrap();
        assert_eq!(metadata.len(), 0);
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777, 0o600);
    }

    #[test]
    fn nonsense_in_the_file_is_no_holder() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("t.db");
        let other = File::create(lock_path(&database)).unwrap();
        other.lock().unwrap();
        std::fs::write(lock_path(&database), "\u{fe}many words, and no number at all\n".repeat(9)).unwrap();
        let error = SessionLock::acquire(&database, 0, &TestClock::at(0)).unwrap_err();
        assert_eq!(error, StoreError::Locked { path: lock_path(&database), pid: None });
        assert!(matches!(share(&database), Sharing::Taken));
    }

    #[test]
    fn readers_share_and_keep_sessions_away() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("t.db");
        let clock = TestClock::at(0);
        assert!(matches!(share(&database), Sharing::Free));
        let session = SessionLock::acquire(&database, 0, &clock).unwrap();
        assert!(matches!(share(&database), Sharing::Free), "this process holds it itself");
        drop(session);
        let (one, two) = (share(&database), share(&database));
        assert!(matches!((&one, &two), (Sharing::Held(_), Sharing::Held(_))));
        assert!(SessionLock::acquire(&database, 0, &clock).is_err());
        drop((one, two));
        SessionLock::acquire(&database, 0, &clock).unwrap();
    }
}
