//! The certificate-chain form of an ASK.

use der::asn1::{ObjectIdentifier, PrintableStringRef, TeletexStringRef, Utf8StringRef};
use der::{Decode, Encode, Reader, SliceReader};
use soter_text::{Text, text};
use x509_cert::name::Name;

use crate::attestation::{AttestationChallenge, KEY_ATTESTATION_OID, KeyDescription};
use crate::certificate::Certificate;
use crate::decode_error::DecodeError;
use crate::json::{Object, encode_string};
use crate::pem;
use crate::public_key::PublicKey;

const LABEL: &str = "CERTIFICATE";
const MIN_CERTIFICATES: usize = 2;
const MAX_CERTIFICATES: usize = 8;
const SHA256_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// `{"certs":[leaf, device, CA, root]}`: how Huawei's phones export an ASK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateChain {
    /// DER of each certificate, the leaf first.
    pub certificates: Vec<Vec<u8>>,
}

/// What a chain says, after every signature in it has been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainFacts {
    /// The leaf's key.
    pub ask: PublicKey,
    /// What the leaf's extension says about the key.
    pub challenge: AttestationChallenge,
    /// The key that signed the leaf.
    pub device_key: PublicKey,
    /// Common name of the device certificate: the `cpu_id` without its last group. Empty if there is no common name.
    pub device_common_name: String,
    /// The key of the last certificate, which is self-signed. The caller decides whether it is *trusted*.
    pub root: PublicKey,
    /// Common name of the root. Empty if there is no common name.
    pub root_common_name: String,
    /// Start of the period in which all certificates are valid, in seconds since 1970.
    pub not_before_unix: u64,
    /// End of the period in which all certificates are valid, in seconds since 1970.
    pub not_after_unix: u64,
}

/// Why a chain does not verify. Positions count from 0, the leaf.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text().english())]
#[non_exhaustive]
pub enum ChainError {
    /// A certificate is signed with an algorithm other than sha256WithRSA, or the algorithm has parameters.
    Algorithm {
        /// Position in the chain.
        position: usize,
        /// The object identifier found.
        algorithm: String,
    },
    /// The leaf's extension, or the challenge in it, cannot be decoded.
    Attestation(DecodeError),
    /// A certificate is not X.509.
    Certificate {
        /// Position in the chain.
        position: usize,
        /// What the parser found.
        message: String,
    },
    /// There are too few or too many certificates.
    Count {
        /// Certificates found.
        found: usize,
    },
    /// The key of a certificate is not allowed there.
    Key {
        /// Position in the chain.
        position: usize,
        /// Why the key is rejected.
        reason: DecodeError,
    },
    /// The leaf has no key-attestation extension.
    NoAttestation,
    /// The leaf has the key-attestation extension more than once.
    RepeatedAttestation {
        /// Extensions found.
        found: usize,
    },
    /// A certificate is not signed with the next certificate's key, or the last certificate not with its own.
    Signature {
        /// Position in the chain.
        position: usize,
        /// Position of the certificate whose key should have signed.
        issuer: usize,
    },
}

impl ChainError {
    /// What happened, in one line.
    pub fn text(&self) -> Text {
        match self {
            Self::Algorithm { position, algorithm } => text!(
                "certificate {position} is signed with {algorithm}; expected sha256WithRSA without parameters",
                position = position,
                algorithm = algorithm
            ),
            Self::Attestation(error) => {
                text!("the key attestation of the leaf: {error}", error = error.text())
            }
            Self::Certificate { position, message } => text!(
                "certificate {position} is not X.509: {message}",
                position = position,
                message = message
            ),
            Self::Count { found } => {
                text!("the chain holds {found} certificates; expected 2 to 8", found = found)
            }
            Self::Key { position, reason } => text!(
                "the key of certificate {position}: {reason}",
                position = position,
                reason = reason.text()
            ),
            Self::NoAttestation => text!("the leaf has no key-attestation extension"),
            Self::RepeatedAttestation { found } => {
                text!("the leaf has {found} key-attestation extensions; expected 1", found = found)
            }
            Self::Signature { position, issuer } => text!(
                "the signature of certificate {position} does not verify with the key of certificate {issuer}",
                position = position,
                issuer = issuer
            ),
        }
    }
}

impl CertificateChain {
    /// Encodes the JSON: each certificate is PEM of 64 columns with a final LF, line ends are `\n` and `/` is `\/`.
    pub fn encode(&self) -> String {
        let mut out = String::from("{\"certs\":[");
        for (position, certificate) in self.certificates.iter().enumerate() {
            if position > 0 {
                out.push(',');
            }
            encode_string(&pem::encode(LABEL, certificate), &mut out, true);
        }
        out.push_str("]}");
        out
    }

    /// Decodes the JSON. `certs` must hold 2 to 8 PEM blocks, whose content is not parsed. Other members, which the
    /// SDK adds, are ignored.
    ///
    /// # Errors
    /// Those of [`Object::decode`]. [`DecodeError::MissingField`] or [`DecodeError::WrongType`] if `certs` is not an
    /// array of strings, [`DecodeError::CertificateCount`] if it does not hold 2 to 8, [`DecodeError::Pem`] if a
    /// string is not a PEM block.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let blocks = Object::decode(bytes)?.strings("certs")?;
        if !(MIN_CERTIFICATES..=MAX_CERTIFICATES).contains(&blocks.len()) {
            return Err(DecodeError::CertificateCount { found: blocks.len() });
        }
        let certificates =
            blocks.iter().map(|block| pem::decode(LABEL, block)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { certificates })
    }

    /// Verifies each signature with the next certificate's key, and the last one with the root's own key, over the
    /// bytes as received.
    ///
    /// Names are *not* compared: on real phones the leaf's issuer is a fixed text and not the device certificate's
    /// subject, so a comparison would reject them all. The validity period and trust in the root are not checked
    /// either; the [`ChainFacts`] hold both for the caller to check.
    ///
    /// # Errors
    /// [`ChainError::Count`] if there are not 2 to 8 certificates. [`ChainError::Certificate`],
    /// [`ChainError::Algorithm`] or [`ChainError::Key`] if a certificate cannot be parsed, or its algorithm or key is
    /// not allowed. [`ChainError::Signature`] if a signature does not verify. [`ChainError::NoAttestation`],
    /// [`ChainError::RepeatedAttestation`] or [`ChainError::Attestation`] if the leaf's extension is missing,
    /// repeated or cannot be decoded.
    pub fn verify(&self) -> Result<ChainFacts, ChainError> {
        let found = self.certificates.len();
        if !(MIN_CERTIFICATES..=MAX_CERTIFICATES).contains(&found) {
            return Err(ChainError::Count { found });
        }
        let links = self
            .certificates
            .iter()
            .enumerate()
            .map(|(position, der)| Link::parse(position, der))
            .collect::<Result<Vec<_>, _>>()?;
        let ([leaf, device, ..], Some(root)) = (links.as_slice(), links.last()) else {
            return Err(ChainError::Count { found });
        };

        let issuers = links.iter().enumerate().skip(1).chain([(found - 1, root)]);
        for ((position, link), (issuer, issuing)) in links.iter().enumerate().zip(issuers) {
            issuing
                .key
                .verify_pkcs1(link.signed, link.signature)
                .map_err(|_| ChainError::Signature { position, issuer })?;
        }

        Ok(ChainFacts {
            ask: PublicKey::from_spki_der(leaf.key.spki_der())
                .map_err(|reason| ChainError::Key { position: 0, reason })?,
            challenge: leaf.challenge()?,
            device_key: device.key.clone(),
            device_common_name: common_name(&device.parsed.tbs_certificate.subject),
            root: root.key.clone(),
            root_common_name: common_name(&root.parsed.tbs_certificate.subject),
            not_before_unix: links.iter().map(Link::not_before_unix).max().unwrap_or_default(),
            not_after_unix: links.iter().map(Link::not_after_unix).min().unwrap_or_default(),
        })
    }
}

/// One parsed certificate.
struct Link<'a> {
    parsed: Certificate,
    key: PublicKey,
    /// The signed part, as received. Encoding the parsed certificate again may give other bytes.
    signed: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Link<'a> {
    fn parse(position: usize, der: &'a [u8]) -> Result<Self, ChainError> {
        let not_x509 = |error: der::Error| ChainError::Certificate { position, message: error.to_string() };
        let parsed = Certificate::from_der(der).map_err(not_x509)?;
        let (signed, signature) = split(der).map_err(not_x509)?;
        for algorithm in [&parsed.signature_algorithm, &parsed.tbs_certificate.signature] {
            // The leaves of real phones omit the NULL. The outer copy is not signed, so any other value there would
            // be an undetected change.
            let plain = algorithm.parameters.as_ref().is_none_or(der::Any::is_null);
            if algorithm.oid != SHA256_WITH_RSA || !plain {
                return Err(ChainError::Algorithm { position, algorithm: algorithm.oid.to_string() });
            }
        }
        let spki = parsed.tbs_certificate.subject_public_key_info.to_der().map_err(not_x509)?;
        let key = PublicKey::from_authority_spki_der(&spki)
            .map_err(|reason| ChainError::Key { position, reason })?;
        Ok(Self { parsed, key, signed, signature })
    }

    fn challenge(&self) -> Result<AttestationChallenge, ChainError> {
        let extensions = self.parsed.tbs_certificate.extensions.as_deref().unwrap_or_default();
        let mut found = extensions.iter().filter(|extension| extension.extn_id == KEY_ATTESTATION_OID);
        let extension = found.next().ok_or(ChainError::NoAttestation)?;
        let repeated = found.count();
        if repeated > 0 {
            return Err(ChainError::RepeatedAttestation { found: 1 + repeated });
        }
        KeyDescription::decode(extension.extn_value.as_bytes())
            .and_then(|description| AttestationChallenge::decode(&description.challenge))
            .map_err(ChainError::Attestation)
    }

    fn not_before_unix(&self) -> u64 {
        self.parsed.tbs_certificate.validity.not_before.to_unix_duration().as_secs()
    }

    fn not_after_unix(&self) -> u64 {
        self.parsed.tbs_certificate.validity.not_after.to_unix_duration().as_secs()
    }
}

/// The bytes of the signed part and of the signature of a certificate.
fn split(der: &[u8]) -> der::Result<(&[u8], &[u8])> {
    let mut outer = SliceReader::new(der)?;
    let content = der::asn1::AnyRef::decode(&mut outer)?;
    let mut fields = SliceReader::new(content.value())?;
    let signed = fields.tlv_bytes()?;
    fields.tlv_bytes()?;
    let signature = der::asn1::BitStringRef::decode(&mut fields)?;
    fields.finish()?;
    Ok((signed, signature.as_bytes().unwrap_or_default()))
}

fn common_name(name: &Name) -> String {
    name.iter()
        .find(|attribute| attribute.oid == COMMON_NAME)
        .and_then(|attribute| {
            let value = &attribute.value;
            value
                .decode_as::<Utf8StringRef<'_>>()
                .map(|text| text.as_str().to_owned())
                .or_else(|_| value.decode_as::<PrintableStringRef<'_>>().map(|text| text.as_str().to_owned()))
                .or_else(|_| value.decode_as::<TeletexStringRef<'_>>().map(|text| text.as_str().to_owned()))
                .ok()
        })
        .unwrap_or_default()
}
