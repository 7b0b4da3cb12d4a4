//! Values within JSON texts.

use serde_json::Value;

/// A value as text: a string without its quotation marks, anything else as JSON.
pub(crate) fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// All values that contain no others: scalars, empty objects and empty lists. Each has the names that lead to it, as in
/// `/order/id`.
pub(crate) fn leaves(value: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    collect(value, String::new(), &mut found);
    found
}

/// As deep as the parser of JSON permits.
fn collect<'a>(value: &'a Value, at: String, found: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            members.iter().for_each(|(name, value)| collect(value, format!("{at}/{name}"), found));
        }
        Value::Array(values) if !values.is_empty() => {
            let indexed = values.iter().enumerate();
            indexed.for_each(|(index, value)| collect(value, format!("{at}/{index}"), found));
        }
        leaf => found.push((at, leaf)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_leaf_has_the_names_that_lead_to_it() {
        let value = json!({"order": {"id": "a", "items": [1, null]}, "none": {}, "list": []});
        let found: Vec<_> = leaves(&value).into_iter().map(|(at, value)| (at, as_text(value))).collect();
        let expected = [
            ("/order/id", "a"),
            ("/order/items/0", "1"),
            ("/order/items/1", "null"),
            ("/none", "{}"),
            ("/list", "[]"),
        ];
        assert_eq!(found, expected.map(|(at, value)| (at.to_owned(), value.to_owned())));
        assert_eq!(leaves(&json!(7)), [(String::new(), &json!(7))]);
    }
}
