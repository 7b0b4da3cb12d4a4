//! What went over the wire, for people to read and to send again.

// Writing to a `String` does not fail, so the results of `write!` are ignored.
use std::fmt::Write as _;

use soter_wire::json::escaped_text;

use super::message::{REASON_HEADER, Request, Secrets};
use crate::target::Exchange;

/// The maximum number of characters of a request or an answer that an exchange shows.
const MAX_SHOWN_CHARS: usize = 8 << 10;

/// A request and its answer, without the request's secrets.
pub(super) fn exchange(request: &Request, status: u16, headers: &[(String, String)], body: &str) -> Exchange {
    let mut target = request.url.path().to_owned();
    if let Some(query) = request.url.query() {
        let _ = write!(target, "?{query}");
    }
    let host = request.url.authority();
    let mut request_text = format!("{} {target} HTTP/1.1\nHost: {host}\n", request.method);
    let mut curl = format!("curl -sS -X {}", request.method);
    for (name, value) in &request.headers {
        let _ = writeln!(request_text, "{name}: {value}");
        let _ = write!(curl, " -H {}", quoted(&format!("{name}: {value}")));
    }
    if let Some(body) = &request.body {
        let _ = write!(request_text, "\n{body}");
        let _ = write!(curl, " --data-binary {}", quoted(body));
    }
    let _ = write!(curl, " {}", quoted(request.url.as_str()));
    let mut response_text = format!("HTTP/1.1 {status}\n");
    for (name, value) in headers {
        if ["content-type", "location", "set-cookie", REASON_HEADER].contains(&name.as_str()) {
            // The session's cookie is a secret.
            let value = if name == "set-cookie" { "…" } else { value };
            let _ = writeln!(response_text, "{name}: {value}");
        }
    }
    let _ = write!(response_text, "\n{body}");
    Exchange::shown(request_text, response_text, curl, &request.secrets)
}

impl Exchange {
    /// An exchange as reports show it: without secrets, and shortened.
    pub(crate) fn shown(request: String, response: String, curl: String, secrets: &Secrets) -> Self {
        let Self { request, response, curl } = Self { request, response, curl }.masked(secrets);
        Self { request: shorten(request), response: shorten(response), curl }
    }

    /// The same exchange, and after it the one that shows its effect.
    pub(crate) fn followed_by(mut self, later: &Self) -> Self {
        self.response = format!("{}\n\nThen:\n\n{}\n\n{}", self.response, later.request, later.response);
        self
    }

    /// The same exchange with everything hidden that looks like a token.
    pub(crate) fn without_tokens(self) -> Self {
        let Self { request, response, curl } = self;
        Self { request: hide_tokens(&request), response: hide_tokens(&response), curl: hide_tokens(&curl) }
    }

    /// The same exchange with its secrets replaced.
    pub(crate) fn masked(self, secrets: &Secrets) -> Self {
        let [request, response, curl] =
            [self.request, self.response, self.curl].map(|text| masked(text, secrets));
        Self { request, response, curl }
    }
}

/// A text with its secrets replaced, plain or encoded.
pub(crate) fn masked(text: String, secrets: &Secrets) -> String {
    let secrets = secrets.iter().map(|(secret, placeholder)| (secret.expose(), placeholder));
    secrets.filter(|(secret, _)| !secret.is_empty()).fold(text, |text, (secret, placeholder)| {
        let in_form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let in_address = in_form.replace('+', "%20");
        let in_json = escaped_text(secret);
        [secret, &in_form, &in_address, &in_json]
            .into_iter()
            .fold(text, |text, written| text.replace(written, placeholder))
    })
}

/// A text in which the words that look like tokens are hidden: long ones with digits in them.
pub(crate) fn hide_tokens(text: &str) -> String {
    /// Shorter words are numbers of orders, and the like.
    const MIN_TOKEN_CHARS: usize = 16;
    let is_of_token = |character: char| character.is_ascii_alphanumeric() || "-_.+/=".contains(character);
    let is_token = |word: &str| {
        word.len() >= MIN_TOKEN_CHARS
            && !word.starts_with('/')
            && word.bytes().any(|byte| byte.is_ascii_digit())
    };
    let mut hidden = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if is_of_token(first) {
            rest.find(|character| !is_of_token(character)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (word, after) = rest.split_at(length);
        hidden.push_str(if is_token(word) { "…" } else { word });
        rest = after;
    }
    hidden
}

fn quoted(text: &str) -> String {
    shell_words::quote(text).into_owned()
}

fn shorten(text: String) -> String {
    match text.char_indices().nth(MAX_SHOWN_CHARS) {
        Some((end, _)) => {
            format!("{}… ({} bytes more)", text.get(..end).unwrap_or_default(), text.len() - end)
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::*;

    #[test]
    fn what_looks_like_a_token_is_hidden_and_nothing_else() {
        for (text, expected) in [
            (r#"{"session":"9fd16f0c2b7e4d5a8c31"}"#, r#"{"session":"…"}"#),
            (
                "POST /orders/17/pay HTTP/1.1\nHost: 127.0.0.1:8778",
                "POST /orders/17/pay HTTP/1.1\nHost: 127.0.0.1:8778",
            ),
            ("(the mini program's secret), pay 42", "(the mini program's secret), pay 42"),
            ("jwt=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOjF9.c2ln", "…"),
            ("", ""),
        ] {
            assert_eq!(hide_tokens(text), expected);
        }
    }

    #[test]
    fn an_exchange_shows_no_secret_plain_or_encoded() {
        let secret = "s3cret/+ \"value\\";
        let mut url = Url::parse("http://127.0.0.1/token").unwrap();
        url.query_pairs_mut().append_pair("secret", secret);
        let secrets = vec![(secret.into(), "SECRET".to_owned())];
        let body = serde_json::json!({"secret": secret}).to_string();
        let request = Request { secrets, ..Request::post(url, body) };
        let Exchange { request, curl, .. } = exchange(&request, 200, &[], "");
        for shown in [&request, &curl] {
            assert!(!shown.contains("s3cret") && shown.matches("SECRET").count() == 2, "{shown}");
        }
    }
}
