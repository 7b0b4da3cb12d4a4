//! The challenge is signed unchanged. A challenge that cannot be signed uses no counter value.

use serde_json::{Value, json};
use soter_tests::{Callback, Program, State, call};

fn authentication(challenge: &str) -> String {
    let parameters = json!({"requestAuthModes": ["fingerPrint"], "challenge": challenge, "touch": "1"});
    call("wx.startSoterAuthentication", &parameters)
}

/// The answers to these lines on one phone.
#[track_caller]
fn answers(lines: &[String]) -> Vec<Value> {
    let finished = Program::new(["--ephemeral", "--json"]).input(lines.join("\n")).run().exits(0);
    let answers = finished.json_lines();
    assert_eq!(answers.len(), lines.len(), "{finished}");
    answers
}

#[test]
fn the_challenge_is_signed_unchanged() {
    let mut challenges: Vec<String> = [
        "a",
        " ",
        "'",
        "\"",
        "\\",
        "/",
        "</script>",
        "\\u0041",
        "{\"raw\":\"x\"}",
        "\u{0}",
        "\u{7f}",
        "\u{85}",
        "\u{2028}\u{2029}",
        "\u{feff}",
        "\u{fffd}",
        "汉字",
        "e\u{301}",
        "👍🏽",
        "\u{10ffff}",
    ]
    .map(str::to_owned)
    .into();
    challenges.extend((1_u8..0x20).map(|control| format!("a{}b", char::from(control))));
    challenges.push("x".repeat(511));
    challenges.push("汉".repeat(511));
    challenges.push("👍".repeat(255) + "x");

    let lines: Vec<_> = challenges.iter().map(|challenge| authentication(challenge)).collect();
    for (challenge, answer) in challenges.iter().zip(answers(&lines)) {
        let callback = Callback::read(&answer);
        assert_eq!(callback.err_code, 0, "{challenge:?}: {answer}");
        assert_eq!(&callback.result().raw, challenge);
    }
}

#[test]
fn challenges_on_the_command_line_are_signed_unchanged() {
    for challenge in ["pay 42 yuan", "--touch", "it's \"quoted\"", "line\nbreak\ttab", "👍", "\u{2028}"] {
        let arguments = ["auth", "--challenge", challenge, "--touch", "1", "--ephemeral"];
        let finished = Program::new(arguments).run().exits(0);
        assert_eq!(Callback::read(&finished.json()).result().raw, challenge);
    }
}

#[test]
fn challenges_that_no_phone_signs_are_refused() {
    let cases = [
        (String::new(), "challenge is null"),
        ("x".repeat(512), "challenge is too long. 512 chars at most"),
        ("汉".repeat(512), "challenge is too long. 512 chars at most"),
        ("👍".repeat(256), "challenge is too long. 512 chars at most"),
        ("x".repeat(60_000), "challenge is too long. 512 chars at most"),
    ];
    let mut lines: Vec<_> = cases.iter().map(|(challenge, _)| authentication(challenge)).collect();
    lines.push(call("wx.startSoterAuthentication", &json!({"requestAuthModes": ["fingerPrint"]})));
    let texts = cases.iter().map(|(_, text)| *text).chain(["challenge is null"]);
    for (text, answer) in texts.zip(answers(&lines)) {
        let callback = Callback::read(&answer);
        assert_eq!(callback.err_code, 90004, "{text}");
        assert_eq!(callback.err_msg, format!("startSoterAuthentication:fail {text}"));
    }
}

#[test]
fn refused_calls_use_no_counter_value() {
    let show = "call device.show".to_owned();
    let refused = [
        authentication(""),
        authentication(&"x".repeat(512)),
        call("wx.startSoterAuthentication", &json!({"requestAuthModes": [], "challenge": "a", "touch": "1"})),
        call("wx.startSoterAuthentication", &json!({"requestAuthModes": ["palm"], "challenge": "a"})),
        "auth a --touch cancel".to_owned(),
        "auth a --touch wrong".to_owned(),
    ];
    // The first call generates the keys, which uses counter values, too.
    let mut lines = vec![authentication("a"), show.clone()];
    lines.extend(refused);
    lines.push(show);
    let answers = answers(&lines);
    let spent = |answer: &Value| answer["counter"].as_u64();
    assert!(spent(&answers[1]).is_some(), "{}", answers[1]);
    assert_eq!(spent(&answers[1]), spent(&answers[answers.len() - 1]));
}

#[test]
fn a_challenge_that_is_not_unicode_is_an_error_and_not_a_panic() {
    let lines = br#"call wx.startSoterAuthentication {"challenge":"\ud800","requestAuthModes":["fingerPrint"],"touch":"1"}"#;
    let finished = Program::new(["--ephemeral", "--json"]).input(*lines).run().exits(2);
    assert!(!finished.stderr.is_empty(), "{finished}");
}

#[test]
fn the_longest_challenge_survives_a_restart_of_the_phone() {
    let state = State::new();
    let challenge = "👍".repeat(255) + "x";
    assert_eq!(state.authenticate(&challenge).result().raw, challenge);
    assert_eq!(state.authenticate(&challenge).result().raw, challenge);
}
