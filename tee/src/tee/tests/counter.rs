//! The counter strictly increases for each device, forever.

use soter_wire::MAX_COUNTER;

use super::*;

/// Runs every command that uses a counter value. Returns the value in each export; `None` for commands without one.
fn every_operation(tee: &mut Tee) -> [Option<u64>; 5] {
    tee.generate_app_secure_key(1).unwrap();
    let ask = tee.app_secure_key(1).unwrap();
    tee.generate_auth_key(1, "pay").unwrap();
    let auth_key = tee.auth_key(1, "pay").unwrap();
    let signed = sign(tee, "challenge").unwrap();
    let signed_counter = exported_counter(&signed.export);
    assert_eq!(signed_counter, signed.counter);
    [None, Some(exported_counter(&ask)), None, Some(exported_counter(&auth_key)), Some(signed_counter)]
}

/// Asserts that the values in exports are above `highest` and increase. Returns the last.
fn assert_increasing(values: &[Option<u64>], mut highest: u64) -> u64 {
    for value in values.iter().flatten().copied() {
        assert!(value > highest, "{value} after {highest}: {values:?}");
        highest = value;
    }
    highest
}

#[test]
fn every_operation_of_every_family_uses_one_value() {
    for profile in Profile::names() {
        let mut tee = TestEnvironment::new(profile).open();
        assert_eq!(tee.last_counter(), 0, "{profile}");

        let exported = every_operation(&mut tee);

        assert_eq!(exported, [None, Some(2), None, Some(4), Some(5)], "{profile}");
        assert_eq!(tee.last_counter(), 5, "{profile}");
    }
}

#[test]
fn queries_and_failures_use_no_value() {
    let (_outside, mut tee) = phone_with_keys("trustonic");
    let before = tee.last_counter();

    tee.keys().unwrap();
    tee.extra_parameter("fingerprint_type").unwrap();
    tee.app_secure_key(2).unwrap_err();
    tee.auth_key(1, "other").unwrap_err();
    tee.generate_auth_key(2, "pay").unwrap_err();
    tee.init_sign(1, "pay", "", &[Mode::FingerPrint]).unwrap_err();
    let session = tee.init_sign(1, "pay", "challenge", &[Mode::FingerPrint]).unwrap();
    tee.present(session, NOT_ENROLLED).unwrap();
    tee.finish_sign(session).unwrap_err();

    assert_eq!(tee.last_counter(), before);
}

#[test]
fn no_value_is_repeated_after_a_crash_restart_reset_reinstall_or_upgrade() {
    let outside = TestEnvironment::new("trustonic");
    let mut tee = outside.open();
    let mut highest = 0;
    for life in 0..30 {
        highest = assert_increasing(&every_operation(&mut tee), highest);
        // The power fails now, although the phone continues in the test.
        let mut crashed = outside.crashed().open();
        assert_increasing(&every_operation(&mut crashed), highest);
        match life % 6 {
            0 => tee.close().unwrap(),
            1 => tee = outside.open(),
            2 => tee.factory_reset().unwrap(),
            3 => tee.remove_all_auth_keys(1).unwrap(),
            4 => tee.system_upgrade().unwrap(),
            _ => {
                tee.close().unwrap();
                tee = outside.open();
            }
        }
        // A factory reset enrolls another finger; the tests touch with the first one.
        if !tee.enrolments().iter().any(|finger| finger.number == 1) {
            return_to_first_finger(&mut tee);
        }
    }
}

/// Restores the number of the first finger by changing the state directly.
fn return_to_first_finger(tee: &mut Tee) {
    tee.vault
        .commit(|state| {
            let identity = state.identity.clone();
            state.matcher = Matcher::default();
            state.matcher.enroll(Mode::FingerPrint, &identity);
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_clean_shutdown_skips_no_value_and_a_crash_skips_less_than_a_block() {
    let (outside, mut tee) = phone_with_keys("trustonic");
    let last = sign(&mut tee, "first").unwrap().counter;

    let after_crash = sign(&mut outside.crashed().open(), "second").unwrap().counter;
    tee.close().unwrap();
    let after_close = sign(&mut outside.open(), "second").unwrap().counter;

    assert_eq!(after_close, last + 1);
    assert!(after_crash > last && after_crash <= last + 16, "{after_crash} after {last}");
}

#[test]
fn a_closed_phone_keeps_working_and_repeats_no_value() {
    let (outside, mut tee) = phone_with_keys("trustonic");
    let before = sign(&mut tee, "before").unwrap().counter;
    tee.close().unwrap();

    let after = sign(&mut tee, "after").unwrap().counter;
    drop(tee);

    assert_eq!(after, before + 1);
    assert!(sign(&mut outside.open(), "later").unwrap().counter > after);
}

#[test]
fn nothing_is_signed_with_a_value_that_is_not_durable() {
    let (outside, mut tee) = phone_with_keys("trustonic");
    let mut highest = tee.last_counter();
    outside.break_storage();
    let refused = loop {
        match sign(&mut tee, "challenge") {
            Ok(signed) => {
                assert!(signed.counter > highest);
                highest = signed.counter;
                let first = sign(&mut outside.crashed().open(), "next").unwrap();
                assert!(first.counter > highest, "{} after {highest}", first.counter);
            }
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, TeeError::StorageInDoubt(_)), "{refused}");
    assert_eq!(tee.last_counter(), highest);

    outside.repair_storage();

    assert!(sign(&mut tee, "challenge").unwrap().counter > highest);
}

#[test]
fn values_that_could_not_be_returned_are_skipped() {
    let (outside, mut tee) = phone_with_keys("trustonic");
    let last = sign(&mut tee, "first").unwrap().counter;
    outside.break_storage();
    assert!(matches!(tee.close(), Err(TeeError::StorageInDoubt(_))));
    assert!(sign(&mut tee, "not durable").is_err());
    outside.repair_storage();

    let next = sign(&mut tee, "second").unwrap().counter;

    assert!(next > last);
    assert!(sign(&mut outside.open(), "third").unwrap().counter > next);
}

#[test]
fn the_highest_value_is_used_once_and_then_the_phone_signs_nothing() {
    let (outside, mut tee) = phone_with_keys("trustonic");
    tee.vault
        .commit(|state| {
            state.counter_limit = MAX_COUNTER - 2;
            Ok(())
        })
        .unwrap();
    let mut tee = outside.open();

    assert_eq!(sign(&mut tee, "last but one").unwrap().counter, MAX_COUNTER - 1);
    assert_eq!(sign(&mut tee, "last").unwrap().counter, MAX_COUNTER);

    for _ in 0..2 {
        let keys = tee.keys().unwrap();
        for error in [
            sign(&mut tee, "one too many").unwrap_err(),
            tee.app_secure_key(1).unwrap_err(),
            tee.auth_key(1, "pay").unwrap_err(),
            tee.generate_app_secure_key(1).unwrap_err(),
            tee.generate_app_secure_key(2).unwrap_err(),
            tee.generate_auth_key(1, "pay").unwrap_err(),
        ] {
            assert!(matches!(error, TeeError::CounterExhausted { last: MAX_COUNTER }), "{error}");
            assert_eq!(error.result_code(), Some(result_code::UNKNOWN));
        }
        assert_eq!(tee.keys().unwrap(), keys);
        assert_eq!(tee.last_counter(), MAX_COUNTER);
        tee.close().unwrap();
        tee = outside.open();
    }
}
