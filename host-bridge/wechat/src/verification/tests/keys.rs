//! Keys in every form in which people have them, and what came with them.

use super::*;

#[test]
fn the_key_may_be_the_json_of_an_auth_key() {
    let key = case("itrustee_auth_key");
    let foreign = Case { key: key.json, ..result() };
    assert_reason(&foreign, "wrong-signature", "");
    assert_eq!(foreign.checked().remarks.len(), 1, "its own salt length is 32, the result's is 20");
    assert!(foreign.checked().remarks[0].english().contains("exported with salt length 32"));
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
        assert!(checked.verdict.is_ok(), "{form}: {}", checked.verdict.detail.english());
        assert_eq!(checked.remarks, Vec::<Text>::new(), "{form}");
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
        assert!(
            checked.remarks.iter().any(|remark| remark.english().contains("is not checked")),
            "{checked:?}"
        );
    }
}

#[test]
fn a_chain_is_read_as_its_leafs_key_and_its_root_is_named_as_unchecked() {
    let chain = Case { key: vector("itrustee_chain", "signed.txt"), ..case("itrustee_result") };
    assert_reason(&chain, "wrong-signature", "");
    let remarks = chain.checked().remarks;
    assert!(remarks[0].english().contains("`Emulated SOTER Root CA`"), "{remarks:?}");
    assert!(remarks[0].english().contains("not checked against a list of trusted roots"), "{remarks:?}");
}

#[test]
fn invalid_dates_cause_remarks_and_no_refusal() {
    let case = case("itrustee_result");
    let chain = vector("itrustee_chain", "signed.txt");
    let at = |unix_seconds| verify_at(&chain, &case.json, &case.signature, None, unix_seconds).remarks;
    assert!(at(0).iter().any(|remark| remark.english().contains("becomes valid only")));
    assert!(at(u64::MAX).iter().any(|remark| remark.english().contains("was valid until")));
}

#[test]
fn a_broken_chain_says_which_certificate_breaks_it() {
    for name in ["itrustee_chain_without_device", "itrustee_chain_without_root"] {
        assert_reason(&Case { key: vector(name, "signed.txt"), ..result() }, "broken-chain", "certificate");
    }
}
