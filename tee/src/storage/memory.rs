//! A device's storage that lives as long as the process, for `--ephemeral` and for tests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use soter_text::{Text, text};
use zeroize::Zeroizing;

use super::{ProvisionedDevice, RpmbSlot, SLOT_BYTES, Storage, StorageError, StoredDevice};

/// Storage in memory. Clones are handles of the same storage, so that a test can keep one, inspect what the TEE
/// stored, tamper with it, and open the device again.
///
/// It is as strict as storage on disk: a device is provisioned once, and only a provisioned device is written to.
#[derive(Clone, Debug, Default)]
pub struct MemoryStorage {
    contents: Arc<Mutex<Option<StoredDevice>>>,
}

impl MemoryStorage {
    /// Storage of a device that was never provisioned.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is stored now, as a copy; `None` if the device was never provisioned.
    pub fn contents(&self) -> Option<StoredDevice> {
        self.lock().clone()
    }

    /// An independent copy of the storage. Later changes to one do not affect the other.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        Self { contents: Arc::new(Mutex::new(self.contents())) }
    }

    /// Changes what is stored without the TEE, as an attacker with access to the flash does.
    pub fn tamper(&self, change: impl FnOnce(&mut Option<StoredDevice>)) {
        change(&mut self.lock());
    }

    /// Overwrites a slot with a prefix of its new bytes: all of them, or those that a torn write leaves.
    pub(super) fn write_rpmb_prefix(&self, slot: RpmbSlot, prefix: &[u8]) -> Result<(), StorageError> {
        let mut contents = self.lock();
        let contents = contents.as_mut().ok_or_else(|| cannot_write(&text!("it was never provisioned")))?;
        let rpmb = contents.rpmb.as_mut().ok_or_else(|| cannot_write(&not_a_partition(0)))?;
        if rpmb.len() != 2 * SLOT_BYTES {
            return Err(cannot_write(&not_a_partition(rpmb.len())));
        }
        rpmb[slot.offset()..][..SLOT_BYTES].iter_mut().zip(prefix).for_each(|(stored, byte)| *stored = *byte);
        Ok(())
    }

    // A panic inside `tamper` leaves contents that are as valid as any tampered contents.
    fn lock(&self) -> MutexGuard<'_, Option<StoredDevice>> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage for MemoryStorage {
    fn load(&mut self) -> Result<Option<StoredDevice>, StorageError> {
        Ok(self.contents())
    }

    fn provision(&mut self, device: &ProvisionedDevice<'_>) -> Result<(), StorageError> {
        let mut contents = self.lock();
        if contents.is_some() {
            return Err(failed(text!(
                "cannot create {location}: {cause}",
                location = device_in_memory(),
                cause = text!("it is provisioned already")
            )));
        }
        *contents = Some(StoredDevice {
            root_key: Some(Zeroizing::new(device.root_key.to_vec())),
            sealed: Some(device.sealed.to_vec()),
            rpmb: Some(device.rpmb.map(<[u8; SLOT_BYTES]>::as_slice).concat()),
        });
        Ok(())
    }

    fn write_sealed(&mut self, sealed: &[u8]) -> Result<(), StorageError> {
        let mut contents = self.lock();
        let contents = contents.as_mut().ok_or_else(|| cannot_write(&text!("it was never provisioned")))?;
        contents.sealed = Some(sealed.to_vec());
        Ok(())
    }

    fn write_rpmb_slot(&mut self, slot: RpmbSlot, bytes: &[u8; SLOT_BYTES]) -> Result<(), StorageError> {
        self.write_rpmb_prefix(slot, bytes)
    }
}

/// Where the errors of storage in memory occur.
pub(super) fn device_in_memory() -> Text {
    text!("the device in memory")
}

pub(super) fn cannot_write(cause: &Text) -> StorageError {
    failed(text!("cannot write {location}: {cause}", location = device_in_memory(), cause = cause))
}

pub(super) fn failed(what: Text) -> StorageError {
    StorageError { what, untouched: false }
}

fn not_a_partition(bytes: usize) -> Text {
    text!(
        "its RPMB partition is {bytes} bytes long instead of {expected}",
        bytes = bytes,
        expected = 2 * SLOT_BYTES
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provisioned() -> MemoryStorage {
        let mut storage = MemoryStorage::new();
        let device = ProvisionedDevice {
            root_key: &[0xA7; 32],
            sealed: b"sealed",
            rpmb: [&[1; SLOT_BYTES], &[2; SLOT_BYTES]],
        };
        storage.provision(&device).unwrap();
        storage
    }

    #[test]
    fn a_clone_is_a_handle_of_the_same_storage() {
        let kept = MemoryStorage::new();
        let mut given_away = kept.clone();

        given_away
            .provision(&ProvisionedDevice {
                root_key: &[7; 32],
                sealed: b"first",
                rpmb: [&[1; 64], &[2; 64]],
            })
            .unwrap();

        assert_eq!(kept.contents().unwrap().sealed.as_deref(), Some(&b"first"[..]));
    }

    #[test]
    fn a_snapshot_does_not_see_later_changes() {
        let mut storage = provisioned();
        let mut snapshot = storage.snapshot();

        storage.write_sealed(b"later").unwrap();
        snapshot.write_rpmb_slot(RpmbSlot::First, &[9; SLOT_BYTES]).unwrap();

        assert_eq!(snapshot.contents().unwrap().sealed.as_deref(), Some(&b"sealed"[..]));
        assert_eq!(storage.contents().unwrap().rpmb.unwrap()[..SLOT_BYTES], [1; SLOT_BYTES]);
    }

    #[test]
    fn tampered_contents_are_loaded() {
        let mut storage = provisioned();

        storage.tamper(|contents| contents.as_mut().unwrap().sealed = None);
        assert!(storage.load().unwrap().unwrap().sealed.is_none());

        storage.tamper(|contents| *contents = None);
        assert!(storage.load().unwrap().is_none());
    }

    #[test]
    fn a_truncated_partition_refuses_the_write_of_a_slot() {
        let mut storage = provisioned();
        storage.tamper(|contents| contents.as_mut().unwrap().rpmb.as_mut().unwrap().truncate(100));

        let error = storage.write_rpmb_slot(RpmbSlot::First, &[9; SLOT_BYTES]).unwrap_err();

        assert!(error.to_string().contains("100 bytes long instead of 128"), "{error}");
    }

    #[test]
    fn debug_output_does_not_show_the_root_key() {
        let debug = format!("{:?}", provisioned());
        assert!(debug.contains("(secret)"), "{debug}");
        assert!(!debug.contains("167") && !debug.to_lowercase().contains("a7"), "{debug}");
    }
}
