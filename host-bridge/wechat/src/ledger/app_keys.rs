//! What a ledger knows of an app on a device.

use std::sync::Arc;

use soter_text::Text;
use soter_wire::{PublicKey, SignatureScheme};

use super::change::AuthKey;

/// The keys of an app on a device.
#[derive(Clone, Debug)]
pub(crate) struct AppKeys {
    /// The device's ATTK.
    pub(crate) attk: PublicKey,
    /// The app's ASK, and how its signatures are made.
    pub(crate) ask: Option<(PublicKey, SignatureScheme)>,
    /// Its AuthKeys, retired ones included.
    pub(crate) auth_keys: Arc<Vec<AuthKey>>,
    /// Another number after every change of one of the device's keys.
    pub(crate) version: u64,
}

/// A key that is known, for diagnoses.
#[derive(Clone, Debug)]
pub(crate) struct KnownKey {
    pub(crate) key: PublicKey,
    /// What it is and where it belongs, for people.
    pub(crate) description: Text,
}
