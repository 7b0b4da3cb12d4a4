//! Timed and permanent lockout as on Android, and the effect of an enrolment on AuthKeys. Both survive restarts.

use super::*;

/// Presents wrong touches, each in its own session. Returns the last judgement.
fn fail(tee: &mut Tee, times: u32) -> Judgement {
    let mut last = None;
    for _ in 0..times {
        let session = tee.init_sign(1, "pay", "challenge", &[Mode::FingerPrint]).unwrap();
        last = Some(tee.present(session, NOT_ENROLLED).unwrap());
        tee.cancel(session).unwrap();
    }
    last.unwrap()
}

fn touch_once(tee: &mut Tee) -> Judgement {
    let session = tee.init_sign(1, "pay", "challenge", &[Mode::FingerPrint]).unwrap();
    let judgement = tee.present(session, FINGER).unwrap();
    tee.cancel(session).unwrap();
    judgement
}

#[test]
fn failures_survive_a_crash() {
    let (outside, mut tee) = phone_with_keys("trustonic");
    for left in [4, 3, 2, 1] {
        let rejected = Judgement::Rejected { attempts_left: left, lockout: None };
        assert_eq!(fail(&mut tee, 1), rejected);
        tee = outside.open();
    }

    let lockout = Lockout::Timed { remaining_ms: 30_000 };

    assert_eq!(fail(&mut tee, 1), Judgement::Rejected { attempts_left: 0, lockout: Some(lockout) });
    assert_eq!(outside.open().lockout(Mode::FingerPrint), Some(lockout));
}

#[test]
fn a_timed_lockout_counts_calendar_time_while_the_phone_is_off() {
    let (outside, mut tee) = phone_with_keys("trustonic");
    fail(&mut tee, 5);
    drop(tee);
    outside.advance(29_999);
    let mut tee = outside.open();
    assert_eq!(touch_once(&mut tee), Judgement::LockedOut(Lockout::Timed { remaining_ms: 1 }));
    drop(tee);
    outside.advance(1);

    assert!(matches!(touch_once(&mut outside.open()), Judgement::Matched(_)));
}

#[test]
fn touches_of_a_locked_sensor_are_not_counted() {
    let (outside, mut tee) = phone_with_keys("trustonic");
    fail(&mut tee, 5);

    fail(&mut tee, 40);
    outside.advance(30_000);

    assert_eq!(fail(&mut tee, 1), Judgement::Rejected { attempts_left: 4, lockout: None });
    assert_eq!(tee.sensor_failures()[0].failed_attempts, 6);
}

#[test]
fn a_permanent_lockout_survives_restarts_and_years_until_the_pin() {
    let (outside, mut tee) = phone_with_keys("trustonic");
    for lock in 1..=4 {
        fail(&mut tee, 5);
        assert_eq!(tee.lockout(Mode::FingerPrint) == Some(Lockout::Permanent), lock == 4);
        outside.advance(30_000);
    }
    drop(tee);
    outside.advance(10 * 365 * 24 * 3_600_000);
    let mut tee = outside.open();
    assert_eq!(touch_once(&mut tee), Judgement::LockedOut(Lockout::Permanent));

    tee.unlock().unwrap();
    drop(tee);

    assert!(matches!(touch_once(&mut outside.open()), Judgement::Matched(_)));
}

#[test]
fn an_iphone_locks_permanently_at_the_fifth_failure() {
    let (outside, mut tee) = phone_with_keys("ios-touch-id");
    assert_eq!(fail(&mut tee, 4), Judgement::Rejected { attempts_left: 1, lockout: None });

    let fifth = fail(&mut tee, 1);

    assert_eq!(fifth, Judgement::Rejected { attempts_left: 0, lockout: Some(Lockout::Permanent) });
    outside.advance(3_600_000);
    assert_eq!(outside.open().lockout(Mode::FingerPrint), Some(Lockout::Permanent));
}

#[test]
fn the_reset_of_the_failure_count_by_a_match_survives_a_crash() {
    let (outside, mut tee) = phone_with_keys("trustonic");
    fail(&mut tee, 4);
    assert!(matches!(touch_once(&mut tee), Judgement::Matched(_)));

    let mut tee = outside.open();

    assert_eq!(fail(&mut tee, 4), Judgement::Rejected { attempts_left: 1, lockout: None });
}

#[test]
fn a_failure_that_cannot_be_stored_is_an_error_and_not_counted() {
    let (outside, mut tee) = phone_with_keys("trustonic");
    let session = tee.init_sign(1, "pay", "challenge", &[Mode::FingerPrint]).unwrap();
    outside.break_storage();

    assert!(matches!(tee.present(session, NOT_ENROLLED), Err(TeeError::StorageInDoubt(_))));

    outside.repair_storage();
    let rejected = Judgement::Rejected { attempts_left: 4, lockout: None };
    assert_eq!(tee.present(session, NOT_ENROLLED).unwrap(), rejected);
}

#[test]
fn an_enrolment_invalidates_every_auth_key_permanently_and_keeps_the_ask() {
    let (outside, mut tee) = phone_with_keys("trustonic");
    tee.generate_app_secure_key(2).unwrap();
    tee.generate_auth_key(2, "login").unwrap();
    let second = tee.enroll(Mode::FingerPrint).unwrap();
    tee.remove_enrolment(second.number).unwrap();
    drop(tee);

    let mut tee = outside.open();

    for (uid, name) in [(1, "pay"), (2, "login")] {
        assert!(tee.has_auth_key(uid, name) && !tee.has_valid_auth_key(uid, name));
        for error in [
            tee.auth_key(uid, name).unwrap_err(),
            tee.init_sign(uid, name, "challenge", &[Mode::FingerPrint]).unwrap_err(),
        ] {
            assert_eq!(error.result_code(), Some(result_code::AUTH_KEY_EXPIRED), "{error}");
        }
        assert!(tee.app_secure_key(uid).is_ok());
    }
    let valid: Vec<bool> = tee.keys().unwrap().iter().map(|key| key.valid).collect();
    assert_eq!(valid, [true, true, false, true, false]);
    tee.generate_auth_key(1, "pay").unwrap();
    assert!(sign(&mut tee, "challenge").is_ok());
}

#[test]
fn removing_a_finger_keeps_auth_keys_valid_and_the_finger_no_longer_matches() {
    let (outside, mut tee) = phone_with_keys("trustonic");
    tee.remove_enrolment(1).unwrap();

    let mut tee = outside.open();

    assert!(tee.has_valid_auth_key(1, "pay"));
    assert!(matches!(touch_once(&mut tee), Judgement::Rejected { .. }));
}

#[test]
fn a_touch_without_a_session_is_judged_and_counted_like_any_other_and_spends_no_counter_value() {
    let (outside, mut tee) = phone_with_keys("trustonic");
    let counter = tee.last_counter();
    assert!(matches!(tee.judge(FINGER), Ok(Judgement::Matched(_))));
    assert_eq!(tee.judge(NOT_ENROLLED).unwrap(), Judgement::Rejected { attempts_left: 4, lockout: None });
    assert_eq!(tee.last_counter(), counter);

    let mut tee = outside.open();

    assert_eq!(fail(&mut tee, 1), Judgement::Rejected { attempts_left: 3, lockout: None });
    assert!(matches!(tee.judge(FINGER), Ok(Judgement::Matched(_))));
    assert_eq!(fail(&mut tee, 1), Judgement::Rejected { attempts_left: 4, lockout: None });
}
