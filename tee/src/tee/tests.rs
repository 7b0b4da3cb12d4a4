//! Tests of the secure world's guarantees through its commands. If a test needs a state that takes a lifetime to
//! reach (a counter at its end), it changes the state directly.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use soter_wire::{
    AttestationChallenge, CertificateChain, ExportBlob, KeyJson, Mode, ResultJson, device_name, result_code,
};

use super::*;
use crate::environment::{RandomnessError, operating_system_random};
use crate::matcher::{Enrolment, Judgement, Lockout, Matcher, Presented};
use crate::private_key::KeyError;
use crate::seed::Seed;
use crate::session::{MAX_SESSIONS, MAX_SESSIONS_PER_APP, SESSION_LIFETIME_MS};
use crate::storage::memory::MemoryStorage;
use crate::storage::power_cut::{PowerCut, PowerCutStorage};
use crate::storage::{Storage, StoredDevice};
use crate::tee::signing::Signed;

mod chain;
mod counter;
mod keys;
mod limits;
mod lockout;
mod secrets;
mod sessions;
mod storage;

const FINGER: Presented = Presented { mode: Mode::FingerPrint, enrolment: Some(1) };
const NOT_ENROLLED: Presented = Presented { mode: Mode::FingerPrint, enrolment: None };

/// Keys that are made once and reused in turn: making one takes longer than everything else in a test.
fn stock() -> &'static [Vec<u8>] {
    static STOCK: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    STOCK.get_or_init(|| (0..10).map(|_| PrivateKey::generate().unwrap().pkcs8().expose().to_vec()).collect())
}

/// Everything outside a phone's secure world, controlled by the test. Clones are the same phone.
#[derive(Clone)]
struct TestEnvironment {
    profile: &'static str,
    storage: PowerCutStorage,
    clock: Arc<AtomicU64>,
    keys_made: Arc<AtomicUsize>,
}

impl TestEnvironment {
    /// A phone of this family that was never powered on.
    fn new(profile: &'static str) -> Self {
        Self {
            profile,
            storage: PowerCutStorage::new(MemoryStorage::new()),
            clock: Arc::new(AtomicU64::new(1_600_000_000_000)),
            keys_made: Arc::default(),
        }
    }

    fn open(&self) -> Tee {
        self.try_open(None).unwrap()
    }

    fn try_open(&self, seed: Option<&Seed>) -> Result<Tee, OpenError> {
        let profile = Profile::named(self.profile);
        Tee::open(Box::new(self.clone()), &DeviceIdentity { name: "phone", profile, seed })
    }

    /// A copy of this phone, as if its battery was removed now.
    fn crashed(&self) -> Self {
        Self { storage: PowerCutStorage::new(self.storage.memory().snapshot()), ..self.clone() }
    }

    fn advance(&self, milliseconds: u64) {
        self.clock.fetch_add(milliseconds, Ordering::Relaxed);
    }

    /// Makes every write fail from now on, without any effect.
    fn break_storage(&self) {
        self.storage.cut_at(self.storage.durable_writes() + 1, PowerCut::Before);
    }

    fn repair_storage(&self) {
        self.storage.restore_power();
    }

    /// A copy of what is stored.
    fn stored(&self) -> StoredDevice {
        self.storage.memory().contents().unwrap()
    }
}

impl Environment for TestEnvironment {
    fn random(&mut self, out: &mut [u8]) -> Result<(), RandomnessError> {
        operating_system_random(out)
    }

    fn unix_millis(&self) -> u64 {
        self.clock.load(Ordering::Relaxed)
    }

    fn new_key(&mut self) -> Result<PrivateKey, KeyError> {
        let made = self.keys_made.fetch_add(1, Ordering::Relaxed);
        PrivateKey::from_pkcs8(&stock()[made % stock().len()])
    }

    fn storage(&mut self) -> &mut dyn Storage {
        &mut self.storage
    }
}

/// A phone whose app 1 has an ASK and the AuthKey `pay`.
fn phone_with_keys(profile: &'static str) -> (TestEnvironment, Tee) {
    let outside = TestEnvironment::new(profile);
    let mut tee = outside.open();
    tee.generate_app_secure_key(1).unwrap();
    tee.generate_auth_key(1, "pay").unwrap();
    (outside, tee)
}

/// One complete authentication of app 1, by the first finger or face.
fn sign(tee: &mut Tee, challenge: &str) -> Result<Signed, TeeError> {
    let Enrolment { number, mode, .. } = tee.enrolments()[0];
    let session = tee.init_sign(1, "pay", challenge, &[mode])?;
    tee.present(session, Presented { mode, enrolment: Some(number) })?;
    tee.finish_sign(session)
}

/// The counter value in an export of any kind.
fn exported_counter(blob: &ExportBlob) -> u64 {
    KeyJson::decode(&blob.json)
        .map(|key| key.counter)
        .or_else(|_| ResultJson::decode(&blob.json).map(|result| result.counter))
        .or_else(|_| {
            CertificateChain::decode(&blob.json).map(|chain| chain.verify().unwrap().challenge.counter)
        })
        .unwrap()
}

fn public_key(tee: &mut Tee, path: &KeyPath) -> PublicKey {
    tee.keys().unwrap().into_iter().find(|key| key.path == *path).unwrap().public
}
