//! The state folder: one lock, the devices' folders, and the normal world's documents.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::disk::DiskStorage;
use super::document::{self, Format};
use super::durable::{self, FileAction, FileError};
use super::folder_error::FolderError;
use super::lock::FolderLock;
use super::locked_storage::LockedStorage;
use super::name::DeviceName;

#[cfg(test)]
mod tests;

pub(super) const DEVICES_FOLDER: &str = "devices";
const DESK_FILE: &str = "phones.json";
pub(super) const RECORDS_FOLDER: &str = "phones";
const RECORD_SUFFIX: &str = ".json";
pub(super) const LEDGER_FILE: &str = "wechat.db";

/// A folder that contains everything about a user's phones. One process at a time uses it.
///
/// It is locked from [`StateFolder::open`] until the value is dropped or the process ends in any way. The storage
/// that it handed out must not be used after that.
#[derive(Debug)]
pub struct StateFolder {
    path: PathBuf,
    lock: Arc<FolderLock>,
    /// Held while a document is replaced, because there is only one temporary file of each.
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
        let failed = |source| FileError { action: FileAction::Open, path: path.to_owned(), source };
        // The path stays valid if the process changes its directory, and messages show it in full.
        let path = std::path::absolute(path).map_err(failed)?;
        durable::ensure_folder(&path)?;
        let folder = Self::lock(path)?;
        folder.remove_leftovers()?;
        Ok(folder)
    }

    /// Opens a state folder that exists, to read it: takes its lock, and leaves what crashes left behind.
    ///
    /// # Errors
    /// [`FolderError::InUse`] as of [`open`](Self::open). [`FolderError::File`] if the lock and the note about its holder
    /// cannot be written.
    pub fn open_unchanged(path: &Path) -> Result<Self, FolderError> {
        let failed = |source| FileError { action: FileAction::Open, path: path.to_owned(), source };
        Self::lock(std::path::absolute(path).map_err(failed)?)
    }

    fn lock(path: PathBuf) -> Result<Self, FolderError> {
        let lock = FolderLock::acquire(&path)?;
        Ok(Self { path, lock: Arc::new(lock), save_lock: Mutex::new(()), planned_removals: Mutex::default() })
    }

    /// Whether a folder looks like a state folder, judged by its files.
    pub fn exists_at(path: &Path) -> bool {
        path.join(DESK_FILE).exists() || path.join(DEVICES_FOLDER).exists()
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
        self.names_in(DEVICES_FOLDER, |entry, name| {
            Ok(if entry.file_type()?.is_dir() { Some(name) } else { None })
        })
    }

    /// Removes a device's secure world and its record permanently. Does nothing if the device has neither.
    ///
    /// # Errors
    /// [`FolderError::File`] if the disk fails. Either the device's secure world exists as before, or it does not exist any more
    /// and some of its files are left under a name that is never a device's. The next [`StateFolder::open`] removes them. The
    /// record may exist or not.
    /// [`FolderError::Replaced`] if another folder is at this path; nothing was changed.
    pub fn remove_device(&self, name: &DeviceName) -> Result<(), FolderError> {
        self.lock.check()?;
        let record = self.record_file(name);
        if record.exists() {
            durable::remove_file(&record)?;
            durable::sync_folder(durable::parent(&record))?;
        }
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

    /// Carries out the planned removal of a device of this name, if there is one, and saves the record of the device that has
    /// the name now. Call this before a new device of that name makes files.
    ///
    /// # Errors
    /// Those of [`remove_device`](Self::remove_device) and [`save_record`](Self::save_record). The removal stays planned.
    pub fn finish_removal<T: Serialize>(
        &self,
        name: &DeviceName,
        new_record: Option<&T>,
    ) -> Result<(), FolderError> {
        // Locked until the files are gone: another thread must not remove what is made under this name afterwards.
        let mut removals = self.removals();
        if removals.contains(name) {
            self.remove_device(name)?;
            new_record.map_or(Ok(()), |record| self.save_record(name, record))?;
            removals.remove(name);
        }
        Ok(())
    }

    fn removals(&self) -> MutexGuard<'_, BTreeSet<DeviceName>> {
        self.planned_removals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The document about the desk, or `None` if none was ever saved.
    ///
    /// # Errors
    /// [`FolderError::File`] if the file cannot be read. [`FolderError::Document`] if it was written by another
    /// version, is damaged, or does not fit `T`. The file stays as it is.
    pub fn load_document<T: DeserializeOwned>(&self) -> Result<Option<T>, FolderError> {
        load(self.path.join(DESK_FILE), document::DESK)
    }

    /// Replaces the document about the desk durably.
    ///
    /// # Errors
    /// [`FolderError::File`] if the document cannot be serialised or is too large to be read again, and the old one
    /// stays; or if the disk fails, and the old or the new one is there, complete. [`FolderError::Replaced`] if another
    /// folder is at this path; nothing was changed.
    pub fn save_document<T: Serialize + ?Sized>(&self, document: &T) -> Result<(), FolderError> {
        self.save(&self.path.join(DESK_FILE), document::DESK, document)
    }

    /// The devices that have a record, sorted by name.
    ///
    /// # Errors
    /// [`FolderError::File`] if the folder of the records cannot be read.
    pub fn record_names(&self) -> Result<Vec<DeviceName>, FolderError> {
        // Something else than a file under such a name is an error when it is read.
        self.names_in(RECORDS_FOLDER, |_, name| Ok(name.strip_suffix(RECORD_SUFFIX)))
    }

    /// A device's record. `None` if no record was saved.
    ///
    /// # Errors
    /// As of [`load_document`](Self::load_document).
    pub fn load_record<T: DeserializeOwned>(&self, name: &DeviceName) -> Result<Option<T>, FolderError> {
        load(self.record_file(name), document::PHONE)
    }

    /// Replaces a device's record durably.
    ///
    /// # Errors
    /// As of [`save_document`](Self::save_document).
    pub fn save_record<T: Serialize + ?Sized>(
        &self,
        name: &DeviceName,
        record: &T,
    ) -> Result<(), FolderError> {
        self.save(&self.record_file(name), document::PHONE, record)
    }

    fn record_file(&self, name: &DeviceName) -> PathBuf {
        self.path.join(RECORDS_FOLDER).join(format!("{name}{RECORD_SUFFIX}"))
    }

    fn save<T: Serialize + ?Sized>(
        &self,
        path: &Path,
        format: Format,
        document: &T,
    ) -> Result<(), FolderError> {
        let failed = |source| FileError { action: FileAction::Write, path: path.to_owned(), source };
        self.replace(path, &format.encode(document).map_err(failed)?)
    }

    /// Replaces a file of the folder durably.
    pub(super) fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
        let _guard = self.save_lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.lock.check()?;
        durable::ensure_folder(durable::parent(path))?;
        Ok(durable::replace_file(path, bytes)?)
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
        list(&path, |entry| Ok(entry.file_type()?.is_dir().then(|| entry.path())))
    }

    /// The devices that entries of a subfolder, which may not exist, are named after.
    fn names_in(
        &self,
        folder: &str,
        name_of: impl for<'a> Fn(&fs::DirEntry, &'a str) -> io::Result<Option<&'a str>>,
    ) -> Result<Vec<DeviceName>, FolderError> {
        let mut names = list(&self.path.join(folder), |entry| {
            let file_name = entry.file_name();
            let Some(file_name) = file_name.to_str() else { return Ok(None) };
            Ok(name_of(entry, file_name)?.and_then(|name| name.parse().ok()))
        })?;
        names.sort_unstable();
        Ok(names)
    }
}

/// What `select` makes of the entries of a folder, which may not exist.
pub(super) fn list<T>(
    path: &Path,
    select: impl Fn(&fs::DirEntry) -> io::Result<Option<T>>,
) -> Result<Vec<T>, FolderError> {
    let failed = |source| FileError { action: FileAction::Read, path: path.to_owned(), source };
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut selected = Vec::new();
    for entry in entries {
        selected.extend(entry.and_then(|entry| select(&entry)).map_err(failed)?);
    }
    Ok(selected)
}

fn load<T: DeserializeOwned>(path: PathBuf, format: Format) -> Result<Option<T>, FolderError> {
    let Some(bytes) = durable::read_file(&path, format.max_bytes)? else { return Ok(None) };
    match format.decode(&bytes) {
        Ok(document) => Ok(Some(document)),
        Err(defect) => Err(FolderError::Document { path, defect, what_is_lost: format.what_is_lost() }),
    }
}

/// Whether this is the hidden name of a device that is half created or half removed.
fn is_leftover(path: &Path) -> bool {
    let device_name = || {
        let name = path.file_name()?.to_str()?.strip_prefix('.')?;
        name.strip_suffix(".new").or_else(|| name.strip_suffix(".removed"))
    };
    device_name().is_some_and(|name| name.parse::<DeviceName>().is_ok())
}
