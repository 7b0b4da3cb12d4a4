//! Durations as statements take them.

/// Milliseconds. PostgreSQL multiplies intervals by floating-point numbers.
pub(super) fn milliseconds(duration: u64) -> f64 {
    u32::try_from(duration).map_or(f64::MAX, f64::from)
}
