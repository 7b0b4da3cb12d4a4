//! Where a value stands in an answer.

use std::borrow::Cow;
use std::fmt;

use regex::Regex;
use reqwest::header::HeaderName;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, de};
use soter_text::{Text, own_message, text};

use super::regular_expression;
use crate::application::pointer::Pointer;
use crate::application::template::names;

/// Where a value stands in an answer.
#[derive(Clone, Debug)]
pub(in crate::application) struct Source {
    pub(in crate::application) place: Place,
    /// The part of the text at that place that is the value: the first group of this expression.
    pub(in crate::application) regex: Option<Regex>,
}

/// A place in an answer.
#[derive(Clone, Debug)]
pub(in crate::application) enum Place {
    /// The whole body, without blanks around it.
    Body,
    /// A cookie that is set, by this answer or an earlier one.
    Cookie(String),
    /// An element of an HTML page: its text, or an attribute.
    Element {
        selector: Selector,
        attribute: Option<String>,
    },
    Header(HeaderName),
    /// A value of a JSON text.
    Pointer(Pointer),
    /// A template: a text that is made of values that are known already.
    Template(String),
}

/// A CSS selector.
#[derive(Clone)]
pub(in crate::application) struct Selector {
    pub(in crate::application) parsed: scraper::Selector,
    text: String,
}

impl fmt::Debug for Selector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Place {
    fn text(&self) -> Text {
        match self {
            Self::Body => text!("the body"),
            Self::Cookie(name) => text!("the cookie `{name}`", name = name),
            Self::Element { selector, attribute: None } => {
                text!("the element `{selector}`", selector = selector.text)
            }
            Self::Element { selector, attribute: Some(attribute) } => text!(
                "the attribute `{attribute}` of `{selector}`",
                attribute = attribute,
                selector = selector.text
            ),
            Self::Header(name) => text!("the header `{name}`", name = name.as_str()),
            Self::Pointer(pointer) => Text::verbatim(format!("`{pointer}`")),
            Self::Template(template) => text!("the template `{template}`", template = template),
        }
    }
}

impl Source {
    /// What it is, for people.
    pub(in crate::application) fn text(&self) -> Text {
        match &self.regex {
            Some(regex) => text!("{place}, by `{regex}`", place = self.place.text(), regex = regex.as_str()),
            None => self.place.text(),
        }
    }

    /// The value at a JSON pointer.
    pub(super) fn pointer(pointer: Pointer) -> Self {
        Self { place: Place::Pointer(pointer), regex: None }
    }

    /// The first group of a regular expression on the body.
    pub(super) fn regex(regex: Regex) -> Self {
        Self { place: Place::Body, regex: Some(regex) }
    }

    /// The whole body.
    pub(super) fn body() -> Self {
        Self { place: Place::Body, regex: None }
    }

    /// The names that it uses.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let template = match &self.place {
            Place::Template(template) => template,
            _ => "",
        };
        names(template)
    }
}

/// A source as a table.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "A place in an answer.", extend("minProperties" = 1))]
struct SourceTable {
    /// A JSON pointer, such as `/data/token`.
    json: Option<Pointer>,
    /// The name of a header.
    header: Option<String>,
    /// The name of a cookie.
    cookie: Option<String>,
    /// A CSS selector: the text of the first element that matches.
    css: Option<String>,
    /// With `css`: the element's attribute instead of its text.
    attribute: Option<String>,
    /// A text that is made of other values.
    template: Option<String>,
    /// A regular expression whose first group is the value: on the body, or on the text at the place.
    #[serde(default, deserialize_with = "regular_expression::with_group")]
    #[schemars(with = "Option<String>")]
    regex: Option<Regex>,
}

/// A pointer alone, or a table: what [`Source`] is read from.
impl JsonSchema for Source {
    fn schema_name() -> Cow<'static, str> {
        "Source".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let [pointer, table] =
            [generator.subschema_for::<Pointer>(), generator.subschema_for::<SourceTable>()];
        json_schema!({
            "description": "Where a value stands in an answer: a JSON pointer, or a table.",
            "anyOf": [pointer, table],
        })
    }
}

/// The last line of a library's message. Those before it ask for a report to the library's developers.
fn last_line(message: &str) -> &str {
    message.lines().last().unwrap_or_default()
}

impl SourceTable {
    fn place(self) -> Result<(Place, Option<Regex>), String> {
        let Self { json, header, cookie, css, attribute, template, regex } = self;
        if attribute.is_some() && css.is_none() {
            return Err(own_message(text!("`attribute` needs `css`, which names the element")));
        }
        let element = css.map(|text| match scraper::Selector::parse(&text) {
            Ok(parsed) => Ok(Place::Element { selector: Selector { parsed, text }, attribute }),
            Err(error) => {
                Err(own_message(text!("not a CSS selector: {error}", error = last_line(&error.to_string()))))
            }
        });
        let header = header.map(|name| match HeaderName::from_bytes(name.as_bytes()) {
            Ok(name) => Ok(Place::Header(name)),
            Err(_) => Err(own_message(text!("header names are letters, digits and hyphens"))),
        });
        let places = [
            json.map(|pointer| Ok(Place::Pointer(pointer))),
            header,
            cookie.map(|name| Ok(Place::Cookie(name))),
            element,
            template.map(|template| Ok(Place::Template(template))),
        ];
        let mut places = places.into_iter().flatten();
        let place = match (places.next(), &regex) {
            (Some(place), _) => place?,
            (None, Some(_)) => Place::Body,
            (None, None) => {
                return Err(own_message(text!(
                    "say where it stands: json, header, cookie, css, regex or template"
                )));
            }
        };
        if places.next().is_some() {
            return Err(own_message(text!("it stands in one place: json, header, cookie, css or template")));
        }
        Ok((place, regex))
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SourceVisitor;

        impl<'de> Visitor<'de> for SourceVisitor {
            type Value = Source;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&own_message(text!(
                    "a JSON pointer, or a table such as {example}",
                    example = "{ header = \"Location\" }"
                )))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Source, E> {
                text.to_owned().try_into().map(Source::pointer).map_err(de::Error::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Source, A::Error> {
                let table = SourceTable::deserialize(MapAccessDeserializer::new(map))?;
                let (place, regex) = table.place().map_err(de::Error::custom)?;
                Ok(Source { place, regex })
            }
        }

        deserializer.deserialize_any(SourceVisitor)
    }
}
