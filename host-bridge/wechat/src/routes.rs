//! WeChat's HTTP paths, answered as the real servers answer.
//!
//! Existing SDKs require the following, as running them showed: the body is parsed as JSON whatever its Content-Type,
//! unknown query parameters are ignored, the status is 200 also for an `errcode`, and the answer is one line of JSON
//! without a line end. It is declared as `application/json`, and under `/sns/` as `text/plain`, as many reports say.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::Response;
use axum::routing::{MethodRouter, any, post};
use serde_json::{Value, json};
use soter_text::{Text, text};
use soter_wire::shortened;
use tracing::debug;

use crate::answer::{Answer, Errcode, content_type, request_id};
use crate::body::{Body, is_form_name};
use crate::enrolment::enroll;
use crate::journal::{Excerpt, Origin, PendingCall};
use crate::json::Json;
use crate::ledger::error::LedgerError;
use crate::parameter::TOKEN_NAMES;
use crate::paths::{PathMethod, WeChatPath};
use crate::random::random_bytes;
use crate::reasons::Reason;
use crate::servers::{MAX_WAITING, WeChat};
use crate::sessions::BadToken;
use crate::sessions::switches::{SwitchStep, Switches};
use crate::verdict::Verdict;

use self::answer_types::ErrcodeAnswer;

mod addresses;
pub(crate) mod answer_types;
mod cloud;
pub(crate) mod parameters;
mod sessions;
mod soter;
mod tokens;

/// Maximum length of a body in bytes; a longer one gets errcode 45002.
pub const MAX_BODY_BYTES: usize = 1 << 20;
/// Maximum number of characters of an HTTP method that are kept or shown. A client can choose any word.
pub const MAX_METHOD_CHARACTERS: usize = 20;
/// How often a call that waits looks whether the switches have changed.
const SWITCHES_INTERVAL: Duration = Duration::from_secs(1);
/// The header of a good answer to a service in WeChat Cloud Run.
const SEQUENCE_HEADER: HeaderName = HeaderName::from_static("x-openapi-seqid");
/// Maximum number of characters of an unknown path that the journal keeps.
const MAX_PATH_CHARACTERS: usize = 200;

/// A router with every path of these servers.
pub fn routes(wechat: Arc<WeChat>) -> Router {
    let mut router = Router::new();
    for path in WeChatPath::ALL {
        router = router.route(path.path(), handler(*path));
    }
    // A server that has other paths with two or more parts has more specific routes for them.
    for unknown in ["/{prefix}/", "/{prefix}/{*rest}"] {
        router = router.route(unknown, any(unknown_path));
    }
    router.layer(DefaultBodyLimit::max(MAX_BODY_BYTES)).with_state(wechat)
}

/// A handler for any method that answers as WeChat does: a wrong method gets an errcode as well.
macro_rules! answering {
    ($path:expr, |$call:ident| $answer:expr) => {
        any(
            move |State(wechat): State<Arc<WeChat>>,
                  method: Method,
                  query: RawQuery,
                  body: Result<Bytes, BytesRejection>| async move {
                let mut $call = Call::begin(&wechat, $path, (method, &query, &body));
                let answer = match $call.admit(Some($path)).await {
                    Ok(()) => $answer,
                    Err(failed) => Err(failed),
                };
                $call.finish(answer)
            },
        )
    };
}

fn handler(path: WeChatPath) -> MethodRouter<Arc<WeChat>> {
    match path {
        WeChatPath::CallbackIps | WeChatPath::ApiIps => answering!(path, |call| call.own_addresses()),
        WeChatPath::CheckSession => answering!(path, |call| call.check_session().await),
        WeChatPath::ClearQuota => answering!(path, |call| call.clear_quota().await),
        WeChatPath::ClearQuotaBySecret => answering!(path, |call| call.clear_quota_by_secret().await),
        WeChatPath::CloudCalls => any(Call::answer_cloud),
        WeChatPath::CodeToSession => answering!(path, |call| call.code_to_session().await),
        WeChatPath::Devices => post(enroll),
        WeChatPath::IsSupport => answering!(path, |call| call.is_support()),
        WeChatPath::PhoneNumber => answering!(path, |call| call.phone_number().await),
        WeChatPath::ResetSessionKey => answering!(path, |call| call.reset_session_key().await),
        WeChatPath::StableToken => answering!(path, |call| call.stable_token().await),
        WeChatPath::Token => answering!(path, |call| call.token().await),
        WeChatPath::VerifyAsk => answering!(path, |call| call.verify_ask().await),
        WeChatPath::VerifySignature => answering!(path, |call| call.verify_signature().await),
    }
}

/// The value of [`SEQUENCE_HEADER`]. Its form is not documented; modelled.
fn sequence_id() -> HeaderValue {
    let hex = base16ct::lower::encode_string(&random_bytes::<16>());
    HeaderValue::try_from(hex).unwrap_or(HeaderValue::from_static("0"))
}

/// SDKs have hundreds of calls, and understand WeChat's own answer to those that do not exist.
async fn unknown_path(
    State(wechat): State<Arc<WeChat>>,
    method: Method,
    uri: Uri,
    query: RawQuery,
) -> Response {
    let path = shortened(uri.path(), MAX_PATH_CHARACTERS).to_owned();
    let mut call = Call::new(&wechat, path, method, &query, Err(NoBody::Empty));
    let admitted = call.admit(None).await;
    call.finish(admitted.and(Err(Errcode::INVALID_URL.into())))
}

/// Why a request has no body that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NoBody {
    /// It is empty, or the method takes none.
    Empty,
    /// It is something else than a form.
    NotAForm,
    NotJson,
    TooLarge,
}

impl NoBody {
    /// The errcode if the body is needed.
    fn errcode(self) -> Errcode {
        match self {
            Self::Empty | Self::NotAForm => Errcode::EMPTY_BODY,
            Self::NotJson => Errcode::NOT_JSON,
            Self::TooLarge => Errcode::TOO_LARGE,
        }
    }
}

/// A call without an answer of its own: the errcode, and the verdict if its reason is more than the errcode.
struct Failed {
    errcode: Errcode,
    verdict: Option<Verdict>,
}

impl Failed {
    /// An errcode, and why. The advice for the errcode follows.
    #[expect(clippy::needless_pass_by_value, reason = "callers build the text in place")]
    fn because(errcode: Errcode, why: Text) -> Self {
        let mut verdict = errcode.verdict();
        verdict.detail = text!("{why}. {advice}", why = why, advice = verdict.detail);
        Self { errcode, verdict: Some(verdict) }
    }
}

impl From<Errcode> for Failed {
    fn from(errcode: Errcode) -> Self {
        Self { errcode, verdict: None }
    }
}

impl From<LedgerError> for Failed {
    fn from(error: LedgerError) -> Self {
        Self { errcode: Errcode::SYSTEM, verdict: Some(error.into()) }
    }
}

/// A request in progress.
struct Call<'a> {
    wechat: &'a WeChat,
    path: Cow<'static, str>,
    method: Method,
    /// Where its parameters are.
    takes: PathMethod,
    /// The parameters in the order of their names. Of those with the same name, the last one counts.
    query: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    body: Result<Body<'a>, NoBody>,
    /// The app of the access token or of the platform, if the request has one and the call was admitted.
    app: Option<Result<String, BadToken>>,
    /// How far the servers' clock is ahead, in milliseconds.
    clock_offset: u64,
    /// The app for which the platform vouches, if the request comes from there and has no access token.
    platform_app: Option<&'a str>,
    pending: PendingCall,
}

/// A client that waits for an answer because users want that. If it gives up, the journal says so.
struct WaitingClient<'call, 'request>(&'call Call<'request>);

impl WaitingClient<'_, '_> {
    /// The client gets its answer, which is recorded then.
    fn gets_answer(self) {
        std::mem::forget(self);
    }
}

impl Drop for WaitingClient<'_, '_> {
    fn drop(&mut self) {
        let call = self.0;
        let detail = text!(
            "the client gave up after {ms} ms, while the servers were slow or silent as told",
            ms = call.pending.milliseconds()
        );
        let verdict = Some(Verdict::new(Reason::NoAnswer, detail));
        let pending = PendingCall::begin(Origin::WeChat);
        let entry = pending.into_entry(call.wechat.now(), call.name(), call.excerpt(), Value::Null, verdict);
        call.wechat.journal().record(entry);
    }
}

impl<'a> Call<'a> {
    fn begin(
        wechat: &'a WeChat,
        path: WeChatPath,
        (method, query, body): (Method, &'a RawQuery, &'a Result<Bytes, BytesRejection>),
    ) -> Self {
        let takes = path.method();
        let body = match body {
            // The body of a GET is ignored.
            _ if takes == PathMethod::Get || method == Method::GET => Err(NoBody::Empty),
            Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(NoBody::TooLarge),
            Err(_) => Err(NoBody::NotJson),
            Ok(bytes) if bytes.trim_ascii().is_empty() => Err(NoBody::Empty),
            Ok(bytes) if takes == PathMethod::GetOrForm => Body::form(bytes).ok_or(NoBody::NotAForm),
            Ok(bytes) => match Body::parse(bytes) {
                Ok(body) => Ok(body),
                Err(_) if takes == PathMethod::PostAny => Body::form(bytes).ok_or(NoBody::NotJson),
                Err(_) => Err(NoBody::NotJson),
            },
        };
        let first_app = || &*wechat.accounts().first_app().appid;
        let platform_app = wechat.options.cloud_run.then(first_app);
        Self { takes, platform_app, ..Self::new(wechat, path.path(), method, query, body) }
    }

    fn new(
        wechat: &'a WeChat,
        path: impl Into<Cow<'static, str>>,
        method: Method,
        RawQuery(query): &'a RawQuery,
        body: Result<Body<'a>, NoBody>,
    ) -> Self {
        let mut query: Vec<_> =
            form_urlencoded::parse(query.as_deref().unwrap_or_default().as_bytes()).collect();
        query.sort_by(|(one, _), (other, _)| one.cmp(other));
        query.dedup_by(|later, kept| {
            let is_same = later.0 == kept.0;
            if is_same {
                std::mem::swap(later, kept);
            }
            is_same
        });
        let pending = PendingCall::begin(Origin::WeChat);
        Self {
            wechat,
            path: path.into(),
            method,
            takes: PathMethod::Post,
            query,
            body,
            app: None,
            clock_offset: 0,
            platform_app: None,
            pending,
        }
    }

    /// Waits as users have told the servers to, checks the request's form, and fails if that is switched on. `path` is `None` if
    /// the servers have none like this.
    async fn admit(&mut self, path: Option<WeChatPath>) -> Result<(), Failed> {
        let switches = self.wait().await?;
        self.clock_offset = switches.clock_offset;
        if let Some(path) = path {
            self.check(path)?;
        }
        let Some(failure) = switches.failure.filter(|failure| failure.strikes(path)) else { return Ok(()) };
        let step = SwitchStep::CountFailure(failure);
        if failure.times.is_some() && !self.wechat.sessions.step_switches(step).await?.1 {
            return Ok(());
        }
        let failed = Errcode::of(failure.errcode)
            .map(|errcode| Failed::because(errcode, text!("switched on by a user")));
        failed.map_or(Ok(()), Err)
    }

    /// Waits while the servers are silent or slow, and then looks the access token up. What is switched off meanwhile ends the
    /// wait.
    async fn wait(&mut self) -> Result<Arc<Switches>, Failed> {
        let switches = self.look_up().await?;
        if !switches.silent && switches.delay == 0 {
            return Ok(switches);
        }
        let Ok(_place) = self.wechat.waiting.try_acquire() else {
            return Err(Failed::because(
                Errcode::SYSTEM,
                text!("{count} calls wait already, as told", count = MAX_WAITING),
            ));
        };
        let client = WaitingClient(self);
        let waited = self.sleep_as_told(switches).await;
        client.gets_answer();
        waited?;
        self.look_up().await
    }

    async fn sleep_as_told(&self, mut switches: Arc<Switches>) -> Result<(), LedgerError> {
        loop {
            let left = switches.delay.saturating_sub(self.pending.milliseconds());
            if left == 0 && !switches.silent {
                return Ok(());
            }
            let left = if switches.silent { SWITCHES_INTERVAL } else { Duration::from_millis(left) };
            tokio::time::sleep(left.min(SWITCHES_INTERVAL)).await;
            switches = self.wechat.sessions.switches().await?;
        }
    }

    /// Looks up the access token, if the request has one, and the switches.
    async fn look_up(&mut self) -> Result<Arc<Switches>, Failed> {
        let Some(token) = self.access_token() else {
            self.app = self.platform_app.map(|appid| Ok(appid.to_owned()));
            // A service can call for another mini program. That is not emulated.
            if self.app.is_some()
                && self.query_parameter("from_appid").is_some_and(|appid| Some(appid) != self.platform_app)
            {
                return Err(Failed::because(
                    Errcode::INVALID_APPID,
                    text!("from_appid names another mini program than the first one, which is not emulated"),
                ));
            }
            return Ok(self.wechat.sessions.switches().await?);
        };
        let (switches, app) = self.wechat.sessions.check_token(token).await?;
        self.app = Some(app);
        Ok(switches)
    }

    fn access_token(&self) -> Option<&str> {
        // WeChat Cloud Run calls it otherwise.
        TOKEN_NAMES.iter().find_map(|name| self.query_parameter(name))
    }

    /// The method and the path, for the journal.
    fn name(&self) -> String {
        format!("{} {}", shortened(self.method.as_str(), MAX_METHOD_CHARACTERS), self.path)
    }

    /// The request, for the journal.
    fn excerpt(&self) -> Excerpt {
        // Something else than parameters could have secrets in its names.
        let is_query = self.query.iter().all(|(name, _)| is_form_name(name));
        let query = ("query", if is_query { Json::Texts(&self.query) } else { Json::Text("no parameters") });
        let members = [query, ("body", self.body.as_ref().map_or(Json::Value(&Value::Null), Body::as_json))];
        let members = if self.body.is_ok() { &members[..] } else { &members[..1] };
        if self.query_parameter("sig_method").is_some() || self.path.starts_with("/wxa/") {
            Excerpt::without_signature(Json::Object(members))
        } else {
            Json::Object(members).into()
        }
    }

    /// Checks the method, and that a body that may be missing can be read.
    fn check(&self, path: WeChatPath) -> Result<(), Errcode> {
        let (is_get, is_post) = (self.method == Method::GET, self.method == Method::POST);
        match (path.method(), &self.body) {
            (PathMethod::Get, _) if !is_get => Err(Errcode::REQUIRES_GET),
            (PathMethod::GetOrForm | PathMethod::GetOrJson, _) if !is_get && !is_post => {
                Err(Errcode::REQUIRES_GET)
            }
            (PathMethod::Post | PathMethod::PostAny, _) if !is_post => Err(Errcode::REQUIRES_POST),
            (
                PathMethod::GetOrForm | PathMethod::GetOrJson | PathMethod::PostAny,
                Err(bad @ (NoBody::NotJson | NoBody::TooLarge)),
            ) => Err(bad.errcode()),
            _ => Ok(()),
        }
    }

    /// Records the call in the journal, and answers it.
    fn finish(self, answer: Result<Answer, Failed>) -> Response {
        let content_type = content_type(&self.path);
        // As documented for services in WeChat Cloud Run, good answers without an access token have the header.
        let is_marked = self.platform_app.is_some() && self.access_token().is_none() && answer.is_ok();
        self.settle(answer, |answer| {
            let mut response = answer.response(content_type);
            if is_marked {
                response.headers_mut().insert(SEQUENCE_HEADER, sequence_id());
            }
            response
        })
    }

    /// Writes the answer of a call that failed, makes the response, and records the call in the journal.
    fn settle(self, answer: Result<Answer, Failed>, respond: impl FnOnce(&Answer) -> Response) -> Response {
        let now = self.wechat.now();
        let answer = answer.unwrap_or_else(|Failed { errcode, verdict }| {
            let mut verdict = verdict.unwrap_or_else(|| errcode.verdict());
            if matches!(self.body, Err(NoBody::NotAForm)) {
                verdict.detail = text!(
                    "{detail} The body is not a form, and was not read: this path takes its parameters from the query or from a form.",
                    detail = verdict.detail
                );
            }
            let servers_time = now.saturating_add(self.clock_offset);
            let errmsg = errcode.message(&self.path, &request_id(servers_time));
            Answer::with_verdict(json!(ErrcodeAnswer { errcode: errcode.code(), errmsg }), verdict)
        });
        debug!(
            microseconds = self.pending.microseconds(),
            reason = answer.verdict.as_ref().map(|verdict| verdict.reason.name()).as_deref(),
            "WeChat's servers answered"
        );
        let response = respond(&answer);
        let Answer { body, verdict } = answer;
        let (name, request) = (self.name(), self.excerpt());
        self.wechat.journal().record(self.pending.into_entry(now, name, request, &body, verdict));
        response
    }

    fn query_parameter(&self, name: &str) -> Option<&str> {
        let parameter = self.query.iter().find(|(other, _)| other == name);
        parameter.map(|(_, text)| &**text).filter(|text| !text.is_empty())
    }

    fn body_object(&self) -> Result<&Body<'a>, Errcode> {
        match &self.body {
            Ok(body) if body.is_object() => Ok(body),
            Ok(_) => Err(Errcode::NOT_JSON),
            Err(bad) => Err(bad.errcode()),
        }
    }
}

#[cfg(test)]
mod tests;
