//! A step of the proposal, before it is written.

use std::collections::BTreeMap;

use serde_json::Value;
use soter_text::tr;
use soter_wire::base64;

use super::archive::Exchange;
use super::request::{Field, Part, Place, Rendered};
use super::success::Condition;

/// What stands for a value that only a person knows.
pub(super) const FILL_IN: &str = "FILL-IN";

/// What a person has to know about a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Note {
    /// It was concluded, and may be wrong.
    Guess(String),
    /// It is probably wrong.
    DoubtfulGuess(String),
    /// It is not in the recording.
    Missing(String),
}

/// A step of the proposal.
#[derive(Debug)]
pub(super) struct Draft {
    /// The request's place in the recording.
    pub(super) at: usize,
    pub(super) method: String,
    pub(super) request: Rendered,
    pub(super) status: u16,
    pub(super) computed: Vec<Computed>,
    pub(super) values: BTreeMap<String, Value>,
    pub(super) notes: Vec<Note>,
    /// It is repeated until this condition holds.
    pub(super) until: Option<Condition>,
    signature: Option<Signature>,
}

/// A value that is made before the step.
#[derive(Debug, Default)]
pub(super) struct Computed {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) hash: Option<&'static str>,
    pub(super) key: Option<String>,
    pub(super) encoding: Option<&'static str>,
}

/// A signature of the request. The recording shows only its form.
#[derive(Debug)]
struct Signature {
    place: Place,
    hash: &'static str,
    encoding: &'static str,
}

impl Computed {
    /// Other values, written in another way.
    pub(super) fn encoded(name: &str, parts: &[Part], encoding: &'static str) -> Self {
        Self { name: name.to_owned(), text: template(parts), encoding: Some(encoding), ..Self::default() }
    }

    /// A text with names in it.
    pub(super) fn plain(name: &str, text: String) -> Self {
        Self { name: name.to_owned(), text, ..Self::default() }
    }
}

impl Draft {
    pub(super) fn new(at: usize, exchange: &Exchange) -> Self {
        Self {
            at,
            method: exchange.method.clone(),
            request: Rendered { url: String::new(), headers: Vec::new(), body: None },
            status: exchange.status,
            computed: Vec::new(),
            values: BTreeMap::new(),
            notes: Vec::new(),
            until: None,
            signature: None,
        }
    }

    /// Takes a text for the request's signature, if it looks like one.
    pub(super) fn begin_signature(&mut self, field: Field<'_>, text: &str) -> bool {
        let Some(length) = hash_length(text).filter(|_| self.signature.is_none()) else { return false };
        let hash = match length {
            16 => "md5",
            20 => "sha1",
            32 => "sha256",
            _ => "sha512",
        };
        let encoding = if text.len() != 2 * length {
            "base64"
        } else if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            "upper-hex"
        } else {
            "hex"
        };
        self.signature = Some(Signature { place: field.place, hash, encoding });
        self.notes.push(Note::DoubtfulGuess(tr!(
            "{field} looks like a signature by {hash}. A recording does not show how it is made: change the text of {name}, if it is another one; \"Signed requests\" in audit-description.md says how",
            field = field.shown(),
            hash = hash,
            name = "{{sign}}"
        )));
        self.notes.push(Note::Missing(tr!(
            "the key of the signature: write it in place of {mark}",
            mark = FILL_IN
        )));
        true
    }

    /// Adds the value that the signature is, when all other fields of the request are known.
    pub(super) fn finish_signature(&mut self, fields: &[(Place, String, Vec<Part>)]) {
        let Some(Signature { place, hash, encoding }) = self.signature.take() else { return };
        let mut computed = Computed {
            name: "sign".to_owned(),
            hash: Some(hash),
            encoding: Some(encoding).filter(|encoding| *encoding != "hex"),
            ..Computed::default()
        };
        if place == Place::Header {
            // Headers that are new in each request are usually signed as well.
            let of_headers = fields.iter().filter(|(place, ..)| *place == Place::Header);
            let new = of_headers.flat_map(|(.., parts)| parts).filter_map(|part| match part {
                Part::Name(name) if ["timestamp", "timestampMs", "nonce"].contains(&name.as_str()) => {
                    Some(format!("{{{{{name}}}}}"))
                }
                _ => None,
            });
            let texts = ["{{requestMethod}}", "{{requestPath}}"].map(str::to_owned).into_iter().chain(new);
            let texts: Vec<_> = texts.chain(["{{requestBody}}".to_owned()]).collect();
            computed.text = texts.join("\n");
            computed.key = (hash != "md5").then(|| FILL_IN.to_owned());
        } else {
            computed.text = format!("{{{{sorted}}}}&key={FILL_IN}");
            let others = fields.iter().filter(|(place, _, parts)| {
                matches!(place, Place::Form | Place::Json | Place::Query) && *parts != Part::name("sign")
            });
            computed.parameters = others.map(|(_, name, parts)| (name.clone(), template(parts))).collect();
        }
        self.computed.push(computed);
    }
}

/// The template of these parts, for a place that needs no escapes.
fn template(parts: &[Part]) -> String {
    let written = parts.iter().map(|part| match part {
        Part::Text(text) => text.clone(),
        Part::Name(name) => format!("{{{{{name}}}}}"),
    });
    written.collect()
}

/// Whether a text looks like a hash or its Base64.
fn hash_length(text: &str) -> Option<usize> {
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex && text.len().is_multiple_of(2) {
        return Some(text.len() / 2).filter(|length| [16, 20, 32, 64].contains(length));
    }
    let length = base64::decode(text).ok()?.len();
    [16, 20, 32, 64].contains(&length).then_some(length)
}
