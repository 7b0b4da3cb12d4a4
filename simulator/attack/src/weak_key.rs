//! Keys that are too weak for SOTER. A correct server does not enrol them.

use std::fmt;

use rsa::pkcs8::{EncodePublicKey, LineEnding};
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use rsa::{BoxedUint, PrivateKey};
use soter_bridge::protocol::CommandError;
use soter_tee::RandomnessError;

use crate::keys::KeySupply;
use crate::software_key::{SIGNATURE_BYTES, Scheme, emsa_pss, raw_signature};
use crate::steps::WeakForm;

/// Bits of the modulus of a short key.
const SHORT_BITS: usize = 1024;
/// Bits of the modulus of a key that is not short.
const LONG_BITS: usize = 8 * SIGNATURE_BYTES;

/// A weak RSA key. It is never printed.
#[derive(Clone)]
pub(super) struct WeakKey(PrivateKey);

impl WeakKey {
    /// Makes a key that is weak in this way. Takes up to a second.
    ///
    /// # Errors
    /// `Internal` if the cryptographic library makes no key: a defect.
    pub(super) fn generate(form: WeakForm, supply: &KeySupply) -> Result<Self, CommandError> {
        let defect = |_| CommandError::defect("the cryptographic library made no weak RSA key");
        let mut source = SupplyRng(supply);
        let private = match form {
            WeakForm::Short => PrivateKey::new(&mut source, SHORT_BITS),
            WeakForm::Exponent3 => PrivateKey::new_with_exp(&mut source, LONG_BITS, BoxedUint::from(3_u32)),
            WeakForm::Exponent1 => {
                let primes = supply.key()?.expose_primes();
                let usual = PrivateKey::from_primes(primes.clone(), BoxedUint::from(65537_u32));
                let modulus = BoxedUint::clone(usual.map_err(defect)?.n());
                // The inverse of 1 is 1, so the private exponent is not a secret.
                let [public, private] = [BoxedUint::one(), BoxedUint::one()];
                PrivateKey::from_components_with_large_exponent(modulus, public, private, primes)
            }
        };
        private.map(Self).map_err(defect)
    }

    /// The public half as PEM, without a line end behind it, as phones write it.
    ///
    /// # Errors
    /// `Internal` if the cryptographic library fails.
    pub(super) fn public_pem(&self) -> Result<String, CommandError> {
        let pem = self.0.to_public_key().to_public_key_pem(LineEnding::LF);
        let pem = pem.map_err(|_| CommandError::defect("a weak public key does not encode"))?;
        Ok(pem.trim_end().to_owned())
    }

    /// Signs a text by PSS. The salt is derived from key and text, so the same call returns the same signature.
    ///
    /// # Errors
    /// `InvalidParams` if the salt does not fit, `Internal` if the cryptographic library fails.
    pub(super) fn sign(&self, text: &[u8], scheme: Scheme) -> Result<Vec<u8>, CommandError> {
        let secret = self.0.d().to_be_bytes();
        let encoded = emsa_pss(text, scheme, &secret, self.0.size())?;
        raw_signature(&self.0, &encoded)
    }
}

impl fmt::Debug for WeakKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("WeakKey").field("bytes", &self.0.size()).finish_non_exhaustive()
    }
}

/// The randomness of an attack, for the library that makes keys.
struct SupplyRng<'a>(&'a KeySupply);

impl TryRng for SupplyRng<'_> {
    type Error = RandomnessError;

    fn try_next_u32(&mut self) -> Result<u32, RandomnessError> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, RandomnessError> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), RandomnessError> {
        self.0.fill(bytes)
    }
}

impl TryCryptoRng for SupplyRng<'_> {}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
    use soter_bridge::protocol::danger::Hash;

    use super::*;
    use crate::keys::KeySource;

    const FORMS: [WeakForm; 3] = [WeakForm::Short, WeakForm::Exponent3, WeakForm::Exponent1];

    #[test]
    fn weak_keys_make_signatures_that_hold_and_no_key_of_a_phone_is_like_them() {
        let supply = KeySource::random().supply("test");
        for form in FORMS {
            let key = WeakKey::generate(form, &supply).unwrap();
            let signature = key.sign(b"text", Scheme::STANDARD).unwrap();
            assert_eq!(signature.len(), if form == WeakForm::Short { 128 } else { 256 });
            let signature = BoxedUint::from_be_slice(&signature, key.0.n_bits_precision()).unwrap();
            let opened = rsa::hazmat::rsa_encrypt(&key.0, &signature).unwrap().to_be_bytes();
            let secret = key.0.d().to_be_bytes();
            assert_eq!(*opened, emsa_pss(b"text", Scheme::STANDARD, &secret, key.0.size()).unwrap()[..]);
            assert!(soter_wire::PublicKey::from_pem(&key.public_pem().unwrap()).is_err(), "{form:?}");
        }
    }

    #[test]
    fn the_signature_of_a_short_key_verifies_with_the_rsa_library() {
        let key = WeakKey::generate(WeakForm::Short, &KeySource::random().supply("test")).unwrap();
        let scheme = Scheme { hash: Hash::Sha1, mgf1: Hash::Sha1, ..Scheme::STANDARD };
        let signature = key.sign(b"text", scheme).unwrap();
        let hashed = digest(&SHA1_FOR_LEGACY_USE_ONLY, b"text");
        let pss = rsa::Pss::<sha1::Sha1>::new_with_salt(20);
        assert_eq!(key.0.to_public_key().verify(pss, hashed.as_ref(), &signature), Ok(()));
    }

    #[test]
    fn a_seed_gives_the_same_weak_keys() {
        let key = |form| WeakKey::generate(form, &KeySource::seeded("demo").supply("test")).unwrap();
        for form in FORMS {
            assert_eq!(key(form).public_pem(), key(form).public_pem(), "{form:?}");
        }
    }

    #[test]
    fn a_weak_key_is_not_printed() {
        let key = WeakKey::generate(WeakForm::Short, &KeySource::random().supply("test")).unwrap();
        assert_eq!(format!("{key:?}"), "WeakKey { bytes: 128, .. }");
    }
}
