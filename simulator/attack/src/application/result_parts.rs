//! The parts of a result that requests may carry one by one.

use serde_json::{Map, Value};

use super::template::Values;

/// The names of the members of `resultJSON` that templates may use.
pub(crate) const MEMBERS: [&str; 9] =
    ["raw", "fid", "counter", "tee_n", "tee_v", "fp_n", "fp_v", "cpu_id", "uid"];
/// The `authMode` of a fingerprint in the answer of `wx.startSoterAuthentication`.
const AUTH_MODE: &str = "fingerPrint";

/// A result, and its parts. Where a forged text is not a JSON object or lacks a member, the part is empty.
pub(super) fn values(json: &str, signature: &str) -> Values {
    let members: Map<String, Value> = serde_json::from_str(json).unwrap_or_default();
    let part = |name: &str| match members.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let whole = [("resultJSON", json), ("resultJSONSignature", signature), ("authMode", AUTH_MODE)];
    let whole = whole.map(|(name, text)| (name.to_owned(), text.to_owned()));
    MEMBERS.iter().map(|name| ((*name).to_owned(), part(name))).chain(whole).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_available_as_a_whole_and_in_parts() {
        let json = r#"{"raw":"order 7","counter":18446744073709551615,"cpu_id":"ab"}"#;
        let values = values(json, "sig");
        for (name, expected) in [
            ("resultJSON", json),
            ("resultJSONSignature", "sig"),
            ("raw", "order 7"),
            ("counter", "18446744073709551615"),
            ("cpu_id", "ab"),
            ("fid", ""),
            ("authMode", "fingerPrint"),
        ] {
            assert_eq!(values[name], expected, "{name}");
        }
    }

    #[test]
    fn the_parts_of_a_text_that_is_no_object_are_empty() {
        for json in ["", "[1]", "{", "\u{feff}{}"] {
            assert_eq!(values(json, "")["counter"], "", "{json}");
        }
    }
}
