//! A phone's calendar clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use soter_bridge::protocol::CommandError;
use soter_text::text;

/// The last time at which a clock can stand: the end of the year 9999, the last year in a certificate, minus the ten
/// years for which certificates are valid.
const MAX_CLOCK_MS: u64 = 253_402_300_799_999 - 10 * 366 * 24 * 3_600_000;

/// The time at which a new seeded phone's clock stands: 2020-01-01T00:00:00Z.
pub(super) const SEEDED_CLOCK_MS: u64 = 1_577_836_800_000;

/// A phone's calendar clock. It is the computer's clock, or it stands still until it is set, so that the same
/// commands see the same times. Clones are the same clock.
#[derive(Clone, Debug)]
pub(super) struct Clock(Arc<AtomicU64>);

/// The value that means: use the computer's clock.
const SYSTEM_CLOCK: u64 = u64::MAX;

impl Clock {
    pub(super) fn new(fixed_ms: Option<u64>) -> Self {
        Self(Arc::new(AtomicU64::new(fixed_ms.unwrap_or(SYSTEM_CLOCK))))
    }

    pub(super) fn unix_millis(&self) -> u64 {
        match self.0.load(Ordering::Relaxed) {
            SYSTEM_CLOCK => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX)),
            fixed_ms => fixed_ms,
        }
    }

    /// Makes the clock stand at a moment; `None`: use the computer's clock.
    pub(super) fn set(&self, fixed_ms: Option<u64>) {
        self.0.store(fixed_ms.unwrap_or(SYSTEM_CLOCK), Ordering::Relaxed);
    }
}

/// Checks that certificates can be made at this time.
pub(crate) fn check_clock(unix_millis: u64) -> Result<(), CommandError> {
    if unix_millis <= MAX_CLOCK_MS {
        return Ok(());
    }
    Err(CommandError::invalid_params(
        text!("the clock cannot stand at {unix_millis} ms after 1970", unix_millis = unix_millis),
        text!("give at most {most}, which is in the year 9989", most = MAX_CLOCK_MS),
    ))
}
