//! Tests of every reason, and of arbitrary bytes. The signatures are from test vectors made with OpenSSL.

use std::fs;
use std::path::Path;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PSS_SHA256, RsaPssSaltLength, RsaSignatureEncoding};
use proptest::prelude::*;
use soter_wire::{CertificateChain, ExportBlob, PublicKey, base64};

use super::*;

/// A key, a signed text, its signature, and the salt length demanded: valid as they are.
#[derive(Clone, Debug)]
struct Case {
    key: Vec<u8>,
    json: Vec<u8>,
    signature: Vec<u8>,
    salt: Option<u16>,
}

impl Case {
    fn checked(&self) -> Verification {
        verify_at(&self.key, &self.json, &self.signature, self.salt, 1_700_000_000)
    }
}

fn vector(case: &str, file: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tee/wire/tests/vectors").join(case);
    fs::read(folder.join(file)).expect("the vectors are part of the workspace")
}

fn case(name: &str) -> Case {
    Case {
        key: vector(name, "key.pem"),
        json: vector(name, "signed.txt"),
        signature: vector(name, "signature.bin"),
        salt: None,
    }
}

fn result() -> Case {
    case("trustonic_result")
}

fn text(case: &Case) -> String {
    String::from_utf8(case.json.clone()).expect("the vectors are text")
}

fn written(case: &Case) -> String {
    base64::encode(&case.signature)
}

#[track_caller]
fn assert_reason(case: &Case, reason: &str, detail: &str) {
    let checked = case.checked();
    assert_eq!(checked.verdict.reason.name(), reason, "{}", checked.verdict.detail);
    assert_eq!(checked.verdict.is_ok(), reason == "valid");
    assert!(checked.verdict.detail.contains(detail), "`{detail}` is not in `{}`", checked.verdict.detail);
    assert!(!checked.verdict.detail.contains('\n'));
}

#[test]
fn results_of_every_kind_are_valid_at_the_salt_length_that_they_name_or_at_20() {
    for (name, length) in [("trustonic_result", 20), ("ios_result", 20), ("itrustee_result", 32)] {
        let case = case(name);
        assert_reason(&case, "valid", &format!("salt length {length}"));
        assert_eq!(case.checked().scheme, SignatureScheme::rsa_pss(length));
        assert_eq!(case.checked().remarks, Vec::<String>::new());
    }
}

#[test]
fn exported_keys_are_valid_and_get_no_remark() {
    for (name, length) in [("trustonic_auth_key", 20), ("ios_auth_key", 20), ("itrustee_auth_key", 32)] {
        let checked = case(name).checked();
        assert_eq!(
            (&*checked.verdict.reason.name(), checked.scheme),
            ("valid", SignatureScheme::rsa_pss(length))
        );
        assert_eq!(checked.remarks, Vec::<String>::new());
    }
}

#[test]
fn the_detail_says_what_required_the_salt_length() {
    assert_reason(&result(), "valid", "the default, since the JSON names none");
    assert_reason(&case("itrustee_result"), "valid", "the JSON's own rsa_pss_saltlen");
    assert_reason(&Case { salt: Some(20), ..result() }, "valid", "as demanded");
}

#[test]
fn a_signature_may_be_raw_or_base64_with_one_line_end() {
    let raw = result();
    for line_end in ["", "\n", "\r\n"] {
        let signature = format!("{}{line_end}", written(&raw)).into_bytes();
        assert_reason(&Case { signature, ..raw.clone() }, "valid", "");
    }
}

#[test]
fn a_demanded_salt_length_overrides_the_json() {
    let requested = Case { salt: Some(20), ..case("itrustee_result") };
    assert_reason(&requested, "wrong-salt-length", "holds at salt length 32; 20 is required (as demanded)");
    assert_reason(&Case { salt: Some(32), ..case("trustonic_result_salt_32") }, "valid", "");
}

#[test]
fn a_signature_at_another_salt_length_is_refused_with_both_lengths() {
    assert_reason(&case("trustonic_result_salt_32"), "wrong-salt-length", "salt length 32; 20 is required");
    assert_reason(&case("trustonic_result_salt_0"), "wrong-salt-length", "salt length 0; 20 is required");
    assert_reason(&case("itrustee_result_salt_20"), "wrong-salt-length", "salt length 20; 32 is required");
    assert_eq!(case("itrustee_result_salt_20").checked().scheme, SignatureScheme::rsa_pss(32));
}

#[test]
fn a_salt_length_that_no_signature_can_have_is_refused() {
    assert_reason(&Case { salt: Some(222), ..result() }, "wrong-salt-length", "222 is required");
    for salt in [223, u16::MAX] {
        assert_reason(&Case { salt: Some(salt), ..result() }, "salt-out-of-range", &salt.to_string());
    }
    let claimed = text(&case("itrustee_result")).replace("\"rsa_pss_saltlen\":32", "\"rsa_pss_saltlen\":223");
    let claimed = Case { json: claimed.into_bytes(), ..case("itrustee_result") };
    assert_reason(&claimed, "salt-out-of-range", "223");
}

#[test]
fn the_padding_of_certificates_is_recognised() {
    assert_reason(&case("trustonic_result_pkcs1"), "pkcs1-instead-of-pss", "PKCS#1 v1.5");
}

#[test]
fn another_key_and_a_flipped_bit_get_the_same_reason() {
    assert_reason(&case("ios_result_other_key"), "wrong-signature", "");
    let mut flipped = result();
    flipped.signature[100] ^= 1;
    assert_reason(&flipped, "wrong-signature", "");
    let mut changed = result();
    changed.json[10] ^= 1;
    assert_reason(&changed, "wrong-signature", "");
}

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

fn url_encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// As lodash's `escape`, and templates that escape slashes too.
fn html_escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('\'', "&#39;").replace('/', "&#x2F;")
}

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
        assert!(!by_another_key.checked().verdict.detail.contains("was changed"));
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

/// What a challenge may hold; it is no key.
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

#[test]
fn signatures_that_are_not_standard_base64_are_diagnosed() {
    let case = result();
    let standard = written(&case);
    let (front, back) = standard.split_at(76);
    let url_safe = standard.replace('+', "-").replace('/', "_");
    assert_ne!(url_safe, standard, "the vector's signature must differ between the two alphabets");
    let forms = [
        (format!("{front}\n{back}"), "base64-wrapped", "2 parts"),
        (format!("{front}\r\n{back}\n"), "base64-wrapped", "2 parts"),
        (format!(" {standard}"), "base64-wrapped", "before or after the Base64 text"),
        (format!("{standard}\n\n"), "base64-wrapped", "before or after the Base64 text"),
        (format!("\"{standard}\""), "bad-signature-encoding", "encoded as a JSON string"),
        (standard.replace('/', "\\/"), "bad-signature-encoding", "encoded as a JSON string"),
        (standard.replace('+', " "), "base64-plus-lost", "%2B"),
        (url_safe.clone(), "base64-url-safe", "use the standard one"),
        (url_safe.trim_end_matches('=').to_owned(), "base64-url-safe", "without its padding"),
        (standard.trim_end_matches('=').to_owned(), "base64-unpadded", "=="),
        (url_encoded(&standard), "url-encoded", "%2B"),
        (html_escaped(&standard), "html-escaped", "&#x2F;"),
        (base64::encode(&case.signature[1..]), "signature-length", "255 bytes"),
        (String::new(), "signature-length", "0 bytes"),
        ("no signature!".to_owned(), "bad-signature-encoding", "Base64"),
    ];
    for (signature, reason, detail) in forms {
        assert_reason(&Case { signature: signature.into_bytes(), ..case.clone() }, reason, detail);
    }
}

#[test]
fn raw_signatures_of_another_length_are_refused_with_their_length() {
    let mut case = result();
    case.signature = vec![0xff; 255];
    assert_reason(&case, "signature-length", "255 bytes");
    case.signature = vec![0xff; 257];
    assert_reason(&case, "signature-length", "257 bytes");
}

#[test]
fn the_key_may_be_the_json_of_an_auth_key() {
    let key = case("itrustee_auth_key");
    let foreign = Case { key: key.json, ..result() };
    assert_reason(&foreign, "wrong-signature", "");
    assert_eq!(foreign.checked().remarks.len(), 1, "its own salt length is 32, the result's is 20");
    assert!(foreign.checked().remarks[0].contains("exported with salt length 32"));
}

#[test]
fn keys_that_cannot_be_read_are_refused_with_the_cause() {
    let pem = text(&Case { json: result().key, ..result() });
    let cut = pem.replace("-----END", "-----");
    let certificate = pem.replace("PUBLIC KEY", "CERTIFICATE");
    let utf16 = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        format!("\u{feff}{pem}").encode_utf16().flat_map(bytes).collect()
    };
    let keys = [
        (Vec::new(), ""),
        (b"-----BEGIN CERTIFICATE-----".to_vec(), "END line is missing"),
        (b"-----BEGIN PRIVATE KEY-----".to_vec(), "private key"),
        (b"-----BEGIN EC PARAMETERS-----".to_vec(), "PUBLIC KEY"),
        (b"neither".to_vec(), "neither PEM, JSON nor Base64"),
        (b"AAAA".to_vec(), "3 bytes that begin with 000000"),
        (b"\"{\\\"pub".to_vec(), "JSON string"),
        (vec![b' '; (1 << 20) + 1], "too long"),
        (SMALL_KEY.as_bytes().to_vec(), "1024 bits"),
        (cut.into_bytes(), "PEM"),
        (b"{}".to_vec(), "pub_key"),
        (b"{\"pub_key\":1}".to_vec(), "pub_key"),
        (b"{\"certs\":[]}".to_vec(), "0 certificates"),
        (vec![0xff; 300], "300 bytes that begin with ffffffffffffffff"),
        (format!("\u{feff}{pem}").into_bytes(), "it begins with a byte order mark"),
        (format!("\u{feff}{SMALL_KEY}").into_bytes(), "it begins with a byte order mark"),
        (b"\xef\xbb\xbf{}".to_vec(), "it begins with a byte order mark"),
        (utf16(u16::to_le_bytes), "UTF-16"),
        (utf16(u16::to_be_bytes), "UTF-16"),
        (pem.replace('\n', "").into_bytes(), "the PEM is on one line"),
        (pem.replace('\n', " ").into_bytes(), "the PEM is on one line"),
        (pem.replace('\n', "\r").into_bytes(), "the PEM is on one line"),
        (pem.replace('\n', "\\n").into_bytes(), "the two characters `\\n`"),
        (pem.replace("PUBLIC KEY", "PRIVATE KEY").replace('\n', "").into_bytes(), "private key"),
        (certificate.replace('\n', "").into_bytes(), "the PEM is on one line"),
        (certificate.repeat(2).into_bytes(), "give one key or one certificate"),
        (pem.repeat(2).into_bytes(), "give one key or one certificate"),
    ];
    for (key, cause) in keys {
        let case = Case { key, ..result() };
        assert_reason(&case, "bad-key", cause);
        for form in
            ["PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE", "DER", "Base64", "ASK", "AuthKey", "JSON string"]
        {
            assert_reason(&case, "bad-key", form);
        }
    }
}

/// A key of 1024 bits in Base64, made with OpenSSL.
const SMALL_KEY: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC1vOeS4uf6kDAbytWs2OjObxEbT8w8oZdvPWoM35UTT1OpTeJR89HFs/D+5Gd7k0fGEalH6iw/jpQDbDdSpRBrLAKdzlZQb/5aZ6cBhL+HSlZIVuAlHXYUsgOQNsaEXmVVVTW2AB/6I+KTHR1ZPz/LK4oNZgrUGdUQWZ16yvls1QIDAQAB";

#[test]
fn a_key_may_have_any_form_in_which_people_have_keys() {
    let case = case("itrustee_result");
    let pem = String::from_utf8(case.key.clone()).expect("PEM is text");
    let spki = PublicKey::from_pem(&pem).expect("a key").spki_der().to_vec();
    let pkcs1 = &spki[spki.len() - 270..];
    let wrapped = |der: &[u8], end: &str| {
        let body = base64::encode(der);
        let lines: Vec<_> = body.as_bytes().chunks(76).map(String::from_utf8_lossy).collect();
        lines.join(end)
    };
    let json = text(&self::case("itrustee_auth_key"));
    let escaped = serde_json::to_string(&json).expect("a string can be written");
    for (form, key) in [
        ("PEM", pem.clone().into_bytes()),
        ("PEM between blank lines", format!("\n {pem} \n").into_bytes()),
        ("PEM as a JSON string", serde_json::to_vec(&pem).expect("a string")),
        ("Base64 on one line", base64::encode(&spki).into_bytes()),
        ("Base64 as a JSON string", format!("\"{}\"", base64::encode(&spki)).into_bytes()),
        ("Base64 on many lines", format!("{}\n", wrapped(&spki, "\n")).into_bytes()),
        ("Base64 with CR LF", wrapped(&spki, "\r\n").into_bytes()),
        ("DER", spki.clone()),
        ("PKCS#1 DER", pkcs1.to_vec()),
        ("PKCS#1 Base64", base64::encode(pkcs1).into_bytes()),
        (
            "PKCS#1 PEM",
            format!(
                "-----BEGIN RSA PUBLIC KEY-----\n{}\n-----END RSA PUBLIC KEY-----\n",
                wrapped(pkcs1, "\n")
            )
            .into_bytes(),
        ),
    ] {
        let checked = Case { key, ..case.clone() }.checked();
        assert!(checked.verdict.is_ok(), "{form}: {}", checked.verdict.detail);
        assert_eq!(checked.remarks, Vec::<String>::new(), "{form}");
    }
    for (form, key) in [
        ("AuthKey", json),
        ("AuthKey as a JSON string", escaped.clone()),
        ("AuthKey as a JSON string whose quotes are lost", escaped.trim_matches('"').to_owned()),
    ] {
        let case = Case { key: key.into_bytes(), ..case.clone() };
        assert_ne!(case.checked().verdict.reason, Reason::BadKey, "{form}");
    }
}

#[test]
fn the_key_of_a_certificate_is_used_with_the_remark_that_the_certificate_is_not_checked() {
    let chain = CertificateChain::decode(&vector("itrustee_chain", "signed.txt")).expect("a chain");
    let leaf = &chain.certificates[0];
    let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----", base64::encode(leaf));
    let ask = chain.verify().expect("it verifies").ask;
    let auth_key = case("itrustee_auth_key");
    let expected = Case { key: ask.to_pem().into_bytes(), ..auth_key.clone() }.checked().verdict;
    for key in [pem.into_bytes(), leaf.clone(), base64::encode(leaf).into_bytes()] {
        let checked = Case { key, ..auth_key.clone() }.checked();
        assert_eq!(checked.verdict, expected);
        assert!(checked.remarks.iter().any(|remark| remark.contains("is not checked")), "{checked:?}");
    }
}

#[test]
fn a_chain_is_read_as_its_leafs_key_and_its_root_is_named_as_unchecked() {
    let chain = Case { key: vector("itrustee_chain", "signed.txt"), ..case("itrustee_result") };
    assert_reason(&chain, "wrong-signature", "");
    let remarks = chain.checked().remarks;
    assert!(remarks[0].contains("`Emulated SOTER Root CA`"), "{remarks:?}");
    assert!(remarks[0].contains("not checked against a list of trusted roots"), "{remarks:?}");
}

#[test]
fn invalid_dates_cause_remarks_and_no_refusal() {
    let case = case("itrustee_result");
    let chain = vector("itrustee_chain", "signed.txt");
    let at = |unix_seconds| verify_at(&chain, &case.json, &case.signature, None, unix_seconds).remarks;
    assert!(at(0).iter().any(|remark| remark.contains("becomes valid only")));
    assert!(at(u64::MAX).iter().any(|remark| remark.contains("was valid until")));
}

#[test]
fn a_broken_chain_says_which_certificate_breaks_it() {
    for name in ["itrustee_chain_without_device", "itrustee_chain_without_root"] {
        assert_reason(&Case { key: vector(name, "signed.txt"), ..result() }, "broken-chain", "certificate");
    }
}

#[test]
fn bytes_that_are_not_a_result_are_checked_and_get_a_remark() {
    let odd = Case { json: b"neither".to_vec(), ..result() };
    let checked = odd.checked();
    assert_eq!(
        (&*checked.verdict.reason.name(), checked.scheme),
        ("wrong-signature", SignatureScheme::rsa_pss(20))
    );
    assert!(checked.remarks[0].contains("neither a result nor an exported key"), "{checked:?}");
}

#[test]
fn an_export_blob_given_as_json_is_recognised() {
    let case = result();
    let blob = ExportBlob { json: case.json.clone(), signature: case.signature.clone() }.encode();
    let checked = Case { json: blob, ..case }.checked();
    assert!(!checked.verdict.is_ok());
    assert!(checked.remarks[0].contains("export blob"), "{checked:?}");
}

#[test]
fn a_long_text_is_refused_without_a_long_search() {
    let checked = Case { json: vec![b'['; 2 << 20], ..result() }.checked();
    assert_eq!(checked.verdict.reason, Reason::WrongSignature);
}

#[test]
fn the_present_time_gives_the_same_verdict() {
    let case = result();
    assert_eq!(verify(&case.key, &case.json, &case.signature, None), case.checked());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arbitrary_bytes_get_a_verdict(
        key in prop::collection::vec(any::<u8>(), 0..600),
        json in prop::collection::vec(any::<u8>(), 0..600),
        signature in prop::collection::vec(any::<u8>(), 0..400),
        salt in any::<Option<u16>>(),
        now in any::<u64>(),
    ) {
        prop_assert!(!verify_at(&key, &json, &signature, salt, now).verdict.is_ok());
    }

    #[test]
    fn a_key_of_any_text_is_refused(
        key in "(-----BEGIN|-----BEGIN (RSA PUBLIC KEY|CERTIFICATE)-----\n|\"|\"\\{\\\\\"|M|\\{\"certs\":\\[\"|\\{\"pub_key\":\")?\\PC{0,80}",
    ) {
        let checked = Case { key: key.into_bytes(), ..result() }.checked();
        prop_assert_eq!(checked.verdict.reason, Reason::BadKey);
    }

    #[test]
    fn a_changed_text_is_never_valid(at in any::<prop::sample::Index>(), with in any::<u8>()) {
        let mut case = result();
        let at = at.index(case.json.len());
        prop_assume!(case.json[at] != with);
        case.json[at] = with;
        prop_assert!(!case.checked().verdict.is_ok());
    }

    #[test]
    fn a_key_with_a_changed_byte_is_read_or_refused(
        form in 0..3_usize,
        at in any::<prop::sample::Index>(),
        with in any::<u8>(),
    ) {
        let chain = CertificateChain::decode(&vector("itrustee_chain", "signed.txt")).expect("a chain");
        let key = case("itrustee_result").key;
        let spki = PublicKey::from_pem(&String::from_utf8_lossy(&key)).expect("a key").spki_der().to_vec();
        let mut key = [chain.certificates[0].clone(), spki.clone(), spki[spki.len() - 270..].to_vec()][form].clone();
        let at = at.index(key.len());
        key[at] = with;
        // A change of the header may leave the same key.
        let checked = Case { key, ..case("itrustee_result") }.checked();
        prop_assert!(form > 0 || !checked.verdict.is_ok());
    }

    #[test]
    fn any_text_around_escapes_and_pem_gets_a_verdict(
        json in "(%|&|&#|&#x|;|%7B|%22|\\+|\"counter\":\"|[0-9]|\"|\\\\|-----BEGIN PUBLIC KEY-----|-----END PUBLIC KEY-----|\n|\r|é|<|\\{\"resultJSON\":\"|\\}){0,20}",
    ) {
        let checked = Case { json: json.into_bytes(), ..result() }.checked();
        prop_assert!(!checked.verdict.is_ok());
    }

    #[test]
    fn any_text_in_place_of_the_json_gets_a_verdict(json in "[\\[\\]{}\":,\\\\/nru\\r\\n 0-9a]{0,60}") {
        let checked = Case { json: json.into_bytes(), ..result() }.checked();
        prop_assert!(!checked.verdict.is_ok());
    }
}
