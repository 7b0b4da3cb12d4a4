//! The program as a server: `serve`, `exec`, `rpc`, `--connect`, and what survives a kill.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use soter_tests::{Backend, Callback, Program, Server, State, has_chinese};

/// The verdict of a server, with an access token of its own.
fn verify_at(server: &Server, callback: &Callback) -> (String, String) {
    verify(&Backend::open(&server.url).unwrap(), callback)
}

fn verify(backend: &Backend, callback: &Callback) -> (String, String) {
    backend.verify(&callback.result_json, &callback.signature).unwrap()
}

fn authenticated(server: &Server, challenge: &str) -> Callback {
    Callback::read(&server.connected(&["auth", challenge, "--touch", "1"]).exits(0).json())
}

const YES: &str = r#"{"is_ok":true}"#;
const NO: &str = r#"{"is_ok":false}"#;

#[test]
fn a_backend_gets_the_right_answer_and_the_reason_in_a_header() {
    let server = Server::ephemeral(&[]);
    let callback = authenticated(&server, "order-42");
    assert_eq!(callback.result().raw, "order-42");
    assert_eq!(verify_at(&server, &callback), (YES.to_owned(), "valid".to_owned()));
    assert_eq!(verify_at(&server, &callback), (NO.to_owned(), "counter-replayed".to_owned()));
    let tampered = Callback { result_json: callback.result_json.replace("order-42", "order-43"), ..callback };
    assert_eq!(verify_at(&server, &tampered), (NO.to_owned(), "wrong-signature".to_owned()));

    let (_, journal) = server.http("GET", "/sim/journal", "");
    assert!(journal.contains("counter-replayed") && !journal.contains(Backend::SECRET), "{journal}");
    let finished = server.running.end_by_signal();
    assert_eq!(finished.code, Some(0));
    assert!(finished.stderr.contains("counter-replayed"), "{finished}");
}

#[test]
fn a_server_with_a_full_stderr_pipe_keeps_working_and_ends_on_a_signal() {
    // The pipe has room for nothing, or for the first few remarks.
    for room in [0, 4096] {
        let (mut unread, errors) = full_pipe();
        unread.read_exact(&mut vec![0; room]).unwrap();
        let server =
            Server::start(Program::new(["serve", "--listen", "127.0.0.1:0", "--ephemeral"]).stderr(errors));
        let callback = authenticated(&server, "a");
        assert_eq!(verify_at(&server, &callback).0, YES);
        for _ in 0..40 {
            assert_eq!(verify_at(&server, &callback).1, "counter-replayed");
        }
        assert_eq!(server.running.end_by_signal().code, Some(0));
    }
}

#[test]
fn a_command_runs_although_stderr_is_a_full_pipe() {
    let (_unread, errors) = full_pipe();
    let ended = Program::new(["exec", "--", "sh", "-c", "echo done; exit 7"]).stderr(errors).run();
    assert_eq!((ended.code, ended.line()), (Some(7), "done"));
}

/// A full pipe.
fn full_pipe() -> (std::io::PipeReader, std::io::PipeWriter) {
    let (unread, mut errors) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&errors, true).unwrap();
    while errors.write(&[b'x'; 4096]).is_ok() {}
    rustix::io::ioctl_fionbio(&errors, false).unwrap();
    (unread, errors)
}

#[test]
fn a_login_code_is_exchanged_for_a_session_of_its_user() {
    let server = Server::ephemeral(&[]);
    assert_eq!(
        server.connected(&["session"]).exits(1).json()["errMsg"],
        "checkSession:fail session time out, need relogin"
    );
    let code = server.rpc("wx.login", &json!({}))["code"].as_str().unwrap().to_owned();
    assert_eq!(server.connected(&["session"]).exits(0).json()["errMsg"], "checkSession:ok");
    let path = format!(
        "/sns/jscode2session?appid={}&secret={}&js_code={code}&grant_type=authorization_code",
        Backend::APPID,
        Backend::SECRET
    );
    let session: Value = serde_json::from_str(&server.http("GET", &path, "").1).unwrap();
    assert_eq!(session["openid"], Backend::OPENID);
    let info = server.rpc("wx.getUserInfo", &json!({}));
    assert!(info["encryptedData"].is_string() && info["errMsg"] == "getUserInfo:ok", "{info}");
}

#[test]
fn a_touch_from_another_client_ends_the_dialog() {
    let server = Server::ephemeral(&[]);
    let waiting = Program::new(["rpc", "wx.startSoterAuthentication"])
        .arguments([r#"{"requestAuthModes":["fingerPrint"],"challenge":"c"}"#, "--connect", &server.url])
        .start();
    // A touch is refused until the dialog is open.
    let judged = loop {
        let finished = server.connected(&["rpc", "sensor.touch", r#"{"touch":1}"#]);
        if finished.code == Some(0) {
            break finished.json();
        }
        let _ = finished.refuses(2);
    };
    assert_eq!((&judged["judgement"], &judged["dialogOpen"]), (&json!("matched"), &json!(false)));
    assert_eq!(Callback::read(&waiting.end().exits(0).json()).err_code, 0);
}

#[test]
fn every_command_of_the_command_line_works_on_a_running_server() {
    let server = Server::ephemeral(&["--profile", "itrustee", "--touch", "auto"]);
    let _ = server.connected(&["support"]).exits(0);
    let _ = server.connected(&["device", "list"]).exits(0);
    let _ = server.connected(&["keys", "--json"]).exits(0);
    let _ = server.connected(&["tee", "generateAppSecureKey", "10115"]).exits(0);
    let _ = server.connected(&["tee", "generateAuthKey", "10115", "pay"]).exits(0);
    let session =
        server.connected(&["tee", "initSigh", "10115", "pay", "c"]).exits(0).json()["session"].clone();
    let signed = server.connected(&["tee", "finishSign", &session.to_string()]).exits(0).json();
    assert!(signed["exportData"].is_string(), "{signed}");
    // `--touch` applies to its call only; the sensor continues to touch automatically.
    let _ = server.connected(&["auth", "a", "--touch", "cancel"]).exits(1);
    let _ = server.connected(&["auth", "b"]).exits(0);
    let repl = Program::new(["--json", "--connect", &server.url]).input("auth c\nkeys\n").run().exits(0);
    assert_eq!(Callback::read(&repl.json_lines()[0]).err_code, 0);
    let folder = tempfile::tempdir().unwrap();
    let vectors = server.connected(&["vectors", folder.path().to_str().unwrap(), "--json"]).exits(0).json();
    assert!(vectors["checks"].as_array().is_some_and(|checks| checks.len() > 12), "{vectors}");
    assert_eq!(server.rpc("device.list", &json!({}))["devices"].as_array().map(Vec::len), Some(1));
    // Commands that use no phone answer the same with and without a server.
    let _ = server.connected(&["explain", "90008"]).exits(0);
    let _ = server.connected(&["completions", "bash"]).exits(0);
    let document = server.rpc("rpc.discover", &json!({}));
    assert!(document["methods"].as_array().unwrap().len() > 30);
    let refused = server.connected(&["keys", "--device", "other"]).refuses(2);
    assert!(refused.stderr.contains("devices: phone"), "{refused}");
    let _ = server.connected(&["auth", "a", "--touch", "1", "--seed", "x"]).refuses_usage();
}

#[test]
fn what_is_for_programs_is_english_in_every_locale_and_what_is_for_a_person_is_not() {
    let server = Server::ephemeral(&[]);
    let params = r#"{"key":"","json":"","signature":""}"#;
    let run = |arguments: &[&str]| {
        let program = Program::new(arguments).arguments(["--connect", &server.url]);
        program.variable("SOTER_SIM_LANG", "zh-CN").run()
    };
    for program in ["rpc", "call"] {
        let verdict = run(&[program, "verify.signature", params]);
        let detail = verdict.json()["detail"].clone();
        assert!(detail.as_str().unwrap().starts_with("the key cannot be read: it is empty."), "{verdict}");
        let refused = run(&[program, "device.remove", r#"{"name":"nobody"}"#]);
        assert!(refused.stderr.contains("没有设备 `nobody`"), "{refused}");
    }
    let refused = run(&["device", "remove", "nobody", "--json"]);
    assert!(refused.stderr.contains("no device `nobody`"), "{refused}");

    let lines = format!(
        "call verify.signature '{params}'\ndevice profiles --json\ndevice profiles\ncall device.remove '{{\"name\":\"nobody\"}}'\n"
    );
    let repl = Program::new(["--connect", &server.url]).input(lines).variable("SOTER_SIM_LANG", "zh-CN");
    let repl = repl.run().exits(2);
    let (for_programs, for_a_person) = repl.stdout.split_once("\ntrustonic ").unwrap();
    assert!(for_programs.contains("the key cannot be read: it is empty."), "{repl}");
    assert!(for_programs.contains(r#"{"profiles":["#) && !has_chinese(for_programs), "{repl}");
    assert!(has_chinese(for_a_person), "{repl}");
    assert!(repl.stderr.contains("没有设备 `nobody`"), "{repl}");
}

#[test]
fn the_details_of_the_journal_are_in_the_language_of_who_reads_it_with_their_values() {
    let server = Server::ephemeral(&[]);
    let callback = authenticated(&server, "order-42");
    let counter = callback.counter();
    for reason in ["valid", "counter-replayed"] {
        assert_eq!(verify_at(&server, &callback).1, reason);
    }
    let english = format!("counter {counter} came with a result before; the highest so far is {counter}");
    let chinese = format!("计数器 {counter} 曾随某个结果出现过；目前最大值为 {counter}");
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"desk.journal","params":{"limit":1}}"#;
    for (path, detail) in [("/rpc", &english), ("/rpc?lang=zh-CN", &chinese)] {
        let (_, body) = server.http("POST", path, call);
        assert!(body.contains(detail), "{path}: {body}");
    }
    for (language, detail) in [("en", &english), ("zh-CN", &chinese)] {
        let repl = Program::new(["--connect", &server.url, "--lang", language]).input("journal --limit 2\n");
        let shown = repl.run().exits(0);
        assert!(shown.stdout.contains(&format!("counter-replayed: {detail}")), "{shown}");
    }
}

#[test]
fn the_error_for_an_unreachable_server_says_what_to_do() {
    let refused = Program::new(["keys", "--connect", "http://127.0.0.1:1"]).run().refuses(3);
    assert!(refused.stderr.contains("soter-sim serve"), "{refused}");
    let _ = Program::new(["keys", "--connect", "nonsense"]).run().refuses(2);
    let _ = Program::new(["rpc", "wx.login"]).run().refuses(2);
    let twice = r#"{"device":"phone","device":"phone"}"#;
    let refused =
        Program::new(["rpc", "wx.login", twice, "--connect", "http://127.0.0.1:1"]).run().refuses(2);
    assert!(refused.stderr.contains("two members `device`"), "{refused}");
    let _ = Program::new(["rpc", "wx.login", "{", "--connect", "http://127.0.0.1:1"]).run().refuses(2);
}

#[test]
fn connections_leave_file_descriptors_for_the_phones_files() {
    let state = State::new();
    let server = Server::start(
        state.program(["serve", "--listen", "127.0.0.1:0", "--touch", "auto"]).with_descriptors(200),
    );
    // The calls of the batch are simultaneous.
    server.rpc("device.set", &json!({"secondCall": "queue"}));
    let host = server.url.strip_prefix("http://").unwrap();
    let mut honest = TcpStream::connect(host).unwrap();
    honest.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let flood: Vec<TcpStream> = (0..400).map(|_| TcpStream::connect(host).unwrap()).collect();
    // Enough calls that the phone has to reserve counter values in its files.
    let call = |id| {
        let params = json!({"requestAuthModes": ["fingerPrint"], "challenge": "c"});
        json!({"jsonrpc": "2.0", "id": id, "method": "wx.startSoterAuthentication", "params": params})
    };
    let body = Value::from((0..40).map(call).collect::<Vec<_>>()).to_string();
    let length = body.len();
    let head = format!("POST /rpc HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}");
    honest.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    honest.read_to_string(&mut answer).unwrap();
    assert_eq!(answer.matches("startSoterAuthentication:ok").count(), 40, "{answer}");
    drop(flood);
}

#[test]
fn a_locked_folder_names_the_server_that_holds_it() {
    let state = State::new();
    let server = Server::start(state.program(["serve", "--listen", "127.0.0.1:0"]));
    let refused = state.program(["keys"]).run().refuses(3);
    assert!(refused.stderr.contains(&format!("--connect {}", server.url)), "{refused}");
}

#[test]
fn two_hundred_simultaneous_requests_have_one_success_and_none_after_a_kill() {
    let state = State::new();
    let server = Server::start(state.program(["serve", "--listen", "127.0.0.1:0"]));
    let callback = authenticated(&server, "order-42");
    let backend = Backend::open(&server.url).unwrap();
    let yes = std::thread::scope(|scope| {
        let ask = || verify(&backend, &callback).0;
        let asking: Vec<_> = (0..200).map(|_| scope.spawn(ask)).collect();
        asking.into_iter().map(|thread| thread.join().unwrap()).filter(|body| body == YES).count()
    });
    assert_eq!(yes, 1);
    let later = authenticated(&server, "order-43");
    let _ = server.running.kill();

    let server = Server::start(state.program(["serve", "--listen", "127.0.0.1:0"]));
    let (body, reason) = verify_at(&server, &callback);
    assert_eq!(body, NO, "{reason}");
    // A result that was signed but not verified before the kill is still accepted, once.
    assert_eq!(verify_at(&server, &later).0, YES);
    assert_eq!(verify_at(&server, &later).0, NO);
}

#[test]
fn a_lost_ledger_is_restored_by_the_phone() {
    let state = State::new();
    let before = state.authenticate("a");
    std::fs::remove_file(state.path().join("wechat.db")).unwrap();
    let refused = state.program(["serve", "--listen", "127.0.0.1:0"]).run().refuses(3);
    assert!(refused.stderr.contains("it is missing"), "{refused}");
    std::fs::remove_file(state.path().join("wechat.db-mark")).unwrap();
    let server = Server::start(state.program(["serve", "--listen", "127.0.0.1:0"]));
    // At the start, the phone has uploaded its keys again, with newer counters.
    assert_eq!(verify_at(&server, &before).1, "counter-rolled-back");
    let after = authenticated(&server, "b");
    assert_eq!(verify_at(&server, &after).0, YES);
}

#[test]
fn a_damaged_ledger_is_an_error_and_is_unchanged() {
    let state = State::new();
    let _ = state.authenticate("a");
    let ledger = state.path().join("wechat.db");
    std::fs::write(&ledger, b"not a database at all, whatever it is").unwrap();
    let refused = state.program(["serve", "--listen", "127.0.0.1:0"]).run().refuses(3);
    assert!(refused.stderr.contains("wechat.db"), "{refused}");
    assert_eq!(std::fs::read(&ledger).unwrap(), b"not a database at all, whatever it is");
}

#[test]
fn a_reset_gives_new_phones_and_the_same_ones_with_a_seed() {
    let identity = |server: &Server| server.rpc("device.show", &json!({}))["cpuId"].clone();
    for (arguments, same) in [(&[][..], false), (&["--seed", "demo"][..], true)] {
        let server = Server::ephemeral(arguments);
        let (before, callback) = (identity(&server), authenticated(&server, "a"));
        let (head, _) = server.http("POST", "/sim/reset", "");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert_eq!(identity(&server) == before, same);
        assert_eq!(verify_at(&server, &callback).1, "unknown-device");
        let again = authenticated(&server, "a");
        assert_eq!(again.result_json == callback.result_json, same);
        assert_eq!(verify_at(&server, &again).0, YES);
        let (_, journal) = server.http("GET", "/sim/journal?limit=1", "");
        assert!(!journal.contains("\"number\":1,"), "{journal}");
    }
}

#[test]
fn a_created_phone_has_the_sensor_mode_of_the_server() {
    let server = Server::ephemeral(&["--touch", "auto"]);
    assert_eq!(server.rpc("device.create", &json!({"name": "second"}))["sensor"], "auto");
    let params = json!({"device": "second", "requestAuthModes": ["fingerPrint"], "challenge": "c"});
    assert_eq!(server.rpc("wx.startSoterAuthentication", &params)["errCode"], 0);
}

#[test]
fn a_state_folder_is_reset_only_if_allowed() {
    let state = State::new();
    let server = Server::start(state.program(["serve", "--listen", "127.0.0.1:0"]));
    let (head, body) = server.http("POST", "/sim/reset", "");
    assert!(head.starts_with("HTTP/1.1 403") && body.contains("--allow-reset"), "{head} {body}");
    drop(server.running.end_by_signal());
    let server = Server::start(state.program(["serve", "--listen", "127.0.0.1:0", "--allow-reset"]));
    let before = authenticated(&server, "a");
    assert!(server.http("POST", "/sim/reset", "").0.starts_with("HTTP/1.1 200"));
    assert_ne!(authenticated(&server, "a").result().cpu_id, before.result().cpu_id);
}

#[test]
fn replays_can_be_accepted_and_answers_can_have_an_errcode() {
    let server = Server::ephemeral(&["--replays", "accept", "--reply-style", "errcode"]);
    let callback = authenticated(&server, "a");
    let yes = r#"{"errcode":0,"errmsg":"ok","is_ok":true}"#.to_owned();
    assert_eq!(verify_at(&server, &callback), (yes.clone(), "valid".to_owned()));
    assert_eq!(verify_at(&server, &callback), (yes, "valid-replay".to_owned()));
}

#[test]
fn apps_and_users_are_read_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("accounts.toml");
    std::fs::write(
        &config,
        "[[app]]\nappid = 'wx0123456789abcdef'\nsecret = 's'\n[[user]]\nname = 'zhang'\nnickname = '张三'\n[[user]]\nname = 'li'\n",
    )
    .unwrap();
    let server = Server::ephemeral(&["--config", config.to_str().unwrap()]);
    let user = server.rpc("device.show", &json!({}))["user"].clone();
    assert_eq!((&user["name"], &user["appid"]), (&json!("zhang"), &json!("wx0123456789abcdef")));
    server.rpc("device.set", &json!({"anonymousUser": false}));
    let info = server.rpc("wx.getUserInfo", &json!({"appid": Backend::APPID, "withCredentials": false}));
    assert_eq!(info["userInfo"]["nickName"], "张三");
    let _ = server.connected(&["device", "set", "user", "li"]).exits(0);
    assert_eq!(server.rpc("device.show", &json!({}))["user"]["name"], "li");
    let refused = server.connected(&["device", "set", "user", "wang"]).refuses(2);
    assert!(refused.stderr.contains("users: li, user, zhang"), "{refused}");

    std::fs::write(&config, "[[app]]\nappid = 'wx1'\nsecret = 'hush'\n").unwrap();
    let refused =
        Program::new(["serve", "--ephemeral", "--config", config.to_str().unwrap()]).run().refuses(2);
    assert!(refused.stderr.contains("wx1") && !refused.stderr.contains("hush"), "{refused}");
    for secret in ["'4815162342", "4815162342", "[4815162342]", "4815162342x"] {
        let app = format!("[[app]]\nappid = 'wx0123456789abcdef'\nsecret = {secret}\n");
        std::fs::write(&config, app).unwrap();
        let refused =
            Program::new(["serve", "--ephemeral", "--config", config.to_str().unwrap()]).run().refuses(2);
        assert!(refused.stderr.contains("line 3") && !refused.stderr.contains("4815162342"), "{refused}");
    }
    std::fs::write(&config, "[[app]]\nappid = 'wx0123456789abcdef'\nsecret = '4815162342'\n").unwrap();
    let run = Program::new(["exec", "--config", config.to_str().unwrap(), "--", "true"]).run().exits(0);
    assert!(run.stderr.contains("wx0123456789abcdef") && !run.stderr.contains("4815162342"), "{run}");
}

#[test]
fn listening_beyond_loopback_needs_a_token_and_a_taken_port_is_an_error() {
    let refused = Program::new(["serve", "--ephemeral", "--listen", "0.0.0.0:0"]).run().refuses(2);
    assert!(refused.stderr.contains("--token-file"), "{refused}");
    let server = Server::ephemeral(&[]);
    let address = server.url.strip_prefix("http://").unwrap();
    let refused = Program::new(["serve", "--ephemeral", "--listen", address]).run().refuses(3);
    assert!(refused.stderr.contains(address), "{refused}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "0123456789abcdef\n").unwrap();
    let server = Server::ephemeral(&["--token-file", file.to_str().unwrap()]);
    let _ = server.connected(&["keys"]).refuses(3);
    let with_token = format!("{}?token=0123456789abcdef", server.url);
    let _ = Program::new(["keys", "--connect", &with_token]).run().exits(0);
}

/// Whether this process ignores a signal, and with it every child: `nohup` does that with SIGHUP. A shell then cannot trap it.
/// Only Linux tells.
fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).unwrap_or_default();
    ignored & (1 << (signal.as_raw() - 1)) != 0
}

#[test]
fn exec_forwards_each_signal_and_waits_for_the_command_to_clean_up() {
    // A shell handles a signal only between two commands.
    let script = "trap 'echo interrupted; exit 5' INT; trap 'echo terminated; exit 6' TERM; \
                  trap 'echo hung up; exit 8' HUP; trap 'echo quit; exit 9' QUIT; echo up; while :; do sleep 0.01; done";
    for (signal, printed, code) in [
        (Signal::INT, "interrupted", 5),
        (Signal::TERM, "terminated", 6),
        (Signal::HUP, "hung up", 8),
        (Signal::QUIT, "quit", 9),
    ] {
        if is_ignored(signal) {
            continue;
        }
        let program = Program::new(["exec", "--", "sh", "-c", script]).in_own_process_group();
        let mut running = program.start();
        assert_eq!(running.line(), "up");
        assert_eq!(running.end_by(signal).exits(code).line(), printed);
    }
}

#[test]
fn every_signal_that_would_end_a_server_ends_it_in_an_orderly_way() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        if is_ignored(signal) {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--state", state.to_str().unwrap()];
        let server = Server::start(Program::new(arguments));
        let _ = server.rpc("device.create", &json!({"name": "second"}));
        let _ = server.running.end_by(signal).exits(0);
        let list = Program::new(["device", "list", "--state", state.to_str().unwrap()]).run().exits(0);
        assert!(list.stdout.contains("second"), "{signal:?}: {list}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_that_is_ignored_on_purpose_does_not_end_a_server() {
    let program = Program::new(["serve", "--listen", "127.0.0.1:0", "--ephemeral"]).with_ignored_signals();
    let server = Server::start(program);
    for signal in [Signal::HUP, Signal::QUIT] {
        server.running.signal(signal);
    }
    let _ = server.rpc("device.list", &json!({}));
    let _ = server.running.end_by_signal().exits(0);
}

#[cfg(target_os = "linux")]
#[test]
fn as_process_1_a_server_ends_on_a_signal() {
    let program = Program::new(["serve", "--listen", "127.0.0.1:0", "--ephemeral"]);
    let Some(program) = program.as_first_process() else { return };
    let server = Server::start(program);
    let parent = format!("PPid:\t{}\n", server.running.id());
    let is_child = |id: &i32| {
        std::fs::read_to_string(format!("/proc/{id}/status")).is_ok_and(|status| status.contains(&parent))
    };
    let processes = std::fs::read_dir("/proc").unwrap();
    let mut ids = processes.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let first = Pid::from_raw(ids.find(is_child).unwrap()).unwrap();
    kill_process(first, Signal::TERM).unwrap();
    let _ = server.running.end().exits(0);
}

#[cfg(target_os = "linux")]
#[test]
fn as_process_1_exec_waits_for_processes_whose_parents_have_ended() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("id");
    // The inner shell writes its id and ends, after the subshell that started it.
    let script = r#"(sh -c 'sleep 0.1; echo $$ > "$0"' "$0" &)
        turns=0
        while [ ! -s "$0" ] || [ -d "/proc/$(cat "$0")" ]; do
            turns=$((turns + 1)); [ $turns -gt 500 ] && exit 9; sleep 0.01
        done
        kill -TERM $$"#;
    let program = Program::new(["exec", "--", "sh", "-c", script, file.to_str().unwrap()]);
    let Some(program) = program.as_first_process() else { return };
    assert_eq!(program.run().code, Some(128 + 15));
}

#[test]
fn exec_runs_a_command_with_its_own_server_and_returns_its_exit_code() {
    let script = r#"echo "$SOTER_SIM_URL|$SOTER_SIM_WS|$SOTER_SIM_APPID|$SOTER_SIM_SECRET"; exit 7"#;
    let finished = Program::new(["exec", "--", "sh", "-c", script]).run().exits(7);
    let variables: Vec<_> = finished.line().split('|').collect();
    let port = variables[0].strip_prefix("http://127.0.0.1:").unwrap();
    assert!(port.parse::<u16>().is_ok());
    assert_eq!(variables[1..], [&format!("ws://127.0.0.1:{port}/ws"), Backend::APPID, Backend::SECRET]);
    let killed = Program::new(["exec", "--", "sh", "-c", "kill -9 $$"]).run();
    assert_eq!(killed.code, Some(137));
    let missing = Program::new(["exec", "--", "/nowhere/at-all"]).run();
    assert_eq!((missing.code, missing.stdout.as_str()), (Some(3), ""));
    let empty = Program::new(["exec", "--", ""]).run().refuses(2);
    assert!(empty.stderr.contains("the command behind `--` is empty"), "{empty}");
    let _ = Program::new(["exec"]).run().refuses_usage();
}
