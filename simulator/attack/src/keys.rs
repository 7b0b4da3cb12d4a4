//! The source of an attack's keys: a pool of random primes, or a seed.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use soter_bridge::protocol::CommandError;
use soter_tee::{RandomnessError, Seed};
use soter_text::text;

use crate::key_pool::KeyPool;
use crate::software_key::SoftwareKey;

/// Number of keys that a seed gives for one phone family: more than one attack needs. Each attack begins with the first.
const SEEDED_KEYS: u64 = 16;
/// Number of keys that a phone takes: ATTK, ASK and AuthKey.
const KEYS_OF_PHONE: u64 = 3;

/// The source of randomness for all attacks of a run. Clones share the source.
#[derive(Clone)]
pub struct KeySource(Arc<Source>);

enum Source {
    /// The pool, and the number of keys that were taken from it.
    Pool(KeyPool, AtomicU64),
    Seed(Seed),
}

impl KeySource {
    /// Random keys.
    pub fn random() -> Self {
        Self(Arc::new(Source::Pool(KeyPool::random(), AtomicU64::new(0))))
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
            Source::Pool(..) => "KeySource(random)",
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
            Source::Pool(pool, taken) => pool.key(taken.fetch_add(1, Ordering::Relaxed)),
            Source::Seed(seed) => {
                let pkcs8 = seed
                    .pkcs8(family, &(number % SEEDED_KEYS).to_string())
                    .map_err(|error| CommandError::defect(error.to_string()))?;
                SoftwareKey::from_pkcs8(&pkcs8)
            }
        }
    }

    /// The supply of another user of the attack. With a seed it does not depend on who is served first.
    pub(super) fn part(&self, number: u64) -> Self {
        let counts = DrawCounts { keys: (number + 1) * KEYS_OF_PHONE, numbers: 0 };
        Self {
            source: self.source.clone(),
            attack: format!("{} user {number}", self.attack),
            counts: Arc::new(Mutex::new(counts)),
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
        self.fill(&mut bytes).map_err(|error| CommandError::environment(error.text(), text!("try again")))?;
        Ok(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect())
    }

    fn counts(&self) -> MutexGuard<'_, DrawCounts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_key_is_issued_twice() {
        let source = KeySource::random();
        let supplies = ["one", "two"].map(|attack| source.supply(attack));
        let keys = (0..20).map(|number| supplies[number % 2].key().unwrap().public().fingerprint());
        assert_eq!(keys.collect::<BTreeSet<_>>().len(), 20);
    }

    #[test]
    fn seeded_texts_depend_on_the_attack() {
        let numbers = |attack: &str| KeySource::seeded("demo").supply(attack).random_text(8).unwrap();
        assert_eq!(numbers("one"), numbers("one"));
        assert_ne!(numbers("one"), numbers("two"));
    }
}
