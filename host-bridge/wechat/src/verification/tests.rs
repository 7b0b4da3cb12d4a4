//! Tests of every reason, and of arbitrary bytes. The signatures are from test vectors made with OpenSSL.

use std::fs;
use std::path::Path;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PSS_SHA256, RsaPssSaltLength, RsaSignatureEncoding};
use proptest::prelude::*;
use soter_wire::{ExportBlob, PublicKey, base64};

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
    for name in ["trustonic_result_crlf", "trustonic_result_reserialised"] {
        assert_reason(&case(name), "reserialised", "");
    }
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
        (&result, format!("\u{feff}{plain}"), "a byte order mark was put before it"),
        (&result, format!("{plain}\n"), "a line end was added"),
        (&result, format!("{plain}\r\n"), "a line end was added"),
        (&result, pretty.clone(), "spaces or escapes"),
        (&result, pretty.replace('\n', "\r\n"), "spaces or escapes"),
        (&result, plain.replace("{\"raw\":\"", "{\"\\u0072aw\":\""), "spaces or escapes"),
        (&result, reversed, "another order"),
        (&result, twice.clone(), "JSON string a second time"),
        (&result, twice.trim_matches('"').to_owned(), "JSON string a second time"),
        (&auth_key, text(&auth_key).replace("\\/", "/"), "`\\/` was written `/`"),
        (&auth_key, text(&auth_key).replace("\\n", "\n"), "`\\n` escapes became line feeds"),
        (&huawei, text(&huawei).replace('/', "\\/"), "`/` was written `\\/`"),
        (&huawei, text(&huawei).replace('\n', "\r\n"), "LF became CR LF"),
        (&huawei, text(&huawei).replace('\n', "\\n"), "escaped as `\\n`"),
    ];
    for (case, json, name) in changed {
        assert_reason(&Case { json: json.into_bytes(), ..case.clone() }, "reserialised", name);
    }
}

#[test]
fn two_changes_at_once_are_named_in_the_order_in_which_they_are_undone() {
    let result = result();
    let json = format!("\u{feff}{}\r\n", text(&result)).into_bytes();
    let both = Case { json, ..result };
    assert_reason(&both, "reserialised", "byte order mark");
    assert_reason(&both, "reserialised", ", and ");
    assert_reason(&both, "reserialised", "a line end was added");
}

#[test]
fn line_ends_that_were_signed_and_lost_are_found() {
    static SALT_20: RsaSignatureEncoding = RSA_PSS_SHA256.with_pss_salt_length(RsaPssSaltLength::Custom(20));
    let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key is made");
    let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("a public key is written");
    let key = PublicKey::from_spki_der(spki.as_ref()).expect("a SOTER key").to_pem().into_bytes();
    let signed = |text: &str| {
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&SALT_20, &SystemRandom::new(), text.as_bytes(), &mut signature).expect("it signs");
        signature
    };
    let lost = |before: &str, after: &str| Case {
        key: key.clone(),
        json: after.as_bytes().to_vec(),
        signature: signed(before),
        salt: None,
    };
    assert_reason(&lost("{}\n", "{}"), "reserialised", "a line end was cut off");
    assert_reason(&lost("{\r\n}", "{\n}"), "reserialised", "CR LF became LF");
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
        (format!(" {standard}"), "base64-wrapped", ""),
        (standard.replace('+', " "), "base64-plus-lost", "%2B"),
        (url_safe.clone(), "base64-url-safe", "use the standard one"),
        (url_safe.trim_end_matches('=').to_owned(), "base64-url-safe", "without its padding"),
        (standard.trim_end_matches('=').to_owned(), "base64-unpadded", "=="),
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
    let cut = text(&Case { json: result().key, ..result() }).replace("-----END", "-----");
    let keys = [
        (Vec::new(), ""),
        (b"-----BEGIN CERTIFICATE-----".to_vec(), "PUBLIC KEY"),
        (cut.into_bytes(), "PEM"),
        (b"{}".to_vec(), "pub_key"),
        (b"{\"pub_key\":1}".to_vec(), "pub_key"),
        (b"{\"certs\":[]}".to_vec(), "0 certificates"),
        (vec![0xff; 300], "UTF-8"),
    ];
    for (key, cause) in keys {
        assert_reason(&Case { key, ..result() }, "bad-key", cause);
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
    fn a_key_of_any_text_is_refused(key in "(-----BEGIN|\\{\"certs\":\\[\"|\\{\"pub_key\":\")?\\PC{0,80}") {
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
    fn any_text_in_place_of_the_json_gets_a_verdict(json in "[\\[\\]{}\":,\\\\/nru\\r\\n 0-9a]{0,60}") {
        let checked = Case { json: json.into_bytes(), ..result() }.checked();
        prop_assert!(!checked.verdict.is_ok());
    }
}
