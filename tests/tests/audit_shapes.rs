//! The descriptions that `soter-sim audit --init` writes, each against a small application of its shape.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use soter_attack::Shape;
use soter_tests::{Finished, Program};
use tempfile::TempDir;

/// A few attacks: enough to see that the description tells yes from no.
const FEW: &str = "SOTER-REPLAY-01,SOTER-REPLAY-06,SOTER-COUNTER-01";

/// A small application of a shape.
fn application(shape: Shape) -> PathBuf {
    let backends = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("backends");
    match shape {
        Shape::Session => backends.join("shapes/session.mjs"),
        Shape::Cookie => backends.join("shapes/cookie.mjs"),
        Shape::Signed => backends.join("shapes/signed.mjs"),
        Shape::Async => backends.join("shapes/async.mjs"),
        Shape::Verifier => backends.join("blind/bank-app/server.mjs"),
    }
}

fn init(path: &Path, shape: Shape) {
    let written = Program::new(["audit", "--shape", shape.name(), "--init"]).arguments([path]).run().exits(0);
    assert!(written.stdout.contains("--check"), "{written}");
}

/// Audits the application of a shape with the description as it is written.
fn audit(shape: Shape, arguments: &[&str], variables: &[(&str, &str)]) -> Finished {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("audit.toml");
    init(&path, shape);
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut program = Program::new(["audit", "--url", &format!("http://{address}"), "--config"])
        .arguments([&path])
        .arguments(arguments)
        .arguments(["--", "node"])
        .arguments([application(shape)])
        .variable("PORT", &address.port().to_string());
    for (name, value) in variables {
        program = program.variable(name, value);
    }
    program.run()
}

#[test]
fn every_shape_describes_an_application_of_its_kind() {
    for shape in Shape::ALL {
        let checked = audit(shape, &["--check"], &[]).exits(0);
        assert!(checked.stdout.ends_with("recognised as a success\n"), "{shape:?}: {checked}");
        let audited = audit(shape, &["--only", FEW, "--json"], &[]).exits(0).json();
        assert_eq!(audited["summary"]["pass"], 3, "{shape:?}: {audited}");
    }
}

#[test]
fn every_shape_tells_a_careless_application_from_a_careful_one() {
    for shape in Shape::ALL.into_iter().filter(|shape| *shape != Shape::Verifier) {
        let audited = audit(shape, &["--only", FEW, "--json"], &[("WEAK", "1")]).exits(1).json();
        // A page that says only that an order is paid does not show whether it was paid twice.
        let (fail, warn) = if shape == Shape::Cookie { (2, 1) } else { (3, 0) };
        let counts = (&audited["summary"]["fail"], &audited["summary"]["warn"]);
        assert_eq!(counts, (&fail.into(), &warn.into()), "{shape:?}: {audited}");
    }
}

#[test]
fn a_person_at_a_terminal_is_asked_for_the_shape_and_others_get_the_usual_one() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let starts = |name: &str, shape: Shape| {
        assert_eq!(std::fs::read_to_string(path(name)).unwrap(), shape.description());
    };
    for (typed, shape) in [("2\r", Shape::Cookie), ("async\r", Shape::Async), ("7\r\r", Shape::Session)] {
        let file = shape.name();
        let mut terminal = Program::new(["audit", "--init"]).arguments([path(file)]).at_a_terminal();
        for shape in Shape::ALL {
            terminal.shows(shape.summary());
        }
        terminal.shows("number or name [session]:");
        terminal.types(typed);
        assert_eq!(terminal.end(), Some(0));
        starts(file, shape);
    }
    let mut interrupted = Program::new(["audit", "--init"]).arguments([path("none")]).at_a_terminal();
    interrupted.shows("number or name");
    interrupted.types("\u{4}");
    assert_eq!(interrupted.end(), Some(2));
    assert!(!path("none").exists());
    // In a pipe nobody is asked.
    let piped = Program::new(["audit", "--init"]).arguments([path("piped")]).run().exits(0);
    assert!(piped.stderr.is_empty(), "{piped}");
    starts("piped", Shape::Session);
    let unknown = Program::new(["audit", "--init", "x", "--shape", "round"]).run().refuses_usage();
    assert!(unknown.stderr.contains("round"), "{unknown}");
}

#[test]
fn a_signal_at_the_question_leaves_nothing_behind() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("audit.toml");
    let mut terminal = Program::new(["audit", "--init"]).arguments([&path]).at_a_terminal();
    terminal.shows("number or name");
    // As Ctrl-C does; but a shell may have told its background jobs to ignore SIGINT.
    let process = rustix::process::Pid::from_raw(terminal.id().try_into().unwrap()).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
    assert_ne!(terminal.end(), Some(0));
    assert!(!path.exists());
}

#[test]
fn an_application_that_keeps_the_token_of_an_earlier_audit_is_told_so() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("audit.toml");
    init(&path, Shape::Session);
    let [wechat, own] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let [wechat, own] = [wechat, own].map(|listener| listener.local_addr().unwrap());
    // It runs longer than an audit, and some SDKs keep a token after 40001.
    let mut node = std::process::Command::new("node")
        .arg(application(Shape::Session))
        .env("PORT", own.port().to_string())
        .env("KEEP_TOKEN", "1")
        .env("SOTER_SIM_URL", format!("http://{wechat}"))
        .env("SOTER_SIM_APPID", soter_tests::Backend::APPID)
        .env("SOTER_SIM_SECRET", soter_tests::Backend::SECRET)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while std::net::TcpStream::connect(own).is_err() {
        assert!(std::time::Instant::now() < deadline, "the application does not listen");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let audit = |arguments: &[&str]| {
        let (url, wechat) = (format!("http://{own}"), wechat.to_string());
        let program = Program::new(["audit", "--url", &url, "--backend-listen", &wechat, "--config"]);
        program.arguments([&path]).arguments(arguments).run()
    };
    let ended = [audit(&["--check"]), audit(&["--only", "SOTER-REPLAY-01"])];
    node.kill().unwrap();
    node.wait().unwrap();
    let [first, second] = ended;
    let _ = first.exits(0);
    let second = second.exits(2);
    let expected = "your application uses an access token that this audit did not issue";
    assert!(
        second.stderr.contains(expected) && second.stderr.contains("renew the token on 40001"),
        "{second}"
    );
}
