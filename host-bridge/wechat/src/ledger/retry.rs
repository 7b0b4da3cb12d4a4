//! How long a ledger that has failed waits before it tries again.

use std::iter::successors;
use std::time::Duration;

/// The first pause. Later ones are twice as long, up to the maximum.
pub(super) const FIRST_RETRY_DELAY: Duration = Duration::from_millis(50);
const MAX_RETRY_DELAY: Duration = Duration::from_secs(5);

/// The pauses, without an end.
pub(super) fn retry_delays() -> impl Iterator<Item = Duration> {
    successors(Some(FIRST_RETRY_DELAY), |delay| Some((2 * *delay).min(MAX_RETRY_DELAY)))
}
