//! The one lock of a state folder.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use tracing::warn;

use super::durable::{self, FileError};
use super::folder_error::FolderError;
use super::lock_owner::LockOwner;

#[cfg(test)]
mod tests;

const LOCK_FILE: &str = "lock";
/// A separate file, because on Windows nobody can read a file that another process has locked.
const OWNER_FILE: &str = "lock.owner";

/// The lock of a state folder. It is held until it is dropped or the process ends in any way.
#[derive(Debug)]
pub(super) struct FolderLock {
    file: File,
    owner_path: PathBuf,
    owner: Mutex<LockOwner>,
}

impl FolderLock {
    /// Takes the lock of an existing folder, without waiting for it.
    pub(super) fn acquire(folder: &Path) -> Result<Self, FolderError> {
        let path = folder.join(LOCK_FILE);
        let file = durable::open_lock_file(&path)?;
        let owner_path = folder.join(OWNER_FILE);
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(FolderError::InUse {
                    folder: folder.to_owned(),
                    owner: LockOwner::read(&owner_path),
                });
            }
            Err(TryLockError::Error(source)) => return Err(FileError { action: "lock", path, source }.into()),
        }
        // A killed process leaves its note behind. Nobody must take it for ours before ours is written.
        durable::remove_file(&owner_path)?;
        let owner = LockOwner { pid: process::id(), started: unix_seconds(), url: None };
        owner.write(&owner_path)?;
        Ok(Self { file, owner_path, owner: Mutex::new(owner) })
    }

    /// Writes this process's address into the lock holder's note.
    pub(super) fn set_url(&self, url: &str) -> Result<(), FolderError> {
        let mut owner = self.owner.lock().unwrap_or_else(PoisonError::into_inner);
        let with_url = LockOwner { url: Some(url.to_owned()), ..*owner };
        with_url.write(&self.owner_path)?;
        *owner = with_url;
        Ok(())
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // The lock is still held here. The next holder overwrites a note that stays behind.
        if let Err(error) = durable::remove_file(&self.owner_path) {
            warn!(error = %FolderError::from(error), "the lock holder's note stays behind");
        }
        // Closing the file is not enough if a process that is just starting still has a copy of the descriptor.
        if let Err(error) = self.file.unlock() {
            warn!(%error, "the state folder stays locked until this process ends");
        }
    }
}

fn unix_seconds() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_secs())
}
