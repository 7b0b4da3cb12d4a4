//! `soter-sim audit --check`: the honest path once, with what each step finds.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use regex::Regex;
use soter_tests::{Backend, Finished, Program};
use tempfile::TempDir;

/// The example backend, which asks the WeChat servers at an address where none listen yet.
struct Example {
    node: Child,
    url: String,
    wechat: String,
}

impl Example {
    fn start() -> Self {
        let [wechat, own] = free_addresses();
        let mut node = Command::new("node")
            .arg(examples().join("backend.mjs"))
            .env("PORT", own.rsplit(':').next().unwrap())
            .env("SOTER_SIM_URL", format!("http://{wechat}"))
            .env("SOTER_SIM_APPID", Backend::APPID)
            .env("SOTER_SIM_SECRET", Backend::SECRET)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(node.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with(&format!("backend http://{own}")), "{line}");
        Self { node, url: format!("http://{own}"), wechat }
    }

    /// The check of this backend by its description, in which one text is replaced by another.
    fn check(&self, from: &str, to: &str, more: &[&str]) -> Finished {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("audit.toml");
        let text = std::fs::read_to_string(examples().join("audit.toml")).unwrap();
        assert!(text.contains(from), "{from}");
        std::fs::write(&path, text.replace(from, to)).unwrap();
        Program::new(["audit", "--check", "--url", &self.url, "--backend-listen", &self.wechat, "--config"])
            .arguments([&path])
            .arguments(more)
            .run()
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        // A process that has ended needs no end, and a test has no other way to report.
        let _ = self.node.kill().and_then(|()| self.node.wait());
    }
}

/// Two addresses at which nobody listens.
fn free_addresses() -> [String; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().to_string())
}

fn examples() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../host-bridge/examples")
}

#[test]
fn a_check_shows_each_step_with_what_it_found_and_no_secret() {
    let example = Example::start();
    let checked = example.check("url", "url", &[]).exits(0);
    let shown: Vec<&str> = checked.stdout.lines().skip(1).collect();
    assert_eq!(shown[0], "[login] POST /login: 200");
    assert_eq!(shown[1], "    session = … (64 characters)");
    assert_eq!(shown[2], "[challenge] POST /order: 200");
    assert!(shown[3].starts_with("    order = ") && shown[4].starts_with("    challenge = "), "{checked}");
    assert_eq!(shown[5], "[result] POST /pay: 200");
    assert_eq!(shown[6..], ["the honest payment was recognised as a success"]);
}

#[test]
fn a_check_that_fails_shows_the_step_the_exchange_and_what_to_do() {
    let example = Example::start();
    // A success that is not recognised.
    let failed = example.check("\"/paid\"", "\"/payed\"", &[]).exits(2);
    assert!(failed.stdout.contains("not as expected: nothing at `/payed`"), "{failed}");
    assert!(failed.stdout.ends_with("NOT recognised as a success\n"), "{failed}");
    assert!(failed.stderr.contains("WeChat said is_ok true") && failed.stderr.contains("next: "), "{failed}");
    assert!(
        failed.stderr.contains("  POST /pay HTTP/1.1") && failed.stderr.contains("\"paid\":"),
        "{failed}"
    );
    assert!(failed.stderr.contains(r#""session":"{{session}}""#), "{failed}");
    // A value that is not there does not hide the others.
    let failed =
        example.check("{ order = \"/order\" }", "{ order = \"/order\", no = \"/no\" }", &[]).exits(2);
    assert!(failed.stdout.contains("[challenge] POST /order: 200\n    order = "), "{failed}");
    assert!(failed.stdout.contains("there is nothing at `/no`"), "{failed}");
    assert!(failed.stderr.contains("compare [challenge] with"), "{failed}");
    // A login's answer is shown without its secrets, also if something is missing in it.
    let failed =
        example.check("session = \"/session\"", "session = \"/session\", no = \"/no\"", &[]).exits(2);
    assert!(failed.stderr.contains("[login]: there is nothing at `/no`"), "{failed}");
    let token = Regex::new("[0-9a-f]{16}").unwrap();
    assert!(!token.is_match(&failed.stdout) && !token.is_match(&failed.stderr), "{failed}");
    assert!(failed.stderr.contains(r#"{"session":"{{session}}"}"#), "{failed}");
    // A login that is refused.
    let failed = example.check("{{code}}", "wrong", &[]).exits(2);
    assert!(
        failed.stderr.contains("compare [login] with") && failed.stderr.contains("\"wrong\""),
        "{failed}"
    );
    // An address that is not the application's.
    let failed = example.check("\"/login\"", "\"http://127.0.0.1:9/login\"", &[]).exits(2);
    assert!(failed.stderr.contains("is not on http://127.0.0.1"), "{failed}");
}

#[test]
fn a_check_of_an_application_that_does_not_run_says_so() {
    let mut example = Example::start();
    example.node.kill().unwrap();
    example.node.wait().unwrap();
    let failed = example.check("url", "url", &[]).exits(2);
    assert!(failed.stdout.contains("[login] POST /login: no answer"), "{failed}");
    assert!(failed.stderr.contains("check that your application runs"), "{failed}");
}

#[test]
fn a_check_is_machine_readable() {
    let example = Example::start();
    let good = example.check("url", "url", &["--json"]).exits(0).json();
    assert_eq!((&good["recognised"], &good["failure"]), (&true.into(), &serde_json::Value::Null));
    let sections: Vec<_> = good["steps"].as_array().unwrap().iter().map(|step| &step["section"]).collect();
    assert_eq!(sections, ["login", "challenge", "result"]);
    assert_eq!(good["steps"][0]["values"]["session"], "… (64 characters)");
    let failed = example.check("\"/paid\"", "\"/payed\"", &["--json"]).exits(2).json();
    assert_eq!(failed["recognised"], false);
    assert_eq!(failed["steps"][2]["problem"], "nothing at `/payed`");
    assert!(failed["failure"]["request"].as_str().unwrap().starts_with("POST /pay HTTP/1.1"), "{failed}");
    assert!(failed["failure"]["next"].as_str().unwrap().contains("[result.success]"), "{failed}");
}
