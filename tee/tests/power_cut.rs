//! Power failure at every single write. Afterwards a phone is as before the interrupted command or as after it, never
//! a mixture, and no counter value is used again.
#![expect(clippy::unwrap_used, clippy::panic, reason = "an error here must fail the test")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::OnceLock;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use proptest::prelude::*;
use soter_tee::power_cut::{PowerCut, PowerCutStorage};
use soter_tee::{
    DeviceIdentity, Environment, Judgement, KeyError, KeyPath, MemoryStorage, OpenError, Presented,
    PrivateKey, RandomnessError, SLOT_BYTES, Storage, StoredDevice, Tee, TeeError, operating_system_random,
};
use soter_wire::{KeyJson, Mode, ResultJson};

/// Keys that are made once and reused in turn: making them takes longer than everything else here.
fn stock() -> &'static [Vec<u8>] {
    static STOCK: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    STOCK.get_or_init(|| {
        (0..12)
            .map(|_| {
                let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
                let encoded: Pkcs8V1Der<'_> = key.as_der().unwrap();
                encoded.as_ref().to_vec()
            })
            .collect()
    })
}

struct TestEnvironment {
    storage: Box<dyn Storage>,
    next_key: usize,
}

impl Environment for TestEnvironment {
    fn random(&mut self, out: &mut [u8]) -> Result<(), RandomnessError> {
        operating_system_random(out)
    }

    fn unix_millis(&self) -> u64 {
        1_600_000_000_000
    }

    fn new_key(&mut self) -> Result<PrivateKey, KeyError> {
        self.next_key += 1;
        PrivateKey::from_pkcs8(&stock()[self.next_key % stock().len()])
    }

    fn storage(&mut self) -> &mut dyn Storage {
        self.storage.as_mut()
    }
}

fn open(storage: impl Storage + 'static) -> Result<Tee, OpenError> {
    let environment = TestEnvironment { storage: Box::new(storage), next_key: 0 };
    Tee::open(Box::new(environment), &DeviceIdentity { name: "phone", profile: None, seed: None })
}

/// A command of the secure world that can change something.
#[derive(Clone, Copy, Debug)]
enum Step {
    MakeAsk(u32),
    ExportAsk(u32),
    MakeAuthKey(u32, &'static str),
    ExportAuthKey(u32, &'static str),
    Sign(u32, &'static str),
    WrongTouch(u32, &'static str),
    Enroll,
    RemoveEnrolment(u32),
    RemoveAuthKey(u32, &'static str),
    RemoveAll(u32),
    Unlock,
    FactoryReset,
    Close,
}

impl Step {
    /// Whether the step makes a new key at this path.
    fn makes(self, path: &KeyPath) -> bool {
        match (self, path) {
            (Self::MakeAsk(made), KeyPath::Ask { uid }) => made == *uid,
            (Self::MakeAuthKey(made, called), KeyPath::AuthKey { uid, name }) => {
                made == *uid && called == name
            }
            _ => false,
        }
    }
}

/// The state that must be kept, in the simplest form: the specification of the secure world's memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Model {
    /// Apps with an ASK; AuthKeys by name, and whether they are valid.
    apps: BTreeMap<u32, BTreeMap<String, bool>>,
    enrolled: BTreeSet<u32>,
    last_number: u32,
    failures: u32,
}

impl Model {
    fn new_phone() -> Self {
        Self { enrolled: BTreeSet::from([1]), last_number: 1, ..Self::default() }
    }

    fn has_valid(&self, uid: u32, name: &str) -> bool {
        self.apps.get(&uid).and_then(|app| app.get(name)) == Some(&true)
    }

    /// The first enrolled finger, if the sensor is not locked.
    fn finger(&self) -> Option<u32> {
        self.enrolled.first().copied().filter(|_| self.failures == 0 || !self.failures.is_multiple_of(5))
    }

    fn enroll(&mut self) {
        self.last_number += 1;
        self.enrolled.insert(self.last_number);
        self.apps.values_mut().flat_map(BTreeMap::values_mut).for_each(|valid| *valid = false);
    }

    fn after(&self, step: Step) -> Self {
        let mut next = self.clone();
        match step {
            Step::MakeAsk(uid) => {
                next.apps.insert(uid, BTreeMap::new());
            }
            Step::MakeAuthKey(uid, name) => {
                if let Some(app) = next.apps.get_mut(&uid) {
                    app.insert(name.to_owned(), true);
                }
            }
            Step::Sign(uid, name) => {
                if next.has_valid(uid, name) && next.finger().is_some() {
                    next.failures = 0;
                }
            }
            Step::WrongTouch(uid, name) => {
                if next.has_valid(uid, name) && (next.failures == 0 || !next.failures.is_multiple_of(5)) {
                    next.failures += 1;
                }
            }
            Step::Enroll => next.enroll(),
            Step::RemoveEnrolment(number) => {
                next.enrolled.remove(&number);
            }
            Step::RemoveAuthKey(uid, name) => {
                if let Some(app) = next.apps.get_mut(&uid) {
                    app.remove(name);
                }
            }
            Step::RemoveAll(uid) => {
                next.apps.remove(&uid);
            }
            Step::Unlock => next.failures = 0,
            Step::FactoryReset => {
                next.apps.clear();
                next.enrolled.clear();
                next.last_number = 0;
                next.failures = 0;
                next.enroll();
            }
            Step::ExportAsk(_) | Step::ExportAuthKey(..) | Step::Close => {}
        }
        next
    }

    /// The same, read from the secure world. It does not show numbers that were used and are free again.
    fn seen(tee: &mut Tee, last_number: u32) -> Self {
        let mut apps: BTreeMap<u32, BTreeMap<String, bool>> = BTreeMap::new();
        for key in tee.keys().unwrap() {
            match key.path {
                KeyPath::Attk => {}
                KeyPath::Ask { uid } => {
                    apps.entry(uid).or_default();
                }
                KeyPath::AuthKey { uid, name } => {
                    apps.entry(uid).or_default().insert(name, key.valid);
                }
            }
        }
        Self {
            apps,
            enrolled: tee.enrolments().iter().map(|enrolment| enrolment.number).collect(),
            last_number,
            failures: tee.sensor_failures().first().map_or(0, |failures| failures.failed_attempts),
        }
    }
}

/// Carries out a step as the model expects it. Returns the counter value that left the secure world, if any.
fn carry_out(tee: &mut Tee, step: Step, model: &Model) -> Result<Option<u64>, TeeError> {
    let finger = |enrolment| Presented { mode: Mode::FingerPrint, enrolment };
    let unless_refused = |result: Result<Option<u64>, TeeError>| match result {
        Err(error) if error.result_code().is_some() => Ok(None),
        other => other,
    };
    unless_refused(match step {
        Step::MakeAsk(uid) => tee.generate_app_secure_key(uid).map(|_| None),
        Step::ExportAsk(uid) => {
            tee.app_secure_key(uid).map(|blob| Some(KeyJson::decode(&blob.json).unwrap().counter))
        }
        Step::MakeAuthKey(uid, name) => tee.generate_auth_key(uid, name).map(|_| None),
        Step::ExportAuthKey(uid, name) => {
            tee.auth_key(uid, name).map(|blob| Some(KeyJson::decode(&blob.json).unwrap().counter))
        }
        Step::Sign(uid, name) => (|| {
            let session = tee.init_sign(uid, name, "challenge", &[Mode::FingerPrint])?;
            let Some(number) = model.finger() else { return tee.cancel(session).map(|()| None) };
            assert!(matches!(tee.present(session, finger(Some(number)))?, Judgement::Matched(_)));
            let signed = tee.finish_sign(session)?;
            let counter = ResultJson::decode(&signed.export.json).unwrap().counter;
            assert_eq!(counter, signed.counter);
            Ok(Some(counter))
        })(),
        Step::WrongTouch(uid, name) => (|| {
            let session = tee.init_sign(uid, name, "challenge", &[Mode::FingerPrint])?;
            assert!(!matches!(tee.present(session, finger(None))?, Judgement::Matched(_)));
            tee.cancel(session).map(|()| None)
        })(),
        Step::Enroll => tee.enroll(Mode::FingerPrint).map(|_| None),
        Step::RemoveEnrolment(number) => tee.remove_enrolment(number).map(|()| None),
        Step::RemoveAuthKey(uid, name) => tee.remove_auth_key(uid, name).map(|()| None),
        Step::RemoveAll(uid) => tee.remove_all_auth_keys(uid).map(|()| None),
        Step::Unlock => tee.unlock().map(|()| None),
        Step::FactoryReset => tee.factory_reset().map(|()| None),
        Step::Close => tee.close().map(|()| None),
    })
}

/// Plays steps with one power cut. Checks after the cut and until the end.
fn play(steps: &[Step], cut: Option<(u64, PowerCut)>) -> u64 {
    let storage = PowerCutStorage::new(MemoryStorage::new());
    if let Some((write, how)) = cut {
        storage.cut_at(write, how);
    }
    let mut model = Model::new_phone();
    let mut highest = 0;
    let mut tee = match open(storage.clone()) {
        Ok(tee) => tee,
        Err(error) => {
            assert!(storage.is_off(), "a new phone does not open: {error}");
            storage.restore_power();
            open(storage.clone()).unwrap()
        }
    };
    let cpu_id = tee.cpu_id();
    for &step in steps {
        let after = model.after(step);
        let keys = public_halves(&mut tee);
        match carry_out(&mut tee, step, &model) {
            Ok(counter) => {
                if let Some(counter) = counter {
                    assert!(counter > highest, "{step:?}: {counter} after {highest} ({cut:?})");
                    highest = counter;
                }
                model = after;
            }
            Err(error) => {
                assert!(storage.is_off(), "{step:?}: {error}");
                drop(tee);
                fail_again_while_it_starts(&storage);
                tee = open(storage.clone()).unwrap_or_else(|error| panic!("{step:?} {cut:?}: {error}"));
                let numbers = [model.last_number, after.last_number];
                let seen = numbers.map(|last| Model::seen(&mut tee, last));
                assert!(
                    seen[0] == model || seen[1] == after,
                    "{step:?} {cut:?}\nbefore {model:?}\nafter {after:?}\nseen {seen:?}"
                );
                model = if seen[1] == after { after } else { model };
                assert_eq!(tee.cpu_id(), cpu_id);
                for (path, public) in public_halves(&mut tee) {
                    let is_new = step.makes(&path) || !keys.contains_key(&path);
                    assert!(is_new || keys[&path] == public, "{step:?} {cut:?}: another {path:?}");
                }
            }
        }
        assert_eq!(Model::seen(&mut tee, model.last_number), model, "{step:?} {cut:?}");
    }
    storage.durable_writes()
}

/// A phone writes when it catches up after a power cut. Its power may fail at that write too.
fn fail_again_while_it_starts(storage: &PowerCutStorage) {
    for how in [PowerCut::Torn { prefix_bytes: 7 }, PowerCut::Before, PowerCut::After] {
        storage.restore_power();
        storage.cut_at(storage.durable_writes() + 1, how);
        // A phone that has nothing to catch up with starts without a write.
        assert_eq!(open(storage.clone()).is_err(), storage.is_off());
    }
    storage.restore_power();
}

fn public_halves(tee: &mut Tee) -> HashMap<KeyPath, String> {
    tee.keys().unwrap().into_iter().map(|key| (key.path, key.public.fingerprint())).collect()
}

/// Cuts every write of the steps in every way.
fn cut_everywhere(steps: &[Step]) {
    let writes = play(steps, None);
    assert!(writes > 0);
    let ways = [
        PowerCut::Before,
        PowerCut::After,
        PowerCut::Torn { prefix_bytes: 1 },
        PowerCut::Torn { prefix_bytes: SLOT_BYTES / 2 },
    ];
    for write in 1..=writes {
        for way in ways {
            play(steps, Some((write, way)));
        }
    }
}

#[test]
fn a_phones_whole_life_survives_a_cut_at_every_write() {
    use Step::{
        Close, Enroll, ExportAsk, ExportAuthKey, FactoryReset, MakeAsk, MakeAuthKey, RemoveAll,
        RemoveAuthKey, RemoveEnrolment, Sign, Unlock, WrongTouch,
    };
    let mut steps = vec![
        MakeAsk(1),
        ExportAsk(1),
        MakeAuthKey(1, "a"),
        ExportAuthKey(1, "a"),
        Sign(1, "a"),
        WrongTouch(1, "a"),
        Sign(1, "a"),
        Close,
        MakeAuthKey(1, "b"),
        Enroll,
        Sign(1, "a"),
        MakeAuthKey(1, "a"),
        Sign(1, "a"),
        RemoveEnrolment(1),
        Sign(1, "a"),
        Close,
        Close,
        MakeAsk(2),
        MakeAuthKey(2, "a"),
        RemoveAuthKey(1, "b"),
        RemoveAll(2),
    ];
    steps.extend([WrongTouch(1, "a"); 6]);
    steps.extend([Unlock, Sign(1, "a"), FactoryReset, MakeAsk(1), MakeAuthKey(1, "a")]);
    // Enough to go through several blocks of the counter.
    steps.extend([Sign(1, "a"); 40]);
    cut_everywhere(&steps);
}

fn any_step() -> impl Strategy<Value = Step> {
    let uid = 1..=2_u32;
    let name = prop_oneof![Just("a"), Just("b")];
    let key = (uid.clone(), name);
    prop_oneof![
        1 => uid.clone().prop_map(Step::MakeAsk),
        1 => uid.clone().prop_map(Step::ExportAsk),
        1 => key.clone().prop_map(|(uid, name)| Step::MakeAuthKey(uid, name)),
        1 => key.clone().prop_map(|(uid, name)| Step::ExportAuthKey(uid, name)),
        4 => key.clone().prop_map(|(uid, name)| Step::Sign(uid, name)),
        2 => key.clone().prop_map(|(uid, name)| Step::WrongTouch(uid, name)),
        1 => Just(Step::Enroll),
        1 => (1..4_u32).prop_map(Step::RemoveEnrolment),
        1 => key.prop_map(|(uid, name)| Step::RemoveAuthKey(uid, name)),
        1 => uid.prop_map(Step::RemoveAll),
        1 => Just(Step::Unlock),
        1 => Just(Step::FactoryReset),
        1 => Just(Step::Close),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_life_survives_a_cut_at_any_write(
        steps in prop::collection::vec(any_step(), 1..25),
        write in 1..40_u64,
        prefix_bytes in 0..=SLOT_BYTES,
    ) {
        play(&steps, Some((write, PowerCut::Before)));
        play(&steps, Some((write, PowerCut::After)));
        play(&steps, Some((write, PowerCut::Torn { prefix_bytes })));
    }
}

/// A phone with keys, and copies of its storage after each command that changed it, the oldest first.
fn history() -> (Vec<StoredDevice>, u64) {
    let memory = MemoryStorage::new();
    let mut tee = open(memory.clone()).unwrap();
    let mut copies = vec![memory.contents().unwrap()];
    let mut highest = 0;
    let model = Model::new_phone();
    let steps = [
        Step::MakeAsk(1),
        Step::MakeAuthKey(1, "a"),
        Step::Sign(1, "a"),
        Step::Close,
        Step::Sign(1, "a"),
        Step::Sign(1, "a"),
        Step::Close,
        Step::Sign(1, "a"),
    ];
    for step in steps {
        if let Some(counter) = carry_out(&mut tee, step, &model).unwrap() {
            highest = counter;
        }
        copies.push(memory.contents().unwrap());
    }
    (copies, highest)
}

/// Opens a changed phone. It refuses to start, or it is the same phone and continues above every counter value.
fn assert_refused_or_unharmed(contents: StoredDevice, keys: &[String], highest: u64, what: &str) -> bool {
    let memory = MemoryStorage::new();
    memory.tamper(|stored| *stored = Some(contents));
    match open(memory) {
        Err(error) => {
            assert!(!error.to_string().is_empty() && !error.remedy().english().is_empty(), "{what}");
            false
        }
        Ok(mut tee) => {
            assert_eq!(fingerprints(&mut tee), keys, "{what}: other keys");
            let counter = carry_out(&mut tee, Step::Sign(1, "a"), &Model::new_phone()).unwrap().unwrap();
            assert!(counter > highest, "{what}: counter {counter} after {highest}");
            true
        }
    }
}

fn fingerprints(tee: &mut Tee) -> Vec<String> {
    tee.keys().unwrap().into_iter().map(|key| key.public.fingerprint()).collect()
}

fn newest() -> (Vec<StoredDevice>, Vec<String>, u64) {
    let (copies, highest) = history();
    let memory = MemoryStorage::new();
    memory.tamper(|stored| *stored = copies.last().cloned());
    let keys = fingerprints(&mut open(memory).unwrap());
    (copies, keys, highest)
}

/// Picks a part of what is stored.
type Part = fn(&mut StoredDevice) -> &mut Option<Vec<u8>>;

#[test]
fn any_changed_byte_any_truncation_and_any_missing_part_is_refused_or_has_no_effect() {
    let (copies, keys, highest) = newest();
    let intact = copies.last().unwrap();
    let parts: [(&str, Part); 2] =
        [("sealed", |contents| &mut contents.sealed), ("rpmb", |contents| &mut contents.rpmb)];
    for (name, part) in parts {
        let length = part(&mut intact.clone()).as_ref().unwrap().len();
        for at in 0..length {
            for bit in [0x01, 0x80] {
                let mut changed = intact.clone();
                part(&mut changed).as_mut().unwrap()[at] ^= bit;
                let opened =
                    assert_refused_or_unharmed(changed, &keys, highest, &format!("{name} byte {at}"));
                assert!(!(opened && name == "sealed"), "sealed byte {at} went unnoticed");
            }
            let mut shortened = intact.clone();
            part(&mut shortened).as_mut().unwrap().truncate(at);
            assert!(!assert_refused_or_unharmed(shortened, &keys, highest, &format!("{name} cut to {at}")));
        }
        let mut missing = intact.clone();
        *part(&mut missing) = None;
        assert!(!assert_refused_or_unharmed(missing, &keys, highest, &format!("{name} missing")));
    }
    let rootless = StoredDevice { root_key: None, ..intact.clone() };
    assert!(!assert_refused_or_unharmed(rootless, &keys, highest, "root key missing"));
    for at in 0..32 {
        let mut changed = intact.clone();
        changed.root_key.as_mut().unwrap()[at] ^= 1;
        assert!(!assert_refused_or_unharmed(changed, &keys, highest, &format!("root key byte {at}")));
        let mut shortened = intact.clone();
        shortened.root_key.as_mut().unwrap().truncate(at);
        assert!(!assert_refused_or_unharmed(shortened, &keys, highest, &format!("root key cut to {at}")));
    }
}

#[test]
fn an_older_copy_of_one_part_is_refused_or_has_no_effect() {
    let (copies, keys, highest) = newest();
    let (intact, older) = copies.split_last().unwrap();
    for (age, copy) in older.iter().enumerate() {
        let sealed = StoredDevice { sealed: copy.sealed.clone(), ..intact.clone() };
        let opened = assert_refused_or_unharmed(sealed, &keys, highest, &format!("sealed state {age}"));
        assert!(!opened || copy.sealed == intact.sealed, "older state {age} was accepted");
        let rpmb = StoredDevice { rpmb: copy.rpmb.clone(), ..intact.clone() };
        assert_refused_or_unharmed(rpmb, &keys, highest, &format!("RPMB {age}"));
    }
}

#[test]
fn parts_of_another_phone_are_refused() {
    let (copies, keys, highest) = newest();
    let (others, ..) = newest();
    let (own, other) = (copies.last().unwrap(), others.last().unwrap());
    for contents in [
        StoredDevice { root_key: other.root_key.clone(), ..own.clone() },
        StoredDevice { sealed: other.sealed.clone(), ..own.clone() },
        StoredDevice { rpmb: other.rpmb.clone(), ..own.clone() },
    ] {
        assert!(!assert_refused_or_unharmed(contents, &keys, highest, "a part of another phone"));
    }
}
