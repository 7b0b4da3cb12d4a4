//! The scheme that a signature must have: the caller's, else the signed text's own, else the default.

use soter_text::{Text, text};
use soter_wire::{DecodeError, ExportBlob, KeyJson, ResultJson, SaltLength, SignatureScheme};

use crate::reasons::Reason;
use crate::verdict::Verdict;

/// The required scheme, and what requires it.
pub(super) struct Required {
    pub(super) scheme: SignatureScheme,
    pub(super) source: Text,
}

impl Required {
    /// The required scheme. Bytes that are neither a result nor an exported key may be signed all the same, so they
    /// are checked too, with a remark.
    ///
    /// # Errors
    /// [`Reason::SaltOutOfRange`] if the demanded salt length, or else the one that the JSON names, is out of range.
    pub(super) fn new(requested: Option<u16>, json: &[u8], remarks: &mut Vec<Text>) -> Result<Self, Verdict> {
        let named = named_scheme(json);
        if let Some(length) = requested {
            if let Err(error) = &named {
                remarks.push(undecodable_remark(json, error));
            }
            return if let Some(scheme) = SignatureScheme::rsa_pss(length) {
                Ok(Self { scheme, source: text!("as demanded") })
            } else {
                Err(Verdict::new(
                    Reason::SaltOutOfRange,
                    text!(
                        "salt length {length} is demanded; with a key of 2048 bits, {most} is the most",
                        length = length,
                        most = SaltLength::MAX
                    ),
                ))
            };
        }
        let default = |source| Self { scheme: SignatureScheme::default(), source };
        match named {
            Ok(Some(scheme)) => Ok(Self { scheme, source: text!("the JSON's own rsa_pss_saltlen") }),
            Ok(None) => Ok(default(text!("the default, since the JSON names none"))),
            Err(error @ DecodeError::SaltLengthOutOfRange { .. }) => {
                Err(Verdict::new(Reason::SaltOutOfRange, error.text()))
            }
            Err(error) => {
                remarks.push(undecodable_remark(json, &error));
                Ok(default(text!("the default, since the JSON was not understood")))
            }
        }
    }
}

/// The scheme that a result or an exported key names.
pub(super) fn named_scheme(json: &[u8]) -> Result<Option<SignatureScheme>, DecodeError> {
    match ResultJson::decode(json) {
        Ok(result) => Ok(result.named_scheme),
        // A text that is not a result may be an exported key; if it is neither, the result's error says more.
        Err(error) => KeyJson::decode(json).map(|key| key.named_scheme).map_err(|_| error),
    }
}

fn undecodable_remark(json: &[u8], error: &DecodeError) -> Text {
    match ExportBlob::decode(json) {
        Ok(blob) if ResultJson::decode(&blob.json).is_ok() || KeyJson::decode(&blob.json).is_ok() => text!(
            "these bytes are an export blob: the signed JSON is its bytes 4 to {end}, the signature what follows",
            end = 4 + blob.json.len()
        ),
        _ => {
            text!("the signed bytes are neither a result nor an exported key: {error}", error = error.text())
        }
    }
}
