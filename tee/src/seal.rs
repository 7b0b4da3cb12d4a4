//! Sealing: encryption of the TEE's state for untrusted storage.
//!
//! AES-256-GCM under a key that HKDF-SHA-256 derives from the device's root key. A sealed state:
//!
//! | bytes | what |
//! |---|---|
//! | 0..8 | `SOTERTEE` |
//! | 8..12 | format version, little-endian: 1 |
//! | 12..20 | storage version, little-endian: incremented by every write |
//! | 20..32 | nonce from the operating system, new for every write |
//! | 32.. | ciphertext and 16-byte tag |
//!
//! The tag also covers the header before the nonce and the device's name, so that neither can be replaced.
//!
//! What it does not protect: the root key is in the same folder as the state (an emulator has no fuses), so anyone
//! who can read the folder can unseal it. Sealing makes damaged and mixed files detectable, and it makes attacks on
//! storage the same as on a real phone.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use zeroize::Zeroizing;

use crate::derive::derive;
use crate::environment::operating_system_random;
use crate::error::TeeError;
use crate::storage::ROOT_KEY_BYTES;

const MAGIC: &[u8; 8] = b"SOTERTEE";
const FORMAT: u32 = 1;
const HEADER_BYTES: usize = 20;

/// The keys that are derived from a root key, for one device.
pub(crate) struct StorageKeys {
    seal: LessSafeKey,
    /// Authenticates RPMB slots.
    pub(crate) rpmb: hmac::Key,
    device: String,
}

/// Why a sealed state cannot be unsealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnsealError {
    /// It is not a sealed state at all, or its beginning is damaged.
    NotSealedState,
    /// A format that this version does not know.
    UnknownFormat(u32),
    /// It was changed, belongs to another device, or was sealed under another root key.
    NotAuthentic,
}

impl StorageKeys {
    pub(crate) fn new(root_key: &[u8; ROOT_KEY_BYTES], device: &str) -> Self {
        let key = |purpose: &[u8]| derive(b"soter-sim storage v1", root_key, &[purpose, device.as_bytes()]);
        #[expect(
            clippy::expect_used,
            reason = "INVARIANT: a derived value has the 32 bytes of an AES-256 key"
        )]
        let seal = UnboundKey::new(&AES_256_GCM, key(b"seal").as_slice()).expect("AES-256 takes 32 bytes");
        Self {
            seal: LessSafeKey::new(seal),
            rpmb: hmac::Key::new(hmac::HMAC_SHA256, key(b"rpmb").as_slice()),
            device: device.to_owned(),
        }
    }

    /// Seals a state under a storage version.
    ///
    /// # Errors
    /// [`TeeError::Randomness`] if there is no nonce, [`TeeError::Encoding`] if the state is too long for AES-GCM.
    pub(crate) fn seal(
        &self,
        storage_version: u64,
        mut plaintext: Zeroizing<Vec<u8>>,
    ) -> Result<Vec<u8>, TeeError> {
        let mut sealed = Vec::with_capacity(HEADER_BYTES + NONCE_LEN + plaintext.len() + 16);
        sealed.extend_from_slice(MAGIC);
        sealed.extend_from_slice(&FORMAT.to_le_bytes());
        sealed.extend_from_slice(&storage_version.to_le_bytes());
        let mut nonce = [0; NONCE_LEN];
        operating_system_random(&mut nonce)?;
        let tag = self
            .seal
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                self.additional_data(&sealed),
                plaintext.as_mut_slice(),
            )
            .map_err(|_| TeeError::Encoding)?;
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&plaintext);
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Unseals a sealed state. Returns its storage version and its plaintext.
    pub(crate) fn unseal(&self, sealed: &[u8]) -> Result<(u64, Zeroizing<Vec<u8>>), UnsealError> {
        let (header, rest) = sealed.split_at_checked(HEADER_BYTES).ok_or(UnsealError::NotSealedState)?;
        let (magic, numbers) = header.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(UnsealError::NotSealedState);
        }
        let (format, version) = numbers.split_at(4);
        match format.try_into().map(u32::from_le_bytes) {
            Ok(FORMAT) => {}
            Ok(other) => return Err(UnsealError::UnknownFormat(other)),
            Err(_) => return Err(UnsealError::NotSealedState),
        }
        let version = version.try_into().map(u64::from_le_bytes).map_err(|_| UnsealError::NotSealedState)?;
        let (nonce, ciphertext) = rest.split_at_checked(NONCE_LEN).ok_or(UnsealError::NotSealedState)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| UnsealError::NotSealedState)?;
        let mut plaintext = Zeroizing::new(ciphertext.to_vec());
        let length = self
            .seal
            .open_in_place(nonce, self.additional_data(header), plaintext.as_mut_slice())
            .map_err(|_| UnsealError::NotAuthentic)?
            .len();
        plaintext.truncate(length);
        Ok((version, plaintext))
    }

    fn additional_data(&self, header: &[u8]) -> Aad<Vec<u8>> {
        Aad::from([header, b"sealed state of ", self.device.as_bytes()].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(device: &str) -> StorageKeys {
        StorageKeys::new(&[7; ROOT_KEY_BYTES], device)
    }

    fn sealed() -> Vec<u8> {
        keys("phone").seal(42, Zeroizing::new(b"the state".to_vec())).unwrap()
    }

    #[test]
    fn a_sealed_text_opens_with_its_version() {
        let (version, plaintext) = keys("phone").unseal(&sealed()).unwrap();
        assert_eq!((version, plaintext.as_slice()), (42, b"the state".as_slice()));
    }

    #[test]
    fn nonces_never_repeat() {
        assert_ne!(sealed()[20..32], sealed()[20..32]);
    }

    #[test]
    fn any_flipped_bit_and_any_truncation_is_noticed() {
        let intact = sealed();
        for bit in 0..intact.len() * 8 {
            let mut flipped = intact.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(keys("phone").unseal(&flipped).is_err(), "bit {bit}");
        }
        for length in 0..intact.len() {
            assert!(keys("phone").unseal(&intact[..length]).is_err(), "length {length}");
        }
    }

    #[test]
    fn another_device_or_another_root_key_does_not_open_a_sealed_text() {
        assert_eq!(keys("phone2").unseal(&sealed()).unwrap_err(), UnsealError::NotAuthentic);
        let other = StorageKeys::new(&[8; ROOT_KEY_BYTES], "phone");
        assert_eq!(other.unseal(&sealed()).unwrap_err(), UnsealError::NotAuthentic);
    }

    #[test]
    fn a_later_format_is_named() {
        let mut later = sealed();
        later[8] = 2;
        assert_eq!(keys("phone").unseal(&later).unwrap_err(), UnsealError::UnknownFormat(2));
    }
}
