//! Checks each vector that OpenSSL made against the outcome that the vector itself states.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use soter_wire::{
    CertificateChain, ExportBlob, KeyFacts, KeyJson, Profile, PublicKey, ResultFacts, ResultJson,
    SignatureError, SignatureScheme, base64,
};

type Outcome = Result<(), Box<dyn Error>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    kind: Kind,
    profile: String,
    #[serde(rename = "salt_length")]
    scheme: SignatureScheme,
    outcome: Expected,
    found_salt_length: Option<u16>,
    why: String,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Kind {
    AuthKey,
    Chain,
    Result,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Expected {
    Mismatch,
    Verifies,
}

#[test]
fn every_vector_has_the_outcome_that_it_states() -> Outcome {
    let mut cases = 0;
    for entry in fs::read_dir(folder())? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            check(&path).map_err(|error| format!("{name}: {error}"))?;
            cases += 1;
        } else {
            assert!(
                [".gitattributes", "README.md", "make.sh"].contains(&name.as_str()),
                "{name} belongs to no case"
            );
        }
    }
    assert!(cases >= 16, "only {cases} cases were found");
    Ok(())
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

fn check(path: &Path) -> Outcome {
    let case: Case = serde_json::from_slice(&fs::read(path.join("case.json"))?)?;
    let expected_files: &[&str] = match case.kind {
        Kind::Chain => &["case.json", "key.pem", "signed.txt"],
        Kind::AuthKey | Kind::Result => &["case.json", "key.pem", "signature.bin", "signed.txt"],
    };
    let files = fs::read_dir(path)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<BTreeSet<_>, std::io::Error>>()?;
    assert!(files.iter().map(String::as_str).eq(expected_files.iter().copied()), "unexpected {files:?}");

    let profile = Profile::named(&case.profile).ok_or("no such profile")?;
    let signed = fs::read(path.join("signed.txt"))?;
    let key = PublicKey::from_pem(&fs::read_to_string(path.join("key.pem"))?)?;
    match case.kind {
        Kind::Chain => check_chain(&case, &signed, &key),
        Kind::AuthKey | Kind::Result => {
            let signature = fs::read(path.join("signature.bin"))?;
            check_signature(&case, &key, &signed, &signature);
            check_carriers(&signed, &signature)?;
            check_text(&case, profile, &signed)
        }
    }
}

fn check_signature(case: &Case, key: &PublicKey, signed: &[u8], signature: &[u8]) {
    let expected = match case.outcome {
        Expected::Mismatch => Err(SignatureError::Mismatch),
        Expected::Verifies => Ok(()),
    };
    assert_eq!(key.verify(case.scheme, signed, signature), expected, "{}", case.why);
    assert_eq!(key.find_pss_salt_length(signed, signature), case.found_salt_length, "{}", case.why);
}

/// The encodings that carry JSON and signature must not change them.
fn check_carriers(signed: &[u8], signature: &[u8]) -> Outcome {
    let blob = ExportBlob { json: signed.to_vec(), signature: signature.to_vec() };
    assert_eq!(ExportBlob::decode(&blob.encode())?, blob);
    let text = base64::encode(signature);
    assert_eq!(text.len(), 344);
    assert_eq!(base64::decode(&text)?, signature);
    Ok(())
}

fn check_text(case: &Case, profile: &Profile, signed: &[u8]) -> Outcome {
    let (claimed, encoded) = if case.kind == Kind::AuthKey {
        let key = KeyJson::decode(signed)?;
        let facts = KeyFacts {
            public_key: &key.public_key,
            cpu_id: &key.cpu_id,
            counter: key.counter,
            uid: &key.uid,
        };
        (key.scheme(), facts.encode(profile))
    } else {
        let result = ResultJson::decode(signed)?;
        let facts = ResultFacts {
            raw: &result.raw,
            fid: result.fid.as_deref().unwrap_or_default(),
            counter: result.counter,
            cpu_id: &result.cpu_id,
            uid: &result.uid,
        };
        (result.scheme(), facts.encode(profile))
    };
    assert_eq!(claimed, case.scheme, "{}", case.why);
    if case.outcome == Expected::Verifies {
        assert_eq!(encoded, String::from_utf8_lossy(signed), "the encoding differs from the signed bytes");
    }
    Ok(())
}

fn check_chain(case: &Case, json: &[u8], ask: &PublicKey) -> Outcome {
    let chain = CertificateChain::decode(json)?;
    assert_eq!(chain.encode().as_bytes(), json, "the encoding differs");
    match chain.verify() {
        Ok(facts) => {
            assert_eq!(case.outcome, Expected::Verifies, "{}", case.why);
            assert_eq!(&facts.ask, ask);
            assert_eq!(facts.challenge.scheme(), case.scheme);
        }
        Err(error) => assert_eq!(case.outcome, Expected::Mismatch, "{}: {error}", case.why),
    }
    Ok(())
}
