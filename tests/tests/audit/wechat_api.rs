//! What the applications of these tests ask the audit's WeChat servers.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use soter_attack::Emulated;
use soter_wechat::routes;
use tower::ServiceExt;

/// The mini program of the applications, and its secret.
pub(crate) const APP: (&str, &str) = ("wxweak000000000001", "a weak secret");

/// How long an application waits for WeChat's servers.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Why an application has no answer of WeChat's servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// It did not come in time.
    Late,
    /// There is no access token.
    NoToken,
    /// It breaks off, or is not JSON.
    Unreadable,
}

/// The audit's WeChat servers, as an application sees them.
pub(crate) struct WeChatApi(Router);

impl WeChatApi {
    /// These servers, with their outages.
    pub(crate) fn of(emulated: &Emulated) -> Self {
        Self(emulated.wrap(routes(Arc::clone(&emulated.wechat))))
    }

    /// The openid of a code, if WeChat accepts the code.
    pub(crate) async fn openid_of(&self, code: &str) -> Option<String> {
        self.session_of(code).await?["openid"].as_str().map(str::to_owned)
    }

    /// The answer to a code, if WeChat accepts the code.
    pub(crate) async fn session_of(&self, code: &str) -> Option<Value> {
        let (appid, secret) = APP;
        let code: String = url::form_urlencoded::byte_serialize(code.as_bytes()).collect();
        let path = format!(
            "/sns/jscode2session?appid={appid}&secret={}&js_code={code}&grant_type=authorization_code",
            secret.replace(' ', "%20")
        );
        let reply = self.ask(Request::get(path).body(Body::empty()).unwrap()).await.ok()?;
        reply["openid"].is_string().then_some(reply)
    }

    /// Whether WeChat says that a result is good.
    pub(crate) async fn is_good(&self, openid: &str, text: &str, signature: &str) -> bool {
        let verdict = self.verdict(openid, text, signature).await;
        verdict.is_some_and(|verdict| verdict["is_ok"] == json!(true))
    }

    /// The answer of `verify_signature`; `None` if it cannot be read, or there is no answer.
    pub(crate) async fn verdict(&self, openid: &str, text: &str, signature: &str) -> Option<Value> {
        let token = self.access_token().await.ok()?;
        self.verdict_with(&token, openid, text, signature).await.ok()
    }

    /// A new access token.
    pub(crate) async fn access_token(&self) -> Result<String, Unanswered> {
        let (appid, secret) = APP;
        let path = format!(
            "/cgi-bin/token?grant_type=client_credential&appid={appid}&secret={}",
            secret.replace(' ', "%20")
        );
        let granted = self.ask(Request::get(path).body(Body::empty()).unwrap()).await?;
        granted["access_token"].as_str().map(str::to_owned).ok_or(Unanswered::NoToken)
    }

    /// The answer of `verify_signature` to a request with this access token.
    pub(crate) async fn verdict_with(
        &self,
        token: &str,
        openid: &str,
        text: &str,
        signature: &str,
    ) -> Result<Value, Unanswered> {
        let path = format!("/cgi-bin/soter/verify_signature?access_token={token}");
        let body = json!({"openid": openid, "json_string": text, "json_signature": signature}).to_string();
        self.ask(Request::post(path).body(Body::from(body)).unwrap()).await
    }

    async fn ask(&self, request: Request<Body>) -> Result<Value, Unanswered> {
        let asked = async {
            let response = self.0.clone().oneshot(request).await.unwrap();
            let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await;
            bytes.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or(Unanswered::Unreadable)
        };
        tokio::time::timeout(TIMEOUT, asked).await.unwrap_or(Err(Unanswered::Late))
    }
}
