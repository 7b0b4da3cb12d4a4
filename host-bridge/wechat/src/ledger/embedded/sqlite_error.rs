//! What a failure of SQLite means for the ledger, and what to do about it.

use std::path::Path;

use rusqlite::{Error, ErrorCode};
use soter_text::{Text, ToValue, text};

use super::mark;
use crate::ledger::error::{LedgerError, one_line};

/// The error for a ledger that cannot be used because of an error of SQLite.
pub(super) fn unusable(path: &Path, error: &Error) -> LedgerError {
    let (next, may_pass) = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            (text!("free some space: the ledger then accepts changes again, or start the server again"), true)
        }
        Some(ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory) => (
            text!(
                "check the disk: the ledger accepts changes again when it works, or start the server again"
            ),
            true,
        ),
        Some(ErrorCode::PermissionDenied | ErrorCode::ReadOnly | ErrorCode::CannotOpen) => (
            text!("check the rights of the file and its folder, and the limit of open files (ulimit -n)"),
            true,
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            (text!("end the other program that has the file open"), true)
        }
        // The contents are damaged: this is not a database, or a checksum does not match.
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) | None => (damage_advice(), false),
        Some(_) => (text!("start the server again; if that does not help, please report it"), false),
    };
    let what = match error {
        // The library adds the position of the value.
        Error::FromSqlConversionFailure(_, _, cause) => cause.to_string(),
        _ => error.to_string(),
    };
    refused(path, Text::verbatim(one_line(&what)), next, may_pass)
}

/// The error for a ledger whose mark cannot be read or written.
pub(super) fn mark_unusable(path: &Path, error: &impl ToValue) -> LedgerError {
    let what = text!("its mark {mark}: {error}", mark = mark::path_of(path).display(), error = error);
    let next =
        text!("check the rights of its folder, the free space, and the limit of open files (ulimit -n)");
    refused(path, what, next, true)
}

/// The error for a file whose contents are damaged.
pub(super) fn damaged(path: &Path, what: Text) -> LedgerError {
    refused(path, what, damage_advice(), false)
}

/// A user should know what a new ledger costs.
fn damage_advice() -> Text {
    text!(
        "restore a copy of the whole state folder, or move the file with its -wal and -mark away to start a new ledger; results that it does not know are then accepted once more"
    )
}

/// What to do about a ledger whose main file is missing.
pub(super) fn missing_advice() -> Text {
    text!(
        "put it back, or move its -wal and -mark away, too, to start a new ledger; results that it does not know are then accepted once more"
    )
}

#[expect(clippy::needless_pass_by_value, reason = "callers build the text in place")]
pub(super) fn refused(path: &Path, what: Text, next: Text, may_pass: bool) -> LedgerError {
    LedgerError {
        what: text!("the ledger {path} cannot be used: {what}", path = path.display(), what = what),
        next,
        may_pass,
    }
}
