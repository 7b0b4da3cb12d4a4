//! The key that verifies a signature.

use soter_wire::{CertificateChain, ChainFacts, DecodeError, KeyJson, PublicKey, SignatureScheme};

use crate::reasons::Reason;
use crate::verdict::Verdict;

/// A public key, and what came with it.
pub(super) struct Key {
    pub(super) public: PublicKey,
    /// The scheme that the key's own export names.
    pub(super) named_scheme: Option<SignatureScheme>,
    chain: Option<ChainFacts>,
}

impl Key {
    /// Reads a PEM, the JSON of an ASK or AuthKey, or that of a certificate chain: the content shows which one it is.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Verdict> {
        if let Ok(text) = std::str::from_utf8(bytes)
            && text.trim_start().starts_with("-----BEGIN")
        {
            let public = PublicKey::from_pem(text).map_err(|error| unreadable(&error))?;
            return Ok(Self { public, named_scheme: None, chain: None });
        }
        let key_error = match KeyJson::decode(bytes) {
            Ok(key) => {
                return Ok(Self { public: key.public_key, named_scheme: key.named_scheme, chain: None });
            }
            Err(error) => error,
        };
        match CertificateChain::decode(bytes) {
            Ok(chain) => Self::from_chain(&chain),
            // The bytes are not meant as a chain. A raw LF in `pub_key` makes the chain's parser fail as well.
            Err(DecodeError::MissingField { .. } | DecodeError::NotJson { .. }) => {
                Err(unreadable(&key_error))
            }
            Err(error) => Err(unreadable(&error)),
        }
    }

    fn from_chain(chain: &CertificateChain) -> Result<Self, Verdict> {
        let facts = chain.verify().map_err(|error| Verdict::new(Reason::BrokenChain, error.to_string()))?;
        Ok(Self { public: facts.ask.clone(), named_scheme: facts.challenge.named_scheme, chain: Some(facts) })
    }

    /// Facts about the certificates that do not change the verdict.
    pub(super) fn remarks(&self, unix_seconds: u64) -> Vec<String> {
        let Some(facts) = &self.chain else { return Vec::new() };
        let mut remarks = vec![format!(
            "the chain's root `{}` ({}) is not checked against a list of trusted roots",
            facts.root_common_name.escape_debug(),
            facts.root.fingerprint()
        )];
        if unix_seconds < facts.not_before_unix {
            remarks.push(format!(
                "a certificate becomes valid only at {} seconds after 1970, {} seconds from now",
                facts.not_before_unix,
                facts.not_before_unix - unix_seconds
            ));
        }
        if unix_seconds > facts.not_after_unix {
            remarks.push(format!(
                "a certificate was valid until {} seconds after 1970, {} seconds ago",
                facts.not_after_unix,
                unix_seconds - facts.not_after_unix
            ));
        }
        remarks
    }
}

fn unreadable(error: &DecodeError) -> Verdict {
    Verdict::new(Reason::BadKey, format!("the key cannot be read: {error}"))
}
