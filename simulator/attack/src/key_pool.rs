//! Many keys from few primes.
//!
//! A random RSA key takes tens of milliseconds, and an audit or a fleet of phones needs hundreds or many thousands of them. So
//! each key is the product of another pair of primes from a pool, which grows with the numbers of the keys: 1,000 primes give
//! half a million keys. If two keys share a prime, both can be computed from their public halves. That does no harm here: the
//! keys protect nothing, and a verifier sees different keys.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rsa::BoxedUint;
use soter_bridge::protocol::CommandError;
use soter_tee::Seed;
use zeroize::Zeroizing;

use crate::software_key::SoftwareKey;

/// The name under which a seed gives the primes of a pool.
const SEEDED_NAME: &str = "key pool";

/// Two primes, which are made when they are first needed.
type Primes = Arc<Mutex<Option<[BoxedUint; 2]>>>;

/// A pool of primes, and the keys that they make.
pub struct KeyPool {
    /// `None`: the primes are random.
    seed: Option<Seed>,
    /// The primes of keys that were made for their primes, by half of their indices in the pool.
    primes: Mutex<HashMap<u64, Primes>>,
}

impl KeyPool {
    /// A pool of random primes.
    pub fn random() -> Self {
        Self { seed: None, primes: Mutex::default() }
    }

    /// The pool of a seed: a key's number determines the key.
    pub fn seeded(seed: Seed) -> Self {
        Self { seed: Some(seed), primes: Mutex::default() }
    }

    /// The key with this number, which no other number has. It takes a millisecond, and tens or, with a seed, hundreds more
    /// for primes that no key has used before.
    ///
    /// # Errors
    /// `Internal` if the cryptographic library makes no key.
    pub fn key(&self, number: u64) -> Result<SoftwareKey, CommandError> {
        let (low, high) = pair(number);
        SoftwareKey::from_primes(&self.prime(low)?, &self.prime(high)?)
    }

    /// [`key`](Self::key) in PKCS#8. Secret.
    ///
    /// # Errors
    /// As of [`key`](Self::key).
    pub fn pkcs8(&self, number: u64) -> Result<Zeroizing<Vec<u8>>, CommandError> {
        self.key(number)?.expose_pkcs8()
    }

    fn prime(&self, index: u64) -> Result<BoxedUint, CommandError> {
        let (half, of_pair) = (index / 2, usize::from(index % 2 == 1));
        let place = {
            let mut primes = self.primes.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(primes.entry(half).or_default())
        };
        // Only those who need the same primes wait for them.
        let mut primes = place.lock().unwrap_or_else(PoisonError::into_inner);
        let made = match primes.take() {
            Some(made) => made,
            None => self.make_primes(half)?,
        };
        Ok(primes.insert(made)[of_pair].clone())
    }

    fn make_primes(&self, half: u64) -> Result<[BoxedUint; 2], CommandError> {
        let key = match &self.seed {
            None => SoftwareKey::generate()?,
            Some(seed) => {
                let defect = |error: soter_tee::KeyError| CommandError::defect(error.to_string());
                let pkcs8 = seed.pkcs8(SEEDED_NAME, &half.to_string()).map_err(defect)?;
                SoftwareKey::from_pkcs8(&pkcs8)?
            }
        };
        let primes = key.expose_primes();
        primes.try_into().map_err(|_| CommandError::defect("a new key does not have two primes"))
    }
}

impl fmt::Debug for KeyPool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("KeyPool").field("seeded", &self.seed.is_some()).finish_non_exhaustive()
    }
}

/// The primes of a key, by their indices: 0 and 1, 0 and 2, 1 and 2, 0 and 3, and so on.
fn pair(number: u64) -> (u64, u64) {
    // The highest index below which there are at most `number` pairs.
    let high = number.saturating_mul(8).saturating_add(1).isqrt().div_ceil(2);
    let pairs_below = |high: u64| high * (high - 1) / 2;
    let high = if pairs_below(high) > number { high - 1 } else { high };
    (number - pairs_below(high), high)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use soter_wire::SignatureScheme;

    use super::*;
    use crate::software_key::Scheme;

    #[test]
    fn every_number_has_another_pair_of_primes() {
        assert_eq!([0, 1, 2, 3, 4, 5].map(pair), [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]);
        let pairs: BTreeSet<_> = (0..100_000).map(pair).collect();
        assert_eq!(pairs.len(), 100_000);
        assert!(pairs.iter().all(|(low, high)| low < high && *high <= 447));
        assert_eq!(pair(3 * 100_000 - 1), (74, 775), "776 primes make three keys for each of 100,000 phones");
        // The borders between two indices.
        for high in [2_000_u64, 1 << 20, 1 << 30] {
            let first = high * (high - 1) / 2;
            assert_eq!(pair(first), (0, high));
            assert_eq!(pair(first - 1), (high - 2, high - 1));
        }
    }

    #[test]
    fn keys_from_one_pool_differ_and_each_signs() {
        let pool = KeyPool::random();
        let mut seen = BTreeSet::new();
        for number in 0..120 {
            let key = pool.key(number).unwrap();
            assert!(seen.insert(key.public().fingerprint()));
            let signature = key.sign(b"text", Scheme::STANDARD).unwrap();
            assert_eq!(key.public().verify(SignatureScheme::default(), b"text", &signature), Ok(()));
            assert!(soter_tee::PrivateKey::from_pkcs8(&pool.pkcs8(number).unwrap()).is_ok());
        }
        let primes = 2 * pool.primes.lock().unwrap().len();
        assert!(primes < 20, "{primes} primes for 120 keys");
    }

    #[test]
    fn a_seed_gives_the_same_keys_in_any_order() {
        let key = |pool: &KeyPool, number| pool.key(number).unwrap().public().fingerprint();
        let [one, other] = [(); 2].map(|()| KeyPool::seeded(Seed::from_text("demo")));
        let (second, first) = (key(&one, 1), key(&one, 0));
        assert_eq!([key(&other, 0), key(&other, 1)], [first.clone(), second]);
        assert_ne!(key(&KeyPool::seeded(Seed::from_text("else")), 0), first);
    }
}
