//! The command line as scripts use it: exact forms, one line on stdout, exit codes.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use soter_tests::{Callback, Key, Program, State, call};
use soter_wire::{ExportBlob, KeyJson};
use tempfile::TempDir;

fn seeded(arguments: &[&str]) -> Program {
    Program::new(arguments).arguments(["--seed", "tests"])
}

#[test]
fn auth_prints_the_callback_object_as_one_line_and_exits_0_or_1() {
    let good = seeded(&["auth", "--challenge", "order-42", "--touch", "1"]).run().exits(0);
    assert_eq!(Callback::read(&good.json()).result().raw, "order-42");
    assert_eq!(good.stderr, "");
    for (script, code, text) in [
        ("cancel", 90008, "fail cancel"),
        ("wrong", 90008, "fail cancel"),
        ("7", 90008, "fail cancel"),
        ("wrong,wrong,wrong,wrong,wrong,1", 90010, "fail authenticate freeze. please try again later"),
    ] {
        let refused = seeded(&["auth", "--challenge", "x", "--touch", script]).run().exits(1);
        let callback = Callback::read(&refused.json());
        assert_eq!(
            (callback.err_code, callback.err_msg),
            (code, format!("startSoterAuthentication:{text}")),
            "{script}"
        );
    }
    let ios = seeded(&["auth", "--challenge", "x", "--touch", "wrong,wrong,wrong,1", "--profile", "ios"]);
    assert_eq!(Callback::read(&ios.run().exits(1).json()).err_code, 90009);
}

#[test]
fn modes_are_passed_on_as_they_are_given() {
    for (modes, code) in [
        ("fingerPrint,facial", 0),
        ("facial,fingerPrint,x", 0),
        ("facial", 90003),
        ("iris", 90003),
        ("", 90003),
    ] {
        let auth = seeded(&["auth", "--challenge", "x", "--touch", "1", "--modes", modes]).run();
        assert_eq!(Callback::read(&auth.json()).err_code, code, "{modes}");
    }
}

#[test]
fn challenges_are_counted_in_utf16_units_and_signed_as_they_are() {
    let longest = "x".repeat(511);
    for challenge in ["a", longest.as_str(), "\"\\/\u{8}\n\u{1}", "😀\u{2028}é", "-dash", " "] {
        let auth = Program::new(["auth", "--seed", "tests", "--touch", "1", "--challenge", challenge])
            .run()
            .exits(0);
        assert_eq!(Callback::read(&auth.json()).result().raw, challenge);
    }
    let state = State::new();
    let before = state.authenticate("before").counter();
    for challenge in [String::new(), "x".repeat(512), "😀".repeat(256)] {
        let auth = state.program(["auth", "--challenge", &challenge, "--touch", "1"]).run().exits(1);
        assert_eq!(Callback::read(&auth.json()).err_code, 90004);
    }
    assert_eq!(
        state.authenticate("after").counter(),
        before + 1,
        "a refused challenge spent a counter value"
    );
}

#[test]
fn without_a_script_and_a_terminal_auth_is_a_usage_error_that_says_so() {
    let state = State::new();
    let refused = state.program(["auth", "--challenge", "x"]).run().refuses(2);
    assert!(refused.stderr.contains("--touch") && refused.stderr.contains("terminal"), "{refused}");
    let _ = state.program(["sensor", "auto"]).run().exits(0);
    let _ = state.program(["auth", "--challenge", "x"]).run().exits(0);
}

#[test]
fn a_seed_gives_the_same_bytes_each_time_and_other_seeds_or_none_give_others() {
    let run = |seed: Option<&str>| {
        let program = Program::new(["auth", "--challenge", "order-42", "--touch", "1", "--ephemeral"]);
        let program = seed.into_iter().fold(program, |program, seed| program.arguments(["--seed", seed]));
        program.run().exits(0).stdout
    };
    assert_eq!(run(Some("a")), run(Some("a")));
    let outputs = BTreeSet::from([run(Some("a")), run(Some("b")), run(None), run(None)]);
    assert_eq!(outputs.len(), 4);
    let clock = |time: &str| {
        let listed = seeded(&["--json", "device", "show", "--clock", time]).run().exits(0).json();
        listed["clock"].as_u64()
    };
    assert_eq!(clock("2024-02-29T12:00:00Z"), Some(1_709_208_000_000));
    assert_eq!(clock("5"), Some(5));
}

#[test]
fn another_seed_or_profile_on_existing_state_is_a_usage_error() {
    let state = State::new();
    let start = ["auth", "--challenge", "x", "--touch", "1"];
    let _ = state.program(start).arguments(["--seed", "a", "--profile", "qsee"]).run().exits(0);
    for options in [["--seed", "b"], ["--profile", "ios"]] {
        let _ = state.program(start).arguments(options).run().refuses(2);
    }
    for options in [vec![], vec!["--seed", "a"], vec!["--profile", "qsee"]] {
        let _ = state.program(start).arguments(options).run().exits(0);
    }
}

#[test]
fn state_outlives_the_process() {
    let state = State::new();
    let first = state.authenticate("one");
    let keys = state.keys();
    let second = state.authenticate("two");
    assert_eq!(second.counter(), first.counter() + 1);
    assert_eq!(second.result().cpu_id, first.result().cpu_id);
    assert_eq!(state.keys(), keys);
    let kinds: Vec<_> = keys.iter().map(|key| key.kind.as_str()).collect();
    assert_eq!(kinds, ["attk", "ask", "authkey"]);
    assert_eq!(first.verify(&keys[2].public()), Ok(()));
    assert_eq!(keys[2].public().fingerprint(), keys[2].fingerprint);
}

#[test]
fn tee_prints_one_line_and_exits_0_if_and_only_if_the_result_code_is_0() {
    let state = State::new();
    let tee = |arguments: &[&str]| state.program(["tee"]).arguments(arguments).run();
    let get = ["getAuthKey", "10115", "Wechat_demo"];
    assert_eq!(tee(&get).exits(1).json(), json!({"resultCode": 3}));
    assert_eq!(tee(&["generateAppSecureKey", "10115"]).exits(0).json(), json!({"resultCode": 0}));
    assert_eq!(tee(&["hasAskAlready", "10115"]).exits(0).json(), json!({"resultCode": 0, "value": true}));
    assert_eq!(tee(&get).exits(1).json(), json!({"resultCode": 1006}));
    assert_eq!(
        tee(&["hasAuthKey", "10115", "Wechat_demo"]).exits(0).json(),
        json!({"resultCode": 0, "value": false})
    );
    assert_eq!(tee(&["generateAuthKey", "10115", "Wechat_demo"]).exits(0).json(), json!({"resultCode": 0}));
    let file = state.path().join("export");
    let reply = state.program(["tee", "--raw"]).arguments([&file]).arguments(get).run().exits(0).json();
    let bytes = fs::read(&file).unwrap();
    assert_eq!(Base64::decode_vec(reply["exportData"].as_str().unwrap()).unwrap(), bytes);
    let export = KeyJson::decode(&ExportBlob::decode(&bytes).unwrap().json).unwrap();
    assert_eq!((export.uid.as_str(), export.counter), ("10115", 3));
    for command in ["getDeviceId", "getVersion"] {
        let _ = tee(&[command]).exits(0).json();
    }
    assert_eq!(tee(&["getExtraParam", "fingerprint_type"]).exits(0).json()["value"], 1);
    for session in [["initSigh", "10115", "Wechat_demo", "c"].as_slice(), &["finishSign", "5"]] {
        assert!(tee(session).refuses(2).stderr.contains("REPL"));
    }
    assert_eq!(tee(&["removeAllAuthKey", "10115"]).exits(0).json(), json!({"resultCode": 0}));
}

#[test]
fn verify_says_in_one_line_whether_a_signature_holds_and_why_not() {
    let folder = TempDir::new().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let callback =
        Callback::read(&seeded(&["auth", "--challenge", "x", "--touch", "1"]).run().exits(0).json());
    let repl = Program::new(["--json", "--seed", "tests"]).input("auth x --touch 1\nkeys\n").run().exits(0);
    let keys = Key::read_all(&repl.json_lines()[1]);
    let key = file("key.pem", Key::only(&keys, "authkey").pem.as_bytes());
    let (json, raw) =
        (file("text", callback.result_json.as_bytes()), file("raw", &callback.signature_bytes()));
    let base64 = file("base64", callback.signature.as_bytes());
    let verify =
        |key: &std::path::Path, json: &std::path::Path, signature: &std::path::Path, more: &[&str]| {
            Program::new(["verify", "--key"])
                .arguments([
                    key.as_os_str(),
                    "--json".as_ref(),
                    json.as_os_str(),
                    "--signature".as_ref(),
                    signature.as_os_str(),
                ])
                .arguments(more)
                .run()
        };
    for signature in [&raw, &base64] {
        assert!(verify(&key, &json, signature, &[]).exits(0).line().starts_with("valid"));
        assert!(verify(&key, &json, signature, &["--salt", "20"]).exits(0).line().starts_with("valid"));
        let refused = verify(&key, &json, signature, &["--salt", "32"]).exits(1);
        assert!(refused.line().starts_with("invalid: wrong-salt-length"), "{refused}");
    }
    let crlf = file("crlf", format!("{}\r\n", callback.result_json).as_bytes());
    assert!(verify(&key, &crlf, &raw, &[]).exits(1).line().starts_with("invalid: reserialised"));
    let other_key = file("ask.pem", Key::only(&keys, "ask").pem.as_bytes());
    assert!(verify(&other_key, &json, &raw, &[]).exits(1).line().starts_with("invalid: "));
    let _ = verify(&folder.path().join("missing"), &json, &raw, &[]).refuses(3);
    let _ = verify(folder.path(), &json, &raw, &[]).refuses(3);
}

#[test]
fn a_vector_set_goes_into_an_empty_folder_only() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("mine"), "precious").unwrap();
    let _ = seeded(&["vectors"]).arguments([folder.path()]).run().refuses(2);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_locked_state_folder_names_process_folder_and_ways_out() {
    let state = State::new();
    let mut repl = state.repl().start();
    repl.send("keys");
    repl.line();
    let refused = state.program(["keys"]).run().refuses(3);
    for word in [repl.id().to_string().as_str(), state.path().to_str().unwrap(), "--state", "--ephemeral"] {
        assert!(refused.stderr.contains(word), "{word}: {refused}");
    }
    let _ = repl.end().exits(0);
    let _ = state.program(["keys"]).run().exits(0);
}

#[test]
fn words_that_mean_nothing_are_usage_errors() {
    for arguments in [
        ["auht", "x"].as_slice(),
        &["auth", "x", "--touch", "finger"],
        &["auth"],
        &["auth", "x", "--profile", "nokia"],
        &["--clock", "5", "keys"],
        &["keys", "--ephemeral", "--state", "x"],
        &["tee", "getAuthKey", "ten", "x"],
        &["keys", "--ephemeral", "--device", "nobody"],
        &["repl", "--ephemeral", "--device", "nobody"],
        &["call", "no.method", "--ephemeral"],
        &["call", "keys.list", "[", "--ephemeral"],
        &["explain", "12345"],
        &["device", "create", "UPPER", "--ephemeral"],
    ] {
        let _ = Program::new(arguments).run().refuses(2);
    }
}

#[test]
fn help_version_and_completions_are_answers() {
    let help = Program::new(["--help"]).run().exits(0);
    assert!(help.stdout.contains("Examples") && help.stdout.contains("vectors"), "{help}");
    for command in ["auth", "tee", "keys", "verify", "vectors", "device", "explain"] {
        assert!(Program::new([command, "--help"]).run().exits(0).stdout.contains("Example"), "{command}");
    }
    assert_eq!(
        Program::new(["--version"]).run().exits(0).stdout,
        format!("soter-sim {}\n", env!("CARGO_PKG_VERSION"))
    );
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(Program::new(["completions", shell]).run().exits(0).stdout.contains("soter-sim"), "{shell}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let finished = Program::new(["explain"]).stdout(Stdio::from(writer)).run().exits(0);
    assert_eq!(finished.stderr, "");
}

#[test]
fn piped_touches_feed_the_open_dialog_and_the_end_cancels_it() {
    let input = "# a comment\n\nauth one\ntouch wrong\nkeys\ntouch 1\nauth two\ncancel\nauth three\n";
    let repl = Program::new(["--json", "--ephemeral"]).input(input).run().exits(0);
    let answers = repl.json_lines();
    let callbacks: Vec<_> =
        answers.iter().filter(|answer| Callback::is(answer)).map(Callback::read).collect();
    let codes: Vec<_> = callbacks.iter().map(|callback| callback.err_code).collect();
    assert_eq!(codes, [0, 90008, 90008], "{repl}");
    assert_eq!(callbacks[0].result().raw, "one");
    assert!(repl.stderr.contains("cancelled"), "{repl}");
    assert!(answers.iter().any(Value::is_array), "keys were listed while the dialog was open");
}

#[test]
fn a_pipe_reports_its_first_mistake_and_goes_on() {
    let repl =
        Program::new(["--json", "--ephemeral"]).input("nonsense\ntouch 1\nauth x --touch 1\n").run().exits(2);
    assert_eq!(Callback::read(&repl.json_lines()[0]).err_code, 0);
    assert_eq!(repl.stderr.lines().filter(|line| line.starts_with("error: ")).count(), 2, "{repl}");
}

#[test]
fn an_android_apps_whole_way_works_in_a_pipe() {
    let mut repl = Program::new(["--json", "--ephemeral"]).start();
    for line in ["tee generateAppSecureKey 10115", "tee generateAuthKey 10115 pay"] {
        repl.send(line);
        assert_eq!(repl.answer(), json!({"resultCode": 0}));
    }
    repl.send("tee initSigh 10115 pay order-42");
    let session = repl.answer()["session"].as_u64().unwrap();
    repl.send("touch 1");
    assert_eq!(repl.answer()["judgement"], "matched");
    repl.send(&format!("tee finishSign {session}"));
    assert_eq!(repl.answer()["resultCode"], 0);
    repl.send(&call("soter.finishSign", &json!({"session": session})));
    assert_eq!(repl.answer(), json!({"resultCode": 1018}));
    let _ = repl.end().exits(0);
}
