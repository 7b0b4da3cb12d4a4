//! WeChat's HTTP paths, answered as the real servers answer.
//!
//! What existing SDKs demand, found by running them: the body is JSON whatever the Content-Type says, unknown query
//! parameters are ignored, the status is 200 also for an `errcode`, and the answer is one line of `application/json`
//! without a line end.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use serde_json::{Map, Value, json};
use soter_wire::{base64, shortened};

use crate::journal::{Door, NewEntry};
use crate::reasons;
use crate::secret::Secret;

use crate::accounts::{self, App};
use crate::answer::{Answer, Errcode};
use crate::device_info::{self, BadDeviceInfo};
use crate::enrolment::enroll;
use crate::logins::BadCode;
use crate::pipeline::{Claim, Finding};
use crate::servers::{ReplyStyle, WeChat};
use crate::tokens::{Grant, Rejected};

/// Bytes of the longest body.
const LONGEST_BODY: usize = 1 << 20;
/// Characters of an unknown path that the journal keeps.
const LONGEST_PATH: usize = 200;

/// Every path, over one backend.
pub fn routes(wechat: Arc<WeChat>) -> Router {
    Router::new()
        .route("/cgi-bin/token", any(token))
        .route("/cgi-bin/stable_token", any(stable_token))
        .route("/sns/jscode2session", any(code_to_session))
        .route("/cgi-bin/soter/verify_signature", any(verify_signature))
        .route("/cgi-bin/soter_3rdapp/is_support", any(is_support))
        .route("/cgi-bin/soter_3rdapp/verify_ask", any(verify_ask))
        .route("/sim/openapi/soter.verifySignature", any(cloud_verify_signature))
        .route("/sim/devices", axum::routing::post(enroll))
        // SDKs have hundreds of calls, and understand WeChat's own answer to those that are not there.
        .route("/cgi-bin/{*rest}", any(nowhere))
        .route("/sns/{*rest}", any(nowhere))
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .with_state(wechat)
}

/// A request as it came in.
type Incoming = (Method, RawQuery, Result<Bytes, BytesRejection>);

async fn token(State(wechat): State<Arc<WeChat>>, method: Method, query: RawQuery) -> Response {
    let call = Call::begin(&wechat, "/cgi-bin/token", (method, query, Ok(Bytes::new())));
    let answer = call.token();
    call.end(answer)
}

async fn stable_token(
    State(wechat): State<Arc<WeChat>>,
    method: Method,
    query: RawQuery,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let call = Call::begin(&wechat, "/cgi-bin/stable_token", (method, query, body));
    let answer = call.stable_token();
    call.end(answer)
}

async fn code_to_session(State(wechat): State<Arc<WeChat>>, method: Method, query: RawQuery) -> Response {
    let call = Call::begin(&wechat, "/sns/jscode2session", (method, query, Ok(Bytes::new())));
    let answer = call.code_to_session();
    call.end(answer)
}

async fn verify_signature(
    State(wechat): State<Arc<WeChat>>,
    method: Method,
    query: RawQuery,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let call = Call::begin(&wechat, "/cgi-bin/soter/verify_signature", (method, query, body));
    let answer = call.verify_signature().await;
    call.end(answer)
}

async fn cloud_verify_signature(
    State(wechat): State<Arc<WeChat>>,
    method: Method,
    query: RawQuery,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let call = Call::begin(&wechat, "/sim/openapi/soter.verifySignature", (method, query, body));
    let answer = call.cloud_verify_signature().await;
    call.end(Ok(answer))
}

async fn is_support(
    State(wechat): State<Arc<WeChat>>,
    method: Method,
    query: RawQuery,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let call = Call::begin(&wechat, "/cgi-bin/soter_3rdapp/is_support", (method, query, body));
    let answer = call.is_support();
    call.end(answer)
}

async fn verify_ask(
    State(wechat): State<Arc<WeChat>>,
    method: Method,
    query: RawQuery,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let call = Call::begin(&wechat, "/cgi-bin/soter_3rdapp/verify_ask", (method, query, body));
    let answer = call.verify_ask();
    call.end(answer)
}

async fn nowhere(State(wechat): State<Arc<WeChat>>, method: Method, uri: Uri, query: RawQuery) -> Response {
    let path = shortened(uri.path(), LONGEST_PATH).to_owned();
    let call = Call::begin(&wechat, path, (method, query, Ok(Bytes::new())));
    call.end(Err(Errcode::INVALID_URL))
}

/// A request under way.
struct Call<'a> {
    wechat: &'a WeChat,
    path: Cow<'static, str>,
    method: Method,
    query: BTreeMap<String, String>,
    body: Result<Value, Errcode>,
    begun: Instant,
}

impl<'a> Call<'a> {
    fn begin(
        wechat: &'a WeChat,
        path: impl Into<Cow<'static, str>>,
        (method, query, body): Incoming,
    ) -> Self {
        let query = query.0.unwrap_or_default();
        let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let body = match body {
            Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(Errcode::TOO_LARGE),
            Err(_) => Err(Errcode::NOT_JSON),
            Ok(bytes) if bytes.trim_ascii().is_empty() => Err(Errcode::EMPTY_BODY),
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|_| Errcode::NOT_JSON),
        };
        Self { wechat, path: path.into(), method, query, body, begun: Instant::now() }
    }

    /// Writes the call down, and answers.
    fn end(self, answer: Result<Answer, Errcode>) -> Response {
        let answer = answer.unwrap_or_else(|errcode| errcode.answer(self.wechat.now()));
        let mut request = Map::new();
        request.insert("query".to_owned(), json!(self.query));
        if let Ok(body) = self.body {
            request.insert("body".to_owned(), body);
        }
        self.wechat.journal().record(NewEntry {
            at: self.wechat.now(),
            door: Door::WeChat,
            call: format!("{} {}", self.method, self.path),
            request: Value::Object(request).into(),
            answer: (&answer.body).into(),
            judgement: answer.judgement.clone(),
            microseconds: u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX),
        });
        answer.into_response()
    }

    fn token(&self) -> Result<Answer, Errcode> {
        self.wants(&Method::GET)?;
        if self.parameter("grant_type") != Some("client_credential") {
            return Err(Errcode::GRANT_TYPE);
        }
        let app = self.credentials(self.parameter("appid"), self.parameter("secret"))?;
        Ok(granted(self.wechat.memory().tokens.plain(&app.appid, self.wechat.now())))
    }

    fn stable_token(&self) -> Result<Answer, Errcode> {
        self.wants(&Method::POST)?;
        let body = self.object()?;
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        if text("grant_type") != Some("client_credential") {
            return Err(Errcode::GRANT_TYPE);
        }
        let app = self.credentials(text("appid"), text("secret"))?;
        let force_refresh = body.get("force_refresh").and_then(Value::as_bool).unwrap_or(false);
        Ok(granted(self.wechat.memory().tokens.stable(&app.appid, force_refresh, self.wechat.now())))
    }

    fn code_to_session(&self) -> Result<Answer, Errcode> {
        self.wants(&Method::GET)?;
        let app = self.credentials(self.parameter("appid"), self.parameter("secret"))?;
        if self.parameter("grant_type") != Some("authorization_code") {
            return Err(Errcode::GRANT_TYPE);
        }
        let code = self.parameter("js_code").ok_or(Errcode::CODE_MISSING)?;
        let exchanged = self.wechat.memory().logins.exchange(&app.appid, code, self.wechat.now());
        let (name, session_key) = exchanged.map_err(|bad| match bad {
            BadCode::Invalid => Errcode::INVALID_CODE,
            BadCode::Used => Errcode::CODE_USED,
        })?;
        let user = self.wechat.accounts().user(&name).ok_or(Errcode::INVALID_CODE)?;
        let mut session = Map::new();
        session.insert("session_key".to_owned(), json!(session_key.expose()));
        session.insert("openid".to_owned(), json!(accounts::openid(user, &app.appid)));
        if app.unionid {
            session.insert("unionid".to_owned(), json!(accounts::unionid(user)));
        }
        Ok(Answer::of(Value::Object(session)))
    }

    async fn verify_signature(&self) -> Result<Answer, Errcode> {
        self.wants(&Method::POST)?;
        let appid = self.authorized()?;
        let body = self.object()?;
        let finding = self.judge(&appid, body, ["json_string", "json_signature"]).await?;
        let is_ok = finding.is_ok;
        Ok(Answer::judged(
            match self.wechat.options.reply_style {
                ReplyStyle::Plain => json!({"is_ok": is_ok}),
                ReplyStyle::Errcode => json!({"errcode": 0, "errmsg": "ok", "is_ok": is_ok}),
            },
            finding,
        ))
    }

    /// The form in which a mini program's cloud function calls: the platform vouches for the app, so there is no token.
    async fn cloud_verify_signature(&self) -> Answer {
        const FAILED: &str = "openapi.soter.verifySignature:fail";
        match self.cloud_finding().await {
            Ok(finding) => {
                let is_ok = finding.is_ok;
                let answer =
                    json!({"errMsg": "openapi.soter.verifySignature:ok", "errCode": 0, "isOk": is_ok});
                Answer::judged(answer, finding)
            }
            Err(errcode) => {
                let told = errcode.answer(self.wechat.now());
                let text = told.body.get("errmsg").and_then(Value::as_str).unwrap_or_default();
                let body =
                    json!({"errMsg": format!("{FAILED} {text}"), "errCode": errcode.code(), "isOk": false});
                Answer { body, ..told }
            }
        }
    }

    async fn cloud_finding(&self) -> Result<Finding, Errcode> {
        self.wants(&Method::POST)?;
        let body = self.object()?;
        let appid = body.get("appid").and_then(Value::as_str).or_else(|| self.parameter("appid"));
        let app = match appid {
            Some(appid) => self.wechat.accounts().app(appid).ok_or(Errcode::INVALID_APPID)?,
            None => self.wechat.accounts().first_app(),
        };
        self.judge(&app.appid, body, ["jsonString", "jsonSignature"]).await
    }

    async fn judge(
        &self,
        appid: &str,
        body: &Map<String, Value>,
        [json, signature]: [&str; 2],
    ) -> Result<Finding, Errcode> {
        if !self.wechat.accounts().app(appid).is_some_and(|app| app.soter) {
            return Err(Errcode::UNAUTHORIZED);
        }
        let openid = body.get("openid").and_then(Value::as_str).unwrap_or_default();
        if !self.wechat.knows_openid(appid, openid) {
            return Err(Errcode::INVALID_OPENID);
        }
        let claim = Claim {
            appid,
            openid,
            json: body.get(json).unwrap_or(&Value::Null),
            signature: body.get(signature).unwrap_or(&Value::Null),
        };
        self.wechat.verify(claim).await.map_err(|_| Errcode::SYSTEM)
    }

    /// Modelled: every phone that can be described is supported, with fingers and faces.
    fn is_support(&self) -> Result<Answer, Errcode> {
        self.wants(&Method::POST)?;
        self.authorized()?;
        let body = self.object()?;
        let xml = body.get("model_key").and_then(Value::as_str).ok_or(Errcode::NOT_JSON)?;
        let model = device_info::model(xml).map_err(|bad| match bad {
            BadDeviceInfo::NotXml => Errcode::NOT_XML,
            BadDeviceInfo::IllegalNode => Errcode::ILLEGAL_NODE,
        })?;
        let is_support = !model.trim().is_empty();
        Ok(Answer::of(json!({"is_support": is_support, "support_type": if is_support { 3 } else { 0 }})))
    }

    /// Spends no counter: the app's own server keeps the ASK and its counter. Modelled.
    fn verify_ask(&self) -> Result<Answer, Errcode> {
        self.wants(&Method::POST)?;
        self.authorized()?;
        let body = self.object()?;
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let json = text("ask_json").ok_or(Errcode::NOT_JSON)?;
        let refused = |reason: &'static str, detail: String| Finding { is_ok: false, reason, detail };
        let finding = match base64::decode(text("ask_json_signature").unwrap_or_default()) {
            Err(error) => refused(reasons::BAD_SIGNATURE_ENCODING, format!("ask_json_signature is {error}")),
            Ok(signature) => match self.wechat.check_ask(json.as_bytes(), &signature) {
                Ok(()) => Finding {
                    is_ok: true,
                    reason: reasons::VALID,
                    detail: "signed by the ATTK of a registered device".to_owned(),
                },
                Err(error) => refused(error.reason(), error.to_string()),
            },
        };
        Ok(Answer::judged(json!({"is_verified": finding.is_ok}), finding))
    }

    fn wants(&self, method: &Method) -> Result<(), Errcode> {
        match (self.method == *method, *method == Method::GET) {
            (true, _) => Ok(()),
            (false, true) => Err(Errcode::WANTS_GET),
            (false, false) => Err(Errcode::WANTS_POST),
        }
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    fn object(&self) -> Result<&Map<String, Value>, Errcode> {
        match &self.body {
            Ok(Value::Object(body)) => Ok(body),
            Ok(_) => Err(Errcode::NOT_JSON),
            Err(errcode) => Err(*errcode),
        }
    }

    fn credentials(&self, appid: Option<&str>, secret: Option<&str>) -> Result<&App, Errcode> {
        let appid = appid.ok_or(Errcode::APPID_MISSING)?;
        let secret = secret.ok_or(Errcode::SECRET_MISSING)?;
        let app = self.wechat.accounts().app(appid).ok_or(Errcode::INVALID_APPID)?;
        if Secret::is(&app.secret, secret) { Ok(app) } else { Err(Errcode::INVALID_SECRET) }
    }

    /// The app whose access token came with the request.
    fn authorized(&self) -> Result<String, Errcode> {
        let token = self.parameter("access_token").ok_or(Errcode::TOKEN_MISSING)?;
        match self.wechat.memory().tokens.check(token, self.wechat.now()) {
            Ok(appid) => Ok(appid.to_owned()),
            Err(Rejected::Unknown) => Err(Errcode::INVALID_TOKEN),
            Err(Rejected::Expired) => Err(Errcode::TOKEN_EXPIRED),
        }
    }
}

fn granted(Grant { token, expires_in }: Grant) -> Answer {
    Answer::of(json!({"access_token": token, "expires_in": expires_in}))
}

#[cfg(test)]
mod tests;
