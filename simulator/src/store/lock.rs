//! The one lock of a state folder.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use tracing::warn;

use super::durable::{self, FileAction, FileError};
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
    folder: PathBuf,
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
            Err(TryLockError::Error(source)) => {
                return Err(FileError { action: FileAction::Lock, path, source }.into());
            }
        }
        // A killed process leaves its note behind. Nobody must take it for ours before ours is written.
        durable::remove_file(&owner_path)?;
        let owner = LockOwner { pid: process::id(), started: unix_seconds(), url: None };
        owner.write(&owner_path)?;
        Ok(Self { folder: folder.to_owned(), file, owner_path, owner: Mutex::new(owner) })
    }

    /// Checks that the locked file is still the one in the folder. Call this before each write: if the folder was removed or
    /// moved, another process may have made a new one at the same path.
    ///
    /// On Windows only the folder's existence is checked. A folder with an open file cannot be moved there.
    pub(super) fn check(&self) -> Result<(), FolderError> {
        if self.is_in_place() { Ok(()) } else { Err(FolderError::Replaced { folder: self.folder.clone() }) }
    }

    #[cfg(unix)]
    fn is_in_place(&self) -> bool {
        use std::os::unix::fs::MetadataExt;
        let [locked, found] = [self.file.metadata(), std::fs::symlink_metadata(self.folder.join(LOCK_FILE))]
            .map(|metadata| metadata.map(|metadata| (metadata.dev(), metadata.ino())).ok());
        locked.is_some() && locked == found
    }

    #[cfg(not(unix))]
    fn is_in_place(&self) -> bool {
        self.folder.exists()
    }

    /// Writes this process's address into the lock holder's note.
    pub(super) fn set_url(&self, url: &str) -> Result<(), FolderError> {
        self.check()?;
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
        let removed = self.check().and_then(|()| Ok(durable::remove_file(&self.owner_path)?));
        if let Err(error) = removed {
            warn!(%error, "the lock holder's note stays behind");
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
