//! What the audit's WeChat servers were asked about results, and the secrets that they have given out.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::disclosure::Disclosed;
use crate::wechat_paths::{asks_session, asks_token, asks_verdict};

/// The maximum size of a request or an answer, in bytes. WeChat's routes take less.
const MAX_BODY_BYTES: usize = 2 << 20;
/// The maximum number of results and of secrets that are kept. An audit needs some thousands.
const MAX_KEPT: usize = 50_000;
/// The maximum number of openids that are kept for one text, and their length in characters.
const MAX_OPENIDS: usize = 16;
const MAX_OPENID_CHARS: usize = 128;

/// What went to and from the audit's WeChat servers. Clones share it.
#[derive(Clone, Default)]
pub struct WeChatTraffic(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    /// By the hash of a result's text, the openids about which the application has asked.
    asked: HashMap<[u8; 32], BTreeSet<String>>,
    /// Access tokens and session keys, without the padding of Base64.
    secrets: HashMap<String, Disclosed>,
}

impl fmt::Debug for WeChatTraffic {
    /// Without the secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("WeChatTraffic").finish_non_exhaustive()
    }
}

impl WeChatTraffic {
    /// Routes whose requests and answers are noted.
    pub fn wrap(&self, routes: Router) -> Router {
        routes.layer(from_fn_with_state(self.clone(), note))
    }

    /// The openids about which WeChat was asked with this text of a result.
    pub(super) fn openids_asked(&self, json: &str) -> BTreeSet<String> {
        self.seen().asked.get(&hash(json)).cloned().unwrap_or_default()
    }

    /// The secrets among these words that WeChat has given out.
    pub(super) fn find_secrets<'a>(&self, words: impl Iterator<Item = &'a str>) -> Vec<(Disclosed, &'a str)> {
        let seen = self.seen();
        words.filter_map(|word| Some((*seen.secrets.get(word)?, word))).collect()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_request(&self, body: &[u8]) {
        let Ok(Value::Object(members)) = serde_json::from_slice(body) else { return };
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        if let (Some(openid), Some(json)) = (text("openid"), text("json_string")) {
            let asked = &mut self.seen().asked;
            let openids = (asked.len() < MAX_KEPT).then(|| asked.entry(hash(json)).or_default());
            if let Some(openids) = openids.filter(|openids| openids.len() < MAX_OPENIDS) {
                openids.insert(openid.chars().take(MAX_OPENID_CHARS).collect());
            }
        }
    }

    /// Notes the secrets in an answer of WeChat's.
    pub(super) fn note_answer(&self, body: &[u8]) {
        let Ok(Value::Object(members)) = serde_json::from_slice(body) else { return };
        for (name, kind) in [("access_token", Disclosed::AccessToken), ("session_key", Disclosed::SessionKey)]
        {
            let Some(secret) = members.get(name).and_then(Value::as_str) else { continue };
            let secrets = &mut self.seen().secrets;
            if secrets.len() < MAX_KEPT {
                secrets.insert(secret.trim_end_matches('=').to_owned(), kind);
            }
        }
    }
}

fn hash(text: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    bytes
}

async fn note(State(traffic): State<WeChatTraffic>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let gives_secret = asks_token(path) || asks_session(path);
    let request = if asks_verdict(path) {
        let (parts, body) = request.into_parts();
        let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
            return StatusCode::PAYLOAD_TOO_LARGE.into_response();
        };
        traffic.note_request(&body);
        Request::from_parts(parts, Body::from(body))
    } else {
        request
    };
    let (parts, body) = next.run(request).await.into_parts();
    if !gives_secret {
        return Response::from_parts(parts, body);
    }
    let body = to_bytes(body, MAX_BODY_BYTES).await.unwrap_or_else(|_| Bytes::new());
    traffic.note_answer(&body);
    Response::from_parts(parts, Body::from(body))
}

#[cfg(test)]
mod tests {
    use axum::routing::any;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn questions_and_secrets_are_noted_and_pass_unchanged() {
        let traffic = WeChatTraffic::default();
        let echo = any(|body: String| async { body });
        let routes = traffic.wrap(Router::new().fallback(echo));
        let send = async |path: &str, body: &str| {
            let request = Request::post(path).body(Body::from(body.to_owned())).unwrap();
            let answer = routes.clone().oneshot(request).await.unwrap();
            let bytes = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
            assert_eq!(bytes, body.as_bytes(), "{path}");
        };
        send("/cgi-bin/soter/verify_signature", r#"{"openid":"oOne","json_string":"{}"}"#).await;
        send("/cgi-bin/soter/verify_signature", r#"{"openid":"oTwo","json_string":"{}"}"#).await;
        send("/cgi-bin/soter/verify_signature", "not JSON").await;
        send("/cgi-bin/stable_token", r#"{"access_token":"token"}"#).await;
        send("/sns/jscode2session", r#"{"session_key":"key==","openid":"oOne"}"#).await;
        assert_eq!(traffic.openids_asked("{}").len(), 2);
        assert!(traffic.openids_asked("{ }").is_empty());
        assert_eq!(
            traffic.find_secrets("the token or key of oOne".split(' ')),
            [(Disclosed::AccessToken, "token"), (Disclosed::SessionKey, "key")]
        );
        assert!(!format!("{traffic:?}").contains("key"));
    }
}
