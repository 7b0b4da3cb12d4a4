//! The secrets of a recording, which no description repeats.

use serde_json::Value;

use super::answer::Answer;
use super::archive::Exchange;
use super::callback::Callback;
use super::cookies::cookie_pairs;
use super::draft::FILL_IN;
use super::fields::{is_code_field, is_secret_name};
use super::request::Place;

/// The shortest text that is looked for. A shorter one may stand anywhere.
const MIN_BYTES: usize = 8;
/// The maximum number of texts that are looked for; the longest ones.
const MAX_SECRETS: usize = 5_000;
/// Texts that must not be in a description.
#[derive(Debug)]
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    pub(super) fn of(
        exchanges: &[Exchange],
        answers: &[Answer],
        callback: &Callback,
        code: Option<&str>,
    ) -> Self {
        let mut secrets: Vec<String> = code.map(str::to_owned).into_iter().collect();
        secrets.extend([callback.json.clone()]);
        secrets.extend(callback.signature.clone());
        secrets.extend(callback.members.get("cpu_id").and_then(Value::as_str).map(str::to_owned));
        for (exchange, answer) in exchanges.iter().zip(answers) {
            secrets.extend(cookie_pairs(exchange).into_iter().map(|(_, value)| value));
            secrets.extend(answer.cookies.iter().map(|(_, value)| value.clone()));
            let texts = exchange.texts().into_iter();
            let named = texts.filter(|(name, _, text)| is_secret_name(name) || is_code_field(name, text));
            for (_, place, text) in named {
                if place == Place::Header {
                    // `Bearer …`: the words one by one.
                    secrets.extend(text.split(' ').map(str::to_owned));
                } else {
                    secrets.push(text);
                }
            }
            let leaves = answer
                .leaves
                .iter()
                .filter(|(pointer, _)| is_secret_name(pointer.rsplit('/').next().unwrap_or_default()));
            secrets.extend(leaves.filter_map(|(_, value)| value.as_str()).map(str::to_owned));
        }
        secrets.retain(|secret| secret.len() >= MIN_BYTES);
        secrets.sort_by(|one, other| (other.len(), other).cmp(&(one.len(), one)));
        secrets.dedup();
        secrets.truncate(MAX_SECRETS);
        Self(secrets)
    }

    pub(super) fn occurs_in(&self, text: &str) -> bool {
        self.0.iter().any(|secret| text.contains(secret.as_str()))
    }

    /// The text without secrets.
    pub(super) fn masked(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| {
            if text.contains(secret.as_str()) { text.replace(secret.as_str(), FILL_IN) } else { text }
        })
    }
}
