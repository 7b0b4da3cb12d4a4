//! The name of a key.

/// Names one key of the device.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum KeyPath {
    /// The device's root key.
    Attk,
    /// An app's ASK.
    Ask {
        /// The app.
        uid: u32,
    },
    /// An app's AuthKey.
    AuthKey {
        /// The app.
        uid: u32,
        /// The key's name.
        name: String,
    },
}

impl KeyPath {
    /// What a seed derives the key from: kind, uid and name.
    pub(crate) fn parts(&self) -> (&'static str, u32, &str) {
        match self {
            Self::Attk => ("attk", 0, ""),
            Self::Ask { uid } => ("ask", *uid, ""),
            Self::AuthKey { uid, name } => ("auth key", *uid, name),
        }
    }
}
