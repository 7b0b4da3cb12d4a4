//! Why bytes from the other side are rejected.

/// Why bytes are rejected.
///
/// The error depends on the bytes alone, so the same bytes are always rejected for the same reason. Each message is
/// one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Not standard Base64: a foreign character, a line break, missing padding, or set bits after the last byte.
    #[error("not standard Base64, padded and on one line ({characters} characters given)")]
    Base64 {
        /// Length of the rejected text, in bytes.
        characters: usize,
    },
    /// The text begins with a byte order mark, which some editors add and no phone writes.
    #[error("the JSON begins with a byte order mark (EF BB BF); send the bytes as the phone gave them")]
    ByteOrderMark,
    /// A certificate chain with too few or too many certificates.
    #[error("the chain holds {found} certificates; expected 2 to 8")]
    CertificateCount {
        /// Number of certificates found.
        found: usize,
    },
    /// A counter or numeric uid that has a sign, a fraction or an exponent, or is too big.
    #[error("`{name}` is {found}; expected an integer from 0 to 9223372036854775807 in plain digits")]
    CounterOutOfRange {
        /// The field.
        name: &'static str,
        /// The number, as the parser read it.
        found: String,
    },
    /// DER that ends early, or whose tag, length or number is not in the one form that DER allows.
    #[error("malformed DER at byte {at}, in {field}")]
    DerMalformed {
        /// The field of the structure that was being read.
        field: &'static str,
        /// Offset from the start of the structure, in bytes.
        at: usize,
    },
    /// Well-formed DER that does not hold what every known phone writes there.
    #[error("unexpected content at byte {at}: {field} is not what SOTER phones write")]
    DerUnexpected {
        /// The field of the structure that was being read.
        field: &'static str,
        /// Offset from the start of the structure, in bytes.
        at: usize,
    },
    /// A name that occurs twice in one JSON object. Parsers disagree about which one counts, so neither is accepted.
    #[error("the field {name:?} occurs twice in one object")]
    DuplicateField {
        /// The name, truncated if it is long.
        name: String,
    },
    /// An export blob that ends before its JSON does.
    #[error("the export blob ends early: {expected} bytes are needed, {found} are there")]
    ExportBlobCutShort {
        /// Bytes needed, length prefix included.
        expected: usize,
        /// Bytes present.
        found: usize,
    },
    /// An RSA key with a public exponent other than 65537.
    #[error("the key's public exponent is not 65537")]
    KeyExponent,
    /// Not an RSA SubjectPublicKeyInfo in DER.
    #[error("not an RSA public key in SubjectPublicKeyInfo form: {message}")]
    KeyMalformed {
        /// What the DER parser found.
        message: String,
    },
    /// An RSA key of a size that is not allowed there: SOTER keys have 2048 bits, certificate keys 2048 to 4096.
    #[error("the key has {bits} bits; SOTER keys have 2048, keys of certificate authorities 2048 to 4096")]
    KeySize {
        /// Length of the modulus, in bits.
        bits: usize,
    },
    /// A required field is missing.
    #[error("the field `{name}` is missing")]
    MissingField {
        /// The field.
        name: &'static str,
    },
    /// JSON, but not an object.
    #[error("expected a JSON object, found {found}")]
    NotAnObject {
        /// What was found, with its article.
        found: &'static str,
    },
    /// Not JSON as RFC 8259 defines it.
    #[error("not JSON at line {line}, column {column}: {message}")]
    NotJson {
        /// Line, counted from 1.
        line: usize,
        /// Column in bytes, counted from 1; 0 is the line's beginning.
        column: usize,
        /// What the parser expected or found.
        message: String,
    },
    /// Bytes that are not UTF-8.
    #[error("not UTF-8 at byte {at}")]
    NotUtf8 {
        /// Offset of the first invalid byte.
        at: usize,
    },
    /// The text is not exactly one PEM block of the expected kind.
    #[error("not a PEM block `{label}`: {problem}")]
    Pem {
        /// The expected label.
        label: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// A salt length that no RSA-2048 signature with SHA-256 can have.
    #[error("`rsa_pss_saltlen` is {found}; expected an integer from 0 to 222")]
    SaltLengthOutOfRange {
        /// The number, as the parser read it.
        found: String,
    },
    /// The input is longer than the limit.
    #[error("{bytes} bytes are too long; the limit is {limit}")]
    TooLong {
        /// Bytes given.
        bytes: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Bytes follow after the end of the JSON text or of the DER structure.
    #[error("{bytes} bytes follow after the end")]
    TrailingBytes {
        /// Number of bytes that follow.
        bytes: usize,
    },
    /// A field has the wrong JSON type.
    #[error("`{name}` is {found}; expected {expected}")]
    WrongType {
        /// The field.
        name: &'static str,
        /// What it must be, with its article.
        expected: &'static str,
        /// What it is, with its article.
        found: &'static str,
    },
}

/// The first 64 characters of a text from outside, for a message of one line.
pub(crate) fn truncated(text: &str) -> String {
    const MAX_CHARACTERS: usize = 64;
    match text.char_indices().nth(MAX_CHARACTERS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
