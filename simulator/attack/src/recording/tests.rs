//! Tests of proposals: what is found in recordings of several shapes, and what is said about the rest.

use proptest::prelude::*;
use serde_json::{Value, json};
use soter_wire::base64;

use super::*;
use crate::Application;

const RAW: &str = "ch-7f3a9c21-pay";
const TOKEN: &str = "tok-5c1e0d9b8a7f6e5d";
const CODE: &str = "0a3xCodeOfWxLogin00000000000b1c2";

fn result_json() -> String {
    result_for(RAW)
}

fn result_for(raw: &str) -> String {
    json!({"raw": raw, "fid": "1", "counter": 12, "tee_n": "TEE", "cpu_id": "cpu-00112233445566", "uid": "10102"}).to_string()
}

fn signature() -> String {
    base64::encode(&[0xA5; 256])
}

/// A recorded request and its answer. A body that is an object is JSON, and a text a form.
fn exchange(request: &str, headers: &Value, body: &Value, status: u16, answer: &Value) -> Value {
    let (method, path) = request.split_once(' ').unwrap();
    let headers: Vec<Value> = headers
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    let post_data = match body {
        Value::Null => Value::Null,
        Value::String(form) => json!({"mimeType": "application/x-www-form-urlencoded", "text": form}),
        other => json!({"mimeType": "application/json", "text": other.to_string()}),
    };
    let cookie = answer.get("cookie").map(|cookie| json!({"name": "Set-Cookie", "value": cookie}));
    let content = match answer {
        Value::String(page) => json!({"mimeType": "text/html", "text": page}),
        other => json!({"mimeType": "application/json", "text": other.to_string()}),
    };
    json!({
        "startedDateTime": "2026-11-30T10:00:00.000Z",
        "request": {"method": method, "url": format!("https://shop.test{path}"), "headers": headers, "postData": post_data},
        "response": {"status": status, "headers": cookie.into_iter().collect::<Vec<_>>(), "content": content},
    })
}

fn har(entries: &[Value]) -> String {
    json!({"log": {"version": "1.2", "entries": entries}}).to_string()
}

fn login() -> Value {
    exchange("POST /login", &json!({}), &json!({"code": CODE}), 200, &json!({"data": {"token": TOKEN}}))
}

fn order() -> Value {
    let answer = json!({"order": {"id": 7}, "challenge": RAW});
    exchange("POST /orders", &bearer(), &json!({"amount": 42}), 200, &answer)
}

fn pay(body: &Value) -> Value {
    exchange("POST /orders/7/pay", &bearer(), body, 200, &json!({"paid": true}))
}

fn bearer() -> Value {
    json!({"Authorization": format!("Bearer {TOKEN}"), "User-Agent": "x"})
}

fn plain_body() -> Value {
    json!({"resultJSON": result_json(), "resultJSONSignature": signature()})
}

/// The proposal without its comments. It is a valid description, and has no secret of the recording.
fn proposed(entries: &[Value]) -> (String, Proposal) {
    let proposal = propose(&har(entries)).unwrap();
    let application = Application::read(&proposal.description);
    assert!(application.is_ok(), "{application:?}\n{}", proposal.description);
    for secret in [TOKEN, CODE, RAW, "cpu-0011", signature().as_str()] {
        assert!(!proposal.description.contains(secret), "{secret}: {}", proposal.description);
    }
    let lines = proposal.description.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    (lines.collect::<Vec<_>>().join("\n"), proposal)
}

#[test]
fn a_payment_by_json_and_a_bearers_token_is_described_as_a_person_would() {
    let (lines, proposal) = proposed(&[login(), order(), pay(&plain_body())]);
    assert_eq!(
        lines,
        r#"url = "https://shop.test"
[login]
request.url = "/login"
request.body = '{"code":"{{code}}"}'
values.token = "/data/token"
[challenge]
request.url = "/orders"
request.headers = { Authorization = "Bearer {{token}}" }
request.body = '{"amount":42}'
values.order = "/order/id"
challenge = "/challenge"
[result]
request.url = "/orders/{{order}}/pay"
request.headers = { Authorization = "Bearer {{token}}" }
request.body = '{"resultJSON":"{{resultJSON}}","resultJSONSignature":"{{resultJSONSignature}}"}'
success = { pointer = "/paid", value = true }"#
    );
    assert_eq!((proposal.used, proposal.recorded, proposal.missing), (3, 3, 0));
}

#[test]
fn a_result_is_found_in_json_in_json_in_base64_and_in_parts() {
    let inner = json!({"auth": {"result": result_json(), "signature": signature()}}).to_string();
    let (lines, _) = proposed(&[login(), order(), pay(&json!({"id": 7, "bizContent": inner}))]);
    assert!(lines.contains(r#"request.body = '{"id":{{order}},"bizContent":"{{bizContent}}"}'"#), "{lines}");
    let computed = r#"name = "bizContent"
text = '{"auth":{"result":"{{resultJSONInJson}}","signature":"{{resultJSONSignatureInJson}}"}}'"#;
    assert!(lines.contains(computed) && lines.contains(r#"encoding = "json""#), "{lines}");

    let encoded = base64::encode(result_json().as_bytes());
    let (lines, _) = proposed(&[login(), order(), pay(&json!({"r": encoded, "s": signature()}))]);
    assert!(lines.contains(r#"{"r":"{{r}}","s":"{{resultJSONSignature}}"}"#), "{lines}");
    assert!(lines.contains("text = \"{{resultJSON}}\"\nencoding = \"base64\""), "{lines}");

    let mut body = plain_body();
    body["counter"] = 12.into();
    body["authMode"] = "fingerPrint".into();
    body["cpuId"] = "cpu-00112233445566".into();
    body["challenge"] = RAW.into();
    let (lines, _) = proposed(&[login(), order(), pay(&body)]);
    let expected = r#""counter":{{counter}},"authMode":"{{authMode}}","cpuId":"{{cpu_id}}","challenge":"{{challenge}}"}"#;
    assert!(lines.contains(expected), "{lines}");
}

#[test]
fn values_of_the_moment_and_signatures_of_requests_are_computed() {
    let body = json!({"ts": 1_796_032_800, "time": "1796032800123", "nonceStr": "kq8Zr2", "sign": "0".repeat(63) + "A", "id": 7});
    let mut whole = plain_body();
    whole.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    let (lines, proposal) = proposed(&[login(), order(), pay(&whole)]);
    let expected = r#""ts":{{timestamp}},"time":"{{timestampMs}}","nonceStr":"{{nonce}}","sign":"{{sign}}","id":{{order}}}"#;
    assert!(lines.contains(expected), "{lines}");
    assert!(
        lines.contains("text = \"{{sorted}}&key=FILL-IN\"\nparameters = { id = \"{{order}}\""),
        "{lines}"
    );
    assert!(lines.contains("hash = \"sha256\"\nencoding = \"upper-hex\""), "{lines}");
    assert!(proposal.description.contains("# GUESS: `sign` looks like a signature by sha256"));
    assert_eq!(proposal.missing, 1);
}

#[test]
fn steps_between_are_those_that_give_a_value_or_may_change_something() {
    let menu = exchange("GET /menu", &bearer(), &Value::Null, 200, &json!({"dishes": ["soup"]}));
    let ticket = exchange("GET /ticket", &bearer(), &Value::Null, 200, &json!({"ticket": "tk-91ab73"}));
    let address = exchange("PUT /address", &bearer(), &json!({"city": "Xi'an"}), 200, &json!({}));
    let mut body = plain_body();
    body["ticket"] = "tk-91ab73".into();
    let (lines, proposal) = proposed(&[login(), menu, address, order(), ticket, pay(&body)]);
    assert!(
        lines.contains("[[challenge.before]]\nrequest.method = \"PUT\"\nrequest.url = \"/address\""),
        "{lines}"
    );
    assert!(
        lines.contains("[[result.before]]\nrequest.method = \"GET\"\nrequest.url = \"/ticket\"")
            && lines.contains("values.ticket"),
        "{lines}"
    );
    assert_eq!(proposal.left_out.unneeded, ["GET /menu"]);
}

#[test]
fn a_challenge_that_is_made_of_several_values_is_put_together() {
    let order =
        exchange("POST /orders", &bearer(), &json!({}), 200, &json!({"no": "A7291", "salt": "q8w7e6"}));
    let body = json!({"no": "A7291", "resultJSON": result_for("A7291:q8w7e6:pay"), "s": signature()});
    let pay = exchange("POST /pay", &bearer(), &body, 200, &json!({"code": 0}));
    let (lines, _) = proposed(&[login(), order, pay]);
    assert!(lines.contains(r#"challenge = { template = "{{no}}:{{salt}}:pay" }"#), "{lines}");
    assert!(lines.contains(r#"success = { pointer = "/code", value = 0 }"#), "{lines}");
}

#[test]
fn what_is_polled_is_repeated_until_it_is_there() {
    let ask = |answer: Value| exchange("GET /orders/7/challenge", &bearer(), &Value::Null, 200, &answer);
    let order = exchange("POST /orders", &bearer(), &json!({}), 200, &json!({"id": 7}));
    let state =
        |state: &str| exchange("GET /orders/7", &bearer(), &Value::Null, 200, &json!({"state": state}));
    let pay = exchange("POST /orders/7/pay", &bearer(), &plain_body(), 202, &json!({}));
    let entries =
        [login(), order, ask(json!({})), ask(json!({"challenge": RAW})), pay, state("queued"), state("paid")];
    let (lines, _) = proposed(&entries);
    let until = "until = { within = 30, every = 0.5 }\nsuccess = { pointer = \"/challenge\" }";
    assert!(lines.contains(until), "{lines}");
    let after = "until = { within = 30, every = 0.5 }\nsuccess = { pointer = \"/state\", value = \"paid\" }";
    assert!(
        lines.contains("[[result.after]]\nrequest.method = \"GET\"") && lines.ends_with(after),
        "{lines}"
    );
}

#[test]
fn what_grows_or_changes_with_the_payment_is_the_proof_and_a_clock_is_not() {
    let order = exchange("POST /orders", &bearer(), &json!({}), 200, &json!({"challenge": RAW}));
    let pay = |answer: Value| exchange("POST /pay", &bearer(), &plain_body(), 200, &answer);
    let account = |answer: Value| exchange("GET /account", &bearer(), &Value::Null, 200, &answer);
    let of = |before: Value, answer: Value, after: Value| {
        proposed(&[login(), order.clone(), account(before), pay(answer), account(after)]).0
    };
    let balance = of(json!({"fen": 500}), json!({"state": "queued"}), json!({"fen": 400}));
    assert!(balance.contains("values.before = \"/fen\""), "{balance}");
    assert!(balance.contains("success = { pointer = \"/fen\", not_value = \"{{before}}\" }"), "{balance}");
    let list = of(json!({"tickets": ["a"]}), json!({"state": "paid"}), json!({"tickets": ["a", "b"]}));
    assert!(list.contains("success = { pointer = \"/tickets\", not_value = \"{{before}}\" }"), "{list}");
    let clock = of(json!({"now": 1_796_032_800}), json!({"state": "queued"}), json!({"now": 1_796_032_801}));
    assert!(!clock.contains("not_value"), "{clock}");
}

#[test]
fn a_cookie_needs_nothing_unless_a_client_would_not_send_it() {
    let login = |cookie: &str| {
        exchange("POST /auth/login", &json!({}), &json!({"code": CODE}), 200, &json!({"cookie": cookie}))
    };
    let cookie = json!({"Cookie": "sid=s3cr3t-5e55i0n"});
    let order = exchange("POST /orders", &cookie, &json!({}), 200, &json!({"challenge": RAW}));
    let pay = exchange("POST /pay", &cookie, &plain_body(), 200, &json!({"paid": true}));
    let (lines, _) = proposed(&[login("sid=s3cr3t-5e55i0n; Path=/"), order.clone(), pay.clone()]);
    assert!(!lines.contains("sid") && !lines.contains("Cookie"), "{lines}");
    let (lines, _) = proposed(&[login("sid=s3cr3t-5e55i0n"), order, pay]);
    assert!(
        lines.contains("values.sid = { cookie = \"sid\" }") && lines.contains("Cookie = \"sid={{sid}}\""),
        "{lines}"
    );
}

#[test]
fn what_is_not_in_the_recording_is_marked_as_missing() {
    let of = |entries: &[Value]| propose(&har(entries)).unwrap().description;
    // The session began before the recording.
    let text = of(&[order(), pay(&plain_body())]);
    assert!(text.contains("# missing: no login was found") && !text.contains(TOKEN), "{text}");
    assert!(text.contains("Authorization = \"Bearer FILL-IN\""), "{text}");
    // A challenge that the client has made.
    let order_without = exchange("POST /orders", &bearer(), &json!({}), 200, &json!({"id": 7}));
    let text = of(&[login(), order_without, pay(&plain_body())]);
    assert!(text.contains("# missing: the challenge") && text.contains("challenge = \"/FILL-IN\""), "{text}");
    // A password is a secret.
    let by_password = json!({"name": "alice", "password": "correct horse"});
    let login_by_password = exchange("POST /login", &json!({}), &by_password, 200, &json!({"token": TOKEN}));
    let text = of(&[login_by_password, order(), pay(&plain_body())]);
    assert!(
        text.contains(r#"{"name":"{{user}}","password":"FILL-IN"}"#) && !text.contains("correct"),
        "{text}"
    );
    // Nothing tells a success from a refusal.
    let silent = exchange("POST /orders/7/pay", &bearer(), &plain_body(), 204, &Value::from(""));
    let text = of(&[login(), order(), silent]);
    assert!(text.contains("# missing: the answer shows nothing but its status"), "{text}");
    // The result as an object, and without a signature.
    let object: Value = serde_json::from_str(&result_json()).unwrap();
    let text = of(&[login(), order(), pay(&json!({"result": object}))]);
    assert!(text.contains("# missing: the result was sent as a JSON object"), "{text}");
    assert!(text.contains("# missing: no value of the request is a signature"), "{text}");
}

#[test]
fn a_recording_without_a_payment_is_refused_with_advice() {
    for (entries, expected) in [
        (vec![login(), order()], "none of the 2 recorded requests carries a result"),
        (vec![pay(&plain_body())], "no request to this server before"),
    ] {
        let error = propose(&har(&entries)).unwrap_err();
        assert!(
            error.what.english().contains(expected) && error.next.english().contains("record"),
            "{error:?}"
        );
    }
    let large = " ".repeat(MAX_RECORDING_BYTES + 1);
    assert!(propose(&large).unwrap_err().what.english().contains("at most"));
}

#[test]
fn a_long_recording_is_read_in_a_short_time_or_refused() {
    let begun = std::time::Instant::now();
    let list: Vec<String> = (0..1_000).map(|number| format!("value-{number}")).collect();
    let large = exchange("POST /list", &bearer(), &json!({"list": list}), 200, &json!({"list": list}));
    let mut entries = vec![login()];
    entries.extend(std::iter::repeat_n(large, 20));
    entries.extend([order(), pay(&plain_body())]);
    assert!(propose(&har(&entries)).is_ok());
    let many: Vec<Value> = std::iter::repeat_n(order(), 400).chain([pay(&plain_body())]).collect();
    assert!(propose(&har(&many)).unwrap_err().what.english().contains("at most 300 are compared"));
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}

/// Any JSON.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(Value::from(result_json())),
        Just(Value::from(RAW)),
        Just(Value::from("{{x")),
        Just(Value::from("http://shop.test/a?b={{code}}&c=%zz")),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let name = prop_oneof!["[a-z]{1,4}", Just("headers".to_owned()), Just("text".to_owned()), ".{0,3}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_json_gives_a_proposal_or_one_line(json in any_json()) {
        for text in [json.to_string(), json!({"log": json}).to_string(), har(&[json])] {
            if let Err(error) = propose(&text) {
                prop_assert!(!error.what.english().contains('\n') && !error.next.english().is_empty());
            }
        }
    }

    /// One member of a good recording is replaced.
    #[test]
    fn a_damaged_recording_gives_toml_or_one_line(place in 0..60_usize, json in any_json()) {
        let mut whole = json!({"log": {"entries": [login(), order(), pay(&plain_body())]}});
        let mut left = place;
        replace(&mut whole, &mut left, &json);
        match propose(&whole.to_string()) {
            Ok(proposal) => {
                let read = soter_bridge::toml_file::parse::<Value>(&proposal.description);
                prop_assert!(read.is_ok(), "{:?}: {}", read, proposal.description);
            }
            Err(error) => prop_assert!(!error.what.english().contains('\n')),
        }
    }

    /// Any texts in the fields of the requests.
    #[test]
    fn odd_texts_in_requests_give_toml(name in ".{1,8}", text in ".{0,20}", path in "[ -~]{0,12}") {
        let mut body = plain_body();
        body[name.as_str()] = json!([text, {name.as_str(): text}]);
        let order = exchange(&format!("POST /orders/{path}"), &json!({name.as_str(): text}), &json!({name.as_str(): text}), 200,
                             &json!({name.as_str(): text, "challenge": RAW}));
        let proposal = propose(&har(&[login(), order, pay(&body)])).unwrap();
        let read = soter_bridge::toml_file::parse::<Value>(&proposal.description);
        prop_assert!(read.is_ok(), "{:?}: {}", read, proposal.description);
    }
}

/// Replaces the value that is reached after this number of others.
fn replace(json: &mut Value, left: &mut usize, by: &Value) {
    if *left == 0 {
        *json = by.clone();
    }
    *left = left.saturating_sub(1);
    match json {
        Value::Object(members) if *left > 0 => {
            members.values_mut().for_each(|value| replace(value, left, by));
        }
        Value::Array(elements) if *left > 0 => elements.iter_mut().for_each(|value| replace(value, left, by)),
        _ => {}
    }
}
