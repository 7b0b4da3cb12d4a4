//! The note that says who holds the lock of a state folder.

use std::fmt;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use soter_text::{Text, text};

use super::durable::{self, FileAction, FileError};

#[cfg(test)]
mod tests;

const MAX_OWNER_BYTES: u64 = 4096;

/// The last second of the year 9999.
const MAX_UNIX_SECONDS: u64 = 253_402_300_799;

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
    /// Who it is, in one line.
    pub fn text(&self) -> Text {
        let time = CalendarTime(self.started).to_string();
        text!("process {pid} (soter-sim, since {time})", pid = self.pid, time = time)
    }

    /// Replaces the lock holder's note.
    pub(super) fn write(&self, path: &Path) -> Result<(), FileError> {
        let json = serde_json::to_vec(self).map_err(|error| FileError {
            action: FileAction::Write,
            path: path.to_owned(),
            source: error.into(),
        })?;
        durable::replace_file(path, &json)
    }

    /// The lock holder's note, or `None` if it does not exist or cannot be read.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let bytes = durable::read_file(path, MAX_OWNER_BYTES).ok()??;
        let owner: Self = serde_json::from_slice(&bytes).ok()?;
        // The note is shown on a terminal, which would interpret control characters.
        let is_printable = owner.url.as_ref().is_none_or(|url| !url.contains(char::is_control));
        (is_printable && owner.started <= MAX_UNIX_SECONDS).then_some(owner)
    }
}

/// Seconds since 1970-01-01T00:00:00Z, displayed as date and time of day, up to the year 9999.
struct CalendarTime(u64);

impl fmt::Display for CalendarTime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = DateTime::<Utc>::from(UNIX_EPOCH + Duration::from_secs(self.0.min(MAX_UNIX_SECONDS)));
        write!(formatter, "{}", time.format("%Y-%m-%d %H:%M:%S UTC"))
    }
}
