//! A device's durable storage: what [`Storage`] guarantees, and two implementations in memory.

pub(crate) mod memory;
pub mod power_cut;

use std::fmt;

use soter_text::Text;
use zeroize::Zeroizing;

/// Length of a device's root key, in bytes. It is the only secret that storage holds unsealed.
pub const ROOT_KEY_BYTES: usize = 32;

/// Size of one of the two RPMB slots, in bytes.
pub const SLOT_BYTES: usize = 64;

/// One device's untrusted memory: flash for the root key and the sealed state, and an RPMB partition of two slots.
///
/// Untrusted means that the TEE accepts nothing from it that it cannot authenticate. The guarantees below are about
/// crashes, not about attackers.
pub trait Storage: Send {
    /// What is stored, or `None` for a device that was never provisioned. It is durable: an earlier process may have been killed
    /// between a write and its last durability barrier.
    ///
    /// # Errors
    /// [`StorageError`] if something is stored but cannot be read. Nothing has changed.
    fn load(&mut self) -> Result<Option<StoredDevice>, StorageError>;

    /// Stores a new device durably: completely or not at all, even after a crash.
    ///
    /// # Errors
    /// [`StorageError`] if a write fails. The device does not exist, or exists completely if only the last durability
    /// barrier failed.
    fn provision(&mut self, device: &ProvisionedDevice<'_>) -> Result<(), StorageError>;

    /// Replaces the sealed state durably. After a crash storage holds either the complete old bytes or the complete
    /// new ones.
    ///
    /// # Errors
    /// [`StorageError`] if the write fails. Storage holds either the complete old bytes or the complete new ones.
    fn write_sealed(&mut self, sealed: &[u8]) -> Result<(), StorageError>;

    /// Overwrites one of the two RPMB slots durably. A crash may tear this slot, never the other one.
    ///
    /// # Errors
    /// [`StorageError`] if the write fails. The slot may hold the old bytes, the new ones or a mixture; the other
    /// slot is unchanged.
    fn write_rpmb_slot(&mut self, slot: RpmbSlot, bytes: &[u8; SLOT_BYTES]) -> Result<(), StorageError>;
}

/// What is stored of a device. A missing part is `None`; the TEE decides what that means.
#[derive(Clone, Default)]
pub struct StoredDevice {
    /// The root key's bytes; valid only if there are [`ROOT_KEY_BYTES`]. Secret.
    pub root_key: Option<Zeroizing<Vec<u8>>>,
    /// The sealed state.
    pub sealed: Option<Vec<u8>>,
    /// The RPMB partition: both slots, one after the other; valid only if it has `2 * SLOT_BYTES`.
    pub rpmb: Option<Vec<u8>>,
}

impl fmt::Debug for StoredDevice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StoredDevice")
            .field("root_key", &self.root_key.as_ref().map(|_| "(secret)"))
            .field("sealed_bytes", &self.sealed.as_ref().map(Vec::len))
            .field("rpmb_bytes", &self.rpmb.as_ref().map(Vec::len))
            .finish()
    }
}

/// A newly made device, to be stored by [`Storage::provision`].
pub struct ProvisionedDevice<'a> {
    /// The root key. Secret.
    pub root_key: &'a [u8; ROOT_KEY_BYTES],
    /// The sealed state.
    pub sealed: &'a [u8],
    /// Both RPMB slots.
    pub rpmb: [&'a [u8; SLOT_BYTES]; 2],
}

impl fmt::Debug for ProvisionedDevice<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ProvisionedDevice")
            .field("sealed_bytes", &self.sealed.len())
            .finish_non_exhaustive()
    }
}

/// One of the two RPMB slots. Writes alternate between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RpmbSlot {
    /// The slot at offset 0.
    First,
    /// The slot at offset [`SLOT_BYTES`].
    Second,
}

impl RpmbSlot {
    /// Where the slot starts in the partition, in bytes.
    pub fn offset(self) -> usize {
        match self {
            Self::First => 0,
            Self::Second => SLOT_BYTES,
        }
    }

    /// The slot that the next write goes to.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// Storage could not be read or written: a full disk, missing rights, a failing device.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.what.english())]
pub struct StorageError {
    /// What was tried, where, and why it failed, in one line.
    pub what: Text,
    /// Whether it is certain that nothing was written.
    pub untouched: bool,
}

impl StorageError {
    /// What happened, in one line.
    pub fn text(&self) -> Text {
        self.what.clone()
    }
}
