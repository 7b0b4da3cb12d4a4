//! A verifier with WeChat's contract: this project's own servers, or others that answer `verify_signature`.

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use soter_text::{Text, text};
use soter_wechat::Secret;
use soter_wire::base64;
use tokio::sync::Mutex;

use crate::attacked_phone::Upload;
use crate::http::{Http, Reply, Request, Secrets};
use crate::steps::{AFTER_CODE_EXPIRY, Code, Envelope, GARBAGE_CODE};
use crate::target::{Answer, Form, Input, Order, Target, TargetError, User, Visit};
use crate::verifier_control::VerifierControl;

/// The path that verifies a result.
const VERIFY_PATH: &str = "/cgi-bin/soter/verify_signature";
/// Errcodes of an access token that is no longer valid.
const EXPIRED_TOKEN_CODES: [i64; 3] = [40001, 40014, 42001];
/// With how many access tokens a request is sent at most, if they expire at once.
const MAX_TOKENS: u32 = 3;
/// Errcodes that are not a verdict: system error, and the limits of calls by day and by minute.
const BUSY_CODES: [i64; 3] = [-1, 45009, 45011];

/// A mini program's appid and secret.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The appid.
    pub appid: String,
    /// The secret.
    pub secret: Secret,
}

/// The verifier.
#[derive(Debug)]
pub struct WeChatTarget {
    http: Http,
    app: Credentials,
    other_app: Option<Credentials>,
    enroll_url: String,
    verifier_control: Arc<dyn VerifierControl>,
    /// The app's access token, once it was requested.
    token: Mutex<Option<Secret>>,
}

impl WeChatTarget {
    /// A verifier, and a mini program that it knows.
    pub fn new(http: Http, app: Credentials, verifier_control: Arc<dyn VerifierControl>) -> Self {
        Self {
            http,
            app,
            other_app: None,
            enroll_url: "/sim/devices".to_owned(),
            verifier_control,
            token: Mutex::new(None),
        }
    }

    /// Adds a second mini program that the verifier knows, for attacks that mix two.
    #[must_use]
    pub fn with_other_app(self, other_app: Option<Credentials>) -> Self {
        Self { other_app, ..self }
    }

    /// Sets where phones' keys are uploaded: a path, or an address of the same server.
    #[must_use]
    pub fn with_enroll_url(self, enroll_url: Option<String>) -> Self {
        Self { enroll_url: enroll_url.unwrap_or(self.enroll_url), ..self }
    }

    /// Requests an access token, to check that there is such a verifier, and that it knows the mini program.
    ///
    /// # Errors
    /// [`TargetError::Broken`] if the verifier cannot be asked, or gives no token.
    pub async fn check_credentials(&self) -> Result<(), TargetError> {
        self.token().await.map(|_| ())
    }

    async fn token(&self) -> Result<Secret, TargetError> {
        let mut cached = self.token.lock().await;
        if let Some(token) = &*cached {
            return Ok(token.clone());
        }
        let token = self.request_token(&self.app).await?;
        *cached = Some(token.clone());
        Ok(token)
    }

    /// Forgets an access token, unless another attack has requested a new one meanwhile.
    async fn forget_token(&self, expired: Option<&Secret>) {
        let mut cached = self.token.lock().await;
        if cached.as_ref().map(Secret::expose) == expired.map(Secret::expose) {
            *cached = None;
        }
    }

    async fn request_token(&self, app: &Credentials) -> Result<Secret, TargetError> {
        let mut url = self.address("/cgi-bin/token")?;
        url.query_pairs_mut()
            .append_pair("grant_type", "client_credential")
            .append_pair("appid", &app.appid)
            .append_pair("secret", app.secret.expose());
        let reply = self.http.send(Request { secrets: app.secrets(), ..Request::get(url) }).await?;
        access_token(&reply, "/cgi-bin/token")
    }

    /// A stable token that ended when another one was issued.
    async fn expired_token(&self) -> Result<Secret, TargetError> {
        let request_token = async |force_refresh: bool| {
            let body = json!({
                "grant_type": "client_credential", "appid": self.app.appid, "secret": self.app.secret.expose(),
                "force_refresh": force_refresh,
            });
            let url = self.address("/cgi-bin/stable_token")?;
            let request = Request { secrets: self.app.secrets(), ..Request::post(url, body.to_string()) };
            let reply = self.http.send(request).await?;
            access_token(&reply, "/cgi-bin/stable_token").map_err(|_| {
                TargetError::does_not_apply(text!(
                    "the target gives no stable access tokens, which can be ended"
                ))
            })
        };
        let old_token = request_token(false).await?;
        request_token(true).await?;
        Ok(old_token)
    }

    fn address(&self, text: &str) -> Result<reqwest::Url, TargetError> {
        self.http.address(text).map_err(|error| TargetError::broken(error.what))
    }

    fn other_app(&self) -> Result<&Credentials, TargetError> {
        self.other_app.as_ref().ok_or_else(|| {
            TargetError::does_not_apply(text!(
                "it takes a second mini program: --other-appid and --other-secret"
            ))
        })
    }

    /// Sends a request about a result, with the access token that the envelope demands.
    async fn send_verification(
        &self,
        envelope: Envelope,
        method: Method,
        body: String,
    ) -> Result<Reply, TargetError> {
        let token = match envelope {
            Envelope::NoToken => None,
            Envelope::Token(made_up) => Some(made_up.into()),
            Envelope::ExpiredToken => Some(self.expired_token().await?),
            Envelope::OtherAppsToken => Some(self.request_token(self.other_app()?).await?),
            Envelope::Added(..) => {
                return Err(TargetError::does_not_apply(text!("a verifier has no orders and no logins")));
            }
            Envelope::During(_) => return Err(TargetError::does_not_apply(text!("a verifier asks nobody"))),
            Envelope::Usual
            | Envelope::ObjectForString
            | Envelope::Get
            | Envelope::Member(..)
            | Envelope::AtOnce
            | Envelope::OneTouchAtOnce
            | Envelope::NewConnections => Some(self.token().await?),
        };
        let mut url = self.address(VERIFY_PATH)?;
        if let Some(token) = &token {
            url.query_pairs_mut().append_pair("access_token", token.expose());
        }
        let secrets = token.into_iter().map(|token| (token, "ACCESS_TOKEN".to_owned())).collect();
        let request = Request { method, secrets, ..Request::post(url, body) };
        if envelope == Envelope::NewConnections {
            return self.http.without_reuse().send(request).await;
        }
        self.http.send(request).await
    }

    /// Brings a phone's keys to the verifier, for this mini program.
    async fn upload(&self, upload: &Upload, appid: &str) -> Result<Answer, TargetError> {
        let url = self.address(&self.enroll_url)?;
        // The query may contain a token.
        let secrets = url.query().into_iter().map(|query| (query.into(), "…".to_owned())).collect();
        let body = device_json(upload, appid).to_string();
        let reply = self.http.send(Request { secrets, ..Request::post(url, body) }).await?;
        let members: Option<Value> = serde_json::from_str(&reply.body).ok();
        let denied = members.as_ref().is_some_and(|members| {
            members.get("enrolled") == Some(&Value::Bool(false))
                || members.get("errcode").and_then(Value::as_i64).is_some_and(|code| code != 0)
        });
        if matches!(reply.status, 401 | 404 | 405 | 501) {
            return Err(TargetError::broken(text!(
                "the target does not know these keys: POST {address} answered {status}",
                address = self.enroll_url.split('?').next().unwrap_or_default(),
                status = reply.status
            )));
        }
        let accepted = (200..300).contains(&reply.status) && !denied;
        let mut answer = answer(reply, accepted);
        if !accepted {
            let status = answer.status;
            answer.reason.get_or_insert_with(|| text!("status {status}", status = status));
        }
        Ok(answer)
    }

    async fn exchange_code(&self, code: &str) -> Result<Answer, TargetError> {
        let mut url = self.address("/sns/jscode2session")?;
        url.query_pairs_mut()
            .append_pair("appid", &self.app.appid)
            .append_pair("secret", self.app.secret.expose())
            .append_pair("js_code", code)
            .append_pair("grant_type", "authorization_code");
        let reply = self.http.send(Request { secrets: self.app.secrets(), ..Request::get(url) }).await?;
        let accepted = reply.json("/sns/jscode2session")?.get("openid").is_some_and(Value::is_string);
        Ok(answer(reply, accepted))
    }

    async fn login_code(&self, appid: &str) -> Result<String, TargetError> {
        self.verifier_control.login_code(appid.to_owned()).await.ok_or_else(|| {
            TargetError::does_not_apply(text!(
                "the target gives no login codes: wx.login answers on this project's own servers alone"
            ))
        })
    }
}

impl Target for WeChatTarget {
    fn form(&self) -> Form {
        Form::Verifier
    }

    fn user(&self, name: &str) -> Result<User, TargetError> {
        Ok(User::made_up(name))
    }

    async fn enroll(&self, _: &Visit, upload: &Upload) -> Result<Answer, TargetError> {
        self.upload(upload, &self.app.appid).await
    }

    async fn enroll_in_other_app(&self, upload: &Upload) -> Result<Answer, TargetError> {
        self.upload(upload, &self.other_app()?.appid).await
    }

    async fn start_visit(&self, user: &User) -> Result<Visit, TargetError> {
        Ok(Visit::new(user))
    }

    async fn end_visit(&self, _: &mut Visit) -> Result<(), TargetError> {
        Err(TargetError::does_not_apply(text!("a verifier knows no logins")))
    }

    async fn order(&self, _: &mut Visit, proposed: &str) -> Result<Order, TargetError> {
        Ok(Order::new(proposed))
    }

    async fn send(&self, _: &Visit, _: &Order, input: &Input) -> Result<Answer, TargetError> {
        let body = request_body(input);
        let method = if input.envelope == Envelope::Get { Method::GET } else { Method::POST };
        let uses_own_token = !matches!(
            input.envelope,
            Envelope::NoToken | Envelope::Token(_) | Envelope::ExpiredToken | Envelope::OtherAppsToken
        );
        if input.envelope == Envelope::AtOnce {
            self.http.stop_taking_turns();
        }
        let mut tries_left = MAX_TOKENS;
        loop {
            let used = if uses_own_token { Some(self.token().await?) } else { None };
            let reply = self.send_verification(input.envelope, method.clone(), body.clone()).await?;
            tries_left -= 1;
            let is_expired = errcode(&reply).is_some_and(|code| EXPIRED_TOKEN_CODES.contains(&code));
            if !is_expired || !uses_own_token || tries_left == 0 {
                return read_answer(reply);
            }
            // Another client has requested a token, or ours has expired.
            self.forget_token(used.as_ref()).await;
        }
    }

    async fn login(&self, _: &User, code: Code) -> Result<Answer, TargetError> {
        match code {
            Code::Fresh => {
                let code = self.login_code(&self.app.appid).await?;
                self.exchange_code(&code).await
            }
            Code::Garbage => self.exchange_code(GARBAGE_CODE).await,
            Code::Twice => {
                let code = self.login_code(&self.app.appid).await?;
                if !self.exchange_code(&code).await?.accepted {
                    return Err(TargetError::broken(text!(
                        "jscode2session does not take a fresh login code"
                    )));
                }
                self.exchange_code(&code).await
            }
            Code::Expired => {
                let code = self.login_code(&self.app.appid).await?;
                if !self.verifier_control.advance_clock(AFTER_CODE_EXPIRY) {
                    return Err(TargetError::does_not_apply(text!(
                        "it takes five minutes, or a clock that can be set"
                    )));
                }
                self.exchange_code(&code).await
            }
            Code::OfAnotherApp => {
                let code = self.login_code(&self.other_app()?.appid).await?;
                self.exchange_code(&code).await
            }
        }
    }

    async fn restart(&self) -> Result<(), TargetError> {
        self.verifier_control.restart().await?;
        // The verifier may have forgotten its access tokens.
        *self.token.lock().await = None;
        Ok(())
    }
}

impl Credentials {
    fn secrets(&self) -> Secrets {
        vec![(self.secret.clone(), "SECRET".to_owned())]
    }
}

/// The body of a request about a result.
fn request_body(input: &Input) -> String {
    let [openid, signature] =
        [&input.openid, &input.signature].map(|text| Value::from(text.as_str()).to_string());
    let members = [("openid", openid), ("json_string", input.json_member()), ("json_signature", signature)];
    let member = |(name, literal): (&str, String)| match input.envelope {
        Envelope::Member(changed, None) if changed == name => None,
        Envelope::Member(changed, Some(replacement)) if changed == name => {
            Some(format!("\"{name}\":{replacement}"))
        }
        _ => Some(format!("\"{name}\":{literal}")),
    };
    format!("{{{}}}", members.into_iter().filter_map(member).collect::<Vec<_>>().join(","))
}

/// The verifier's verdict on a result.
///
/// # Errors
/// [`TargetError::Broken`] if the answer is an errcode of overload, or has a status below 400 and is not JSON.
fn read_answer(reply: Reply) -> Result<Answer, TargetError> {
    let members = match serde_json::from_str::<Value>(&reply.body) {
        Ok(members) => members,
        Err(_) if reply.status >= 400 => Value::Null,
        Err(_) => reply.json(VERIFY_PATH)?,
    };
    let errcode = errcode(&reply);
    if let Some(code) = errcode.filter(|code| BUSY_CODES.contains(code)) {
        return Err(TargetError::broken(text!(
            "{path} answered errcode {code}, which is not a verdict: lift the target's limit for the audit",
            path = VERIFY_PATH,
            code = code
        )));
    }
    let is_ok = members.get("is_ok");
    let what = match (is_ok, errcode) {
        (Some(Value::Bool(_)), _) => None,
        (Some(other), _) => {
            Some(text!("is_ok is {value}, which is not a boolean", value = other.to_string()))
        }
        (None, Some(code)) => Some(text!("errcode {errcode}", errcode = code)),
        (None, None) => Some(text!("an answer without is_ok")),
    };
    let mut answer = answer(reply, is_ok == Some(&Value::Bool(true)));
    answer.reason = answer.reason.or(what);
    Ok(answer)
}

fn errcode(reply: &Reply) -> Option<i64> {
    serde_json::from_str::<Value>(&reply.body).ok()?.get("errcode")?.as_i64()
}

/// The body of `POST /sim/devices`: the exports, and what a verifier needs from them.
fn device_json(upload: &Upload, appid: &str) -> Value {
    let export = |export: &soter_wire::ExportBlob| json!({"json": String::from_utf8_lossy(&export.json), "signature": base64::encode(&export.signature)});
    json!({
        "cpu_id": upload.cpu_id,
        "uid": upload.uid,
        "attk": upload.attk.to_pem(),
        "ask": export(&upload.ask),
        "auth_key": export(&upload.auth_key),
        "public_key": upload.public_key,
        "salt_length": upload.scheme,
        "appid": appid,
        "openid": upload.openid,
    })
}

fn access_token(reply: &Reply, path: &str) -> Result<Secret, TargetError> {
    let members = reply.json(path)?;
    members.get("access_token").and_then(Value::as_str).map(Secret::from).ok_or_else(|| {
        let code = members.get("errcode").and_then(Value::as_i64);
        let code = code.map_or_else(
            || text!("status {status}", status = reply.status),
            |code| text!("errcode {errcode}", errcode = code),
        );
        TargetError::broken(text!("{path} gives no access token: {code}", path = path, code = code))
    })
}

fn answer(reply: Reply, accepted: bool) -> Answer {
    let reason = reply.reason().map(Text::verbatim);
    Answer { accepted, status: reply.status, reason, doubt: None, harm: None, exchange: reply.exchange }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Exchange;

    fn outcome(status: u16, body: &str) -> Result<(bool, String), TargetError> {
        let exchange = Exchange::default();
        let reply = Reply { status, headers: Vec::new(), body: body.to_owned(), exchange };
        read_answer(reply).map(|answer| (answer.accepted, answer.reason.unwrap_or_default().into()))
    }

    #[test]
    fn only_is_ok_true_is_an_acceptance_and_other_answers_are_quoted_in_the_reason() {
        assert_eq!(outcome(200, r#"{"is_ok":true}"#).unwrap(), (true, String::new()));
        assert_eq!(outcome(200, r#"{"is_ok":false}"#).unwrap(), (false, String::new()));
        for (body, reason) in [
            (r#"{"is_ok":"true"}"#, "is_ok is \"true\", which is not a boolean"),
            (r#"{"errcode":40003,"errmsg":"invalid openid"}"#, "errcode 40003"),
            (r#"{"ok":true}"#, "an answer without is_ok"),
        ] {
            assert_eq!(outcome(200, body).unwrap(), (false, reason.to_owned()), "{body}");
        }
    }

    #[test]
    fn an_answer_without_a_verdict_is_an_error_and_not_a_refusal() {
        for errcode in BUSY_CODES {
            let error = outcome(200, &format!("{{\"errcode\":{errcode}}}")).unwrap_err();
            assert!(error.to_string().contains(&errcode.to_string()), "{error}");
        }
        assert!(outcome(200, "<html>").is_err());
        assert!(!outcome(400, "<html>").unwrap().0);
    }
}
