//! Keys outside a TEE, and signatures in any form, valid or not.
//!
//! The paddings are built by hand over the raw RSA operation, because no library makes invalid signatures. Only this file
//! does that. A correct server refuses what it makes.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{Algorithm, Digest, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use getrandom::SysRng;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey};
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use rsa::{BoxedUint, PrivateKey, hazmat};
use soter_bridge::protocol::CommandError;
use soter_bridge::protocol::danger::{Hash, Padding};
use soter_text::text;
use soter_wire::{PublicKey, SaltLength, SignatureScheme};
use zeroize::Zeroizing;

/// Bits of every SOTER key.
pub(crate) const MODULUS_BITS: u32 = 2048;
/// Bytes of a signature by such a key.
pub(crate) const SIGNATURE_BYTES: usize = 256;

/// How a signature is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheme {
    /// How the hash is padded.
    pub padding: Padding,
    /// The hash of the text.
    pub hash: Hash,
    /// The hash inside MGF1, for PSS.
    pub mgf1: Hash,
    /// The salt's length in bytes, for PSS.
    pub salt_length: u16,
    /// What is wrong with it, for PSS.
    pub flaw: Option<Flaw>,
}

/// What is wrong with a PSS signature whose hash is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The last byte is not 0xbc.
    Trailer,
    /// A byte before the salt is not zero.
    Padding,
}

impl Scheme {
    /// What phones use: PSS with SHA-256 throughout and a salt of 20 bytes.
    pub const STANDARD: Self = Self {
        padding: Padding::Pss,
        hash: Hash::Sha256,
        mgf1: Hash::Sha256,
        salt_length: SaltLength::DEFAULT.get(),
        flaw: None,
    };

    /// What phones of a family use.
    pub fn from_signature_scheme(scheme: SignatureScheme) -> Self {
        let SignatureScheme::RsaPss { salt_length } = scheme;
        Self { salt_length: salt_length.get(), ..Self::STANDARD }
    }
}

/// An RSA-2048 key that can be used in any way. It is never printed. Clones share the key.
#[derive(Clone)]
pub struct SoftwareKey {
    private: Arc<PrivateKey>,
    public: PublicKey,
}

impl SoftwareKey {
    /// Makes a random key. Takes tens of milliseconds.
    ///
    /// # Errors
    /// `Internal` if the cryptographic library fails, or `InvalidParams` if its key does not parse: defects of the library.
    pub fn generate() -> Result<Self, CommandError> {
        let defect = |_| CommandError::defect("the cryptographic library made no RSA-2048 key");
        let key = KeyPair::generate(KeySize::Rsa2048).map_err(defect)?;
        let pkcs8: Pkcs8V1Der<'_> = key.as_der().map_err(defect)?;
        Self::from_pkcs8(pkcs8.as_ref())
    }

    /// Reads a key in PKCS#8.
    ///
    /// # Errors
    /// `InvalidParams` if it is not an RSA key of 2048 bits with the exponent 65537.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, CommandError> {
        PrivateKey::from_pkcs8_der(der).map_err(|_| invalid_key()).and_then(Self::new)
    }

    /// Reads a key in PKCS#8, as PEM (`BEGIN PRIVATE KEY`).
    ///
    /// # Errors
    /// `InvalidParams` if it is not an RSA key of 2048 bits with the exponent 65537.
    pub fn from_pem(pem: &str) -> Result<Self, CommandError> {
        PrivateKey::from_pkcs8_pem(pem).map_err(|_| invalid_key()).and_then(Self::new)
    }

    /// The key of two primes of 1024 bits.
    ///
    /// # Errors
    /// `Internal` if they do not make a key with the exponent 65537, `InvalidParams` if it does not have 2048 bits.
    pub(super) fn from_primes(p: &BoxedUint, q: &BoxedUint) -> Result<Self, CommandError> {
        let key = PrivateKey::from_p_q(p.clone(), q.clone(), BoxedUint::from(65537_u32));
        key.map_err(|_| CommandError::defect("two primes make no RSA-2048 key")).and_then(Self::new)
    }

    /// The primes. Secret.
    pub(super) fn expose_primes(&self) -> Vec<BoxedUint> {
        self.private.primes().iter().map(|prime| prime.as_ref().clone()).collect()
    }

    fn new(private: PrivateKey) -> Result<Self, CommandError> {
        let spki = private.to_public_key().to_public_key_der().map_err(|_| invalid_key())?;
        let public = PublicKey::from_spki_der(spki.as_bytes()).map_err(|_| invalid_key())?;
        Ok(Self { private: Arc::new(private), public })
    }

    /// The key in PKCS#8. Secret.
    ///
    /// # Errors
    /// `Internal` if the cryptographic library fails.
    pub fn expose_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, CommandError> {
        let der = self.private.to_pkcs8_der();
        let der = der.map_err(|_| CommandError::defect("a private key does not encode"))?;
        Ok(Zeroizing::new(der.as_bytes().to_vec()))
    }

    /// The key's public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs a text. The salt is derived from key and text, so the same call returns the same signature.
    ///
    /// # Errors
    /// `InvalidParams` if the salt does not fit, `Internal` if the cryptographic library fails.
    pub fn sign(&self, text: &[u8], scheme: Scheme) -> Result<Vec<u8>, CommandError> {
        let encoded = match scheme.padding {
            Padding::Pss => emsa_pss(text, scheme, &self.expose_pkcs8()?, SIGNATURE_BYTES)?,
            Padding::Pkcs1 => emsa_pkcs1(text, scheme.hash),
        };
        raw_signature(&self.private, &encoded)
    }
}

impl fmt::Debug for SoftwareKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SoftwareKey")
            .field("public", &self.public.fingerprint())
            .finish_non_exhaustive()
    }
}

/// The raw operation with a private key.
///
/// # Errors
/// `Internal` if the cryptographic library fails.
pub(crate) fn raw_signature(private: &PrivateKey, encoded: &[u8]) -> Result<Vec<u8>, CommandError> {
    // A generator would only blind the operation, so that its time says nothing about the key. Without it a signature takes a
    // third less time, and these keys protect nothing.
    let signed = BoxedUint::from_be_slice(encoded, private.n_bits_precision())
        .ok()
        .and_then(|encoded| hazmat::rsa_decrypt_and_check(private, None::<&mut SysRng>, &encoded).ok())
        .ok_or_else(|| CommandError::defect("the raw RSA operation failed"))?;
    Ok(signed.to_be_bytes().into_vec())
}

/// EMSA-PSS-ENCODE (RFC 8017, 9.1.1) for one bit less than a modulus of this many bytes has. The salt is derived from a secret
/// and the text.
///
/// # Errors
/// `InvalidParams` if the salt does not fit.
pub(crate) fn emsa_pss(
    text: &[u8],
    scheme: Scheme,
    secret: &[u8],
    modulus_bytes: usize,
) -> Result<Vec<u8>, CommandError> {
    let hash = algorithm(scheme.hash);
    // Steps 1 to 3: the text's hash, and whether it fits with its salt.
    let hashed = digest(hash, text);
    let salt_length = usize::from(scheme.salt_length);
    let max_salt_length = modulus_bytes - hash.output_len() - 2;
    if salt_length > max_salt_length {
        return Err(CommandError::invalid_params(
            text!(
                "a salt of {bytes} bytes does not fit into a signature of {bits} bits",
                bytes = salt_length,
                bits = 8 * modulus_bytes
            ),
            text!(
                "give at most {most}; with SHA-256 and 2048 bits that is {usual}",
                most = max_salt_length,
                usual = SaltLength::MAX
            ),
        ));
    }
    // Step 4: the salt.
    let salt = mgf1(Hash::Sha256, digest(&SHA256, &[secret, text].concat()).as_ref(), salt_length);
    // Steps 5 and 6: M' and its hash.
    let h = digest(hash, &[&[0; 8][..], hashed.as_ref(), &salt].concat());
    // Steps 7 and 8: the data block.
    let mut block = vec![0; max_salt_length - salt_length];
    if let (Some(Flaw::Padding), Some(zero)) = (scheme.flaw, block.last_mut()) {
        *zero = 1;
    }
    block.push(1);
    block.extend(salt);
    // Steps 9 and 10: masked.
    let mask = mgf1(scheme.mgf1, h.as_ref(), block.len());
    block.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    // Step 11: the bit above the modulus's length.
    if let Some(first) = block.first_mut() {
        *first &= 0x7f;
    }
    // Step 12.
    block.extend(h.as_ref());
    block.push(if scheme.flaw == Some(Flaw::Trailer) { 0xcc } else { 0xbc });
    Ok(block)
}

/// EMSA-PKCS1-v1_5-ENCODE (RFC 8017, 9.2).
fn emsa_pkcs1(text: &[u8], hash: Hash) -> Vec<u8> {
    let prefix: &[u8] = match hash {
        Hash::Sha1 => {
            &[0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14]
        }
        Hash::Sha256 => &[
            0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
            0x00, 0x04, 0x20,
        ],
        Hash::Sha384 => &[
            0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05,
            0x00, 0x04, 0x30,
        ],
        Hash::Sha512 => &[
            0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05,
            0x00, 0x04, 0x40,
        ],
    };
    let hashed = digest(algorithm(hash), text);
    let padding = SIGNATURE_BYTES - 3 - prefix.len() - hashed.as_ref().len();
    [&[0, 1][..], &vec![0xff; padding], &[0], prefix, hashed.as_ref()].concat()
}

/// MGF1 (RFC 8017, B.2.1).
fn mgf1(hash: Hash, seed: &[u8], length: usize) -> Vec<u8> {
    let block =
        |counter: u32| -> Digest { digest(algorithm(hash), &[seed, &counter.to_be_bytes()].concat()) };
    (0..).flat_map(|counter| block(counter).as_ref().to_vec()).take(length).collect()
}

fn algorithm(hash: Hash) -> &'static Algorithm {
    match hash {
        Hash::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
        Hash::Sha256 => &SHA256,
        Hash::Sha384 => &SHA384,
        Hash::Sha512 => &SHA512,
    }
}

fn invalid_key() -> CommandError {
    CommandError::invalid_params(
        text!("the private key is not an RSA key of 2048 bits with the exponent 65537 in PKCS#8"),
        text!("make one with `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048`"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pss_signature_verifies_only_at_its_own_salt_length() {
        let key = SoftwareKey::generate().unwrap();
        for salt_length in [0, 20, 24, 32, SaltLength::MAX.get()] {
            let scheme = SignatureScheme::rsa_pss(salt_length).unwrap();
            let signature = key.sign(b"text", Scheme::from_signature_scheme(scheme)).unwrap();
            assert_eq!(signature.len(), SIGNATURE_BYTES);
            assert_eq!(key.public().verify(scheme, b"text", &signature), Ok(()));
            assert_eq!(key.public().find_pss_salt_length(b"text", &signature), Some(salt_length));
            assert!(key.public().verify(scheme, b"test", &signature).is_err());
        }
    }

    #[test]
    fn a_pkcs1_signature_verifies_only_as_pkcs1() {
        let key = SoftwareKey::generate().unwrap();
        let signature = key.sign(b"text", Scheme { padding: Padding::Pkcs1, ..Scheme::STANDARD }).unwrap();
        assert_eq!(key.public().verify_pkcs1(b"text", &signature), Ok(()));
        assert_eq!(key.public().find_pss_salt_length(b"text", &signature), None);
    }

    #[test]
    fn signatures_with_other_hashes_do_not_verify_with_sha_256() {
        let key = SoftwareKey::generate().unwrap();
        for scheme in [
            Scheme { hash: Hash::Sha1, mgf1: Hash::Sha1, ..Scheme::STANDARD },
            Scheme { mgf1: Hash::Sha1, ..Scheme::STANDARD },
            Scheme { mgf1: Hash::Sha512, ..Scheme::STANDARD },
            Scheme { hash: Hash::Sha384, mgf1: Hash::Sha384, ..Scheme::STANDARD },
            Scheme { hash: Hash::Sha512, mgf1: Hash::Sha512, ..Scheme::STANDARD },
            Scheme { padding: Padding::Pkcs1, hash: Hash::Sha512, ..Scheme::STANDARD },
            Scheme { flaw: Some(Flaw::Trailer), ..Scheme::STANDARD },
            Scheme { flaw: Some(Flaw::Padding), ..Scheme::STANDARD },
            Scheme { padding: Padding::Pkcs1, hash: Hash::Sha1, ..Scheme::STANDARD },
        ] {
            let signature = key.sign(b"text", scheme).unwrap();
            assert_eq!(key.public().find_pss_salt_length(b"text", &signature), None);
            assert!(key.public().verify_pkcs1(b"text", &signature).is_err());
        }
    }

    #[test]
    fn the_sha_1_signatures_verify_with_the_rsa_library() {
        let key = SoftwareKey::generate().unwrap();
        let hashed = digest(&SHA1_FOR_LEGACY_USE_ONLY, b"text");
        let scheme = Scheme { hash: Hash::Sha1, mgf1: Hash::Sha1, ..Scheme::STANDARD };
        let signature = key.sign(b"text", scheme).unwrap();
        let public = key.private.to_public_key();
        let pss = rsa::Pss::<sha1::Sha1>::new_with_salt(20);
        assert_eq!(public.verify(pss, hashed.as_ref(), &signature), Ok(()));
    }

    #[test]
    fn signatures_with_longer_hashes_verify_with_another_library() {
        use aws_lc_rs::signature::{
            RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA384,
            RSA_PSS_2048_8192_SHA512, UnparsedPublicKey,
        };
        let key = SoftwareKey::generate().unwrap();
        for (hash, salt_length, pss, pkcs1) in [
            (Hash::Sha384, 48, &RSA_PSS_2048_8192_SHA384, &RSA_PKCS1_2048_8192_SHA384),
            (Hash::Sha512, 64, &RSA_PSS_2048_8192_SHA512, &RSA_PKCS1_2048_8192_SHA512),
        ] {
            // That library takes a salt as long as the hash.
            let scheme = Scheme { hash, mgf1: hash, salt_length, ..Scheme::STANDARD };
            for (padding, algorithm) in [(Padding::Pss, pss), (Padding::Pkcs1, pkcs1)] {
                let signature = key.sign(b"text", Scheme { padding, ..scheme }).unwrap();
                let public = UnparsedPublicKey::new(algorithm, key.public().spki_der());
                assert!(public.verify(b"text", &signature).is_ok(), "{hash:?} {padding:?}");
            }
        }
    }

    #[test]
    fn a_salt_that_does_not_fit_is_refused_with_the_longest_that_fits() {
        let key = SoftwareKey::generate().unwrap();
        let error = key.sign(b"text", Scheme { salt_length: 223, ..Scheme::STANDARD }).unwrap_err();
        assert!(error.next.english().contains("222"), "{error:?}");
    }

    #[test]
    fn a_key_reads_back_from_pem_and_is_not_printed() {
        let key = SoftwareKey::generate().unwrap();
        let pem = key.private.to_pkcs8_pem(rsa::pkcs8::LineEnding::LF).unwrap();
        let again = SoftwareKey::from_pem(&pem).unwrap();
        assert_eq!(again.public(), key.public());
        assert_eq!(
            format!("{again:?}"),
            format!("SoftwareKey {{ public: \"{}\", .. }}", key.public().fingerprint())
        );
        assert!(SoftwareKey::from_pem("no key").is_err());
    }
}
