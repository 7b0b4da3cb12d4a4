//! `soter-sim doctor` says what stands in the way, and changes nothing.

#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::fs;
use std::net::TcpListener;

use serde_json::Value;
use soter_tests::{Program, Server};

/// The observations of a run with these arguments, and its exit code.
fn observations(arguments: &[&str]) -> (Vec<Value>, Option<i32>) {
    let finished = Program::new(["doctor", "--json"]).arguments(arguments).run();
    let answer: Vec<Value> = serde_json::from_str(&finished.stdout).unwrap();
    (answer, finished.code)
}

/// What was said of one thing that was looked at: severity, text, and what to do.
fn of<'a>(observations: &'a [Value], check: &str) -> Vec<(&'a str, &'a str, &'a str)> {
    let text = |value: &'a Value| value.as_str().unwrap_or_default();
    let of_check = observations.iter().filter(|one| one["check"] == check);
    of_check.map(|one| (text(&one["severity"]), text(&one["what"]), text(&one["next"]))).collect()
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[test]
fn on_a_new_computer_nothing_stands_in_the_way_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let (seen, code) = observations(&["--listen", &free_address(), "--state", state.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{seen:?}");
    assert_eq!(of(&seen, "port")[0].0, "good", "{seen:?}");
    assert!(of(&seen, "state")[0].1.contains("does not exist yet"), "{seen:?}");
    assert!(of(&seen, "version")[0].1.contains(env!("CARGO_PKG_VERSION")), "{seen:?}");
    assert!(!state.exists());
}

#[test]
fn what_is_switched_on_in_a_state_folder_is_named_with_the_command_that_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    for words in [["support", "off"], ["failNext", "90009"]] {
        let program = Program::new(["--state", state, "device", "set"]).arguments(words);
        assert_eq!(program.run().code, Some(0), "{words:?}");
    }
    let (seen, code) = observations(&["--listen", &free_address(), "--state", state]);
    let phone = of(&seen, "phone");
    assert_eq!((phone.len(), code), (2, Some(0)), "{seen:?}");
    for (severity, text, next) in
        [("note", "90001", "device set support default"), ("note", "90009", "device set failNext default")]
    {
        let is_said =
            |one: &&(&str, &str, &str)| one.0 == severity && one.1.contains(text) && one.2.contains(next);
        assert!(phone.iter().any(|one| is_said(&one)), "{text}: {phone:?}");
    }
    // The phone still fails once: looking has not used that up.
    let failed = Program::new(["--state", state, "auth", "order-42", "--touch", "1"]).run();
    assert!(failed.stdout.contains("90009"), "{}", failed.stdout);
}

#[test]
fn a_running_server_is_found_and_its_switches_are_named() {
    let server = Server::ephemeral(&[]);
    server.rpc("servers.set", &serde_json::json!({"silent": true}));
    let address = server.url.strip_prefix("http://").unwrap();
    let (seen, code) = observations(&["--listen", address, "--ephemeral"]);
    assert_eq!(code, Some(0), "{seen:?}");
    assert!(of(&seen, "port")[0].1.contains(address), "{seen:?}");
    let servers = of(&seen, "servers");
    assert!(servers[0].1.contains("do not answer") && servers[0].2.contains("silent default"), "{seen:?}");
    let (connected, _) = observations(&["--connect", &server.url]);
    assert_eq!(of(&connected, "servers"), servers);
}

#[test]
fn a_port_of_another_program_and_a_damaged_folder_are_problems() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let answering = std::thread::spawn(move || drop(listener.accept()));
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    // Makes the folder.
    assert_eq!(Program::new(["--state", state, "device", "list"]).run().code, Some(0));
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            fs::write(path, "{").unwrap();
        }
    }
    let (seen, code) = observations(&["--listen", &address, "--state", state]);
    answering.join().unwrap();
    assert_eq!(code, Some(1), "{seen:?}");
    for check in ["port", "state"] {
        let (severity, _, next) = of(&seen, check)[0];
        assert!(severity == "problem" && !next.is_empty(), "{check}: {seen:?}");
    }
}

#[test]
fn a_person_gets_lines_in_their_language() {
    let run = |language: &str| {
        let program =
            Program::new(["doctor", "--ephemeral", "--listen", &free_address(), "--lang", language]);
        program.run().exits(0).stdout
    };
    let (english, chinese) = (run("en"), run("zh-CN"));
    assert!(english.contains("is free") && english.lines().count() >= 4, "{english}");
    assert!(chinese.contains("空闲") && !chinese.contains("free"), "{chinese}");
}
