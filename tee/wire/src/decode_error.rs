//! Why bytes from the other side are rejected.

use soter_text::{Text, text};

/// Why bytes are rejected.
///
/// The error depends on the bytes alone, so the same bytes are always rejected for the same reason. Each message is
/// one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text().english())]
#[non_exhaustive]
pub enum DecodeError {
    /// Not standard Base64: a foreign character, a line break, missing padding, or set bits after the last byte.
    Base64 {
        /// Length of the rejected text, in bytes.
        characters: usize,
    },
    /// The text begins with a byte order mark, which some editors add and no phone writes.
    ByteOrderMark,
    /// A certificate chain with too few or too many certificates.
    CertificateCount {
        /// Number of certificates found.
        found: usize,
    },
    /// A counter or numeric uid that has a sign, a fraction or an exponent, or is too big.
    CounterOutOfRange {
        /// The field.
        name: &'static str,
        /// The number, as the parser read it.
        found: String,
    },
    /// DER that ends early, or whose tag, length or number is not in the one form that DER allows.
    DerMalformed {
        /// The field of the structure that was being read.
        field: &'static str,
        /// Offset from the start of the structure, in bytes.
        at: usize,
    },
    /// Well-formed DER that does not hold what every known phone writes there.
    DerUnexpected {
        /// The field of the structure that was being read.
        field: &'static str,
        /// Offset from the start of the structure, in bytes.
        at: usize,
    },
    /// A name that occurs twice in one JSON object. Parsers disagree about which one counts, so neither is accepted.
    DuplicateField {
        /// The name, truncated if it is long.
        name: String,
    },
    /// An export blob that ends before its JSON does.
    ExportBlobCutShort {
        /// Bytes needed, length prefix included.
        expected: usize,
        /// Bytes present.
        found: usize,
    },
    /// An RSA key with a public exponent other than 65537.
    KeyExponent,
    /// Not an RSA SubjectPublicKeyInfo in DER.
    KeyMalformed {
        /// What is wrong with it, or what the DER parser found.
        message: Text,
    },
    /// An RSA key of a size that is not allowed there: SOTER keys have 2048 bits, certificate keys 2048 to 4096.
    KeySize {
        /// Length of the modulus, in bits.
        bits: usize,
    },
    /// A required field is missing.
    MissingField {
        /// The field.
        name: &'static str,
    },
    /// JSON, but not an object.
    NotAnObject {
        /// What was found.
        found: JsonKind,
    },
    /// Not JSON as RFC 8259 defines it.
    NotJson {
        /// Line, counted from 1.
        line: usize,
        /// Column in bytes, counted from 1; 0 is the line's beginning.
        column: usize,
        /// What the parser expected or found.
        message: String,
    },
    /// Bytes that are not UTF-8.
    NotUtf8 {
        /// Offset of the first invalid byte.
        at: usize,
    },
    /// The text is not exactly one PEM block of the expected kind.
    Pem {
        /// The expected label.
        label: &'static str,
        /// What is wrong.
        problem: PemProblem,
    },
    /// A salt length that no RSA-2048 signature with SHA-256 can have.
    SaltLengthOutOfRange {
        /// The number, as the parser read it.
        found: String,
    },
    /// The input is longer than the limit.
    TooLong {
        /// Bytes given.
        bytes: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Bytes follow after the end of the JSON text or of the DER structure.
    TrailingBytes {
        /// Number of bytes that follow.
        bytes: usize,
    },
    /// A field has the wrong JSON type.
    WrongType {
        /// The field.
        name: &'static str,
        /// What it must be.
        expected: JsonKind,
        /// What it is.
        found: JsonKind,
    },
}

/// What a JSON value is, or must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonKind {
    /// An array.
    Array,
    /// An array whose elements are strings.
    ArrayOfStrings,
    /// `true` or `false`.
    Boolean,
    /// A number in plain digits.
    Integer,
    /// `null`.
    Null,
    /// A number.
    Number,
    /// An object.
    Object,
    /// A string.
    String,
    /// A string, or a number in plain digits.
    StringOrInteger,
}

/// What is wrong with a PEM block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PemProblem {
    /// The first line is not its BEGIN line.
    BeginLine,
    /// There is nothing between its first and last line.
    EmptyBody,
    /// A line is empty.
    EmptyLine,
    /// Its END line is missing.
    NoEndLine,
    /// Its body is not Base64.
    NotBase64,
    /// Something follows after its END line.
    TextAfterEnd,
}

impl DecodeError {
    /// What happened, in one line.
    pub fn text(&self) -> Text {
        match self {
            Self::Base64 { characters } => text!(
                "not standard Base64, padded and on one line ({characters} characters given)",
                characters = characters
            ),
            Self::ByteOrderMark => text!(
                "the JSON begins with a byte order mark (EF BB BF); send the bytes as the phone gave them"
            ),
            Self::CertificateCount { found } => {
                text!("the chain holds {found} certificates; expected 2 to 8", found = found)
            }
            Self::CounterOutOfRange { name, found } => text!(
                "`{name}` is {found}; expected an integer from 0 to 9223372036854775807 in plain digits",
                name = name,
                found = found
            ),
            Self::DerMalformed { field, at } => {
                text!("malformed DER at byte {at}, in {field}", at = at, field = field)
            }
            Self::DerUnexpected { field, at } => text!(
                "unexpected content at byte {at}: {field} is not what SOTER phones write",
                at = at,
                field = field
            ),
            Self::DuplicateField { name } => {
                text!("the field {name} occurs twice in one object", name = format!("{name:?}"))
            }
            Self::ExportBlobCutShort { expected, found } => text!(
                "the export blob ends early: {expected} bytes are needed, {found} are there",
                expected = expected,
                found = found
            ),
            Self::KeyExponent => text!("the key's public exponent is not 65537"),
            Self::KeyMalformed { message } => {
                text!("not an RSA public key in SubjectPublicKeyInfo form: {message}", message = message)
            }
            Self::KeySize { bits } => text!(
                "the key has {bits} bits; SOTER keys have 2048, keys of certificate authorities 2048 to 4096",
                bits = bits
            ),
            Self::MissingField { name } => text!("the field `{name}` is missing", name = name),
            Self::NotAnObject { found } => {
                text!("expected a JSON object, found {found}", found = found.text())
            }
            Self::NotJson { line, column, message } => text!(
                "not JSON at line {line}, column {column}: {message}",
                line = line,
                column = column,
                message = message
            ),
            Self::NotUtf8 { at } => text!("not UTF-8 at byte {at}", at = at),
            Self::Pem { label, problem } => {
                text!("not a PEM block `{label}`: {problem}", label = label, problem = problem.text())
            }
            Self::SaltLengthOutOfRange { found } => {
                text!("`rsa_pss_saltlen` is {found}; expected an integer from 0 to 222", found = found)
            }
            Self::TooLong { bytes, limit } => {
                text!("{bytes} bytes are too long; the limit is {limit}", bytes = bytes, limit = limit)
            }
            Self::TrailingBytes { bytes } => text!("{bytes} bytes follow after the end", bytes = bytes),
            Self::WrongType { name, expected, found } => text!(
                "`{name}` is {found}; expected {expected}",
                name = name,
                found = found.text(),
                expected = expected.text()
            ),
        }
    }
}

impl JsonKind {
    /// With its article.
    pub fn text(self) -> Text {
        match self {
            Self::Array => text!("an array"),
            Self::ArrayOfStrings => text!("an array of strings"),
            Self::Boolean => text!("a boolean"),
            Self::Integer => text!("an integer"),
            // As it is written.
            Self::Null => Text::verbatim("null"),
            Self::Number => text!("a number"),
            Self::Object => text!("an object"),
            Self::String => text!("a string"),
            Self::StringOrInteger => text!("a string or an integer"),
        }
    }
}

impl PemProblem {
    /// In a few words.
    pub fn text(self) -> Text {
        match self {
            Self::BeginLine => text!("the first line is not its BEGIN line"),
            Self::EmptyBody => text!("its body is empty"),
            Self::EmptyLine => text!("a line is empty"),
            Self::NoEndLine => text!("its END line is missing"),
            Self::NotBase64 => text!("its body is not Base64"),
            Self::TextAfterEnd => text!("something follows after its END line"),
        }
    }
}

/// The first 64 characters of a text from outside, for a message of one line.
pub(crate) fn truncated(text: &str) -> String {
    const MAX_CHARACTERS: usize = 64;
    match text.char_indices().nth(MAX_CHARACTERS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
