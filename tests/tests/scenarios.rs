//! `soter-sim run`: the shipped scenarios hold, and failed expectations are printed.

use std::path::Path;

use soter_tests::{Finished, Program, Server};

/// Runs these lines as a scenario on its own phone.
fn scenario(lines: &str) -> Finished {
    Program::new(["run", "-"]).input(lines).run()
}

#[test]
fn every_shipped_scenario_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../simulator/scenarios");
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        let finished = Program::new(["run"]).arguments([&file]).run().exits(0);
        assert!(finished.stdout.ends_with(" 0 failed\n"), "{finished}");
        assert!(finished.stdout.contains("ok "), "{finished}");
    }
}

#[test]
fn a_failed_expectation_is_printed_with_its_line_and_what_was_found() {
    let finished =
        scenario("# one\nauth order-42 --touch cancel\nexpect errCode is 0\nexpect errCode is 90008\n")
            .exits(1);
    assert!(finished.stdout.contains("   3    FAILED errCode is 0: found 90008"), "{finished}");
    assert!(finished.stdout.contains("   4    ok errCode is 90008"), "{finished}");
    assert!(finished.stdout.ends_with("expectations: 1 held, 1 failed\n"), "{finished}");
}

#[test]
fn a_line_that_is_refused_ends_the_scenario_unless_that_is_expected() {
    let finished = scenario("device explode\nkeys\nexpect 0.kind is attk\n").exits(1);
    assert!(finished.stdout.contains("nothing is carried out after it"), "{finished}");
    assert!(!finished.stdout.contains("   2  keys"), "{finished}");
    let expected =
        scenario("device select nobody\nexpect error no device `nobody`\nkeys\nexpect 0.kind is attk\n")
            .exits(0);
    assert!(expected.stdout.ends_with("expectations: 2 held, 0 failed\n"), "{expected}");
}

#[test]
fn the_answer_of_a_phone_to_a_second_authentication_is_shown_and_one_that_would_wait_is_not_begun() {
    let refused =
        scenario("auth a\nauth b\nexpect errCode is 90007\ntouch 1\nexpect resultJSON.raw is a\n").exits(0);
    assert!(refused.stdout.ends_with("expectations: 2 held, 0 failed\n"), "{refused}");
    let queue = "device set secondCall queue\nauth a\nauth b\nexpect error a dialog is open\ntouch 1\n";
    let queued = scenario(&format!("{queue}expect resultJSON.raw is a\n")).exits(0);
    assert!(queued.stdout.ends_with("expectations: 2 held, 0 failed\n"), "{queued}");
}

#[test]
fn no_line_prints_control_characters() {
    let finished = scenario("auth 'a\u{1b}[2J\u{202e}' --touch 1\nexpect errCode is 0\n").exits(0);
    assert!(finished.stdout.contains("   1  auth 'a\\u{1b}[2J\\u{202e}' --touch 1\n"), "{finished}");
    assert!(!finished.stdout.contains(['\u{1b}', '\u{202e}']), "{finished}");
}

#[test]
fn a_file_that_is_not_a_scenario_is_refused_before_anything_happens() {
    let wrong = scenario("keys\nexpect errCode equals 0\n").refuses(2);
    assert!(wrong.stderr.contains("line 2") && wrong.stderr.contains("equals"), "{wrong}");
    for nothing in ["", "\n \n", "# a comment\n\n", "\u{feff}# cut off"] {
        let empty = scenario(nothing).refuses(2);
        assert!(empty.stderr.contains("no line but blank ones and comments"), "{empty}");
    }
    let missing = Program::new(["run", "no-such-file.soter"]).run().refuses(3);
    assert!(missing.stderr.contains("no-such-file.soter"), "{missing}");
}

#[test]
fn a_dialog_that_is_left_open_is_cancelled_at_the_end_with_a_remark() {
    for lines in ["auth order-42\n", "auth order-42\ntouch wrong\nquit\n"] {
        let finished = scenario(lines).exits(0);
        assert!(finished.stdout.ends_with("expectations: 0 held, 0 failed\n"), "{finished}");
        assert_eq!(finished.stderr, "remark: the scenario ended with the dialog open: it was cancelled\n");
    }
    let closed = scenario("auth order-42\ntouch 1\nexpect errCode is 0\n").exits(0);
    assert_eq!(closed.stderr, "");
}

#[test]
fn lines_after_quit_are_a_failure() {
    let _ = scenario("keys\nquit\n# nothing follows\n").exits(0);
    let finished = scenario("keys\nquit\nexpect 0.kind is attk\n").exits(1);
    assert!(finished.stdout.contains("   2    FAILED lines follow, and it ends here"), "{finished}");
}

#[test]
fn a_scenario_gives_the_same_result_in_every_language_with_a_server_too() {
    let server = Server::ephemeral(&[]);
    let lines = "device remove nobody\nexpect error no device `nobody`\nexpect error 没有设备 `nobody`\n\
                 call verify.signature {\"key\":\"\",\"json\":\"\",\"signature\":\"\"}\n\
                 expect detail contains the key cannot be read\n";
    for language in ["en", "zh-CN"] {
        for connected in [vec![], vec!["--connect", &server.url]] {
            let program = Program::new(["run", "-"]).arguments(connected);
            let _ = program.variable("SOTER_SIM_LANG", language).input(lines).run().exits(0);
        }
    }
}
