//! The key that verifies a signature, in any of the forms in which people keep keys.

use soter_text::{Text, text};
use soter_wire::json::MAX_JSON_BYTES;
use soter_wire::{
    CertificateChain, ChainFacts, DecodeError, KeyJson, PublicKey, SignatureScheme, base64, pem, shortened,
};

use super::changes::decode_string;
use crate::reasons::Reason;
use crate::verdict::Verdict;

/// Every form that [`Key::parse`] reads. Each refusal names all of them.
fn forms() -> Text {
    text!(
        "a key is PEM (PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE), the same as DER or bare Base64, or the JSON of an ASK, an AuthKey or a certificate chain, also pasted as a JSON string"
    )
}

/// A public key, and what came with it.
pub(super) struct Key {
    pub(super) public: PublicKey,
    /// The scheme that the key's own export names.
    pub(super) named_scheme: Option<SignatureScheme>,
    source: Source,
}

/// What the key was taken from.
enum Source {
    Bare,
    Certificate,
    Chain(Box<ChainFacts>),
}

impl Key {
    /// Reads a key; the content shows which form it has.
    ///
    /// # Errors
    /// [`Reason::BadKey`] if it has none, [`Reason::BrokenChain`] if it is a certificate chain that does not verify.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Verdict> {
        if bytes.len() > MAX_JSON_BYTES {
            return Err(unreadable(
                DecodeError::TooLong { bytes: bytes.len(), limit: MAX_JSON_BYTES }.text(),
            ));
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::from_text(text),
            Err(_) if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) => {
                Err(unreadable(text!(
                    "it is UTF-16, which PowerShell's `>` writes; `Get-Content OLD | Set-Content -Encoding ascii NEW` writes plain text"
                )))
            }
            Err(_) => Self::from_der(bytes),
        }
    }

    fn from_text(text: &str) -> Result<Self, Verdict> {
        let trimmed = text.trim();
        if trimmed.starts_with('"') || trimmed.starts_with("{\\\"") {
            let inner = decode_string(trimmed)
                .ok_or_else(|| unreadable(text!("the JSON string around it is broken")))?;
            return Self::from_plain_text(&inner);
        }
        Self::from_plain_text(text)
    }

    fn from_plain_text(text: &str) -> Result<Self, Verdict> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            Err(unreadable(text!("it is empty")))
        } else if trimmed.starts_with('\u{feff}') {
            Err(unreadable(text!("it begins with a byte order mark; save it as UTF-8 without one")))
        } else if trimmed.starts_with("-----BEGIN") {
            Self::from_pem(trimmed)
        } else if trimmed.starts_with(['{', '[']) {
            Self::from_json(text.as_bytes())
        } else {
            let joined: String = trimmed.split_ascii_whitespace().collect();
            let der = base64::decode(&joined)
                .map_err(|_| unreadable(text!("it is neither PEM, JSON nor Base64")))?;
            Self::from_der(&der)
        }
    }

    fn from_pem(text: &str) -> Result<Self, Verdict> {
        let first_line = text.lines().next().unwrap_or_default();
        let label = first_line.trim_start_matches("-----BEGIN ").trim_end_matches("-----");
        let (public, source) = match label {
            _ if label.ends_with("PRIVATE KEY") => {
                return Err(unreadable(text!(
                    "it is a private key; `openssl pkey -pubout` writes its public half"
                )));
            }
            _ if first_line.contains("-----END") => {
                return Err(unreadable(if first_line.contains("\\n") {
                    text!(
                        "the PEM has the two characters `\\n` in place of its line ends; put line feeds there"
                    )
                } else {
                    text!(
                        "the PEM is on one line, or its line ends are CR alone; put line feeds after its BEGIN line and before its END line"
                    )
                }));
            }
            _ if text.matches("-----BEGIN ").nth(1).is_some() => {
                return Err(unreadable(text!(
                    "it holds several PEM blocks; give one key or one certificate"
                )));
            }
            "CERTIFICATE" => {
                let der = pem::decode("CERTIFICATE", text).map_err(|error| unreadable(error.text()))?;
                (PublicKey::from_certificate_der(&der), Source::Certificate)
            }
            "RSA PUBLIC KEY" => {
                let der = pem::decode("RSA PUBLIC KEY", text).map_err(|error| unreadable(error.text()))?;
                (PublicKey::from_pkcs1_der(&der), Source::Bare)
            }
            _ => (PublicKey::from_pem(text), Source::Bare),
        };
        Ok(Self { public: public.map_err(|error| unreadable(error.text()))?, named_scheme: None, source })
    }

    /// Reads a `SubjectPublicKeyInfo`, PKCS#1 or a certificate.
    fn from_der(der: &[u8]) -> Result<Self, Verdict> {
        let forms = [
            (PublicKey::from_spki_der(der), Source::Bare),
            (PublicKey::from_pkcs1_der(der), Source::Bare),
            (PublicKey::from_certificate_der(der), Source::Certificate),
        ];
        for (read, source) in forms {
            match read {
                Ok(public) => return Ok(Self { public, named_scheme: None, source }),
                Err(DecodeError::KeyMalformed { .. }) => {}
                // It has this form, but it is not a SOTER key.
                Err(error) => return Err(unreadable(error.text())),
            }
        }
        let start = shortened(&base16ct::lower::encode_string(der.get(..8).unwrap_or(der)), 16).to_owned();
        Err(unreadable(text!(
            "{bytes} bytes that begin with {start} are not an RSA key in DER",
            bytes = der.len(),
            start = start
        )))
    }

    fn from_json(bytes: &[u8]) -> Result<Self, Verdict> {
        let key_error = match KeyJson::decode(bytes) {
            Ok(KeyJson { public_key: public, named_scheme, .. }) => {
                return Ok(Self { public, named_scheme, source: Source::Bare });
            }
            Err(error) => error,
        };
        match CertificateChain::decode(bytes) {
            Ok(chain) => Self::from_chain(&chain),
            // The bytes are not meant as a chain. A raw LF in `pub_key` makes the chain's parser fail as well.
            Err(DecodeError::MissingField { .. } | DecodeError::NotJson { .. }) => {
                Err(unreadable(key_error.text()))
            }
            Err(error) => Err(unreadable(error.text())),
        }
    }

    fn from_chain(chain: &CertificateChain) -> Result<Self, Verdict> {
        let facts = chain.verify().map_err(|error| Verdict::new(Reason::BrokenChain, error.text()))?;
        Ok(Self {
            public: facts.ask.clone(),
            named_scheme: facts.challenge.named_scheme,
            source: Source::Chain(Box::new(facts)),
        })
    }

    /// Facts about the certificates that do not change the verdict.
    pub(super) fn remarks(&self, unix_seconds: u64) -> Vec<Text> {
        let facts = match &self.source {
            Source::Bare => return Vec::new(),
            Source::Certificate => {
                return vec![text!(
                    "the key is a certificate's; who signed the certificate, and when it is valid, is not checked"
                )];
            }
            Source::Chain(facts) => facts,
        };
        let mut remarks = vec![text!(
            "the chain's root `{root}` ({fingerprint}) is not checked against a list of trusted roots",
            root = facts.root_common_name.escape_debug(),
            fingerprint = facts.root.fingerprint()
        )];
        if unix_seconds < facts.not_before_unix {
            remarks.push(text!(
                "a certificate becomes valid only at {at} seconds after 1970, {seconds} seconds from now",
                at = facts.not_before_unix,
                seconds = facts.not_before_unix - unix_seconds
            ));
        }
        if unix_seconds > facts.not_after_unix {
            remarks.push(text!(
                "a certificate was valid until {at} seconds after 1970, {seconds} seconds ago",
                at = facts.not_after_unix,
                seconds = unix_seconds - facts.not_after_unix
            ));
        }
        remarks
    }
}

#[expect(clippy::needless_pass_by_value, reason = "callers build the text in place")]
fn unreadable(cause: Text) -> Verdict {
    let detail = text!("the key cannot be read: {cause}. Forms: {forms}", cause = cause, forms = forms());
    Verdict::new(Reason::BadKey, detail)
}
