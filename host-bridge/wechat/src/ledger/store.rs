//! Where a ledger's changes are kept for good, and how that fails.

use super::change::Change;

/// Where changes are kept for good.
pub trait LedgerStore: Send + 'static {
    /// Everything that is kept, as changes in an order in which they can be applied.
    ///
    /// # Errors
    /// [`LedgerError`] if what is there cannot be read, or is not what was written. It stays as it is.
    fn load(&mut self) -> Result<Vec<Change>, LedgerError>;

    /// Makes a group durable, all of it or nothing.
    ///
    /// # Errors
    /// [`LedgerError`] if nothing of the group is kept, or (if only the last barrier failed) all of it.
    fn commit(&mut self, group: &[Change]) -> Result<(), LedgerError>;
}

/// The ledger's store failed: what happened, and what to do. The environment's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct LedgerError {
    /// One line: what happened.
    pub what: String,
    /// One line: what to do next.
    pub next: String,
}
