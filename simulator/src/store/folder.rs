//! The state folder: one lock, the devices' folders, and the normal world's document.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::warn;

use super::disk::DiskStorage;
use super::durable::{self, FileError};
use super::folder_error::FolderError;
use super::lock::FolderLock;
use super::locked_storage::LockedStorage;
use super::name::DeviceName;
use super::phones;

#[cfg(test)]
mod tests;

const DEVICES_FOLDER: &str = "devices";
const PHONES_FILE: &str = "phones.json";
const LEDGER_FILE: &str = "wechat.db";

/// A folder that contains everything about a user's phones. One process at a time uses it.
///
/// It is locked from [`StateFolder::open`] until the value is dropped or the process ends in any way. The storage
/// that it handed out must not be used after that.
#[derive(Debug)]
pub struct StateFolder {
    path: PathBuf,
    lock: Arc<FolderLock>,
    /// Held while the document is replaced, because there is only one temporary file.
    save_lock: Mutex<()>,
    /// The devices that are to be removed; see [`StateFolder::plan_removals`].
    planned_removals: Mutex<BTreeSet<DeviceName>>,
}

impl StateFolder {
    /// Opens a state folder: creates it if it is missing, takes its lock and removes what crashes left behind.
    ///
    /// # Errors
    /// [`FolderError::InUse`] if another process, or another value in this one, holds the lock; nothing was changed.
    /// [`FolderError::File`] if the folder cannot be created or written; at most it and its empty parts exist.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let failed = |source| FileError { action: "open", path: path.to_owned(), source };
        // The path stays valid if the process changes its directory, and messages show it in full.
        let path = std::path::absolute(path).map_err(failed)?;
        durable::ensure_folder(&path)?;
        let lock = FolderLock::acquire(&path)?;
        let folder = Self {
            path,
            lock: Arc::new(lock),
            save_lock: Mutex::new(()),
            planned_removals: Mutex::default(),
        };
        folder.remove_leftovers()?;
        Ok(folder)
    }

    /// Whether a folder looks like a state folder, judged by its files.
    pub fn exists_at(path: &Path) -> bool {
        path.join(PHONES_FILE).exists() || path.join(DEVICES_FOLDER).exists()
    }

    /// The path of the ledger of WeChat's servers.
    pub fn ledger_path(&self) -> PathBuf {
        self.path.join(LEDGER_FILE)
    }

    /// The folder's absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes this process's address into the lock holder's note, for other processes that find the folder locked.
    ///
    /// # Errors
    /// [`FolderError::File`] if the lock holder's note cannot be replaced; the old note stays.
    pub fn set_url(&self, url: &str) -> Result<(), FolderError> {
        self.lock.set_url(url)
    }

    /// The storage of a device, which may not exist yet. Nothing on disk is changed. It refuses everything with
    /// [`FolderError::Replaced`] once another folder is at this path.
    pub fn device_storage(&self, name: &DeviceName) -> LockedStorage {
        LockedStorage::new(Arc::clone(&self.lock), DiskStorage::new(&self.device_folder(name)))
    }

    /// The devices that have a folder, sorted by name.
    ///
    /// # Errors
    /// [`FolderError::File`] if the folder of the devices cannot be read.
    pub fn device_names_on_disk(&self) -> Result<Vec<DeviceName>, FolderError> {
        let mut names: Vec<DeviceName> =
            self.subfolders()?.iter().filter_map(|path| path.file_name()?.to_str()?.parse().ok()).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Removes a device's secure world permanently. Does nothing if the device has no folder.
    ///
    /// # Errors
    /// [`FolderError::File`] if the disk fails. Either the device exists as before, or it does not exist any more and
    /// some of its files are left under a name that is never a device's. The next [`StateFolder::open`] removes them.
    /// [`FolderError::Replaced`] if another folder is at this path; nothing was changed.
    pub fn remove_device(&self, name: &DeviceName) -> Result<(), FolderError> {
        self.lock.check()?;
        let folder = self.device_folder(name);
        let removed = durable::sibling(&folder, "removed");
        durable::remove_folder(&removed)?;
        match durable::rename(&folder, &removed) {
            Err(error) if error.source.kind() == io::ErrorKind::NotFound => return Ok(()),
            renamed => renamed?,
        }
        Ok(durable::remove_folder(&removed)?)
    }

    /// Plans the removal of devices that the document does not mention any more. Until it is carried out, the document
    /// has to list them, so that the next process removes them and does not take them for devices.
    pub fn plan_removals(&self, names: impl IntoIterator<Item = DeviceName>) {
        self.removals().extend(names);
    }

    /// The devices whose removal is planned and not carried out yet.
    pub fn planned_removals(&self) -> BTreeSet<DeviceName> {
        self.removals().clone()
    }

    /// Carries out the planned removal of a device of this name, if there is one. Call this before a new device of that name
    /// is made.
    ///
    /// # Errors
    /// Those of [`remove_device`](Self::remove_device). The removal stays planned.
    pub fn finish_removal(&self, name: &DeviceName) -> Result<(), FolderError> {
        // Locked until the folder is gone: another thread must not remove what is made under this name afterwards.
        let mut removals = self.removals();
        if removals.contains(name) {
            self.remove_device(name)?;
            removals.remove(name);
        }
        Ok(())
    }

    /// Carries out all planned removals. What fails stays planned.
    pub fn finish_removals(&self) {
        for name in self.planned_removals() {
            if let Err(error) = self.finish_removal(&name) {
                warn!(device = %name, %error, "the files of a removed device are not removed yet");
            }
        }
    }

    fn removals(&self) -> MutexGuard<'_, BTreeSet<DeviceName>> {
        self.planned_removals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The normal world's document, or `None` if none was ever saved.
    ///
    /// # Errors
    /// [`FolderError::File`] if the file cannot be read. [`FolderError::Document`] if it was written by another
    /// version, is damaged, or does not fit `T`. The file stays as it is.
    pub fn load_document<T: DeserializeOwned>(&self) -> Result<Option<T>, FolderError> {
        let path = self.path.join(PHONES_FILE);
        let Some(bytes) = durable::read_file(&path, phones::MAX_DOCUMENT_BYTES)? else { return Ok(None) };
        match phones::decode(&bytes) {
            Ok(document) => Ok(Some(document)),
            Err(defect) => Err(FolderError::Document { path, defect }),
        }
    }

    /// Replaces the normal world's document durably.
    ///
    /// # Errors
    /// [`FolderError::File`] if the document cannot be serialised or is too large to be read again, and the old one
    /// stays; or if the disk fails, and the old or the new one is there, complete. [`FolderError::Replaced`] if another
    /// folder is at this path; nothing was changed.
    pub fn save_document<T: Serialize + ?Sized>(&self, document: &T) -> Result<(), FolderError> {
        let path = self.path.join(PHONES_FILE);
        let failed = |source| FileError { action: "write", path: path.clone(), source };
        let bytes = phones::encode(document, phones::MAX_DOCUMENT_BYTES).map_err(failed)?;
        let _guard = self.save_lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.lock.check()?;
        Ok(durable::replace_file(&path, &bytes)?)
    }

    /// The folder of a device, which may not exist.
    pub fn device_folder(&self, name: &DeviceName) -> PathBuf {
        self.path.join(DEVICES_FOLDER).join(name.as_str())
    }

    /// Removes devices whose creation or removal was interrupted.
    fn remove_leftovers(&self) -> Result<(), FolderError> {
        for path in self.subfolders()?.iter().filter(|path| is_leftover(path)) {
            durable::remove_folder(path)?;
        }
        Ok(())
    }

    /// The folders, without symbolic links, in the folder of the devices, which may not exist.
    fn subfolders(&self) -> Result<Vec<PathBuf>, FolderError> {
        let path = self.path.join(DEVICES_FOLDER);
        match list_folders(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            listed => Ok(listed.map_err(|source| FileError { action: "read", path, source })?),
        }
    }
}

fn list_folders(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            folders.push(entry.path());
        }
    }
    Ok(folders)
}

/// Whether this is the hidden name of a device that is half created or half removed.
fn is_leftover(path: &Path) -> bool {
    let device_name = || {
        let name = path.file_name()?.to_str()?.strip_prefix('.')?;
        name.strip_suffix(".new").or_else(|| name.strip_suffix(".removed"))
    };
    device_name().is_some_and(|name| name.parse::<DeviceName>().is_ok())
}
