//! A Java key store (JKS) of trusted certificates: what every Java reads, and what needs no encryption.
//!
//! The format is the JDK's. Numbers are big-endian.

use sha1::{Digest, Sha1};

const MAGIC: u32 = 0xFEED_FEED;
const VERSION: u32 = 2;
const TRUSTED_CERTIFICATE: u32 = 2;
/// Java's usual password. It keeps nothing secret.
pub(super) const PASSWORD: &str = "changeit";
/// What the JDK puts between the password and the contents.
const DIGEST_SALT: &[u8] = b"Mighty Aphrodite";

/// The key store with these certificates, as DER.
pub(super) fn encode(certificates: &[Vec<u8>]) -> Vec<u8> {
    let mut store = Vec::new();
    for number in [MAGIC, VERSION, length(certificates)] {
        store.extend(number.to_be_bytes());
    }
    for (number, certificate) in certificates.iter().enumerate() {
        store.extend(TRUSTED_CERTIFICATE.to_be_bytes());
        push_text(&mut store, &format!("certificate-{number}"));
        // The time at which it was added: not known, and not read.
        store.extend(0_u64.to_be_bytes());
        push_text(&mut store, "X.509");
        store.extend(length(certificate).to_be_bytes());
        store.extend(certificate);
    }
    let password: Vec<u8> = PASSWORD.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let digest = Sha1::new().chain_update(password).chain_update(DIGEST_SALT).chain_update(&store).finalize();
    store.extend_from_slice(&digest);
    store
}

/// A short ASCII text, for which Java's modified UTF-8 is the same.
fn push_text(store: &mut Vec<u8>, text: &str) {
    store.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
    store.extend(text.as_bytes());
}

/// The length of what is in memory, and so far below the limit.
fn length<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}
