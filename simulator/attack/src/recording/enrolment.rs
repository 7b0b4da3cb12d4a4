//! The recorded requests that bring a phone's keys to an application, which then checks signatures itself.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::archive::Exchange;
use super::callback::{is_signature, object_in};

/// The keys, and where they are sent.
#[derive(Debug, Default)]
pub(super) struct Enrolment {
    /// The requests that carry a key.
    pub(super) at: BTreeSet<usize>,
    /// Texts of the phone's exports, and their names in a description.
    names: BTreeMap<String, &'static str>,
}

impl Enrolment {
    /// The keys that were sent before the result.
    pub(super) fn find(exchanges: &[Exchange], result: usize) -> Self {
        let mut found = Self::default();
        for (at, exchange) in exchanges.iter().take(result).enumerate() {
            let texts = exchange.texts();
            let mut of_request = Vec::new();
            for (name, _, text) in &texts {
                let Some(key) = public_key(text) else { continue };
                let is_ask = match name.to_ascii_lowercase() {
                    name if name.contains("ask") => true,
                    name if name.contains("auth") => false,
                    // The keys come in their order: each is signed by the one before it.
                    _ => !found.names.values().any(|name| *name == "askJSON"),
                };
                found.names.insert(text.clone(), if is_ask { "askJSON" } else { "authKeyJSON" });
                if !is_ask {
                    found.names.insert(key, "publicKey");
                }
                of_request.push(if is_ask { "askSignature" } else { "authKeySignature" });
            }
            let signatures = texts.iter().filter(|(.., text)| is_signature(text));
            for ((.., signature), name) in signatures.zip(&of_request) {
                found.names.insert(signature.clone(), name);
            }
            if !of_request.is_empty() {
                found.at.insert(at);
            }
        }
        found
    }

    pub(super) fn name(&self, text: &str) -> Option<&'static str> {
        self.names.get(text).copied()
    }
}

/// The public key in a key's JSON.
fn public_key(text: &str) -> Option<String> {
    // Some phones write line feeds into the JSON as they are.
    let json = object_in(text).or_else(|| object_in(&text.replace('\n', "\\n")))?;
    json.get("cpu_id").filter(|id| id.is_string())?;
    json.get("pub_key").and_then(Value::as_str).map(str::to_owned)
}
