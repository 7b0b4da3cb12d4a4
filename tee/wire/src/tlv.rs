//! The DER that the key-attestation extension needs. Unlike the `der` crate, it reports which field differs from the one
//! form that is accepted, and at which offset.

use crate::decode_error::DecodeError;

pub(crate) const INTEGER: &[u8] = &[0x02];
pub(crate) const OCTET_STRING: &[u8] = &[0x04];
pub(crate) const NULL: &[u8] = &[0x05];
pub(crate) const ENUMERATED: &[u8] = &[0x0a];
pub(crate) const SEQUENCE: &[u8] = &[0x30];
pub(crate) const SET: &[u8] = &[0x31];

/// The tag `[number]` of an EXPLICIT field.
pub(crate) fn context(number: u16) -> Vec<u8> {
    const CONSTRUCTED_CONTEXT: u8 = 0xa0;
    const HIGH_NUMBER: u8 = 0x1f;
    let low_septet = |number: u16| u8::try_from(number & 0x7f).unwrap_or_default();
    if number < u16::from(HIGH_NUMBER) {
        return vec![CONSTRUCTED_CONTEXT | low_septet(number)];
    }
    let mut septets = vec![low_septet(number)];
    let mut rest = number >> 7;
    while rest > 0 {
        septets.push(0x80 | low_septet(rest));
        rest >>= 7;
    }
    septets.push(CONSTRUCTED_CONTEXT | HIGH_NUMBER);
    septets.reverse();
    septets
}

/// One element: tag, length, content.
pub(crate) fn element(tag: &[u8], content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(tag.len() + 5 + content.len());
    out.extend_from_slice(tag);
    match u8::try_from(content.len()) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let bytes = content.len().to_be_bytes();
            let significant = strip_zeros(&bytes);
            // INVARIANT: a `usize` has far less than 127 bytes.
            out.push(0x80 | u8::try_from(significant.len()).unwrap_or_default());
            out.extend_from_slice(significant);
        }
    }
    out.extend_from_slice(content);
    out
}

/// An unsigned number as an element; `tag` is that of an INTEGER or of an ENUMERATED.
pub(crate) fn number(tag: &[u8], value: u64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let significant = strip_zeros(&bytes);
    let mut content = Vec::with_capacity(9);
    // A set first bit would make it negative.
    if significant.first().is_none_or(|first| first & 0x80 != 0) {
        content.push(0);
    }
    content.extend_from_slice(significant);
    element(tag, &content)
}

fn strip_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

/// Reads elements one after the other and tracks its offset.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    /// Offset of `rest` from the start of the structure.
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, at: 0 }
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.rest.is_empty()
    }

    /// Offset of the next element from the start of the structure.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Everything that was not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The content of the next element, which must have this tag.
    pub(crate) fn enter(&mut self, field: &'static str, tag: &[u8]) -> Result<Reader<'a>, DecodeError> {
        if self.rest.get(..tag.len()).is_none_or(|found| found != tag) {
            return Err(DecodeError::DerUnexpected { field, at: self.at });
        }
        let malformed = DecodeError::DerMalformed { field, at: self.at };
        let (header, length) = self.content_length(tag.len()).ok_or_else(|| malformed.clone())?;
        let content = self.rest.get(header..).and_then(|content| content.get(..length)).ok_or(malformed)?;
        let inner = Reader { rest: content, at: self.at + header };
        self.skip(header + length);
        Ok(inner)
    }

    /// Consumes exactly these bytes.
    pub(crate) fn fixed(&mut self, field: &'static str, expected: &[u8]) -> Result<(), DecodeError> {
        if !self.rest.starts_with(expected) {
            return Err(DecodeError::DerUnexpected { field, at: self.at });
        }
        self.skip(expected.len());
        Ok(())
    }

    /// The next element as an unsigned INTEGER of at most 64 bits.
    pub(crate) fn unsigned(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        let at = self.at;
        let content = self.enter(field, INTEGER)?.rest;
        let magnitude = match content {
            [] => None,
            [0] => Some(content),
            // A leading zero byte is allowed only if the number would be negative without it.
            [0, first, ..] if *first < 0x80 => None,
            [0, magnitude @ ..] => Some(magnitude),
            [first, ..] if *first >= 0x80 => None,
            magnitude => Some(magnitude),
        };
        magnitude
            .filter(|magnitude| magnitude.len() <= size_of::<u64>())
            .map(|magnitude| magnitude.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)))
            .ok_or(DecodeError::DerMalformed { field, at })
    }

    /// Fails if bytes are left.
    pub(crate) fn finish(&self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::TrailingBytes { bytes: self.rest.len() }) }
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
        self.at += bytes;
    }

    /// Size of tag and length, and the length itself; `None` if it is not complete and in DER's shortest form.
    fn content_length(&self, tag: usize) -> Option<(usize, usize)> {
        let first = *self.rest.get(tag)?;
        if first < 0x80 {
            return Some((tag + 1, first.into()));
        }
        let digits = usize::from(first & 0x7f);
        let bytes = self.rest.get(tag + 1..)?.get(..digits)?;
        if digits > size_of::<u32>() || bytes.first().is_none_or(|&byte| byte == 0) {
            return None;
        }
        let length = bytes.iter().fold(0_u32, |length, &byte| length << 8 | u32::from(byte));
        let length = usize::try_from(length).ok().filter(|&length| length >= 0x80)?;
        Some((tag + 1 + digits, length))
    }
}
