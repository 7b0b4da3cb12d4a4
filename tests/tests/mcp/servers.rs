//! The servers of the same process, and those of another one.

use serde_json::json;
use soter_tests::{Program, Server};

use crate::client::{Client, authentication};

#[test]
fn a_port_that_is_taken_is_an_error_with_both_ways_out() {
    let server = Server::ephemeral(&[]);
    let address = server.url.strip_prefix("http://").unwrap();
    let refused = Program::new(["mcp", "--ephemeral", "--listen", address]).run().refuses(3);
    assert!(refused.stderr.contains(&format!("--connect {}", server.url)), "{refused}");
    assert!(refused.stderr.contains("--listen 127.0.0.1:0"), "{refused}");
    let refused = Program::new(["mcp", "--connect", &server.url, "--attacker"]).run().refuses(2);
    assert!(refused.stderr.contains("leave --connect out"), "{refused}");
    let refused = Program::new(["mcp", "--connect", "http://127.0.0.1:1"]).run().refuses(3);
    assert!(refused.stderr.contains("cannot be reached"), "{refused}");
}

#[test]
fn the_agent_s_phone_is_that_of_the_option_and_its_calls_go_on_when_the_server_comes_back() {
    let server = Server::ephemeral(&[]);
    server.rpc("device.create", &json!({"name": "tablet", "profile": "itrustee"}));
    let refused = Program::new(["mcp", "--connect", &server.url, "--device", "nobody"]).run().refuses(2);
    assert!(refused.stderr.contains("devices: "), "{refused}");
    let mut client = Client::begin(Program::new(["mcp", "--connect", &server.url, "--device", "tablet"]));
    assert_eq!(client.call("device_show", &json!({}))["name"], "tablet");
    assert_eq!(client.call("device_show", &json!({"device": "phone"}))["name"], "phone");
    assert_eq!(client.call("wx_startSoterAuthentication", &authentication("a"))["device"], "tablet");
    // The server is started again on its address.
    let address = server.url.strip_prefix("http://").unwrap().to_owned();
    server.running.end_by_signal();
    assert!(client.failure("call_result", &json!({"call": 1})).contains("lost"));
    assert!(client.failure("device_list", &json!({})).contains("cannot be reached"));
    let _server = Server::start(Program::new(["serve", "--listen", &address, "--ephemeral"]));
    assert_eq!(client.call("device_list", &json!({}))["selected"], "phone");
}

#[test]
fn an_agent_reads_english_from_a_server_in_every_locale() {
    let server = Server::ephemeral(&[]);
    let program = Program::new(["mcp", "--connect", &server.url]);
    let mut client = Client::begin(program.variable("SOTER_SIM_LANG", "zh-CN"));
    let verdict = client.call("verify_signature", &json!({"key": "", "json": "", "signature": ""}));
    assert!(verdict["detail"].as_str().unwrap().starts_with("the key cannot be read: it is empty."));
    let failure = client.failure("device_remove", &json!({"name": "nobody"}));
    assert!(failure.contains("no device `nobody`"), "{failure}");
}

#[test]
fn a_server_with_a_token_is_used_by_its_own_process_and_the_token_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "a&b=c+d%20e?f#ghij\n").unwrap();
    let mut client = Client::ephemeral(&["--token-file", file.to_str().unwrap()]);
    assert_eq!(client.call("device_list", &json!({}))["selected"], "phone");
    assert!(!client.instructions.contains("ghij"));
    let ended = client.running.end();
    assert!(!ended.stderr.contains("ghij"), "{ended}");
}

#[test]
fn neither_the_log_nor_the_journal_has_the_secrets_that_an_agent_sends() {
    let mut client = Client::ephemeral(&["--log", "trace"]);
    client.call("device_create", &json!({"name": "seeded", "seed": "very-private-seed"}));
    let journal = client.call("desk_journal", &json!({})).to_string();
    assert!(journal.contains("device.create") && !journal.contains("very-private"), "{journal}");
    let ended = client.running.end();
    assert!(ended.stderr.contains("device.create") && !ended.stderr.contains("very-private"), "{ended}");
}
