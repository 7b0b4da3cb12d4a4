//! The envelope in which the TEE passes JSON and signature to the normal world.

use crate::decode_error::DecodeError;
use crate::json::MAX_JSON_BYTES;

/// JSON and its signature as they leave the TEE: a 4-byte little-endian length of the JSON, the JSON, then the raw
/// signature up to the end (the format of Tencent's SDK).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportBlob {
    /// The signed bytes.
    pub json: Vec<u8>,
    /// The raw signature: 256 bytes, or empty for a certificate chain.
    pub signature: Vec<u8>,
}

/// Size of the length prefix, in bytes.
const PREFIX_BYTES: usize = 4;

impl ExportBlob {
    /// Encodes the blob. JSON longer than [`MAX_JSON_BYTES`] is written too, but every reader rejects it.
    pub fn encode(&self) -> Vec<u8> {
        let length = u32::try_from(self.json.len()).unwrap_or(u32::MAX);
        [length.to_le_bytes().as_slice(), &self.json, &self.signature].concat()
    }

    /// Splits a blob into JSON and signature. Neither is parsed.
    ///
    /// # Errors
    /// [`DecodeError::TooLong`] if the announced length of the JSON exceeds [`MAX_JSON_BYTES`], the SDK's limit.
    /// [`DecodeError::ExportBlobCutShort`] if the blob ends before the JSON does.
    pub fn decode(blob: &[u8]) -> Result<Self, DecodeError> {
        let cut_short = |expected| DecodeError::ExportBlobCutShort { expected, found: blob.len() };
        let (prefix, rest) =
            blob.split_first_chunk::<PREFIX_BYTES>().ok_or_else(|| cut_short(PREFIX_BYTES))?;
        let length = usize::try_from(u32::from_le_bytes(*prefix)).unwrap_or(usize::MAX);
        if length > MAX_JSON_BYTES {
            return Err(DecodeError::TooLong { bytes: length, limit: MAX_JSON_BYTES });
        }
        let (json, signature) =
            rest.split_at_checked(length).ok_or_else(|| cut_short(PREFIX_BYTES + length))?;
        Ok(Self { json: json.to_vec(), signature: signature.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_is_preceded_by_its_length_in_little_endian() {
        let blob = ExportBlob { json: b"{}".to_vec(), signature: vec![7, 8, 9] };
        assert_eq!(blob.encode(), [2, 0, 0, 0, b'{', b'}', 7, 8, 9]);
        assert_eq!(ExportBlob::decode(&blob.encode()), Ok(blob));
    }

    #[test]
    fn a_blob_may_end_before_its_signature_but_not_inside_its_json() {
        let blob = [3, 0, 0, 0, b'a', b'b', b'c'];
        assert_eq!(ExportBlob::decode(&blob).map(|blob| blob.signature), Ok(vec![]));
        assert_eq!(
            ExportBlob::decode(&blob[..6]),
            Err(DecodeError::ExportBlobCutShort { expected: 7, found: 6 })
        );
        assert_eq!(
            ExportBlob::decode(&blob[..3]),
            Err(DecodeError::ExportBlobCutShort { expected: 4, found: 3 })
        );
    }

    #[test]
    fn one_mebibyte_of_json_is_read_and_one_byte_more_is_refused() {
        let mut blob = ExportBlob { json: vec![b' '; MAX_JSON_BYTES], signature: vec![1] };
        assert_eq!(ExportBlob::decode(&blob.encode()), Ok(blob.clone()));
        blob.json.push(b' ');
        let too_long = DecodeError::TooLong { bytes: MAX_JSON_BYTES + 1, limit: MAX_JSON_BYTES };
        assert_eq!(ExportBlob::decode(&blob.encode()), Err(too_long));
        // The announced length is checked before anything is read.
        assert!(matches!(ExportBlob::decode(&[0xff; 8]), Err(DecodeError::TooLong { .. })));
    }
}
