//! Texts that were changed after they had been signed, and texts that only look so.

use super::*;

#[test]
fn the_vectors_about_changed_text_are_diagnosed() {
    assert_reason(&case("trustonic_result_crlf"), "line-ends-changed", "CR LF");
    assert_reason(&case("trustonic_result_reserialised"), "reserialised", "");
}

#[test]
fn common_changes_to_signed_text_are_named() {
    let result = result();
    let plain = text(&result);
    let value: serde_json::Value = serde_json::from_str(&plain).expect("a result is JSON");
    let pretty = serde_json::to_string_pretty(&value).expect("a value can be written");
    let mut members: Vec<_> = value.as_object().expect("an object").clone().into_iter().collect();
    members.reverse();
    let reversed = serde_json::Value::Object(members.into_iter().collect()).to_string();
    let twice = serde_json::to_string(&plain).expect("a string can be written");
    let auth_key = case("ios_auth_key");
    let huawei = case("itrustee_auth_key");

    let changed = [
        (&result, format!("\u{feff}{plain}"), "reserialised", "a byte order mark was put before it"),
        (&result, format!("{plain}\n"), "line-ends-changed", "a line end was added"),
        (&result, format!("{plain}\r\n"), "line-ends-changed", "a line end was added"),
        (&result, pretty.clone(), "reserialised", "spaces or escapes"),
        (&result, pretty.replace('\n', "\r\n"), "reserialised", "spaces or escapes"),
        (&result, plain.replace("{\"raw\":\"", "{\"\\u0072aw\":\""), "reserialised", "spaces or escapes"),
        (&result, reversed, "reserialised", "another order"),
        (&result, twice.clone(), "reserialised", "JSON string a second time"),
        (&result, twice.trim_matches('"').to_owned(), "reserialised", "JSON string a second time"),
        (&result, callback_of(&plain), "callback-object", "the whole callback object"),
        (&result, url_encoded(&plain), "url-encoded", "it was URL-encoded"),
        (&result, html_escaped(&plain), "html-escaped", "it was escaped for HTML"),
        (&result, with_counter_as_string(&plain), "counter-as-string", "its counter became a string"),
        (&auth_key, text(&auth_key).replace("\\/", "/"), "reserialised", "`\\/` was written `/`"),
        (&auth_key, text(&auth_key).replace("\\n", "\n"), "reserialised", "`\\n` escapes became line feeds"),
        (&auth_key, text(&auth_key).replace("\\n", ""), "line-ends-changed", "after 64 characters each"),
        (&auth_key, text(&auth_key).replace("\\n", "\\r\\n"), "line-ends-changed", "became `\\r\\n`"),
        (&huawei, text(&huawei).replace('/', "\\/"), "reserialised", "`/` was written `\\/`"),
        (&huawei, text(&huawei).replace('\n', "\r\n"), "line-ends-changed", "LF became CR LF"),
        (&huawei, text(&huawei).replace('\n', ""), "line-ends-changed", "line feeds were lost"),
        (&huawei, text(&huawei).replace('\n', " "), "line-ends-changed", "or became spaces"),
        (&huawei, text(&huawei).replace('\n', "\\n"), "reserialised", "escaped as `\\n`"),
    ];
    for (case, json, reason, name) in changed {
        assert_reason(&Case { json: json.into_bytes(), ..case.clone() }, reason, name);
    }
}

/// What `JSON.stringify` makes of the whole object that the callback got.
fn callback_of(result: &str) -> String {
    let callback = serde_json::json!({
        "errCode": 0,
        "authMode": "fingerPrint",
        "resultJSON": result,
        "resultJSONSignature": "AA==",
        "errMsg": "startSoterAuthentication:ok",
    });
    callback.to_string()
}

/// As lodash's `escape`, and templates that escape slashes too.
fn with_counter_as_string(text: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(text).expect("a result is JSON");
    let counter = &value["counter"];
    text.replace(&format!("\"counter\":{counter}"), &format!("\"counter\":\"{counter}\""))
}

#[test]
fn texts_that_phones_do_not_sign_are_named_with_any_key() {
    let other = Case { key: case("ios_result").key, ..result() };
    assert_reason(&other, "wrong-signature", "");
    let plain = text(&other);
    let huawei = Case { key: result().key, ..case("itrustee_auth_key") };
    let lost = text(&huawei).replace('\n', "");
    let windows = text(&huawei).replace('\n', "\r\n");
    for (json, reason, detail) in [
        (callback_of(&plain), "callback-object", "the string in its resultJSON"),
        (url_encoded(&plain), "url-encoded", "only after URL-decoding"),
        (html_escaped(&plain), "html-escaped", "only after HTML escapes"),
        (with_counter_as_string(&plain), "counter-as-string", "phones write a number"),
        (lost, "line-ends-changed", "on one line"),
        (windows, "line-ends-changed", "phones write LF alone"),
    ] {
        let changed = Case { json: json.into_bytes(), ..other.clone() };
        assert_reason(&changed, reason, detail);
        assert_reason(
            &changed,
            reason,
            "the signature is not this key's either: the key or the signature is another",
        );
    }
}

#[test]
fn a_text_that_another_key_signed_as_it_is_is_not_called_changed() {
    let (signer, other) = (Signer::new(), result().key);
    let windows = text(&case("itrustee_auth_key")).replace('\n', "\r\n");
    for (json, reason) in [
        (with_counter_as_string(&text(&result())), "counter-as-string"),
        (callback_of("{}"), "callback-object"),
        (windows, "line-ends-changed"),
    ] {
        let by_another_key = Case { key: other.clone(), ..signer.case(&json, &json) };
        assert_reason(&by_another_key, reason, "the text is not as phones sign it: ");
        assert!(!by_another_key.checked().verdict.detail.english().contains("was changed"));
    }
}

#[test]
fn a_pem_in_the_challenge_is_not_the_texts_key() {
    let foreign = Case { key: case("ios_result").key, ..result() };
    for pem in [ONE_LINE_PEM.to_owned(), ONE_LINE_PEM.replace("abc", "\\r\\nabc")] {
        let json = text(&foreign).replacen("{\"raw\":\"", &format!("{{\"raw\":\"{pem}"), 1);
        assert!(json.contains(&pem));
        assert_reason(&Case { json: json.into_bytes(), ..foreign.clone() }, "wrong-signature", "");
    }
}

/// A challenge may contain this. It is not a key.
const ONE_LINE_PEM: &str = "-----BEGIN PUBLIC KEY-----abc-----END PUBLIC KEY-----";

#[test]
fn a_valid_signature_over_a_text_that_looks_changed_is_valid() {
    // The owner of a key may sign what it likes: the diagnosis only explains refusals.
    let signed = Signer::new();
    for json in [callback_of("{}"), "%7B%7D".to_owned(), "{\"counter\":\"1\",\"cpu_id\":\"c\"}".to_owned()] {
        assert_reason(&signed.case(&json, &json), "valid", "");
    }
}

#[test]
fn two_changes_at_once_are_named_in_the_order_in_which_they_are_undone() {
    let result = result();
    let json = format!("\u{feff}{}\r\n", text(&result)).into_bytes();
    let both = Case { json, ..result.clone() };
    assert_reason(&both, "line-ends-changed", "byte order mark");
    assert_reason(&both, "line-ends-changed", ", and ");
    assert_reason(&both, "line-ends-changed", "a line end was added");
    let plain = text(&result);
    for (json, reason) in [
        (url_encoded(&callback_of(&plain)), "url-encoded"),
        (callback_of(&with_counter_as_string(&plain)), "callback-object"),
        (with_counter_as_string(&plain).replace(',', ", "), "counter-as-string"),
    ] {
        let both = Case { json: json.into_bytes(), ..result.clone() };
        assert_reason(&both, reason, "after it had been signed");
        assert_reason(&both, reason, ", and ");
    }
}

/// A key of its own, with which anything can be signed at salt length 20.
struct Signer {
    pair: KeyPair,
    key: Vec<u8>,
}

impl Signer {
    fn new() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key is made");
        let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("a public key is written");
        let key = PublicKey::from_spki_der(spki.as_ref()).expect("a SOTER key").to_pem().into_bytes();
        Self { pair, key }
    }

    /// A text was signed, and another one arrived.
    fn case(&self, signed: &str, arrived: &str) -> Case {
        static SALT_20: RsaSignatureEncoding =
            RSA_PSS_SHA256.with_pss_salt_length(RsaPssSaltLength::Custom(20));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&SALT_20, &SystemRandom::new(), signed.as_bytes(), &mut signature).expect("it signs");
        Case { key: self.key.clone(), json: arrived.as_bytes().to_vec(), signature, salt: None }
    }
}

#[test]
fn what_was_signed_and_lost_is_found() {
    let signer = Signer::new();
    for (signed, arrived, reason, name) in [
        ("{}\n", "{}", "line-ends-changed", "a line end was cut off"),
        ("{\r\n}", "{\n}", "line-ends-changed", "CR LF became LF"),
        ("{\"raw\":\"a b+c\"}", "%7B%22raw%22%3A%22a+b%2Bc%22%7D", "url-encoded", "as in forms"),
        (
            "{\"raw\":\"<\u{6307}&>\"}",
            "{&#34;raw&#34;:&#x22;&lt;\u{6307}&amp;&gt;&quot;}",
            "html-escaped",
            "HTML",
        ),
    ] {
        assert_reason(&signer.case(signed, arrived), reason, name);
    }
}
