//! A process that is killed at any moment: no counter value is ever repeated, and the phone opens again.

use std::time::Duration;

use soter_tests::{Callback, State};

/// How often the process is killed.
const KILLS: u32 = 210;

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
