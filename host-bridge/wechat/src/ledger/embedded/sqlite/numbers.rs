//! The numbers of a ledger, one row of its database: which ledger it is, and how much must be in it.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, params};

use super::checksum::{checksum, verify};
use crate::random::random_bytes;

/// The table. It has one row.
pub(super) const SCHEMA: &str = "
    CREATE TABLE ledger (
        id BLOB NOT NULL, generation INTEGER NOT NULL, groups INTEGER NOT NULL, base INTEGER NOT NULL,
        checksum BLOB NOT NULL
    ) STRICT;
";

/// The numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbers {
    /// Random: distinguishes the ledger from every other one.
    pub(super) id: [u8; 16],
    /// See [`Change::Clear`](crate::ledger::change::Change::Clear).
    pub(super) generation: u32,
    /// How many groups of changes were ever made durable. Never negative.
    pub(super) groups: i64,
    /// How many of them were in the file itself when the present log began.
    pub(super) base: i64,
}

impl Numbers {
    /// Those of a ledger without any group.
    pub(super) fn new() -> Self {
        Self { id: random_bytes(), generation: 0, groups: 0, base: 0 }
    }

    /// Reads the row, which the log may have instead of the file.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        connection.query_row("SELECT id, generation, groups, base, checksum FROM ledger", [], |row| {
            let numbers =
                Self { id: row.get(0)?, generation: row.get(1)?, groups: row.get(2)?, base: row.get(3)? };
            numbers.with_fields(|fields| verify(row, 4, fields))?;
            Ok(numbers)
        })
    }

    /// Reads the row that the file itself has, without its log. `None` if the file has no intact row: it is new, or a crash
    /// came while the log was moved into it, and then the log has the whole page.
    pub(super) fn read_without_log(path: &Path) -> Option<Self> {
        Self::read(&connect_without_log(path)?).ok()
    }

    /// Writes the row.
    pub(super) fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        let Self { id, generation, groups, base } = self;
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO ledger (rowid, id, generation, groups, base, checksum)
                 VALUES (1, ?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![id, generation, groups, base, self.with_fields(checksum)])
            .map(drop)
    }

    /// What the checksum covers.
    fn with_fields<T>(&self, of: impl FnOnce(&[&[u8]]) -> T) -> T {
        let Self { id, generation, groups, base } = self;
        of(&[b"ledger", id, &generation.to_le_bytes(), &groups.to_le_bytes(), &base.to_le_bytes()])
    }
}

/// Opens the file itself, to read it without its log. SQLite makes no file next to it then.
pub(super) fn connect_without_log(path: &Path) -> Option<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let mut address = url::Url::from_file_path(std::path::absolute(path).ok()?).ok()?;
    address.set_query(Some("immutable=1"));
    Connection::open_with_flags(address.as_str(), flags).ok()
}
