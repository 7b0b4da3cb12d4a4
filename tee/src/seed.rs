//! Reproducible devices: everything that is random is derived from a text.
//!
//! In the notation of [`derive()`](crate::derive::derive):
//!
//! ```text
//! seed     = HKDF["soter-sim seed v1"](text, "")
//! identity = HKDF["soter-sim device v1"](seed, device name)
//! value    = HKDF["soter-sim value v1"](identity, purpose, parts…)
//! ```
//!
//! A device without a seed has a random identity, from which only its stable ids are derived.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use zeroize::Zeroizing;

use crate::derive::{VALUE_BYTES, derive};
use crate::key_path::KeyPath;
use crate::private_key::{KeyError, PrivateKey};
use crate::secret::Secret;

/// The secret behind every reproducible device: anyone who knows it knows the device's keys.
///
/// It caches the keys that were made from it, so that a device that is made again does not wait for them. Clones
/// share the cache, which is wiped with the last of them.
#[derive(Clone)]
pub struct Seed {
    secret: Secret,
    keys: ReproducedKeys,
}

impl Seed {
    /// Derives the seed from a text. Any text is valid; texts that differ in one byte give unrelated seeds.
    pub fn from_text(text: &str) -> Self {
        let secret = Secret::new(derive(b"soter-sim seed v1", text.as_bytes(), &[]).to_vec());
        Self { secret, keys: ReproducedKeys::default() }
    }

    /// A private key in PKCS#8, derived from the seed: for environments that add their own keys to a device. Making
    /// it takes hundreds of milliseconds. Secret.
    ///
    /// # Errors
    /// [`KeyError::NotMade`] if the library makes no key, [`KeyError::NotRead`] if its public half cannot be parsed.
    pub fn pkcs8(&self, device: &str, purpose: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let key = self.keys.key(&self.identity(device), &[b"environment", purpose.as_bytes()])?;
        Ok(Zeroizing::new(key.pkcs8().expose().to_vec()))
    }

    /// Bytes derived from the seed: for environments that add their own randomness to a device. Secret.
    pub fn derived_bytes(&self, device: &str, purpose: &str) -> Zeroizing<[u8; VALUE_BYTES]> {
        self.identity(device).derive("environment", &[purpose.as_bytes()])
    }

    /// The identity of the device of this name.
    pub(crate) fn identity(&self, device: &str) -> Identity {
        Identity(Secret::new(
            derive(b"soter-sim device v1", self.secret.expose(), &[device.as_bytes()]).to_vec(),
        ))
    }
}

impl Seed {
    /// The cache of keys that were made from the seed.
    pub(crate) fn keys(&self) -> &ReproducedKeys {
        &self.keys
    }
}

/// A cache of keys that were reproduced in this process.
#[derive(Clone, Default)]
pub(crate) struct ReproducedKeys(Arc<Mutex<HashMap<[u8; VALUE_BYTES], PrivateKey>>>);

/// Maximum number of cached keys; more than a device with several apps has.
const MAX_CACHED_KEYS: usize = 256;

impl ReproducedKeys {
    /// A key of a seeded device. Each kind, uid, name and generation has its own stream.
    pub(crate) fn device_key(
        &self,
        identity: &Identity,
        path: &KeyPath,
        generation: u32,
    ) -> Result<PrivateKey, KeyError> {
        let (kind, uid, name) = path.parts();
        let (uid, generation) = (uid.to_le_bytes(), generation.to_le_bytes());
        self.key(identity, &[kind.as_bytes(), &uid, name.as_bytes(), &generation])
    }

    /// The key of an identity for a purpose's parts: cached, or made, which takes hundreds of milliseconds.
    fn key(&self, identity: &Identity, parts: &[&[u8]]) -> Result<PrivateKey, KeyError> {
        let name = *identity.derive("name of a key", parts);
        if let Some(key) = self.cache().get(&name) {
            return Ok(key.clone());
        }
        let key = PrivateKey::reproduce(&mut identity.generator("key", parts))?;
        let mut cache = self.cache();
        if cache.len() >= MAX_CACHED_KEYS {
            cache.clear();
        }
        cache.insert(name, key.clone());
        Ok(key)
    }

    fn cache(&self) -> MutexGuard<'_, HashMap<[u8; VALUE_BYTES], PrivateKey>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Seed(secret)")
    }
}

/// The secret of one device: its ids and, if it is seeded, its keys, salts and session numbers derive from it.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Identity(Secret);

impl Identity {
    pub(crate) fn from_random(bytes: &[u8; VALUE_BYTES]) -> Self {
        Self(Secret::new(bytes.to_vec()))
    }

    /// Whether both are the same device, compared without revealing where they differ.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        // Equal tags under one key mean equal identities; `ring` compares tags in constant time.
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"soter-sim identity comparison");
        let tag = ring::hmac::sign(&key, self.0.expose());
        ring::hmac::verify(&key, other.0.expose(), tag.as_ref()).is_ok()
    }

    /// The value for a purpose and its parts: always the same for the same device.
    pub(crate) fn derive(&self, purpose: &str, parts: &[&[u8]]) -> Zeroizing<[u8; VALUE_BYTES]> {
        let info: Vec<&[u8]> = std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()).collect();
        derive(b"soter-sim value v1", self.0.expose(), &info)
    }

    /// A generator for a purpose and its parts: its own stream, fixed by ChaCha20's specification.
    pub(crate) fn generator(&self, purpose: &str, parts: &[&[u8]]) -> ChaCha20Rng {
        ChaCha20Rng::from_seed(*self.derive(purpose, parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_depend_on_every_part_and_on_the_boundaries_of_parts() {
        let device = Seed::from_text("a").identity("phone");
        let value = |purpose: &str, parts: &[&[u8]]| *device.derive(purpose, parts);
        assert_eq!(value("key", &[b"ab", b"c"]), value("key", &[b"ab", b"c"]));
        assert_ne!(value("key", &[b"ab", b"c"]), value("key", &[b"a", b"bc"]));
        assert_ne!(value("key", &[b"ab"]), value("fid", &[b"ab"]));
        assert_ne!(value("key", &[]), *Seed::from_text("a").identity("other").derive("key", &[]));
        assert_ne!(value("key", &[]), *Seed::from_text("b").identity("phone").derive("key", &[]));
    }

    #[test]
    fn identities_compare_by_value() {
        let seed = Seed::from_text("a");
        assert!(seed.identity("phone").same_as(&seed.identity("phone")));
        assert!(!seed.identity("phone").same_as(&seed.identity("phone2")));
    }

    #[test]
    fn debug_output_shows_no_secret() {
        assert_eq!(format!("{:?}", Seed::from_text("hunter2")), "Seed(secret)");
        assert_eq!(format!("{:?}", Seed::from_text("hunter2").identity("x")), "Identity((secret))");
    }
}
