use proptest::prelude::*;
use serde_json::json;
use soter_bridge::protocol::{Call, METHODS, Patch, Request, Response, device, sensor, soter};
use soter_wechat::Secret;

use super::*;

fn line(text: &str) -> Line {
    match parse_line(text) {
        Ok(Some(line)) => line,
        other => panic!("`{text}` is not a command: {other:?}"),
    }
}

fn call(text: &str) -> Call {
    let LineCommand::Shared(command) = line(text).command else { panic!("`{text}` is a REPL command") };
    match command.job() {
        Ok(Job::Call(prepared_call)) => prepared_call.call,
        other => panic!("`{text}` is not a call: {other:?}"),
    }
}

fn usage(text: &str) -> CommandError {
    match parse_line(text) {
        Err(Refused::Usage(error)) => error,
        other => panic!("`{text}` is understood: {other:?}"),
    }
}

/// Every command with the words that lead to it, the root left out.
fn every_command(command: &clap::Command) -> Vec<String> {
    fn below(command: &clap::Command, path: &str, found: &mut Vec<String>) {
        for command in command.get_subcommands() {
            let path = format!("{path} {}", command.get_name()).trim_start().to_owned();
            below(command, &path, found);
            found.push(path);
        }
    }
    let mut found = Vec::new();
    below(command, "", &mut found);
    found
}

#[test]
fn the_grammars_are_consistent() {
    command_line().debug_assert();
    line_syntax().debug_assert();
}

#[test]
fn help_that_promises_exit_codes_names_all_of_them() {
    for name in ["audit", "run"] {
        let program = command_line();
        let about =
            program.find_subcommand(name).and_then(clap::Command::get_long_about).unwrap().to_string();
        let (_, codes) = about.split_once("Exit codes: ").unwrap();
        for code in ["0 ", ", 1 ", ", 2 ", ", 3 the surroundings"] {
            assert!(codes.contains(code), "{name}: {codes}");
        }
    }
}

#[test]
fn every_command_has_an_example_and_each_example_of_a_line_parses() {
    for path in every_command(&line_syntax()) {
        let examples: Vec<_> = examples::LINES
            .iter()
            .chain(examples::SHARED)
            .filter(|(words, _)| *words == path)
            .flat_map(|(_, examples)| *examples)
            .collect();
        assert!(!examples.is_empty(), "`{path}` has no example");
        for example in examples {
            line(example);
        }
    }
}

#[test]
fn every_example_of_the_program_parses() {
    for (path, examples) in examples::PROGRAM {
        for example in *examples {
            let words = shell_words::split(example).unwrap();
            let program = words.iter().position(|word| word == "soter-sim").unwrap();
            let words = words.into_iter().skip(program).take_while(|word| word != ">").map(OsString::from);
            assert!(parse_command_line(words).is_ok(), "{path}: {example}");
        }
    }
}

#[test]
fn every_method_of_the_protocol_has_a_friendly_form() {
    let friendly: Vec<_> = examples::SHARED
        .iter()
        .flat_map(|(_, examples)| *examples)
        .filter(|example| !example.starts_with("call "))
        .filter_map(|example| match line(example).command {
            LineCommand::Shared(command) => command.job().ok(),
            _ => None,
        })
        .filter_map(|job| match job {
            Job::Call(prepared_call) => Some(prepared_call.call.request.method()),
            Job::Verify(_) => Some("verify.signature"),
            Job::Explain(_) => None,
        })
        .chain(["sensor.touch", "sensor.cancel"]) // `touch` and `cancel` are lines of the REPL only
        .collect();
    for method in METHODS {
        assert!(friendly.contains(&method.name), "{} has no friendly form", method.name);
    }
}

#[test]
fn every_method_can_be_called_by_its_name() {
    for method in METHODS {
        let line = line(&format!("call {}", method.name));
        let LineCommand::Shared(command) = line.command else { panic!("call is a shared command") };
        match command.job() {
            Ok(Job::Call(prepared_call)) => assert_eq!(prepared_call.call.request.method(), method.name),
            Ok(other) => panic!("{other:?}"),
            Err(error) => assert!(error.what.english().contains(method.name), "{error}"),
        }
    }
}

#[test]
fn auth_passes_on_challenge_modes_content_and_touches_unchanged() {
    let call = call("auth 'pay \"42\"' --modes fingerPrint,nose --content Pay --touch wrong,1");
    let Request::StartSoterAuthentication(request) = call.request else { panic!("{call:?}") };
    assert_eq!(request.challenge.as_deref(), Some("pay \"42\""));
    assert_eq!(request.request_auth_modes.unwrap(), ["fingerPrint", "nose"]);
    assert_eq!(request.auth_content.as_deref(), Some("Pay"));
    assert_eq!(request.touch.unwrap().to_string(), "wrong,1");
}

#[test]
fn pay_accepts_an_id_with_and_without_its_prefix_and_passes_on_what_was_signed() {
    for id in ["wx2014", "prepay_id=wx2014"] {
        let line = format!("pay {id} --sign-type RSA --time-stamp 1 --nonce-str n --pay-sign -s= --touch 1");
        let Request::RequestPayment(payment) = call(&line).request else { panic!("{id}") };
        assert_eq!(payment.package.as_deref(), Some("prepay_id=wx2014"));
        let values = [&payment.sign_type, &payment.time_stamp, &payment.nonce_str, &payment.pay_sign];
        assert_eq!(values.map(|value| value.as_deref().unwrap()), ["RSA", "1", "n", "-s="]);
        assert_eq!(payment.touch.unwrap().to_string(), "1");
    }
    let Request::RequestPayment(payment) = call("pay wx2014").request else { panic!("no payment") };
    assert_eq!((payment.sign_type, payment.pay_sign.as_deref()), (None, Some("0")));
}

#[test]
fn a_challenge_may_be_empty_or_begin_with_a_dash() {
    for (text, challenge) in [("auth ''", ""), ("auth --challenge -x", "-x"), ("auth -- --y", "--y")] {
        let Request::StartSoterAuthentication(request) = call(text).request else { panic!("{text}") };
        assert_eq!(request.challenge.as_deref(), Some(challenge), "{text}");
    }
}

#[test]
fn settings_are_set_and_reset() {
    let set = |text: &str| match call(text).request {
        Request::DeviceSet(set) => serde_json::to_value(set).unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(set("device set support off"), json!({"support": false}));
    assert_eq!(set("device set modes none"), json!({"modes": []}));
    assert_eq!(set("device set modes facial"), json!({"modes": ["facial"]}));
    assert_eq!(
        set("device set internalError auth key update error"),
        json!({"internalError": "auth key update error"})
    );
    assert_eq!(set("device set fail-next 90009"), json!({"failNext": 90009}));
    assert_eq!(set("device set clock 1970-01-01T00:00:01Z"), json!({"clock": 1000}));
    assert_eq!(
        set("device set userData nickName='Li Lei' gender=1 city="),
        json!({"userData": {"nickName": "Li Lei", "gender": 1, "city": ""}})
    );
    assert_eq!(set("device set user-data default"), json!({"userData": null}));
    assert_eq!(set("device set systemUpgrade"), json!({"systemUpgrade": true}));
    let Request::DeviceSet(back) = call("device set latency default").request else { panic!("no set") };
    assert_eq!(back, device::Set { latency: Patch::Reset, ..device::Set::default() });
}

#[test]
fn every_setting_of_the_protocol_can_be_set() {
    let all = json!({"support": null, "permission": null, "modes": null, "internalError": null,
        "reportNotEnrolled": null, "reportFaceAsFinger": null, "malformedCrl": null, "failNext": null,
        "secondCall": null, "loginFailure": null, "userInfoPermission": null, "anonymousUser": null,
        "userData": null, "latency": null, "clock": null, "user": null, "systemUpgrade": null});
    let device::Set {
        support: _,
        permission: _,
        modes: _,
        internal_error: _,
        report_not_enrolled: _,
        report_face_as_finger: _,
        malformed_crl: _,
        fail_next: _,
        second_call: _,
        login_failure: _,
        user_info_permission: _,
        anonymous_user: _,
        user_data: _,
        latency: _,
        clock: _,
        user: _,
        system_upgrade: _,
    } = serde_json::from_value(all.clone()).unwrap();
    let commands = every_command(&line_syntax());
    for setting in all.as_object().unwrap().keys() {
        assert!(commands.contains(&format!("device set {setting}")), "{setting}");
    }
}

#[test]
fn a_device_is_named_by_the_option_or_by_the_command() {
    assert_eq!(line("keys --device tablet").device.as_deref(), Some("tablet"));
    assert_eq!(line("--device tablet keys").device.as_deref(), Some("tablet"));
    assert_eq!(call("device show tablet").device.as_deref(), Some("tablet"));
    assert_eq!(call("device show").device, None);
}

#[test]
fn general_options_are_accepted_before_and_after_the_command() {
    for text in [
        "soter-sim --seed a --profile ios auth x --touch 1 --json",
        "soter-sim auth x --touch 1 --profile ios --json --seed a",
        "soter-sim --json auth --seed a x --profile ios --touch 1",
    ] {
        let (_, options) = parse_command_line(text.split(' ').map(OsString::from)).unwrap();
        assert_eq!(options.seed.as_ref().map(Secret::expose), Some("a"), "{text}");
        assert_eq!(options.profile.as_deref(), Some("ios"), "{text}");
        assert!(options.json, "{text}");
    }
}

#[test]
fn secrets_on_a_command_line_are_not_printed() {
    for text in [
        "soter-sim --seed s3cret device list",
        "soter-sim --connect http://127.0.0.1:8777?token=s3cret device list",
        "soter-sim device create b --seed s3cret",
        "soter-sim audit --preset wechat --url http://127.0.0.1:3000 --secret s3cret --seed s3cret",
        "soter-sim audit --preset wechat --url http://127.0.0.1:3000 --other-appid wx --other-secret s3cret",
    ] {
        let parsed = parse_command_line(text.split(' ').map(OsString::from)).unwrap();
        assert!(!format!("{parsed:?}").contains("s3cret"), "{text}");
    }
}

#[test]
fn a_commands_own_option_is_not_the_general_one() {
    let text = "soter-sim --profile ios device create b --profile qsee --seed s";
    let (parsed, options) = parse_command_line(text.split(' ').map(OsString::from)).unwrap();
    assert_eq!(options.profile.as_deref(), Some("ios"));
    assert_eq!(options.seed, None);
    let Some(ProgramCommand::Shared(command)) = parsed.command else { panic!("{parsed:?}") };
    let Ok(Job::Call(prepared_call)) = command.job() else { panic!("no call") };
    let Request::DeviceCreate(create) = prepared_call.call.request else { panic!("no create") };
    assert_eq!(
        (create.profile.as_deref(), create.seed.as_ref().map(|seed| seed.0.expose())),
        (Some("qsee"), Some("s"))
    );
}

#[test]
fn conflicting_options_are_usage_errors() {
    for (text, what) in [
        ("soter-sim --ephemeral keys --state x", "exclude each other"),
        ("soter-sim --clock 0 keys", "--clock needs --seed"),
    ] {
        let refused = parse_command_line(text.split(' ').map(OsString::from)).unwrap_err();
        let Refused::Usage(error) = refused else { panic!("{refused:?}") };
        assert!(error.what.english().contains(what), "{error}");
    }
}

#[test]
fn every_usage_error_is_one_line_and_names_the_mistake() {
    for (text, what) in [
        ("auht x", "auht"),
        ("auth", "CHALLENGE"),
        ("auth x --touch 1,nose", "`nose`"),
        ("device", "not complete"),
        ("device set support maybe", "maybe"),
        ("tee getAuthKey ten key", "ten"),
        ("explain x", "expected a whole number"),
        ("verify --key k --json j --signature s --salt abc", "expected a whole number"),
        ("touch", "TOUCH"),
        ("keys --nonsense", "--nonsense"),
    ] {
        let error = usage(text);
        assert!(error.what.english().contains(what), "{text}: {}", error.what.english());
        assert!(!error.next.english().is_empty(), "{text}");
        assert!(
            !error.what.english().contains('\n') && !error.next.english().contains('\n'),
            "{text}: {error:?}"
        );
    }
    assert!(usage("device").next.english().contains("create"), "{:?}", usage("device"));
    assert!(usage("auht x").next.english().contains("auth"), "{:?}", usage("auht x"));
}

#[test]
fn help_and_version_are_not_errors() {
    assert!(
        matches!(parse_line("auth --help"), Err(Refused::Help { plain, .. }) if plain.contains("Examples:"))
    );
    let version = parse_command_line(["soter-sim", "--version"].map(OsString::from));
    assert!(matches!(version, Err(Refused::Help { plain, .. }) if plain.starts_with("soter-sim ")));
}

#[test]
fn answers_of_the_trusted_app_name_their_session() {
    let reply = Response::InitSigh(soter::Reply::opened(7));
    assert_eq!(serde_json::to_string(&reply).unwrap(), r#"{"resultCode":0,"session":7}"#);
    let Request::FinishSign(soter::FinishSign { session: 7 }) = call("tee finishSign 7").request else {
        panic!("not the session")
    };
    let Request::SensorSetMode(sensor::SetMode { mode: sensor::SensorMode::Auto }) =
        call("sensor auto").request
    else {
        panic!("not automatic")
    };
}

proptest! {
    #[test]
    fn any_line_is_parsed_or_refused(text in "\\PC{0,80}") {
        let _ = parse_line(&text);
    }

    #[test]
    fn any_words_after_a_command_are_parsed_or_refused(
        command in proptest::sample::select(every_command(&line_syntax())),
        words in proptest::collection::vec("[-a-z0-9,'\"{}= .]{0,12}", 0..4),
    ) {
        if let Ok(Some(Line { command: LineCommand::Shared(command), .. })) =
            parse_line(&format!("{command} {}", words.join(" ")))
        {
            let _ = command.job();
        }
    }

    #[test]
    fn any_unfinished_line_can_be_split(text in "\\PC{0,80}") {
        let typed = parse_typed(&text);
        prop_assert!(text.is_char_boundary(typed.start));
    }
}
