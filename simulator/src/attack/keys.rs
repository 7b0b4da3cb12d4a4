//! Where the keys of an attack come from: from a stock that threads of its own fill up, or from a seed.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use aws_lc_rs::digest::{SHA256, digest};
use soter_bridge::protocol::CommandError;
use soter_tee::{RandomnessError, Seed};

use super::SoftwareKey;

/// Keys that are made ahead of time, at most.
const STOCK: usize = 8;
/// Threads that make them.
const MAKERS: usize = 2;
/// Keys of one phone family that are used in turn. More than one attack takes; the next attack begins again with the first.
const KEYS_IN_TURN: u64 = 16;

/// Where the randomness of all attacks of a run comes from. Clones are the same source.
#[derive(Clone)]
pub struct KeySource(Arc<Source>);

enum Source {
    /// By family and number.
    InTurn(Mutex<BTreeMap<(String, u64), SoftwareKey>>),
    Stock(Mutex<Receiver<SoftwareKey>>),
    Seed(Seed),
}

impl KeySource {
    /// Random keys. Threads make them ahead; they end after the last clone.
    pub fn random() -> Self {
        let (shelf, made) = sync_channel(STOCK);
        for _ in 0..MAKERS {
            let shelf = shelf.clone();
            // A key that cannot be made ends the thread; whoever needs one then hears why.
            thread::spawn(move || while SoftwareKey::generate().is_ok_and(|key| shelf.send(key).is_ok()) {});
        }
        Self(Arc::new(Source::Stock(Mutex::new(made))))
    }

    /// Random keys, at most sixteen for each phone family, of which every attack takes the first ones: for targets that
    /// never see them, and where attacks are played by the thousand.
    pub fn in_turn() -> Self {
        Self(Arc::new(Source::InTurn(Mutex::default())))
    }

    /// Sixteen keys for each phone family that a seed stands for, of which every attack takes the first ones: making them
    /// takes seconds, once.
    pub fn seeded(text: &str) -> Self {
        Self::of_seed(Seed::from_text(text))
    }

    /// See [`seeded`](Self::seeded).
    pub(crate) fn of_seed(seed: Seed) -> Self {
        Self(Arc::new(Source::Seed(seed)))
    }

    /// Whether everything follows from a seed.
    pub fn is_seeded(&self) -> bool {
        matches!(*self.0, Source::Seed(_))
    }

    /// The keys and numbers of one attack: with a seed always the same ones, whatever other attacks there are.
    pub(super) fn supply(&self, attack: &str) -> KeySupply {
        KeySupply { source: self.clone(), attack: attack.to_owned(), taken: Arc::default() }
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match *self.0 {
            Source::InTurn(_) => "KeySource(in turn)",
            Source::Stock(_) => "KeySource(random)",
            Source::Seed(_) => "KeySource(seeded)",
        })
    }
}

/// The keys and numbers of one attack. Clones go on where the others are.
#[derive(Clone, Debug)]
pub(super) struct KeySupply {
    source: KeySource,
    attack: String,
    taken: Arc<Mutex<Taken>>,
}

/// How much was taken.
#[derive(Debug, Default)]
struct Taken {
    keys: u64,
    numbers: u64,
}

impl KeySupply {
    /// The next key that is no phone's.
    pub(super) fn key(&self) -> Result<SoftwareKey, CommandError> {
        self.key_for("nobody")
    }

    /// The next key, for a phone of this family.
    pub(super) fn key_for(&self, family: &str) -> Result<SoftwareKey, CommandError> {
        let number = {
            let mut taken = self.taken();
            taken.keys += 1;
            taken.keys
        };
        match &*self.source.0 {
            Source::InTurn(made) => {
                let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
                let place = (family.to_owned(), number % KEYS_IN_TURN);
                if let Some(key) = made.get(&place) {
                    return Ok(key.clone());
                }
                let key = SoftwareKey::generate()?;
                made.insert(place, key.clone());
                Ok(key)
            }
            Source::Stock(made) => {
                let ready = made.lock().unwrap_or_else(PoisonError::into_inner).recv();
                ready.map_or_else(|_| SoftwareKey::generate(), Ok)
            }
            Source::Seed(seed) => {
                let pkcs8 = seed
                    .pkcs8(family, &(number % KEYS_IN_TURN).to_string())
                    .map_err(|error| CommandError::internal(error.to_string()))?;
                SoftwareKey::from_pkcs8(&pkcs8)
            }
        }
    }

    /// Whether everything follows from a seed.
    pub(super) fn is_seeded(&self) -> bool {
        self.source.is_seeded()
    }

    /// The next unpredictable bytes; with a seed, predictable ones.
    pub(super) fn fill(&self, out: &mut [u8]) -> Result<(), RandomnessError> {
        let Source::Seed(seed) = &*self.source.0 else { return soter_tee::operating_system_random(out) };
        let number = {
            let mut taken = self.taken();
            taken.numbers += 1;
            taken.numbers
        };
        let start = seed.number(&self.attack, &number.to_string());
        for (block, chunk) in (0_u64..).zip(out.chunks_mut(32)) {
            let bytes = digest(&SHA256, &[&start[..], &block.to_le_bytes()].concat());
            chunk.iter_mut().zip(bytes.as_ref()).for_each(|(byte, other)| *byte = *other);
        }
        Ok(())
    }

    /// A text of these many letters and digits that nobody has used before.
    pub(super) fn text(&self, characters: usize) -> Result<String, CommandError> {
        const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyzABCDEF";
        let mut bytes = vec![0; characters];
        self.fill(&mut bytes).map_err(|error| CommandError::environment(error.to_string(), "try again"))?;
        Ok(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect())
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
