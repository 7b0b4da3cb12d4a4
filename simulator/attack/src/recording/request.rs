//! The texts of a recorded request, one by one, and the request again with names in place of some of them.

use serde_json::{Map, Value};
use soter_bridge::visible;
use soter_text::tr;
use soter_wire::json::{encode_string, escaped_text};

use super::archive::{Body, Exchange};

/// Headers that a client adds by itself, or that the audit makes; and those that begin so.
const CLIENTS_HEADERS: [&str; 22] = [
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "connection",
    "content-length",
    "cookie",
    "dnt",
    "expect",
    "host",
    "keep-alive",
    "origin",
    "pragma",
    "priority",
    "proxy-connection",
    "referer",
    "te",
    "transfer-encoding",
    "upgrade-insecure-requests",
    "user-agent",
    "via",
    "save-data",
];
const CLIENTS_BEGINNINGS: [&str; 5] = ["if-", "sec-", "x-forwarded-", "x-wx-", "proxy-"];

/// Where in a request a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
    Header,
    Form,
    Json,
    /// The whole body, which has no parts that are known.
    Text,
}

/// A text's place and name. A part of a path is named after the part before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    pub(super) place: Place,
    pub(super) name: &'a str,
}

impl Field<'_> {
    /// What it is called in remarks.
    pub(super) fn shown(self) -> String {
        let name = visible(self.name);
        match self.place {
            Place::Header => tr!("the header {name}", name = name),
            Place::Path => tr!("the part of the path behind {name}", name = name),
            Place::Text => tr!("the body"),
            Place::Form | Place::Json | Place::Query => format!("`{name}`"),
        }
    }
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    /// A name, without its braces.
    Name(String),
}

/// A request of a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rendered {
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<String>,
}

impl Part {
    pub(super) fn text(text: &str) -> Vec<Self> {
        vec![Self::Text(text.to_owned())]
    }

    pub(super) fn name(name: &str) -> Vec<Self> {
        vec![Self::Name(name.to_owned())]
    }
}

impl Exchange {
    /// The request, with what `replace` makes of each of its texts.
    pub(super) fn render(&self, replace: &mut dyn FnMut(Field<'_>, &str) -> Vec<Part>) -> Rendered {
        let mut url = String::new();
        let mut before = String::new();
        for segment in self.url.path_segments().into_iter().flatten() {
            let decoded = decoded_segment(segment);
            let parts = replace(Field { place: Place::Path, name: &before }, &decoded);
            url.push('/');
            if parts == Part::text(&decoded) {
                url.push_str(segment);
            } else {
                url.push_str(&write(&parts, percent_encoded));
            }
            before = decoded;
        }
        let mut begin = '?';
        for (name, value) in self.url.query_pairs() {
            let parts = replace(Field { place: Place::Query, name: &name }, &value);
            url.push(begin);
            url.push_str(&percent_encoded(&name));
            url.push('=');
            url.push_str(&write(&parts, percent_encoded));
            begin = '&';
        }
        let mut headers = Vec::new();
        for (name, value) in self.headers.iter().filter(|(name, value)| self.keeps_header(name, value)) {
            let parts = replace(Field { place: Place::Header, name }, value);
            headers.push((capitalised(name), write(&parts, str::to_owned)));
        }
        let body = match &self.body {
            Body::None => None,
            Body::Form(fields) => {
                let fields = fields.iter().map(|(name, value)| {
                    let parts = replace(Field { place: Place::Form, name }, value);
                    format!("{}={}", percent_encoded(name), write(&parts, percent_encoded))
                });
                Some(fields.collect::<Vec<_>>().join("&"))
            }
            Body::Json(json) => {
                let mut out = String::new();
                write_json(json, "", replace, &mut out);
                Some(out)
            }
            Body::Text(text) => {
                Some(write(&replace(Field { place: Place::Text, name: "" }, text), str::to_owned))
            }
        };
        Rendered { url, headers, body }
    }

    /// The texts of the request, with their names.
    pub(super) fn texts(&self) -> Vec<(String, Place, String)> {
        let mut texts = Vec::new();
        self.render(&mut |field, text| {
            texts.push((field.name.to_owned(), field.place, text.to_owned()));
            Part::text(text)
        });
        texts
    }

    /// Whether the audit would not send this header by itself.
    fn keeps_header(&self, name: &str, value: &str) -> bool {
        match name {
            // Some servers answer with a page instead, if it is missing.
            "accept" => value.starts_with("application/json"),
            // The audit guesses these two from the body.
            "content-type" => match &self.body {
                Body::None => false,
                Body::Json(_) => !value.contains("json"),
                Body::Form(fields) => fields.is_empty() || !value.contains("x-www-form-urlencoded"),
                Body::Text(_) => true,
            },
            _ => {
                !CLIENTS_HEADERS.contains(&name)
                    && !CLIENTS_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
            }
        }
    }
}

/// A JSON text, with what `replace` makes of each of its leaves. An element of a list is named as the list.
pub(super) fn write_json(
    json: &Value,
    name: &str,
    replace: &mut dyn FnMut(Field<'_>, &str) -> Vec<Part>,
    out: &mut String,
) {
    let field = Field { place: Place::Json, name };
    match json {
        Value::Object(members) => write_object(members, replace, out),
        Value::Array(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write_json(element, name, replace, out);
            }
            out.push(']');
        }
        Value::String(text) => {
            out.push('"');
            out.push_str(&write(&replace(field, text), escaped_text));
            out.push('"');
        }
        Value::Number(number) => {
            out.push_str(&write(&replace(field, &number.to_string()), escaped_text));
        }
        Value::Bool(_) | Value::Null => out.push_str(&json.to_string()),
    }
}

fn write_object(
    members: &Map<String, Value>,
    replace: &mut dyn FnMut(Field<'_>, &str) -> Vec<Part>,
    out: &mut String,
) {
    out.push('{');
    for (index, (name, value)) in members.iter().enumerate() {
        out.push_str(if index > 0 { "," } else { "" });
        encode_string(name, out, false);
        out.push(':');
        write_json(value, name, replace, out);
    }
    out.push('}');
}

fn write(parts: &[Part], encode: impl Fn(&str) -> String) -> String {
    let written = parts.iter().map(|part| match part {
        Part::Text(text) => encode(text),
        Part::Name(name) => format!("{{{{{name}}}}}"),
    });
    written.collect()
}

fn percent_encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// A part of a path without percent-encoding; in a path, a plus sign stands for itself.
fn decoded_segment(segment: &str) -> String {
    let pair = segment.replace('+', "%2B").replace('&', "%26");
    let decoded =
        form_urlencoded::parse(pair.as_bytes()).next().map(|(name, value)| (name.into_owned(), value));
    match decoded {
        Some((name, value)) if !segment.contains('=') && value.is_empty() => name,
        _ => segment.to_owned(),
    }
}

/// A header's name as people write it.
fn capitalised(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        first.to_ascii_uppercase() + rest
    });
    words.collect::<Vec<_>>().join("-")
}
