//! The limits, and the result code of a command that exceeds one.

use super::*;

fn code<T: std::fmt::Debug>(result: Result<T, TeeError>) -> Option<i32> {
    result.unwrap_err().result_code()
}

#[test]
fn at_most_sixty_four_apps_have_an_ask() {
    let mut tee = TestEnvironment::new("trustonic").open();
    for uid in 0..64 {
        tee.generate_app_secure_key(uid).unwrap();
    }

    let refused = tee.generate_app_secure_key(64);

    assert_eq!(code(refused), Some(result_code::ASK_GENERATION_FAILED));
    assert!(!tee.has_app_secure_key(64));
    assert!(tee.generate_app_secure_key(63).is_ok(), "an existing one is replaced");
    tee.remove_all_auth_keys(0).unwrap();
    assert!(tee.generate_app_secure_key(64).is_ok());
}

#[test]
fn an_app_has_at_most_sixty_four_auth_keys() {
    let mut tee = TestEnvironment::new("trustonic").open();
    tee.generate_app_secure_key(1).unwrap();
    tee.generate_app_secure_key(2).unwrap();
    for number in 0..64 {
        tee.generate_auth_key(1, &format!("key {number}")).unwrap();
    }

    let refused = tee.generate_auth_key(1, "key 64");

    assert_eq!(code(refused), Some(result_code::AUTH_KEY_GENERATION_FAILED));
    assert!(!tee.has_auth_key(1, "key 64"));
    assert!(tee.generate_auth_key(1, "key 0").is_ok(), "an existing one is replaced");
    assert!(tee.generate_auth_key(2, "key 64").is_ok(), "another app's");
    tee.remove_auth_key(1, "key 1").unwrap();
    assert!(tee.generate_auth_key(1, "key 64").is_ok());
}

#[test]
fn a_name_has_1_to_256_bytes() {
    let (_outside, mut tee) = phone_with_keys("trustonic");
    let longest = "é".repeat(128);
    assert!(tee.generate_auth_key(1, &longest).is_ok());
    assert!(tee.has_valid_auth_key(1, &longest));

    for name in [String::new(), format!("{longest}x")] {
        assert_eq!(code(tee.generate_auth_key(1, &name)), Some(result_code::PARAMETER));
        assert!(!tee.has_auth_key(1, &name));
    }
}

#[test]
fn a_challenge_has_1_to_4096_bytes() {
    let (_outside, mut tee) = phone_with_keys("trustonic");
    for challenge in ["c".to_owned(), "é".repeat(2048)] {
        let signed = sign(&mut tee, &challenge).unwrap();
        assert_eq!(ResultJson::decode(&signed.export.json).unwrap().raw, challenge);
    }

    for challenge in [String::new(), "c".repeat(4097), format!("{}x", "é".repeat(2048))] {
        assert_eq!(code(sign(&mut tee, &challenge)), Some(result_code::PARAMETER));
    }
}

#[test]
fn at_most_thirty_two_fingers_and_faces_are_enrolled() {
    let mut tee = TestEnvironment::new("itrustee").open();
    for number in 2..=32 {
        let mode = if number % 2 == 0 { Mode::Facial } else { Mode::FingerPrint };
        assert_eq!(tee.enroll(mode).unwrap().number, number);
    }

    assert_eq!(code(tee.enroll(Mode::FingerPrint)), Some(result_code::UNKNOWN));

    assert_eq!(tee.enrolments().len(), 32);
    tee.remove_enrolment(7).unwrap();
    assert_eq!(tee.enroll(Mode::Facial).unwrap().number, 33);
    assert_eq!(code(tee.remove_enrolment(7)), Some(result_code::UNKNOWN));
}

#[test]
fn an_app_has_at_most_sixteen_sessions_and_all_apps_together_sixty_four() {
    let outside = TestEnvironment::new("trustonic");
    let mut tee = outside.open();
    for uid in 0..5 {
        tee.generate_app_secure_key(uid).unwrap();
        tee.generate_auth_key(uid, "pay").unwrap();
    }
    let mut open = Vec::new();
    for uid in 0..4 {
        for _ in 0..MAX_SESSIONS_PER_APP {
            open.push(tee.init_sign(uid, "pay", "challenge", &[Mode::FingerPrint]).unwrap());
        }
        let refused = tee.init_sign(uid, "pay", "challenge", &[Mode::FingerPrint]);
        assert_eq!(code(refused), Some(result_code::INIT_SIGN_FAILED), "app {uid}");
    }
    assert_eq!(open.len(), MAX_SESSIONS);
    let refused = tee.init_sign(4, "pay", "challenge", &[Mode::FingerPrint]);
    assert_eq!(code(refused), Some(result_code::INIT_SIGN_FAILED));

    tee.cancel(open[0]).unwrap();
    assert!(tee.init_sign(4, "pay", "challenge", &[Mode::FingerPrint]).is_ok());
    outside.advance(SESSION_LIFETIME_MS);
    assert!(tee.init_sign(3, "pay", "challenge", &[Mode::FingerPrint]).is_ok(), "expired ones make room");
    open.sort_unstable();
    open.dedup();
    assert_eq!(open.len(), MAX_SESSIONS, "numbers of open sessions differ");
    assert!(open.iter().all(|number| (1..1 << 53).contains(number)), "JavaScript reads them exactly");
}

#[test]
fn a_missing_key_session_or_parameter_has_its_own_code() {
    let (_outside, mut tee) = phone_with_keys("trustonic");
    assert_eq!(code(tee.app_secure_key(2)), Some(result_code::NO_ASK));
    assert_eq!(code(tee.generate_auth_key(2, "pay")), Some(result_code::NO_ASK));
    assert_eq!(code(tee.auth_key(2, "pay")), Some(result_code::NO_ASK));
    assert_eq!(code(tee.remove_auth_key(2, "pay")), Some(result_code::NO_ASK));
    assert_eq!(code(tee.remove_all_auth_keys(2)), Some(result_code::NO_ASK));
    assert_eq!(code(tee.auth_key(1, "other")), Some(result_code::AUTH_KEY_NOT_FOUND));
    assert_eq!(code(tee.remove_auth_key(1, "other")), Some(result_code::AUTH_KEY_NOT_FOUND));
    assert_eq!(
        code(tee.init_sign(1, "other", "challenge", &[Mode::FingerPrint])),
        Some(result_code::AUTH_KEY_NOT_FOUND)
    );
    assert_eq!(code(tee.present(1, FINGER)), Some(result_code::SIGN_FAILED));
    assert_eq!(code(tee.finish_sign(1)), Some(result_code::SIGN_FAILED));
    assert_eq!(code(tee.cancel(1)), Some(result_code::SIGN_FAILED));
    assert_eq!(code(tee.extra_parameter("fingerprint_colour")), Some(result_code::NOT_SUPPORTED));
    let session = tee.init_sign(1, "pay", "challenge", &[Mode::FingerPrint]).unwrap();
    assert_eq!(code(tee.finish_sign(session)), Some(result_code::AUTHENTICATION_FAILED));
    assert_eq!(code(tee.finish_sign(session)), Some(result_code::SIGN_FAILED));
}

#[test]
fn errors_that_no_phone_reports_have_no_code() {
    let (outside, mut tee) = phone_with_keys("trustonic");
    outside.break_storage();
    assert_eq!(code(tee.enroll(Mode::FingerPrint)), None);
    assert_eq!(code(tee.generate_app_secure_key(2)), None);
}
