//! Keys: which key signs which, and which operations keep or remove them.

use soter_wire::SignatureScheme;

use super::*;

const PAY: fn() -> KeyPath = || KeyPath::AuthKey { uid: 1, name: "pay".to_owned() };

#[test]
fn every_export_is_signed_by_the_level_above_over_exactly_its_bytes() {
    for profile in PROFILES {
        let (_outside, mut tee) = phone_with_keys(profile.name);
        assert_every_export_is_signed_by_the_level_above(&mut tee);
    }
}

#[track_caller]
fn assert_every_export_is_signed_by_the_level_above(tee: &mut Tee) {
    let profile = tee.profile();
    let [attk, ask, auth_key] =
        [KeyPath::Attk, KeyPath::Ask { uid: 1 }, PAY()].map(|path| public_key(tee, &path));

    let exported = tee.auth_key(1, "pay").unwrap();
    let signed = sign(tee, "order-42").unwrap();

    assert_eq!(ask.verify(profile.scheme, &exported.json, &exported.signature), Ok(()));
    let json = KeyJson::decode(&exported.json).unwrap();
    assert_eq!(json.scheme(), profile.scheme);
    assert_eq!((json.public_key, json.cpu_id, json.uid), (auth_key.clone(), tee.cpu_id(), tee.uid(1)));
    let result = &signed.export;
    assert_eq!(auth_key.verify(profile.scheme, &result.json, &result.signature), Ok(()));
    let json = ResultJson::decode(&result.json).unwrap();
    assert_eq!(json.scheme(), profile.scheme);
    assert_eq!((json.raw.as_str(), &json.cpu_id, &json.uid), ("order-42", &tee.cpu_id(), &tee.uid(1)));
    assert_eq!(json.fid, profile.has_fid().then(|| tee.enrolments()[0].fid.clone()));
    assert_eq!(signed.key_fingerprint, auth_key.fingerprint());
    let exported = tee.app_secure_key(1).unwrap();
    match profile.ask {
        AskForm::Json => {
            assert_eq!(attk.verify(profile.scheme, &exported.json, &exported.signature), Ok(()));
            assert_eq!(KeyJson::decode(&exported.json).unwrap().public_key, ask);
        }
        AskForm::CertificateChain => {
            let facts = CertificateChain::decode(&exported.json).unwrap().verify().unwrap();
            assert_eq!((facts.device_key, facts.ask), (attk, ask));
            assert_eq!(facts.challenge.scheme(), profile.scheme);
        }
    }
}

#[test]
fn a_profile_outside_the_table_works_like_those_in_it() {
    let huawei = *Profile::named("itrustee").unwrap();
    let scheme = SignatureScheme::rsa_pss(24).unwrap();
    // One has the name of a row, one has its own name.
    for profile in
        [Profile { scheme, ..huawei }, Profile { name: "own", scheme, ask: AskForm::Json, ..huawei }]
    {
        let profile: &'static Profile = Box::leak(Box::new(profile));
        for seed in [None, Some(Seed::from_text("salt"))] {
            let outside = TestEnvironment::new(profile.name);
            let identity = DeviceIdentity { name: "phone", profile: Some(profile), seed: seed.as_ref() };
            let open = || Tee::open(Box::new(outside.clone()), &identity).unwrap();
            let mut tee = open();
            tee.generate_app_secure_key(1).unwrap();
            tee.generate_auth_key(1, "pay").unwrap();
            assert_every_export_is_signed_by_the_level_above(&mut tee);
            drop(tee);

            let mut tee = open();

            assert_eq!(tee.profile(), profile);
            assert_every_export_is_signed_by_the_level_above(&mut tee);
        }
    }
}

#[test]
fn a_restart_changes_no_key_and_no_identity() {
    for profile in Profile::names() {
        let (outside, mut tee) = phone_with_keys(profile);
        let before = (tee.keys().unwrap(), tee.cpu_id(), tee.uid(1), tee.enrolments().to_vec());
        drop(tee);

        let mut tee = outside.open();

        assert_eq!((tee.keys().unwrap(), tee.cpu_id(), tee.uid(1), tee.enrolments().to_vec()), before);
        assert!(sign(&mut tee, "challenge").is_ok());
    }
}

#[test]
fn a_new_ask_replaces_the_old_one_and_removes_its_auth_keys() {
    let (outside, mut tee) = phone_with_keys("trustonic");
    let old = public_key(&mut tee, &KeyPath::Ask { uid: 1 });

    let new = tee.generate_app_secure_key(1).unwrap();

    assert_ne!(new, old);
    for tee in [&mut tee, &mut outside.open()] {
        assert_eq!(public_key(tee, &KeyPath::Ask { uid: 1 }), new);
        assert!(!tee.has_auth_key(1, "pay"));
    }
}

#[test]
fn removing_everything_of_one_app_does_not_affect_the_others() {
    let (outside, mut tee) = phone_with_keys("trustonic");
    tee.generate_app_secure_key(2).unwrap();
    tee.generate_auth_key(2, "pay").unwrap();

    tee.remove_all_auth_keys(1).unwrap();

    for tee in [&mut tee, &mut outside.open()] {
        assert!(!tee.has_app_secure_key(1) && !tee.has_auth_key(1, "pay"));
        assert!(tee.has_valid_auth_key(2, "pay"));
        assert_eq!(tee.keys().unwrap().len(), 3);
    }
}

#[test]
fn a_factory_reset_keeps_identity_attk_and_counter_and_enrolls_one_new_finger() {
    let (outside, mut tee) = phone_with_keys("itrustee");
    let (cpu_id, attk, last) = (tee.cpu_id(), public_key(&mut tee, &KeyPath::Attk), tee.last_counter());
    let session = tee.init_sign(1, "pay", "challenge", &[Mode::FingerPrint]).unwrap();
    tee.present(session, FINGER).unwrap();

    tee.factory_reset().unwrap();

    assert!(matches!(tee.finish_sign(session), Err(TeeError::NoSession { .. })));
    for tee in [&mut tee, &mut outside.open()] {
        assert_eq!(tee.cpu_id(), cpu_id);
        let keys = tee.keys().unwrap();
        assert_eq!(keys.len(), 1);
        assert_eq!(keys[0].public, attk);
        assert!(tee.last_counter() >= last);
        let enrolments = tee.enrolments();
        assert_eq!((enrolments.len(), enrolments[0].number), (1, 1));
        assert!(tee.sensor_failures().is_empty());
    }
}

#[test]
fn a_system_upgrade_changes_the_cpu_id_and_nothing_else() {
    for profile in PROFILES {
        let (outside, mut tee) = phone_with_keys(profile.name);
        let (cpu_id, uid, keys) = (tee.cpu_id(), tee.uid(1), tee.keys().unwrap());

        tee.system_upgrade().unwrap();

        let upgraded = tee.cpu_id();
        assert_ne!(upgraded, cpu_id);
        assert!(profile.cpu_id.matches(&upgraded), "{upgraded}");
        let mut tee = outside.open();
        assert_eq!((tee.cpu_id(), tee.uid(1), tee.keys().unwrap()), (upgraded, uid, keys));
    }
}

#[test]
fn a_phone_of_another_family_or_seed_does_not_open_and_is_unchanged() {
    let (outside, mut tee) = phone_with_keys("trustonic");
    let keys = tee.keys().unwrap();
    drop(tee);

    let other_family = TestEnvironment { profile: "ios", ..outside.clone() }.try_open(None).unwrap_err();
    let other_seed = outside.try_open(Some(&Seed::from_text("seed"))).unwrap_err();

    assert!(matches!(other_family, OpenError::OtherProfile { .. }), "{other_family}");
    assert!(matches!(other_seed, OpenError::OtherSeed { .. }), "{other_seed}");
    assert_eq!(outside.open().keys().unwrap(), keys);
}
