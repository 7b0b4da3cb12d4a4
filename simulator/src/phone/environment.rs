//! What a phone's secure world gets from outside: randomness, a clock, storage.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use soter_bridge::protocol::CommandError;
use soter_tee::{Environment, KeyError, MemoryStorage, PrivateKey, RandomnessError, Storage};

use crate::store::DeviceName;

use super::{KeyStock, PhoneContext};

/// The last millisecond of the year 9999, the last year that a certificate can say, less the ten years for which
/// certificates are valid.
const LAST_CLOCK: u64 = 253_402_300_799_999 - 10 * 366 * 24 * 3_600_000;

/// A phone's calendar clock: the computer's, or one that stands still until it is set, so that the same commands see the
/// same times. Clones are the same clock.
#[derive(Clone, Debug)]
pub(super) struct Clock(Arc<AtomicU64>);

/// In place of a moment: the clock is the computer's.
const COMPUTERS: u64 = u64::MAX;

impl Clock {
    pub(super) fn new(standing_at: Option<u64>) -> Self {
        Self(Arc::new(AtomicU64::new(standing_at.unwrap_or(COMPUTERS))))
    }

    pub(super) fn unix_millis(&self) -> u64 {
        match self.0.load(Ordering::Relaxed) {
            COMPUTERS => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX)),
            standing_at => standing_at,
        }
    }

    /// Makes it stand at a moment, or run as the computer's.
    pub(super) fn set(&self, standing_at: Option<u64>) {
        self.0.store(standing_at.unwrap_or(COMPUTERS), Ordering::Relaxed);
    }
}

/// Whether certificates can be made at this time.
pub(super) fn check_clock(unix_millis: u64) -> Result<(), CommandError> {
    if unix_millis <= LAST_CLOCK {
        return Ok(());
    }
    Err(CommandError::invalid_params(
        format!("the clock cannot stand at {unix_millis} ms after 1970"),
        format!("give at most {LAST_CLOCK}, which is in the year 9989"),
    ))
}

/// The surroundings of one phone's secure world.
pub(super) struct PhoneEnvironment {
    storage: Box<dyn Storage>,
    clock: Clock,
    keys: Option<KeyStock>,
}

impl PhoneEnvironment {
    /// A phone in its desk's folder, or in `memory`, which is filled at the first time.
    pub(super) fn new(
        context: &PhoneContext,
        name: &DeviceName,
        memory: &mut Option<MemoryStorage>,
        clock: Clock,
    ) -> Self {
        let storage: Box<dyn Storage> = match &context.folder {
            Some(folder) => Box::new(folder.device_storage(name)),
            None => Box::new(memory.get_or_insert_with(MemoryStorage::new).clone()),
        };
        Self { storage, clock, keys: context.keys.clone() }
    }
}

impl Environment for PhoneEnvironment {
    fn random(&mut self, out: &mut [u8]) -> Result<(), RandomnessError> {
        soter_tee::operating_system_random(out)
    }

    fn unix_millis(&self) -> u64 {
        self.clock.unix_millis()
    }

    fn new_key(&mut self) -> Result<PrivateKey, KeyError> {
        self.keys.as_ref().map_or_else(PrivateKey::generate, KeyStock::take)
    }

    fn storage(&mut self) -> &mut dyn Storage {
        self.storage.as_mut()
    }
}
