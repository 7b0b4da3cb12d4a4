//! The one lock of a state folder, and the note that says who holds it.

use std::fmt;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::durable::{self, FileError};
use super::folder::FolderError;

#[cfg(test)]
mod tests;

const LOCK: &str = "lock";
/// A file of its own: Windows lets nobody read a file that someone else has locked.
const OWNER: &str = "lock.owner";
const MAX_OWNER_BYTES: u64 = 4096;

/// The last second of the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;

/// The lock of a state folder, held until it is dropped or the process ends in whatever way.
#[derive(Debug)]
pub(super) struct FolderLock {
    file: File,
    owner_path: PathBuf,
    owner: Mutex<LockOwner>,
}

impl FolderLock {
    /// Takes the lock of a folder that exists, without waiting for it.
    pub(super) fn acquire(folder: &Path) -> Result<Self, FolderError> {
        let path = folder.join(LOCK);
        let file = durable::open_lock_file(&path)?;
        let owner_path = folder.join(OWNER);
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(FolderError::InUse { folder: folder.to_owned(), owner: read_owner(&owner_path) });
            }
            Err(TryLockError::Error(source)) => return Err(FileError { action: "lock", path, source }.into()),
        }
        // A process that was killed left its note behind. Nobody may take it for ours while ours is being written.
        durable::remove_file(&owner_path)?;
        let owner = LockOwner { pid: process::id(), started: unix_seconds(), url: None };
        write_owner(&owner_path, &owner)?;
        Ok(Self { file, owner_path, owner: Mutex::new(owner) })
    }

    /// Lets others know where this process can be talked to.
    pub(super) fn set_url(&self, url: &str) -> Result<(), FolderError> {
        let mut owner = self.owner.lock().unwrap_or_else(PoisonError::into_inner);
        let with_url = LockOwner { url: Some(url.to_owned()), ..*owner };
        write_owner(&self.owner_path, &with_url)?;
        *owner = with_url;
        Ok(())
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // While the lock is still held. A note that cannot be removed is overwritten by the next holder.
        let _ = durable::remove_file(&self.owner_path);
        // Closing the file would not do while a process that is just being started still has a copy of it.
        let _ = self.file.unlock();
    }
}

/// Who holds the lock of a state folder, in the holder's own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockOwner {
    /// The process id.
    pub pid: u32,
    /// When it took the lock, in seconds since 1970-01-01T00:00:00Z.
    pub started: u64,
    /// Where its servers can be reached, if it has any.
    pub url: Option<String>,
}

impl fmt::Display for LockOwner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "process {} (soter-sim, since {})", self.pid, CalendarTime(self.started))
    }
}

fn write_owner(path: &Path, owner: &LockOwner) -> Result<(), FolderError> {
    let json = serde_json::to_vec(owner).map_err(|error| FileError {
        action: "write",
        path: path.to_owned(),
        source: error.into(),
    })?;
    Ok(durable::replace_file(path, &json)?)
}

/// The note of whoever holds the lock, or `None` if there is none that makes sense.
fn read_owner(path: &Path) -> Option<LockOwner> {
    let bytes = durable::read_file(path, MAX_OWNER_BYTES).ok()??;
    let owner: LockOwner = serde_json::from_slice(&bytes).ok()?;
    // The note is shown on a terminal, which obeys control characters.
    let is_printable = owner.url.as_ref().is_none_or(|url| !url.contains(char::is_control));
    (is_printable && owner.started <= LAST_SECOND).then_some(owner)
}

fn unix_seconds() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_secs())
}

/// Seconds since 1970-01-01T00:00:00Z, shown as date and time of day; up to the year 9999.
struct CalendarTime(u64);

impl fmt::Display for CalendarTime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.min(LAST_SECOND);
        let (mut days, of_day) = (seconds / 86_400, seconds % 86_400);
        let mut year: u64 = 1970;
        while days >= days_of_year(year) {
            days -= days_of_year(year);
            year += 1;
        }
        let february = if days_of_year(year) == 366 { 29 } else { 28 };
        let mut month = 1;
        for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
            if days < length {
                break;
            }
            days -= length;
            month += 1;
        }
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        write!(formatter, "{year:04}-{month:02}-{:02} {hour:02}:{minute:02}:{second:02} UTC", days + 1)
    }
}

fn days_of_year(year: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    if leap { 366 } else { 365 }
}
