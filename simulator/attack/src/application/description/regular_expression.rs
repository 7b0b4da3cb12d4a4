//! Regular expressions in a description. Their time is linear in the length of the text.

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Deserializer, de};

/// The maximum size of a compiled expression, in bytes.
const MAX_COMPILED_BYTES: usize = 1 << 20;

/// An expression, if there is one.
pub(super) fn any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Regex>, D::Error> {
    let text = String::deserialize(deserializer)?;
    RegexBuilder::new(&text).size_limit(MAX_COMPILED_BYTES).build().map(Some).map_err(|error| {
        let what = error.to_string();
        de::Error::custom(what.lines().last().unwrap_or("no regular expression").to_owned())
    })
}

/// An expression, if there is one, whose first group is what is wanted.
pub(super) fn with_group<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Regex>, D::Error> {
    let regex = any(deserializer)?;
    if regex.as_ref().is_some_and(|regex| regex.captures_len() < 2) {
        return Err(de::Error::custom("the expression has no group: put what is wanted into ( )"));
    }
    Ok(regex)
}
