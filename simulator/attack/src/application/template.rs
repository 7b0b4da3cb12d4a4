//! Templates: texts with `{{names}}` in them.

use std::collections::BTreeMap;

use soter_text::{Text, text};
use soter_wire::json::escaped_text;

use crate::target::TargetError;

/// The values of the names.
pub(super) type Values = BTreeMap<String, String>;

/// The place of a text, which decides how values are encoded in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// An address: values are percent-encoded.
    Address,
    /// A form: values are encoded as in an address.
    Form,
    /// A header: values are inserted as they are, without CR, LF and NUL.
    Header,
    /// A JSON string, inside its quotation marks: values are escaped.
    Json,
    /// Anything else: values are inserted as they are.
    Plain,
}

/// The names in a template, without their braces.
pub(super) fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split("{{").skip(1).filter_map(|rest| rest.split_once("}}")).map(|(name, _)| name.trim())
}

/// The maximum length of a filled template, in bytes.
const MAX_FILLED_BYTES: usize = 1 << 20;

/// A filled template would have more than 1 MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

impl TooLarge {
    pub(super) fn text() -> Text {
        text!(
            "a request of more than {most} bytes: the description puts too many large values into it",
            most = MAX_FILLED_BYTES
        )
    }
}

impl From<TooLarge> for TargetError {
    fn from(_: TooLarge) -> Self {
        Self::broken(TooLarge::text())
    }
}

/// The template with its values. A name without a value is replaced by nothing.
///
/// # Errors
/// [`TooLarge`] if the result would be too long.
pub(super) fn fill_template(text: &str, values: &Values, encoding: Encoding) -> Result<String, TooLarge> {
    let mut parts = text.split("{{");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        if let Some((name, rest)) = part.split_once("}}") {
            out.push_str(&encode_value(values.get(name.trim()).map_or("", String::as_str), encoding));
            out.push_str(rest);
        } else {
            out.push_str("{{");
            out.push_str(part);
        }
        if out.len() > MAX_FILLED_BYTES {
            return Err(TooLarge);
        }
    }
    Ok(out)
}

fn encode_value(value: &str, encoding: Encoding) -> String {
    match encoding {
        Encoding::Address | Encoding::Form => {
            form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>().replace('+', "%20")
        }
        Encoding::Header => value.replace(['\r', '\n', '\0'], ""),
        Encoding::Json => escaped_text(value),
        Encoding::Plain => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values {
        BTreeMap::from([("a".to_owned(), "x\"y/&+ \n".to_owned()), ("quote".to_owned(), "\"".to_owned())])
    }

    #[test]
    fn values_are_encoded_for_their_place() {
        for (encoding, expected) in [
            (Encoding::Address, "1x%22y%2F%26%2B%20%0A2"),
            (Encoding::Header, "1x\"y/&+ 2"),
            (Encoding::Json, "1x\\\"y/&+ \\n2"),
            (Encoding::Plain, "1x\"y/&+ \n2"),
        ] {
            assert_eq!(fill_template("1{{ a }}2", &values(), encoding).unwrap(), expected, "{encoding:?}");
        }
        assert_eq!(fill_template("{{quote}}{{quote}}", &values(), Encoding::Json).unwrap(), "\\\"\\\"");
    }

    #[test]
    fn braces_without_a_name_are_kept_and_unknown_names_are_empty() {
        assert_eq!(
            fill_template("{\"a\":{\"b\":1}} {{", &values(), Encoding::Json).unwrap(),
            "{\"a\":{\"b\":1}} {{"
        );
        assert_eq!(fill_template("<{{unknown}}>", &values(), Encoding::Plain).unwrap(), "<>");
        assert_eq!(names("{{a}} {{ b }} {{c").collect::<Vec<_>>(), ["a", "b"]);
    }
    #[test]
    fn a_template_that_grows_beyond_its_limit_is_refused() {
        let values = BTreeMap::from([("large".to_owned(), "x".repeat(600_000))]);
        assert!(fill_template("{{large}}", &values, Encoding::Plain).is_ok());
        assert_eq!(fill_template(&"{{large}}".repeat(100_000), &values, Encoding::Plain), Err(TooLarge));
    }
}
