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

mod changes;
mod keys;

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

fn url_encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn html_escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('\'', "&#39;").replace('/', "&#x2F;")
}

#[track_caller]
fn assert_reason(case: &Case, reason: &str, detail: &str) {
    let checked = case.checked();
    assert_eq!(checked.verdict.reason.name(), reason, "{}", checked.verdict.detail.english());
    assert_eq!(checked.verdict.is_ok(), reason == "valid");
    assert!(
        checked.verdict.detail.english().contains(detail),
        "`{detail}` is not in `{}`",
        checked.verdict.detail.english()
    );
    assert!(!checked.verdict.detail.english().contains('\n'));
}

#[test]
fn results_of_every_kind_are_valid_at_the_salt_length_that_they_name_or_at_20() {
    for (name, length) in [("trustonic_result", 20), ("ios_result", 20), ("itrustee_result", 32)] {
        let case = case(name);
        assert_reason(&case, "valid", &format!("salt length {length}"));
        assert_eq!(case.checked().scheme, SignatureScheme::rsa_pss(length));
        assert_eq!(case.checked().remarks, Vec::<Text>::new());
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
        assert_eq!(checked.remarks, Vec::<Text>::new());
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
fn bytes_that_are_not_a_result_are_checked_and_get_a_remark() {
    let odd = Case { json: b"neither".to_vec(), ..result() };
    let checked = odd.checked();
    assert_eq!(
        (&*checked.verdict.reason.name(), checked.scheme),
        ("wrong-signature", SignatureScheme::rsa_pss(20))
    );
    assert!(checked.remarks[0].english().contains("neither a result nor an exported key"), "{checked:?}");
}

#[test]
fn an_export_blob_given_as_json_is_recognised() {
    let case = result();
    let blob = ExportBlob { json: case.json.clone(), signature: case.signature.clone() }.encode();
    let checked = Case { json: blob, ..case }.checked();
    assert!(!checked.verdict.is_ok());
    assert!(checked.remarks[0].english().contains("export blob"), "{checked:?}");
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
