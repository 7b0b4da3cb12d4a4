use serde_json::{Value, json};

use super::*;

#[test]
fn every_method_name_is_unique_and_parses() {
    let mut names: Vec<_> = METHODS.iter().map(|method| method.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), METHODS.len());
    for name in names {
        match Request::parse(name, json!({})) {
            Ok(request) => assert_eq!(request.method(), name),
            Err(error) => assert_eq!(error.kind, ErrorKind::InvalidParams, "{name}: {error}"),
        }
    }
}

#[test]
fn the_protocol_has_all_thirteen_commands_of_the_trusted_app() {
    assert_eq!(METHODS.iter().filter(|method| method.name.starts_with("soter.")).count(), 13);
}

#[test]
fn only_the_trusted_apps_commands_answer_with_its_reply() {
    let reply = soter::Reply::code(3);
    assert_eq!(Response::GetAuthKey(reply.clone()).trusted_app_reply(), Some(&reply));
    let own = Response::DeskReset(desk::WasReset { device: "phone".to_owned() });
    assert_eq!(own.trusted_app_reply(), None);
}

#[test]
fn methods_of_one_noun_are_adjacent_and_have_the_same_callers() {
    let mut nouns: Vec<_> = METHODS.iter().map(|method| (method.noun(), method.caller)).collect();
    nouns.dedup();
    let all = nouns.len();
    nouns.sort_unstable_by_key(|(noun, _)| *noun);
    nouns.dedup_by_key(|(noun, _)| *noun);
    assert_eq!(nouns.len(), all);
}

#[test]
fn an_unknown_method_is_an_attackers_if_its_noun_is() {
    for name in ["danger.clone", "danger.explode", "danger.", "attack.run", "attack.lsit"] {
        assert!(is_attacker_method(name), "{name}");
    }
    for name in ["", ".", "danger", "dangerous.clone", "device.danger", "device.explode", "wx.login"] {
        assert!(!is_attacker_method(name), "{name}");
    }
}

#[test]
fn a_command_names_the_phone_that_it_changes() {
    let changes = |method, params| Request::parse(method, params).unwrap().changes();
    assert_eq!(changes("device.list", json!({})), Changes::Nothing);
    assert_eq!(changes("device.select", json!({"name": "second"})), Changes::ItsPhone);
    assert_eq!(changes("device.remove", json!({"name": "second"})), Changes::PhoneNamed("second".to_owned()));
}

#[test]
fn the_error_for_an_unknown_noun_lists_all_nouns() {
    let error = Call::parse("nose.touch", Value::Null).unwrap_err();
    assert_eq!(
        error.next,
        "methods start with wx., desk., device., servers., fleet., sensor., biometric., soter., keys., verify., danger. or attack."
    );
}

#[test]
fn the_device_is_removed_from_the_parameters() {
    let call = Call::parse("keys.list", json!({"device": "other"})).unwrap();
    assert_eq!(call.device.as_deref(), Some("other"));
    assert_eq!(call.request, Request::KeysList(keys::List {}));
    assert_eq!(Call::parse("keys.list", Value::Null).unwrap().device, None);
}

#[test]
fn unknown_methods_and_invalid_parameters_are_refused() {
    let error = Call::parse("sensor.tuoch", Value::Null).unwrap_err();
    assert_eq!(error.kind, ErrorKind::UnknownMethod);
    assert!(error.next.english().contains("sensor.touch"), "{}", error.next.english());
    for (method, params) in [
        ("sensor.touch", json!({"touch": 1, "force": true})),
        ("sensor.touch", json!({"touch": -1})),
        ("sensor.touch", json!({"touch": "2x"})),
        ("keys.list", json!([])),
        ("keys.list", json!({"device": 7})),
        ("soter.getAuthKey", json!({"uid": "10115", "kname": "a"})),
        ("device.set", json!({"modes": ["finger"]})),
    ] {
        let error = Call::parse(method, params.clone()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidParams, "{method} {params}");
    }
}

#[test]
fn a_setting_is_kept_reset_or_set() {
    let Request::DeviceSet(set) =
        Request::parse("device.set", json!({"failNext": null, "latency": 500})).unwrap()
    else {
        panic!("another command")
    };
    assert_eq!(set.fail_next, Patch::Reset);
    assert_eq!(set.latency, Patch::Set(500));
    assert_eq!(set.support, Patch::Keep);
    assert_eq!(serde_json::to_value(&set).unwrap(), json!({"failNext": null, "latency": 500}));
}

#[test]
fn a_seed_is_sent_but_never_printed() {
    let request = Request::parse("device.create", json!({"name": "a", "seed": "hunter2"})).unwrap();
    assert!(!format!("{request:?}").contains("hunter2"));
    let Request::DeviceCreate(create) = request else { panic!("another command") };
    assert_eq!(serde_json::to_value(&create).unwrap(), json!({"name": "a", "seed": "hunter2"}));
}

#[test]
fn touch_scripts_are_written_as_they_are_read() {
    for text in ["1", "wrong,wrong,2", "cancel", "1,cancel"] {
        assert_eq!(text.parse::<TouchScript>().unwrap().to_string(), text);
    }
    for text in ["", "1,", "finger", "-1", "+1", "1;2", "99999999999"] {
        assert!(text.parse::<TouchScript>().is_err(), "{text:?}");
    }
    assert!("1,".repeat(2_000).parse::<TouchScript>().unwrap_err().to_string().contains("1000"));
}

#[test]
fn sensor_modes_are_words_or_scripts() {
    use sensor::SensorMode;
    for (value, mode) in [
        (json!("ask"), SensorMode::Ask),
        (json!("auto"), SensorMode::Auto),
        (json!("wrong,1"), SensorMode::Script(TouchScript(vec![Touch::Wrong, Touch::Enrolled(1)]))),
    ] {
        assert_eq!(serde_json::from_value::<SensorMode>(value.clone()).unwrap(), mode);
        assert_eq!(serde_json::to_value(&mode).unwrap(), value);
    }
}

#[test]
fn callback_objects_have_wechats_members_in_wechats_order() {
    let object = wx::SoterAuthentication {
        err_code: 0,
        auth_mode: "fingerPrint".into(),
        result_json: "{}".into(),
        result_json_signature: "AA==".into(),
        err_msg: "startSoterAuthentication:ok".into(),
    };
    assert_eq!(
        serde_json::to_string(&object).unwrap(),
        r#"{"errCode":0,"authMode":"fingerPrint","resultJSON":"{}","resultJSONSignature":"AA==","errMsg":"startSoterAuthentication:ok"}"#
    );
}
