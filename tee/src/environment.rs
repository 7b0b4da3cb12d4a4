//! What a TEE needs from outside: randomness, a calendar clock and storage. Nothing else reaches in.

use std::error::Error as StdError;
use std::fmt;

use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::private_key::{KeyError, PrivateKey};
use crate::rpmb::SLOT_BYTES;

/// Bytes of a device's root key, the one secret that stands unsealed in storage.
pub const ROOT_KEY_BYTES: usize = 32;

/// Everything that a TEE may touch outside itself.
///
/// Touches of the sensor are not here: they are commands *into* the TEE, so that signing never waits.
pub trait Environment: Send {
    /// Fills `out` with unpredictable bytes of the operating system.
    ///
    /// # Errors
    /// The operating system gave none. Nothing was changed.
    fn random(&mut self, out: &mut [u8]) -> Result<(), RandomnessError>;

    /// The calendar clock: milliseconds since 1970-01-01T00:00:00Z. It may be set back and forth.
    fn unix_millis(&self) -> u64;

    /// A new random RSA-2048 key pair. The default makes one on the spot (tens of milliseconds); an
    /// environment that keeps a stock of unused ones hands out one of those.
    ///
    /// # Errors
    /// The cryptographic library made none. Nothing was changed.
    fn new_key(&mut self) -> Result<PrivateKey, KeyError> {
        PrivateKey::generate()
    }

    /// This device's storage.
    fn storage(&mut self) -> &mut dyn Storage;
}

/// Fills `out` with random bytes of the operating system: what [`Environment::random`] is made of wherever nothing
/// else is wanted.
///
/// # Errors
/// The operating system gave none.
pub fn operating_system_random(out: &mut [u8]) -> Result<(), RandomnessError> {
    SystemRandom::new().fill(out).map_err(|_| RandomnessError)
}

/// One device's untrusted memory: flash for the root key and the sealed state, and an RPMB partition of two slots.
///
/// Untrusted means that the TEE believes nothing in it that it cannot authenticate. The promises below
/// are about crashes, not about attackers.
pub trait Storage: Send {
    /// What is stored, or `None` for a device that was never provisioned.
    ///
    /// # Errors
    /// Something is there but cannot be read. Nothing was changed.
    fn load(&mut self) -> Result<Option<StoredDevice>, StorageError>;

    /// Makes a new device durable, all of it or nothing, whatever happens in between.
    ///
    /// # Errors
    /// The device does not exist, or (if only the last durability barrier failed) exists completely.
    fn provision(&mut self, device: &ProvisionedDevice<'_>) -> Result<(), StorageError>;

    /// Replaces the sealed state durably; after a crash either the old or the new bytes are there, whole.
    ///
    /// # Errors
    /// Either the old or the new bytes are there, whole.
    fn write_sealed(&mut self, sealed: &[u8]) -> Result<(), StorageError>;

    /// Overwrites one of the two RPMB slots durably. A crash may tear this slot, never the other one.
    ///
    /// # Errors
    /// The slot may hold the old bytes, the new ones, or a mixture; the other slot is untouched.
    fn write_rpmb_slot(&mut self, slot: RpmbSlot, bytes: &[u8; SLOT_BYTES]) -> Result<(), StorageError>;
}

/// What [`Storage::load`] found. A part that is missing is `None`; the TEE decides what that means.
#[derive(Default)]
pub struct StoredDevice {
    /// The root key's bytes; right only if there are [`ROOT_KEY_BYTES`]. Secret.
    pub root_key: Option<Zeroizing<Vec<u8>>>,
    /// The sealed state.
    pub sealed: Option<Vec<u8>>,
    /// The RPMB partition: both slots, one after the other, right only if there are `2 * SLOT_BYTES`.
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

/// A device at the end of its production line, to be stored by [`Storage::provision`].
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

/// The operating system gave no random bytes. Nobody's fault here; nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct RandomnessError;

/// Storage could not be read or written: a full disk, missing rights, a failing device.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {place}: {source}")]
pub struct StorageError {
    /// What was tried, as a verb: `read`, `write`, `create`.
    pub action: &'static str,
    /// Where, in the words of whoever stores (a path for a disk).
    pub place: String,
    /// Why not.
    pub source: Box<dyn StdError + Send + Sync>,
}
