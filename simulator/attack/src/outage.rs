//! Outages of WeChat's servers: an application that asks them must not take an outage for a success.

use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::{Json, Router};
use serde_json::json;
use soter_text::{Text, text};
use soter_wechat::codes::{CodeSource, explain};
use tokio::sync::{RwLock, watch};

use crate::wechat_paths::{asks_token, asks_verdict};

/// The errcode for an access token that is not valid.
pub(super) const INVALID_TOKEN: i32 = 40001;

/// What fails. Logins work in every outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    /// Requests about results fail in this way.
    Verdicts(Failure),
    /// No access token is valid, and requests for another one fail in this way.
    Tokens(Failure),
}

/// How a request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A proxy answers with an HTML page and status 502.
    BadGateway,
    /// The connection closes in the middle of the answer.
    BreaksOff,
    /// The answer has status 200 and no body.
    Empty,
    /// The answer is this errcode, with status 200.
    Errcode(i32),
    /// The answer is complete for HTTP, and the first half of a JSON text.
    HalfJson,
    /// The answer is an HTML page with status 200.
    Html,
    /// The answer is not an error, and this JSON is the value of `is_ok`.
    IsOk(&'static str),
    /// There is no answer as long as the outage lasts.
    NoAnswer,
    /// The answer is not an error, and has no `is_ok`.
    NoVerdict,
}

impl Outage {
    /// What it is, for people.
    pub fn text(self) -> Text {
        match self {
            Self::Verdicts(failure) => text!("verify_signature: {failure}", failure = failure.text()),
            Self::Tokens(failure) => {
                text!("no valid access token, and for another one: {failure}", failure = failure.text())
            }
        }
    }
}

impl Failure {
    /// What it is, for people.
    pub fn text(self) -> Text {
        match self {
            Self::BadGateway => text!("status 502"),
            Self::BreaksOff => text!("an answer that breaks off"),
            Self::Empty => text!("an empty answer with status 200"),
            Self::Errcode(errcode) => text!("errcode {errcode}", errcode = errcode),
            Self::HalfJson => text!("half a JSON text"),
            Self::Html => text!("an HTML page with status 200"),
            Self::IsOk(literal) => text!("is_ok is {literal}", literal = literal),
            Self::NoAnswer => text!("no answer in time"),
            Self::NoVerdict => text!("an answer without is_ok"),
        }
    }
}

/// Switches an outage on and off. Clones are the same switch.
#[derive(Clone, Debug, Default)]
pub struct OutageSwitch {
    current: Arc<watch::Sender<Option<Outage>>>,
    /// Held by the request that an outage is meant for, and shared by all others.
    turn: Arc<RwLock<()>>,
}

/// An outage that ends when this is dropped.
struct OutageGuard(OutageSwitch);

impl OutageSwitch {
    /// Puts WeChat's routes behind this switch.
    pub fn wrap(&self, routes: Router) -> Router {
        routes.layer(from_fn_with_state(self.clone(), answer_during_outage))
    }

    /// Does this during an outage, which nothing else notices that is done [`outside`](Self::outside) of outages.
    pub(super) async fn during<T>(&self, outage: Outage, work: impl Future<Output = T>) -> T {
        let _turn = self.turn.write().await;
        let _outage = self.begin(outage);
        work.await
    }

    /// Does this while no outage lasts.
    pub(super) async fn outside<T>(&self, work: impl Future<Output = T>) -> T {
        let _turn = self.turn.read().await;
        work.await
    }

    fn begin(&self, outage: Outage) -> OutageGuard {
        self.current.send_replace(Some(outage));
        OutageGuard(self.clone())
    }

    /// Waits until no outage lasts.
    async fn ended(&self) {
        // An error means that the switch is gone, and the outage with it.
        let _ = self.current.subscribe().wait_for(Option::is_none).await;
    }
}

impl Drop for OutageGuard {
    fn drop(&mut self) {
        self.0.current.send_replace(None);
    }
}

impl Outage {
    /// How a request to this path fails, if it does.
    fn failure(self, path: &str) -> Option<Failure> {
        let (asks_verdict, asks_token) = (asks_verdict(path), asks_token(path));
        match self {
            Self::Verdicts(failure) => asks_verdict.then_some(failure),
            Self::Tokens(_) if asks_verdict => Some(Failure::Errcode(INVALID_TOKEN)),
            Self::Tokens(failure) => asks_token.then_some(failure),
        }
    }
}

async fn answer_during_outage(State(switch): State<OutageSwitch>, request: Request, next: Next) -> Response {
    let outage = *switch.current.borrow();
    match outage.and_then(|outage| outage.failure(request.uri().path())) {
        None => next.run(request).await,
        Some(Failure::NoAnswer) => {
            switch.ended().await;
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
        Some(failure) => failed(failure),
    }
}

fn failed(failure: Failure) -> Response {
    let as_json = |text: String| ([(CONTENT_TYPE, "application/json")], text).into_response();
    match failure {
        Failure::BadGateway => {
            (StatusCode::BAD_GATEWAY, Html("<html><h1>502 Bad Gateway</h1></html>")).into_response()
        }
        Failure::BreaksOff => {
            let partial_body =
                [Ok(Bytes::from_static(b"{\"is_ok\":")), Err(io::Error::other("emulated outage"))];
            Body::from_stream(futures_util::stream::iter(partial_body)).into_response()
        }
        Failure::Empty | Failure::NoAnswer => StatusCode::OK.into_response(),
        Failure::Errcode(errcode) => {
            let known = explain(errcode).find(|code| code.source == CodeSource::Backend);
            Json(json!({"errcode": errcode, "errmsg": known.map_or("error", |code| code.name)}))
                .into_response()
        }
        Failure::HalfJson => as_json("{\"errcode\":0,\"errmsg\":\"ok\",\"is_ok\":".to_owned()),
        Failure::Html => Html("<html><h1>Under maintenance</h1></html>").into_response(),
        Failure::IsOk(literal) => as_json(format!("{{\"errcode\":0,\"errmsg\":\"ok\",\"is_ok\":{literal}}}")),
        Failure::NoVerdict => Json(json!({"errcode": 0, "errmsg": "ok"})).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::any;
    use tower::ServiceExt;

    use super::*;

    async fn answer(routes: &Router, path: &str) -> (u16, String) {
        let response = routes.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 1 << 10).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    fn routes(switch: &OutageSwitch) -> Router {
        switch.wrap(Router::new().fallback(any(|| async { "served" })))
    }

    const PATHS: [&str; 4] =
        ["/cgi-bin/soter/verify_signature", "/cgi-bin/token", "/cgi-bin/stable_token", "/sns/jscode2session"];

    #[tokio::test]
    async fn an_outage_affects_its_own_requests_and_ends_with_its_guard() {
        let switch = OutageSwitch::default();
        let routes = routes(&switch);
        for (outage, failing) in [
            (Outage::Verdicts(Failure::Errcode(45009)), &PATHS[..1]),
            (Outage::Tokens(Failure::Errcode(45009)), &PATHS[..3]),
        ] {
            let guard = switch.begin(outage);
            for path in PATHS {
                let is_failing = answer(&routes, path).await.1.contains("errcode");
                assert_eq!(is_failing, failing.contains(&path), "{outage:?}: {path}");
            }
            drop(guard);
            for path in PATHS {
                assert_eq!(answer(&routes, path).await, (200, "served".to_owned()), "{outage:?}: {path}");
            }
        }
    }

    #[tokio::test]
    async fn a_request_that_gets_no_answer_is_released_when_the_outage_ends() {
        let switch = OutageSwitch::default();
        let routes = routes(&switch);
        let guard = switch.begin(Outage::Verdicts(Failure::NoAnswer));
        let mut asked = Box::pin(answer(&routes, PATHS[0]));
        let early = tokio::time::timeout(std::time::Duration::from_millis(50), &mut asked).await;
        assert!(early.is_err(), "{early:?}");
        drop(guard);
        assert_eq!(asked.await.0, 504);
    }
}
