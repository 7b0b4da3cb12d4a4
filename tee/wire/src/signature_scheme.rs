//! How a signature is made: one value for each key, from the phone's profile to the verifier.

use std::fmt;

use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use soter_text::{ToValue, Value};

/// How a signature is made, and so how it must be verified.
///
/// Every `match` on it is exhaustive, so that the compiler finds each place to change for a new scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureScheme {
    /// SHA256withRSA/PSS (RFC 8017, 8.1): SHA-256, MGF1 with SHA-256, trailer 0xBC.
    RsaPss {
        /// Length of the salt.
        salt_length: SaltLength,
    },
}

/// Length of a PSS salt that fits into an RSA-2048 signature with SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SaltLength(u16);

impl SignatureScheme {
    /// PSS with a salt of this many bytes; `None` if no signature has room for it.
    pub const fn rsa_pss(salt_length: u16) -> Option<Self> {
        match SaltLength::new(salt_length) {
            Some(salt_length) => Some(Self::RsaPss { salt_length }),
            None => None,
        }
    }
}

/// The scheme of signed JSON that names no salt length.
impl Default for SignatureScheme {
    fn default() -> Self {
        Self::RsaPss { salt_length: SaltLength::DEFAULT }
    }
}

/// JSON names a scheme only by its salt length, in bytes.
impl Serialize for SignatureScheme {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::RsaPss { salt_length } => serializer.serialize_u16(salt_length.get()),
        }
    }
}

impl<'de> Deserialize<'de> for SignatureScheme {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let salt_length = u16::deserialize(deserializer)?;
        Self::rsa_pss(salt_length).ok_or_else(|| {
            D::Error::invalid_value(
                Unexpected::Unsigned(salt_length.into()),
                &"a salt length from 0 to 222, in bytes",
            )
        })
    }
}

impl SaltLength {
    /// What most phones use.
    pub const DEFAULT: Self = Self(20);
    /// What Huawei's phones use.
    pub const HUAWEI: Self = Self(32);
    /// What fits into the signature: 256 - 32 - 2.
    pub const MAX: Self = Self(222);

    /// A length in bytes; `None` above [`MAX`](Self::MAX).
    pub const fn new(bytes: u16) -> Option<Self> {
        if bytes <= Self::MAX.0 { Some(Self(bytes)) } else { None }
    }

    /// The length in bytes.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for SaltLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ToValue for SaltLength {
    fn to_value(&self) -> Value {
        self.0.to_value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_salt_has_at_most_as_many_bytes_as_fit() {
        for bytes in [0, 20, 24, 32, 222] {
            assert_eq!(SaltLength::new(bytes).map(SaltLength::get), Some(bytes));
        }
        for bytes in [223, u16::MAX] {
            assert_eq!(SaltLength::new(bytes), None);
            assert_eq!(SignatureScheme::rsa_pss(bytes), None);
        }
    }

    #[test]
    fn pss_with_20_bytes_is_the_default() {
        assert_eq!(SignatureScheme::rsa_pss(20), Some(SignatureScheme::default()));
    }

    #[test]
    fn the_scheme_is_its_salt_length_as_a_number_in_json() {
        let huawei = SignatureScheme::RsaPss { salt_length: SaltLength::HUAWEI };
        assert_eq!(serde_json::to_string(&huawei).unwrap(), "32");
        assert_eq!(serde_json::from_str::<SignatureScheme>("32").unwrap(), huawei);
        let error = serde_json::from_str::<SignatureScheme>("223").unwrap_err();
        assert!(error.to_string().contains("223") && error.to_string().contains("0 to 222"), "{error}");
    }
}
