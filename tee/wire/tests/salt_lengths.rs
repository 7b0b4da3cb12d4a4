//! PSS at every salt length, signed by an implementation that shares no code with the verifying one.

use getrandom::SysRng;
use rsa::PrivateKey;
use rsa::pkcs8::EncodePublicKey;
use rsa::sha2::{Digest, Sha256};
use soter_wire::{PublicKey, SaltLength, SignatureScheme};

#[test]
fn a_signature_verifies_only_at_its_own_salt_length() {
    let private_key = PrivateKey::new(&mut SysRng, 2048).unwrap();
    let spki = private_key.to_public_key().to_public_key_der().unwrap();
    let public_key = PublicKey::from_spki_der(spki.as_bytes()).unwrap();
    let message = b"an emulated result";

    for salt_length in 0..=SaltLength::MAX.get() {
        let padding = rsa::Pss::<Sha256>::new_with_salt(salt_length.into());
        let signature = private_key.sign_with_rng(&mut SysRng, padding, &Sha256::digest(message)).unwrap();
        let scheme = SignatureScheme::rsa_pss(salt_length).unwrap();
        assert!(public_key.verify(scheme, message, &signature).is_ok(), "{salt_length}");
        for other in [salt_length.wrapping_sub(1), salt_length + 1, 20, 32] {
            let Some(other_scheme) = SignatureScheme::rsa_pss(other) else { continue };
            assert_eq!(
                public_key.verify(other_scheme, message, &signature).is_ok(),
                other == salt_length,
                "signed at {salt_length}, verified at {other}"
            );
        }
        if salt_length % 37 == 0 {
            assert_eq!(public_key.find_pss_salt_length(message, &signature), Some(salt_length));
        }
    }
}
