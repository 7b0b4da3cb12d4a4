//! X.509 certificates (RFC 5280, 4.1) with fields that can be read and set: emulated phones write what real phones write,
//! and forgeries change what no certificate authority would.
//!
//! The fields of `x509-cert`'s own type are private since its 0.3. Its names, times, serial numbers and extensions are
//! used here.

use der::Sequence;
use der::asn1::BitString;
use x509_cert::certificate::Version;
use x509_cert::ext::Extension;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::time::Validity;

/// A signed certificate.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct Certificate {
    /// The signed part.
    pub tbs_certificate: TbsCertificate,
    /// The algorithm of the signature. The signed part repeats it.
    pub signature_algorithm: AlgorithmIdentifierOwned,
    /// The issuer's signature over the DER of the signed part.
    pub signature: BitString,
}

/// The signed part of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct TbsCertificate {
    /// Version 3 if there are extensions.
    #[asn1(context_specific = "0", default = "Default::default")]
    pub version: Version,
    /// Unique for the issuer.
    pub serial_number: SerialNumber,
    /// The algorithm of the issuer's signature.
    pub signature: AlgorithmIdentifierOwned,
    /// The name of the signer.
    pub issuer: Name,
    /// The first and the last second in which the certificate is valid.
    pub validity: Validity,
    /// The name of the key's owner.
    pub subject: Name,
    /// The owner's key.
    pub subject_public_key_info: SubjectPublicKeyInfoOwned,
    /// A field of version 2, not used by phones.
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub issuer_unique_id: Option<BitString>,
    /// A field of version 2, not used by phones.
    #[asn1(context_specific = "2", tag_mode = "IMPLICIT", optional = "true")]
    pub subject_unique_id: Option<BitString>,
    /// The extensions, such as the key attestation.
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    pub extensions: Option<Vec<Extension>>,
}
