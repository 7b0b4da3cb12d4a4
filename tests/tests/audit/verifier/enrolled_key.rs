//! A key that a verifier has enrolled, which may be weaker than those of phones.

use aws_lc_rs::digest::SHA256;
use soter_wire::{PublicKey, SignatureScheme};

use super::super::careless_pss::{AnyKey, Pss};

/// The key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum EnrolledKey {
    /// One as phones have.
    Usual(PublicKey),
    /// A weak one.
    Weak(AnyKey),
}

impl EnrolledKey {
    /// Whether a signature by this key is right.
    pub(super) fn verifies(&self, scheme: SignatureScheme, text: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Usual(key) => key.verify(scheme, text, signature).is_ok(),
            Self::Weak(key) => {
                let SignatureScheme::RsaPss { salt_length } = scheme;
                let pss = Pss { hash: &SHA256, mask: &SHA256, salt_length: salt_length.get().into() };
                8 * signature.len() == key.bits() && key.verify(text, signature, pss)
            }
        }
    }
}
