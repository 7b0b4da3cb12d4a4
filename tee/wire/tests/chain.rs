//! Certificate chains: what verifies, and everything that must not.

use std::error::Error;

use soter_wire::{
    Certificate, CertificateChain, ChainError, DecodeError, KEY_ATTESTATION_OID, KeyDescription, device_name,
};
use x509_cert::der::Decode;

type Outcome = Result<(), Box<dyn Error>>;

const JSON: &str = include_str!("vectors/itrustee_chain/signed.txt");
const CPU_ID: &str = "HUAWEI_EMULATED_00000000-0000-4000-8000-00000000e001-0000e001";

fn chain() -> Result<CertificateChain, DecodeError> {
    CertificateChain::decode(JSON.as_bytes())
}

#[test]
fn a_whole_chain_says_whose_key_it_attests() -> Outcome {
    let facts = chain()?.verify()?;
    assert_eq!(facts.challenge.cpu_id, CPU_ID);
    assert_eq!((facts.challenge.counter, facts.challenge.uid.as_str()), (38, "10316"));
    assert_eq!(facts.device_common_name, device_name(CPU_ID));
    assert_eq!(facts.root_common_name, "Emulated SOTER Root CA");
    assert_ne!(facts.ask, facts.device_key);
    assert_eq!(facts.root.spki_der().len(), 550, "a root of 4096 bits");
    Ok(())
}

#[test]
fn a_chain_verifies_although_the_leaf_names_another_issuer() -> Outcome {
    let chain = chain()?;
    let leaf = Certificate::from_der(&chain.certificates[0])?;
    let device = Certificate::from_der(&chain.certificates[1])?;
    assert_ne!(leaf.tbs_certificate.issuer, device.tbs_certificate.subject);
    assert!(chain.verify().is_ok());
    Ok(())
}

#[test]
fn the_validity_is_that_of_the_narrowest_certificate() -> Outcome {
    let chain = chain()?;
    let facts = chain.verify()?;
    // The leaf was made last and for the shortest time.
    let leaf = Certificate::from_der(&chain.certificates[0])?.tbs_certificate.validity;
    assert_eq!(facts.not_before_unix, leaf.not_before.to_unix_duration().as_secs());
    assert_eq!(facts.not_after_unix, leaf.not_after.to_unix_duration().as_secs());
    Ok(())
}

#[test]
fn the_extension_of_the_leaf_is_encoded_as_openssl_encoded_it() -> Outcome {
    let leaf = Certificate::from_der(&chain()?.certificates[0])?;
    let extensions = leaf.tbs_certificate.extensions.unwrap_or_default();
    let extension = extensions
        .iter()
        .find(|extension| extension.extn_id == KEY_ATTESTATION_OID)
        .ok_or("the leaf has no such extension")?;
    let value = extension.extn_value.as_bytes();
    let description = KeyDescription::decode(value)?;
    assert_eq!((description.creation_ms, description.os), (1_600_000_000_000, Some((100_000, 202_007))));
    assert_eq!(description.encode()?, value);
    Ok(())
}

#[test]
fn no_changed_bit_goes_unnoticed() -> Outcome {
    let chain = chain()?;
    for position in 0..chain.certificates.len() {
        // A prime step visits all parts of the certificate and all bits of a byte.
        for bit in (0..chain.certificates[position].len() * 8).step_by(7) {
            let mut changed = chain.clone();
            changed.certificates[position][bit / 8] ^= 1 << (bit % 8);
            assert!(
                changed.verify().is_err(),
                "a change of bit {bit} of certificate {position} is not detected"
            );
        }
    }
    Ok(())
}

#[test]
fn certificates_in_another_order_do_not_verify() -> Outcome {
    for (a, b) in [(0, 1), (1, 2), (2, 3), (0, 3)] {
        let mut changed = chain()?;
        changed.certificates.swap(a, b);
        assert!(matches!(changed.verify(), Err(ChainError::Signature { .. })), "{a} and {b} swapped");
    }
    Ok(())
}

#[test]
fn the_first_invalid_signature_is_named() -> Outcome {
    let mut without_device = chain()?;
    without_device.certificates.remove(1);
    assert_eq!(without_device.verify(), Err(ChainError::Signature { position: 0, issuer: 1 }));

    let mut without_root = chain()?;
    without_root.certificates.pop();
    assert_eq!(without_root.verify(), Err(ChainError::Signature { position: 2, issuer: 2 }));
    Ok(())
}

#[test]
fn a_chain_whose_leaf_attests_nothing_is_refused() -> Outcome {
    let mut without_leaf = chain()?;
    without_leaf.certificates.remove(0);
    assert_eq!(without_leaf.verify(), Err(ChainError::NoAttestation));
    Ok(())
}

#[test]
fn a_chain_has_two_to_eight_certificates() -> Outcome {
    let root = chain()?.certificates.pop().ok_or("the chain is empty")?;
    for found in [0, 1, 9] {
        let certificates = vec![root.clone(); found];
        let chain = CertificateChain { certificates };
        assert_eq!(chain.verify(), Err(ChainError::Count { found }));
        assert_eq!(
            CertificateChain::decode(chain.encode().as_bytes()),
            Err(DecodeError::CertificateCount { found })
        );
    }
    Ok(())
}

#[test]
fn members_that_the_sdk_adds_are_ignored_but_may_not_be_repeated() -> Outcome {
    let beside = |members: &str| JSON.replacen('{', &format!("{{{members},"), 1);
    let with_sdk = beside(r#""cpu_id":"x","uid":10316,"counter":38"#);
    assert_eq!(CertificateChain::decode(with_sdk.as_bytes())?, chain()?);
    assert_eq!(
        CertificateChain::decode(beside(r#""uid":1,"uid":2"#).as_bytes()),
        Err(DecodeError::DuplicateField { name: "uid".to_owned() })
    );
    Ok(())
}

#[test]
fn bytes_after_a_certificate_are_refused() -> Outcome {
    let mut changed = chain()?;
    changed.certificates[1].push(0);
    assert!(matches!(changed.verify(), Err(ChainError::Certificate { position: 1, .. })));
    Ok(())
}
