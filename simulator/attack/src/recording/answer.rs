//! Where a value stands in a recorded answer, as a description says it.

use regex::Regex;
use serde_json::{Value, json};

use super::archive::Exchange;
use crate::application::recorded_value;
use crate::target::Cookies;

/// The maximum number of values of an answer that are compared.
const MAX_LEAVES: usize = 5_000;
/// The maximum length of the text before a value by which it is found.
const MAX_CONTEXT_CHARS: usize = 40;

/// A place in an answer: a JSON pointer, or the table that a description has for it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Source {
    pub(super) place: Value,
    /// The last parts of its path, or its name: what it is called.
    pub(super) name: String,
    /// Whether it is a cookie, which the audit sends back by itself.
    pub(super) is_cookie: bool,
}

/// What a recorded answer has in it.
#[derive(Debug)]
pub(super) struct Answer {
    /// Pointers and values, if it is JSON.
    pub(super) leaves: Vec<(String, Value)>,
    /// Pointers and lengths of its lists.
    pub(super) lists: Vec<(String, usize)>,
    /// Names and values of the cookies that it sets.
    pub(super) cookies: Vec<(String, String)>,
}

impl Answer {
    pub(super) fn of(exchange: &Exchange) -> Self {
        let (mut leaves, mut lists) = (Vec::new(), Vec::new());
        if let Ok(json) = serde_json::from_str::<Value>(&exchange.answer) {
            add_leaves(&json, String::new(), &mut leaves, &mut lists);
        }
        let cookies = exchange.answer_headers.iter().filter(|(name, _)| name == "set-cookie");
        let cookies = cookies.filter_map(|(_, line)| {
            let (name, value) = line.split(';').next()?.split_once('=')?;
            let value = value.trim();
            (!value.is_empty()).then(|| (name.trim().to_owned(), value.to_owned()))
        });
        Self { leaves, lists, cookies: cookies.collect() }
    }

    /// The place of a whole JSON value with this text whose name is right.
    pub(super) fn leaf(&self, text: &str, is_right: &dyn Fn(&str) -> bool) -> Option<Source> {
        let (pointer, _) = self
            .leaves
            .iter()
            .find(|(pointer, value)| is_text(value, text) && is_right(&pointer_name(pointer)))?;
        Some(Source { place: pointer.clone().into(), name: pointer_name(pointer), is_cookie: false })
    }
}

/// The place of a value in an answer that is long enough not to be there by chance.
pub(super) fn place_of(text: &str, exchange: &Exchange, answer: &Answer) -> Option<Source> {
    let cookie = || {
        let (name, _) = answer.cookies.iter().find(|(_, value)| value == text)?;
        Some(Source { place: json!({"cookie": name}), name: name.clone(), is_cookie: true })
    };
    let header = || {
        let mut headers = exchange.answer_headers.iter().filter(|(name, _)| name != "set-cookie");
        headers.find_map(|(name, value)| {
            let place = if value == text {
                json!({"header": name})
            } else {
                let regex = regex_for(text, value)?;
                json!({"header": name, "regex": regex})
            };
            Some(Source { place, name: name.clone(), is_cookie: false })
        })
    };
    let found = answer.leaf(text, &|_| true).or_else(cookie).or_else(header);
    found.or_else(|| in_leaf(text, answer)).or_else(|| in_body(text, exchange))
}

/// A part of a JSON text, such as a value of JSON that is a string in other JSON.
fn in_leaf(text: &str, answer: &Answer) -> Option<Source> {
    answer.leaves.iter().find_map(|(pointer, value)| {
        let regex = regex_for(text, value.as_str()?)?;
        Some(Source {
            place: json!({"json": pointer, "regex": regex}),
            name: pointer_name(pointer),
            is_cookie: false,
        })
    })
}

/// A place in a page or another text.
fn in_body(text: &str, exchange: &Exchange) -> Option<Source> {
    let body = &exchange.answer;
    if body.trim() == text {
        return Some(Source {
            place: json!({"regex": r"^\s*(.*?)\s*$"}),
            name: String::new(),
            is_cookie: false,
        });
    }
    if !body.contains(text) {
        return None;
    }
    let is_page = body.trim_start().starts_with('<') || exchange.answer_type.contains("html");
    let element = is_page.then(|| in_page(text, exchange)).flatten();
    element.or_else(|| {
        let regex = regex_for(text, body)?;
        Some(Source { place: json!({"regex": regex}), name: String::new(), is_cookie: false })
    })
}

/// The element of a page that has the value in an attribute or as its text.
fn in_page(text: &str, exchange: &Exchange) -> Option<Source> {
    let value = regex::escape(text);
    let tags = Regex::new(&format!(r#"<(\w+)(\s[^<>]*)=["']?{value}["'\s/>]"#)).ok()?;
    let by_attribute = tags.captures_iter(&exchange.answer).find_map(|tag| {
        // Up to the end of the tag, because the name may stand behind the value.
        let rest = exchange.answer.get(tag.get(0)?.start()..)?;
        let whole = rest.split('>').next()?;
        let attribute = tag.get(2)?.as_str().rsplit([' ', '\n', '\t']).next()?;
        let (selector, name) = selector(&tag[1], whole, attribute)?;
        let place = json!({"css": selector, "attribute": attribute});
        verified(place, name, text, exchange)
    });
    by_attribute.or_else(|| {
        let elements = Regex::new(&format!(r"<(\w+)(\s[^<>]*)>\s*{value}\s*</")).ok()?;
        elements.captures_iter(&exchange.answer).find_map(|element| {
            let (selector, name) = selector(&element[1], &element[2], "")?;
            verified(json!({"css": selector}), name, text, exchange)
        })
    })
}

/// A selector for an element by its `name` or `id`, and that name.
fn selector(element: &str, attributes: &str, except: &str) -> Option<(String, String)> {
    ["name", "id"].into_iter().filter(|attribute| *attribute != except).find_map(|attribute| {
        let regex = Regex::new(&format!(r#"\s{attribute}=["']?([\w.-]+)"#)).ok()?;
        let name = regex.captures(attributes)?[1].to_owned();
        Some((format!("{element}[{attribute}=\"{name}\"]"), name))
    })
}

/// The source, if the audit finds the value there.
fn verified(place: Value, name: String, text: &str, exchange: &Exchange) -> Option<Source> {
    let found = recorded_value(
        &place,
        exchange.status,
        &exchange.answer_headers,
        &exchange.answer,
        &Cookies::default(),
    );
    (found.as_deref() == Some(text)).then_some(Source { place, name, is_cookie: false })
}

/// A regular expression whose first group is this value: the text before it, without digits, which may be of this moment.
fn regex_for(text: &str, whole: &str) -> Option<String> {
    let start = whole.find(text)?;
    let (before, rest) = (whole.get(..start)?, whole.get(start + text.len()..)?);
    let is_fixed = |character: &char| !character.is_ascii_digit() && !character.is_control();
    let mut context: Vec<char> = before.chars().rev().take(MAX_CONTEXT_CHARS).take_while(is_fixed).collect();
    context.reverse();
    let context: String = context.into_iter().collect();
    // From the beginning of a word on: half a word may be the end of a secret.
    let context = if context.len() < before.len() {
        context.split_once(|character: char| !character.is_alphanumeric()).map_or("", |(_, fixed)| fixed)
    } else {
        &context
    };
    let group = match rest.chars().next() {
        None => "(.+)".to_owned(),
        Some(end) if !text.contains(end) => format!("([^{}]+)", regex::escape(&end.to_string())),
        Some(_) if text.chars().all(|character| character.is_ascii_alphanumeric()) => {
            "([0-9A-Za-z]+)".to_owned()
        }
        Some(_) => return None,
    };
    let is_at_start = context.len() == before.len();
    let expression = format!("{}{}{group}", if is_at_start { "^" } else { "" }, regex::escape(context));
    let found = Regex::new(&expression).ok()?.captures(whole)?.get(1)?.as_str() == text;
    found.then_some(expression)
}

fn add_leaves(
    json: &Value,
    pointer: String,
    leaves: &mut Vec<(String, Value)>,
    lists: &mut Vec<(String, usize)>,
) {
    if leaves.len() >= MAX_LEAVES {
        return;
    }
    match json {
        Value::Object(members) => {
            for (name, value) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                add_leaves(value, format!("{pointer}/{name}"), leaves, lists);
            }
        }
        Value::Array(elements) => {
            lists.push((pointer.clone(), elements.len()));
            for (index, value) in elements.iter().enumerate() {
                add_leaves(value, format!("{pointer}/{index}"), leaves, lists);
            }
        }
        leaf => leaves.push((pointer, leaf.clone())),
    }
}

/// Whether a JSON value is written as this text in a template.
pub(super) fn is_text(value: &Value, text: &str) -> bool {
    match value {
        Value::String(value) => value == text,
        Value::Number(number) => number.to_string() == text,
        _ => false,
    }
}

/// What a value at a pointer is called: the last two names on its path.
fn pointer_name(pointer: &str) -> String {
    let names: Vec<_> = pointer.split('/').filter(|part| part.parse::<usize>().is_err()).collect();
    let start = names.len().saturating_sub(2);
    names.get(start..).unwrap_or_default().join(".")
}
