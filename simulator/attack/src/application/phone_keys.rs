//! The keys of a phone, as the values of an upload.

use soter_wire::{ExportBlob, SignatureScheme, base64};

use super::template::Values;
use crate::attacked_phone::Upload;

/// The names of the values.
pub(super) const NAMES: [&str; 9] = [
    "cpu_id",
    "uid",
    "attk",
    "askJSON",
    "askSignature",
    "authKeyJSON",
    "authKeySignature",
    "publicKey",
    "saltLength",
];

/// The values of an upload. Keys are PEM, signatures Base64. With a certificate chain in `askJSON`, `askSignature` is empty.
pub(super) fn values(upload: &Upload) -> Values {
    let text = |export: &ExportBlob| String::from_utf8_lossy(&export.json).into_owned();
    let SignatureScheme::RsaPss { salt_length } = upload.scheme;
    let texts = [
        upload.cpu_id.clone(),
        upload.uid.clone(),
        upload.attk.to_pem(),
        text(&upload.ask),
        base64::encode(&upload.ask.signature),
        text(&upload.auth_key),
        base64::encode(&upload.auth_key.signature),
        upload.public_key.clone(),
        salt_length.get().to_string(),
    ];
    NAMES.into_iter().map(str::to_owned).zip(texts).collect()
}
