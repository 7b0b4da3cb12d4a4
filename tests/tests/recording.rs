//! `soter-sim audit --from FILE.har` as a process: what it prints and writes, and what it refuses.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use soter_attack::Application;
use soter_tests::{Finished, Program};
use soter_wire::base64;
use tempfile::TempDir;

const TOKEN: &str = "f3d1c7a9-token";

fn entry(path: &str, body: &Value, answer: &Value) -> Value {
    json!({
        "startedDateTime": "2026-11-30T10:00:00.000Z",
        "request": {
            "method": "POST",
            "url": format!("http://127.0.0.1:3000{path}"),
            "headers": [{"name": "X-Session", "value": if path == "/login" { "" } else { TOKEN }}],
            "postData": {"mimeType": "application/json", "text": body.to_string()},
        },
        "response": {"status": 200, "headers": [], "content": {"text": answer.to_string()}},
    })
}

/// A recording of one payment, in this folder.
fn recording(folder: &Path) -> PathBuf {
    let result = json!({"raw": "ch-51d3", "counter": 3, "cpu_id": "cpu", "uid": "10102"}).to_string();
    let entries = [
        entry("/login", &json!({"code": "0b3Code00000000000000000000wxlog"}), &json!({"session": TOKEN})),
        entry("/orders", &json!({"amount": 42}), &json!({"id": "o-8123", "challenge": "ch-51d3"})),
        entry(
            "/pay",
            &json!({"order": "o-8123", "result": result, "signature": base64::encode(&[7; 256])}),
            &json!({"code": 0, "state": "paid"}),
        ),
    ];
    let path = folder.join("payment.har");
    std::fs::write(&path, json!({"log": {"version": "1.2", "entries": entries}}).to_string()).unwrap();
    path
}

fn audit(arguments: &[&str]) -> Finished {
    Program::new(["audit"]).arguments(arguments).run()
}

#[test]
fn a_proposal_is_printed_or_written_and_overwrites_nothing() {
    let folder = TempDir::new().unwrap();
    let har = recording(folder.path());
    let har = har.to_str().unwrap();
    let printed = audit(&["--from", har]).exits(0);
    assert!(printed.stderr.contains("3 of 3 recorded requests are steps; 2 guesses, 0 missing"), "{printed}");
    assert!(Application::read(&printed.stdout).is_ok() && !printed.stdout.contains(TOKEN), "{printed}");

    let path = folder.path().join("mine.toml");
    let file = path.to_str().unwrap();
    let written = audit(&["--from", har, "--init", file]).exits(0);
    assert!(written.stdout.contains("then `soter-sim audit --config"), "{written}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), printed.stdout);
    let again = audit(&["--from", har, "--init", file]).refuses(2);
    assert!(again.stderr.contains("is there already"), "{again}");
    // The description is one that an audit takes.
    let dry = audit(&["--dry-run", "--config", file]).exits(0);
    assert!(dry.stdout.ends_with("nothing was sent\n"), "{dry}");

    let json = audit(&["--from", har, "--json"]).exits(0).json();
    assert_eq!((&json["used"], &json["missing"]), (&3.into(), &0.into()));
    assert_eq!(json["description"].as_str().unwrap().trim_end(), printed.stdout.trim_end());
}

#[test]
fn what_does_not_record_a_payment_is_refused_with_advice() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    for (path, code, expected) in [
        (write("a", b"{\"log\":{\"entries\":[]}}"), 2, "has 0 requests"),
        (write("b", b"secret"), 2, "not JSON"),
        (write("c", &[0xff, 0xfe]), 2, "is not UTF-8"),
        (write("d", &vec![b' '; (32 << 20) + 1]), 3, "more than 33554432 bytes"),
        ("no-such-file.har".to_owned(), 3, "no-such-file.har"),
    ] {
        let refused = audit(&["--from", &path]).refuses(code);
        assert!(refused.stderr.contains(expected) && refused.stderr.contains("next: "), "{refused}");
        assert!(!refused.stderr.contains("secret"), "{refused}");
    }
    let both = audit(&["--from", "a.har", "--config", "b.toml"]).refuses_usage();
    assert!(both.stderr.contains("--config"), "{both}");
}
