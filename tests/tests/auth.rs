//! `soter-sim auth`: its one line on stdout, its touches, and the codes that a phone answers.

use serde_json::json;
use soter_tests::{Callback, Key, Program, State, call};
use soter_wire::{PROFILES, SignatureScheme};

/// An authentication on an ephemeral phone.
fn auth(arguments: &[&str]) -> Program {
    Program::new(["--ephemeral", "auth", "--challenge", "order-42"]).arguments(arguments)
}

#[test]
fn auth_prints_the_callback_object_as_one_line() {
    let finished = auth(&["--touch", "1"]).run().exits(0);
    let callback = Callback::read(&finished.json());
    assert_eq!((callback.err_code, callback.auth_mode.as_str()), (0, "fingerPrint"));
    assert_eq!(callback.result().raw, "order-42");
    assert_eq!(callback.signature_bytes().len(), 256);
}

#[test]
fn a_touch_with_a_number_that_is_not_enrolled_causes_a_remark() {
    let finished = auth(&["--touch", "7,1"]).run().exits(0);
    assert_eq!(Callback::read(&finished.json()).err_code, 0);
    assert!(finished.stderr.starts_with("remark: no finger or face 7 is enrolled"), "{finished}");
    let silent = auth(&["--touch", "wrong,1"]).run().exits(0);
    assert_eq!(silent.stderr, "");
    let _ = auth(&["--touch", "0"]).run().refuses_usage();
}

#[test]
fn the_challenge_may_be_positional() {
    let finished = Program::new(["auth", "order-43", "--touch", "1", "--ephemeral"]).run().exits(0);
    assert_eq!(Callback::read(&finished.json()).result().raw, "order-43");
}

#[test]
fn options_are_accepted_before_and_after_the_command() {
    let before =
        Program::new(["--ephemeral", "--profile", "ios", "auth", "a", "--touch", "1"]).run().exits(0);
    let after = Program::new(["auth", "a", "--touch", "1", "--profile", "ios", "--ephemeral"]).run().exits(0);
    for finished in [before, after] {
        assert_eq!(Callback::read(&finished.json()).result().fid, None, "results of iPhones have no fid");
    }
}

#[test]
fn a_result_verifies_with_the_key_that_is_listed() {
    let families: [_; PROFILES.len()] =
        [("trustonic", 20), ("itrustee", 32), ("qsee", 20), ("ios", 20), ("ios-touch-id", 20)];
    for (profile, salt_length) in families {
        let state = State::new();
        let finished = state.program(["auth", "a", "--touch", "1", "--profile", profile]).run().exits(0);
        let callback = Callback::read(&finished.json());
        let keys = state.keys();
        let key = Key::only(&keys, "authkey").public();
        assert_eq!(callback.verify(&key), Ok(()), "{profile}");
        assert_eq!(Some(callback.result().scheme()), SignatureScheme::rsa_pss(salt_length), "{profile}");
        assert!(callback.verify(&Key::only(&keys, "ask").public()).is_err(), "{profile}");
    }
}

#[test]
fn touch_scripts_end_as_on_a_phone() {
    let cases = [
        ("trustonic", "1", 0),
        ("trustonic", "wrong,1", 0),
        ("trustonic", "wrong,wrong,wrong,wrong,1", 0),
        ("trustonic", "cancel", 90008),
        ("trustonic", "wrong,cancel,1", 90008),
        ("trustonic", "wrong", 90008),
        ("trustonic", "7", 90008),
        ("trustonic", "wrong,wrong,wrong,wrong,wrong", 90010),
        ("trustonic", "wrong,wrong,wrong,wrong,wrong,1", 90010),
        ("ios", "wrong,wrong,1", 0),
        ("ios", "wrong,wrong,wrong", 90009),
        ("ios", "wrong,wrong,wrong,1", 90009),
        ("ios-touch-id", "wrong,wrong,1", 0),
    ];
    for (profile, script, code) in cases {
        let finished = auth(&["--touch", script, "--profile", profile]).run();
        let finished = finished.exits(i32::from(code != 0));
        assert_eq!(Callback::read(&finished.json()).err_code, code, "{profile} {script}");
    }
}

#[test]
fn a_cancel_has_the_message_that_apps_check_for() {
    let finished = auth(&["--touch", "cancel"]).run().exits(1);
    assert_eq!(Callback::read(&finished.json()).err_msg, "startSoterAuthentication:fail cancel");
}

#[test]
fn without_a_script_and_a_terminal_auth_is_refused() {
    let refused = auth(&[]).run().refuses(2);
    assert!(refused.stderr.contains("--touch"), "{refused}");
}

#[test]
fn an_automatic_or_scripted_sensor_needs_no_touch_option() {
    for (mode, code) in [("auto", 0), ("wrong,1", 0), ("cancel", 90008)] {
        let state = State::new();
        let set = call("sensor.setMode", &json!({"mode": mode}));
        let _ = state.repl().input(set).run().exits(0);
        let finished = state.program(["auth", "a"]).run().exits(i32::from(code != 0));
        assert_eq!(Callback::read(&finished.json()).err_code, code, "{mode}");
    }
}

#[test]
fn invalid_scripts_are_usage_errors() {
    for script in ["", "banana", "1,,1", "wrong,-1", "99999999999999999999", "1;2"] {
        let refused = auth(&["--touch", script]).run().refuses_usage();
        assert!(refused.stderr.contains("touch"), "{refused}");
    }
}

/// Settings and a call that differ from [`SUCCESS`], and the answer of the call.
struct Case {
    profile: &'static str,
    before: &'static [(&'static str, &'static str)],
    modes: &'static str,
    touch: &'static str,
    code: i64,
    text: &'static str,
}

/// The method that changes a setting.
const SET: &str = "device.set";

/// A phone with default settings, and a matching finger.
const SUCCESS: Case =
    Case { profile: "trustonic", before: &[], modes: "fingerPrint", touch: "1", code: 0, text: "ok" };

#[test]
fn every_code_can_be_caused_and_has_its_text() {
    let cases = [
        SUCCESS,
        Case {
            before: &[(SET, r#"{"support":false}"#)],
            code: 90001,
            text: "fail not support soter",
            ..SUCCESS
        },
        Case {
            before: &[(SET, r#"{"permission":false}"#)],
            code: 90002,
            text: "fail user not grant to use fingerprint",
            ..SUCCESS
        },
        Case { modes: "", code: 90003, text: "fail authen mode is null", ..SUCCESS },
        Case { modes: "facial", code: 90003, text: "fail no corresponding mode", ..SUCCESS },
        Case { modes: "palm", code: 90003, text: "fail", ..SUCCESS },
        Case { modes: "FINGERPRINT", code: 90003, text: "fail", ..SUCCESS },
        Case {
            before: &[(SET, r#"{"modes":[]}"#)],
            code: 90003,
            text: "fail no corresponding mode",
            ..SUCCESS
        },
        Case { before: &[(SET, r#"{"failNext":90005}"#)], code: 90005, text: "fail", ..SUCCESS },
        Case {
            before: &[(SET, r#"{"internalError":"auth key update error"}"#)],
            code: 90007,
            text: "fail auth key update error",
            ..SUCCESS
        },
        Case { touch: "cancel", code: 90008, text: "fail cancel", ..SUCCESS },
        Case { profile: "ios-touch-id", touch: "wrong,wrong,wrong", code: 90009, text: "fail", ..SUCCESS },
        Case {
            touch: "wrong,wrong,wrong,wrong,wrong",
            code: 90010,
            text: "fail authenticate freeze. please try again later",
            ..SUCCESS
        },
        Case {
            before: &[("biometric.remove", r#"{"number":1}"#)],
            code: 90011,
            text: "fail no fingerprint enrolled",
            ..SUCCESS
        },
        Case {
            before: &[(SET, r#"{"reportNotEnrolled":true}"#)],
            code: 90011,
            text: "fail no fingerprint enrolled",
            ..SUCCESS
        },
    ];
    for case in cases {
        let mut lines: Vec<_> =
            case.before.iter().map(|(method, parameters)| format!("call {method} {parameters}")).collect();
        lines.push(format!("auth order-42 --modes '{}' --touch {}", case.modes, case.touch));
        let finished = Program::new(["--ephemeral", "--json", "--profile", case.profile])
            .input(lines.join("\n"))
            .run()
            .exits(0);
        let answers = finished.json_lines();
        assert_eq!(answers.len(), lines.len(), "{finished}");
        let callback = Callback::read(&answers[lines.len() - 1]);
        assert_eq!(callback.err_code, case.code, "{finished}");
        let text = callback.err_msg.strip_prefix("startSoterAuthentication:").unwrap_or_default();
        if case.text == "fail" {
            assert!(text.starts_with("fail"), "{finished}");
        } else {
            assert_eq!(text, case.text, "{finished}");
        }
    }
}

#[test]
fn a_frozen_phone_stays_frozen_for_the_next_call() {
    let state = State::new();
    let frozen = state.program(["auth", "a", "--touch", "wrong,wrong,wrong,wrong,wrong"]).run().exits(1);
    assert_eq!(Callback::read(&frozen.json()).err_code, 90010);
    let still = state.program(["auth", "a", "--touch", "1"]).run().exits(1);
    assert_eq!(Callback::read(&still.json()).err_code, 90010);
    let _ = state.program(["biometric", "unlock"]).run().exits(0);
    assert_eq!(state.authenticate("a").err_code, 0);
}

#[test]
fn modes_that_the_phone_does_not_know_are_ignored() {
    let finished = auth(&["--modes", "palm,facial,fingerPrint", "--touch", "1"]).run().exits(0);
    assert_eq!(Callback::read(&finished.json()).auth_mode, "fingerPrint");
}

#[test]
fn dialog_texts_that_are_too_long_are_not_a_failure() {
    let _ = auth(&["--content", &"x".repeat(43), "--touch", "1"]).run().exits(0);
    let _ = auth(&["--content", "", "--touch", "1"]).run().exits(0);
}
