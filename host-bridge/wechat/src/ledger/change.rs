//! What changes in a ledger.

use soter_wire::{PublicKey, SignatureScheme};

/// One change, as a store keeps it. Applying it a second time changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Everything is forgotten, and the ledger begins this generation. An older ledger has a smaller number.
    Clear {
        /// The number: how many times the ledger was emptied, or more.
        generation: u32,
    },
    /// A device left the factory.
    Device {
        /// The device.
        cpu_id: String,
        /// Its ATTK.
        attk: PublicKey,
    },
    /// A device showed this counter, its highest so far.
    Counter {
        /// The device.
        cpu_id: String,
        /// The value.
        highest: u64,
    },
    /// An app's ASK was accepted; AuthKeys under an older one are retired.
    Ask {
        /// The device.
        cpu_id: String,
        /// The app on it.
        uid: String,
        /// The key.
        key: PublicKey,
        /// How its signatures are made.
        scheme: SignatureScheme,
    },
    /// An AuthKey was accepted; one of the same owner is retired.
    AuthKey {
        /// The device.
        cpu_id: String,
        /// The app on it.
        uid: String,
        /// The key and its owner.
        key: AuthKey,
    },
}

/// An AuthKey and its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthKey {
    /// The public half.
    pub key: PublicKey,
    /// The mini program.
    pub appid: String,
    /// Its user.
    pub openid: String,
    /// The scheme of all its signatures, fixed when it was uploaded.
    pub scheme: SignatureScheme,
    /// Whether a newer key has replaced it.
    pub retired: bool,
}
