//! The note that says who holds the lock of a state folder.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::durable::{self, FileError};

#[cfg(test)]
mod tests;

const MAX_BYTES: u64 = 4096;

/// The last second of the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;

/// The holder of a state folder's lock, as it describes itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockOwner {
    /// The process id.
    pub pid: u32,
    /// The time at which it took the lock, in seconds since 1970-01-01T00:00:00Z.
    pub started: u64,
    /// The address of its servers, if it has any.
    pub url: Option<String>,
}

impl LockOwner {
    /// Replaces the lock holder's note.
    pub(super) fn write(&self, path: &Path) -> Result<(), FileError> {
        let json = serde_json::to_vec(self).map_err(|error| FileError {
            action: "write",
            path: path.to_owned(),
            source: error.into(),
        })?;
        durable::replace_file(path, &json)
    }

    /// The lock holder's note, or `None` if it does not exist or cannot be read.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let bytes = durable::read_file(path, MAX_BYTES).ok()??;
        let owner: Self = serde_json::from_slice(&bytes).ok()?;
        // The note is shown on a terminal, which would interpret control characters.
        let is_printable = owner.url.as_ref().is_none_or(|url| !url.contains(char::is_control));
        (is_printable && owner.started <= LAST_SECOND).then_some(owner)
    }
}

impl fmt::Display for LockOwner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "process {} (soter-sim, since {})", self.pid, CalendarTime(self.started))
    }
}

/// Seconds since 1970-01-01T00:00:00Z, displayed as date and time of day, up to the year 9999.
struct CalendarTime(u64);

impl fmt::Display for CalendarTime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.min(LAST_SECOND);
        let (mut days, of_day) = (seconds / 86_400, seconds % 86_400);
        let mut year: u64 = 1970;
        while days >= days_of_year(year) {
            days -= days_of_year(year);
            year += 1;
        }
        let february = if days_of_year(year) == 366 { 29 } else { 28 };
        let mut month = 1;
        for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
            if days < length {
                break;
            }
            days -= length;
            month += 1;
        }
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        write!(formatter, "{year:04}-{month:02}-{:02} {hour:02}:{minute:02}:{second:02} UTC", days + 1)
    }
}

fn days_of_year(year: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    if leap { 366 } else { 365 }
}
