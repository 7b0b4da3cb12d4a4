use std::io;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use serde_json::Value;
use soter_bridge::protocol::Request;
use soter_wire::Mode;

use super::*;
use crate::front::Console;
use crate::front::test_phone::TestPhone;

/// A stream whose bytes can be read back.
#[derive(Clone, Debug, Default)]
struct Stream(Arc<Mutex<Vec<u8>>>);

impl io::Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// A stream whose reader has closed it.
struct Closed;

impl io::Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Ran {
    exit: Exit,
    answers: String,
    errors: String,
    phone: Arc<TestPhone>,
}

impl Ran {
    /// The answers of a session with `--json`.
    fn json(&self) -> Vec<Value> {
        self.answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn run_on(phone: TestPhone, json: bool, input: &[u8]) -> Ran {
    let runtime = Runtime::new().unwrap();
    let (answers, errors, phone) = (Stream::default(), Stream::default(), Arc::new(phone));
    let console = Console::with_writers(answers.clone(), errors.clone());
    let session = Session::new(Arc::clone(&phone), console, None, json);
    let exit = run(&runtime, session, input);
    Ran { exit, answers: answers.text(), errors: errors.text(), phone }
}

fn run_json(input: &str) -> Ran {
    run_on(TestPhone::default(), true, input.as_bytes())
}

#[test]
fn touches_on_separate_lines_answer_the_open_dialog() {
    let ran = run_json("auth order-42\ntouch wrong\ntouch 1\ntee getVersion\n");
    let answers = ran.json();
    assert_eq!(answers.len(), 4, "{}", ran.answers);
    assert_eq!(answers[0]["judgement"], "rejected");
    assert_eq!(answers[0]["attemptsLeft"], 4);
    assert_eq!(answers[1]["judgement"], "matched");
    assert_eq!(answers[2]["errCode"], 0, "the answer is printed before the next line is read");
    assert_eq!(answers[3]["value"], 1);
    assert_eq!((ran.exit, ran.errors.as_str()), (Exit::Good, ""));
}

#[test]
fn a_scripted_authentication_is_answered_at_once() {
    let ran = run_json("auth a --touch wrong,1\nauth b --touch wrong\n");
    let codes: Vec<_> = ran.json().iter().map(|answer| answer["errCode"].clone()).collect();
    assert_eq!(codes, [0, 90008]);
    assert_eq!(ran.exit, Exit::Good, "a refusal by the phone is not a failure of the REPL");
}

#[test]
fn the_end_of_the_input_cancels_the_open_dialog() {
    for input in ["auth a", "auth a\nexit\nkeys\n"] {
        let ran = run_json(input);
        let answers = ran.json();
        assert_eq!(answers.len(), 1, "{}", ran.answers);
        assert_eq!(answers[0]["errCode"], 90008);
        assert!(ran.errors.contains("dialog open"), "{}", ran.errors);
        assert_eq!(ran.exit, Exit::Good);
    }
}

#[test]
fn a_second_authentication_that_would_wait_is_not_begun_while_a_dialog_is_open() {
    for second in ["auth b", "auth b --touch 1", "call wx.startSoterAuthentication {\"challenge\": \"b\"}"] {
        let ran = run_json(&format!("auth a\n{second}\ncancel\n"));
        assert!(ran.errors.contains("a dialog is open"), "{}", ran.errors);
        assert_eq!(ran.exit, Exit::Usage);
        assert_eq!(ran.json().last().unwrap()["errCode"], 90008);
    }
}

#[test]
fn other_commands_run_while_the_dialog_is_open() {
    let ran = run_json("auth a\n# a comment\n\nexplain 90008\ntee getVersion\ntouch 1\n");
    let answers = ran.json();
    assert_eq!(answers[0][0]["code"], 90008);
    assert_eq!(answers[1]["value"], 1);
    assert_eq!(answers[3]["errCode"], 0);
}

#[test]
fn a_touch_by_method_name_also_ends_the_dialog() {
    let ran = run_json("auth a\ncall sensor.touch {\"touch\": 1}\ntee getVersion\n");
    assert_eq!(ran.json()[1]["errCode"], 0, "{}", ran.answers);
}

#[test]
fn the_first_line_that_fails_decides_the_exit_code() {
    for (input, exit) in [
        ("", Exit::Good),
        ("# nothing\n\n", Exit::Good),
        ("tee getAuthKey 1 a\n", Exit::Good),
        ("nonsense\ntee getVersion\n", Exit::Usage),
        ("touch 1\n", Exit::Usage),
        ("keys --device nobody\n", Exit::Usage),
        ("biometric unlock\nnonsense\n", Exit::Environment),
        ("nonsense\nbiometric unlock\n", Exit::Usage),
    ] {
        let ran = run_json(input);
        assert_eq!(ran.exit, exit, "{input}: {}", ran.errors);
    }
}

#[test]
fn an_error_is_two_lines_and_the_next_line_runs() {
    let ran = run_json("nonsense\ntee getVersion\n");
    let lines: Vec<_> = ran.errors.lines().collect();
    assert!(
        lines.len() == 2 && lines[0].starts_with("error: ") && lines[1].starts_with("next: "),
        "{lines:?}"
    );
    assert_eq!(ran.json().len(), 1);
}

#[test]
fn without_json_a_refusal_says_what_it_means() {
    let ran = run_on(TestPhone::default(), false, b"auth a --touch cancel\n");
    assert!(ran.answers.contains("\"errCode\": 90008"), "{}", ran.answers);
    assert!(ran.answers.contains("refused with 90008"), "{}", ran.answers);
    assert!(!ran.answers.contains('\u{1b}'), "no colours in a pipe: {:?}", ran.answers);
}

#[test]
fn without_modes_the_phones_usual_mode_is_requested() {
    for (modes, expected) in [
        (vec![Mode::FingerPrint, Mode::Facial], "fingerPrint"),
        (vec![Mode::Facial, Mode::FingerPrint], "fingerPrint"),
        (vec![Mode::Facial], "facial"),
        (vec![], "fingerPrint"),
    ] {
        let ran = run_on(TestPhone::with_modes(&modes), true, b"auth a --touch 1\n");
        let calls = ran.phone.calls();
        let Some(Request::StartSoterAuthentication(request)) = calls.last().map(|call| &call.request) else {
            panic!("{calls:?}")
        };
        assert_eq!(request.request_auth_modes.as_deref(), Some([expected.to_owned()].as_slice()));
    }
}

#[test]
fn a_call_by_name_without_modes_is_passed_on_unchanged() {
    let ran = run_json("call wx.startSoterAuthentication {\"challenge\": \"a\", \"touch\": \"1\"}\n");
    let calls = ran.phone.calls();
    let Request::StartSoterAuthentication(request) = &calls[0].request else { panic!("{calls:?}") };
    assert_eq!(request.request_auth_modes, None);
    assert_eq!(ran.json()[0]["errCode"], 0);
}

#[test]
fn events_are_printed_to_stderr_when_requested() {
    let quiet = run_json("auth a --touch 1\n");
    assert_eq!(quiet.errors, "");
    let ran = run_json("events on\nauth a --touch 1\nevents off\nauth b --touch 1\n");
    assert!(ran.errors.contains("touch 1: matched"), "{}", ran.errors);
    assert_eq!(ran.errors.matches("matched").count(), 1, "{}", ran.errors);
    assert_eq!(ran.json().len(), 2);
}

#[test]
fn a_closed_output_ends_the_session_without_an_error() {
    let runtime = Runtime::new().unwrap();
    let (errors, phone) = (Stream::default(), Arc::new(TestPhone::default()));
    let session = Session::new(Arc::clone(&phone), Console::with_writers(Closed, errors.clone()), None, true);
    let exit = run(&runtime, session, &b"tee getVersion\nkeys\n"[..]);
    assert_eq!((exit, errors.text().as_str()), (Exit::Good, ""));
    assert_eq!(phone.calls().len(), 1, "no line runs after the output is closed");
}

#[test]
fn commands_go_to_the_sessions_device_until_another_is_selected() {
    let runtime = Runtime::new().unwrap();
    let phone = Arc::new(TestPhone::default());
    let console = Console::with_writers(Stream::default(), Stream::default());
    let session = Session::new(Arc::clone(&phone), console, Some("phone".to_owned()), true);
    run(&runtime, session, &b"keys\nkeys --device other\n"[..]);
    let devices: Vec<_> = phone.calls().into_iter().map(|call| call.device).collect();
    assert_eq!(devices, [Some("phone".to_owned()), Some("other".to_owned())]);
}

#[test]
fn verify_in_a_session_does_not_read_standard_input() {
    let ran = run_json("verify --key - --json a --signature b\n");
    assert!(ran.errors.contains("standard input"), "{}", ran.errors);
    assert_eq!(ran.exit, Exit::Usage);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_carried_out_or_refused(
        input in proptest::collection::vec(
            prop_oneof![
                Just(b"auth a".to_vec()),
                Just(b"touch 1".to_vec()),
                Just(b"cancel".to_vec()),
                Just(b"keys".to_vec()),
                proptest::collection::vec(any::<u8>(), 0..20),
            ],
            0..8,
        )
    ) {
        run_on(TestPhone::default(), true, &input.join(&b'\n'));
    }
}
