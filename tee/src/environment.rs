//! What a TEE needs from outside: randomness, a calendar clock and storage. It uses nothing else.

use ring::rand::{SecureRandom, SystemRandom};
use soter_text::{Text, text};
use zeroize::Zeroizing;

use crate::key_path::KeyPath;
use crate::private_key::{KeyError, PrivateKey};
use crate::storage::Storage;

/// Everything outside itself that a TEE may use.
///
/// Touches of the sensor are not here: they are commands *into* the TEE, so that signing never waits.
pub trait Environment: Send {
    /// Fills `out` with unpredictable bytes from the operating system.
    ///
    /// # Errors
    /// [`RandomnessError`] if the operating system gives no bytes. Nothing has changed.
    fn random(&mut self, out: &mut [u8]) -> Result<(), RandomnessError>;

    /// The calendar clock: milliseconds since 1970-01-01T00:00:00Z. It may be set forward and back.
    fn unix_millis(&self) -> u64;

    /// A new random RSA-2048 key pair. The default generates one (tens of milliseconds); an environment with a pool
    /// of unused keys returns one of those.
    ///
    /// # Errors
    /// [`KeyError::NotMade`] or [`KeyError::NotRead`] if the cryptographic library makes no usable key. Nothing has
    /// changed.
    fn new_key(&mut self) -> Result<PrivateKey, KeyError> {
        PrivateKey::generate()
    }

    /// A seeded device's key as PKCS#8, for an environment with a quicker way than the seed's own to make a key that is always
    /// the same. `generation` is the number of keys that the device has made under this path before. `None`, the default:
    /// the seed determines the key.
    ///
    /// # Errors
    /// [`KeyError::NotMade`] if the environment should have a key and cannot make it. Nothing has changed.
    fn seeded_key(
        &mut self,
        _path: &KeyPath,
        _generation: u32,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
        Ok(None)
    }

    /// This device's storage.
    fn storage(&mut self) -> &mut dyn Storage;
}

/// Fills `out` with random bytes from the operating system: the usual implementation of [`Environment::random`].
///
/// # Errors
/// [`RandomnessError`] if the operating system gives no bytes.
pub fn operating_system_random(out: &mut [u8]) -> Result<(), RandomnessError> {
    SystemRandom::new().fill(out).map_err(|_| RandomnessError)
}

/// The operating system gave no random bytes. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text().english())]
pub struct RandomnessError;

impl RandomnessError {
    /// What happened, in one line.
    pub fn text(self) -> Text {
        text!("the operating system gave no random bytes")
    }
}
