//! The manifest and the README of the set.

// Writing to a `String` does not fail, so the results of `write!` are ignored.
use std::fmt::Write as _;

use serde_json::{Value, json};
use soter_attack::VerifierCheck;
use soter_wire::{Profile, SignatureScheme};

use super::cases::{Case, CaseSet, SignedFiles};
use super::recording::{Check, VectorSet};

/// The manifest: every file, which key verifies which signature with which salt length, and the cases.
pub(super) fn manifest(set: &VectorSet, cases: &CaseSet) -> Value {
    let phone = &set.phone;
    let profile = Profile::named(&phone.profile);
    let mut files: Vec<_> = set
        .files
        .iter()
        .chain(&cases.files)
        .map(|file| json!({"name": file.name, "description": file.description.english(), "bytes": file.bytes.len()}))
        .collect();
    files.push(json!({"name": "README.txt", "description": "how to check the signatures by hand"}));
    files.push(json!({"name": "manifest.json", "description": "this file"}));
    let checks: Vec<_> = set
        .checks
        .iter()
        .map(|check| {
            let SignatureScheme::RsaPss { salt_length } = check.scheme;
            json!({
                "json": check.json,
                "signature": check.signature,
                "signatureBase64": check.signature_base64,
                "key": check.key,
                "algorithm": "RSASSA-PSS with SHA-256, MGF1 with SHA-256, trailer 0xBC",
                "saltLength": salt_length.get(),
                "valid": true,
            })
        })
        .collect();
    let certificates: Vec<_> = set
        .links
        .iter()
        .map(|link| {
            json!({
                "certificate": link.certificate,
                "signedBy": link.issuer,
                "algorithm": "sha256WithRSAEncryption (PKCS#1 v1.5)",
            })
        })
        .collect();
    json!({
        "name": "manifest.json",
        "description": "SOTER test vectors of an emulated phone; nothing in them verifies on a real server",
        "format": 1,
        "generator": format!("soter-sim {}", env!("CARGO_PKG_VERSION")),
        "profile": phone.profile,
        "profileDescription": profile.map(|profile| profile.description),
        "profileStatus": profile.map(|profile| profile.status.to_string()),
        "seeded": phone.seeded,
        "cpuId": phone.cpu_id,
        "algorithm": "RSASSA-PSS with SHA-256, MGF1 with SHA-256, trailer 0xBC",
        "files": files,
        "checks": checks,
        "certificates": certificates,
        "cases": cases.cases.iter().map(case).collect::<Vec<_>>(),
    })
}

/// What a verifier is given, and what it must answer.
fn case(case: &Case) -> Value {
    let SignatureScheme::RsaPss { salt_length } = case.ask_facts.scheme();
    let files = |files: &SignedFiles| json!({"json": files.json, "signature": files.signature});
    json!({
        "name": case.name,
        "description": case.description,
        "valid": case.refused_by.is_none(),
        "refusedBy": case.refused_by,
        "attk": case.attk,
        "ask": {
            "json": case.ask.json,
            "signature": case.ask.signature,
            "verified": case.refused_by != Some(VerifierCheck::Ask),
            "key": case.ask_key,
            "cpuId": case.ask_facts.cpu_id,
            "uid": case.ask_facts.uid,
            "counter": case.ask_facts.counter,
            "saltLength": salt_length.get(),
        },
        "authKey": files(&case.auth_key),
        "result": files(&case.result),
        "challenge": case.challenge,
        "highestCounter": case.highest_counter,
    })
}

/// What the members of a case mean.
const CASES: &str = "
`cases` in manifest.json drives a verifier in any language. Each refused case has one fault:

  valid            whether the verifier must accept it
  refusedBy        the first check that refuses it; these are all, in order:
    ask                 WeChat's verify_ask confirms the ASK's export
    auth-key-signature  the ASK signed the AuthKey's export, at the ASK's salt length
    auth-key-strength   the AuthKey has 2048 bits and the exponent 65537
    auth-key-owner      its export names the device (cpu_id) and the app (uid) of the ASK
    auth-key-counter    its counter is greater than the ASK's
    result-signature    the AuthKey signed the result's bytes, at the AuthKey's salt length:
                        rsa_pss_saltlen of its export, or 20
    result-salt         rsa_pss_saltlen of the result, or 20, is that length as well
    result-owner        the result names the device and the app of the AuthKey
    challenge           its raw is the challenge
    counter             its counter is greater than the highest of the device
  ask              the export and its signature (null for a certificate chain), which attk signed;
                   verified: what verify_ask answers; and what the export says: its key, cpuId,
                   uid, counter and saltLength
  authKey, result  the text and its signature
  challenge        what the verifier has given out
  highestCounter   the highest counter of the device so far, in exports and results
";

/// How to check the signatures by hand.
pub(super) fn readme(set: &VectorSet) -> String {
    let mut text = format!(
        "SOTER test vectors\n\
         ==================\n\n\
         Made by soter-sim {} as a phone of the profile `{}`. The phone is emulated: nothing here\n\
         verifies on a real server, and nothing here is secret.\n\n\
         *.pem         public keys and certificates\n\
         *.json        what is signed, byte for byte: no line end follows. Never format these files.\n\
         *.sig         its signature, 256 raw bytes\n\
         *.sig.b64     the same in Base64, as it is sent in JSON\n\
         *.export      JSON and signature in one, as the trusted app exports them: 4 bytes of length,\n              \
                       little-endian, the JSON, the signature\n\
         *.callback.json  what the callback of wx.startSoterAuthentication gets\n\n\
         app_*         an Android app that uses the SDK: its ASK, its AuthKey, its results\n\
         wechat_*      a mini program: WeChat's ASK and AuthKey, and the results\n\
         case_*        cases for a verifier, from another phone; see below\n\n\
         manifest.json says which key verifies what, and at which salt length. With OpenSSL or soter-sim:\n\n",
        env!("CARGO_PKG_VERSION"),
        set.phone.profile,
    );
    let auth_key = set.checks.iter().find(|check| check.json.ends_with("auth_key.json"));
    let result = set.checks.iter().find(|check| check.json.contains("result"));
    for Check { json, signature, key, scheme, .. } in auth_key.into_iter().chain(result) {
        let SignatureScheme::RsaPss { salt_length } = scheme;
        let _ = write!(
            text,
            "  openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:{salt_length} \\\n    \
             -verify {key} -signature {signature} {json}\n  \
             soter-sim verify --key {key} --json {json} --signature {signature} --salt {salt_length}\n"
        );
    }
    text.push_str(CASES);
    if !set.links.is_empty() {
        text.push_str(
            "\nThe ASK comes as a certificate chain (*_certificate_1.pem is the leaf). Each certificate's signature\n\
             verifies with the next one's key; the issuer's name in the leaf is not the device certificate's\n\
             subject, as on real phones, so tools that build paths by names stop there.\n",
        );
    }
    text
}
