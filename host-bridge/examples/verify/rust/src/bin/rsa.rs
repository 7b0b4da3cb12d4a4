//! Verifies AuthKeys and results with `rsa`; `../lib.rs` has the checks.

use std::process::ExitCode;

use rsa::pkcs8::DecodePublicKey;
use rsa::pss::{Signature, VerifyingKey};
use rsa::signature::Verifier as _;
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, PublicKey};
use sha2::Sha256;

struct Key(VerifyingKey<Sha256>);

impl verify::Verifier for Key {
    fn read(pem: &str, salt_length: u16) -> Option<Self> {
        // `from_public_key_pem` refuses PEM whose lines are longer than 64 columns, as Huawei's are.
        let key = PublicKey::from_public_key_der(pem::parse(pem).ok()?.contents()).ok()?;
        let is_strong = key.n().bit_width() == 2048 && *key.e() == BoxedUint::from(65537_u32);
        // `new` alone would require a salt as long as the hash.
        is_strong.then(|| Self(VerifyingKey::new_with_salt_len(key, salt_length.into())))
    }

    fn is_signed(&self, text: &[u8], signature: &[u8]) -> bool {
        Signature::try_from(signature).is_ok_and(|signature| self.0.verify(text, &signature).is_ok())
    }
}

fn main() -> ExitCode {
    verify::run::<Key>("rsa")
}
