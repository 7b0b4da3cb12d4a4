//! WeChat's HTTP paths, answered as the real servers answer.
//!
//! Existing SDKs require the following, as running them showed: the body is parsed as JSON whatever its Content-Type,
//! unknown query parameters are ignored, the status is 200 also for an `errcode`, and the answer is one line of
//! `application/json` without a line end.

use std::borrow::Cow;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;
use axum::routing::{MethodRouter, any, post};
use serde_json::{Map, Value, json};
use soter_wire::{base64, shortened};
use tracing::debug;

use crate::accounts::{self, App};
use crate::answer::{Answer, AnswerBody, Errcode};
use crate::body::Body;
use crate::device_info::{self, BadDeviceInfo};
use crate::enrolment::enroll;
use crate::journal::{Excerpt, Origin, PendingCall};
use crate::json::Json;
use crate::ledger::error::LedgerError;
use crate::paths::{PREFIXES, PathMethod, WeChatPath};
use crate::pipeline::Claim;
use crate::reasons::Reason;
use crate::servers::{ReplyStyle, WeChat};
use crate::sessions::{BadCode, BadToken, Grant};
use crate::upload::UploadRefused;
use crate::verdict::Verdict;

/// Maximum length of a body in bytes; a longer one gets errcode 45002.
pub const MAX_BODY_BYTES: usize = 1 << 20;
/// Maximum number of characters of an HTTP method that are kept or shown. A client can choose any word.
pub const MAX_METHOD_CHARACTERS: usize = 20;
/// Maximum number of characters of an unknown path that the journal keeps.
const MAX_PATH_CHARACTERS: usize = 200;

/// A router with every path of these servers.
pub fn routes(wechat: Arc<WeChat>) -> Router {
    let mut router = Router::new();
    for path in WeChatPath::ALL {
        router = router.route(path.path(), handler(*path));
    }
    for prefix in PREFIXES {
        router = router.route(&format!("{prefix}{{*rest}}"), any(unknown_path));
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
                let $call = Call::begin(&wechat, $path, (method, &query, &body));
                let answer = match $call.check_method($path) {
                    Ok(()) => $answer,
                    Err(errcode) => Err(errcode.into()),
                };
                $call.finish(answer)
            },
        )
    };
}

fn handler(path: WeChatPath) -> MethodRouter<Arc<WeChat>> {
    match path {
        WeChatPath::CloudVerifySignature => answering!(path, |call| call.cloud_verify_signature().await),
        WeChatPath::CodeToSession => answering!(path, |call| call.code_to_session().await),
        WeChatPath::Devices => post(enroll),
        WeChatPath::IsSupport => answering!(path, |call| call.is_support().await),
        WeChatPath::StableToken => answering!(path, |call| call.stable_token().await),
        WeChatPath::Token => answering!(path, |call| call.token().await),
        WeChatPath::VerifyAsk => answering!(path, |call| call.verify_ask().await),
        WeChatPath::VerifySignature => answering!(path, |call| call.verify_signature().await),
    }
}

/// SDKs have hundreds of calls, and understand WeChat's own answer to those that do not exist.
async fn unknown_path(
    State(wechat): State<Arc<WeChat>>,
    method: Method,
    uri: Uri,
    query: RawQuery,
) -> Response {
    let path = shortened(uri.path(), MAX_PATH_CHARACTERS).to_owned();
    let call = Call::new(&wechat, path, method, &query, Err(Errcode::EMPTY_BODY));
    call.finish(Err(Errcode::INVALID_URL.into()))
}

/// How a path reports an errcode.
#[derive(Clone, Copy)]
enum ErrorForm {
    /// `{"errcode", "errmsg"}`.
    Backend,
    /// `{"errMsg", "errCode", "isOk": false}`.
    CloudCall,
}

/// A call without an answer of its own: the errcode, and the verdict if its reason is more than the errcode.
struct Failed {
    errcode: Errcode,
    verdict: Option<Verdict>,
}

impl From<Errcode> for Failed {
    fn from(errcode: Errcode) -> Self {
        Self { errcode, verdict: None }
    }
}

impl From<LedgerError> for Failed {
    fn from(LedgerError { what, next, .. }: LedgerError) -> Self {
        let verdict = Verdict::new(Reason::LedgerUnavailable, format!("{what}; {next}"));
        Self { errcode: Errcode::SYSTEM, verdict: Some(verdict) }
    }
}

/// A request in progress.
struct Call<'a> {
    wechat: &'a WeChat,
    path: Cow<'static, str>,
    method: Method,
    /// The parameters in the order of their names. Of those with the same name, the last one counts.
    query: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    body: Result<Body<'a>, Errcode>,
    error_form: ErrorForm,
    pending: PendingCall,
}

impl<'a> Call<'a> {
    fn begin(
        wechat: &'a WeChat,
        path: WeChatPath,
        (method, query, body): (Method, &'a RawQuery, &'a Result<Bytes, BytesRejection>),
    ) -> Self {
        let body = match (path.method(), body) {
            // The body of a GET is ignored.
            (PathMethod::Get, _) => Err(Errcode::EMPTY_BODY),
            (PathMethod::Post, Err(error)) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(Errcode::TOO_LARGE)
            }
            (PathMethod::Post, Err(_)) => Err(Errcode::NOT_JSON),
            (PathMethod::Post, Ok(bytes)) if bytes.trim_ascii().is_empty() => Err(Errcode::EMPTY_BODY),
            (PathMethod::Post, Ok(bytes)) => Body::parse(bytes).map_err(|_| Errcode::NOT_JSON),
        };
        let call = Self::new(wechat, path.path(), method, query, body);
        match path {
            WeChatPath::CloudVerifySignature => Self { error_form: ErrorForm::CloudCall, ..call },
            _ => call,
        }
    }

    fn new(
        wechat: &'a WeChat,
        path: impl Into<Cow<'static, str>>,
        method: Method,
        RawQuery(query): &'a RawQuery,
        body: Result<Body<'a>, Errcode>,
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
        Self { wechat, path: path.into(), method, query, body, error_form: ErrorForm::Backend, pending }
    }

    fn check_method(&self, path: WeChatPath) -> Result<(), Errcode> {
        match path.method() {
            PathMethod::Get if self.method != Method::GET => Err(Errcode::REQUIRES_GET),
            PathMethod::Post if self.method != Method::POST => Err(Errcode::REQUIRES_POST),
            PathMethod::Get | PathMethod::Post => Ok(()),
        }
    }

    /// Records the call in the journal, and answers it.
    fn finish(self, answer: Result<Answer, Failed>) -> Response {
        let now = self.wechat.now();
        let answer = answer.unwrap_or_else(|Failed { errcode, verdict }| {
            let mut error_answer = errcode.answer(now);
            if verdict.is_some() {
                error_answer.verdict = verdict;
            }
            match self.error_form {
                ErrorForm::Backend => error_answer,
                ErrorForm::CloudCall => {
                    let text = format!("openapi.soter.verifySignature:fail {}", errcode.message(now));
                    let body = json!({"errMsg": text, "errCode": errcode.code(), "isOk": false});
                    Answer { body: body.into(), ..error_answer }
                }
            }
        });
        debug!(
            microseconds = self.pending.microseconds(),
            reason = answer.verdict.as_ref().map(|verdict| verdict.reason.name()).as_deref(),
            "WeChat's servers answered"
        );
        let response = answer.response();
        let Answer { body, verdict } = answer;
        let method = shortened(self.method.as_str(), MAX_METHOD_CHARACTERS);
        let call_name = format!("{method} {}", self.path);
        let query = ("query", Json::Texts(&self.query));
        let request: Excerpt = match &self.body {
            Ok(body) => Json::Object(&[query, ("body", body.as_json())]).into(),
            Err(_) => Json::Object(&[query]).into(),
        };
        self.wechat.journal().record(self.pending.into_entry(now, call_name, request, &body, verdict));
        response
    }

    async fn token(&self) -> Result<Answer, Failed> {
        if self.query_parameter("grant_type") != Some("client_credential") {
            return Err(Errcode::GRANT_TYPE.into());
        }
        let app = self.check_credentials(self.query_parameter("appid"), self.query_parameter("secret"))?;
        Ok(token_answer(self.wechat.sessions.plain_token(&app.appid).await?))
    }

    async fn stable_token(&self) -> Result<Answer, Failed> {
        let body = self.body_object()?;
        let text = |name: &str| body.text(name);
        if text("grant_type") != Some("client_credential") {
            return Err(Errcode::GRANT_TYPE.into());
        }
        let app = self.check_credentials(text("appid"), text("secret"))?;
        let force_refresh = matches!(body.get("force_refresh"), Some(Json::Value(Value::Bool(true))));
        Ok(token_answer(self.wechat.sessions.stable_token(&app.appid, force_refresh).await?))
    }

    async fn code_to_session(&self) -> Result<Answer, Failed> {
        let app = self.check_credentials(self.query_parameter("appid"), self.query_parameter("secret"))?;
        if self.query_parameter("grant_type") != Some("authorization_code") {
            return Err(Errcode::GRANT_TYPE.into());
        }
        let code = self.query_parameter("js_code").ok_or(Errcode::CODE_MISSING)?;
        let exchanged = self.wechat.sessions.exchange(&app.appid, code).await?;
        let (name, session_key) = exchanged.map_err(|bad| match bad {
            BadCode::Invalid => Errcode::INVALID_CODE,
            BadCode::Used => Errcode::CODE_USED,
        })?;
        let user = self.wechat.accounts().user(&name).ok_or(Errcode::INVALID_CODE)?;
        let mut session = Map::new();
        session.insert("session_key".to_owned(), json!(session_key.expose()));
        session.insert("openid".to_owned(), json!(accounts::openid(&user, &app.appid)));
        if app.unionid {
            session.insert("unionid".to_owned(), json!(accounts::unionid(&user)));
        }
        Ok(Answer::new(Value::Object(session)))
    }

    async fn verify_signature(&self) -> Result<Answer, Failed> {
        let appid = self.authorized_app().await?;
        let body = self.body_object()?;
        let verdict = self.judge(&appid, body, ["json_string", "json_signature"]).await?;
        let is_ok = verdict.is_ok();
        let body = match (self.wechat.options.reply_style, is_ok) {
            (ReplyStyle::Plain, true) => r#"{"is_ok":true}"#,
            (ReplyStyle::Plain, false) => r#"{"is_ok":false}"#,
            (ReplyStyle::Errcode, true) => r#"{"errcode":0,"errmsg":"ok","is_ok":true}"#,
            (ReplyStyle::Errcode, false) => r#"{"errcode":0,"errmsg":"ok","is_ok":false}"#,
        };
        Ok(Answer::with_verdict(AnswerBody::Text(body), verdict))
    }

    /// The form for a mini program's cloud function: the platform vouches for the app, so there is no token.
    async fn cloud_verify_signature(&self) -> Result<Answer, Failed> {
        let body = self.body_object()?;
        let appid = body.text("appid").or_else(|| self.query_parameter("appid"));
        let app = match appid {
            Some(appid) => self.wechat.accounts().app(appid).ok_or(Errcode::INVALID_APPID)?,
            None => self.wechat.accounts().first_app(),
        };
        let verdict = self.judge(&app.appid, body, ["jsonString", "jsonSignature"]).await?;
        let is_ok = verdict.is_ok();
        let answer = json!({"errMsg": "openapi.soter.verifySignature:ok", "errCode": 0, "isOk": is_ok});
        Ok(Answer::with_verdict(answer, verdict))
    }

    async fn judge(
        &self,
        appid: &str,
        body: &Body<'_>,
        [json, signature]: [&str; 2],
    ) -> Result<Verdict, Failed> {
        if !self.wechat.accounts().app(appid).is_some_and(|app| app.soter) {
            return Err(Errcode::UNAUTHORIZED.into());
        }
        let openid = body.text("openid").unwrap_or_default();
        let claim = Claim {
            appid,
            openid,
            json: body.get(json).unwrap_or(Json::Value(&Value::Null)),
            signature: body.get(signature).unwrap_or(Json::Value(&Value::Null)),
        };
        Ok(self.wechat.verify(claim).await?.ok_or(Errcode::INVALID_OPENID)?)
    }

    /// Modelled: every phone that can be described is supported, with fingers and faces.
    async fn is_support(&self) -> Result<Answer, Failed> {
        self.authorized_app().await?;
        let body = self.body_object()?;
        let xml = body.text("model_key").ok_or(Errcode::NOT_JSON)?;
        let model = device_info::model(xml).map_err(|bad| match bad {
            BadDeviceInfo::NotXml => Errcode::NOT_XML,
            BadDeviceInfo::IllegalNode => Errcode::ILLEGAL_NODE,
        })?;
        let is_support = !model.trim().is_empty();
        Ok(Answer::new(json!({"is_support": is_support, "support_type": if is_support { 3 } else { 0 }})))
    }

    /// Spends no counter: the app's own server keeps the ASK and its counter. Modelled.
    async fn verify_ask(&self) -> Result<Answer, Failed> {
        self.authorized_app().await?;
        let body = self.body_object()?;
        let text = |name: &str| body.text(name);
        let json = text("ask_json").ok_or(Errcode::NOT_JSON)?;
        let verdict = match base64::decode(text("ask_json_signature").unwrap_or_default()) {
            Err(error) => {
                Verdict::new(Reason::BadSignatureEncoding, format!("ask_json_signature is {error}"))
            }
            Ok(signature) => match self.wechat.check_ask(json.as_bytes(), &signature).await {
                Ok(()) => Verdict::new(Reason::Valid, "signed by the ATTK of a registered device"),
                Err(UploadRefused::Ledger(error)) => return Err(error.into()),
                Err(error) => Verdict::new(error.reason(), error.to_string()),
            },
        };
        Ok(Answer::with_verdict(json!({"is_verified": verdict.is_ok()}), verdict))
    }

    fn query_parameter(&self, name: &str) -> Option<&str> {
        let parameter = self.query.iter().find(|(other, _)| other == name);
        parameter.map(|(_, text)| &**text).filter(|text| !text.is_empty())
    }

    fn body_object(&self) -> Result<&Body<'a>, Errcode> {
        match &self.body {
            Ok(body) if body.is_object() => Ok(body),
            Ok(_) => Err(Errcode::NOT_JSON),
            Err(errcode) => Err(*errcode),
        }
    }

    fn check_credentials(&self, appid: Option<&str>, secret: Option<&str>) -> Result<&App, Errcode> {
        let appid = appid.ok_or(Errcode::APPID_MISSING)?;
        let secret = secret.ok_or(Errcode::SECRET_MISSING)?;
        let app = self.wechat.accounts().app(appid).ok_or(Errcode::INVALID_APPID)?;
        if app.secret.is(secret) { Ok(app) } else { Err(Errcode::INVALID_SECRET) }
    }

    /// The app of the request's access token.
    async fn authorized_app(&self) -> Result<String, Failed> {
        let token = self.query_parameter("access_token").ok_or(Errcode::TOKEN_MISSING)?;
        Ok(self.wechat.sessions.check_token(token).await?.map_err(|bad| match bad {
            BadToken::Unknown => Errcode::INVALID_TOKEN,
            BadToken::Expired => Errcode::TOKEN_EXPIRED,
        })?)
    }
}

fn token_answer(Grant { token, expires_in }: Grant) -> Answer {
    Answer::new(json!({"access_token": token.expose(), "expires_in": expires_in}))
}

#[cfg(test)]
mod tests;
