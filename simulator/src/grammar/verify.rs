//! `verify`: a signature, a text and a key, all in files.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// `verify --key FILE --json FILE --signature FILE [--salt N]`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Verify {
    /// The public key: PEM (also of a certificate), DER, bare Base64, or the JSON of an ASK, AuthKey or certificate chain
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) key: PathBuf,
    /// The signed text, byte for byte
    #[arg(id = "signed_text", long = "json", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) json: PathBuf,
    /// The signature: 256 raw bytes, or Base64 text
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) signature: PathBuf,
    /// The PSS salt length; left out: the text's own rsa_pss_saltlen, else 20
    #[arg(long, value_name = "BYTES")]
    pub(crate) salt: Option<u16>,
}
