//! RSA-2048 private keys, and the two libraries that implement them.
//!
//! An ordinary device's keys are random and sign with `aws-lc-rs`, which is fast. A seeded device's keys and salts
//! come from a given generator, which only `rsa` accepts.

use std::fmt;
use std::sync::{Arc, LazyLock};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair as FastKey, KeySize};
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaPssSaltLength, RsaSignatureEncoding,
};
use rand_chacha::ChaCha20Rng;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use rsa::{Pkcs1v15Sign, PrivateKey as ReproducibleKey, Pss};
use sha2::{Digest, Sha256};
use soter_text::{Text, text};
use soter_wire::{PublicKey, SaltLength, SignatureScheme};

use crate::secret::Secret;

/// The modulus of every SOTER key.
const MODULUS_BITS: usize = 2048;

/// PSS encodings by salt length, with the static lifetime that `aws-lc-rs` requires.
static PSS: LazyLock<Vec<RsaSignatureEncoding>> = LazyLock::new(|| {
    let encoding = |length| RSA_PSS_SHA256.with_pss_salt_length(RsaPssSaltLength::Custom(length));
    (0..=SaltLength::MAX.get()).map(encoding).collect()
});

/// A private key of the TEE. It is never printed and leaves the TEE only sealed. Clones share the key.
#[derive(Clone)]
pub struct PrivateKey {
    pkcs8: Secret,
    public: PublicKey,
    library: Arc<Library>,
}

enum Library {
    Fast(FastKey),
    Reproducible(Box<ReproducibleKey>),
}

/// A key could not be made, parsed or used: a bug in a cryptographic library, or in the TEE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text().english())]
pub enum KeyError {
    /// No key was made.
    NotMade,
    /// A key cannot be parsed.
    NotRead,
    /// Nothing was signed.
    NotSigned,
}

impl KeyError {
    /// What happened, in one line.
    pub fn text(self) -> Text {
        match self {
            Self::NotMade => text!("the cryptographic library made no RSA-2048 key"),
            Self::NotRead => text!("a stored private key does not read"),
            Self::NotSigned => text!("the cryptographic library did not sign"),
        }
    }
}

impl PrivateKey {
    /// Makes a random key. Takes tens of milliseconds.
    ///
    /// # Errors
    /// [`KeyError::NotMade`] if the library makes no key, [`KeyError::NotRead`] if its public half cannot be parsed.
    pub fn generate() -> Result<Self, KeyError> {
        let key = FastKey::generate(KeySize::Rsa2048).map_err(|_| KeyError::NotMade)?;
        let pkcs8: Pkcs8V1Der<'_> = key.as_der().map_err(|_| KeyError::NotMade)?;
        let pkcs8 = Secret::new(pkcs8.as_ref().to_vec());
        Ok(Self { public: public_half(&key)?, pkcs8, library: Arc::new(Library::Fast(key)) })
    }

    /// Parses a key in PKCS#8, for an environment with its own pool of unused keys.
    ///
    /// # Errors
    /// [`KeyError::NotRead`] if it is not an RSA-2048 key.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, KeyError> {
        Self::restore(&Secret::new(pkcs8.to_vec()), false)
    }

    /// Makes the key that a generator determines. Takes hundreds of milliseconds.
    pub(crate) fn reproduce(generator: &mut ChaCha20Rng) -> Result<Self, KeyError> {
        let key = ReproducibleKey::new(generator, MODULUS_BITS).map_err(|_| KeyError::NotMade)?;
        let pkcs8 = key.to_pkcs8_der().map_err(|_| KeyError::NotMade)?;
        let pkcs8 = Secret::new(pkcs8.as_bytes().to_vec());
        let public = public_half(&FastKey::from_pkcs8(pkcs8.expose()).map_err(|_| KeyError::NotMade)?)?;
        Ok(Self { pkcs8, public, library: Arc::new(Library::Reproducible(Box::new(key))) })
    }

    /// Parses a key of the sealed state.
    pub(crate) fn restore(pkcs8: &Secret, reproducible: bool) -> Result<Self, KeyError> {
        let fast = FastKey::from_pkcs8(pkcs8.expose()).map_err(|_| KeyError::NotRead)?;
        let public = public_half(&fast)?;
        let library = if reproducible {
            let key = ReproducibleKey::from_pkcs8_der(pkcs8.expose()).map_err(|_| KeyError::NotRead)?;
            Library::Reproducible(Box::new(key))
        } else {
            Library::Fast(fast)
        };
        Ok(Self { pkcs8: pkcs8.clone(), public, library: Arc::new(library) })
    }

    /// The key's public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The key in PKCS#8, for the sealed state.
    pub(crate) fn pkcs8(&self) -> &Secret {
        &self.pkcs8
    }

    /// Signs with this scheme. A reproducible key takes its salt from `salt_rng`.
    pub(crate) fn sign(
        &self,
        scheme: SignatureScheme,
        message: &[u8],
        salt_rng: impl FnOnce() -> ChaCha20Rng,
    ) -> Result<Vec<u8>, KeyError> {
        let SignatureScheme::RsaPss { salt_length } = scheme;
        match &*self.library {
            Library::Fast(key) => {
                let encoding = PSS.get(usize::from(salt_length.get())).ok_or(KeyError::NotSigned)?;
                sign_fast(key, encoding, message)
            }
            Library::Reproducible(key) => key
                .sign_with_rng(
                    &mut salt_rng(),
                    Pss::<Sha256>::new_with_salt(salt_length.get().into()),
                    &Sha256::digest(message),
                )
                .map_err(|_| KeyError::NotSigned),
        }
    }

    /// Signs with RSASSA-PKCS1-v1_5 and SHA-256 (RFC 8017, 8.2.1), as certificates are signed.
    pub(crate) fn sign_pkcs1(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        match &*self.library {
            Library::Fast(key) => sign_fast(key, &RSA_PKCS1_SHA256, message),
            Library::Reproducible(key) => key
                .sign(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(message))
                .map_err(|_| KeyError::NotSigned),
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PrivateKey")
            .field("public", &self.public.fingerprint())
            .finish_non_exhaustive()
    }
}

fn public_half(key: &FastKey) -> Result<PublicKey, KeyError> {
    let spki: PublicKeyX509Der<'_> = key.public_key().as_der().map_err(|_| KeyError::NotRead)?;
    PublicKey::from_spki_der(spki.as_ref()).map_err(|_| KeyError::NotRead)
}

fn sign_fast(
    key: &FastKey,
    encoding: &'static RsaSignatureEncoding,
    message: &[u8],
) -> Result<Vec<u8>, KeyError> {
    let mut signature = vec![0; key.public_modulus_len()];
    // `aws-lc-rs` requires a generator here, ignores it and uses its own.
    key.sign(encoding, &aws_lc_rs::rand::SystemRandom::new(), message, &mut signature)
        .map_err(|_| KeyError::NotSigned)?;
    Ok(signature)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    fn salt_rng() -> ChaCha20Rng {
        Seed::from_text("salts").identity("phone").generator("salt", &[])
    }

    #[test]
    fn signatures_of_both_libraries_verify_only_at_their_salt_length() {
        let fast = PrivateKey::generate().unwrap();
        let mut generator = Seed::from_text("keys").identity("phone").generator("key", &[]);
        let reproducible = PrivateKey::reproduce(&mut generator).unwrap();
        for key in [&fast, &reproducible] {
            for (salt_length, other) in [(20, 32), (32, 20), (24, 20), (0, 1), (222, 221)] {
                let [scheme, other] =
                    [salt_length, other].map(|length| SignatureScheme::rsa_pss(length).unwrap());
                let signature = key.sign(scheme, b"message", salt_rng).unwrap();
                assert_eq!(key.public().verify(scheme, b"message", &signature), Ok(()));
                assert!(key.public().verify(other, b"message", &signature).is_err());
                assert!(key.public().verify(scheme, b"massage", &signature).is_err());
            }
            let signature = key.sign_pkcs1(b"certificate").unwrap();
            assert_eq!(key.public().verify_pkcs1(b"certificate", &signature), Ok(()));
        }
    }

    #[test]
    fn a_restored_key_is_the_same_key() {
        let key = PrivateKey::generate().unwrap();
        let restored = PrivateKey::restore(key.pkcs8(), false).unwrap();
        assert_eq!(restored.public(), key.public());
        let scheme = SignatureScheme::default();
        let signature = restored.sign(scheme, b"message", salt_rng).unwrap();
        assert_eq!(key.public().verify(scheme, b"message", &signature), Ok(()));
    }

    #[test]
    fn no_private_part_is_printed() {
        let key = PrivateKey::generate().unwrap();
        assert_eq!(
            format!("{key:?}"),
            format!("PrivateKey {{ public: \"{}\", .. }}", key.public().fingerprint())
        );
    }
}
