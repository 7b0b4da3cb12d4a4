//! What the applications of these tests ask the audit's WeChat servers.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use soter_attack::Emulated;
use soter_wechat::routes;
use tower::ServiceExt;

/// The mini program of the applications, and its secret.
pub(crate) const APP: (&str, &str) = ("wxweak000000000001", "a weak secret");

/// The audit's WeChat servers, as an application sees them.
pub(crate) struct WeChatApi(Router);

impl WeChatApi {
    /// These servers, with their outages.
    pub(crate) fn of(emulated: &Emulated) -> Self {
        Self(emulated.outages.wrap(routes(Arc::clone(&emulated.wechat))))
    }

    /// The openid of a code, if WeChat accepts the code.
    pub(crate) async fn openid_of(&self, code: &str) -> Option<String> {
        let (appid, secret) = APP;
        let path = format!(
            "/sns/jscode2session?appid={appid}&secret={}&js_code={code}&grant_type=authorization_code",
            secret.replace(' ', "%20")
        );
        let reply = self.ask(Request::get(path).body(Body::empty()).unwrap()).await?;
        reply["openid"].as_str().map(str::to_owned)
    }

    /// The answer of `verify_signature`; `None` if it cannot be read.
    pub(crate) async fn verdict(&self, openid: &str, text: &str, signature: &str) -> Option<Value> {
        let (appid, secret) = APP;
        let path = format!(
            "/cgi-bin/token?grant_type=client_credential&appid={appid}&secret={}",
            secret.replace(' ', "%20")
        );
        let granted = self.ask(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        let path = format!(
            "/cgi-bin/soter/verify_signature?access_token={}",
            granted["access_token"].as_str().unwrap()
        );
        let body = json!({"openid": openid, "json_string": text, "json_signature": signature}).to_string();
        self.ask(Request::post(path).body(Body::from(body)).unwrap()).await
    }

    async fn ask(&self, request: Request<Body>) -> Option<Value> {
        let response = self.0.clone().oneshot(request).await.unwrap();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.ok()?;
        serde_json::from_slice(&bytes).ok()
    }
}
