//! Carries out the steps of a section, in order.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use reqwest::Method;
use serde_json::Value;
use soter_text::{Text, seconds, text};
use soter_wechat::{Clock, SystemClock};
use soter_wire::shortened;
use tokio::time::{Instant, sleep};

use super::answers::{Answered, NoValue};
use super::client::{Client, MIN_SECRET_BYTES};
use super::command_step;
use super::computing::add_new_values;
use super::description::{Action, Endpoint, Section, Step, Success};
use super::identity;
use super::played_steps::PlayedStep;
use super::template::Values;
use crate::http::{Reply, Request, masked};
use crate::target::{Answer, Exchange, TargetError, Visit};

/// The maximum number of redirects that one request follows.
const MAX_REDIRECTS: usize = 10;
/// The number of characters of a value that a record shows.
const SHOWN_VALUE_CHARS: usize = 100;

/// The end of a section.
#[derive(Debug)]
pub(super) struct Ran {
    /// The status of the main step's answer.
    pub(super) status: u16,
    /// What the main step's answer lacks for one that means success, in one line.
    pub(super) answer_mismatch: Option<Text>,
    /// The last answer.
    pub(super) reply: Reply,
    /// What went over the wire: the main step, and the last one.
    pub(super) exchange: Exchange,
    /// By what the answers call the user.
    pub(super) identity: BTreeMap<String, Value>,
    /// The values that were captured or computed on the way.
    pub(super) values: Values,
    /// What the answers lack for a success, in one line; `None`: they are a success.
    pub(super) refused: Option<Text>,
}

impl Ran {
    /// What it means, if nothing but its conditions is judged.
    pub(super) fn into_answer(self) -> Answer {
        Answer {
            accepted: self.refused.is_none(),
            status: self.status,
            reason: self.refused,
            doubt: None,
            harm: None,
            exchange: self.exchange,
        }
    }

    /// The values that the section's answers have given, without those that only it needs.
    pub(super) fn named(self, section: &Section) -> Values {
        let names: Vec<&str> = section.value_names().collect();
        self.values.into_iter().filter(|(name, _)| names.contains(&name.as_str())).collect()
    }
}

/// A step whose answer does not lead to the next one.
struct RefusedStep {
    reply: Reply,
    why: Text,
    /// The same without the beginning of the answer, which may have a part of a secret.
    brief: Text,
}

impl RefusedStep {
    /// A step whose conditions do not hold.
    fn unmet(reply: Reply, why: Text) -> Self {
        Self { reply, brief: why.clone(), why }
    }
}

impl Client {
    /// Carries out a section, whose last answer must meet `success`. Steps before the main one must be answered with 2xx
    /// unless they have conditions of their own; so must those after it. If there are steps after the main one, its own answer
    /// may be any: what counts is the effect that they show. `changed` is sent instead of the request of the main step.
    ///
    /// # Errors
    /// [`TargetError::Broken`] if a step cannot be carried out, or is not answered.
    pub(super) async fn run(
        &self,
        section: &Section,
        success: Option<&Success>,
        mut values: Values,
        visit: &Visit,
        changed: Option<&Endpoint>,
    ) -> Result<Ran, TargetError> {
        let usual = Success::default();
        let mut main: Option<(u16, Exchange)> = None;
        let mut answer_mismatch = None;
        let mut identity = BTreeMap::new();
        let mut last = None;
        let count = section.steps().count();
        for (index, step) in section.steps().enumerate() {
            let (is_main, is_last) = (index == section.before.len(), index + 1 == count);
            let condition = match () {
                () if is_last => success,
                () if is_main => None,
                () => Some(step.success.as_ref().unwrap_or(&usual)),
            };
            let changed = changed.filter(|_| is_main);
            // Boxed, because every attack's future contains it, some of them many times.
            let outcome = Box::pin(self.run_step(step, condition, &mut values, visit, changed)).await;
            self.recorder.add(|| self.played_step(section, index, step, &outcome, &values, visit));
            let (reply, refused) = match outcome? {
                Ok(reply) => (reply, None),
                Err(RefusedStep { reply, why, .. }) => (reply, Some(why)),
            };
            if is_main {
                main = Some((reply.status, reply.exchange.clone()));
                let answered = Answered { reply: &reply, cookies: &visit.cookies, values: &values };
                answer_mismatch = answered.check(section.answer.as_ref().unwrap_or(&usual)).err();
            }
            identity.extend(identity::find(&reply.body));
            let is_over = refused.is_some();
            last = Some((reply, refused));
            if is_over {
                break;
            }
        }
        let (reply, refused) = last.ok_or_else(|| TargetError::broken(text!("the section has no steps")))?;
        let (status, exchange) = match main {
            None => (reply.status, reply.exchange.clone()),
            Some((status, exchange)) if exchange == reply.exchange => (status, exchange),
            Some((status, exchange)) => (status, exchange.followed_by(&reply.exchange)),
        };
        Ok(Ran { status, answer_mismatch, reply, exchange, identity, values, refused })
    }

    /// The time of the application's clock, in milliseconds since 1970.
    fn now_ms(&self) -> u64 {
        SystemClock.unix_millis() + self.ahead_ms.load(Ordering::Relaxed)
    }

    /// A step that was carried out, for a record: with what it has found, and without secrets.
    fn played_step(
        &self,
        section: &Section,
        index: usize,
        step: &Step,
        outcome: &Result<Result<Reply, RefusedStep>, TargetError>,
        values: &Values,
        visit: &Visit,
    ) -> PlayedStep {
        let name = self.application.name_of(section);
        let (before, is_last) = (section.before.len(), index + 1 == section.steps().count());
        let place = match index.checked_sub(before) {
            None => format!("[[{name}.before]] {}", index + 1),
            Some(0) => format!("[{name}]"),
            Some(number) => format!("[[{name}.after]] {number}"),
        };
        let action = match &step.action {
            Action::Command(command) => shell_words::join(command),
            Action::Request { endpoint, .. } => format!("{} {}", endpoint.method(), endpoint.url),
        };
        let (reply, problem) = match outcome {
            Ok(Ok(reply)) => (Some(reply), None),
            Ok(Err(RefusedStep { reply, brief, .. })) => (Some(reply), Some(brief.clone())),
            Err(error) => (None, Some(error.text().clone())),
        };
        let challenge = (name == "challenge" && is_last).then(|| ("challenge", section.challenge()));
        let sources = step.values.iter().map(|(name, source)| (name.as_str(), source));
        let sources = sources.chain(challenge.iter().map(|(name, source)| (*name, source)));
        // Each by itself: one that is missing does not hide the others.
        let captured = reply.into_iter().flat_map(|reply| {
            let answered = Answered { reply, cookies: &visit.cookies, values };
            sources
                .clone()
                .filter_map(move |(name, source)| Some((name.to_owned(), answered.text(source).ok()?)))
        });
        let computed = step.computed.iter().filter_map(|one| values.get_key_value(&one.name));
        let found: Vec<_> =
            computed.map(|(name, value)| (name.clone(), value.clone())).chain(captured).collect();
        let known: Values = values.clone().into_iter().chain(found.iter().cloned()).collect();
        let secrets = self.secrets(step.endpoint(), &known, &visit.cookies);
        let of_login: Vec<&str> = self.application.login_names().collect();
        let shown = |(name, value): (String, String)| {
            let length = value.chars().count();
            let is_secret = of_login.contains(&name.as_str()) && value.len() >= MIN_SECRET_BYTES;
            let value = masked(value, &secrets);
            let shown = match () {
                () if is_secret => text!("… ({length} characters)", length = length),
                () if length > SHOWN_VALUE_CHARS => text!(
                    "{beginning}… ({length} characters)",
                    beginning = shortened(&value, SHOWN_VALUE_CHARS),
                    length = length
                ),
                () => Text::verbatim(value),
            };
            (name, shown)
        };
        PlayedStep {
            section: name,
            place,
            action,
            status: reply.map(|reply| reply.status),
            values: found.into_iter().map(shown).collect(),
            cookies: visit.cookies.names(),
            // Without the shortened answer: the exchange has the whole one, masked.
            problem: problem.map(|problem| problem.map(&|text| masked(text.to_owned(), &secrets))),
            exchange: reply.map(|reply| reply.exchange.clone().masked(&secrets)),
        }
    }

    /// Carries out one step, and adds its values.
    async fn run_step(
        &self,
        step: &Step,
        condition: Option<&Success>,
        values: &mut Values,
        visit: &Visit,
        changed: Option<&Endpoint>,
    ) -> Result<Result<Reply, RefusedStep>, TargetError> {
        let begun = Instant::now();
        loop {
            add_new_values(&step.computed, self.now_ms(), values)?;
            let reply = self.attempt(step, values, visit, changed).await?;
            let answered = Answered { reply: &reply, cookies: &visit.cookies, values };
            let unmet = condition.and_then(|condition| answered.check(condition).err());
            let Some(unmet) = unmet else {
                return match answered.captured(&step.values) {
                    Ok(captured) => {
                        values.extend(captured);
                        Ok(Ok(reply))
                    }
                    Err(NoValue { whole, brief }) => Ok(Err(RefusedStep { reply, why: whole, brief })),
                };
            };
            let Some(until) = &step.until else { return Ok(Err(RefusedStep::unmet(reply, unmet))) };
            if until.stop.as_ref().is_some_and(|stop| answered.check(stop).is_ok()) {
                return Ok(Err(RefusedStep::unmet(reply, unmet)));
            }
            if begun.elapsed() + until.every > until.within {
                let why =
                    text!("{unmet}, also after {within}", unmet = unmet, within = seconds(until.within));
                return Ok(Err(RefusedStep::unmet(reply, why)));
            }
            sleep(until.every).await;
        }
    }

    async fn attempt(
        &self,
        step: &Step,
        values: &Values,
        visit: &Visit,
        changed: Option<&Endpoint>,
    ) -> Result<Reply, TargetError> {
        match &step.action {
            Action::Command(command) => {
                let secrets = self.secrets(None, values, &visit.cookies);
                command_step::run(command, &self.application.folder, values, self.http.timeout(), &secrets)
                    .await
            }
            Action::Request { endpoint, follow } => {
                let request =
                    self.build_request(changed.unwrap_or(endpoint), &step.computed, values, visit)?;
                let reply = self.send_request(request.clone(), visit).await?;
                if *follow { self.follow(endpoint, request, reply, visit).await } else { Ok(reply) }
            }
        }
    }

    /// Follows redirects on the same server. A cookie that the description names stays.
    async fn follow(
        &self,
        endpoint: &Endpoint,
        mut request: Request,
        mut reply: Reply,
        visit: &Visit,
    ) -> Result<Reply, TargetError> {
        for _ in 0..MAX_REDIRECTS {
            let keeps_method = match reply.status {
                301..=303 => false,
                307 | 308 => true,
                _ => return Ok(reply),
            };
            let Some(location) = reply.header("location") else { return Ok(reply) };
            let url = request.url.join(location).map_err(|error| {
                let shown = shortened(location, 120).escape_debug();
                TargetError::broken(text!(
                    "the answer redirects to `{address}`, which is not an address: {error}",
                    address = shown,
                    error = error.to_string()
                ))
            })?;
            self.http.check(url.as_str())?;
            if !endpoint.names_cookies() {
                request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("cookie"));
                let cookie = visit.cookies.header(&url);
                request.headers.extend(cookie.map(|cookie| ("Cookie".to_owned(), cookie)));
            }
            if !keeps_method {
                (request.method, request.body) = (Method::GET, None);
                request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
            }
            request.url = url;
            reply = self.send_request(request.clone(), visit).await?;
        }
        Err(TargetError::broken(text!("more than {most} redirects follow one another", most = MAX_REDIRECTS)))
    }
}
