//! The store that makes an embedded ledger's changes durable.

use crate::ledger::change::Change;
use crate::ledger::error::LedgerError;

/// A durable store of changes.
pub trait LedgerStore: Send + 'static {
    /// Loads everything that is stored, as changes in an order in which they can be applied. The first one is
    /// [`Change::Clear`] with the ledger's generation, unless that is 0.
    ///
    /// # Errors
    /// [`LedgerError`] if the contents cannot be read, or are not what was written. They stay as they are.
    fn load(&mut self) -> Result<Vec<Change>, LedgerError>;

    /// Makes a group of changes durable, all of it or nothing, also after a crash.
    ///
    /// # Errors
    /// [`LedgerError`] if the group is not durable. Nothing of it is stored or, if only the last barrier failed, all.
    fn commit(&mut self, group: &[Change]) -> Result<(), LedgerError>;

    /// Opens the store again after a commit failed, makes sure that what it has is durable, and loads that.
    ///
    /// # Errors
    /// [`LedgerError`] if the store still cannot be used. Nothing was changed.
    fn recover(&mut self) -> Result<Vec<Change>, LedgerError>;
}
