//! Where the texts of recorded requests come from: from an earlier answer, from the phone, from the clock, or from the client
//! itself.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use soter_bridge::visible;
use soter_text::tr;

use super::answer::{Answer, Source, is_text, place_of};
use super::archive::Exchange;
use super::callback::{Callback, base64_text, object_in};
use super::cookies::{cookie_pairs, unusual_cookies};
use super::draft::{Computed, Draft, FILL_IN, Note};
use super::enrolment::Enrolment;
use super::fields::{NONCES, SIGNS, is_code_field, is_secret_name};
use super::login::Login;
use super::names::{Names, are_related, normalised};
use super::request::{Field, Part, Place, write_json};
use super::secrets::Secrets;
use crate::application::RESULT_MEMBERS;

/// The shortest part of a text, such as of `Bearer …`, that is looked for in answers.
const MIN_PART_CHARS: usize = 8;
/// The maximum number of texts that are looked for in answers. Further ones count as constants.
const MAX_TRACED: usize = 1_000;
/// How far a timestamp may be from the time of its request, in milliseconds.
const CLOCK_MILLIS: i64 = 86_400_000;
/// The recording, and what is known about it.
#[derive(Debug)]
pub(super) struct Tracer<'a> {
    pub(super) exchanges: &'a [Exchange],
    pub(super) answers: Vec<Answer>,
    texts: Vec<Vec<(String, Place, String)>>,
    pub(super) callback: &'a Callback,
    /// The request whose answer completes the challenge.
    pub(super) challenge: Option<usize>,
    pub(super) login: Option<&'a Login>,
    pub(super) enrolment: Enrolment,
    secrets: &'a Secrets,
    names: Names,
    /// The values that are taken from each answer: names, and where they stand.
    values: BTreeMap<usize, BTreeMap<String, Value>>,
    /// The cookies that the audit would not send by itself, of each request.
    cookies: Vec<Vec<(String, String, Option<usize>)>>,
    /// The requests whose answers set cookies that later ones carry.
    gives_cookies: BTreeSet<usize>,
    needed: BTreeSet<usize>,
    traced: usize,
}

impl<'a> Tracer<'a> {
    pub(super) fn new(
        exchanges: &'a [Exchange],
        callback: &'a Callback,
        challenge: Option<usize>,
        login: Option<&'a Login>,
        secrets: &'a Secrets,
    ) -> Self {
        let answers: Vec<_> = exchanges.iter().map(Answer::of).collect();
        let cookies = unusual_cookies(exchanges, &answers);
        Self {
            exchanges,
            answers,
            texts: exchanges.iter().map(Exchange::texts).collect(),
            callback,
            challenge,
            login,
            enrolment: Enrolment::find(exchanges, callback.at),
            secrets,
            names: Names::default(),
            values: BTreeMap::new(),
            cookies,
            gives_cookies: BTreeSet::new(),
            needed: BTreeSet::new(),
            traced: 0,
        }
    }

    /// Adds the steps with these places in the recording, and those that give them values.
    pub(super) fn extend(
        &mut self,
        drafts: &mut BTreeMap<usize, Draft>,
        wanted: impl IntoIterator<Item = usize>,
    ) {
        self.needed.extend(wanted);
        while let Some(at) = self.needed.iter().rev().find(|at| !drafts.contains_key(*at)).copied() {
            let draft = self.draft(at);
            drafts.insert(at, draft);
        }
    }

    /// Adds to each step the values that others take from its answer.
    pub(super) fn add_values(&self, drafts: &mut BTreeMap<usize, Draft>) {
        for (at, values) in &self.values {
            if let Some(draft) = drafts.get_mut(at) {
                draft.values.clone_from(values);
            }
        }
    }

    /// Whether others take something from an answer: values, or cookies.
    pub(super) fn is_used(&self, at: usize) -> bool {
        self.values.contains_key(&at) || self.gives_cookies.contains(&at)
    }

    /// The name under which this text is known that an answer gives, if it has one already.
    pub(super) fn name_of(&self, text: &str) -> Option<String> {
        self.names.of_text(text)
    }

    /// Names a value of an answer.
    pub(super) fn name(&mut self, at: usize, source: &Source, wanted: &str, text: &str) -> String {
        if let Some(values) = self.values.get(&at)
            && let Some((name, _)) = values.iter().find(|(_, place)| **place == source.place)
        {
            return name.clone();
        }
        let name = self.names.new_name(wanted, &source.name, text);
        self.values.entry(at).or_default().insert(name.clone(), source.place.clone());
        self.needed.insert(at);
        name
    }

    fn draft(&mut self, at: usize) -> Draft {
        let exchange = &self.exchanges[at];
        let mut draft = Draft::new(at, exchange);
        let mut fields = Vec::new();
        let rendered = exchange.render(&mut |field, text| {
            let parts = self.parts(at, field, text, &mut draft);
            fields.push((field.place, field.name.to_owned(), parts.clone()));
            parts
        });
        draft.request = rendered;
        draft.finish_signature(&fields);
        self.add_cookies(at, &mut draft);
        draft
    }

    /// What a description says for a text of a request.
    fn parts(&mut self, at: usize, field: Field<'_>, text: &str, draft: &mut Draft) -> Vec<Part> {
        if text.is_empty() {
            return Part::text(text);
        }
        if let Some(name) = self.enrolment.name(text).filter(|_| self.enrolment.at.contains(&at)) {
            return Part::name(name);
        }
        if at >= self.callback.at
            && let Some(parts) = self.of_result(field, text, draft)
        {
            return parts;
        }
        if text == self.callback.challenge() && self.challenge.is_some_and(|challenge| at > challenge) {
            return Part::name("challenge");
        }
        if let Some(parts) = self.of_login(at, field, text, draft) {
            return parts;
        }
        if let Some((from, source)) = self.trace(at, field, text) {
            return Part::name(&self.name(from, &source, wanted_name(field), text));
        }
        if let Some(name) = self.timestamp(at, text) {
            draft.notes.push(Note::Guess(tr!(
                "{field} is the time: {name}",
                field = field.shown(),
                name = format!("{{{{{name}}}}}")
            )));
            return Part::name(name);
        }
        let name = normalised(field.name);
        if SIGNS.contains(&name.as_str()) && draft.begin_signature(field, text) {
            return Part::name("sign");
        }
        if NONCES.contains(&name.as_str()) && text.len() >= 4 {
            draft.notes.push(Note::Guess(tr!(
                "{field} is new in each request: {name}",
                field = field.shown(),
                name = "{{nonce}}"
            )));
            return Part::name("nonce");
        }
        self.of_parts(at, field, text, draft)
    }

    /// The whole result, its signature or a member.
    fn of_result(&mut self, field: Field<'_>, text: &str, draft: &mut Draft) -> Option<Vec<Part>> {
        let callback = self.callback;
        if text == callback.json {
            return Some(Part::name("resultJSON"));
        }
        if callback.signature.as_deref() == Some(text) {
            return Some(Part::name("resultJSONSignature"));
        }
        let name = normalised(field.name);
        let member = RESULT_MEMBERS.iter().find(|member| {
            normalised(member) == name
                && callback.members.get(**member).is_some_and(|value| is_text(value, text))
        });
        if let Some(member) = member {
            return Some(Part::name(member));
        }
        if name == "authmode" && ["fingerPrint", "facial", "speech"].contains(&text) {
            return Some(Part::name("authMode"));
        }
        self.nested(field, text, draft)
    }

    /// A text that has the result in it: JSON, or Base64.
    fn nested(&mut self, field: Field<'_>, text: &str, draft: &mut Draft) -> Option<Vec<Part>> {
        let at = draft.at;
        if let Some(inner) = base64_text(text).filter(|_| self.callback.signature.as_deref() != Some(text)) {
            if !self.has_result(&inner) {
                return None;
            }
            let parts = self.parts(at, Field { place: Place::Text, name: field.name }, &inner, draft);
            let name = self.names.new_name(field.name, "encoded", "");
            draft.computed.push(Computed::encoded(&name, &parts, "base64"));
            return Some(Part::name(&name));
        }
        let json = object_in(text).filter(|_| self.has_result(text))?;
        let mut inner = String::new();
        // Names in the inner text stand in strings, and are escaped for them.
        let mut escaped = Vec::new();
        write_json(
            &json,
            field.name,
            &mut |field, text| {
                let mut parts = self.parts(at, field, text, draft);
                for part in &mut parts {
                    if let Part::Name(name) = part {
                        let inner = format!("{name}InJson");
                        if !escaped.contains(name) {
                            escaped.push(name.clone());
                        }
                        *name = inner;
                    }
                }
                parts
            },
            &mut inner,
        );
        for name in escaped {
            let parts = Part::name(&name);
            draft.computed.push(Computed::encoded(&format!("{name}InJson"), &parts, "json"));
        }
        let name = self.names.new_name(field.name, "encoded", "");
        draft.computed.push(Computed::plain(&name, inner));
        Some(Part::name(&name))
    }

    fn has_result(&self, text: &str) -> bool {
        let inner = self.callback.json.as_str();
        let quoted = Value::from(inner).to_string();
        text.contains(inner) || text.contains(&quoted) || text.contains(&quoted.replace('/', "\\/"))
    }

    /// The code of `wx.login`, the user's name, and a password, which the recording does not give away.
    fn of_login(&self, at: usize, field: Field<'_>, text: &str, draft: &mut Draft) -> Option<Vec<Part>> {
        let login = self.login?;
        if login.code.as_deref() == Some(text) || is_code_field(field.name, text) {
            return Some(Part::name("code"));
        }
        if at == login.at && login.user.as_deref() == Some(text) {
            draft.notes.push(Note::Guess(tr!(
                "{field} is the user's name: the audit needs several users, and calls them {name}",
                field = field.shown(),
                name = "{{user}}"
            )));
            return Some(Part::name("user"));
        }
        None
    }

    /// The earlier answer in which a text occurs for the first time, unless a client has sent it before.
    fn trace(&mut self, at: usize, field: Field<'_>, text: &str) -> Option<(usize, Source)> {
        self.traced += 1;
        if self.traced > MAX_TRACED {
            return None;
        }
        let is_long = is_long(field, text);
        let is_named = |name: &str| are_related(field.place == Place::Path, field.name, name);
        if !is_long && (text.len() > 64 || ["true", "false", "null"].contains(&text)) {
            return None;
        }
        for before in 0..at {
            let mut sent = self.texts[before].iter();
            if sent.any(|(name, _, sent)| {
                sent == text && (is_long || normalised(name) == normalised(field.name))
            }) {
                return None;
            }
            let (exchange, answer) = (&self.exchanges[before], &self.answers[before]);
            let found = if is_long {
                place_of(text, exchange, answer)
            } else {
                let in_page = || {
                    let source = place_of(text, exchange, answer)?;
                    (source.place.get("css").is_some() && is_named(&source.name)).then_some(source)
                };
                answer.leaf(text, &is_named).or_else(in_page)
            };
            if let Some(source) = found {
                return Some((before, source));
            }
        }
        None
    }

    /// The name of the time that a number is, if it is one.
    fn timestamp(&self, at: usize, text: &str) -> Option<&'static str> {
        let sent = self.exchanges[at].sent?.timestamp_millis();
        let number: i64 = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))?;
        let is_near = |millis: i64| (millis - sent).abs() < CLOCK_MILLIS;
        match text.len() {
            10 if is_near(number.saturating_mul(1000)) => Some("timestamp"),
            13 if is_near(number) => Some("timestampMs"),
            _ => None,
        }
    }

    /// A text of which a part comes from an answer, as in `Bearer …`; or a secret; or a constant.
    fn of_parts(&mut self, at: usize, field: Field<'_>, text: &str, draft: &mut Draft) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut fixed = String::new();
        for piece in text.split_inclusive(is_separator) {
            let end = piece.chars().next_back().filter(|end| is_separator(*end));
            let inner = &piece[..piece.len() - end.map_or(0, char::len_utf8)];
            let is_whole = inner.len() == text.len();
            let found = (inner.len() >= MIN_PART_CHARS && !is_whole)
                .then(|| self.part_of(at, field, inner))
                .flatten();
            if let Some(name) = found {
                if !fixed.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut fixed)));
                }
                parts.push(Part::Name(name));
            } else {
                fixed.push_str(inner);
            }
            fixed.extend(end);
        }
        let is_secret = self.secrets.occurs_in(&fixed)
            || (parts.is_empty() && fixed.len() >= 4 && is_secret_name(field.name));
        if is_secret || fixed.contains("{{") {
            let what = field.shown();
            draft.notes.push(Note::Missing(tr!(
                "{what}: no answer of the recording gives it, and a description has no secrets of a recording: write it in place of {mark}",
                what = what,
                mark = FILL_IN
            )));
            fixed = self.secrets.masked(&fixed);
            if parts.is_empty() && (fixed == text || fixed.contains("{{")) {
                FILL_IN.clone_into(&mut fixed);
            }
            fixed = fixed.replace("{{", "{ {");
        }
        if !fixed.is_empty() {
            parts.push(Part::Text(fixed));
        }
        parts
    }

    fn part_of(&mut self, at: usize, field: Field<'_>, text: &str) -> Option<String> {
        let callback = self.callback;
        if at >= callback.at && callback.signature.as_deref() == Some(text) {
            return Some("resultJSONSignature".to_owned());
        }
        if text == callback.challenge() && self.challenge.is_some_and(|challenge| at > challenge) {
            return Some("challenge".to_owned());
        }
        let (from, source) = self.trace(at, Field { place: Place::Header, ..field }, text)?;
        Some(self.name(from, &source, "", text))
    }

    /// The cookies of a request: those that answers have set are sent by the audit itself, unless their path or domain is
    /// another one.
    fn add_cookies(&mut self, at: usize, draft: &mut Draft) {
        let sent = cookie_pairs(&self.exchanges[at]);
        for (name, value) in &sent {
            let setter = (0..at).rev().find(|before| {
                let cookies = &self.answers[*before].cookies;
                cookies.iter().any(|(set, set_value)| set == name && set_value == value)
            });
            self.gives_cookies.extend(setter);
            self.needed.extend(setter);
        }
        let not_sent = self.cookies[at].clone();
        let (known, unknown): (Vec<_>, Vec<_>) =
            not_sent.into_iter().partition(|(.., setter)| setter.is_some());
        if !unknown.is_empty() && at <= self.callback.at {
            let names: Vec<_> = unknown.iter().map(|(name, ..)| visible(name)).collect();
            draft.notes.push(Note::Missing(tr!(
                "the cookie {names}, which no answer of the recording has set. If it is needed, begin the recording earlier",
                names = names.join(", ")
            )));
        }
        if known.is_empty() {
            return;
        }
        let mut header = Vec::new();
        for (name, value) in &sent {
            let setter =
                (0..at).rev().find(|before| self.answers[*before].cookies.iter().any(|(set, _)| set == name));
            let Some(setter) = setter else { continue };
            let source =
                Source { place: serde_json::json!({"cookie": name}), name: name.clone(), is_cookie: true };
            let value = self.name(setter, &source, name, value);
            header.push(format!("{name}={{{{{value}}}}}"));
        }
        draft.notes.push(Note::Guess(tr!(
            "the header Cookie is written out, because by the cookie's own path or domain it would not be sent here"
        )));
        draft.request.headers.push(("Cookie".to_owned(), header.join("; ")));
    }
}

/// Whether a text is long enough that it does not stand in an answer by chance.
fn is_long(field: Field<'_>, text: &str) -> bool {
    let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
    let min = if field.place == Place::Path { 16 } else { 12 };
    (text.len() >= 6 && has_digit) || (text.len() >= min && !text.contains(' '))
}

fn is_separator(character: char) -> bool {
    matches!(character, ' ' | ':' | ',' | ';' | '/' | '=' | '&' | '|' | '"' | '<' | '>' | '\n')
}

/// What a value is best called, by the field that it fills.
fn wanted_name(field: Field<'_>) -> &str {
    match field.place {
        Place::Header | Place::Text => "",
        Place::Form | Place::Json | Place::Path | Place::Query => field.name,
    }
}
