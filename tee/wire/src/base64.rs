//! Standard Base64 on one line with padding: the form of `resultJSONSignature` and `json_signature`.
//!
//! A SOTER signature of 256 bytes becomes 344 characters.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::decode_error::DecodeError;

/// Encodes bytes in Base64, padded, on one line.
pub fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Decodes a Base64 text. Only the text that [`encode`] writes for the same bytes is accepted.
///
/// # Errors
/// [`DecodeError::Base64`] if the text has line breaks, spaces, characters of the URL alphabet, missing padding or
/// set bits after the last byte.
pub fn decode(text: &str) -> Result<Vec<u8>, DecodeError> {
    STANDARD.decode(text).map_err(|_| DecodeError::Base64 { characters: text.chars().count() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_encoded_as_344_characters_and_decodes_again() {
        let signature: Vec<u8> = (0..=255).collect();
        let text = encode(&signature);
        assert_eq!(text.len(), 344);
        assert_eq!(decode(&text), Ok(signature));
    }

    #[test]
    fn only_the_one_standard_form_is_accepted() {
        assert_eq!(decode("+/8="), Ok(vec![0xfb, 0xff]));
        for text in ["-_8=", "+/8", "+/8=\n", "+/\n8=", " +/8=", "+/9=", "+/8==", "+/8=+/8=", "=", "é==="] {
            assert_eq!(
                decode(text),
                Err(DecodeError::Base64 { characters: text.chars().count() }),
                "{text:?}"
            );
        }
    }
}
