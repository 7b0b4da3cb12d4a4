//! Key derivation: HKDF-SHA-256 (RFC 5869) with 32 bytes out.

use ring::hkdf;
use zeroize::Zeroizing;

/// Length of a derived value, in bytes.
pub(crate) const VALUE_BYTES: usize = 32;

/// `HKDF[salt](key, info)`. Every part of `info` is preceded by its length (8 bytes, little-endian), so that
/// different lists of parts are different bytes.
pub(crate) fn derive(salt: &[u8], key: &[u8], parts: &[&[u8]]) -> Zeroizing<[u8; VALUE_BYTES]> {
    let lengths: Vec<[u8; 8]> =
        parts.iter().map(|part| u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes()).collect();
    let info: Vec<&[u8]> =
        lengths.iter().zip(parts).flat_map(|(length, part)| [length.as_slice(), part]).collect();
    let mut value = Zeroizing::new([0; VALUE_BYTES]);
    #[expect(clippy::expect_used, reason = "INVARIANT: HKDF-SHA-256 gives any length up to 255 * 32 bytes")]
    hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
        .extract(key)
        .expand(&info, hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(value.as_mut_slice()))
        .expect("HKDF gives 32 bytes");
    value
}
