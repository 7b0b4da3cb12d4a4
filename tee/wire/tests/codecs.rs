//! What must hold for every input of every codec.

use proptest::prelude::*;
use proptest::sample::Index;
use soter_wire::json::{Object, encode_string};
use soter_wire::{
    AttestationChallenge, CertificateChain, DecodeError, ExportBlob, KeyDescription, KeyFacts, KeyJson,
    MAX_COUNTER, PROFILES, Profile, PublicKey, ResultFacts, ResultJson, SaltLength, SignatureScheme, base64,
};

/// `{` and `}`.
const BRACES: [u8; 2] = [0x7b, 0x7d];
const KEY_PEM: &str = include_str!("vectors/trustonic_result/key.pem");
const CHAIN: &str = include_str!("vectors/itrustee_chain/signed.txt");
const AUTH_KEY: &str = include_str!("vectors/itrustee_auth_key/signed.txt");
const RESULT: &str = include_str!("vectors/itrustee_result/signed.txt");

/// A profile of the table, with any salt length if its JSON names the salt length.
fn profile() -> impl Strategy<Value = Profile> {
    (0..PROFILES.len(), 0..=SaltLength::MAX.get()).prop_map(|(row, salt_length)| {
        let row = PROFILES[row];
        match SignatureScheme::rsa_pss(salt_length) {
            Some(scheme) if row.key_json.salt_length_field => Profile { scheme, ..row },
            _ => row,
        }
    })
}

/// Any text, in which characters that JSON and PEM treat specially are frequent.
fn text() -> impl Strategy<Value = String> {
    let chars = prop_oneof![
        4 => any::<char>(),
        2 => prop::sample::select(vec!['"', '\\', '/', '\n', '\r', '\t', '\0', '{', '}', '\u{2028}', '\u{feff}', '😀']),
        4 => prop::char::range(' ', '~'),
    ];
    prop::collection::vec(chars, 0..40).prop_map(String::from_iter)
}

/// Passes bytes to every decoder. The results do not matter here, only that there is no panic.
fn decode_everything(bytes: &[u8]) {
    let _ = ResultJson::decode(bytes);
    let _ = KeyJson::decode(bytes);
    let _ = AttestationChallenge::decode(bytes);
    let _ = KeyDescription::decode(bytes);
    let _ = ExportBlob::decode(bytes);
    let _ = Object::decode(bytes);
    let _ = PublicKey::from_spki_der(bytes);
    let _ = CertificateChain::decode(bytes).map(|chain| chain.verify());
    let _ = CertificateChain { certificates: vec![bytes.to_vec(), bytes.to_vec()] }.verify();
    let text = String::from_utf8_lossy(bytes);
    let _ = PublicKey::from_pem(&text);
    let _ = base64::decode(&text);
}

fn valid_inputs() -> Vec<Vec<u8>> {
    let description = KeyDescription::with_parsable_time(b"{\"cpu_id\":\"c\"}".to_vec(), 1_600_000_000_000);
    let mut inputs: Vec<Vec<u8>> =
        [RESULT, AUTH_KEY, CHAIN, KEY_PEM].iter().map(|text| text.as_bytes().to_vec()).collect();
    inputs.extend(description.encode());
    inputs.extend(PublicKey::from_pem(KEY_PEM).map(|key| key.spki_der().to_vec()));
    inputs.extend(
        CertificateChain::decode(CHAIN.as_bytes()).map(|mut chain| chain.certificates.swap_remove(0)),
    );
    inputs.push(ExportBlob { json: RESULT.as_bytes().to_vec(), signature: vec![1; 256] }.encode());
    inputs
}

proptest! {
    #[test]
    fn a_result_round_trips(
        profile in profile(), raw in text(), fid in text(), cpu_id in text(), uid in text(), counter in 0..=MAX_COUNTER,
    ) {
        let facts = ResultFacts { raw: &raw, fid: &fid, counter, cpu_id: &cpu_id, uid: &uid };
        let result = ResultJson::decode(facts.encode(&profile).as_bytes())?;
        prop_assert_eq!(result.scheme(), profile.scheme);
        prop_assert_eq!(result.fid, profile.has_fid().then_some(fid));
        prop_assert_eq!((result.raw, result.counter, result.cpu_id, result.uid), (raw, counter, cpu_id, uid));
    }

    #[test]
    fn a_key_round_trips(
        profile in profile(), cpu_id in text(), uid in text(), counter in 0..=MAX_COUNTER,
    ) {
        let public_key = PublicKey::from_pem(KEY_PEM)?;
        let facts = KeyFacts { public_key: &public_key, cpu_id: &cpu_id, counter, uid: &uid };
        let key = KeyJson::decode(facts.encode(&profile).as_bytes())?;
        prop_assert_eq!(key.scheme(), profile.scheme);
        prop_assert_eq!((key.public_key, key.counter, key.cpu_id, key.uid), (public_key, counter, cpu_id, uid));
    }

    #[test]
    fn an_attestation_challenge_round_trips(
        cpu_id in text(), uid in text(), counter in 0..=MAX_COUNTER,
        salt_length in prop::option::of(0..=SaltLength::MAX.get()),
    ) {
        let named_scheme = salt_length.and_then(SignatureScheme::rsa_pss);
        let challenge = AttestationChallenge { cpu_id, counter, uid, named_scheme };
        prop_assert_eq!(AttestationChallenge::decode(challenge.encode().as_bytes())?, challenge);
    }

    #[test]
    fn a_key_description_round_trips(
        challenge in prop::collection::vec(any::<u8>(), 0..400), creation_ms: u64, os: Option<(u32, u32)>,
    ) {
        let description = KeyDescription { challenge, creation_ms, os };
        prop_assert_eq!(KeyDescription::decode(&description.encode()?)?, description);
    }

    #[test]
    fn no_brace_follows_the_challenge_and_every_skipped_millisecond_has_one(
        // Times of all magnitudes, some of them full of braces.
        creation_ms in prop_oneof![
            any::<u64>(),
            1_400_000_000_000_u64..2_000_000_000_000,
            prop::array::uniform8(prop::sample::select(vec![0, 0x7a, 0x7b, 0x7c, 0x7d, 0xff])).prop_map(u64::from_be_bytes),
        ],
    ) {
        let challenge = b"{\"cpu_id\":\"c\",\"counter\":1,\"uid\":\"1\"}".to_vec();
        let description = KeyDescription::with_parsable_time(challenge.clone(), creation_ms);
        let der = description.encode()?;
        let end = der.windows(challenge.len()).position(|window| window == challenge).unwrap() + challenge.len();
        let braces = der[end..].iter().filter(|byte| BRACES.contains(byte)).count();
        prop_assert_eq!(braces, 0);

        let has_brace = |ms: u64| ms.to_be_bytes().iter().any(|byte| BRACES.contains(byte));
        prop_assert!(description.creation_ms >= creation_ms);
        // The milliseconds that were skipped, or the first and last thousand of them.
        let passed = creation_ms..description.creation_ms;
        for ms in passed.clone().take(1000).chain(passed.rev().take(1000)) {
            prop_assert!(has_brace(ms), "{ms:#x} has no brace and was skipped");
        }
    }

    #[test]
    fn an_export_blob_round_trips(
        json in prop::collection::vec(any::<u8>(), 0..600), signature in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let blob = ExportBlob { json, signature };
        prop_assert_eq!(ExportBlob::decode(&blob.encode())?, blob);
    }

    #[test]
    fn a_chain_round_trips(
        certificates in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..200), 2..=8),
    ) {
        let chain = CertificateChain { certificates };
        prop_assert_eq!(CertificateChain::decode(chain.encode().as_bytes())?, chain);
    }

    #[test]
    fn base64_round_trips(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(base64::decode(&base64::encode(&bytes))?, bytes);
    }

    #[test]
    fn strings_are_escaped_as_serde_json_escapes_them(text in text()) {
        let mut encoded = String::new();
        encode_string(&text, &mut encoded, false);
        prop_assert_eq!(&encoded, &serde_json::to_string(&text)?);

        let mut with_slashes = String::new();
        encode_string(&text, &mut with_slashes, true);
        prop_assert_eq!(serde_json::from_str::<String>(&with_slashes)?, text);
        prop_assert_eq!(with_slashes.replace("\\/", "/"), encoded);
    }

    #[test]
    fn a_repeated_name_is_always_refused(profile in profile(), member: Index, raw in text(), nested: bool) {
        let facts = ResultFacts { raw: &raw, fid: "1", counter: 1, cpu_id: "c", uid: "1" };
        let text = facts.encode(&profile);
        let object = Object::decode(text.as_bytes())?;
        let names: Vec<_> = object.names().collect();
        let name = *member.get(&names);
        let inner = text.strip_suffix('}').unwrap_or_default();
        let repeated = format!("{inner},\"{name}\":{}}}", object.get(name).unwrap());
        let expected = Err(DecodeError::DuplicateField { name: name.to_owned() });
        if nested {
            let outer = format!("{inner},\"x\":[{repeated}]}}");
            prop_assert_eq!(ResultJson::decode(outer.as_bytes()), expected);
        } else {
            prop_assert_eq!(ResultJson::decode(repeated.as_bytes()), expected);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        decode_everything(&bytes);
    }

    #[test]
    fn changed_valid_bytes_never_panic(
        which: Index, changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..6), cut in prop::option::of(any::<Index>()),
    ) {
        let mut bytes = which.get(&valid_inputs()).clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        decode_everything(&bytes);
    }
}
