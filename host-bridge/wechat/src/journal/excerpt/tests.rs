//! What an excerpt keeps, compared with a second implementation that cuts trees of values.

use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;

/// The kept part of a value, as a tree.
fn cut_tree(value: &Value, remaining_bytes: &mut usize) -> Value {
    *remaining_bytes = remaining_bytes.saturating_sub(VALUE_OVERHEAD_BYTES);
    match value {
        Value::String(text) => {
            let text = match cut_position(text, *remaining_bytes) {
                Some(end) => format!("{}… ({} bytes more)", &text[..end], text.len() - end),
                None => text.clone(),
            };
            let text = Value::from(text);
            *remaining_bytes = remaining_bytes.saturating_sub(text.to_string().len());
            text
        }
        Value::Array(items) => {
            let mut kept = Vec::new();
            for item in items.iter().take(MAX_ITEMS) {
                if *remaining_bytes == 0 {
                    break;
                }
                kept.push(cut_tree(item, remaining_bytes));
            }
            let more = items.len() - kept.len();
            if more > 0 {
                kept.push(format!("… ({more} more)").into());
            }
            kept.into()
        }
        Value::Object(members) => {
            let (mut kept, mut more) = (Map::new(), members.len());
            for (name, member) in members.iter().take(MAX_ITEMS) {
                if *remaining_bytes == 0 {
                    break;
                }
                let name_bytes = VALUE_OVERHEAD_BYTES + name.len().min(MAX_NAME_BYTES);
                *remaining_bytes = remaining_bytes.saturating_sub(name_bytes);
                let masked = match member {
                    _ if !is_secret(name) => member.clone(),
                    Value::String(secret) => mask(secret).into(),
                    Value::Null => Value::Null,
                    _ => "***".into(),
                };
                let end = name.floor_char_boundary(MAX_NAME_BYTES);
                let shown = if end < name.len() { format!("{}…", &name[..end]) } else { name.clone() };
                kept.insert(shown, cut_tree(&masked, remaining_bytes));
                more -= 1;
            }
            if more > 0 {
                kept.insert("…".to_owned(), format!("{more} more").into());
            }
            kept.into()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// JSON of any shape, with credentials among its members.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        (MAX_TEXT_CHARACTERS - 2..MAX_TEXT_CHARACTERS + 2).prop_map(|length| "x".repeat(length).into()),
    ];
    let name = prop_oneof!["[a-c]{1,2}", Just("Token".to_owned()), Just("js_code".to_owned())];
    leaf.prop_recursive(4, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_value_is_kept_as_a_tree_of_it_would_be_cut(value in json()) {
        let cut = cut_tree(&value, &mut { MAX_EXCERPT_BYTES });
        let excerpt = Excerpt::from(&value);
        prop_assert_eq!(excerpt.text(), cut.to_string());
        prop_assert_eq!(excerpt.value(), cut);
        prop_assert_eq!(Excerpt::from(value), excerpt);
    }
}

#[test]
fn long_lists_and_names_are_kept_as_a_tree_of_them_would_be_cut() {
    let members: Map<_, _> = (0..300).map(|number| (format!("m{number}"), json!([number, {}]))).collect();
    for value in [
        json!([vec![0; 256], vec![0; 257], vec![json!([[]]); 2000]]),
        json!({"members": members, "字".repeat(85): 1, "字".repeat(86): 2, "n".repeat(256): 3, "n".repeat(257): 4}),
        json!({"a": "\u{0}".repeat(5000), "secret": "s".repeat(40_000), "b": "字".repeat(20_000)}),
    ] {
        let cut = cut_tree(&value, &mut { MAX_EXCERPT_BYTES });
        assert_eq!(Excerpt::from(&value).text(), cut.to_string());
    }
}

#[test]
fn parts_in_different_places_are_kept_as_the_whole_value_would_be() {
    let list = json!([1, {"Secret": "0123456789abcdef"}]);
    let inner = [("token", Json::Text("t0ken")), ("list", Json::Value(&list)), ("SEED", Json::Object(&[]))];
    let whole = [("query", Json::Object(&inner)), ("body", Json::Text("text"))];
    let excerpt = Excerpt::from(Json::Object(&whole));
    let value = json!({"query": {"token": "t0ken", "list": list, "SEED": {}}, "body": "text"});
    assert_eq!(excerpt, Excerpt::from(&value));
    let masked = r#"{"query":{"token":"***","list":[1,{"Secret":"***cdef"}],"SEED":"***"},"body":"text"}"#;
    assert_eq!(excerpt.text(), masked);
}

#[test]
fn truncation_frees_memory_however_deeply_the_value_is_nested() {
    let empty = Value::Array(Vec::new());
    let wide = |value: &Value| Value::Array(vec![value.clone(); 200]);
    let long_names: Map<_, _> =
        (0..100).map(|number| (format!("{number}{}", "n".repeat(10_000)), Value::Null)).collect();
    for large in [
        wide(&wide(&wide(&empty))),
        wide(&wide(&json!({"": {}}))),
        Value::Object(long_names),
        json!("x".repeat(1 << 20)),
        json!("\u{0}".repeat(1 << 20)),
    ] {
        let excerpt: Excerpt = large.into();
        let kept = excerpt.text.len();
        assert!(kept <= 2 * MAX_EXCERPT_BYTES, "{kept} bytes");
        assert_eq!(serde_json::to_vec(&excerpt.value()).unwrap().len(), kept);
    }
}

#[test]
fn a_large_request_is_copied_only_up_to_what_is_kept() {
    let large = json!({"text": "字".repeat(1 << 20), "secret": "s".repeat(1 << 20), "list": vec![0; 10_000]});
    let excerpt = Excerpt::from(&large);
    assert!(excerpt.bytes() <= MAX_EXCERPT_BYTES, "{}", excerpt.bytes());
    assert_eq!(excerpt.value()["secret"], "***ssss");
}
