//! Why a ledger cannot be used.

use soter_text::Text;

/// The ledger failed: what happened, and what to do. The environment's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", what.english())]
pub struct LedgerError {
    /// One line: what happened.
    pub what: Text,
    /// One line: what to do next.
    pub next: Text,
    /// Whether the cause may pass, such as a full disk, so that the ledger tries again by itself.
    pub may_pass: bool,
}

/// The message of a database on one line: it may quote statements on several.
pub(super) fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}
