//! The clock of WeChat's servers.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The time of day for what is shown, and a steady time for what expires.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The calendar's time now, in milliseconds since 1970. It jumps when somebody sets the computer's clock.
    fn unix_millis(&self) -> u64;

    /// Milliseconds since some moment. It never jumps, and may stand still while the computer sleeps or the process is
    /// frozen.
    fn steady_millis(&self) -> u64;
}

/// The computer's clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn unix_millis(&self) -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn steady_millis(&self) -> u64 {
        static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);
        u64::try_from(STARTED.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// A clock that moves only by [`advance`](Self::advance) and [`set`](Self::set), for tests of expiry. Clones share its time.
#[derive(Clone, Debug, Default)]
pub struct SetClock(Arc<AtomicU64>);

impl SetClock {
    /// A clock that shows this time.
    pub fn at(unix_millis: u64) -> Self {
        Self(Arc::new(AtomicU64::new(unix_millis)))
    }

    /// Sets the clock to this time, which may be an earlier one.
    pub fn set(&self, unix_millis: u64) {
        self.0.store(unix_millis, Ordering::Relaxed);
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Clock for SetClock {
    fn unix_millis(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn steady_millis(&self) -> u64 {
        self.unix_millis()
    }
}
