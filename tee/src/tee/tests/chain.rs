//! The certificate chain of phones that export their ASK in that form.

use soter_wire::{Certificate, KEY_ATTESTATION_OID, KeyDescription, SignatureScheme};
use x509_cert::der::asn1::Null;
use x509_cert::der::{Any, Decode, Encode};
use x509_cert::ext::Extension;

use super::*;
use crate::attestation::{CrlDistributionPoints, EMULATED_ROOT};

fn export(clock: u64) -> (Tee, CertificateChain) {
    export_with(clock, CrlDistributionPoints::Absent)
}

fn export_with(clock: u64, crl: CrlDistributionPoints) -> (Tee, CertificateChain) {
    let outside = TestEnvironment::new("itrustee");
    outside.clock.store(clock, Ordering::Relaxed);
    let mut tee = outside.open();
    tee.generate_app_secure_key(10_115).unwrap();
    let export = tee.app_secure_key_with(10_115, crl).unwrap();
    assert!(export.signature.is_empty());
    (tee, CertificateChain::decode(&export.json).unwrap())
}

fn certificates(chain: &CertificateChain) -> Vec<Certificate> {
    chain.certificates.iter().map(|der| Certificate::from_der(der).unwrap()).collect()
}

fn attestation(leaf: &Certificate) -> &Extension {
    let last = leaf.tbs_certificate.extensions.as_ref().unwrap().last().unwrap();
    assert_eq!(last.extn_id, KEY_ATTESTATION_OID);
    last
}

/// The JSON as Tencent's client reads it: from the last `{` to the last `}` of the extension.
fn json_by_last_braces(extension: &Extension) -> &[u8] {
    let bytes = extension.extn_value.as_bytes();
    let start = bytes.iter().rposition(|byte| *byte == b'{').unwrap();
    let end = bytes.iter().rposition(|byte| *byte == b'}').unwrap();
    &bytes[start..=end]
}

#[test]
fn the_leaf_has_the_extensions_of_real_phones_before_the_attestation() {
    let none = CrlDistributionPoints::Absent;
    let malformed = CrlDistributionPoints::Malformed;
    let key_usage = ("2.5.29.15", [0x03, 0x02, 0x00, 0x00].as_slice());
    let crl = ("2.5.29.31", [0x00].as_slice());
    for (points, expected) in [(none, vec![key_usage]), (malformed, vec![key_usage, crl])] {
        let (tee, chain) = export_with(1_600_000_000_000, points);
        let leaf = &certificates(&chain)[0];
        let extensions = leaf.tbs_certificate.extensions.as_ref().unwrap();
        assert!(extensions.iter().all(|extension| !extension.critical));
        let before: Vec<_> = extensions
            .iter()
            .map(|extension| (extension.extn_id.to_string(), extension.extn_value.as_bytes()))
            .take_while(|(id, _)| *id != KEY_ATTESTATION_OID.to_string())
            .collect();
        let before: Vec<_> = before.iter().map(|(id, value)| (id.as_str(), *value)).collect();
        assert_eq!(before, expected, "{points:?}");

        let facts = chain.verify().unwrap();
        assert_eq!(facts.challenge.cpu_id, tee.cpu_id());
        let read = AttestationChallenge::decode(json_by_last_braces(attestation(leaf))).unwrap();
        assert_eq!(read, facts.challenge, "{points:?}");
    }
}

#[test]
fn the_chain_verifies_and_names_the_owner_of_the_ask() {
    let (mut tee, chain) = export(1_600_000_000_000);

    let facts = chain.verify().unwrap();

    assert_eq!(facts.ask, public_key(&mut tee, &KeyPath::Ask { uid: 10_115 }));
    assert_eq!(facts.device_key, public_key(&mut tee, &KeyPath::Attk));
    let challenge = AttestationChallenge {
        cpu_id: tee.cpu_id(),
        counter: 2,
        uid: "10115".to_owned(),
        named_scheme: SignatureScheme::rsa_pss(32),
    };
    assert_eq!(facts.challenge, challenge);
    assert_eq!(chain.certificates.len(), 4);
    assert_eq!(chain.certificates[3], EMULATED_ROOT);
}

#[test]
fn every_export_has_its_own_counter_value() {
    let (mut tee, chain) = export(1_600_000_000_000);
    let again = CertificateChain::decode(&tee.app_secure_key(10_115).unwrap().json).unwrap();

    let [first, second] = [chain, again].map(|chain| chain.verify().unwrap());

    assert_eq!((first.challenge.counter, second.challenge.counter), (2, 3));
    assert_eq!(first.ask, second.ask);
}

#[test]
fn the_names_say_that_the_chain_is_emulated_and_the_leaf_looks_like_huaweis() {
    let (tee, chain) = export(1_600_000_000_000);
    let certificates = certificates(&chain);
    for certificate in &certificates {
        let content = &certificate.tbs_certificate;
        for name in [&content.subject, &content.issuer] {
            assert!(name.to_string().to_lowercase().contains("emulated"), "{name}");
        }
    }
    let [leaf, device, ca, root] = [0, 1, 2, 3].map(|at| &certificates[at].tbs_certificate);
    assert_eq!(leaf.serial_number.as_bytes(), [1]);
    assert_eq!(leaf.subject.to_string(), "CN=EMULATED Keymaster Key");
    let issuer = leaf.issuer.to_der().unwrap();
    assert!(issuer.ends_with(b"EMULATED KeyStore   "), "three spaces, as on the phones");
    assert_ne!(leaf.issuer, device.subject, "as on the phones");
    assert_eq!(device.subject.to_string(), format!("CN={}", device_name(&tee.cpu_id())));
    assert_eq!((&device.issuer, &ca.issuer, &root.issuer), (&ca.subject, &root.subject, &root.subject));
}

#[test]
fn only_the_leafs_algorithms_have_no_parameters() {
    let (_tee, chain) = export(1_600_000_000_000);
    for (position, certificate) in certificates(&chain).into_iter().enumerate() {
        for algorithm in [certificate.signature_algorithm, certificate.tbs_certificate.signature] {
            assert_eq!(algorithm.oid.to_string(), "1.2.840.113549.1.1.11");
            assert_eq!(algorithm.parameters, (position > 0).then(|| Any::from(Null)), "{position}");
        }
    }
}

#[test]
fn the_leaf_is_valid_for_ten_years_from_the_creation_of_the_ask() {
    let (_tee, chain) = export(1_600_000_000_789);
    let certificates = certificates(&chain);
    let leaf = &certificates[0].tbs_certificate;
    let from = leaf.validity.not_before.to_unix_duration().as_secs();
    let until = leaf.validity.not_after.to_unix_duration().as_secs();
    let description = KeyDescription::decode(attestation(&certificates[0]).extn_value.as_bytes()).unwrap();

    assert_eq!(description.creation_ms, 1_600_000_000_789);
    assert_eq!(from, 1_600_000_000);
    assert_eq!((until - from) / (365 * 24 * 3600), 10);
    assert!(!attestation(&certificates[0]).critical);
}

#[test]
fn no_brace_follows_the_challenge_whatever_the_clock_shows() {
    // 0x7B and 0x7D in each of the bytes that can change in the lifetime of this project.
    for clock in [
        0x0174_8765_437B,
        0x0174_8765_7B43,
        0x0174_877B_4343,
        0x0174_7B65_4343,
        0x0174_8765_437D,
        0x0174_8765_7D7D,
        0x0174_7B7B_7B7B,
        0x0174_7A7D_FFFF,
    ] {
        let (_tee, chain) = export(clock);
        let certificates = certificates(&chain);
        let extension = attestation(&certificates[0]).extn_value.as_bytes();
        let challenge = KeyDescription::decode(extension).unwrap().challenge;
        let end = extension.windows(challenge.len()).position(|window| window == challenge).unwrap()
            + challenge.len();

        assert!(!extension[end..].iter().any(|byte| matches!(byte, 0x7B | 0x7D)), "{clock:#x}");
        assert!(chain.verify().is_ok(), "{clock:#x}");
    }
}

#[test]
fn a_clock_beyond_the_range_of_certificates_is_an_error() {
    let outside = TestEnvironment::new("itrustee");
    let mut tee = outside.open();
    outside.clock.store(u64::MAX, Ordering::Relaxed);
    tee.generate_app_secure_key(1).unwrap();

    assert!(matches!(tee.app_secure_key(1), Err(TeeError::Clock { .. })));
}
