//! The durable state of WeChat's servers: devices, their keys, and the highest counter that each device has shown.
//!
//! ```text
//!   upload ──> KeyUpload ─┐                ┌─ embedded   memory decides, SQLite makes durable; one process
//!                         ├──>  Ledger  ───┤
//!   pipeline ──> Spending ┘                └─ postgres   the database decides; any number of servers
//! ```
//!
//! A ledger decides and becomes durable in one step. What it accepts is durable when the operation returns, so a caller can
//! say `is_ok: true` at once.
//!
//! A result is judged with keys that were read before its counter is spent. Another server may have replaced them in between.
//! So each device's keys have a version, and a counter is only spent if the version is still the same.

pub(crate) mod app_keys;
pub(crate) mod change;
pub(crate) mod embedded;
pub(crate) mod error;
pub(crate) mod key_upload;
pub(crate) mod ledger_state;
pub(crate) mod postgres;
mod retry;
pub(crate) mod spending;

use std::fmt;
use std::sync::Arc;

use self::app_keys::{AppKeys, KnownKey};
use self::error::LedgerError;
use self::key_upload::{KeyUpload, NotAccepted};
use self::spending::{SpendOutcome, Spending};
use async_trait::async_trait;

/// Devices, keys and counters. Every operation is atomic, also against those of other servers over the same ledger.
///
/// An operation fails with [`LedgerError`] if the ledger cannot be used. The change may have been made all the same, but no
/// answer says that it was accepted.
#[async_trait]
pub(crate) trait Ledger: fmt::Debug + Send + Sync {
    /// The keys of an app on a device. `None` if the device is not known.
    async fn app_keys(&self, cpu_id: &str, uid: &str) -> Result<Option<AppKeys>, LedgerError>;

    /// Whether an AuthKey was uploaded for a mini program's user.
    async fn has_owner(&self, appid: &str, openid: &str) -> Result<bool, LedgerError>;

    /// At most `limit` keys that could have signed instead, those of the same device first.
    async fn other_keys(&self, cpu_id: &str, limit: usize) -> Result<Vec<KnownKey>, LedgerError>;

    /// The number of devices that are known.
    async fn device_count(&self) -> Result<usize, LedgerError>;

    /// Spends a result's counter, if its keys are still those with which it was judged, and the counter is greater than
    /// all earlier ones of the device.
    async fn spend(&self, spending: Spending) -> Result<SpendOutcome, LedgerError>;

    /// Accepts keys and spends their counters, or refuses them and changes nothing.
    async fn accept(&self, upload: KeyUpload) -> Result<Result<(), NotAccepted>, LedgerError>;

    /// How often the ledger was emptied, or more. The number never decreases.
    async fn generation(&self) -> Result<u32, LedgerError>;

    /// Forgets everything, unless the ledger has this generation already. An embedded ledger that fails forgets everything when
    /// it has recovered, before any other change. A shared ledger that fails has forgotten everything or nothing.
    async fn clear(&self, generation: u32) -> Result<(), LedgerError>;

    /// Why the ledger accepts no changes at present.
    fn failure(&self) -> Option<LedgerError>;

    /// Reports failures from now on, and their end.
    fn observe(&self, observer: HealthObserver);
}

/// Called when the ledger has failed, and with `None` when it accepts changes again. It must not block.
pub(crate) type HealthObserver = Arc<dyn Fn(Option<&LedgerError>) + Send + Sync>;

#[cfg(test)]
mod tests;
