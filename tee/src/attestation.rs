//! The certificate chain that some phones export instead of a signed ASK: leaf, device, CA, root.
//!
//! The leaf and the device certificate are made here. CA and root are fixtures whose names say that they are
//! emulated. The shapes follow two real Huawei captures: the leaf's issuer is *not* the device certificate's subject,
//! so the chain verifies by raw signatures and not by names. The leaf's key usage permits nothing, as theirs.

use std::time::Duration;

use soter_wire::{
    AttestationChallenge, Certificate, CertificateChain, KEY_ATTESTATION_OID, KeyDescription, PublicKey,
    TbsCertificate,
};
use x509_cert::certificate::Version;
use x509_cert::der::asn1::{BitString, GeneralizedTime, Null, ObjectIdentifier, OctetString, UtcTime};
use x509_cert::der::{Any, Decode, Encode};
use x509_cert::ext::Extension;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::time::{Time, Validity};

use crate::error::TeeError;
use crate::private_key::{KeyError, PrivateKey};
use crate::secret::Secret;

/// The certificate of the emulated root, DER. No real server trusts it.
pub const EMULATED_ROOT: &[u8] = include_bytes!("../fixtures/emulated-root.der");
const EMULATED_CA: &[u8] = include_bytes!("../fixtures/emulated-ca.der");
const EMULATED_CA_KEY: &[u8] = include_bytes!("../fixtures/emulated-ca.pkcs8");

const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const CRL_DISTRIBUTION_POINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.31");
/// A BIT STRING of one byte without a bit set: no usage at all, as two real Huawei captures have it.
const NO_KEY_USAGE: [u8; 4] = [0x03, 0x02, 0x00, 0x00];
/// No DER of that extension, and what the same two captures have there.
const MALFORMED_CRL_DISTRIBUTION_POINTS: [u8; 1] = [0x00];
const SHA256_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
/// Three spaces at the end, as on the phones.
const LEAF_ISSUER: &str = "CN=EMULATED KeyStore\\20\\20\\20";
const LEAF_SUBJECT: &str = "CN=EMULATED Keymaster Key";
const LEAF_YEARS: u64 = 10;
const DAY: Duration = Duration::from_hours(24);

/// The emulated root's public key, for verifiers that trust emulated phones. `None` if the fixture cannot be parsed,
/// which would be a bug.
pub fn emulated_root_key() -> Option<PublicKey> {
    let root = Certificate::from_der(EMULATED_ROOT).ok()?;
    let spki = root.tbs_certificate.subject_public_key_info.to_der().ok()?;
    PublicKey::from_authority_spki_der(&spki).ok()
}

/// The CRL distribution points of a leaf certificate.
///
/// Those of real Huawei phones are malformed: strict parsers refuse the certificate, and those of Tencent and Java do not
/// look there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CrlDistributionPoints {
    /// The leaf has none, so that every parser reads it.
    #[default]
    Absent,
    /// The single byte 00, as on real phones.
    Malformed,
}

/// The content of a chain.
pub(crate) struct ChainContent<'a> {
    pub(crate) ask: &'a PublicKey,
    /// When the ASK was made, in milliseconds since 1970.
    pub(crate) ask_made_at: u64,
    pub(crate) challenge: AttestationChallenge,
    pub(crate) crl: CrlDistributionPoints,
    /// The device certificate's common name.
    pub(crate) device_name: &'a str,
    pub(crate) device_serial: [u8; 8],
    /// When the device was made, in milliseconds since 1970.
    pub(crate) device_made_at: u64,
}

/// Makes the chain of an ASK. The device's ATTK signs the leaf.
pub(crate) fn certificate_chain(
    attk: &PrivateKey,
    content: &ChainContent<'_>,
) -> Result<CertificateChain, TeeError> {
    let ca_key = PrivateKey::restore(&Secret::new(EMULATED_CA_KEY.to_vec()), false)?;
    Ok(CertificateChain {
        certificates: vec![
            leaf(attk, content)?,
            device(&ca_key, attk, content)?,
            EMULATED_CA.to_vec(),
            EMULATED_ROOT.to_vec(),
        ],
    })
}

fn leaf(attk: &PrivateKey, content: &ChainContent<'_>) -> Result<Vec<u8>, TeeError> {
    let description =
        KeyDescription::with_parsable_time(content.challenge.encode().into_bytes(), content.ask_made_at);
    let mut extensions = vec![extension(KEY_USAGE, NO_KEY_USAGE.to_vec())?];
    match content.crl {
        CrlDistributionPoints::Absent => {}
        CrlDistributionPoints::Malformed => {
            extensions.push(extension(CRL_DISTRIBUTION_POINTS, MALFORMED_CRL_DISTRIBUTION_POINTS.to_vec())?);
        }
    }
    extensions.push(extension(KEY_ATTESTATION_OID, description.encode().map_err(|_| TeeError::Encoding)?)?);
    // Phones omit the algorithm's NULL parameters in the leaf only.
    let algorithm = AlgorithmIdentifierOwned { oid: SHA256_WITH_RSA, parameters: None };
    let certificate = TbsCertificate {
        version: Version::V3,
        serial_number: SerialNumber::from(1_u8),
        signature: algorithm,
        issuer: name(LEAF_ISSUER)?,
        validity: validity(description.creation_ms, LEAF_YEARS * 365)?,
        subject: name(LEAF_SUBJECT)?,
        subject_public_key_info: key_info(content.ask)?,
        issuer_unique_id: None,
        subject_unique_id: None,
        extensions: Some(extensions),
    };
    sign(certificate, attk)
}

fn extension(extn_id: ObjectIdentifier, value: Vec<u8>) -> Result<Extension, TeeError> {
    let extn_value = OctetString::new(value).map_err(|_| TeeError::Encoding)?;
    Ok(Extension { extn_id, critical: false, extn_value })
}

fn device(ca_key: &PrivateKey, attk: &PrivateKey, content: &ChainContent<'_>) -> Result<Vec<u8>, TeeError> {
    let ca = Certificate::from_der(EMULATED_CA).map_err(|_| TeeError::Encoding)?;
    let mut serial = content.device_serial;
    // Positive, and never 0.
    serial[0] = (serial[0] & 0x7f) | 0x40;
    let certificate = TbsCertificate {
        version: Version::V3,
        serial_number: SerialNumber::new(&serial).map_err(|_| TeeError::Encoding)?,
        signature: AlgorithmIdentifierOwned { oid: SHA256_WITH_RSA, parameters: Some(Any::from(Null)) },
        issuer: ca.tbs_certificate.subject,
        validity: validity(content.device_made_at, LEAF_YEARS * 365)?,
        subject: name(&format!("CN={}", content.device_name))?,
        subject_public_key_info: key_info(attk.public())?,
        issuer_unique_id: None,
        subject_unique_id: None,
        extensions: None,
    };
    sign(certificate, ca_key)
}

fn sign(content: TbsCertificate, key: &PrivateKey) -> Result<Vec<u8>, TeeError> {
    let signed = content.to_der().map_err(|_| TeeError::Encoding)?;
    let signature = BitString::from_bytes(&key.sign_pkcs1(&signed)?).map_err(|_| TeeError::Encoding)?;
    let signature_algorithm = content.signature.clone();
    Certificate { tbs_certificate: content, signature_algorithm, signature }
        .to_der()
        .map_err(|_| TeeError::Encoding)
}

/// A validity of `days` days that starts at `unix_millis`, rounded down to the second.
fn validity(unix_millis: u64, days: u64) -> Result<Validity, TeeError> {
    let start = Duration::from_secs(unix_millis / 1000);
    let days = u32::try_from(days).map_err(|_| TeeError::Clock { unix_millis })?;
    let end = DAY.checked_mul(days).and_then(|length| start.checked_add(length));
    let end = end.ok_or(TeeError::Clock { unix_millis })?;
    Ok(Validity::new(time(start, unix_millis)?, time(end, unix_millis)?))
}

/// UTCTime up to 2049, GeneralizedTime after that (RFC 5280, 4.1.2.5).
fn time(since_1970: Duration, unix_millis: u64) -> Result<Time, TeeError> {
    UtcTime::from_unix_duration(since_1970)
        .map(Time::UtcTime)
        .or_else(|_| GeneralizedTime::from_unix_duration(since_1970).map(Time::GeneralTime))
        .map_err(|_| TeeError::Clock { unix_millis })
}

fn name(text: &str) -> Result<Name, TeeError> {
    text.parse().map_err(|_| TeeError::Encoding)
}

fn key_info(key: &PublicKey) -> Result<SubjectPublicKeyInfoOwned, TeeError> {
    SubjectPublicKeyInfoOwned::from_der(key.spki_der()).map_err(|_| TeeError::Key(KeyError::NotRead))
}
