//! PSS as a careless implementation verifies it: it compares the hash and nothing else.

use aws_lc_rs::digest::{SHA256, digest};
use rsa::pkcs8::DecodePublicKey;
use rsa::{BoxedUint, hazmat};
use soter_wire::PublicKey;

const HASH_BYTES: usize = 32;
const SIGNATURE_BYTES: usize = 256;

/// Whether the hash inside a signature is the hash of the text, whatever the other bytes are.
pub(crate) fn verify(key: &PublicKey, text: &[u8], signature: &[u8], salt_length: usize) -> bool {
    let key = rsa::PublicKey::from_public_key_der(key.spki_der()).unwrap();
    let bits = u32::try_from(signature.len() * 8).unwrap().max(2048);
    let signature = BoxedUint::from_be_slice(signature, bits).unwrap();
    let encoded = hazmat::rsa_encrypt(&key, &signature).unwrap().to_be_bytes();
    let (masked, rest) = encoded.split_at(SIGNATURE_BYTES - HASH_BYTES - 1);
    let hash = &rest[..HASH_BYTES];
    let block: Vec<u8> =
        masked.iter().zip(mgf1(hash, masked.len())).map(|(byte, mask)| byte ^ mask).collect();
    let salt = &block[block.len() - salt_length..];
    let hashed = digest(&SHA256, text);
    digest(&SHA256, &[&[0; 8], hashed.as_ref(), salt].concat()).as_ref() == hash
}

fn mgf1(seed: &[u8], length: usize) -> Vec<u8> {
    let block = |counter: u32| digest(&SHA256, &[seed, &counter.to_be_bytes()].concat());
    (0..8).flat_map(|counter| block(counter).as_ref().to_vec()).take(length).collect()
}
