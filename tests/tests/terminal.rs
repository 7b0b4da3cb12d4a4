//! The program at a terminal: typing ahead, pasting, the dialog's keys, and termination by a signal.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use rustix::process::{Pid, Signal, kill_process};
use soter_tests::{Program, Terminal};

fn repl() -> Terminal {
    let mut terminal = Program::new(["--ephemeral"]).at_a_terminal();
    let _ = terminal.shows("Try auth order-42");
    let _ = terminal.shows("phone> ");
    terminal
}

fn terminate(terminal: &Terminal) {
    let id = Pid::from_raw(terminal.id().try_into().unwrap()).unwrap();
    kill_process(id, Signal::TERM).unwrap();
}

#[test]
fn lines_that_are_typed_ahead_run_one_after_the_other() {
    let mut terminal = repl();
    terminal.types("support\rtee getVersion\rfinger list\rexit\r");
    for answer in ["supportMode", "resultCode", "finger 1"] {
        let _ = terminal.shows(answer);
    }
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn lines_that_are_pasted_at_once_run_one_after_the_other() {
    let mut terminal = repl();
    terminal.types("\x1b[200~support\ntee getVersion\nfinger list\n\x1b[201~\r");
    for answer in ["supportMode", "resultCode", "finger 1"] {
        let _ = terminal.shows(answer);
    }
    terminal.types("exit\r");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn a_long_line_is_not_drawn_again_for_each_of_its_characters() {
    // Colours are why it would be drawn again.
    let mut terminal = Program::new(["--ephemeral"]).variable("NO_COLOR", "").at_a_terminal();
    let _ = terminal.shows("\x1b[?2004h");
    terminal.types(format!("explain {}\r", "xxx ".repeat(2000)));
    let drawn = terminal.shows("error:").len();
    // It is drawn again when it grows by a row of the screen, 100 times.
    assert!(drawn < 2_000_000, "{drawn} bytes");
    terminal.types("exit\r");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn a_line_that_is_not_utf8_is_discarded_with_the_rest_of_its_paste() {
    // "auth 指纹" in GBK.
    let gbk = b"auth \xd6\xb8\xce\xc6";
    let rest = b"\rdevice create pasted".repeat(2000);
    let pastes = [
        gbk.to_vec(),
        [&gbk[..], b"\r"].concat(),
        [b"\x1b[200~".as_slice(), gbk, b"\rdevice create pasted\x1b[201~\r"].concat(),
        // More than the line editor reads at once, and than the terminal keeps.
        [&gbk[..], &rest, b"\r"].concat(),
        [b"\x1b[200~".as_slice(), gbk, &rest, b"\x1b[201~\r"].concat(),
        // The bytes of a character that is not complete.
        b"auth \xe6\x8c\r".to_vec(),
    ];
    let mut terminal = repl();
    for paste in pastes {
        terminal.reads_keys();
        terminal.types(paste);
        let _ = terminal.shows("error: the line is not UTF-8");
        let _ = terminal.shows("next: set the terminal to UTF-8");
        let _ = terminal.shows("phone> ");
    }
    terminal.types("device select pasted\r");
    let _ = terminal.shows("error: there is no device `pasted`");
    terminal.types("exit\r");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn a_key_that_is_not_utf8_does_not_disturb_the_dialog() {
    let mut terminal = repl();
    terminal.types("auth order-42\r");
    let _ = terminal.shows("Esc, Ctrl-C");
    terminal.types(b"\xce\xc6");
    terminal.types("x");
    let _ = terminal.shows("4 attempts left");
    terminal.types("1");
    let _ = terminal.shows("verifies:");
    terminal.types("exit\r");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn keys_touch_the_sensor_and_the_result_is_shown_with_its_check() {
    let mut terminal = repl();
    terminal.types("auth order-42\r");
    let _ = terminal.shows("Esc, Ctrl-C");
    terminal.types("x");
    let _ = terminal.shows("4 attempts left");
    terminal.types("1");
    let _ = terminal.shows("\"errCode\": 0");
    let _ = terminal.shows("verifies:");
    terminal.types("exit\r");
    assert_eq!(terminal.end(), Some(0));
    assert!(terminal.is_cooked());
}

#[test]
fn a_terminal_that_cannot_edit_lines_has_plain_ones() {
    for name in ["dumb", "emacs", "cons25"] {
        let mut terminal = Program::new(["--ephemeral"]).variable("TERM", name).at_a_terminal();
        let banner = terminal.shows("Try auth order-42");
        let _ = terminal.shows("phone> ");
        assert!(banner.contains("soter-sim"), "{banner}");
        assert!(!banner.contains('\x1b'), "{banner}");
        terminal.types("tee getVersion\r");
        let _ = terminal.shows("resultCode");
        let _ = terminal.shows("phone> ");
        terminal.types("auth order-42\r");
        let _ = terminal.shows("waits for a touch");
        terminal.types("touch wrong\r");
        let _ = terminal.shows("attempts left: 4");
        terminal.types("touch 1\r");
        let _ = terminal.shows("\"errCode\": 0");
        let _ = terminal.shows("verifies:");
        terminal.types(b"auth \xce\xc6\r");
        let _ = terminal.shows("error: a line is not UTF-8 from byte 6 on");
        let _ = terminal.shows("phone> ");
        terminal.types("device create second\rdevice select second\r");
        let _ = terminal.shows("second> ");
        terminal.types("no such command\r");
        let _ = terminal.shows("error:");
        let _ = terminal.shows("second> ");
        terminal.types("\x04");
        assert_eq!(terminal.end(), Some(0), "mistakes do not change the exit code");
        assert!(terminal.is_cooked());
    }
}

#[test]
fn the_end_of_a_plain_terminal_cancels_the_open_dialog() {
    let mut terminal = Program::new(["--ephemeral", "--json"]).variable("TERM", "dumb").at_a_terminal();
    assert!(!terminal.shows("phone> ").contains("Try auth"));
    terminal.types("auth order-42\r");
    let _ = terminal.shows("waits for a touch");
    let _ = terminal.shows("phone> ");
    terminal.types("\x04");
    let _ = terminal.shows("\"errCode\":90008");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn a_signal_during_the_dialog_removes_it_and_writes_the_log() {
    for command in [&["--ephemeral", "--log", "debug"][..], &["--ephemeral", "auth", "x", "--log", "debug"]] {
        let mut terminal = Program::new(command).at_a_terminal();
        if command.len() == 3 {
            let _ = terminal.shows("phone> ");
            terminal.types("auth order-42\r");
        }
        let _ = terminal.shows("Esc, Ctrl-C");
        terminate(&terminal);
        // The dialog has six lines. The log lines that were held back follow.
        let _ = terminal.shows("\x1b[6F\x1b[J");
        let _ = terminal.shows("event=PromptClosed");
        assert_eq!(terminal.end(), Some(128 + 15));
        assert!(terminal.is_cooked());
    }
}

#[test]
fn ctrl_c_cancels_the_dialog_and_does_not_end_the_program() {
    let mut terminal = repl();
    terminal.types("auth order-42\r");
    let _ = terminal.shows("Esc, Ctrl-C");
    terminal.types("\x03");
    let _ = terminal.shows("startSoterAuthentication:fail cancel");
    let _ = terminal.shows("phone> ");
    terminal.types("\x04");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn a_terminated_program_restores_the_terminal() {
    let mut at_prompt = repl();
    // The prompt is drawn before the line editor has changed the terminal's mode.
    at_prompt.types("supp");
    let _ = at_prompt.shows("supp");
    assert!(!at_prompt.is_cooked());
    terminate(&at_prompt);
    assert_eq!((at_prompt.end(), at_prompt.is_cooked()), (Some(143), true));

    let mut in_dialog = Program::new(["--ephemeral", "auth", "order-42"]).at_a_terminal();
    let _ = in_dialog.shows("Esc, Ctrl-C");
    assert!(!in_dialog.is_cooked());
    terminate(&in_dialog);
    assert_eq!((in_dialog.end(), in_dialog.is_cooked()), (Some(143), true));
}

#[test]
fn the_repl_takes_the_options_of_its_servers_without_the_word_repl() {
    let mut terminal =
        Program::new(["--ephemeral", "--listen", "127.0.0.1:0", "--touch", "auto"]).at_a_terminal();
    let banner = terminal.shows("phone> ");
    let (_, port) = banner.split_once("http://127.0.0.1:").unwrap_or_else(|| panic!("{banner}"));
    let port: u16 =
        port.split(|character: char| !character.is_ascii_digit()).next().unwrap().parse().unwrap();
    let _ = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    terminal.types("auth order-42\r");
    let _ = terminal.shows("startSoterAuthentication:ok");
    terminal.types("exit\r");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn clear_clears_the_screen() {
    let mut terminal = repl();
    terminal.types("clear\r");
    let _ = terminal.shows("\x1b[H\x1b[J");
    let _ = terminal.shows("phone> ");
    terminal.types("exit\r");
    assert_eq!(terminal.end(), Some(0));
}
