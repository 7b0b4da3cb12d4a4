//! What a TEE needs from outside: randomness, a calendar clock and storage. Nothing else reaches in.

use ring::rand::{SecureRandom, SystemRandom};

use crate::private_key::{KeyError, PrivateKey};
use crate::storage::Storage;

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

/// The operating system gave no random bytes. Nobody's fault here; nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct RandomnessError;
