//! `soter-sim audit` as a process: exit codes, reports, and messages when nothing can be concluded.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use serde_json::Value;
use soter_attack::audit::ReportKind;
use soter_tests::{Finished, Program, Running};
use tempfile::TempDir;

/// A server on a free port.
fn server(arguments: &[&str]) -> (Running, String) {
    let program = Program::new(["serve", "--listen", "127.0.0.1:0", "--ephemeral"]).arguments(arguments);
    let mut running = program.start();
    let url = running.line().strip_prefix("soter-sim ready ").unwrap().to_owned();
    (running, url)
}

/// A few attacks of each kind: enough to see how the process behaves.
const FEW: &str = "SOTER-REPLAY-01,SOTER-REPLAY-02,SOTER-COUNTER-01,SOTER-REPLAY-06";

fn audit(url: &str, arguments: &[&str]) -> Finished {
    Program::new(["audit", "--preset", "wechat", "--url", url, "--only", FEW]).arguments(arguments).run()
}

fn report(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn an_audit_of_our_own_server_finds_nothing_and_writes_every_report() {
    let folder = TempDir::new().unwrap();
    let paths = ReportKind::ALL.map(|kind| folder.path().join("a").with_extension(kind.extension()));
    let (_running, url) = server(&[]);
    let arguments: Vec<&str> = paths.iter().flat_map(|path| ["--report", path.to_str().unwrap()]).collect();
    let finished = audit(&url, &[&arguments[..], &["--verbose"]].concat()).exits(0);
    let last = finished.stdout.lines().last().unwrap();
    assert!(last.contains("3 pass, 0 fail, 0 warn, 1 skip, 0 error"), "{finished}");
    assert!(finished.stderr.contains("4/4 PASS  SOTER-REPLAY-02: "), "{finished}");
    assert_eq!(report(&paths[0])["summary"]["pass"], 3);
    let starts: [&str; ReportKind::ALL.len()] = ["{", "<?xml", "{", "<!doctype html>"];
    for (path, start) in paths.iter().zip(starts) {
        assert!(std::fs::read_to_string(path).unwrap().starts_with(start), "{}", path.display());
    }
}

#[test]
fn findings_exit_with_1_unless_the_baseline_has_them() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("before.json");
    let (_running, url) = server(&["--replays", "accept"]);
    let finished = audit(&url, &["--report", path.to_str().unwrap()]).exits(1);
    assert!(finished.stdout.contains("FAIL   SOTER-REPLAY-01"), "{finished}");
    assert!(
        finished.stdout.contains("how to fix it") && finished.stdout.contains("curl -sS -X POST"),
        "{finished}"
    );
    assert_eq!(report(&path)["summary"]["fail"], 3);
    let again = audit(&url, &["--baseline", path.to_str().unwrap(), "--json"]).exits(0);
    let printed: Value = serde_json::from_str(again.line()).unwrap();
    assert_eq!((&printed["summary"]["fail"], &printed["summary"]["known"]), (&3.into(), &3.into()));
}

#[test]
fn a_pipe_gets_the_findings_and_the_numbers_and_with_quiet_nothing() {
    let (_running, url) = server(&["--replays", "accept"]);
    let finished = audit(&url, &[]).exits(1);
    let lines: Vec<&str> = finished.stderr.lines().collect();
    assert_eq!(lines[0], format!("4 attacks on {url}"));
    assert_eq!(lines[4], "4 attacks done: 0 pass, 3 fail, 0 warn, 1 skip, 0 error");
    assert_eq!(lines.len(), 5, "{finished}");
    for id in ["SOTER-REPLAY-01", "SOTER-REPLAY-02", "SOTER-COUNTER-01"] {
        assert!(lines[1..4].iter().any(|line| line.contains(&format!("/4 FAIL  {id}: "))), "{finished}");
    }
    let verbose = audit(&url, &["-v"]).exits(1);
    assert_eq!(verbose.stderr.lines().count(), 6, "{verbose}");
    let quiet = audit(&url, &["--quiet", "--json"]).exits(1);
    assert_eq!((quiet.stderr.as_str(), quiet.stdout.lines().count()), ("", 1));
    let both = audit(&url, &["-q", "-v"]).refuses_usage();
    assert!(both.stderr.contains("cannot be used with"), "{both}");
    // Errors are shown nevertheless.
    assert!(audit("http://127.0.0.1:9", &["--quiet"]).exits(2).stderr.contains("was not answered"));
}

#[test]
fn a_terminal_gets_a_bar_with_the_remaining_time_and_the_findings_above_it() {
    let (_running, url) = server(&["--replays", "accept"]);
    let program = || Program::new(["audit", "--preset", "wechat", "--url", &url, "--only", FEW]);
    let mut terminal = program().at_a_terminal();
    terminal.shows(&format!("4 attacks on {url}"));
    terminal.shows("/4 attacks, about ");
    terminal.shows("FAIL  SOTER-");
    terminal.shows("to look at");
    terminal.shows("3 fail, 0 warn, 1 skip, 0 error");
    assert_eq!(terminal.end(), Some(1));
    // A terminal that cannot draw gets lines.
    let mut plain = program().variable("TERM", "dumb").at_a_terminal();
    let before = plain.shows("4 attacks done: ");
    assert!(!before.contains("about") && before.contains("FAIL  SOTER-REPLAY-01: "), "{before}");
    assert_eq!(plain.end(), Some(1));
}

#[test]
fn unreachable_remote_and_wrong_targets_exit_with_2_and_advice() {
    for (url, expected) in
        [("http://127.0.0.1:9", "was not answered"), ("ftp://127.0.0.1", "is not an address of a server")]
    {
        let finished = audit(url, &[]).exits(2);
        assert!(finished.stderr.contains(expected) && finished.stderr.contains("next: "), "{finished}");
    }
    let remote = audit("http://192.0.2.1", &[]).exits(2);
    assert!(remote.stderr.contains("--allow-remote") && remote.stderr.contains("permitted"), "{remote}");
    let (_running, url) = server(&[]);
    let wrong = audit(&url, &["--secret", "another"]).exits(2);
    assert!(wrong.stderr.contains("40125") && wrong.stderr.contains("nothing is concluded"), "{wrong}");
    let wrong = audit(&url, &["--enroll-url", "/health"]).exits(2);
    assert!(wrong.stderr.contains("does not know these keys"), "{wrong}");
    let wrong = audit(&url, &["--enroll-url", "http://127.0.0.1:9/"]).exits(2);
    assert!(wrong.stderr.contains("is not on http://127.0.0.1"), "{wrong}");
}

#[test]
fn an_audit_with_a_failed_control_replaces_every_earlier_report() {
    let folder = TempDir::new().unwrap();
    let paths = ReportKind::ALL.map(|kind| folder.path().join("a").with_extension(kind.extension()));
    let (_running, url) = server(&[]);
    let reports: Vec<&str> = paths.iter().flat_map(|path| ["--report", path.to_str().unwrap()]).collect();
    // No server listens, the verifier does not know the mini program, and it does not accept the keys.
    for (url, more, expected) in [
        ("http://127.0.0.1:9", &[][..], "was not answered"),
        (&url, &["--secret", "another"], "40125"),
        (&url, &["--enroll-url", "/health"], "does not know these keys"),
    ] {
        for path in &paths {
            std::fs::write(path, "of yesterday").unwrap();
        }
        let arguments: Vec<&str> = reports.iter().chain(more).copied().collect();
        let finished = audit(url, &arguments).exits(2);
        assert!(finished.stderr.contains(expected) && finished.stdout.is_empty(), "{finished}");
        let json = report(&paths[0]);
        assert_eq!(json["results"].as_array().unwrap().len(), 1, "{json}");
        let result = &json["results"][0];
        assert_eq!((&result["id"], &result["verdict"]), (&"SOTER-CONTROL-01".into(), &"ERROR".into()));
        assert!(result["reason"].as_str().unwrap().contains(expected), "{result}");
        assert_eq!(json["summary"]["error"], 1);
        for path in &paths[1..] {
            let text = std::fs::read_to_string(path).unwrap();
            assert!(text.contains("SOTER-CONTROL-01") && text.contains(expected), "{text}");
        }
        assert!(std::fs::read_to_string(&paths[1]).unwrap().contains("errors=\"1\""));
        let printed =
            audit(url, more.iter().chain(&["--json"]).copied().collect::<Vec<_>>().as_slice()).exits(2);
        assert_eq!(printed.json()["results"][0]["id"], "SOTER-CONTROL-01");
        assert!(printed.stderr.contains("nothing is concluded"), "{printed}");
    }
}

#[test]
fn invalid_arguments_are_refused_before_anything_is_sent() {
    let url = "http://127.0.0.1:9";
    for (arguments, expected) in [
        (&["--report", "report.txt"][..], ".sarif"),
        (&["--report", "no-such-folder/report.html"], "no-such-folder"),
        (&["--skip", "SOTER-NONSENSE"], "SOTER-NONSENSE"),
        (&["--skip", "SOTER"], "leave no attack"),
        (&["--skip", ""], "is empty"),
        (&["--baseline", "no-such-file.json"], "no-such-file.json"),
    ] {
        let finished = audit(url, arguments);
        assert!(matches!(finished.code, Some(2 | 3)) && finished.stderr.contains(expected), "{finished}");
    }
    let nothing = Program::new(["audit"]).run().refuses(2);
    assert!(nothing.stderr.contains("--init"), "{nothing}");
    let half = Program::new(["audit", "--preset", "wechat"]).run().refuses_usage();
    assert!(half.stderr.contains("--url"), "{half}");
}

#[test]
fn init_writes_a_valid_description_and_overwrites_none() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("mine.toml");
    let init = || Program::new(["audit", "--init"]).arguments([&path]).run();
    assert!(init().exits(0).stdout.contains("--config"));
    assert!(init().refuses(2).stderr.contains("is there already"));
    let dry = Program::new(["audit", "--dry-run", "--config"]).arguments([&path]).run().exits(0);
    assert!(dry.stdout.ends_with("nothing was sent\n"), "{dry}");
    // No server listens, and the error says what to check.
    let path = path.to_str().unwrap();
    let dead = Program::new(["audit", "--backend-listen", "127.0.0.1:0", "--config", path])
        .arguments(["--url", "http://127.0.0.1:9"])
        .run()
        .exits(2);
    assert!(dead.stdout.starts_with("WeChat for your application: http://127.0.0.1:"), "{dead}");
    assert!(dead.stderr.contains("appid and secret above"), "{dead}");
}

#[test]
fn a_dry_run_lists_the_attacks_as_json() {
    let listed = audit("http://127.0.0.1:9", &["--dry-run", "--json"]).exits(0).json();
    let attacks: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|attack| (attack["id"].clone(), attack["play"].clone()))
        .collect();
    // A verifier has no orders.
    for (id, play) in [("SOTER-REPLAY-01", true), ("SOTER-COUNTER-01", true), ("SOTER-REPLAY-06", false)] {
        assert!(attacks.contains(&(id.into(), play.into())), "{listed}");
    }
    assert_eq!(attacks.len(), 4);
    let first = &listed[0];
    assert!(first["title"].is_string() && first["layer"] == "verifier" && first["expected"] == "must-refuse");
}

#[test]
fn attackers_methods_are_offered_over_rpc_only_with_a_flag() {
    let call =
        |url: &str, method: &str, params: &str| Program::new(["rpc", method, params, "--connect", url]).run();
    let (_usual, url) = server(&[]);
    let refused = call(&url, "danger.snapshot", r#"{"name":"before"}"#).refuses(2);
    assert!(refused.stderr.contains("--attacker"), "{refused}");
    let (_offering, url) = server(&["--attacker"]);
    let copied = call(&url, "danger.snapshot", r#"{"name":"before"}"#).exits(0).json();
    assert_eq!(copied["device"], "phone");
    let ran = call(&url, "attack.run", r#"{"id":"SOTER-REPLAY-01"}"#).exits(0).json();
    assert_eq!((&ran["verdict"], &ran["id"]), (&"PASS".into(), &"SOTER-REPLAY-01".into()));
    let forged = call(&url, "attack.forge", r#"{"id":"soter-json-12"}"#).exits(0).json();
    assert!(forged["differences"].to_string().contains("object"), "{forged}");
}

/// Answers every request with this JSON and status 200, on a free port.
fn always_answers(body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().take(1000) {
            // A client that disconnects early needs no answer.
            let _ = answer(stream.unwrap(), body);
        }
    });
    url
}

fn answer(mut stream: TcpStream, body: &str) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line)? > 2 {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    reader.read_exact(&mut vec![0; length])?;
    write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn a_description_that_accepts_every_answer_concludes_nothing() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("audit.toml");
    let url = always_answers(r#"{"challenge":"pay 42","code":-1}"#);
    let description = format!(
        "url = '{url}'\n[challenge]\nchallenge = '/challenge'\n[challenge.request]\nurl = '/orders'\n\
         [result.request]\nurl = '/pay'\nbody = 'r={{{{resultJSON}}}}&s={{{{resultJSONSignature}}}}'\n\
         [result.success]\nstatus = 200\n"
    );
    std::fs::write(&path, description).unwrap();
    let finished = Program::new(["audit", "--backend-listen", "127.0.0.1:0", "--only", FEW, "--config"])
        .arguments([&path])
        .run()
        .exits(2);
    for expected in [
        "your description cannot tell yes from no",
        "a request without login, order and result for a success: status 200",
        "say in that section how a success differs",
        "\"code\":-1",
    ] {
        assert!(finished.stderr.contains(expected), "{expected}: {finished}");
    }
}
