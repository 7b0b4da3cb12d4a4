//! Why a signature does not verify.

use soter_text::{Text, text};

/// Why a signature does not verify. Changed bytes, another key, another salt length and a forgery all look the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text().english())]
pub enum SignatureError {
    /// The signature belongs to other bytes, another key, another padding or another salt length.
    Mismatch,
    /// The signature is not as long as the key's modulus: 256 bytes for every SOTER key.
    WrongLength {
        /// Bytes given.
        bytes: usize,
    },
}

impl SignatureError {
    /// What happened, in one line.
    pub fn text(&self) -> Text {
        match self {
            Self::Mismatch => {
                text!("the signature does not belong to these bytes, this key and this salt length")
            }
            Self::WrongLength { bytes } => text!(
                "the signature has {bytes} bytes, not as many as the key's modulus (256 for a SOTER key)",
                bytes = bytes
            ),
        }
    }
}
