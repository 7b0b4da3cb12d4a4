//! The key-attestation extension in the leaf of a certificate-chain ASK.

// Writing to a `String` does not fail, so the results of `write!` are ignored.
use std::fmt::Write as _;

use der::asn1::ObjectIdentifier;

use crate::decode_error::DecodeError;
use crate::json::{MAX_JSON, Object, encode_string};
use crate::signature_scheme::SignatureScheme;
use crate::tlv::{self, ENUMERATED, INTEGER, NULL, OCTET_STRING, Reader, SEQUENCE, SET};

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
    /// [`DecodeError::TooLong`] if the challenge is longer than [`MAX_JSON`], which no reader would accept.
    pub fn encode(&self) -> Result<Vec<u8>, DecodeError> {
        if self.challenge.len() > MAX_JSON {
            return Err(DecodeError::TooLong { bytes: self.challenge.len(), limit: MAX_JSON });
        }
        let mut content = head();
        content.extend(tlv::element(OCTET_STRING, &self.challenge));
        content.extend(unique_id());
        let creation = tlv::element(&creation_tag(), &tlv::number(INTEGER, self.creation_ms));
        content.extend(tlv::element(SEQUENCE, &[no_auth_required(), creation].concat()));
        let mut enforced: Vec<u8> = tee_enforced().into_iter().flat_map(|(_, bytes)| bytes).collect();
        if let Some((version, patch_level)) = self.os {
            enforced.extend(explicit_number(705, version.into()));
            enforced.extend(explicit_number(706, patch_level.into()));
        }
        content.extend(tlv::element(SEQUENCE, &enforced));
        Ok(tlv::element(SEQUENCE, &content))
    }

    /// Decodes the extension's value. Only the form that [`encode`](Self::encode) writes is accepted; no phone is
    /// known to write another form.
    ///
    /// # Errors
    /// [`DecodeError::TooLong`] if the challenge is longer than [`MAX_JSON`], [`DecodeError::DerMalformed`] if an
    /// element ends early or its length or number is not valid DER, [`DecodeError::DerUnexpected`] if a field is not
    /// what phones write, [`DecodeError::TrailingBytes`] if bytes follow after the end.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut outer = Reader::new(bytes);
        let mut description = outer.enter("KeyDescription", SEQUENCE)?;
        outer.finish()?;

        description.fixed("the versions and security levels", &head())?;
        let challenge = description.enter("attestationChallenge", OCTET_STRING)?.rest();
        if challenge.len() > MAX_JSON {
            return Err(DecodeError::TooLong { bytes: challenge.len(), limit: MAX_JSON });
        }
        description.fixed("uniqueId", &unique_id())?;

        let mut software = description.enter("softwareEnforced", SEQUENCE)?;
        software.fixed("noAuthRequired", &no_auth_required())?;
        let creation_ms = explicit_unsigned(&mut software, "creationDateTime", &creation_tag())?;
        software.finish()?;

        let mut tee = description.enter("teeEnforced", SEQUENCE)?;
        description.finish()?;
        for (field, bytes) in tee_enforced() {
            tee.fixed(field, &bytes)?;
        }
        let os = if tee.is_finished() {
            None
        } else {
            Some((read_u32(&mut tee, "osVersion", 705)?, read_u32(&mut tee, "osPatchLevel", 706)?))
        };
        tee.finish()?;
        Ok(Self { challenge: challenge.to_vec(), creation_ms, os })
    }
}

/// The fields before the challenge: Keymaster 3 in a TEE, attestation version 2.
fn head() -> Vec<u8> {
    const ATTESTATION_VERSION: u64 = 2;
    const KEYMASTER_VERSION: u64 = 3;
    const TRUSTED_ENVIRONMENT: u64 = 1;
    [
        tlv::number(INTEGER, ATTESTATION_VERSION),
        tlv::number(ENUMERATED, TRUSTED_ENVIRONMENT),
        tlv::number(INTEGER, KEYMASTER_VERSION),
        tlv::number(ENUMERATED, TRUSTED_ENVIRONMENT),
    ]
    .concat()
}

fn unique_id() -> Vec<u8> {
    tlv::element(OCTET_STRING, &[])
}

fn no_auth_required() -> Vec<u8> {
    tlv::element(&tlv::context(503), &tlv::element(NULL, &[]))
}

fn creation_tag() -> Vec<u8> {
    tlv::context(701)
}

/// What the TEE enforces for every ASK, in order.
fn tee_enforced() -> [(&'static str, Vec<u8>); 7] {
    /// Huawei's own purpose, outside Android's values.
    const PURPOSE: u64 = 0xff01_0001;
    [
        ("purpose", explicit_set(1, PURPOSE)),
        ("algorithm", explicit_number(2, 1)),
        ("keySize", explicit_number(3, 2048)),
        ("digest", explicit_set(5, 4)),
        ("padding", explicit_set(6, 3)),
        ("rsaPublicExponent", explicit_number(200, 65537)),
        ("origin", explicit_number(702, 0)),
    ]
}

fn explicit_number(tag: u16, value: u64) -> Vec<u8> {
    tlv::element(&tlv::context(tag), &tlv::number(INTEGER, value))
}

fn explicit_set(tag: u16, only: u64) -> Vec<u8> {
    tlv::element(&tlv::context(tag), &tlv::element(SET, &tlv::number(INTEGER, only)))
}

fn explicit_unsigned(reader: &mut Reader<'_>, field: &'static str, tag: &[u8]) -> Result<u64, DecodeError> {
    let mut inner = reader.enter(field, tag)?;
    let value = inner.unsigned(field)?;
    inner.finish()?;
    Ok(value)
}

fn read_u32(reader: &mut Reader<'_>, field: &'static str, tag: u16) -> Result<u32, DecodeError> {
    let at = reader.at();
    let value = explicit_unsigned(reader, field, &tlv::context(tag))?;
    u32::try_from(value).map_err(|_| DecodeError::DerUnexpected { field, at })
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
        let challenge = vec![b' '; MAX_JSON + 1];
        let description = KeyDescription { challenge, ..by_hand() };
        let too_long = DecodeError::TooLong { bytes: MAX_JSON + 1, limit: MAX_JSON };
        assert_eq!(description.encode(), Err(too_long));
    }
}
