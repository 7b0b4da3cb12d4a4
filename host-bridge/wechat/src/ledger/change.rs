//! What changes in a ledger.

use soter_wire::{PublicKey, SignatureScheme};

/// One change, as a store keeps it. Applying the same change twice changes nothing more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Everything is forgotten.
    Clear,
    /// A device left the factory.
    Device {
        /// The device.
        cpu_id: String,
        /// Its ATTK.
        attk: PublicKey,
    },
    /// A counter was shown: the highest so far.
    Counter {
        /// Whose.
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

/// An AuthKey and whom it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthKey {
    /// The public half.
    pub key: PublicKey,
    /// The mini program.
    pub appid: String,
    /// Its user.
    pub openid: String,
    /// How every signature by it is made, fixed when it was uploaded.
    pub scheme: SignatureScheme,
    /// Whether a newer key has taken its place.
    pub retired: bool,
}
