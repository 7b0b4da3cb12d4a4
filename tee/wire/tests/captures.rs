//! Data captured from a real phone. It is not part of this repository: `SOTER_VECTORS` names the folder that holds
//! it. Without it these tests print that they are skipped.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use soter_wire::{
    KeyFacts, KeyJson, Profile, PublicKey, ResultFacts, ResultField, ResultJson, SaltLength, SignatureScheme,
};

type Outcome = Result<(), Box<dyn Error>>;

const SALT_20: SignatureScheme = SignatureScheme::RsaPss { salt_length: SaltLength::DEFAULT };
const SALT_32: SignatureScheme = SignatureScheme::RsaPss { salt_length: SaltLength::HUAWEI };

struct Captures {
    folder: PathBuf,
}

impl Captures {
    /// The MediaTek set, if there is one.
    #[expect(clippy::print_stdout, reason = "a skipped test says so in the test's own output")]
    fn mediatek() -> Option<Self> {
        let folder = std::env::var_os("SOTER_VECTORS").map(|vectors| PathBuf::from(vectors).join("mediatek"));
        if folder.is_none() {
            println!("skipped: SOTER_VECTORS does not name a folder with captures");
        }
        folder.map(|folder| Self { folder })
    }

    fn bytes(&self, file: &str) -> Result<Vec<u8>, Box<dyn Error>> {
        fs::read(self.folder.join(file)).map_err(|error| format!("{file}: {error}").into())
    }

    fn key(&self, file: &str) -> Result<PublicKey, Box<dyn Error>> {
        Ok(PublicKey::from_pem(&String::from_utf8(self.bytes(file)?)?)?)
    }
}

/// The profile of the captured phone: `trustonic` with the name of its own TEE.
fn captured_profile() -> Result<Profile, Box<dyn Error>> {
    const RESULT: &[ResultField] = &[
        ResultField::Raw,
        ResultField::Fid,
        ResultField::Counter,
        ResultField::Fixed {
            name: "tee_n",
            value: "t-base-Mediatek-Armv8-Android-302A-V012-20160705_104258_41",
        },
        ResultField::Fixed { name: "tee_v", value: "10010" },
        ResultField::Fixed { name: "fp_n", value: "FPC" },
        ResultField::Fixed { name: "fp_v", value: "6516" },
        ResultField::CpuId,
        ResultField::Uid,
    ];
    let trustonic = Profile::named("trustonic").ok_or("no profile trustonic")?;
    Ok(Profile { result: RESULT, ..*trustonic })
}

/// Asserts that no change of a single bit, in the text or in the signature, leaves the signature valid.
fn assert_each_bit_is_signed(key: &PublicKey, text: &[u8], signature: &[u8]) {
    let changes = |bytes: &[u8]| {
        let original = bytes.to_vec();
        (0..original.len() * 8).map(move |bit| {
            let mut changed = original.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            changed
        })
    };
    for (bit, changed) in changes(text).enumerate() {
        assert!(
            key.verify(SALT_20, &changed, signature).is_err(),
            "a change of bit {bit} of the text is not detected"
        );
    }
    for (bit, changed) in changes(signature).enumerate() {
        assert!(
            key.verify(SALT_20, text, &changed).is_err(),
            "a change of bit {bit} of the signature is not detected"
        );
    }
}

#[test]
fn the_captured_auth_key_is_encoded_from_its_facts_byte_for_byte() -> Outcome {
    let Some(captures) = Captures::mediatek() else { return Ok(()) };
    let text = captures.bytes("auth_key_json.txt")?;
    let key = KeyJson::decode(&text)?;
    assert_eq!(key.public_key, captures.key("auth_key.pem")?);
    assert_eq!((key.counter, key.uid.as_str(), key.named_scheme), (240, "10115", None));

    let facts =
        KeyFacts { public_key: &key.public_key, cpu_id: &key.cpu_id, counter: key.counter, uid: &key.uid };
    assert_eq!(facts.encode(&captured_profile()?).as_bytes(), text);
    Ok(())
}

#[test]
fn the_captured_auth_key_verifies_with_the_ask_at_salt_20_only() -> Outcome {
    let Some(captures) = Captures::mediatek() else { return Ok(()) };
    let text = captures.bytes("auth_key_json.txt")?;
    let signature = captures.bytes("auth_key_signature.bin")?;
    let ask = captures.key("ask.pem")?;
    assert!(ask.verify(SALT_20, &text, &signature).is_ok());
    assert!(ask.verify(SALT_32, &text, &signature).is_err());
    assert_eq!(ask.find_pss_salt_length(&text, &signature), Some(20));
    assert_each_bit_is_signed(&ask, &text, &signature);
    Ok(())
}

#[test]
fn the_captured_result_is_encoded_from_its_facts_byte_for_byte() -> Outcome {
    let Some(captures) = Captures::mediatek() else { return Ok(()) };
    let text = captures.bytes("final_json.txt")?;
    let result = ResultJson::decode(&text)?;
    assert_eq!(result.raw, "I'm a demo challenge string");
    assert_eq!((result.counter, result.scheme()), (246, SALT_20));

    let facts = ResultFacts {
        raw: &result.raw,
        fid: result.fid.as_deref().unwrap_or_default(),
        counter: result.counter,
        cpu_id: &result.cpu_id,
        uid: &result.uid,
    };
    assert_eq!(facts.encode(&captured_profile()?).as_bytes(), text);
    Ok(())
}

#[test]
fn the_captured_result_verifies_with_the_auth_key_at_salt_20_only() -> Outcome {
    let Some(captures) = Captures::mediatek() else { return Ok(()) };
    let text = captures.bytes("final_json.txt")?;
    let signature = captures.bytes("final_signature.bin")?;
    let key = captures.key("auth_key.pem")?;
    assert!(key.verify(SALT_20, &text, &signature).is_ok());
    assert!(key.verify(SALT_32, &text, &signature).is_err());
    assert_each_bit_is_signed(&key, &text, &signature);
    Ok(())
}
