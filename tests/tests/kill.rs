//! A process that is killed at any moment: no counter value is ever repeated, no result is accepted twice, and the phone
//! opens again.
#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};
use soter_tests::{Callback, Program, Server, State, http};

/// How often the process is killed.
const KILLS: u32 = 210;
/// How often a server under load is killed, unless `SOTER_KILLS` says another number.
const SERVER_KILLS: u32 = 200;
/// The clients of that server.
const CLIENTS: usize = 8;

const ACCOUNT: &str = "appid=wxemulated00000001&secret=emulated0000secret0000emulated00";
const OPENID: &str = "oEmulatedUser000000000000001";

#[test]
fn counters_only_increase_and_keys_stay_the_same_over_two_hundred_kills() {
    let state = State::new();
    let mut highest = state.authenticate("before").counter();
    let keys = state.keys();
    let mut observed = 0_u32;
    // A fixed but irregular sequence of delays: a linear congruential generator.
    let mut random = 0x5073_u64;
    for kill in 0..KILLS {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut repl = state.repl().start();
        for number in 0..400 {
            repl.send(&format!("auth order-{kill}-{number} --touch 1"));
        }
        let mut lines = Vec::new();
        // Most are killed while they authenticate, some while they start.
        if kill % 5 != 0 {
            lines.push(repl.line());
        }
        std::thread::sleep(Duration::from_micros((random >> 33) % 25_000));
        lines.extend(repl.kill());
        for line in &lines {
            let callback = Callback::read(&serde_json::from_str(line).expect("a complete line is JSON"));
            assert_eq!(callback.err_code, 0, "{line}");
            let counter = callback.counter();
            assert!(counter > highest, "kill {kill}: counter {counter} after {highest}");
            highest = counter;
            observed += 1;
        }
        if kill % 30 == 0 {
            assert_eq!(state.keys(), keys, "kill {kill}: the keys have changed");
        }
    }
    assert!(observed > KILLS, "only {observed} results were seen");
    let last = state.authenticate("after");
    assert!(last.counter() > highest);
    assert_eq!(state.keys(), keys);
}

/// Sends a request. `None` if the server is gone before it has answered.
fn request(url: &str, path: &str, body: &Value) -> Option<Value> {
    let host = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).ok()?;
    let body = body.to_string();
    let length = body.len();
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}");
    stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
}

/// A result of the phone, or `None` if the server is gone.
fn sign(url: &str, challenge: &str) -> Option<Value> {
    let params = json!({"requestAuthModes": ["fingerPrint"], "challenge": challenge, "touch": "1"});
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "wx.startSoterAuthentication", "params": params});
    let callback = request(url, "/rpc", &call)?["result"].clone();
    assert_eq!(callback["errCode"], 0, "{callback}");
    Some(callback)
}

/// Whether the servers accept a result, or `None` if they are gone.
fn verify(url: &str, token: &str, callback: &Value) -> Option<bool> {
    let body = json!({
        "openid": OPENID,
        "json_string": callback["resultJSON"],
        "json_signature": callback["resultJSONSignature"],
    });
    let path = format!("/cgi-bin/soter/verify_signature?access_token={token}");
    request(url, &path, &body)?["is_ok"].as_bool()
}

#[test]
fn no_result_is_accepted_twice_however_often_a_server_under_load_is_killed() {
    let kills = std::env::var("SOTER_KILLS").map_or(SERVER_KILLS, |kills| kills.parse().unwrap());
    let state = State::new();
    // The phone has its keys, which take longer than the server lives.
    let mut highest = state.authenticate("before").counter();
    let mut random = 0x1234_u64;
    let (mut accepted, mut total) = (Vec::<Value>::new(), 0);
    for kill in 0..=kills {
        let program = Program::new(["serve", "--listen", "127.0.0.1:0", "--state"]).arguments([state.path()]);
        let server = Server::start(program);
        let url = server.url.as_str();
        let credentials = format!("/cgi-bin/token?grant_type=client_credential&{ACCOUNT}");
        let token: Value = serde_json::from_str(&http(url, "GET", &credentials, "").1).unwrap();
        let token = token["access_token"].as_str().unwrap();
        // What the server before this one has accepted, even if it was killed before its client read that.
        for callback in accepted.drain(..) {
            assert_eq!(verify(url, token, &callback), Some(false), "kill {kill}: accepted twice: {callback}");
        }
        if kill == kills {
            break;
        }
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (answered, counters) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for client in 0..CLIENTS {
                let (answered, counters) = (&answered, &counters);
                scope.spawn(move || {
                    while let Some(callback) = sign(url, &format!("order-{kill}-{client}")) {
                        counters.lock().unwrap().push(Callback::read(&callback).counter());
                        // A result that another client's has overtaken is refused, which is right.
                        match verify(url, token, &callback) {
                            Some(true) => answered.lock().unwrap().push(callback),
                            Some(false) => {}
                            None => break,
                        }
                    }
                });
            }
            std::thread::sleep(Duration::from_micros(20_000 + (random >> 33) % 80_000));
            server.running.kill();
        });
        let mut counters = counters.into_inner().unwrap();
        counters.sort_unstable();
        for counter in counters {
            assert!(counter > highest, "kill {kill}: counter {counter} after {highest}");
            highest = counter;
        }
        accepted = answered.into_inner().unwrap();
        total += accepted.len();
    }
    println!("{kills} kills, {total} results were accepted once");
    assert!(total > usize::try_from(kills).unwrap(), "only {total} results were accepted");
}
