//! Makes the bytes of a forged signature or certificate from its description.

use rsa::BoxedUint;
use soter_bridge::protocol::CommandError;
use soter_bridge::protocol::danger::Padding;
use soter_wire::{Certificate, CertificateChain, ExportBlob, PublicKey, base64};
use x509_cert::der::asn1::BitString;
use x509_cert::der::{Decode, Encode};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use crate::attacked_phone::Upload;
use crate::keys::KeySupply;
use crate::software_key::{MODULUS_BITS, Scheme, SoftwareKey};
use crate::steps::{Enrolment, Shape};

/// Characters of a line in MIME Base64.
const MIME_LINE_CHARS: usize = 76;

/// A signature in Base64, changed into another shape. `key` is the key that made it.
///
/// # Errors
/// `Internal` if the signature is not Base64: a defect.
pub(super) fn reshape(signature: &str, shape: Shape, key: &PublicKey) -> Result<String, CommandError> {
    let defect = |_| CommandError::defect("a phone's signature is not Base64");
    let mut bytes = base64::decode(signature).map_err(defect)?;
    Ok(match shape {
        Shape::AsMade | Shape::OfRecorded => signature.to_owned(),
        Shape::BitFlipped | Shape::OfRecordedBitFlipped => {
            if let Some(last) = bytes.last_mut() {
                *last ^= 1;
            }
            base64::encode(&bytes)
        }
        Shape::Empty => String::new(),
        Shape::Truncated => base64::encode(bytes.split_last().map_or(&[], |(_, start)| start)),
        Shape::OverLong => base64::encode(&[&bytes[..], &[0]].concat()),
        Shape::PlusModulus => {
            // The sum takes 257 bytes. The first is zero if the sum is below 2^2048.
            let length = bytes.len() + 1;
            let sum = (to_wide_integer(&bytes)? + to_wide_integer(&modulus(key)?)?).to_be_bytes();
            base64::encode(sum.get(sum.len().saturating_sub(length)..).unwrap_or_default())
        }
        Shape::LeadingZero => base64::encode(&[&[0], &bytes[..]].concat()),
        Shape::NotBase64 => "no Base64!".to_owned(),
        Shape::Zeros => base64::encode(&vec![0; bytes.len()]),
        Shape::UrlSafe => signature.replace('+', "-").replace('/', "_"),
        Shape::Unpadded => signature.trim_end_matches('=').to_owned(),
        Shape::Wrapped => {
            let characters: Vec<char> = signature.chars().collect();
            let lines = characters.chunks(MIME_LINE_CHARS).map(|line| line.iter().collect::<String>());
            lines.collect::<Vec<_>>().join("\r\n")
        }
    })
}

/// A phone's upload, with one link of its chain of trust replaced.
///
/// # Errors
/// `Internal` if the phone's own upload does not parse: a defect.
pub(super) fn forge_enrolment(
    upload: Upload,
    forgery: Enrolment,
    supply: &KeySupply,
) -> Result<Upload, CommandError> {
    let attacker = supply.key()?;
    let signed = |export: &ExportBlob| -> Result<ExportBlob, CommandError> {
        let scheme = Scheme::from_signature_scheme(upload.scheme);
        Ok(ExportBlob { json: export.json.clone(), signature: attacker.sign(&export.json, scheme)? })
    };
    Ok(match forgery {
        Enrolment::AskOfNobody => Upload { ask: signed(&upload.ask)?, ..upload },
        Enrolment::AuthKeyOfForeignAsk => Upload { auth_key: signed(&upload.auth_key)?, ..upload },
        Enrolment::ForeignRoot => {
            Upload { ask: with_foreign_root(&upload.ask, &attacker, &supply.key()?)?, ..upload }
        }
        Enrolment::BrokenChain => Upload { ask: with_broken_link(&upload.ask, &attacker)?, ..upload },
        Enrolment::LeafOfNobody => Upload {
            ask: with_foreign_leaf(&upload.ask, &attacker)?,
            auth_key: signed(&upload.auth_key)?,
            ..upload
        },
        Enrolment::CaOfNobody => Upload { ask: with_foreign_ca(&upload.ask, &attacker)?, ..upload },
    })
}

/// The chain with the attacker's CA and root instead of the emulated ones. Every signature in it is valid.
fn with_foreign_root(
    ask: &ExportBlob,
    ca: &SoftwareKey,
    root: &SoftwareKey,
) -> Result<ExportBlob, CommandError> {
    rewrite_chain(ask, |certificates| {
        let [_, device, authority, top] = certificates else { return Err(unreadable_chain()) };
        *device = reissue_certificate(device, None, Some(ca))?;
        *authority = reissue_certificate(authority, Some(ca), Some(root))?;
        *top = reissue_certificate(top, Some(root), Some(root))?;
        Ok(())
    })
}

/// The chain with a device certificate that the CA has not signed.
fn with_broken_link(ask: &ExportBlob, attacker: &SoftwareKey) -> Result<ExportBlob, CommandError> {
    rewrite_chain(ask, |certificates| {
        let device = certificates.get_mut(1).ok_or_else(unreadable_chain)?;
        *device = reissue_certificate(device, None, Some(attacker))?;
        Ok(())
    })
}

/// The chain with a leaf for the attacker's own ASK, which the device has not signed.
fn with_foreign_leaf(ask: &ExportBlob, attacker: &SoftwareKey) -> Result<ExportBlob, CommandError> {
    rewrite_chain(ask, |certificates| {
        let leaf = certificates.first_mut().ok_or_else(unreadable_chain)?;
        *leaf = reissue_certificate(leaf, Some(attacker), Some(attacker))?;
        Ok(())
    })
}

/// The chain with the attacker's key in the CA's certificate, and a device certificate that this key signed.
fn with_foreign_ca(ask: &ExportBlob, attacker: &SoftwareKey) -> Result<ExportBlob, CommandError> {
    rewrite_chain(ask, |certificates| {
        let [_, device, authority, _] = certificates else { return Err(unreadable_chain()) };
        *device = reissue_certificate(device, None, Some(attacker))?;
        *authority = reissue_certificate(authority, Some(attacker), None)?;
        Ok(())
    })
}

fn rewrite_chain(
    ask: &ExportBlob,
    change: impl FnOnce(&mut [Vec<u8>]) -> Result<(), CommandError>,
) -> Result<ExportBlob, CommandError> {
    let mut chain = CertificateChain::decode(&ask.json).map_err(|_| unreadable_chain())?;
    change(&mut chain.certificates)?;
    Ok(ExportBlob { json: chain.encode().into_bytes(), signature: Vec::new() })
}

/// A certificate with another subject key, another issuer's signature, or both.
fn reissue_certificate(
    certificate: &[u8],
    subject: Option<&SoftwareKey>,
    issuer: Option<&SoftwareKey>,
) -> Result<Vec<u8>, CommandError> {
    let mut certificate = Certificate::from_der(certificate).map_err(|_| unreadable_chain())?;
    if let Some(subject) = subject {
        let spki = SubjectPublicKeyInfoOwned::from_der(subject.public().spki_der());
        certificate.tbs_certificate.subject_public_key_info = spki.map_err(|_| unreadable_chain())?;
    }
    if let Some(issuer) = issuer {
        let content = certificate.tbs_certificate.to_der().map_err(|_| unreadable_chain())?;
        let signature = issuer.sign(&content, Scheme { padding: Padding::Pkcs1, ..Scheme::STANDARD })?;
        certificate.signature = BitString::from_bytes(&signature).map_err(|_| unreadable_chain())?;
    }
    certificate.to_der().map_err(|_| unreadable_chain())
}

/// A number of 2048 bits, in a type that can hold the sum of two.
fn to_wide_integer(bytes: &[u8]) -> Result<BoxedUint, CommandError> {
    BoxedUint::from_be_slice(bytes, MODULUS_BITS + 64)
        .map_err(|_| CommandError::defect("a phone's signature or modulus has more than 2048 bits"))
}

fn modulus(key: &PublicKey) -> Result<Box<[u8]>, CommandError> {
    use rsa::pkcs8::DecodePublicKey;
    use rsa::traits::PublicKeyParts;
    rsa::PublicKey::from_public_key_der(key.spki_der())
        .map(|key| key.n_bytes())
        .map_err(|_| CommandError::defect("a phone's public key does not read"))
}

fn unreadable_chain() -> CommandError {
    CommandError::defect("a phone's certificate chain does not read")
}

#[cfg(test)]
mod tests {
    use soter_wire::Profile;

    use super::*;
    use crate::attacked_phone::AttackedPhone;
    use crate::keys::KeySource;

    #[test]
    fn every_shape_except_the_first_changes_the_signatures_text() {
        let key = SoftwareKey::generate().unwrap();
        let signature = base64::encode(&key.sign(b"text", Scheme::STANDARD).unwrap());
        let shape = |shape| reshape(&signature, shape, key.public()).unwrap();
        assert_eq!(shape(Shape::AsMade), signature);
        for (changed, bytes) in [
            (Shape::BitFlipped, 256),
            (Shape::Empty, 0),
            (Shape::Truncated, 255),
            (Shape::OverLong, 257),
            (Shape::LeadingZero, 257),
            (Shape::PlusModulus, 257),
            (Shape::Zeros, 256),
        ] {
            assert_eq!(base64::decode(&shape(changed)).unwrap().len(), bytes, "{changed:?}");
            assert_ne!(shape(changed), signature);
        }
        for spelt in [Shape::UrlSafe, Shape::Unpadded, Shape::Wrapped] {
            assert_ne!(shape(spelt), signature, "{spelt:?}");
        }
    }

    #[test]
    fn a_chain_with_a_foreign_root_verifies_and_one_with_a_broken_link_does_not() {
        let supply = KeySource::random().supply("test");
        let mut phone = AttackedPhone::new(&supply, Profile::named("itrustee").unwrap(), "oUser").unwrap();
        let upload = phone.upload().unwrap();
        let chain = |upload: &Upload| CertificateChain::decode(&upload.ask.json).unwrap();
        let honest = chain(&upload).verify().unwrap();
        let foreign = forge_enrolment(upload.clone(), Enrolment::ForeignRoot, &supply).unwrap();
        let facts = chain(&foreign).verify().unwrap();
        assert_ne!(facts.root, honest.root);
        assert_eq!((facts.ask, facts.device_key), (honest.ask, honest.device_key));
        for link in [Enrolment::BrokenChain, Enrolment::LeafOfNobody, Enrolment::CaOfNobody] {
            let broken = forge_enrolment(upload.clone(), link, &supply).unwrap();
            assert!(chain(&broken).verify().is_err(), "{link:?}");
        }
    }
}
