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

pub(crate) mod change;
pub(crate) mod embedded;
pub(crate) mod error;
pub(crate) mod key_upload;
pub(crate) mod ledger_state;
pub(crate) mod postgres;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use soter_wire::{PublicKey, SignatureScheme};

use self::change::AuthKey;
use self::error::LedgerError;
use self::key_upload::{KeyUpload, NotAccepted};

/// Devices, keys and counters. Every operation is atomic, also against those of other servers over the same ledger.
///
/// An operation fails with [`LedgerError`] if the ledger cannot be used. Nobody was told that such a change is accepted, but it
/// may have been made.
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

    /// Forgets everything, unless the ledger has this generation already. A ledger that fails forgets everything as soon as it
    /// has recovered, before any other change.
    async fn clear(&self, generation: u32) -> Result<(), LedgerError>;

    /// Why the ledger accepts no changes at present.
    fn failure(&self) -> Option<LedgerError>;

    /// Reports failures from now on, and their end.
    fn observe(&self, observer: HealthObserver);
}

/// Called when the ledger has failed, and with `None` when it accepts changes again. It must not block.
pub(crate) type HealthObserver = Arc<dyn Fn(Option<&LedgerError>) + Send + Sync>;

/// The keys of an app on a device.
#[derive(Clone, Debug)]
pub(crate) struct AppKeys {
    /// The device's ATTK.
    pub(crate) attk: PublicKey,
    /// The app's ASK, and how its signatures are made.
    pub(crate) ask: Option<(PublicKey, SignatureScheme)>,
    /// Its AuthKeys, retired ones included.
    pub(crate) auth_keys: Vec<AuthKey>,
    /// Another number after every change of one of the device's keys.
    pub(crate) version: u64,
}

/// A key that is known, for diagnoses.
#[derive(Clone, Debug)]
pub(crate) struct KnownKey {
    pub(crate) key: PublicKey,
    /// What it is and where it belongs, for people.
    pub(crate) description: String,
}

/// A result's counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spending {
    /// The device.
    pub(crate) cpu_id: String,
    /// The counter.
    pub(crate) counter: u64,
    /// The version of the keys with which the result was judged.
    pub(crate) version: u64,
}

/// What became of a result's counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpendOutcome {
    /// It is spent, durably.
    Spent,
    /// The device has other keys now, or is not known any more: the result must be judged again. Nothing is spent.
    KeysChanged,
    /// It is not greater than all earlier ones. Nothing is spent.
    NotGreater {
        /// The highest counter that the device has shown.
        highest: u64,
        /// Whether an earlier result had this counter.
        replayed: bool,
    },
}

#[cfg(test)]
mod tests;
