//! The other commands of the command line, exit codes, help, and closed streams.

use std::fs;

use serde_json::json;
use soter_tests::{Callback, Key, Program, State};
use soter_wire::{AskForm, ExportBlob, KeyJson, PROFILES, base64};

#[test]
fn keys_are_listed_as_one_line_of_json() {
    let state = State::new();
    let _ = state.authenticate("a");
    let keys = state.keys();
    let kinds: Vec<_> = keys.iter().map(|key| key.kind.as_str()).collect();
    assert_eq!(kinds, ["attk", "ask", "authkey"]);
    for key in &keys {
        assert_eq!(key.public().fingerprint(), key.fingerprint);
        assert_eq!(key.public().to_pem(), key.pem);
        assert!(key.valid);
        assert_eq!(key.uid.is_none(), key.kind == "attk");
        assert_eq!(key.name.is_some(), key.kind == "authkey");
    }
}

#[test]
fn keys_without_json_are_a_table_for_people() {
    let state = State::new();
    let _ = state.authenticate("a");
    let table = state.program(["keys"]).run().exits(0);
    assert!(table.stdout.lines().count() >= 3, "{table}");
    for key in state.keys() {
        assert!(table.stdout.contains(&key.fingerprint[..8]), "{table}");
    }
}

#[test]
fn the_trusted_apps_commands_answer_one_line_and_the_exit_code_follows_the_result_code() {
    let state = State::new();
    let tee = |arguments: &[&str]| state.program(["tee"]).arguments(arguments).run();

    assert_eq!(tee(&["getAppSecureKey", "10115"]).exits(1).json()["resultCode"], 3);
    assert_ne!(tee(&["generateAuthKey", "10115", "demo"]).exits(1).json()["resultCode"], 0);
    assert_eq!(tee(&["hasAskAlready", "10115"]).exits(0).json()["value"], false);
    assert_eq!(tee(&["generateAppSecureKey", "10115"]).exits(0).json()["resultCode"], 0);
    assert_eq!(tee(&["hasAskAlready", "10115"]).exits(0).json()["value"], true);
    assert_eq!(tee(&["hasAuthKey", "10115", "demo"]).exits(0).json()["value"], false);
    assert_ne!(tee(&["getAuthKey", "10115", "demo"]).exits(1).json()["resultCode"], 0);
    assert_eq!(tee(&["generateAuthKey", "10115", "demo"]).exits(0).json()["resultCode"], 0);
    assert_eq!(tee(&["hasAuthKey", "10115", "demo"]).exits(0).json()["value"], true);
    assert!(tee(&["getAuthKey", "10115", "demo"]).exits(0).json()["exportData"].is_string());
    assert_eq!(tee(&["removeAuthKey", "10115", "demo"]).exits(0).json()["resultCode"], 0);
    assert_eq!(tee(&["hasAuthKey", "10115", "demo"]).exits(0).json()["value"], false);
    assert_eq!(tee(&["generateAuthKey", "10115", "demo"]).exits(0).json()["resultCode"], 0);
    assert_eq!(tee(&["removeAllAuthKey", "10115"]).exits(0).json()["resultCode"], 0);
    assert_eq!(tee(&["hasAskAlready", "10115"]).exits(0).json()["value"], false);
    assert!(tee(&["getVersion"]).exits(0).json()["value"].is_u64());
    assert_eq!(tee(&["getExtraParam", "fingerprint_type"]).exits(0).json()["resultCode"], 0);
}

#[test]
fn the_device_id_is_the_identity_in_results() {
    let state = State::new();
    let answer = state.program(["tee", "getDeviceId"]).run().exits(0).json();
    let identity = base64::decode(answer["exportData"].as_str().unwrap()).unwrap();
    assert_eq!(String::from_utf8(identity).unwrap(), state.authenticate("a").result().cpu_id);
}

#[test]
fn exports_are_written_raw_and_each_verifies_with_the_key_above() {
    for profile in PROFILES.iter().filter(|profile| profile.ask == AskForm::Json) {
        let state = State::new();
        let file = state.path().join("export");
        let export = |arguments: &[&str]| {
            let answer = state
                .program(["tee"])
                .arguments(arguments)
                .arguments(["--profile", profile.name, "--raw"])
                .arguments([&file])
                .run()
                .exits(0)
                .json();
            let raw = fs::read(&file).unwrap();
            assert_eq!(base64::decode(answer["exportData"].as_str().unwrap()).unwrap(), raw);
            ExportBlob::decode(&raw).unwrap()
        };
        for arguments in [vec!["generateAppSecureKey", "10115"], vec!["generateAuthKey", "10115", "demo"]] {
            let _ = state.program(["tee", "--profile", profile.name]).arguments(arguments).run().exits(0);
        }
        let ask = export(&["getAppSecureKey", "10115"]);
        let auth_key = export(&["getAuthKey", "10115", "demo"]);
        let ask_key = KeyJson::decode(&ask.json).unwrap();
        let counters = (ask_key.counter, KeyJson::decode(&auth_key.json).unwrap().counter);
        assert!(counters.0 < counters.1, "{}: {counters:?}", profile.name);
        assert_eq!(ask_key.public_key.verify(profile.scheme, &auth_key.json, &auth_key.signature), Ok(()));
        let attk = Key::only(&state.keys(), "attk").public();
        assert_eq!(attk.verify(profile.scheme, &ask.json, &ask.signature), Ok(()));
    }
}

#[test]
fn an_export_file_is_refused_for_a_command_without_an_export() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("raw");
    let version = Program::new(["--ephemeral", "tee", "getVersion", "--raw"]).arguments([&file]);
    let _ = version.run().refuses(2);
    assert!(!file.exists());
}

#[test]
fn signing_sessions_are_refused_outside_the_repl() {
    for arguments in [vec!["initSigh", "10115", "demo", "a"], vec!["finishSign", "1"]] {
        let refused = Program::new(["--ephemeral", "tee"]).arguments(arguments).run().refuses(2);
        assert!(refused.stderr.contains("REPL") || refused.stderr.contains("repl"), "{refused}");
    }
}

#[test]
fn invalid_parameters_are_usage_errors() {
    for arguments in [
        vec!["frobnicate"],
        vec!["auth"],
        vec!["auth", "a", "b"],
        vec!["auth", "a", "--challenge", "b"],
        vec!["auth", "a", "--touch"],
        vec!["auth", "a", "--profile", "nokia"],
        vec!["tee", "getAuthKey", "10115"],
        vec!["tee", "getAppSecureKey", "root"],
        vec!["tee", "getAppSecureKey", "-1"],
        vec!["tee", "getAppSecureKey", "4294967296"],
        vec!["tee", "selfDestruct"],
        vec!["explain", "many"],
        vec!["verify"],
        vec!["vectors"],
        vec!["completions", "tcsh"],
        vec!["call", "no.such"],
        vec!["call", "keys.list", "[]"],
        vec!["call", "device.set", "{\"noSuch\":1}"],
        vec!["device", "set", "noSuch", "1"],
        vec!["--no-such-option"],
    ] {
        // `verify`, `explain` and `completions` use no phone, so the general option comes first.
        let refused = Program::new(["--ephemeral"]).arguments(&arguments).run().refuses(2);
        assert!(refused.stderr.len() < 1000, "{refused}");
    }
}

#[test]
fn verify_answers_one_line_and_needs_no_state() {
    let state = State::new();
    let callback = state.authenticate("a");
    let at = |name: &str| state.path().join(name);
    let keys = state.keys();
    let key = Key::only(&keys, "authkey");
    fs::write(at("key.pem"), &key.pem).unwrap();
    fs::write(at("key.der"), key.public().spki_der()).unwrap();
    fs::write(at("key.b64"), base64::encode(key.public().spki_der())).unwrap();
    fs::write(at("result.json"), &callback.result_json).unwrap();
    fs::write(at("raw"), callback.signature_bytes()).unwrap();
    fs::write(at("base64"), format!("{}\n", callback.signature)).unwrap();
    fs::write(at("changed.json"), callback.result_json.replace("\"a\"", "\"b\"")).unwrap();
    fs::write(at("spaced.json"), callback.result_json.replace(',', ", ")).unwrap();
    let whole = json!({"errCode": 0, "resultJSON": callback.result_json, "errMsg": callback.err_msg});
    fs::write(at("callback.json"), whole.to_string()).unwrap();
    fs::write(at("long.json"), vec![b' '; (2 << 20) + 1]).unwrap();
    // While another process holds the folder's lock.
    let mut holder = state.repl().start();
    holder.send("call device.list");
    let _ = holder.answer();

    let verify = |key: &str, json: &str, signature: &str, more: &[&str]| {
        let file = |name: &str| if name == "-" { name.into() } else { at(name) };
        Program::new(["verify", "--key"])
            .arguments([file(key)])
            .arguments(["--json"])
            .arguments([file(json)])
            .arguments(["--signature"])
            .arguments([file(signature)])
            .arguments(more)
    };
    for signature in ["raw", "base64"] {
        let valid = verify("key.pem", "result.json", signature, &[]).run().exits(0);
        assert!(valid.line().starts_with("valid: "), "{valid}");
    }
    let piped = verify("key.pem", "-", "raw", &[]).input(callback.result_json.clone()).run().exits(0);
    assert!(piped.line().starts_with("valid: "), "{piped}");
    let piped = verify("key.pem", "result.json", "-", &[]).input(callback.signature.clone()).run().exits(0);
    assert!(piped.line().starts_with("valid: "), "{piped}");

    for (json, more, reason) in [
        ("changed.json", [].as_slice(), "wrong-signature"),
        ("spaced.json", &[], "reserialised"),
        ("callback.json", &[], "callback-object"),
        ("result.json", &["--salt", "32"], "wrong-salt-length"),
        ("result.json", &["--salt", "223"], "salt-out-of-range"),
    ] {
        let invalid = verify("key.pem", json, "raw", more).run().exits(1);
        assert!(invalid.line().starts_with(&format!("invalid: {reason}: ")), "{invalid}");
    }
    for key in ["key.der", "key.b64"] {
        let _ = verify(key, "result.json", "raw", &[]).run().exits(0);
    }
    let _ = verify("key.pem", "result.json", "raw", &["--salt", "20"]).run().exits(0);
    let _ = verify("key.pem", "missing.json", "raw", &[]).run().refuses(3);
    let too_long = verify("key.pem", "long.json", "raw", &[]).run().refuses(3);
    assert!(too_long.stderr.contains("long.json"), "{too_long}");
    let _ = verify("key.pem", "result.json", "raw", &["--salt", "many"]).run().refuses_usage();
    let _ = verify("key.pem", "-", "-", &[]).run().refuses_usage();
    let bad_key = verify("result.json", "result.json", "raw", &[]).run().exits(1);
    assert!(bad_key.line().starts_with("invalid: bad-key: "), "{bad_key}");
    assert!(bad_key.line().contains("Forms: a key is PEM"), "{bad_key}");
    let _ = holder.end().exits(0);
}

#[test]
fn every_command_has_help_with_an_example() {
    let _ = Program::new(["--help"]).run().exits(0);
    for command in [
        vec!["auth"],
        vec!["support"],
        vec!["enrolled"],
        vec!["device"],
        vec!["device", "create"],
        vec!["device", "set"],
        vec!["sensor"],
        vec!["biometric"],
        vec!["tee"],
        vec!["tee", "getAuthKey"],
        vec!["keys"],
        vec!["verify"],
        vec!["explain"],
        vec!["call"],
        vec!["vectors"],
        vec!["completions"],
        vec!["repl"],
    ] {
        let help = Program::new(&command).arguments(["--help"]).run().exits(0);
        assert!(help.stdout.contains("Example"), "{help}");
        assert!(help.stdout.contains(&format!("soter-sim {}", command.join(" "))), "{help}");
        assert!(help.stderr.is_empty(), "{help}");
    }
}

#[test]
fn the_version_is_one_line() {
    let version = Program::new(["--version"]).run().exits(0);
    assert_eq!(version.line(), format!("soter-sim {}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn completions_are_written_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = Program::new(["completions", shell]).run().exits(0);
        assert!(script.stdout.contains("soter-sim") && script.stdout.contains("vectors"), "{shell}");
    }
}

#[test]
fn ten_common_commands_answer_people_and_programs() {
    let state = State::new();
    for arguments in [
        vec!["support"],
        vec!["enrolled", "fingerPrint"],
        vec!["device", "show"],
        vec!["device", "set", "failNext", "90009"],
        vec!["sensor", "ask"],
        vec!["biometric", "list"],
        vec!["finger", "list"],
        vec!["explain", "90010"],
        vec!["explain", "-1"],
        vec!["call", "keys.list"],
    ] {
        let people = state.program(&arguments).run().exits(0);
        assert!(!people.stdout.is_empty(), "{people}");
        if arguments[0] != "explain" {
            let machine = state.program(&arguments).arguments(["--json"]).run().exits(0);
            assert!(machine.json().is_object(), "{machine}");
        }
    }
}

#[test]
fn a_closed_output_is_not_an_error() {
    for arguments in [
        vec!["auth", "a", "--touch", "1", "--ephemeral"],
        vec!["keys", "--ephemeral"],
        vec!["explain"],
        vec!["--help"],
        vec!["completions", "bash"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let finished = Program::new(arguments).stdout(writer).run();
        assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{finished}");
    }
}

#[test]
fn a_repl_ends_when_its_output_is_closed() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let lines = "auth a --touch 1\nkeys\n".repeat(20);
    // Without a bridge, because another test may use its usual port.
    let finished = Program::new(["--no-bridge", "--ephemeral", "--json"]).input(lines).stdout(writer).run();
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{finished}");
}

#[test]
fn output_to_a_pipe_has_no_colours() {
    for arguments in [vec!["device", "show", "--ephemeral"], vec!["--help"], vec!["frobnicate"]] {
        let finished = Program::new(arguments).run();
        assert!(!finished.stdout.contains('\u{1b}') && !finished.stderr.contains('\u{1b}'), "{finished}");
    }
}

#[test]
fn the_default_folder_is_below_the_users_home() {
    let program = Program::new(["auth", "a", "--touch", "1"]);
    let home = program.home().to_owned();
    let mut running = program.start();
    assert_eq!(Callback::read(&running.answer()).err_code, 0);
    assert_ne!(fs::read_dir(home).unwrap().count(), 0);
    let _ = running.end().exits(0);
}

#[test]
fn help_and_mistakes_are_in_the_language_of_the_person_and_completions_are_not() {
    let chinese = |arguments: &[&str]| {
        Program::new(arguments.iter().copied()).variable("SOTER_SIM_LANG", "zh-CN").variable("COLUMNS", "80")
    };
    for arguments in [&["--help"][..], &["audit", "--help"], &["--lang", "zh-CN", "help", "device", "set"]] {
        let help = chinese(arguments).run().exits(0).stdout;
        assert!(help.contains("用法：") && help.contains("选项："), "{help}");
        assert!(!help.contains("Usage") && !help.contains("Options"), "{help}");
    }
    let lines = chinese(&["--ephemeral", "--no-bridge"]).input("help\nhelp auth\nclear\n").run().exits(0);
    assert!(lines.stdout.contains("清屏") && lines.stdout.contains("挑战因子"), "{lines}");
    assert!(!lines.stdout.contains('\x1b'), "{lines}");

    let mistake = chinese(&["aut", "order-42"]).run().exits(2).stderr;
    assert!(mistake.contains("没有命令 'aut'") && mistake.contains("`auth`"), "{mistake}");
    let mistake = chinese(&["--ephemeral", "--no-bridge"]).input("aut order-42\n").run().exits(2).stderr;
    assert!(mistake.contains("没有命令 'aut'") && mistake.contains("`auth`"), "{mistake}");
    assert!(mistake.contains("输入 `help`"), "{mistake}");

    let english = |arguments: &[&str]| Program::new(arguments.iter().copied()).run().exits(0).stdout;
    let completions = chinese(&["completions", "fish"]).run().exits(0).stdout;
    assert_eq!(completions, english(&["completions", "fish"]));
    let help = chinese(&["--lang", "en", "--help"]).run().exits(0).stdout;
    assert!(help.contains("Usage: soter-sim") && !help.contains("用法"), "{help}");
}

#[test]
fn an_unknown_word_in_the_repl_names_the_nearest_command_and_help() {
    let lines = "aut order-42\nfingr list\nhelp devcie\nfrobnicate\n";
    let run = Program::new(["--ephemeral", "--no-bridge"]).input(lines).run().exits(2);
    for advice in
        ["`auth`? type `help`", "`finger`? type `help`", "`device`? type `help`", "next: type `help`"]
    {
        assert!(run.stderr.contains(advice), "{advice}: {run}");
    }
    assert!(!run.stderr.contains("quit"), "{run}");
}

#[test]
fn the_options_of_the_repls_servers_are_refused_before_another_command() {
    let run = Program::new(["--ephemeral", "--listen", "127.0.0.1:0", "keys"]).run().refuses(2);
    assert!(run.stderr.contains("--listen") && run.stderr.contains("`keys`"), "{run}");
}

#[test]
fn an_option_of_a_command_does_not_choose_the_programs_language_or_form() {
    let data = ["--ephemeral", "userinfo", "--without-credentials", "--lang", "zh_CN", "--app", "wx-unknown"];
    let refused = Program::new(data).run().refuses(2);
    assert!(refused.stderr.starts_with("error:"), "{refused}");
    let verify = ["verify", "--key", "missing.pem", "--json", "missing.json", "--signature", "missing.sig"];
    let refused = Program::new(verify).variable("SOTER_SIM_LANG", "zh-CN").run().exits(3);
    assert!(refused.stderr.starts_with("错误："), "{refused}");
}

#[test]
fn a_variable_that_is_not_a_language_is_refused_unless_something_else_chooses_one() {
    let program = |arguments: &[&str]| Program::new(arguments).variable("SOTER_SIM_LANG", "zz");
    let refused = program(&["explain", "0"]).run().refuses(2);
    assert!(refused.stderr.contains("SOTER_SIM_LANG") && refused.stderr.contains("`zz`"), "{refused}");
    for arguments in [["explain", "0", "--lang=en"].as_slice(), &["explain", "0", "--json"]] {
        assert_eq!(program(arguments).run().code, Some(0), "{arguments:?}");
    }
    let unset = Program::new(["explain", "0"]).variable("SOTER_SIM_LANG", "").run();
    assert_eq!(unset.code, Some(0), "{unset}");
}

#[test]
fn a_mistake_that_is_very_long_is_not_repeated_as_a_whole() {
    let word = "q".repeat(60_000);
    for arguments in [vec![word.as_str()], vec!["auth", "a", "--touch", &word], vec!["explain", &word]] {
        let refused = Program::new(&arguments).run().refuses(2);
        assert!(refused.stderr.len() < 5_000, "{} bytes", refused.stderr.len());
    }
}
