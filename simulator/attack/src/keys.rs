//! The source of an attack's keys: a new pair of random primes for each key, or a seed.
//!
//! An audit needs hundreds of keys, and a random key takes tens of milliseconds. So each new key is the product of another
//! pair of primes from a pool, which grows only when every pair was used. If two keys share a prime, both can be computed
//! from their public halves. That does no harm here: the keys protect nothing, and a verifier sees different keys.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rsa::BoxedUint;
use soter_bridge::protocol::CommandError;
use soter_tee::{RandomnessError, Seed};

use crate::software_key::SoftwareKey;

/// Maximum number of primes in the pool: enough for half a million keys. After that, each key has new primes.
const MAX_PRIMES: usize = 1000;
/// Number of keys that a seed gives for one phone family: more than one attack needs. Each attack begins with the first.
const SEEDED_KEYS: u64 = 16;

/// The source of randomness for all attacks of a run. Clones share the source.
#[derive(Clone)]
pub struct KeySource(Arc<Source>);

enum Source {
    Primes(Mutex<Primes>),
    Seed(Seed),
}

/// Primes of keys with the exponent 65537, and the next unused pair.
#[derive(Default)]
struct Primes {
    pool: Vec<BoxedUint>,
    /// The indices of the pair, the lower one first.
    next: (usize, usize),
}

impl Primes {
    fn key(&mut self) -> Result<SoftwareKey, CommandError> {
        let (low, high) = self.next;
        let (Some(p), Some(q)) = (self.pool.get(low), self.pool.get(high)) else {
            let key = SoftwareKey::generate()?;
            if self.pool.len() < MAX_PRIMES {
                self.pool.extend(key.expose_primes());
                // This key uses the new pair. The pairs of its primes with older primes are unused.
                let first = self.pool.len() - 2;
                self.next = if first == 0 { (0, 2) } else { (0, first) };
            }
            return Ok(key);
        };
        let key = SoftwareKey::from_primes(p, q)?;
        // Each newer prime is paired with the primes of earlier keys, because the pair of its own key is used.
        let earlier = high & !1;
        self.next = if low + 1 < earlier { (low + 1, high) } else { (0, high + 1) };
        Ok(key)
    }
}

impl KeySource {
    /// Random keys.
    pub fn random() -> Self {
        Self(Arc::new(Source::Primes(Mutex::default())))
    }

    /// Sixteen keys that the seed gives for each phone family. Every attack takes the first of them. They are made once,
    /// which takes seconds.
    pub fn seeded(text: &str) -> Self {
        Self::from_seed(Seed::from_text(text))
    }

    /// See [`seeded`](Self::seeded).
    pub fn from_seed(seed: Seed) -> Self {
        Self(Arc::new(Source::Seed(seed)))
    }

    /// Whether everything is derived from a seed.
    pub fn is_seeded(&self) -> bool {
        matches!(*self.0, Source::Seed(_))
    }

    /// The keys and numbers of one attack. With a seed they are always the same, whatever other attacks do.
    pub(super) fn supply(&self, attack: &str) -> KeySupply {
        KeySupply { source: self.clone(), attack: attack.to_owned(), counts: Arc::default() }
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match *self.0 {
            Source::Primes(_) => "KeySource(random)",
            Source::Seed(_) => "KeySource(seeded)",
        })
    }
}

/// The keys and numbers of one attack. Clones share the position in both.
#[derive(Clone, Debug)]
pub(super) struct KeySupply {
    source: KeySource,
    attack: String,
    counts: Arc<Mutex<DrawCounts>>,
}

/// How many keys and numbers were taken.
#[derive(Debug, Default)]
struct DrawCounts {
    keys: u64,
    numbers: u64,
}

impl KeySupply {
    /// The next key for a signer that is not a phone.
    pub(super) fn key(&self) -> Result<SoftwareKey, CommandError> {
        self.key_for("nobody")
    }

    /// The next key, for a phone of this family.
    pub(super) fn key_for(&self, family: &str) -> Result<SoftwareKey, CommandError> {
        let number = {
            let mut counts = self.counts();
            counts.keys += 1;
            counts.keys
        };
        match &*self.source.0 {
            Source::Primes(primes) => primes.lock().unwrap_or_else(PoisonError::into_inner).key(),
            Source::Seed(seed) => {
                let pkcs8 = seed
                    .pkcs8(family, &(number % SEEDED_KEYS).to_string())
                    .map_err(|error| CommandError::internal(error.to_string()))?;
                SoftwareKey::from_pkcs8(&pkcs8)
            }
        }
    }

    /// Whether everything is derived from a seed.
    pub(super) fn is_seeded(&self) -> bool {
        self.source.is_seeded()
    }

    /// The next random bytes; with a seed, derived bytes.
    pub(super) fn fill(&self, out: &mut [u8]) -> Result<(), RandomnessError> {
        let Source::Seed(seed) = &*self.source.0 else { return soter_tee::operating_system_random(out) };
        for chunk in out.chunks_mut(32) {
            let number = {
                let mut counts = self.counts();
                counts.numbers += 1;
                counts.numbers
            };
            let bytes = seed.derived_bytes(&self.attack, &number.to_string());
            chunk.iter_mut().zip(bytes.iter()).for_each(|(byte, other)| *byte = *other);
        }
        Ok(())
    }

    /// A new random text of this many characters.
    pub(super) fn random_text(&self, characters: usize) -> Result<String, CommandError> {
        const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyzABCDEF";
        let mut bytes = vec![0; characters];
        self.fill(&mut bytes).map_err(|error| CommandError::environment(error.to_string(), "try again"))?;
        Ok(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect())
    }

    fn counts(&self) -> MutexGuard<'_, DrawCounts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use soter_wire::SignatureScheme;

    use super::*;
    use crate::software_key::Scheme;

    #[test]
    fn no_key_is_issued_twice_and_each_signs() {
        let supply = KeySource::random().supply("test");
        let mut seen = BTreeSet::new();
        for _ in 0..120 {
            let key = supply.key().unwrap();
            assert!(seen.insert(key.public().fingerprint()));
            let signature = key.sign(b"text", Scheme::STANDARD).unwrap();
            assert_eq!(key.public().verify(SignatureScheme::default(), b"text", &signature), Ok(()));
            let again = SoftwareKey::from_pkcs8(&key.expose_pkcs8().unwrap()).unwrap();
            assert!(soter_tee::PrivateKey::from_pkcs8(&again.expose_pkcs8().unwrap()).is_ok());
        }
        let Source::Primes(primes) = &*supply.source.0 else { panic!("it is random") };
        let primes = primes.lock().unwrap().pool.len();
        assert!(primes < 20, "{primes} primes for 120 keys");
    }

    #[test]
    fn seeded_texts_depend_on_the_attack() {
        let numbers = |attack: &str| KeySource::seeded("demo").supply(attack).random_text(8).unwrap();
        assert_eq!(numbers("one"), numbers("one"));
        assert_ne!(numbers("one"), numbers("two"));
    }
}
