//! The order of a payment: which recorded request belongs to which section of the description.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use soter_text::tr;

use super::answer::{Answer, Source, place_of};
use super::archive::Exchange;
use super::callback::Callback;
use super::document::Section;
use super::draft::{Draft, FILL_IN, Note};
use super::login::Login;
use super::secrets::Secrets;
use super::success::{Certainty, Condition};
use super::tracing::Tracer;
use crate::json_values::as_text;

/// The number of requests after the result that are looked at.
const MAX_AFTER: usize = 100;
/// Numbers from here on may be times, in seconds since 1970, which change by themselves.
const MIN_TIMESTAMP: f64 = 1e9;
/// The shortest value that a challenge is put together from.
const MIN_PIECE_CHARS: usize = 3;

/// The sections, and what belongs to none of them.
#[derive(Debug)]
pub(super) struct Payment {
    pub(super) sections: Vec<Section>,
    pub(super) notes: Vec<Note>,
    /// Method and path of the requests that are not steps.
    pub(super) unneeded: Vec<String>,
}

/// Where the challenge comes from.
struct Challenge {
    /// The request whose answer completes it.
    at: usize,
    place: Value,
    note: Option<Note>,
}

/// Puts the recorded requests into sections.
pub(super) fn sections(
    exchanges: &[Exchange],
    callback: &Callback,
    login: Option<Login>,
    secrets: &Secrets,
) -> Payment {
    let mut notes = Vec::new();
    let found = find_challenge(exchanges, callback);
    let mut tracer =
        Tracer::new(exchanges, callback, found.as_ref().map(|found| found.at), login.as_ref(), secrets);
    let challenge = found
        .or_else(|| composed(&mut tracer))
        .unwrap_or_else(|| unknown_challenge(exchanges, callback.at, login.as_ref()));
    // A login whose answer gives the challenge is the order itself.
    let login_at = login.as_ref().map(|login| login.at).filter(|at| *at < challenge.at);
    if login_at.is_none() {
        notes.push(Note::Missing(tr!(
            "no login was found: no request before the order has a code of wx.login, or gives what later ones carry. If there are logins, begin the recording earlier"
        )));
    }

    let begin = login_at.unwrap_or(0);
    let mut wanted: BTreeSet<usize> = [challenge.at, callback.at].into_iter().chain(login_at).collect();
    // A request that changes something may be needed, although nothing of its answer is used.
    let changing =
        (begin..callback.at).filter(|at| !matches!(exchanges[*at].method.as_str(), "GET" | "HEAD"));
    for at in changing {
        let is_repeated =
            (at + 1..=callback.at).any(|later| exchanges[at].is_same_request(&exchanges[later]));
        let is_other_login = login_at.is_some_and(|login| {
            at != login
                && exchanges[at].url == exchanges[login].url
                && exchanges[at].method == exchanges[login].method
        });
        if !is_repeated && !is_other_login {
            wanted.insert(at);
        }
    }
    let mut drafts = BTreeMap::new();
    wanted.extend(&tracer.enrolment.at);
    tracer.extend(&mut drafts, wanted);
    let success = Success::find(&mut tracer);
    tracer.extend(&mut drafts, success.after.iter().map(|(at, _)| *at));
    for (at, until) in &success.after {
        if let Some(draft) = drafts.get_mut(at) {
            draft.until.clone_from(until);
        }
    }
    note_what_gives_nothing(&mut drafts, &tracer, &[Some(challenge.at), Some(callback.at), login_at]);
    tracer.add_values(&mut drafts);

    let unneeded = exchanges.iter().enumerate().filter(|(at, _)| !drafts.contains_key(at));
    let unneeded =
        unneeded.map(|(_, exchange)| format!("{} {}", exchange.method, exchange.url.path())).collect();
    let is_polled = |at: usize| (begin..at).any(|before| exchanges[before].is_same_request(&exchanges[at]));
    let of_keys: Vec<Draft> = tracer
        .enrolment
        .at
        .iter()
        .filter(|at| Some(**at) != login_at && **at != challenge.at)
        .filter_map(|at| drafts.remove(at))
        .collect();
    let mut sections = into_sections(drafts, login, login_at, challenge, callback, success, &is_polled);
    if let Some(section) = enroll(of_keys) {
        sections.insert(usize::from(login_at.is_some()), section);
    }
    Payment { sections, notes, unneeded }
}

fn into_sections(
    mut drafts: BTreeMap<usize, Draft>,
    login: Option<Login>,
    login_at: Option<usize>,
    challenge: Challenge,
    callback: &Callback,
    success: Success,
    is_polled: &dyn Fn(usize) -> bool,
) -> Vec<Section> {
    let mut sections = Vec::new();
    if let Some(mut section) = login_at.and_then(|at| section("login", at, &mut drafts)) {
        section.notes.extend(login.and_then(|login| login.note));
        sections.push(section);
    }
    if let Some(mut section) = section("challenge", challenge.at, &mut drafts) {
        // Asked for again and again, until it is there.
        if let Value::String(pointer) = &challenge.place
            && is_polled(challenge.at)
        {
            section.main.until = Some(Condition::there(section.main.status, pointer));
            section.notes.push(Note::Guess(tr!("it is asked until the challenge is there")));
        }
        section.notes.extend(challenge.note);
        section.challenge = Some(challenge.place);
        sections.push(section);
    }
    if let Some(mut section) = section("result", callback.at, &mut drafts) {
        if callback.is_object {
            section.notes.push(Note::Missing(tr!(
                "the result was sent as a JSON object, not as the text that was signed. The audit changes that text: let the application take {name} as a string, and check the signature over its bytes",
                name = "{{resultJSON}}"
            )));
        }
        if callback.signature.is_none() {
            section.notes.push(Note::Missing(tr!(
                "no value of the request is a signature: write {name} where it belongs",
                name = "{{resultJSONSignature}}"
            )));
        }
        section.after = drafts.into_values().collect();
        success.add_to(&mut section);
        sections.push(section);
    }
    sections
}

/// The section of the phone's keys, whose main step is the last one that brings them.
fn enroll(mut of_keys: Vec<Draft>) -> Option<Section> {
    let mut section = Section::new("enroll", of_keys.pop()?);
    section.before = of_keys;
    section.notes.push(Note::Guess(tr!("these requests bring the phone's keys")));
    Some(section)
}

/// The section whose main step is this one, with the steps that come before it.
fn section(name: &'static str, main: usize, drafts: &mut BTreeMap<usize, Draft>) -> Option<Section> {
    let later = drafts.split_off(&(main + 1));
    let main = drafts.remove(&main);
    let before = std::mem::replace(drafts, later);
    let mut section = Section::new(name, main?);
    section.before = before.into_values().collect();
    Some(section)
}

/// Marks steps that are there only because they may change something.
fn note_what_gives_nothing(drafts: &mut BTreeMap<usize, Draft>, tracer: &Tracer<'_>, main: &[Option<usize>]) {
    for (at, draft) in drafts.range_mut(..tracer.callback.at) {
        if !main.contains(&Some(*at)) && !tracer.is_used(*at) && !tracer.enrolment.at.contains(at) {
            draft.notes.push(Note::Guess(tr!(
                "nothing of its answer is used. Delete this step if the payment does not need it"
            )));
        }
    }
}

/// The first answer that has the challenge in it.
fn find_challenge(exchanges: &[Exchange], callback: &Callback) -> Option<Challenge> {
    let raw = callback.challenge();
    if raw.is_empty() {
        return None;
    }
    exchanges.iter().take(callback.at).enumerate().find_map(|(at, exchange)| {
        let source = place_of(raw, exchange, &Answer::of(exchange))?;
        let note = source.place.get("regex").map(|_| {
            Note::Guess(tr!("the expression was made from one answer: see whether it holds for others"))
        });
        Some(Challenge { at, place: source.place, note })
    })
}

/// A challenge that is put together from values of several answers.
fn composed(tracer: &mut Tracer<'_>) -> Option<Challenge> {
    let raw = tracer.callback.challenge().to_owned();
    let mut pieces = Vec::new();
    for at in 0..tracer.callback.at {
        for (pointer, value) in &tracer.answers[at].leaves {
            let text = as_text(value);
            let is_value = value.is_string() || value.is_number();
            if is_value && text.chars().count() >= MIN_PIECE_CHARS && raw.contains(&text) {
                pieces.push((at, pointer.clone(), text));
            }
        }
    }
    pieces.sort_by_key(|(at, _, text)| (std::cmp::Reverse(text.len()), *at));
    // Marks stand for names, so that a piece is not found in the name of another one.
    let (mut marked, mut used) = (raw.clone(), Vec::new());
    for (at, pointer, text) in pieces {
        if marked.contains(&text) && used.len() < 8 {
            let mark = char::from_u32(0xE000 + u32::try_from(used.len()).ok()?)?;
            marked = marked.replacen(&text, &mark.to_string(), 1);
            used.push((mark, at, pointer, text));
        }
    }
    let last = used.iter().map(|(_, at, ..)| *at).max()?;
    let covered: usize = used.iter().map(|(.., text)| text.chars().count()).sum();
    if covered * 2 < raw.chars().count() {
        return None;
    }
    let mut template = marked;
    for (mark, at, pointer, text) in used {
        let source = tracer.answers[at].leaf(&text, &|_| true)?;
        let source = Source { place: pointer.into(), ..source };
        let name = tracer.name(at, &source, "", &text);
        template = template.replace(mark, &format!("{{{{{name}}}}}"));
    }
    tracer.challenge = Some(last);
    let note = Note::Guess(tr!("no answer has the challenge as a whole, so it is put together"));
    Some(Challenge { at: last, place: json!({"template": template}), note: Some(note) })
}

/// The place of a challenge that is in no answer.
fn unknown_challenge(exchanges: &[Exchange], result: usize, login: Option<&Login>) -> Challenge {
    let begin = login.map_or(0, |login| login.at + 1).min(result - 1);
    let changing = (begin..result).rev().find(|at| exchanges[*at].method != "GET");
    let note = Note::Missing(tr!(
        "the challenge, `raw` of the result, stands in no earlier answer, neither whole nor in parts. If this is the request that gives it, write where it stands in place of {mark}",
        mark = FILL_IN
    ));
    Challenge { at: changing.unwrap_or(result - 1), place: format!("/{FILL_IN}").into(), note: Some(note) }
}

/// What a success looks like, and the steps that show it.
struct Success {
    /// On the answer to the result.
    own: Condition,
    /// Later requests whose answers show more, and on what they wait. The last one has the condition of the section.
    after: Vec<(usize, Option<Condition>)>,
    later: Option<Condition>,
}

impl Success {
    fn find(tracer: &mut Tracer<'_>) -> Self {
        let (exchanges, result) = (tracer.exchanges, tracer.callback.at);
        let earlier: Vec<&str> =
            exchanges.iter().take(result).map(|exchange| exchange.answer.as_str()).collect();
        let condition = |at: usize, tracer: &Tracer<'_>| {
            Condition::of(&exchanges[at], &tracer.answers[at], &earlier, &|text| tracer.name_of(text))
        };
        let own = condition(result, tracer);
        let end = exchanges.len().min(result + 1 + MAX_AFTER);
        let later: Vec<usize> = (result + 1..end)
            .filter(|at| exchanges[*at].status < 400 && !exchanges[*at].is_same_request(&exchanges[result]))
            .collect();
        let better = later.iter().map(|at| (*at, condition(*at, tracer))).filter(|(_, condition)| {
            condition.certainty > own.certainty && condition.certainty >= Certainty::Payment
        });
        // The last of several equal requests: the ones before it have waited for the effect.
        let best = better.fold(None::<(usize, Condition)>, |best, next| match best {
            Some(best) if !exchanges[best.0].is_same_request(&exchanges[next.0]) => Some(best),
            _ => Some(next),
        });
        let mut after = Vec::new();
        let mut condition_of_last = None;
        if let Some((at, condition)) = best {
            let is_repeated =
                (result + 1..at).any(|before| exchanges[before].is_same_request(&exchanges[at]));
            after.push((at, is_repeated.then(|| condition.clone())));
            condition_of_last = Some(condition).filter(|_| !is_repeated);
        }
        // A number such as the balance shows the payment itself, where the words that were found may be said in any case.
        if let Some((at, condition)) = changed_value(tracer, &later, own.certainty < Certainty::Payment) {
            after.retain(|(other, _)| *other < at);
            after.push((at, None));
            condition_of_last = Some(condition);
        }
        Self { own, after, later: condition_of_last }
    }

    fn add_to(self, section: &mut Section) {
        let Self { own, after, later } = self;
        if !after.is_empty() {
            section.notes.push(Note::Guess(tr!(
                "the answer to the result does not say that the payment took place, but that of a later request does"
            )));
            section.answer = Some(own);
            section.success = later;
            return;
        }
        section.notes.push(match own.certainty {
            Certainty::Payment => {
                Note::Guess(tr!("this is what a success looks like. A refusal must not look like it"))
            }
            Certainty::Request => Note::Guess(tr!(
                "this is what a success looks like. It may say only that the request was carried out: see whether a refusal has another value there"
            )),
            Certainty::AnyValue => Note::DoubtfulGuess(tr!(
                "this value is all that the answer has. See whether a refusal has another one there, or check the effect in [[result.after]]"
            )),
            Certainty::StatusAlone => Note::Missing(tr!(
                "the answer shows nothing but its status. Say in `success` how a payment differs from a refusal, or check the effect in [[result.after]]"
            )),
        });
        section.success = Some(own);
    }
}

/// What was asked for both before and after the result and is different afterwards: a number, or a list that has grown by one
/// element. A list shows a payment better than any word, because it grows once for each; numbers are looked at if asked for.
fn changed_value(tracer: &mut Tracer<'_>, later: &[usize], with_numbers: bool) -> Option<(usize, Condition)> {
    let (exchanges, result) = (tracer.exchanges, tracer.callback.at);
    let begin = tracer.challenge.map_or(0, |challenge| challenge + 1);
    for (before, at) in (begin..result).flat_map(|before| later.iter().map(move |at| (before, *at))) {
        if !exchanges[before].is_same_request(&exchanges[at]) {
            continue;
        }
        let (old, new) = (&tracer.answers[before], &tracer.answers[at]);
        let grown = old.lists.iter().find(|(pointer, length)| {
            new.lists.iter().any(|(other, now)| other == pointer && *now == length + 1)
        });
        let is_amount = |value: &Value| value.as_f64().is_some_and(|number| number.abs() < MIN_TIMESTAMP);
        let number = || {
            old.leaves.iter().map(|(pointer, value)| (pointer, value)).find(|(pointer, value)| {
                is_amount(value)
                    && new
                        .leaves
                        .iter()
                        .any(|(other, now)| other == *pointer && is_amount(now) && now != *value)
            })
        };
        let number = || with_numbers.then(number).flatten().map(|(pointer, _)| pointer);
        let pointer = grown.map(|(pointer, _)| pointer).or_else(number).cloned();
        if let Some(pointer) = pointer {
            let source =
                Source { place: pointer.clone().into(), name: "before".to_owned(), is_cookie: false };
            let name = tracer.name(before, &source, "before", "");
            return Some((at, Condition::changed(exchanges[at].status, &pointer, &name)));
        }
    }
    None
}
