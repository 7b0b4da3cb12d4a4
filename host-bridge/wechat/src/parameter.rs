//! What a request sends by a name: how it is read, and what the OpenAPI document says of it.

use serde_json::{Value, json};

use crate::answer::Errcode;
use crate::json::Json;

/// The names of an access token in a query. WeChat Cloud Run has the second one.
pub(crate) const TOKEN_NAMES: [&str; 2] = ["access_token", "cloudbase_access_token"];

/// A parameter, or a member of a body.
pub(crate) struct Parameter<R> {
    pub(crate) name: &'static str,
    /// What it is: sentences for people.
    pub(crate) description: &'static str,
    /// A value of the right form. Where the emulator knows one beforehand, it is accepted.
    pub(crate) example: &'static str,
    /// The errcodes of a value that the servers do not accept.
    pub(crate) refused: &'static [Errcode],
    /// How it is read.
    pub(crate) reading: R,
}

/// A way to read a parameter.
pub(crate) trait Reading {
    /// What the handler gets.
    type Value<'a>;

    /// Reads what the request has sent by this name.
    fn read<'a>(&self, sent: Option<Json<'a>>) -> Self::Value<'a>;

    /// What the document says of a parameter that is read like this.
    fn rule(&self) -> Rule;
}

/// Whether a parameter is needed, and what it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// A text. Without it, the answer is this errcode.
    Required(Errcode),
    /// This text. Without it, and with another one, the answer is this errcode.
    Only(&'static str, Errcode),
    /// A text. Without it, the answer is a refusal of the path's own.
    Judged,
    /// A text that may be left out.
    Optional,
    /// `true` or `false`; left out, it is `false`.
    Flag,
}

/// A text that is needed. Without it, the errcode.
pub(crate) struct Required(pub(crate) Errcode);

/// This text and no other one. Otherwise, the errcode.
pub(crate) struct Only(pub(crate) &'static str, pub(crate) Errcode);

/// Anything; the handler judges it.
pub(crate) struct Judged;

/// A text that may be left out.
pub(crate) struct Optional;

/// `true`, or anything else.
pub(crate) struct Flag;

impl Reading for Required {
    type Value<'a> = Result<&'a str, Errcode>;

    fn read<'a>(&self, sent: Option<Json<'a>>) -> Result<&'a str, Errcode> {
        sent.and_then(Json::as_text).ok_or(self.0)
    }

    fn rule(&self) -> Rule {
        Rule::Required(self.0)
    }
}

impl Reading for Only {
    type Value<'a> = Result<(), Errcode>;

    fn read(&self, sent: Option<Json<'_>>) -> Result<(), Errcode> {
        if sent.and_then(Json::as_text) == Some(self.0) { Ok(()) } else { Err(self.1) }
    }

    fn rule(&self) -> Rule {
        Rule::Only(self.0, self.1)
    }
}

impl Reading for Judged {
    type Value<'a> = Option<Json<'a>>;

    fn read<'a>(&self, sent: Option<Json<'a>>) -> Option<Json<'a>> {
        sent
    }

    fn rule(&self) -> Rule {
        Rule::Judged
    }
}

impl Reading for Optional {
    type Value<'a> = Option<&'a str>;

    fn read<'a>(&self, sent: Option<Json<'a>>) -> Option<&'a str> {
        sent.and_then(Json::as_text)
    }

    fn rule(&self) -> Rule {
        Rule::Optional
    }
}

impl Reading for Flag {
    type Value<'a> = bool;

    fn read(&self, sent: Option<Json<'_>>) -> bool {
        matches!(sent, Some(Json::Value(Value::Bool(true))))
    }

    fn rule(&self) -> Rule {
        Rule::Flag
    }
}

/// A parameter without the type by which it is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Described {
    pub(crate) name: &'static str,
    description: &'static str,
    example: &'static str,
    refused: &'static [Errcode],
    pub(crate) rule: Rule,
}

impl<R: Reading> Parameter<R> {
    /// What the document says of it.
    pub(crate) fn described(&self) -> Described {
        let Self { name, description, example, refused, reading } = self;
        Described { name, description, example, refused, rule: reading.rule() }
    }
}

impl Described {
    /// Whether a request without it is refused.
    pub(crate) fn is_required(&self) -> bool {
        match self.rule {
            Rule::Required(_) | Rule::Only(..) | Rule::Judged => true,
            Rule::Optional | Rule::Flag => false,
        }
    }

    /// The errcodes that it can cause.
    pub(crate) fn errcodes(&self) -> impl Iterator<Item = Errcode> {
        let missing = match self.rule {
            Rule::Required(errcode) | Rule::Only(_, errcode) => Some(errcode),
            Rule::Judged | Rule::Optional | Rule::Flag => None,
        };
        missing.into_iter().chain(self.refused.iter().copied())
    }

    /// Its description, with what is answered without it and to a value that is not accepted.
    pub(crate) fn text(&self) -> String {
        let mut sentences = vec![self.description.to_owned()];
        match self.rule {
            Rule::Required(errcode) | Rule::Only(_, errcode) => {
                sentences.push(format!("Without it: errcode {}.", errcode.code()));
            }
            Rule::Judged => sentences.push("Without it, the answer is a refusal.".to_owned()),
            Rule::Optional | Rule::Flag => {}
        }
        if !self.refused.is_empty() {
            let named = |errcode: &Errcode| format!("{} ({})", errcode.code(), errcode.name());
            let refused: Vec<_> = self.refused.iter().map(named).collect();
            sentences.push(format!("Not accepted: errcode {}.", refused.join(" or ")));
        }
        sentences.join(" ")
    }

    /// Its schema in OpenAPI.
    pub(crate) fn schema(&self) -> Value {
        match self.rule {
            Rule::Required(_) => json!({"type": "string", "minLength": 1}),
            Rule::Only(text, _) => json!({"type": "string", "enum": [text]}),
            Rule::Judged | Rule::Optional => json!({"type": "string"}),
            Rule::Flag => json!({"type": "boolean", "default": false}),
        }
    }

    /// An example of its value.
    pub(crate) fn example(&self) -> Value {
        match self.rule {
            Rule::Only(text, _) => text.into(),
            Rule::Flag => false.into(),
            Rule::Required(_) | Rule::Judged | Rule::Optional => self.example.into(),
        }
    }
}
