//! The recorded request with which the user logs in.

use soter_text::tr;

use super::answer::Answer;
use super::archive::Exchange;
use super::cookies::cookie_pairs;
use super::draft::Note;
use super::fields::{CODES, USERS, is_code, is_secret_name};
use super::names::normalised;
use super::request::Place;

/// The login.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) at: usize,
    /// The code of `wx.login`.
    pub(super) code: Option<String>,
    /// The user's name, if there is no code.
    pub(super) user: Option<String>,
    pub(super) note: Option<Note>,
}

impl Login {
    /// The login before a request.
    pub(super) fn find(exchanges: &[Exchange], before: usize) -> Option<Self> {
        let answers: Vec<_> = exchanges.iter().take(before).map(Answer::of).collect();
        let recorded = || exchanges.iter().take(before).enumerate();
        let with_code = recorded().find_map(|(at, exchange)| Some((at, text(exchange, &CODES, is_code)?)));
        if let Some((at, code)) = with_code {
            return Some(Self { at, code: Some(code), user: None, note: None });
        }
        let by_password = recorded().find(|(_, exchange)| {
            exchange.method == "POST"
                && exchange.texts().iter().any(|(name, ..)| normalised(name).contains("pass"))
        });
        let (at, exchange) = by_password.or_else(|| {
            recorded().find(|(at, _)| {
                let later = exchanges.get(at + 1..=before).unwrap_or_default();
                answers.get(*at).is_some_and(|answer| gives_session(answer, later))
            })
        })?;
        let user = text(exchange, &USERS, |text| !text.is_empty()).or_else(|| only_other_text(exchange));
        let note = Note::Guess(tr!(
            "this is the login, because its answer gives what later requests have, and no request has a code of wx.login"
        ));
        Some(Self { at, code: None, user, note: Some(note) })
    }
}

/// The text of a field that is called so and looks so.
fn text(exchange: &Exchange, names: &[&str], is_right: impl Fn(&str) -> bool) -> Option<String> {
    let mut texts = exchange.texts().into_iter();
    texts.find_map(|(name, _, text)| {
        (names.contains(&normalised(&name).as_str()) && is_right(&text)).then_some(text)
    })
}

/// The text next to a password, if there is one alone.
fn only_other_text(exchange: &Exchange) -> Option<String> {
    let mut texts = exchange.texts().into_iter().filter(|(name, place, _)| {
        matches!(place, Place::Form | Place::Json | Place::Query) && !is_secret_name(name)
    });
    let (.., only) = texts.next()?;
    texts.next().is_none().then_some(only)
}

/// Whether an answer gives a cookie or a token that later requests carry.
fn gives_session(answer: &Answer, later: &[Exchange]) -> bool {
    let tokens = answer.leaves.iter().filter(|(pointer, _)| is_secret_name(pointer));
    let tokens: Vec<&str> =
        tokens.filter_map(|(_, value)| value.as_str()).filter(|text| text.len() >= 8).collect();
    later.iter().any(|exchange| {
        let cookies = cookie_pairs(exchange);
        answer.cookies.iter().any(|cookie| cookies.contains(cookie))
            || exchange.texts().iter().any(|(.., text)| tokens.iter().any(|token| text.contains(token)))
    })
}
