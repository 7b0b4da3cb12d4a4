//! Checksums of rows: SQLite has none, so damage would be read as other content.

use rusqlite::Row;
use rusqlite::types::Type;
use sha2::{Digest, Sha256};

/// SHA-256 over fields, each preceded by its length.
pub(super) fn checksum(fields: &[&[u8]]) -> Vec<u8> {
    let mut digest = Sha256::new();
    for field in fields {
        digest.update(u64::try_from(field.len()).unwrap_or(u64::MAX).to_le_bytes());
        digest.update(field);
    }
    digest.finalize().to_vec()
}

/// Checks the checksum in a column.
pub(super) fn verify(row: &Row<'_>, column: usize, fields: &[&[u8]]) -> rusqlite::Result<()> {
    let stored: Vec<u8> = row.get(column)?;
    if stored == checksum(fields) { Ok(()) } else { Err(bad_value(column, WrongChecksum)) }
}

/// The error for a value that no row of a ledger has.
pub(super) fn bad_value(
    column: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Blob, Box::new(error))
}

#[derive(Debug, thiserror::Error)]
#[error("a row is damaged: its checksum does not fit")]
struct WrongChecksum;
