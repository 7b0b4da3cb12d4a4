//! The REPL on a pipe: dialogs that lines answer, help, explained codes, and invalid lines.

use serde_json::Value;
use soter_tests::{Backend, Callback, Finished, Program, Server, State};

/// Runs these lines on an ephemeral phone, with answers in JSON.
fn repl(lines: &str) -> Finished {
    Program::new(["--ephemeral", "--json", "--no-bridge"]).input(lines).run()
}

/// Runs these lines on an ephemeral phone, with answers for people.
fn repl_for_people(lines: &str) -> Finished {
    Program::new(["--ephemeral", "--no-bridge"]).input(lines).run()
}

fn callbacks(finished: &Finished) -> Vec<Callback> {
    finished.json_lines().iter().filter(|answer| Callback::is(answer)).map(Callback::read).collect()
}

fn codes(finished: &Finished) -> Vec<i64> {
    callbacks(finished).iter().map(|callback| callback.err_code).collect()
}

#[test]
fn touch_lines_answer_the_open_dialog() {
    let finished = repl("auth order-42\ntouch wrong\ntouch 1\n").exits(0);
    let [callback] = callbacks(&finished).try_into().unwrap();
    assert_eq!((callback.err_code, callback.result().raw.as_str()), (0, "order-42"));
    let judgements: Vec<_> = finished
        .json_lines()
        .iter()
        .filter_map(|answer| answer["judgement"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(judgements, ["rejected", "matched"]);
}

#[test]
fn a_dialog_can_be_answered_step_by_step() {
    let mut repl = Program::new(["--ephemeral", "--json", "--no-bridge"]).start();
    for round in 0..3 {
        repl.send(&format!("auth order-{round}"));
        repl.send("touch wrong");
        assert_eq!(repl.answer()["judgement"], "rejected");
        repl.send("touch 1");
        let answers = [repl.answer(), repl.answer()];
        let callback = Callback::read(answers.iter().find(|answer| Callback::is(answer)).unwrap());
        assert_eq!(callback.result().raw, format!("order-{round}"));
    }
    let _ = repl.end().exits(0);
}

#[test]
fn an_answer_is_printed_before_the_next_line_runs() {
    let finished = repl("auth a\ntouch 1\ncall device.list\n").exits(0);
    let answers = finished.json_lines();
    let position = |is: &dyn Fn(&Value) -> bool| answers.iter().position(is);
    let result = position(&|answer| Callback::is(answer)).unwrap();
    let list = position(&|answer| answer.get("devices").is_some()).unwrap();
    assert!(result < list, "{finished}");
}

#[test]
fn a_line_can_cancel_the_dialog() {
    assert_eq!(codes(&repl("auth a\ncancel\n").exits(0)), [90008]);
    assert_eq!(codes(&repl("auth a\ntouch cancel\n").exits(0)), [90008]);
    assert_eq!(codes(&repl("auth a\ntouch wrong\ncancel\nauth b --touch 1\n").exits(0)), [90008, 0]);
}

#[test]
fn the_end_of_the_input_cancels_an_open_dialog_with_a_remark() {
    for lines in ["auth a\n", "auth a", "auth a\ntouch wrong\n"] {
        let finished = repl(lines).exits(0);
        assert_eq!(codes(&finished), [90008]);
        assert!(!finished.stderr.is_empty(), "no remark: {finished}");
    }
}

#[test]
fn five_wrong_touches_end_the_dialog_and_the_next_call_is_frozen() {
    let finished = repl(&format!("auth a\n{}auth b --touch 1\n", "touch wrong\n".repeat(5))).exits(0);
    assert_eq!(codes(&finished), [90010, 90010]);
    let finished =
        repl(&format!("auth a\n{}biometric unlock\nauth b --touch 1\n", "touch wrong\n".repeat(5)));
    assert_eq!(codes(&finished.exits(0)), [90010, 0]);
}

#[test]
fn a_second_call_is_refused_while_a_dialog_is_open() {
    let finished = repl("auth first\nauth second\ntouch 1\n").exits(0);
    assert_eq!(codes(&finished), [90007, 0]);
    assert_eq!(callbacks(&finished)[1].result().raw, "first");
    // A call that would wait in the queue cannot begin on a later line.
    let queue = "device set secondCall queue\n";
    let finished = repl(&format!("{queue}auth first\nauth second\ntouch 1\n")).exits(2);
    assert_eq!(codes(&finished), [0]);
    assert!(finished.stderr.contains("dialog is open"), "{finished}");
}

#[test]
fn other_lines_work_while_a_dialog_is_open() {
    let finished = repl("auth a\nsupport\ncall device.list\ntouch 1\n").exits(0);
    assert!(finished.json_lines().iter().any(|answer| answer.get("supportMode").is_some()), "{finished}");
    assert_eq!(codes(&finished), [0]);
}

#[test]
fn a_touch_without_a_dialog_is_an_error() {
    for line in ["touch 1", "cancel", "touch", "touch 1 2", "touch finger"] {
        let finished = repl(line).exits(2);
        assert_eq!(finished.stdout, "", "{finished}");
        assert!(finished.stderr.contains("error: ") && finished.stderr.contains("next: "), "{finished}");
    }
}

#[test]
fn comments_and_empty_lines_print_nothing() {
    let finished = repl_for_people("# a comment\n\n   \n  # another one\n").exits(0);
    assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("", ""));
    let finished = repl_for_people("").exits(0);
    assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("", ""));
}

#[test]
fn lines_may_end_as_on_windows() {
    assert_eq!(codes(&repl("auth a --touch 1\r\nauth b --touch 1\r\n").exits(0)), [0, 0]);
}

#[test]
fn negative_answers_are_not_failures_of_the_repl() {
    assert_eq!(codes(&repl("auth a --touch cancel\n").exits(0)), [90008]);
    let finished = repl("tee getAppSecureKey 10115\n").exits(0);
    assert_eq!(finished.json()["resultCode"], 3);
}

#[test]
fn the_first_error_decides_the_exit_code_and_later_lines_still_run() {
    let finished = repl("frobnicate\nauth a --touch 1\n").exits(2);
    assert_eq!(codes(&finished), [0]);
    assert!(finished.stderr.contains("frobnicate"), "{finished}");
}

#[test]
fn nothing_runs_after_exit() {
    for word in ["exit", "quit"] {
        let finished = repl(&format!("auth a --touch 1\n{word}\nauth b --touch 1\nfrobnicate\n")).exits(0);
        assert_eq!(codes(&finished), [0]);
    }
}

#[test]
fn every_code_is_explained() {
    let known: Vec<i32> = (90001..=90011)
        .chain(-1..=30)
        .chain(100..=105)
        .chain([200, 300, 401, 801, 1_014_500_001])
        .chain(1001..=1029)
        .chain(10308..=10310)
        .chain([10011, 40001, 40003, 40029, 40163, 40164, 41001, 42001, 43002, 44002, 45009, 45011, 47001])
        .chain([48001, 48006, 87008, 87009, -604_101])
        .collect();
    let lines: Vec<_> = known.iter().map(|code| format!("explain {code}\n")).collect();
    let finished = repl_for_people(&lines.concat()).exits(0);
    for code in known {
        assert!(finished.stdout.contains(&code.to_string()), "{code} is not explained");
    }
    for code in [7, 104, 90006, -604_101] {
        let alone = repl_for_people(&format!("explain {code}\n")).exits(0);
        assert!(alone.stdout.split_whitespace().count() > 10, "{alone}");
    }
}

#[test]
fn a_number_with_several_meanings_is_explained_with_all_of_them() {
    let finished = repl_for_people("explain 90001\n").exits(0);
    assert!(
        finished.stdout.contains("does not support SOTER") && finished.stdout.contains("XML"),
        "{finished}"
    );
    let finished = repl_for_people("explain 7\n").exits(0);
    for part in ["ERR_REMOVE_AUTH_KEY", "(SDK before 2020-03)", "Today's number is 1001."] {
        assert!(finished.stdout.contains(part), "{part}: {finished}");
    }
}

#[test]
fn explaining_a_number_without_a_meaning_says_so() {
    let finished = repl_for_people("explain 12345\n");
    assert_ne!(finished.code, None, "{finished}");
    assert!(finished.stdout.contains("12345") || finished.stderr.contains("12345"), "{finished}");
}

#[test]
fn help_lists_every_command_and_every_command_has_help_with_an_example() {
    let commands = [
        "auth",
        "touch",
        "cancel",
        "device",
        "device create",
        "device list",
        "device select",
        "device show",
        "device set",
        "device remove",
        "device reset",
        "sensor",
        "sensor ask",
        "sensor auto",
        "sensor script",
        "biometric",
        "finger",
        "biometric enroll",
        "biometric remove",
        "biometric list",
        "biometric unlock",
        "support",
        "enrolled",
        "tee",
        "tee generateAppSecureKey",
        "tee getAppSecureKey",
        "tee hasAskAlready",
        "tee generateAuthKey",
        "tee getAuthKey",
        "tee hasAuthKey",
        "tee removeAuthKey",
        "tee removeAllAuthKey",
        "tee initSigh",
        "tee finishSign",
        "tee getDeviceId",
        "tee getVersion",
        "tee getExtraParam",
        "keys",
        "verify",
        "explain",
        "help",
        "exit",
        "call",
    ];
    let list = repl_for_people("help\n").exits(0).stdout;
    for command in commands {
        if let Some(word) = command.split(' ').next() {
            assert!(list.contains(word), "`{word}` is not in the list:\n{list}");
        }
        let help = repl_for_people(&format!("help {command}\n")).exits(0);
        assert!(help.stdout.contains("Example"), "{help}");
    }
    let _ = repl_for_people("help frobnicate\n").exits(2);
}

#[test]
fn signing_sessions_work_as_in_the_trusted_app() {
    let opened =
        "tee generateAppSecureKey 10115\ntee generateAuthKey 10115 demo\ntee initSigh 10115 demo order-42\n";
    let session = {
        let finished = repl(opened).exits(0);
        finished.json_lines()[2]["session"].as_u64().unwrap()
    };
    let untouched = repl(&format!("{opened}tee finishSign {session}\n"));
    assert_ne!(untouched.json_lines()[3]["resultCode"], 0, "no touch, no signature: {untouched}");

    let mut repl = Program::new(["--ephemeral", "--json", "--no-bridge"]).start();
    for line in opened.lines() {
        repl.send(line);
    }
    let session = [repl.answer(), repl.answer(), repl.answer()][2]["session"].as_u64().unwrap();
    repl.send("touch 1");
    assert_eq!(repl.answer()["judgement"], "matched");
    repl.send(&format!("tee finishSign {session}"));
    assert_eq!(repl.answer()["resultCode"], 0);
    repl.send(&format!("tee finishSign {session}"));
    assert_ne!(repl.answer()["resultCode"], 0, "a session signs once");
    let _ = repl.end().exits(0);
}

#[test]
fn every_method_can_be_called_by_its_name() {
    for method in [
        "wx.checkIsSupportSoterAuthentication",
        "wx.checkIsSoterEnrolledInDevice",
        "device.list",
        "device.show",
        "biometric.list",
        "soter.getDeviceId",
        "soter.getVersion",
        "keys.list",
    ] {
        let finished =
            repl(&format!("call {method}\ncall {method} {{}}\ncall {method} {{\"device\":null}}\n")).exits(0);
        assert_eq!(finished.json_lines().len(), 3, "{finished}");
    }
}

#[test]
fn output_for_people_names_what_was_signed_and_whether_it_verifies() {
    let state = State::new();
    let finished = state.program(["repl"]).input("auth order-42 --touch 1\n").run().exits(0);
    let fingerprint = state.keys().iter().find(|key| key.kind == "authkey").unwrap().fingerprint.clone();
    for shown in ["order-42", "startSoterAuthentication:ok", &fingerprint[..8]] {
        assert!(finished.stdout.contains(shown), "{shown} is not in {finished}");
    }
}

#[test]
fn a_pipe_gets_neither_prompt_nor_colour_nor_banner() {
    let finished = repl_for_people("device list\n").exits(0);
    assert!(!finished.stdout.contains('\u{1b}') && !finished.stderr.contains('\u{1b}'), "{finished}");
    assert!(!finished.stdout.contains("try:"), "{finished}");
}

#[test]
fn invalid_lines_are_errors_and_nothing_panics() {
    let long = format!("auth {}\n", "x".repeat(1 << 20)).into_bytes();
    let without_end = vec![b'a'; 4 << 20];
    for lines in [
        b"\xff\xfe\xfd\n".to_vec(),
        b"auth \xc3\x28\n".to_vec(),
        b"auth 'open\n".to_vec(),
        b"call\n".to_vec(),
        b"call device.list {\n".to_vec(),
        b"call device.list []\n".to_vec(),
        b"call device.list '{\"device\":\"phone\",\"device\":\"phone\"}'\n".to_vec(),
        b"auth\n".to_vec(),
        b"\0\n".to_vec(),
        b"--help=\x01\n".to_vec(),
        b"device set modes ,,,\n".to_vec(),
        b"sensor script 1,2,x,,\n".to_vec(),
        long,
        without_end,
    ] {
        let shown: String = String::from_utf8_lossy(&lines).chars().take(40).collect();
        let finished = Program::new(["--ephemeral", "--json", "--no-bridge"])
            .input([lines, b"\nsupport\n".to_vec()].concat())
            .run();
        assert_eq!(finished.code, Some(2), "{shown:?}: {}", finished.stderr);
        assert!(finished.stderr.len() < 2_000, "{shown:?} is answered with {} bytes", finished.stderr.len());
        assert!(finished.stdout.contains("supportMode"), "{shown:?} ended the REPL: {}", finished.stderr);
    }
}

#[test]
fn errors_are_two_lines_each() {
    let finished = repl("frobnicate\ncall no.such\ndevice show nobody\n").exits(2);
    let lines: Vec<_> = finished.stderr.lines().collect();
    assert_eq!(lines.len(), 6, "{finished}");
    for pair in lines.chunks(2) {
        assert!(pair[0].starts_with("error: ") && pair[1].starts_with("next: "), "{finished}");
    }
}

#[test]
fn the_journal_shows_calls_from_outside_with_their_reasons() {
    let server = Server::ephemeral(&[]);
    let backend = Backend::open(&server.url).expect("the server answers");
    let (_, reason) = backend.verify("{}", "AAAA").expect("the server answers");
    let shown = Program::new(["--connect", &server.url]).input("journal --limit 1\n").run().exits(0).stdout;
    assert!(shown.contains("POST /cgi-bin/soter/verify_signature\n"), "{shown}");
    assert!(shown.contains(&format!("  {reason}: ")) && !shown.contains("/cgi-bin/token"), "{shown}");

    let alone =
        Program::new(["--ephemeral", "--no-bridge"]).input("auth a --touch 1\njournal\n").run().exits(0);
    assert!(alone.stdout.ends_with("not those of this REPL\n"), "{alone}");
    let refused = Program::new(["journal", "--ephemeral"]).run().refuses(2);
    assert!(refused.stderr.contains("--connect URL"), "{refused}");
    assert!(
        Program::new(["journal", "--after", "1", "--before", "2"])
            .run()
            .refuses_usage()
            .stderr
            .contains("--before")
    );
}
