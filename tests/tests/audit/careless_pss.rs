//! PSS as a careless implementation verifies it: with any hash and any key, or comparing the hash and nothing else.

use aws_lc_rs::digest::{Algorithm, digest};
use rsa::pkcs1::RsaPublicKeyRef;
use rsa::pkcs8::Document;
use rsa::pkcs8::der::Decode;
use rsa::pkcs8::spki::SubjectPublicKeyInfoRef;
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, PublicKey, hazmat};

/// An RSA key of any length, with any public exponent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AnyKey(PublicKey);

/// The parameters of PSS.
#[derive(Clone, Copy)]
pub(crate) struct Pss {
    /// The hash of the text.
    pub(crate) hash: &'static Algorithm,
    /// The hash inside MGF1.
    pub(crate) mask: &'static Algorithm,
    pub(crate) salt_length: usize,
}

impl AnyKey {
    pub(crate) fn from_pem(pem: &str) -> Option<Self> {
        let (_, document) = Document::from_pem(pem).ok()?;
        Self::from_spki_der(document.as_bytes())
    }

    pub(crate) fn from_spki_der(der: &[u8]) -> Option<Self> {
        let info = SubjectPublicKeyInfoRef::from_der(der).ok()?;
        let key = RsaPublicKeyRef::from_der(info.subject_public_key.as_bytes()?).ok()?;
        let modulus = key.modulus.as_bytes();
        let bits = u32::try_from(8 * modulus.len()).ok()?;
        let modulus = BoxedUint::from_be_slice(modulus, bits).ok()?;
        let exponent = BoxedUint::from_be_slice(key.public_exponent.as_bytes(), 64).ok()?;
        Some(Self(PublicKey::new_unchecked(modulus, exponent)))
    }

    pub(crate) fn bits(&self) -> usize {
        8 * self.0.size()
    }

    pub(crate) fn has_exponent(&self, exponent: u32) -> bool {
        *self.0.e() == BoxedUint::from(exponent)
    }

    /// Whether a signature is right in everything.
    pub(crate) fn verify(&self, text: &[u8], signature: &[u8], pss: Pss) -> bool {
        self.open(text, signature, pss).is_some_and(|opened| opened.hash_agrees && opened.rest_is_right)
    }

    /// Whether the hash inside a signature is the hash of the text, whatever the other bytes are.
    pub(crate) fn hash_agrees(&self, text: &[u8], signature: &[u8], pss: Pss) -> bool {
        self.open(text, signature, pss).is_some_and(|opened| opened.hash_agrees)
    }

    fn open(&self, text: &[u8], signature: &[u8], pss: Pss) -> Option<Opened> {
        let bits = u32::try_from(8 * signature.len()).ok()?;
        let signature = BoxedUint::from_be_slice(signature, bits.max(self.0.n().bits_precision())).ok()?;
        let encoded = hazmat::rsa_encrypt(&self.0, &signature).ok()?.to_be_bytes();
        let encoded = &encoded[encoded.len() - self.0.size()..];
        let hash_bytes = pss.hash.output_len();
        let (masked, rest) = encoded.split_at(encoded.len() - hash_bytes - 1);
        let hash = &rest[..hash_bytes];
        let mask = mgf1(pss.mask, hash, masked.len());
        let mut block: Vec<u8> = masked.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect();
        block[0] &= 0x7f;
        let (padding, salt) = block.split_at(block.len().checked_sub(pss.salt_length)?);
        let hashed = digest(pss.hash, text);
        let expected = digest(pss.hash, &[&[0; 8], hashed.as_ref(), salt].concat());
        let (one, zeros) = padding.split_last()?;
        Some(Opened {
            hash_agrees: expected.as_ref() == hash,
            rest_is_right: *one == 1
                && zeros.iter().all(|byte| *byte == 0)
                && masked[0] & 0x80 == 0
                && rest[hash_bytes] == 0xbc,
        })
    }
}

/// What is found in a signature.
struct Opened {
    hash_agrees: bool,
    rest_is_right: bool,
}

fn mgf1(hash: &'static Algorithm, seed: &[u8], length: usize) -> Vec<u8> {
    let block = |counter: u32| digest(hash, &[seed, &counter.to_be_bytes()].concat());
    (0..16).flat_map(|counter| block(counter).as_ref().to_vec()).take(length).collect()
}
