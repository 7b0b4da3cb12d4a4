//! What a failure of PostgreSQL means for the ledger, and what to do about it.

use std::borrow::Cow;
use std::io::ErrorKind;

use soter_text::{Text, text};
use sqlx::Error;

use super::address::Address;
use crate::ledger::error::{LedgerError, one_line};

// Classes and codes of the SQL standard and of PostgreSQL.
const DATA_EXCEPTION: &str = "22";
const SERIALIZATION_FAILURE: &str = "40001";
const DEADLOCK_DETECTED: &str = "40P01";

/// Whether the transaction may have been committed although its statement ended with this error.
///
/// An answer of the database means that nothing was committed, unless the database is being shut down, which may come between
/// the commit and its answer.
pub(super) fn is_outcome_unknown(error: &Error) -> bool {
    match error {
        Error::Database(error) => {
            error.code().is_none_or(|code| code.starts_with("57P") || code.starts_with("08"))
        }
        _ => true,
    }
}

/// A failure, and whether it is the database's, so that others fail as well.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) error: LedgerError,
    pub(super) is_of_database: bool,
}

impl Failure {
    pub(super) fn new(address: &Address, error: &Error) -> Self {
        let is_of_request = match error {
            // A request that waits too long for its turn, or a row that cannot be read, says nothing about the others.
            Error::PoolTimedOut | Error::Decode(_) | Error::ColumnDecode { .. } | Error::Encode(_) => true,
            _ => sql_state(error).is_some_and(|code| code.starts_with(DATA_EXCEPTION)),
        };
        Self { error: unusable(address, error), is_of_database: !is_of_request }
    }

    /// The database has not answered in time.
    pub(super) fn too_slow(address: &Address, seconds: u64) -> Self {
        Self { error: too_slow(address, seconds), is_of_database: true }
    }
}

/// Whether the statement can be repeated at once: it was rolled back because of another transaction.
pub(super) fn may_repeat(error: &Error) -> bool {
    sql_state(error).is_some_and(|code| [SERIALIZATION_FAILURE, DEADLOCK_DETECTED].contains(&code.as_str()))
}

fn sql_state(error: &Error) -> Option<String> {
    error.as_database_error()?.code().map(Cow::into_owned)
}

/// The error for a ledger that cannot be used because of an error of its database.
pub(super) fn unusable(address: &Address, error: &Error) -> LedgerError {
    let state = sql_state(error);
    let is_tls = match error {
        Error::Tls(_) => true,
        // This is how a certificate that is not accepted comes.
        Error::Io(error) => error.kind() == ErrorKind::InvalidData,
        _ => false,
    };
    let next = match (error, state.as_deref()) {
        _ if is_tls => text!("check sslmode, sslrootcert and the name of the host in the ledger's address"),
        (Error::PoolTimedOut, _) => text!("repeat the request, or send fewer at the same time"),
        (_, Some("28000" | "28P01")) => text!("check the user and the password in the ledger's address"),
        (_, Some("3D000")) => {
            text!("create the database (createdb), or correct its name in the ledger's address")
        }
        (_, Some("42501")) => text!(
            "let an administrator run CREATE SCHEMA {schema} AUTHORIZATION \"{user}\", or give this user the rights on it",
            schema = address.namespace.quoted_schema(),
            user = address.options.get_username()
        ),
        (_, Some("25006")) => read_only_advice(),
        (_, Some("53300")) => {
            text!(
                "raise max_connections of PostgreSQL, or start fewer servers: each needs up to 9 connections"
            )
        }
        (_, Some(code)) if code.starts_with("53") || code.starts_with("58") => {
            text!(
                "check the disk and the memory of the database: the ledger accepts changes again when it works"
            )
        }
        (_, Some("42P01" | "42703" | "3F000" | "42804" | "42883")) => foreign_tables_advice(),
        (_, Some(code)) if code.starts_with("42") || code.starts_with(DATA_EXCEPTION) => {
            text!("check the ledger's address, and the encoding of the database")
        }
        (Error::Decode(_) | Error::ColumnDecode { .. }, _) => {
            text!("put the row back, for example from a backup, or empty the namespace with a reset")
        }
        _ => text!(
            "check that PostgreSQL runs there and can be reached: the ledger accepts changes again when it does"
        ),
    };
    let what = match error {
        Error::Database(error) => error.message().to_owned(),
        Error::Io(error) => error.to_string(),
        Error::Tls(error) => format!("TLS: {error}"),
        _ => error.to_string(),
    };
    refused(address, Text::verbatim(one_line(&what)), next, true)
}

/// What to do about tables that this program has not made, or that are not all there.
pub(super) fn foreign_tables_advice() -> Text {
    text!("put the namespace's tables back, or choose another one with --ledger-namespace")
}

/// What to do about a server that cannot be written.
pub(super) fn read_only_advice() -> Text {
    text!("name a server and a user that may write in the ledger's address: this one is read-only")
}

/// The error for a database that does not answer in time.
pub(super) fn too_slow(address: &Address, seconds: u64) -> LedgerError {
    let next = text!(
        "check the load of the database and of the network: the ledger accepts changes again when it answers"
    );
    refused(address, text!("it has not answered within {seconds} seconds", seconds = seconds), next, true)
}

#[expect(clippy::needless_pass_by_value, reason = "callers build the text in place")]
pub(super) fn refused(address: &Address, what: Text, next: Text, may_pass: bool) -> LedgerError {
    LedgerError {
        what: text!(
            "the ledger {address} cannot be used: {what}",
            address = address.to_string(),
            what = what
        ),
        next,
        may_pass,
    }
}
