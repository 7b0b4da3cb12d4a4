//! Regular expressions in a description. Their time is linear in the length of the text.

use std::fmt;

use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};
use soter_text::{own_message, text};

use crate::application::template::{Values, names};

/// The maximum size of a compiled expression, in bytes.
const MAX_COMPILED_BYTES: usize = 1 << 20;

/// A regular expression that may have names in it. Their values stand for themselves.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub(in crate::application) struct Pattern(String);

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let pattern = Self(text);
        pattern.with_values(&Values::new())?;
        Ok(pattern)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Pattern {
    /// The names that it uses.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        names(&self.0)
    }

    /// Whether a text matches the expression with these values.
    pub(in crate::application) fn matches(&self, text: &str, values: &Values) -> bool {
        self.with_values(values).is_ok_and(|regex| regex.is_match(text))
    }

    fn with_values(&self, values: &Values) -> Result<Regex, String> {
        let mut parts = self.0.split("{{");
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) =
                part.split_once("}}").ok_or_else(|| own_message(text!("`{{{{` without `}}}}`")))?;
            let value = values.get(name.trim()).map_or("", String::as_str);
            // Braces, so that a quantifier behind the name is about the whole value.
            text = [&text, "(?:", &regex::escape(value), ")", rest].concat();
        }
        build(&text)
    }
}

fn build(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(text).size_limit(MAX_COMPILED_BYTES).build().map_err(|error| {
        let what = error.to_string();
        what.lines().last().map_or_else(|| own_message(text!("not a regular expression")), ToOwned::to_owned)
    })
}

/// An expression, if there is one, whose first group is what is wanted.
pub(super) fn with_group<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Regex>, D::Error> {
    let regex = Some(build(&String::deserialize(deserializer)?).map_err(de::Error::custom)?);
    if regex.as_ref().is_some_and(|regex| regex.captures_len() < 2) {
        return Err(de::Error::custom(own_message(text!(
            "the expression has no group: put what is wanted into ( )"
        ))));
    }
    Ok(regex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_in_an_expression_stand_for_themselves() {
        let pattern = Pattern::try_from(r#""id":"{{order}}"[^}]*"paid""#.to_owned()).unwrap();
        for (order, matches) in [("a.b", true), ("a-b", false), (".*", false)] {
            let values = Values::from([("order".to_owned(), order.to_owned())]);
            assert_eq!(pattern.matches(r#"[{"id":"a.b","state":"paid"}]"#, &values), matches, "{order}");
        }
        for bad in ["(", "{{order", "a{{"] {
            assert!(Pattern::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
