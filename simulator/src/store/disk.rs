//! The storage of a device in its own folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use soter_tee::{ProvisionedDevice, RpmbSlot, SLOT_BYTES, Storage, StorageError, StoredDevice};
use soter_text::{own_error, text};
use zeroize::Zeroizing;

use super::durable::{self, FileAction, FileError};

#[cfg(test)]
mod tests;

/// The maximum size of a device's file, in bytes. Larger files are neither written nor read.
pub const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

const ROOT_KEY_FILE: &str = "root.key";
const SEALED_FILE: &str = "tee.sealed";
pub(super) const RPMB_FILE: &str = "rpmb.bin";

/// A device's folder. The value only contains the path: each operation opens its files and closes them again.
///
/// One process at a time may use the folder, through one `DiskStorage`. A [`StateFolder`](super::StateFolder) ensures
/// that there is one process.
#[derive(Debug)]
pub struct DiskStorage {
    folder: PathBuf,
}

impl DiskStorage {
    /// The storage of the device with this folder, which may not exist yet. Nothing on disk is changed.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The device's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn exists(&self) -> Result<bool, FileError> {
        let failed = |source| FileError { action: FileAction::Read, path: self.folder.clone(), source };
        match fs::symlink_metadata(&self.folder) {
            Ok(metadata) if metadata.is_dir() => Ok(true),
            Ok(_) => Err(failed(own_error(io::ErrorKind::NotADirectory, text!("it is not a folder")))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, FileError> {
        durable::read_file(&self.folder.join(name), MAX_FILE_BYTES)
    }

    /// Checks that the sealed state is not too large to be read again.
    fn check_length(&self, sealed: &[u8]) -> Result<(), FileError> {
        let length = u64::try_from(sealed.len()).unwrap_or(u64::MAX);
        if length <= MAX_FILE_BYTES {
            return Ok(());
        }
        let source = durable::too_long(length, MAX_FILE_BYTES);
        Err(FileError { action: FileAction::Write, path: self.folder.join(SEALED_FILE), source })
    }
}

impl Storage for DiskStorage {
    fn load(&mut self) -> Result<Option<StoredDevice>, StorageError> {
        if !self.exists()? {
            return Ok(None);
        }
        // A sealed state is synced before it gets its name; an RPMB slot is overwritten in place.
        durable::sync_folder(&self.folder)?;
        durable::sync_file(&self.folder.join(RPMB_FILE))?;
        Ok(Some(StoredDevice {
            root_key: self.read(ROOT_KEY_FILE)?.map(Zeroizing::new),
            sealed: self.read(SEALED_FILE)?,
            rpmb: self.read(RPMB_FILE)?,
        }))
    }

    fn provision(&mut self, device: &ProvisionedDevice<'_>) -> Result<(), StorageError> {
        self.check_length(device.sealed)?;
        if self.exists()? {
            let source = own_error(io::ErrorKind::AlreadyExists, text!("it is provisioned already"));
            return Err(FileError { action: FileAction::Create, path: self.folder.clone(), source }.into());
        }
        durable::ensure_folder(durable::parent(&self.folder))?;
        // A failure below leaves this folder behind, as a crash does. The next attempt removes it first.
        let unfinished = durable::sibling(&self.folder, "new");
        durable::remove_folder(&unfinished)?;
        durable::create_folder(&unfinished)?;
        durable::create_file(&unfinished.join(ROOT_KEY_FILE), device.root_key)?;
        durable::create_file(&unfinished.join(SEALED_FILE), device.sealed)?;
        durable::create_file(
            &unfinished.join(RPMB_FILE),
            &device.rpmb.map(<[u8; SLOT_BYTES]>::as_slice).concat(),
        )?;
        durable::sync_folder(&unfinished)?;
        durable::rename(&unfinished, &self.folder)?;
        Ok(())
    }

    fn write_sealed(&mut self, sealed: &[u8]) -> Result<(), StorageError> {
        self.check_length(sealed)?;
        let path = self.folder.join(SEALED_FILE);
        durable::replace_file(&path, sealed).map_err(|error| {
            let untouched = error.is_before_replacing(&path);
            StorageError { untouched, ..error.into() }
        })
    }

    fn write_rpmb_slot(&mut self, slot: RpmbSlot, bytes: &[u8; SLOT_BYTES]) -> Result<(), StorageError> {
        let [partition_bytes, offset] =
            [2 * SLOT_BYTES, slot.offset()].map(|bytes| u64::try_from(bytes).unwrap_or(u64::MAX));
        Ok(durable::overwrite(&self.folder.join(RPMB_FILE), partition_bytes, offset, bytes)?)
    }
}

impl From<FileError> for StorageError {
    fn from(error: FileError) -> Self {
        Self { what: error.action.failed(&error.path, &error.source), untouched: false }
    }
}
