//! By what an application calls a user: names and values in its answer to a login.

use std::collections::BTreeMap;

use serde_json::Value;

/// Words in the names of what identifies a user.
const WORDS: [&str; 9] =
    ["openid", "user", "uid", "member", "account", "customer", "phone", "mobile", "owner"];
/// Words in the names of secrets, which identify a login and not a user.
const SECRET_WORDS: [&str; 8] = ["token", "session", "ticket", "secret", "key", "auth", "jwt", "sign"];
/// The maximum number of names, and of characters of a value.
const MAX_NAMES: usize = 20;
const MAX_CHARS: usize = 64;

/// The names and values in a JSON text by which a user may be called.
pub(super) fn find(body: &str) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    if let Ok(value) = serde_json::from_str::<Value>(body) {
        collect(&value, &mut found);
    }
    found
}

/// As deep as the parser of JSON permits.
fn collect(value: &Value, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                if found.len() < MAX_NAMES && identifies(name) && is_short(value) {
                    found.insert(name.clone(), value.clone());
                }
                collect(value, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        _ => {}
    }
}

fn identifies(name: &str) -> bool {
    let lower: String =
        name.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    is_plain && !has(&SECRET_WORDS) && (has(&WORDS) || lower == "id" || lower.ends_with("no"))
}

fn is_short(value: &Value) -> bool {
    match value {
        Value::String(text) => (1..=MAX_CHARS).contains(&text.chars().count()),
        Value::Number(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_identifies_a_user_is_found_and_what_identifies_a_login_is_not() {
        let body = r#"{"code":0,"data":{"token":"t","user_token":"t","session_id":"s","user":{"id":17,"name":"A"},"userId":"123456",
            "openid":"oOne","memberNo":5,"ok":true,"sessions":[{"uid":null}]}}"#;
        let found: Vec<_> = find(body).into_keys().collect();
        assert_eq!(found, ["id", "memberNo", "openid", "userId"]);
        assert!(find("<p>user</p>").is_empty());
    }
}
