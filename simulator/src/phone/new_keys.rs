//! Where a phone's new keys come from.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use soter_attack::KeyPool;
use soter_bridge::protocol::CommandError;
use soter_tee::{KeyError, KeyPath, PrivateKey, Seed};
use tracing::warn;
use zeroize::Zeroizing;

use super::apps::{WECHAT_UID, auth_key_name};
use super::key_stock::KeyStock;

/// Keys of a phone that the pool of a seed has: ATTK, ASK and AuthKey of its user.
const KEYS_PER_PHONE: u64 = 3;

/// The source of a phone's new keys. Clones are the same source.
#[derive(Clone, Debug)]
pub(crate) enum NewKeys {
    /// Each is made when it is needed.
    Generated,
    /// Random keys that were made in advance.
    Stock(KeyStock),
    /// Those of a phone of a fleet, from few primes.
    Fleet(FleetKeys),
}

/// The keys of one phone of a fleet.
#[derive(Clone)]
pub(crate) struct FleetKeys {
    pool: FleetKeyPool,
    /// The phone's number.
    number: u32,
    /// The name of the AuthKey that has a place in a seeded pool. WeChat's ASK and the ATTK have the other two.
    auth_key_name: String,
}

/// The pools that all phones of a fleet share. Clones are the same pools.
#[derive(Clone, Debug)]
pub(crate) struct FleetKeyPool {
    random: Arc<KeyPool>,
    /// The number of keys that were taken from the random pool.
    taken: Arc<AtomicU64>,
    seeded: Option<Arc<KeyPool>>,
}

impl FleetKeyPool {
    /// Random keys, and those of a seed, if there is one.
    pub(crate) fn new(seed: Option<Seed>) -> Self {
        let seeded = seed.map(|seed| Arc::new(KeyPool::seeded(seed)));
        Self { random: Arc::new(KeyPool::random()), taken: Arc::default(), seeded }
    }

    /// The keys of a phone, whose user has this openid in the first mini program.
    pub(crate) fn keys(&self, number: u32, appid: &str, openid: &str) -> FleetKeys {
        FleetKeys { pool: self.clone(), number, auth_key_name: auth_key_name(appid, openid) }
    }
}

impl NewKeys {
    /// A random key.
    pub(super) fn random(&self) -> Result<PrivateKey, KeyError> {
        match self {
            Self::Generated => PrivateKey::generate(),
            Self::Stock(stock) => stock.take(),
            Self::Fleet(keys) => {
                let FleetKeyPool { random, taken, .. } = &keys.pool;
                let number = taken.fetch_add(1, Ordering::Relaxed);
                PrivateKey::from_pkcs8(&random.pkcs8(number).map_err(|error| not_made(&error))?)
            }
        }
    }

    /// A seeded phone's key as PKCS#8, if it is not the one that the seed itself determines.
    pub(super) fn seeded(
        &self,
        path: &KeyPath,
        generation: u32,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
        let Self::Fleet(keys) = self else { return Ok(None) };
        let Some(pool) = &keys.pool.seeded else { return Ok(None) };
        let place = match path {
            _ if generation > 0 => None,
            KeyPath::Attk => Some(0),
            KeyPath::Ask { uid } => (*uid == WECHAT_UID).then_some(1),
            KeyPath::AuthKey { uid, name } => {
                (*uid == WECHAT_UID && *name == keys.auth_key_name).then_some(2)
            }
        };
        let Some(place) = place else { return Ok(None) };
        let number = u64::from(keys.number) * KEYS_PER_PHONE + place;
        pool.pkcs8(number).map(Some).map_err(|error| not_made(&error))
    }
}

impl fmt::Debug for FleetKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FleetKeys").field("number", &self.number).finish_non_exhaustive()
    }
}

fn not_made(error: &CommandError) -> KeyError {
    warn!("the fleet's pool made no key: {}", error.what.english());
    KeyError::NotMade
}
