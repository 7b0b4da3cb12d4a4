//! The decoders of soter-wire: any bytes are read or refused, and what is read is within its bounds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use soter_wire::{
    CertificateChain, ExportBlob, KeyDescription, KeyJson, MAX_COUNTER, PublicKey, ResultJson, base64,
};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(result) = ResultJson::decode(bytes) {
        assert!(result.counter <= MAX_COUNTER);
    }
    if let Ok(key) = KeyJson::decode(bytes) {
        assert!(key.counter <= MAX_COUNTER);
    }
    if let Ok(blob) = ExportBlob::decode(bytes) {
        assert_eq!(blob.encode(), bytes);
    }
    if let Ok(chain) = CertificateChain::decode(bytes) {
        let _ = chain.verify();
    }
    let _ = KeyDescription::decode(bytes);
    for read in [PublicKey::from_spki_der, PublicKey::from_pkcs1_der, PublicKey::from_certificate_der] {
        let _ = read(bytes);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = PublicKey::from_pem(text);
        if let Ok(decoded) = base64::decode(text) {
            assert_eq!(base64::encode(&decoded), text);
        }
    }
});
