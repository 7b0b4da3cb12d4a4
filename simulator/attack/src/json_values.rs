//! Values within JSON texts.

use serde_json::Value;

/// A value as text: a string without its quotation marks, anything else as JSON.
pub(crate) fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// All values that are neither objects nor lists, with the names that lead to each, as in `/order/id`.
pub(crate) fn scalars(value: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    collect(value, String::new(), &mut found);
    found
}

/// As deep as the parser of JSON permits.
fn collect<'a>(value: &'a Value, at: String, found: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| collect(value, format!("{at}/{name}"), found));
        }
        Value::Array(values) => {
            let indexed = values.iter().enumerate();
            indexed.for_each(|(index, value)| collect(value, format!("{at}/{index}"), found));
        }
        scalar => found.push((at, scalar)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_scalar_has_the_names_that_lead_to_it() {
        let value = json!({"order": {"id": "a", "items": [1, null]}, "none": {}});
        let found: Vec<_> = scalars(&value).into_iter().map(|(at, value)| (at, as_text(value))).collect();
        let expected = [("/order/id", "a"), ("/order/items/0", "1"), ("/order/items/1", "null")];
        assert_eq!(found, expected.map(|(at, value)| (at.to_owned(), value.to_owned())));
        assert_eq!(scalars(&json!(7)), [(String::new(), &json!(7))]);
    }
}
