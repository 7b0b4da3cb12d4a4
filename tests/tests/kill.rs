//! A process that is killed at any moment: no counter value is ever repeated, no result is accepted twice, and the phone
//! opens again.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};
use soter_tests::{Backend, Callback, Program, Server, State, try_rpc};

/// How often the process is killed.
const KILLS: u32 = 210;
/// How often a server under load is killed, unless `SOTER_KILLS` says another number.
const SERVER_KILLS: u32 = 200;
/// The clients of that server.
const CLIENTS: usize = 8;

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

/// A result of the phone, or `None` if the server is gone.
fn sign(url: &str, challenge: &str) -> Option<Value> {
    let params = json!({"requestAuthModes": ["fingerPrint"], "challenge": challenge, "touch": "1"});
    let callback = try_rpc(url, "wx.startSoterAuthentication", &params)?["result"].clone();
    assert_eq!(callback["errCode"], 0, "{callback}");
    Some(callback)
}

#[test]
fn no_result_is_accepted_twice_however_often_a_server_under_load_is_killed() {
    let kills = std::env::var("SOTER_KILLS").map_or(SERVER_KILLS, |kills| kills.parse().unwrap());
    let state = State::new();
    // The phone has its keys, which take longer than the server lives.
    let mut highest = state.authenticate("before").counter();
    // The clients share the phone.
    let _ = state.program(["device", "set", "secondCall", "queue"]).run().exits(0);
    let mut random = 0x1234_u64;
    let (mut accepted, mut total) = (Vec::<Value>::new(), 0);
    for kill in 0..=kills {
        let program = Program::new(["serve", "--listen", "127.0.0.1:0", "--state"]).arguments([state.path()]);
        let server = Server::start(program);
        let url = server.url.as_str();
        let backend = Backend::open(url).unwrap();
        // Results that the previous server accepted.
        for callback in accepted.drain(..) {
            assert_eq!(backend.accepts(&callback), Some(false), "kill {kill}: accepted twice: {callback}");
        }
        if kill == kills {
            break;
        }
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (answered, counters) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for client in 0..CLIENTS {
                let (backend, answered, counters) = (&backend, &answered, &counters);
                scope.spawn(move || {
                    while let Some(callback) = sign(url, &format!("order-{kill}-{client}")) {
                        counters.lock().unwrap().push(Callback::read(&callback).counter());
                        // `false` is correct if another client's newer result came first.
                        match backend.accepts(&callback) {
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
