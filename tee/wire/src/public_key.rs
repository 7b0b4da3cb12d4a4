//! The public half of an RSA key, and what it can verify.

use soter_text::{Text, text};
use std::fmt;
use std::sync::{Arc, OnceLock};

use aws_lc_rs::signature::{
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters, RsaPssSaltLength,
    VerificationAlgorithm,
};
use der::asn1::{Any, BitString, Null, ObjectIdentifier, UintRef};
use der::{Decode, Encode, Sequence};
use sha2::{Digest, Sha256};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef};

use crate::certificate::Certificate;
use crate::decode_error::DecodeError;
use crate::pem;
use crate::signature::SignatureError;
use crate::signature_scheme::{SaltLength, SignatureScheme};

const LABEL: &str = "PUBLIC KEY";
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const PUBLIC_EXPONENT: [u8; 3] = [0x01, 0x00, 0x01];
const SOTER_BITS: usize = 2048;
const MAX_AUTHORITY_BITS: usize = 4096;

/// The public half of an RSA key with the exponent 65537: 2048 bits for ASK, AuthKey and device keys.
///
/// It is small until it first verifies a signature, and keeps what makes that fast; clones share it. Two keys are equal if
/// their SubjectPublicKeyInfo is equal.
#[derive(Clone)]
pub struct PublicKey {
    shared: Arc<Shared>,
}

struct Shared {
    spki: Vec<u8>,
    modulus_bytes: usize,
    /// Parsed for the two salt lengths that phones use, when they are needed.
    default_salt: OnceLock<Option<Box<ParsedPublicKey>>>,
    huawei_salt: OnceLock<Option<Box<ParsedPublicKey>>>,
}

/// RFC 8017, A.1.1.
#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    public_exponent: UintRef<'a>,
}

impl PublicKey {
    /// Parses a SOTER key from the DER of its SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// [`DecodeError::KeyMalformed`] if the bytes are not an RSA key in this form, [`DecodeError::KeySize`] if it
    /// does not have 2048 bits, [`DecodeError::KeyExponent`] if its exponent is not 65537.
    pub fn from_spki_der(spki: &[u8]) -> Result<Self, DecodeError> {
        Self::with_bits(spki, SOTER_BITS..=SOTER_BITS)
    }

    /// Parses the key of a certificate, which may have up to 4096 bits, as real roots have.
    ///
    /// # Errors
    /// [`DecodeError::KeyMalformed`] if the bytes are not an RSA key in this form, [`DecodeError::KeySize`] if it
    /// does not have 2048 to 4096 bits, [`DecodeError::KeyExponent`] if its exponent is not 65537.
    pub fn from_authority_spki_der(spki: &[u8]) -> Result<Self, DecodeError> {
        Self::with_bits(spki, SOTER_BITS..=MAX_AUTHORITY_BITS)
    }

    /// Parses a SOTER key from the DER of its PKCS#1 form (RFC 8017, A.1.1), as `BEGIN RSA PUBLIC KEY` has it.
    ///
    /// # Errors
    /// Those of [`from_spki_der`](Self::from_spki_der).
    pub fn from_pkcs1_der(key: &[u8]) -> Result<Self, DecodeError> {
        let algorithm = AlgorithmIdentifierOwned { oid: RSA_ENCRYPTION, parameters: Some(Any::from(Null)) };
        let spki = BitString::from_bytes(key)
            .and_then(|subject_public_key| {
                SubjectPublicKeyInfoOwned { algorithm, subject_public_key }.to_der()
            })
            .map_err(malformed)?;
        Self::from_spki_der(&spki)
    }

    /// The SOTER key of an X.509 certificate in DER. The certificate's signature and dates are not checked.
    ///
    /// # Errors
    /// [`DecodeError::KeyMalformed`] if the bytes are not a certificate, or those of
    /// [`from_spki_der`](Self::from_spki_der).
    pub fn from_certificate_der(certificate: &[u8]) -> Result<Self, DecodeError> {
        let certificate = Certificate::from_der(certificate).map_err(malformed)?;
        let spki = certificate.tbs_certificate.subject_public_key_info.to_der().map_err(malformed)?;
        Self::from_spki_der(&spki)
    }

    fn with_bits(spki: &[u8], allowed: std::ops::RangeInclusive<usize>) -> Result<Self, DecodeError> {
        let info = SubjectPublicKeyInfoRef::from_der(spki).map_err(malformed)?;
        let algorithm = info.algorithm;
        if algorithm.oid != RSA_ENCRYPTION {
            return Err(DecodeError::KeyMalformed {
                message: text!("its algorithm is {oid}", oid = algorithm.oid.to_string()),
            });
        }
        if algorithm.parameters.is_none_or(|parameters| !parameters.is_null()) {
            return Err(DecodeError::KeyMalformed { message: text!("its parameters are not NULL") });
        }
        let key = info
            .subject_public_key
            .as_bytes()
            .ok_or_else(|| DecodeError::KeyMalformed { message: text!("its bit string has unused bits") })?;
        let key = RsaPublicKey::from_der(key).map_err(malformed)?;

        let modulus = key.modulus.as_bytes();
        let leading_zeros = modulus.first().map_or(0, |byte| byte.leading_zeros());
        let bits = (modulus.len() * 8).saturating_sub(usize::try_from(leading_zeros).unwrap_or_default());
        if !allowed.contains(&bits) {
            return Err(DecodeError::KeySize { bits });
        }
        if key.public_exponent.as_bytes() != PUBLIC_EXPONENT {
            return Err(DecodeError::KeyExponent);
        }

        // With this, the library that verifies can read it.
        if modulus.last().is_none_or(|byte| byte % 2 == 0) {
            return Err(DecodeError::KeyMalformed { message: text!("its modulus is even") });
        }
        Ok(Self {
            shared: Arc::new(Shared {
                spki: spki.to_vec(),
                modulus_bytes: modulus.len(),
                default_salt: OnceLock::new(),
                huawei_salt: OnceLock::new(),
            }),
        })
    }

    /// Parses a SOTER key from exactly one PEM block `PUBLIC KEY`. Lines have any length and end in LF or CR LF; the
    /// line end of the last one is optional.
    ///
    /// # Errors
    /// [`DecodeError::TooLong`] if the text has more than [`MAX_JSON_BYTES`](crate::json::MAX_JSON_BYTES) bytes,
    /// [`DecodeError::Pem`] if it is not such a block, or those of [`from_spki_der`](Self::from_spki_der).
    pub fn from_pem(text: &str) -> Result<Self, DecodeError> {
        Self::from_spki_der(&pem::decode(LABEL, text)?)
    }

    /// DER of the SubjectPublicKeyInfo, as given.
    pub fn spki_der(&self) -> &[u8] {
        &self.shared.spki
    }

    /// PEM in 64 columns with a final LF, as OpenSSL writes it.
    pub fn to_pem(&self) -> String {
        pem::encode(LABEL, self.spki_der())
    }

    /// The lines of the PEM block without line ends: body lines of `width` columns, or one line if `None`.
    pub fn pem_lines(&self, width: Option<usize>) -> Vec<String> {
        pem::lines(LABEL, self.spki_der(), width)
    }

    /// SHA-256 of the SubjectPublicKeyInfo in 64 lower-case hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        base16ct::lower::encode_string(&Sha256::digest(self.spki_der()))
    }

    /// Verifies a signature of exactly this scheme over exactly these bytes.
    ///
    /// # Errors
    /// [`SignatureError::WrongLength`] if the signature is not as long as the modulus, [`SignatureError::Mismatch`]
    /// if it does not verify.
    pub fn verify(
        &self,
        scheme: SignatureScheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let SignatureScheme::RsaPss { salt_length } = scheme;
        let (parsed, algorithm) = match salt_length {
            SaltLength::DEFAULT => (&self.shared.default_salt, &const { pss(SaltLength::DEFAULT) }),
            SaltLength::HUAWEI => (&self.shared.huawei_salt, &const { pss(SaltLength::HUAWEI) }),
            _ => return self.verify_once(scheme, message, signature),
        };
        self.check_length(signature)?;
        let parsed =
            parsed.get_or_init(|| ParsedPublicKey::new(algorithm, self.spki_der()).ok().map(Box::new));
        let verified = parsed.as_ref().map(|key| key.verify_sig(message, signature));
        verified.and_then(Result::ok).ok_or(SignatureError::Mismatch)
    }

    /// [`verify`](Self::verify) for a key that verifies rarely: it stays small.
    ///
    /// # Errors
    /// Those of [`verify`](Self::verify).
    pub fn verify_once(
        &self,
        scheme: SignatureScheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        self.check_length(signature)?;
        let SignatureScheme::RsaPss { salt_length } = scheme;
        pss(salt_length).verify_sig(self.spki_der(), message, signature).map_err(|_| SignatureError::Mismatch)
    }

    /// Verifies a signature with sha256WithRSAEncryption (PKCS#1 v1.5), the padding of certificates.
    ///
    /// # Errors
    /// [`SignatureError::WrongLength`] if the signature is not as long as the modulus, [`SignatureError::Mismatch`]
    /// if it does not verify.
    pub fn verify_pkcs1(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        self.check_length(signature)?;
        RSA_PKCS1_2048_8192_SHA256
            .verify_sig(self.spki_der(), message, signature)
            .map_err(|_| SignatureError::Mismatch)
    }

    /// Finds the salt length at which a signature verifies, to distinguish a wrong salt length from a wrong
    /// signature. It tries up to 223 lengths, the usual ones first. Use it only for diagnosis: a verifier that
    /// accepted the length found would let the message choose it.
    pub fn find_pss_salt_length(&self, message: &[u8], signature: &[u8]) -> Option<u16> {
        let usual = [SaltLength::DEFAULT, SaltLength::HUAWEI];
        let others = (0..=SaltLength::MAX.get()).filter_map(SaltLength::new);
        usual
            .into_iter()
            .chain(others.filter(|length| !usual.contains(length)))
            .find(|&salt_length| {
                self.verify(SignatureScheme::RsaPss { salt_length }, message, signature).is_ok()
            })
            .map(SaltLength::get)
    }

    fn check_length(&self, signature: &[u8]) -> Result<(), SignatureError> {
        if signature.len() == self.shared.modulus_bytes {
            Ok(())
        } else {
            Err(SignatureError::WrongLength { bytes: signature.len() })
        }
    }
}

fn malformed(error: der::Error) -> DecodeError {
    DecodeError::KeyMalformed { message: Text::verbatim(error.to_string()) }
}

const fn pss(salt_length: SaltLength) -> RsaParameters {
    RSA_PSS_2048_8192_SHA256.with_pss_salt_length(RsaPssSaltLength::Custom(salt_length.get()))
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.spki_der() == other.spki_der()
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey").field("fingerprint", &self.fingerprint()).finish()
    }
}

#[cfg(test)]
mod tests {
    use rsa::BoxedUint;
    use rsa::pkcs8::EncodePublicKey;

    use super::*;

    const PEM: &str = include_str!("../tests/vectors/trustonic_result/key.pem");

    fn key() -> PublicKey {
        PublicKey::from_pem(PEM).unwrap()
    }

    /// DER of a key with an odd modulus of this many bits.
    fn spki(bits: usize, exponent: u32) -> Vec<u8> {
        let mut modulus = vec![0; bits.div_ceil(8)];
        modulus[0] = 1 << ((bits - 1) % 8);
        *modulus.last_mut().unwrap() |= 1;
        let modulus = BoxedUint::from_be_slice(&modulus, bits.try_into().unwrap()).unwrap();
        let key = rsa::PublicKey::new_with_size_limits(modulus, exponent.into(), 1..=8192).unwrap();
        key.to_public_key_der().unwrap().into_vec()
    }

    #[test]
    fn pem_lines_may_have_any_length_and_line_end() {
        let key = key();
        for width in [Some(1), Some(64), Some(76), Some(1000), None] {
            for end in ["\n", "\r\n"] {
                let text = key.pem_lines(width).join(end);
                assert_eq!(PublicKey::from_pem(&text), Ok(key.clone()), "{width:?} {end:?}");
                assert_eq!(PublicKey::from_pem(&format!("{text}{end}")), Ok(key.clone()));
            }
        }
        assert_eq!(key.to_pem(), PEM);
        assert_eq!(key.pem_lines(None).len(), 3);
    }

    #[test]
    fn a_pem_text_is_one_block_of_the_right_kind_and_nothing_else() {
        for broken in [
            String::new(),
            format!("{PEM}x"),
            format!("{PEM}\n"),
            format!("{PEM}{PEM}"),
            format!(" {PEM}"),
            PEM.replace("PUBLIC KEY", "RSA PUBLIC KEY"),
            PEM.replacen("BEGIN PUBLIC", "BEGIN PRIVATE", 1),
            PEM.replacen('M', "M\n\n", 1),
            PEM.replacen('M', "M ", 1),
            PEM.replace("-----END PUBLIC KEY-----\n", ""),
            "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n".to_owned(),
        ] {
            let error = PublicKey::from_pem(&broken).unwrap_err();
            assert!(matches!(error, DecodeError::Pem { .. }), "{broken:?}: {error}");
        }
    }

    #[test]
    fn a_key_is_the_same_in_its_pkcs1_form() {
        let key = key();
        // The last 270 bytes of the SubjectPublicKeyInfo are the key in this form.
        let pkcs1 = &key.spki_der()[key.spki_der().len() - 270..];
        assert_eq!(PublicKey::from_pkcs1_der(pkcs1), Ok(key.clone()));
        for broken in [&pkcs1[1..], &pkcs1[..200], key.spki_der(), &[]] {
            let error = PublicKey::from_pkcs1_der(broken).unwrap_err();
            assert!(matches!(error, DecodeError::KeyMalformed { .. }), "{error}");
        }
    }

    #[test]
    fn keys_of_other_sizes_and_exponents_are_refused() {
        for bits in [1024, 2040, 2047, 2049, 3072, 4096] {
            assert_eq!(
                PublicKey::from_spki_der(&spki(bits, 65537)),
                Err(DecodeError::KeySize { bits }),
                "{bits}"
            );
        }
        assert!(PublicKey::from_spki_der(&spki(2048, 65537)).is_ok());
        assert_eq!(PublicKey::from_spki_der(&spki(2048, 3)), Err(DecodeError::KeyExponent));

        assert!(PublicKey::from_authority_spki_der(&spki(4096, 65537)).is_ok());
        assert_eq!(
            PublicKey::from_authority_spki_der(&spki(4104, 65537)),
            Err(DecodeError::KeySize { bits: 4104 })
        );
    }

    #[test]
    fn every_key_that_is_read_can_verify_and_an_even_modulus_is_refused() {
        let mut even = key().spki_der().to_vec();
        // The exponent is the last member: tag, length and three bytes.
        let last_of_modulus = even.len() - 6;
        even[last_of_modulus] &= 0xfe;
        let error = PublicKey::from_spki_der(&even).unwrap_err();
        assert!(
            matches!(&error, DecodeError::KeyMalformed { message } if message.english().contains("even")),
            "{error}"
        );
        for (spki, is_read) in [(even, false), (spki(2048, 65537), true), (spki(2048 + 8, 65537), true)] {
            assert_eq!(PublicKey::from_authority_spki_der(&spki).is_ok(), is_read);
            assert_eq!(ParsedPublicKey::new(&const { pss(SaltLength::DEFAULT) }, &spki).is_ok(), is_read);
        }
    }

    #[test]
    fn what_is_not_an_rsa_key_is_refused() {
        // SubjectPublicKeyInfo of an Ed25519 key.
        let mut ed25519 = vec![0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
        ed25519.extend([7; 32]);
        let mut longer = key().spki_der().to_vec();
        longer.push(0);
        for der in [ed25519.as_slice(), &longer, &key().spki_der()[..200], &[]] {
            let error = PublicKey::from_spki_der(der).unwrap_err();
            assert!(matches!(error, DecodeError::KeyMalformed { .. }), "{error}");
        }
    }

    #[test]
    fn a_signature_of_another_length_is_distinguished_from_one_that_does_not_match() {
        for bytes in [0, 255, 257, 512] {
            let wrong_length = Err(SignatureError::WrongLength { bytes });
            assert_eq!(key().verify(SignatureScheme::default(), b"m", &vec![1; bytes]), wrong_length);
            assert_eq!(key().verify_pkcs1(b"m", &vec![1; bytes]), wrong_length);
        }
        for salt_length in [0, 20, 32, 222] {
            let scheme = SignatureScheme::rsa_pss(salt_length).unwrap();
            let mismatch = Err(SignatureError::Mismatch);
            assert_eq!(key().verify(scheme, b"m", &[1; 256]), mismatch, "{salt_length}");
        }
    }

    #[test]
    fn pkcs1_signatures_verify_as_pkcs1_and_not_as_pss() {
        let text = include_bytes!("../tests/vectors/trustonic_result_pkcs1/signed.txt");
        let signature = include_bytes!("../tests/vectors/trustonic_result_pkcs1/signature.bin");
        assert_eq!(key().verify_pkcs1(text, signature), Ok(()));
        assert_eq!(key().find_pss_salt_length(text, signature), None);
    }

    #[test]
    fn the_fingerprint_is_the_sha256_of_the_subject_public_key_info() {
        // `sha256sum` over the DER of this fixed key.
        let fixed = PublicKey::from_spki_der(&spki(2048, 65537)).unwrap();
        assert_eq!(fixed.fingerprint(), "e69d5956f0a1ff8d759c3e6c5389c9be68080bb4a6aaed2153ffdde4544cc6d5");
    }
}
