//! Verifies AuthKeys and results with `aws-lc-rs`; `../lib.rs` has the checks.

use std::process::ExitCode;

use aws_lc_rs::signature::{RSA_PSS_2048_8192_SHA256, RsaPssSaltLength, VerificationAlgorithm};

/// What comes before the modulus in the SubjectPublicKeyInfo of every RSA key of 2048 bits, and after it if the exponent is 65537.
const BEFORE: [u8; 33] = [
    0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01,
    0x05, 0x00, 0x03, 0x82, 0x01, 0x0f, 0x00, 0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00,
];
const AFTER: [u8; 5] = [0x02, 0x03, 0x01, 0x00, 0x01];

struct Key {
    spki: Vec<u8>,
    salt_length: u16,
}

impl verify::Verifier for Key {
    fn read(pem: &str, salt_length: u16) -> Option<Self> {
        let spki = pem::parse(pem).ok()?.into_contents();
        let modulus = spki.strip_prefix(&BEFORE)?.strip_suffix(&AFTER)?;
        let is_strong = modulus.len() == 256 && modulus[0] >= 0x80;
        is_strong.then_some(Self { spki, salt_length })
    }

    fn is_signed(&self, text: &[u8], signature: &[u8]) -> bool {
        // Without the call, the salt must be as long as the hash.
        let algorithm =
            RSA_PSS_2048_8192_SHA256.with_pss_salt_length(RsaPssSaltLength::Custom(self.salt_length));
        algorithm.verify_sig(&self.spki, text, signature).is_ok()
    }
}

fn main() -> ExitCode {
    verify::run::<Key>("aws-lc-rs")
}
