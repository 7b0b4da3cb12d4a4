//! A request's JSON body, parsed once.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;

use crate::json::Json;

/// Members that are found by comparing names one by one. More of them need a [`Value`], which has an index.
const MAX_LISTED_MEMBERS: usize = 16;

/// Maximum length of a name in a form. WeChat's are shorter.
const MAX_FORM_NAME_BYTES: usize = 64;

/// A body.
#[derive(Debug, PartialEq)]
pub(crate) enum Body<'a> {
    /// An object of a few texts, as usual bodies are. The texts are not copied, unless they have escapes.
    Texts(Vec<(Cow<'a, str>, Cow<'a, str>)>),
    /// Any value.
    Value(Value),
}

impl<'a> Body<'a> {
    /// Parses a body. If an object has two members with the same name, the last one counts.
    ///
    /// # Errors
    /// Those of `serde_json` if it is not JSON.
    pub(crate) fn parse(bytes: &'a [u8]) -> serde_json::Result<Self> {
        match serde_json::from_slice(bytes) {
            Ok(Texts(texts)) => Ok(Self::Texts(texts)),
            Err(_) => serde_json::from_slice(bytes).map(Self::Value),
        }
    }

    /// Parses the body of an HTML form. The first of two members with the same name counts. `None` if a name
    /// has other characters than WeChat's and PHP's names, or is too long. Any bytes can be read as a form: of JSON or a
    /// multipart body, the secrets would then be part of a name.
    pub(crate) fn form(bytes: &'a [u8]) -> Option<Self> {
        let texts: Vec<_> = form_urlencoded::parse(bytes).collect();
        texts.iter().all(|(name, _)| is_form_name(name)).then_some(Self::Texts(texts))
    }

    /// Whether it is an object.
    pub(crate) fn is_object(&self) -> bool {
        matches!(self, Self::Texts(_) | Self::Value(Value::Object(_)))
    }

    /// A member. A body that is not an object has none.
    pub(crate) fn get(&self, name: &str) -> Option<Json<'_>> {
        match self {
            Self::Texts(texts) => {
                texts.iter().find(|(other, _)| other == name).map(|(_, text)| Json::Text(text))
            }
            Self::Value(value) => value.get(name).map(Json::Value),
        }
    }

    /// The whole body.
    pub(crate) fn as_json(&self) -> Json<'_> {
        match self {
            Self::Texts(texts) => Json::Texts(texts),
            Self::Value(value) => Json::Value(value),
        }
    }

    /// A member that is a text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Json::as_text)
    }
}

/// Whether a form or a query can have a parameter of this name. PHP's names have brackets.
pub(crate) fn is_form_name(name: &str) -> bool {
    name.len() <= MAX_FORM_NAME_BYTES
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.[]".contains(&byte))
}

/// The form of [`Body::Texts`]. Anything else is an error.
struct Texts<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Texts<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TextsVisitor)
    }
}

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Texts<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of a few texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Texts<'de>, A::Error> {
        let mut texts: Vec<(Cow<'de, str>, Cow<'de, str>)> = Vec::with_capacity(4);
        while let Some((Text(name), Text(text))) = members.next_entry()? {
            if texts.len() == MAX_LISTED_MEMBERS || texts.iter().any(|(other, _)| *other == name) {
                return Err(A::Error::custom("too many members, or two with the same name"));
            }
            texts.push((name, text));
        }
        Ok(Texts(texts))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_few_texts_are_borrowed_and_anything_else_is_a_value() {
        let text = br#" {"openid":"o","json_string":"{\"a\":1}","\u0061":""} "#;
        let body = Body::parse(text).unwrap();
        let Body::Texts(texts) = &body else { panic!("{body:?}") };
        assert!(matches!(texts[0], (Cow::Borrowed("openid"), Cow::Borrowed("o"))));
        assert_eq!(
            (body.text("json_string"), body.text("a"), body.text("b")),
            (Some("{\"a\":1}"), Some(""), None)
        );
        let many: serde_json::Map<_, _> =
            (0..17).map(|number| (format!("m{number}"), "text".into())).collect();
        for value in [
            json!({"a": 1}),
            json!({"a": {"b": "c"}}),
            Value::Object(many),
            json!([]),
            json!("x"),
            json!(0.5),
        ] {
            assert_eq!(Body::parse(value.to_string().as_bytes()).unwrap(), Body::Value(value));
        }
    }

    #[test]
    fn of_members_with_the_same_name_the_last_one_counts() {
        let body = Body::parse(br#"{"a":"first","b":"","\u0061":"last"}"#).unwrap();
        assert_eq!(body, Body::Value(json!({"a": "last", "b": ""})));
        assert_eq!(body.text("a"), Some("last"));
    }

    #[test]
    fn what_is_not_json_is_an_error() {
        for text in [
            "",
            "{",
            r#"{"a":"b"}x"#,
            r#"{"a":"b",}"#,
            "{\"a\":\"\n\"}",
            r#"{"a":"\ud800"}"#,
            r#"{"a":01}"#,
            "{'a':1}",
        ] {
            assert!(Body::parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(Body::parse(b"{\"a\":\"\xff\"}").is_err());
    }
}
