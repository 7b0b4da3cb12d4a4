//! Names for values.

use std::collections::{BTreeMap, BTreeSet};

use crate::application::is_built_in_name;

/// Names that say little without what stands before them.
const GENERIC: [&str; 8] = ["", "id", "no", "number", "value", "data", "sn", "result"];
/// What an answer calls the value that later stands in a path.
const IN_PATHS: [&str; 8] = ["id", "no", "number", "sn", "order", "uuid", "key", "ref"];

/// The names that are in use.
#[derive(Debug, Default)]
pub(super) struct Names {
    used: BTreeSet<String>,
    by_text: BTreeMap<String, String>,
}

impl Names {
    /// A name that is not in use: after the field that the value fills, or after its place in the answer.
    pub(super) fn new_name(&mut self, wanted: &str, source: &str, text: &str) -> String {
        let last = source.rsplit('.').next().unwrap_or_default();
        let base = if !is_generic(wanted) {
            singular(wanted)
        } else if is_generic(last) {
            source
        } else {
            last
        };
        let base = identifier(base);
        let base = if is_built_in_name(&base) || base == "sign" { format!("{base}Value") } else { base };
        let mut name = base.clone();
        let mut number = 2;
        while self.used.contains(&name) {
            name = format!("{base}{number}");
            number += 1;
        }
        self.used.insert(name.clone());
        if !text.is_empty() {
            self.by_text.entry(text.to_owned()).or_insert_with(|| name.clone());
        }
        name
    }

    /// The name of this text.
    pub(super) fn of_text(&self, text: &str) -> Option<String> {
        self.by_text.get(text).cloned()
    }
}

fn is_generic(name: &str) -> bool {
    GENERIC.contains(&normalised(name).as_str())
}

fn singular(name: &str) -> &str {
    name.strip_suffix('s').filter(|rest| rest.len() > 2 && !rest.ends_with('s')).unwrap_or(name)
}

/// Letters, digits and underlines: the words of a name, run together.
fn identifier(name: &str) -> String {
    let words = name.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    let mut out = String::new();
    for word in words.filter(|word| !word.is_empty()) {
        if out.is_empty() {
            out.push_str(word);
        } else if let Some((first, rest)) = word.split_at_checked(1) {
            out.push_str(&first.to_ascii_uppercase());
            out.push_str(rest);
        }
    }
    out.truncate(32);
    if out.is_empty() || out.starts_with(|first: char| first.is_ascii_digit()) {
        format!("value{out}")
    } else {
        out
    }
}

/// A name in lower case, without the characters between words.
pub(super) fn normalised(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// Whether a field of a request and a value of an answer are called alike.
pub(super) fn are_related(is_in_path: bool, field: &str, source: &str) -> bool {
    let last = normalised(source.rsplit('.').next().unwrap_or_default());
    let (field, whole) = (normalised(singular(field)), normalised(source));
    if is_in_path && IN_PATHS.contains(&last.as_str()) {
        return true;
    }
    let contains = |long: &str, short: &str| short.len() >= 2 && long.contains(short);
    !field.is_empty() && (contains(&whole, &field) || contains(&field, &last))
}
