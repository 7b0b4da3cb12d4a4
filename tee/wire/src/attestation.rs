//! The key-attestation extension in the leaf of a certificate-chain ASK.

// Writing to a `String` does not fail, so the results of `write!` are ignored.
use std::fmt::Write as _;

use der::asn1::{AnyRef, ContextSpecific, Null, ObjectIdentifier, OctetStringRef, SequenceRef, SetOfVec};
use der::{Decode, Encode, EncodeValue, ErrorKind, Reader, SliceReader, Tag, TagMode, TagNumber, Tagged};

use crate::decode_error::DecodeError;
use crate::json::{MAX_JSON_BYTES, Object, encode_string};
use crate::signature_scheme::SignatureScheme;

/// Android's key-attestation extension.
pub const KEY_ATTESTATION_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11129.2.1.17");

/// What the TEE says about the ASK: the JSON in `attestationChallenge`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttestationChallenge {
    /// The device.
    pub cpu_id: String,
    /// The device's counter for this export. Readers accept up to [`MAX_COUNTER`](crate::json::MAX_COUNTER).
    pub counter: u64,
    /// The app on the device.
    pub uid: String,
    /// The scheme that `rsa_pss_saltlen` names, if present.
    pub named_scheme: Option<SignatureScheme>,
}

impl AttestationChallenge {
    /// Encodes `{"cpu_id":"…","counter":38,"uid":"10316","rsa_pss_saltlen":32}`. The JSON is always flat, because
    /// Tencent's parser searches for the last brace.
    pub fn encode(&self) -> String {
        let mut out = String::with_capacity(128);
        out.push_str("{\"cpu_id\":");
        encode_string(&self.cpu_id, &mut out, false);
        let _ = write!(out, ",\"counter\":{},\"uid\":", self.counter);
        encode_string(&self.uid, &mut out, false);
        if let Some(scheme) = self.named_scheme {
            let SignatureScheme::RsaPss { salt_length } = scheme;
            let _ = write!(out, ",\"rsa_pss_saltlen\":{salt_length}");
        }
        out.push('}');
        out
    }

    /// Decodes the JSON strictly, as [`Object`] describes. `uid` may be a string or an integer. Other members are
    /// ignored.
    ///
    /// # Errors
    /// Those of [`Object::decode`]. [`DecodeError::MissingField`] if a required member is missing,
    /// [`DecodeError::WrongType`], [`DecodeError::CounterOutOfRange`] or [`DecodeError::SaltLengthOutOfRange`] if a
    /// member has a wrong value.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut object = Object::decode(bytes)?;
        Ok(Self {
            cpu_id: object.string("cpu_id")?,
            counter: object.counter("counter")?,
            uid: object.string_or_integer("uid")?,
            named_scheme: object.scheme()?,
        })
    }

    /// The scheme that the challenge claims: the one that it names, else the default.
    pub fn scheme(&self) -> SignatureScheme {
        self.named_scheme.unwrap_or_default()
    }
}

/// The content of the extension, as Huawei's phones write it, without the fields that are the same in all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDescription {
    /// `attestationChallenge`: the bytes of an [`AttestationChallenge`].
    pub challenge: Vec<u8>,
    /// `creationDateTime`, in milliseconds since 1970.
    pub creation_ms: u64,
    /// `osVersion` (100000 is 10.0.0) and `osPatchLevel` (202007 is July 2020), which newer phones add.
    pub os: Option<(u32, u32)>,
}

impl KeyDescription {
    /// Makes a description whose challenge Tencent's parser finds. The parser takes the last `{` (0x7B) and the last
    /// `}` (0x7D) of the whole extension as the bounds of the JSON, so neither byte may occur after the challenge.
    /// The time becomes the first millisecond at or after `creation_ms` that contains neither.
    pub fn with_parsable_time(challenge: Vec<u8>, creation_ms: u64) -> Self {
        let mut bytes = creation_ms.to_be_bytes();
        // Increment the first such byte and set the bytes after it to zero. No later byte needs a change then.
        if let Some(at) = bytes.iter().position(|byte| matches!(byte, b'{' | b'}')) {
            let (kept, reset) = bytes.split_at_mut(at + 1);
            if let Some(byte) = kept.last_mut() {
                *byte += 1;
            }
            reset.fill(0);
        }
        Self { challenge, creation_ms: u64::from_be_bytes(bytes), os: None }
    }

    /// Encodes the extension's value in DER.
    ///
    /// # Errors
    /// [`DecodeError::TooLong`] if the challenge is longer than [`MAX_JSON_BYTES`], which no reader would accept.
    pub fn encode(&self) -> Result<Vec<u8>, DecodeError> {
        let bytes = self.challenge.len();
        let der = if bytes <= MAX_JSON_BYTES { self.to_der().ok() } else { None };
        der.ok_or(DecodeError::TooLong { bytes, limit: MAX_JSON_BYTES })
    }

    /// Fails only if the extension is longer than 4 GiB.
    fn to_der(&self) -> der::Result<Vec<u8>> {
        let challenge = OctetStringRef::new(&self.challenge)?.to_der()?;
        let software = sequence(&[no_auth_required()?, explicit(701, self.creation_ms)?].concat())?;
        let mut enforced = Vec::new();
        for (_, field) in tee_enforced() {
            enforced.extend(field?);
        }
        if let Some((version, patch_level)) = self.os {
            enforced.extend(explicit(705, version)?);
            enforced.extend(explicit(706, patch_level)?);
        }
        sequence(&[leading_fields()?, challenge, unique_id()?, software, sequence(&enforced)?].concat())
    }

    /// Decodes the extension's value. Only the form that [`encode`](Self::encode) writes is accepted; no phone is
    /// known to write another form.
    ///
    /// # Errors
    /// [`DecodeError::TooLong`] if the challenge is longer than [`MAX_JSON_BYTES`], [`DecodeError::DerMalformed`] if an
    /// element ends early, its length or number is not valid DER, or a number is too big,
    /// [`DecodeError::DerUnexpected`] if a field is not what phones write, [`DecodeError::TrailingBytes`] if bytes
    /// follow after the end.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut outer = Fields::new(bytes, 0)?;
        let mut description = outer.sequence("KeyDescription")?;
        outer.finish()?;

        description.expect_bytes("the versions and security levels", leading_fields())?;
        let challenge = description.read::<&OctetStringRef>("attestationChallenge")?.as_bytes();
        if challenge.len() > MAX_JSON_BYTES {
            return Err(DecodeError::TooLong { bytes: challenge.len(), limit: MAX_JSON_BYTES });
        }
        description.expect_bytes("uniqueId", unique_id())?;

        let mut software = description.sequence("softwareEnforced")?;
        software.expect_bytes("noAuthRequired", no_auth_required())?;
        let creation_ms = software.explicit("creationDateTime", 701)?;
        software.finish()?;

        let mut tee = description.sequence("teeEnforced")?;
        description.finish()?;
        for (field, expected) in tee_enforced() {
            tee.expect_bytes(field, expected)?;
        }
        let os = if tee.reader.is_finished() {
            None
        } else {
            Some((tee.explicit("osVersion", 705)?, tee.explicit("osPatchLevel", 706)?))
        };
        tee.finish()?;
        Ok(Self { challenge: challenge.to_vec(), creation_ms, os })
    }
}

/// The fields before the challenge: Keymaster 3 in a TEE, attestation version 2.
fn leading_fields() -> der::Result<Vec<u8>> {
    const ATTESTATION_VERSION: u8 = 2;
    const KEYMASTER_VERSION: u8 = 3;
    const TRUSTED_ENVIRONMENT: u8 = 1;
    let security_level = AnyRef::new(Tag::Enumerated, &[TRUSTED_ENVIRONMENT])?.to_der()?;
    let versions = [ATTESTATION_VERSION.to_der()?, KEYMASTER_VERSION.to_der()?];
    Ok(versions.map(|version| [version, security_level.clone()].concat()).concat())
}

fn unique_id() -> der::Result<Vec<u8>> {
    OctetStringRef::new(&[])?.to_der()
}

fn no_auth_required() -> der::Result<Vec<u8>> {
    explicit(503, Null)
}

/// What the TEE enforces for every ASK, in order.
fn tee_enforced() -> [(&'static str, der::Result<Vec<u8>>); 7] {
    /// Huawei's own purpose, outside Android's values.
    const PURPOSE: u32 = 0xff01_0001;
    [
        ("purpose", explicit_set(1, PURPOSE)),
        ("algorithm", explicit(2, 1_u32)),
        ("keySize", explicit(3, 2048_u32)),
        ("digest", explicit_set(5, 4)),
        ("padding", explicit_set(6, 3)),
        ("rsaPublicExponent", explicit(200, 65537_u32)),
        ("origin", explicit(702, 0_u32)),
    ]
}

fn explicit(number: u32, value: impl EncodeValue + Tagged) -> der::Result<Vec<u8>> {
    ContextSpecific { tag_number: TagNumber(number), tag_mode: TagMode::Explicit, value }.to_der()
}

fn explicit_set(number: u32, only: u32) -> der::Result<Vec<u8>> {
    explicit(number, SetOfVec::try_from([only])?)
}

fn sequence(content: &[u8]) -> der::Result<Vec<u8>> {
    AnyRef::new(Tag::Sequence, content)?.to_der()
}

/// Reads the fields of a sequence one after the other. Unlike the errors of `der`, these name the field.
struct Fields<'a> {
    reader: SliceReader<'a>,
    /// Offset of the sequence's content from the start of the structure.
    start: usize,
}

impl<'a> Fields<'a> {
    fn new(content: &'a [u8], start: usize) -> Result<Self, DecodeError> {
        // Fails only if the content is longer than 4 GiB.
        let too_long = |_| DecodeError::TooLong { bytes: content.len(), limit: MAX_JSON_BYTES };
        Ok(Self { reader: SliceReader::new(content).map_err(too_long)?, start })
    }

    /// Offset of the next field from the start of the structure.
    fn at(&self) -> usize {
        // INVARIANT: a position in a slice is a `usize`.
        self.start + usize::try_from(self.reader.position()).unwrap_or_default()
    }

    fn read<T: Decode<'a, Error = der::Error>>(&mut self, field: &'static str) -> Result<T, DecodeError> {
        let at = self.at();
        self.reader.decode().map_err(|error: der::Error| match error.kind() {
            ErrorKind::TagUnexpected { .. } | ErrorKind::TagUnknown { .. } => {
                DecodeError::DerUnexpected { field, at }
            }
            _ => DecodeError::DerMalformed { field, at },
        })
    }

    fn sequence(&mut self, field: &'static str) -> Result<Fields<'a>, DecodeError> {
        let content = self.read::<&SequenceRef>(field)?.as_bytes();
        Fields::new(content, self.at() - content.len())
    }

    fn explicit<T>(&mut self, field: &'static str, number: u32) -> Result<T, DecodeError>
    where
        T: Decode<'a, Error = der::Error>,
    {
        let at = self.at();
        let found: ContextSpecific<T> = self.read(field)?;
        if found.tag_number == TagNumber(number) {
            Ok(found.value)
        } else {
            Err(DecodeError::DerUnexpected { field, at })
        }
    }

    /// Consumes exactly these bytes.
    fn expect_bytes(
        &mut self,
        field: &'static str,
        expected: der::Result<Vec<u8>>,
    ) -> Result<(), DecodeError> {
        let at = self.at();
        let is_there =
            expected.and_then(|expected| Ok(self.reader.read_slice(expected.len().try_into()?)? == expected));
        if is_there == Ok(true) { Ok(()) } else { Err(DecodeError::DerUnexpected { field, at }) }
    }

    /// Fails if bytes are left.
    fn finish(&self) -> Result<(), DecodeError> {
        match usize::try_from(self.reader.remaining_len()) {
            Ok(0) => Ok(()),
            left => Err(DecodeError::TrailingBytes { bytes: left.unwrap_or(usize::MAX) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed by hand from the field list, and read back with `openssl asn1parse -inform DER`.
    #[rustfmt::skip]
    const BY_HAND: &[u8] = &[
        0x30, 0x6e,                                                       // KeyDescription
        0x02, 0x01, 0x02,  0x0a, 0x01, 0x01,                              // attestation 2, TEE
        0x02, 0x01, 0x03,  0x0a, 0x01, 0x01,                              // keymaster 3, TEE
        0x04, 0x02, b'{', b'}',                                           // attestationChallenge
        0x04, 0x00,                                                       // uniqueId
        0x30, 0x12,                                                       // softwareEnforced
        0xbf, 0x83, 0x77, 0x02, 0x05, 0x00,                               // [503] noAuthRequired
        0xbf, 0x85, 0x3d, 0x08, 0x02, 0x06,
        0x01, 0x74, 0x87, 0x6e, 0x80, 0x00,                               // [701] creationDateTime
        0x30, 0x46,                                                       // teeEnforced
        0xa1, 0x09, 0x31, 0x07, 0x02, 0x05, 0x00, 0xff, 0x01, 0x00, 0x01, // [1] purpose
        0xa2, 0x03, 0x02, 0x01, 0x01,                                     // [2] RSA
        0xa3, 0x04, 0x02, 0x02, 0x08, 0x00,                               // [3] 2048
        0xa5, 0x05, 0x31, 0x03, 0x02, 0x01, 0x04,                         // [5] SHA-256
        0xa6, 0x05, 0x31, 0x03, 0x02, 0x01, 0x03,                         // [6] PSS
        0xbf, 0x81, 0x48, 0x05, 0x02, 0x03, 0x01, 0x00, 0x01,             // [200] 65537
        0xbf, 0x85, 0x3e, 0x03, 0x02, 0x01, 0x00,                         // [702] generated
        0xbf, 0x85, 0x41, 0x05, 0x02, 0x03, 0x01, 0x86, 0xa0,             // [705] 100000
        0xbf, 0x85, 0x42, 0x05, 0x02, 0x03, 0x03, 0x15, 0x17,             // [706] 202007
    ];

    fn by_hand() -> KeyDescription {
        KeyDescription {
            challenge: b"{}".to_vec(),
            creation_ms: 1_600_000_000_000,
            os: Some((100_000, 202_007)),
        }
    }

    #[test]
    fn the_extension_is_encoded_as_computed_by_hand() {
        assert_eq!(by_hand().encode().unwrap(), BY_HAND);
        assert_eq!(KeyDescription::decode(BY_HAND), Ok(by_hand()));
    }

    #[test]
    fn the_challenge_is_encoded_as_phones_encode_it() {
        let challenge = AttestationChallenge {
            cpu_id: "C".to_owned(),
            counter: 38,
            uid: "10316".to_owned(),
            named_scheme: SignatureScheme::rsa_pss(32),
        };
        let text = r#"{"cpu_id":"C","counter":38,"uid":"10316","rsa_pss_saltlen":32}"#;
        assert_eq!(challenge.encode(), text);
        let numeric = text.replace("\"10316\"", "10316");
        assert_eq!(AttestationChallenge::decode(numeric.as_bytes()), Ok(challenge));
    }

    #[test]
    fn every_prefix_and_every_changed_bit_is_refused_or_means_something_else() {
        for end in 0..BY_HAND.len() {
            assert!(KeyDescription::decode(&BY_HAND[..end]).is_err(), "{end} bytes");
        }
        for bit in 0..BY_HAND.len() * 8 {
            let mut changed = BY_HAND.to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(KeyDescription::decode(&changed), Ok(by_hand()), "bit {bit}");
        }
        let longer = [BY_HAND, &[0]].concat();
        assert_eq!(KeyDescription::decode(&longer), Err(DecodeError::TrailingBytes { bytes: 1 }));
    }

    #[test]
    fn an_unexpected_field_is_named_with_its_place() {
        let mut changed = BY_HAND.to_vec();
        let algorithm = BY_HAND.windows(2).position(|pair| pair == [0xa2, 0x03]).unwrap();
        changed[algorithm + 4] = 3;
        let expected = DecodeError::DerUnexpected { field: "algorithm", at: algorithm };
        assert_eq!(KeyDescription::decode(&changed), Err(expected));
    }

    #[test]
    fn a_number_is_read_in_its_shortest_form_only() {
        let long_form = [&[0x30, 0x81, 0x6e], &BY_HAND[2..]].concat();
        assert!(matches!(KeyDescription::decode(&long_form), Err(DecodeError::DerMalformed { .. })));
        let indefinite = [&[0x30, 0x80], &BY_HAND[2..], &[0, 0]].concat();
        assert!(matches!(KeyDescription::decode(&indefinite), Err(DecodeError::DerMalformed { .. })));
    }

    #[test]
    fn a_field_is_read_in_its_one_form_only_and_named_otherwise() {
        let with_creation = |field: &[u8]| {
            let software = sequence(&[&no_auth_required().unwrap(), field].concat()).unwrap();
            let enforced = tee_enforced().map(|(_, field)| field.unwrap()).concat();
            let enforced = sequence(&enforced).unwrap();
            let parts =
                [leading_fields().unwrap(), vec![0x04, 0x00], unique_id().unwrap(), software, enforced];
            KeyDescription::decode(&sequence(&parts.concat()).unwrap())
        };
        assert_eq!(with_creation(&[0xbf, 0x85, 0x3d, 3, 2, 1, 5]).unwrap().creation_ms, 5);
        for (what, field) in [
            ("a padded number", &[0xbf, 0x85, 0x3d, 4, 2, 2, 0, 5][..]),
            ("a negative number", &[0xbf, 0x85, 0x3d, 3, 2, 1, 0x85]),
            ("a number of 65 bits", &[0xbf, 0x85, 0x3d, 11, 2, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
            ("no digits", &[0xbf, 0x85, 0x3d, 2, 2, 0]),
            ("two numbers", &[0xbf, 0x85, 0x3d, 6, 2, 1, 5, 2, 1, 5]),
            ("a long length", &[0xbf, 0x85, 0x3d, 0x81, 3, 2, 1, 5]),
            ("an indefinite length", &[0xbf, 0x85, 0x3d, 0x80, 2, 1, 5, 0, 0]),
            ("a padded tag", &[0xbf, 0x80, 0x85, 0x3d, 3, 2, 1, 5]),
            ("a primitive tag", &[0x9f, 0x85, 0x3d, 3, 2, 1, 5]),
            ("another tag", &[0xbf, 0x85, 0x3e, 3, 2, 1, 5]),
            ("no EXPLICIT tag", &[2, 1, 5]),
            ("an ENUMERATED", &[0xbf, 0x85, 0x3d, 3, 10, 1, 5]),
            ("nothing", &[]),
        ] {
            let error = with_creation(field).unwrap_err();
            assert!(error.to_string().contains("creationDateTime"), "{what}: {error}");
        }
    }

    #[test]
    fn a_time_without_braces_is_unchanged_and_others_move_to_the_next_one_without() {
        let time_of = |ms| KeyDescription::with_parsable_time(Vec::new(), ms).creation_ms;
        for (given, expected) in [
            (1_600_000_000_000, 1_600_000_000_000),
            (0x7b, 0x7c),
            (0x7d, 0x7e),
            (0x7b7d, 0x7c00),
            (0x7a7d, 0x7a7e),
            (0x0174_7b7b_0102, 0x0174_7c00_0000),
            (u64::MAX, u64::MAX),
            (0x7dff_ffff_ffff_ffff, 0x7e00_0000_0000_0000),
        ] {
            assert_eq!(time_of(given), expected, "{given:#x}");
        }
    }

    #[test]
    fn a_challenge_longer_than_any_reader_accepts_is_not_encoded() {
        let challenge = vec![b' '; MAX_JSON_BYTES + 1];
        let description = KeyDescription { challenge, ..by_hand() };
        let too_long = DecodeError::TooLong { bytes: MAX_JSON_BYTES + 1, limit: MAX_JSON_BYTES };
        assert_eq!(description.encode(), Err(too_long));
    }
}
