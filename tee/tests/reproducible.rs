//! A seed reproduces a phone: every key, text, counter and signature, byte for byte, on every machine.

#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use soter_tee::{
    DeviceIdentity, Environment, MemoryStorage, Presented, RandomnessError, Seed, Storage, Tee,
    operating_system_random,
};
use soter_wire::{ExportBlob, KeyJson, PROFILES, Profile, PublicKey, SignatureScheme};

const UID: u32 = 10115;
/// The fixed clock: 2020-01-01T00:00:00Z.
const CLOCK: u64 = 1_577_836_800_000;

/// Storage in memory, and a fixed clock.
#[derive(Default)]
struct TestEnvironment {
    storage: MemoryStorage,
}

impl Environment for TestEnvironment {
    fn random(&mut self, out: &mut [u8]) -> Result<(), RandomnessError> {
        operating_system_random(out)
    }

    fn unix_millis(&self) -> u64 {
        CLOCK
    }

    fn storage(&mut self) -> &mut dyn Storage {
        &mut self.storage
    }
}

/// Everything that a device of this seed exports in a fixed sequence of commands.
fn exports(profile: &str, seed: Option<&str>, name: &str) -> Vec<Vec<u8>> {
    let seed = seed.map(Seed::from_text);
    let identity = DeviceIdentity { name, profile: Profile::named(profile), seed: seed.as_ref() };
    let mut tee = Tee::open(Box::new(TestEnvironment::default()), &identity).unwrap();
    tee.generate_app_secure_key(UID).unwrap();
    let ask = tee.app_secure_key(UID).unwrap();
    tee.generate_auth_key(UID, "pay").unwrap();
    let auth_key = tee.auth_key(UID, "pay").unwrap();
    let mode = tee.enrolments()[0].mode;
    let session = tee.init_sign(UID, "pay", "order-42", &[mode]).unwrap();
    tee.present(session, Presented { mode, enrolment: Some(1) }).unwrap();
    let signed = tee.finish_sign(session).unwrap().export;
    vec![ask.encode(), auth_key.encode(), signed.json, signed.signature]
}

#[test]
fn a_seed_reproduces_every_export_of_every_family_byte_for_byte() {
    for profile in PROFILES {
        let first = exports(profile.name, Some("golden"), "phone");
        assert_eq!(first, exports(profile.name, Some("golden"), "phone"), "{}", profile.name);
    }
    let first = exports("trustonic", Some("golden"), "phone");
    for (seed, name) in [(Some("gold"), "phone"), (Some("golden"), "phone2"), (None, "phone")] {
        let other = exports("trustonic", seed, name);
        assert!(first.iter().zip(&other).all(|(one, another)| one != another), "{seed:?} {name}");
    }
}

#[test]
fn one_key_one_result_and_one_signature_of_a_seed_are_pinned() {
    let exports = exports("trustonic", Some("golden"), "phone");
    let auth_key = ExportBlob::decode(&exports[1]).unwrap();
    let key = KeyJson::decode(&auth_key.json).unwrap().public_key;
    assert_eq!(key.fingerprint(), "bdbdd8c304ba96ca23a14f9ce8e0c08ff4ad643d1b47a54233e7953047d9b0a5");
    assert_eq!(
        String::from_utf8_lossy(&exports[2]),
        "{\"raw\":\"order-42\",\"fid\":\"2043284\",\"counter\":5,\"tee_n\":\"t-base-Mediatek-Armv8-Android-302A-V012-emulated\",\"tee_v\":\"10010\",\"fp_n\":\"FPC\",\"fp_v\":\"6516\",\"cpu_id\":\"89177208b7060d16130c2eb9ba2f83dc270eec6e\",\"uid\":\"10115\"}"
    );
    assert_eq!(
        soter_wire::base64::encode(&exports[3]),
        "eN5F9NEhEBoa8iTzJrYmo7vLZU84x3xa/D2s5q0ZDJsUAcSzbE/3DoKgjkPWLHzXoyXYKWS/wLVC7dNiISesJ5nOnbKPBy6AO+GMI1fmO9qXgcida5Ws+krne+r/5k/bDVztC6B7hrhiJkxvw2mJsOGoIpdhVKqqqTb6UfdIziR/I4YnjXyNxufzC7QSExFlKo9k9V4bi00f4mPBMc2TO+JGTLuSlnS9QlG4Vcgi03cP7ZaCERxceXYnTTf2KL2vitTFu0PQZjcQdM8SbsP1blOgJxD37FqA3ALIFWb2Y5/VOjp/sl3/JSUEBSH87oMwsgea5516xz6f/HzbkIya1Q=="
    );
    assert_eq!(key.verify(SignatureScheme::default(), &exports[2], &exports[3]), Ok(()));
}

#[test]
fn a_regenerated_seeded_key_is_different_and_independent_of_other_commands() {
    let seed = Seed::from_text("a seed");
    let life = |with_other_key: bool| -> Vec<PublicKey> {
        let identity = DeviceIdentity { name: "phone", profile: None, seed: Some(&seed) };
        let mut tee = Tee::open(Box::new(TestEnvironment::default()), &identity).unwrap();
        tee.generate_app_secure_key(UID).unwrap();
        if with_other_key {
            tee.generate_auth_key(UID, "other").unwrap();
        }
        let first = tee.generate_auth_key(UID, "pay").unwrap();
        tee.remove_auth_key(UID, "pay").unwrap();
        vec![first, tee.generate_auth_key(UID, "pay").unwrap()]
    };
    let keys = life(false);
    assert_ne!(keys[0], keys[1]);
    assert_eq!(keys, life(true));
}
