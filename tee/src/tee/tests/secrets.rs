//! No secret is printed, and no secret is stored unsealed.

use soter_wire::base64;

use super::*;
use crate::storage::ProvisionedDevice;

/// Every form in which a Debug output can show bytes.
fn spellings(secret: &[u8]) -> [String; 5] {
    let list: Vec<_> = secret.iter().map(ToString::to_string).collect();
    let hex = |upper: bool| -> String {
        secret.iter().map(|byte| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") }).collect()
    };
    let lines: Vec<_> = secret.iter().map(|byte| format!("{byte},")).collect();
    [list.join(", "), hex(false), hex(true), format!("b\"{}\"", secret.escape_ascii()), lines.concat()]
}

/// Fails if six consecutive bytes of the secret occur in the text. White space does not hide them.
fn assert_unseen(text: &str, secret: &[u8], what: &str) {
    let packed: String = text.chars().filter(|character| !character.is_whitespace()).collect();
    for piece in secret.chunks_exact(6) {
        for spelling in spellings(piece) {
            let spelling = spelling.replace(' ', "");
            let spelling = spelling.trim_start_matches("b\"").trim_end_matches(['"', ',']);
            assert!(!packed.contains(spelling), "{what} shows {spelling}");
        }
    }
    // Base64 at any of its three alignments.
    for piece in (0..3).flat_map(|first| secret[first..].chunks_exact(9)) {
        assert!(!packed.contains(&base64::encode(piece)), "{what} shows Base64 of a secret");
    }
}

/// The private half of a PKCS#8 encoding: what follows the modulus. The largest INTEGERs have the order n, d, p, …
fn private_half(pkcs8: &[u8]) -> &[u8] {
    let public = PrivateKey::from_pkcs8(pkcs8).unwrap();
    let spki = public.public().spki_der();
    // The modulus ends before the exponent, whose encoding has five bytes.
    let modulus_end = &spki[spki.len() - 5 - 32..spki.len() - 5];
    let at = pkcs8.windows(32).position(|window| window == modulus_end).unwrap();
    &pkcs8[at + 32 + 5 + 4..]
}

#[test]
fn no_output_of_a_public_type_shows_a_secret() {
    const SEED: &str = "correct horse battery staple";
    let (outside, mut tee) = phone_with_keys("itrustee");
    let session = tee.init_sign(1, "pay", "challenge", &[Mode::FingerPrint]).unwrap();
    let key = PrivateKey::from_pkcs8(&stock()[0]).unwrap();
    let seed = Seed::from_text(SEED);
    let stored = outside.stored();
    let root_key: [u8; 32] = stored.root_key.clone().unwrap().as_slice().try_into().unwrap();
    let sealed = stored.sealed.clone().unwrap();
    let provisioned = ProvisionedDevice { root_key: &root_key, sealed: &sealed, rpmb: [&[0; 64], &[0; 64]] };
    let identity = DeviceIdentity { name: "phone", profile: None, seed: Some(&seed) };
    let other_seed = outside.try_open(Some(&seed)).unwrap_err();
    let unreadable = PrivateKey::from_pkcs8(&stock()[0][..stock()[0].len() - 1]).unwrap_err();
    outside.break_storage();
    let broken = tee.enroll(Mode::FingerPrint).unwrap_err();
    outside.repair_storage();
    tee.present(session, FINGER).unwrap();

    let outputs = [
        ("Tee", format!("{tee:?} {tee:#?}")),
        ("PrivateKey", format!("{key:?} {key:#?}")),
        ("Seed", format!("{seed:?} {seed:#?}")),
        ("DeviceIdentity", format!("{identity:?} {identity:#?}")),
        ("StoredDevice", format!("{stored:?} {stored:#?}")),
        ("ProvisionedDevice", format!("{provisioned:?} {provisioned:#?}")),
        ("OpenError", format!("{other_seed:?} {other_seed} {}", other_seed.remedy().english())),
        ("KeyError", format!("{unreadable:?} {unreadable}")),
        ("TeeError", format!("{broken:?} {broken}")),
        ("KeyInfo", format!("{:?}", tee.keys().unwrap())),
        ("Signed", format!("{:?}", tee.finish_sign(session).unwrap())),
        ("ExportBlob", format!("{:?}", tee.app_secure_key(1).unwrap())),
    ];

    for (what, output) in &outputs {
        for pkcs8 in stock() {
            assert_unseen(output, private_half(pkcs8), what);
        }
        assert_unseen(output, &root_key, what);
        assert_unseen(output, SEED.as_bytes(), what);
        assert!(!output.contains(SEED), "{what}");
    }
}

#[test]
fn the_search_for_secrets_finds_them() {
    let secret = private_half(&stock()[0]);
    for seen in [
        format!("{secret:?}"),
        format!("{secret:#?}"),
        format!("{secret:02x?}").replace(", ", ""),
        base64::encode(secret),
    ] {
        assert!(std::panic::catch_unwind(|| assert_unseen(&seen, secret, "it")).is_err(), "{seen}");
    }
}

#[test]
fn storage_holds_no_key_no_seed_and_no_name_in_plain_text() {
    let (outside, mut tee) = phone_with_keys("trustonic");
    sign(&mut tee, "challenge").unwrap();
    let StoredDevice { root_key, sealed, rpmb } = outside.stored();
    let (root_key, sealed, rpmb) = (root_key.unwrap(), sealed.unwrap(), rpmb.unwrap());
    let holds = |part: &[u8], secret: &[u8]| part.windows(secret.len()).any(|window| window == secret);
    for part in [&sealed, &rpmb] {
        for pkcs8 in stock() {
            assert!(pkcs8.chunks_exact(16).all(|piece| !holds(part, piece)));
        }
        assert!(!holds(part, b"trustonic") && !holds(part, &root_key));
    }
}
