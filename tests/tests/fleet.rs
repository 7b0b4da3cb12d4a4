//! A fleet of phones behind a server: their results are accepted once, also after a crash, and wrong options are refused.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::collections::BTreeSet;

use serde_json::{Value, json};
use soter_tests::{Backend, Program, Server, State};

fn with_fleet(state: &State, size: &str) -> Program {
    state.program(["serve", "--listen", "127.0.0.1:0", "--fleet", size])
}

/// Whether the servers accept a result of `fleet.results`.
fn accepts(backend: &Backend, result: &Value) -> bool {
    backend.accepts_of(result["openid"].as_str().unwrap(), result).unwrap()
}

fn results(server: &Server, challenge: &str, count: u32) -> Vec<Value> {
    let mut signed =
        server.rpc("fleet.results", &json!({"challenges": [challenge], "count": count}))["results"].take();
    std::mem::take(signed.as_array_mut().unwrap())
}

#[test]
fn results_of_a_fleet_are_accepted_once_also_after_the_server_was_killed() {
    let state = State::new();
    let server = Server::start(with_fleet(&state, "100000"));
    let first = results(&server, "before", 8);
    let openids: BTreeSet<_> = first.iter().map(|result| result["openid"].to_string()).collect();
    assert_eq!(openids.len(), 8);
    let backend = Backend::open(&server.url).unwrap();
    assert!(first.iter().all(|result| accepts(&backend, result)));
    assert!(!first.iter().any(|result| accepts(&backend, result)));
    server.running.kill();

    let server = Server::start(state.program(["serve", "--listen", "127.0.0.1:0"]));
    let backend = Backend::open(&server.url).unwrap();
    assert!(!first.iter().any(|result| accepts(&backend, result)));
    let again = results(&server, "after", 8);
    let devices =
        |results: &[Value]| results.iter().map(|result| result["device"].clone()).collect::<Vec<_>>();
    assert_eq!(devices(&again), devices(&first));
    assert!(again.iter().all(|result| accepts(&backend, result)));
}

#[test]
fn a_user_of_the_fleet_logs_in_and_pays() {
    let server = Server::ephemeral(&["--fleet", "3"]);
    let phone = server.rpc("fleet.next", &json!({}))["devices"][0].clone();
    let code = server.rpc("wx.login", &json!({"device": phone}))["code"].clone();
    let (appid, secret, code) = (Backend::APPID, Backend::SECRET, code.as_str().unwrap());
    let path = format!(
        "/sns/jscode2session?appid={appid}&secret={secret}&grant_type=authorization_code&js_code={code}"
    );
    let (_, session) = server.http("GET", &path, "");
    let session: Value = serde_json::from_str(&session).unwrap();
    let shown = server.rpc("device.show", &json!({"device": phone}));
    assert_eq!(session["openid"], shown["user"]["openid"]);
    let request = json!({"device": phone, "requestAuthModes": ["fingerPrint"], "challenge": "order-42"});
    let mut result = server.rpc("wx.startSoterAuthentication", &request);
    result["openid"] = session["openid"].clone();
    let backend = Backend::open(&server.url).unwrap();
    assert!(accepts(&backend, &result));
    // Another user's openid does not fit the phone's key.
    result["openid"] =
        server.rpc("device.show", &json!({"device": "fleet-000001"}))["user"]["openid"].clone();
    assert!(!accepts(&backend, &result));
}

#[test]
fn a_wrong_size_and_another_fleet_are_refused() {
    for size in ["0", "1000001", "1000000000", "-1", "many", ""] {
        let refused =
            Program::new(["serve", "--ephemeral", "--listen", "127.0.0.1:0", "--fleet", size]).run();
        let _ = refused.refuses_usage();
    }
    let state = State::new();
    drop(Server::start(with_fleet(&state, "10")));
    let before = std::fs::read(state.path().join("phones.json")).unwrap();
    let refused = with_fleet(&state, "11").run().refuses(2);
    assert!(refused.stderr.contains("a fleet of 10 phones, not 11"), "{}", refused.stderr);
    assert_eq!(std::fs::read(state.path().join("phones.json")).unwrap(), before);
}

#[test]
fn a_client_sees_the_fleet_page_by_page_and_uses_its_phones_by_name() {
    let server = Server::ephemeral(&["--fleet", "250"]);
    let listed = server.connected(&["device", "list", "--after", "fleet-000197"]).exits(0);
    let lines: Vec<_> = listed.stdout.lines().collect();
    assert_eq!(lines.len(), 52, "{}", listed.stdout);
    assert!(lines[0].contains("fleet-000198") && lines[51].contains("fleet-000249"), "{}", listed.stdout);
    let first = server.connected(&["device", "list"]).exits(0);
    assert!(first.stdout.ends_with("there are more: device list --after fleet-000098\n"), "{}", first.stdout);
    let signed = server.connected(&["--device", "fleet-000249", "auth", "order-42"]).exits(0);
    assert!(signed.stdout.contains("startSoterAuthentication:ok"), "{}", signed.stdout);
    let _ = server.connected(&["--device", "fleet-000250", "auth", "order-42"]).refuses(2);
}
