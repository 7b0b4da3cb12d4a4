//! What a failure of SQLite means for the ledger, and what to do about it.

use std::io;
use std::path::Path;

use rusqlite::{Error, ErrorCode};
use soter_text::text;

use super::mark;
use crate::ledger::error::LedgerError;

/// The error for a ledger that cannot be used because of an error of SQLite.
pub(super) fn unusable(path: &Path, error: &Error) -> LedgerError {
    let (next, may_pass) = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            ("free some space: the ledger then accepts changes again, or start the server again", true)
        }
        Some(ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory) => (
            "check the disk: the ledger accepts changes again when it works, or start the server again",
            true,
        ),
        Some(ErrorCode::PermissionDenied | ErrorCode::ReadOnly | ErrorCode::CannotOpen) => {
            ("check the rights of the file and its folder, and the limit of open files (ulimit -n)", true)
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            ("end the other program that has the file open", true)
        }
        // The contents are damaged: this is no database, or a checksum does not match.
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) | None => (DAMAGE_ADVICE, false),
        Some(_) => ("start the server again; if that does not help, please report it", false),
    };
    let what = match error {
        // The library adds the position of the value.
        Error::FromSqlConversionFailure(_, _, cause) => cause.to_string(),
        _ => error.to_string(),
    };
    refused(path, &what, next, may_pass)
}

/// The error for a ledger whose mark cannot be read or written.
pub(super) fn mark_unusable(path: &Path, error: &io::Error) -> LedgerError {
    let next = "check the rights of its folder, the free space, and the limit of open files (ulimit -n)";
    refused(path, &format!("its mark {}: {error}", mark::path_of(path).display()), next, true)
}

/// The error for a file whose contents are damaged.
pub(super) fn damaged(path: &Path, what: &str) -> LedgerError {
    refused(path, what, DAMAGE_ADVICE, false)
}

/// A user should know what a new ledger costs.
const DAMAGE_ADVICE: &str = "restore a copy of the whole state folder, or move the file with its -wal and -mark away to start a new ledger; results that it does not know are then accepted once more";

/// What to do about a ledger of which only the other files are left.
pub(super) const MISSING_ADVICE: &str = "put it back, or move its -wal and -mark away, too, to start a new ledger; results that it does not know are then accepted once more";

pub(super) fn refused(path: &Path, what: &str, next: &str, may_pass: bool) -> LedgerError {
    // SQLite's messages quote statements on several lines.
    let what = what.split_whitespace().collect::<Vec<_>>().join(" ");
    LedgerError {
        what: text!("the ledger {path} cannot be used: {what}", path = path.display(), what = what),
        next: next.into(),
        may_pass,
    }
}
