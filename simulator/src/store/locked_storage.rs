//! The storage of a device in a state folder, which is used only as long as the folder is this process's.

use std::sync::Arc;

use soter_tee::{ProvisionedDevice, RpmbSlot, SLOT_BYTES, Storage, StorageError, StoredDevice};
use soter_text::text;

use super::disk::DiskStorage;
use super::folder_error::FolderError;
use super::lock::FolderLock;

/// The storage of a device in a state folder. Every operation fails once the folder was removed, moved or replaced.
#[derive(Debug)]
pub struct LockedStorage {
    lock: Arc<FolderLock>,
    disk: DiskStorage,
}

impl LockedStorage {
    pub(super) fn new(lock: Arc<FolderLock>, disk: DiskStorage) -> Self {
        Self { lock, disk }
    }

    fn disk(&mut self) -> Result<&mut DiskStorage, StorageError> {
        self.lock.check()?;
        Ok(&mut self.disk)
    }
}

impl Storage for LockedStorage {
    fn load(&mut self) -> Result<Option<StoredDevice>, StorageError> {
        self.disk()?.load()
    }

    fn provision(&mut self, device: &ProvisionedDevice<'_>) -> Result<(), StorageError> {
        self.disk()?.provision(device)
    }

    fn write_sealed(&mut self, sealed: &[u8]) -> Result<(), StorageError> {
        self.disk()?.write_sealed(sealed)
    }

    fn write_rpmb_slot(&mut self, slot: RpmbSlot, bytes: &[u8; SLOT_BYTES]) -> Result<(), StorageError> {
        self.disk()?.write_rpmb_slot(slot, bytes)
    }
}

impl From<FolderError> for StorageError {
    fn from(error: FolderError) -> Self {
        match error {
            FolderError::File { action, path, source } => {
                Self { what: action.failed(&path, &source), untouched: false }
            }
            other => Self {
                what: text!("cannot use the state folder: {cause}", cause = other.text()),
                untouched: true,
            },
        }
    }
}
