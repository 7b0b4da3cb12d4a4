//! Why a ledger cannot be used.

/// The ledger failed: what happened, and what to do. The environment's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct LedgerError {
    /// One line: what happened.
    pub what: String,
    /// One line: what to do next.
    pub next: String,
    /// Whether the cause may pass, such as a full disk, so that the ledger tries again by itself.
    pub may_pass: bool,
}
