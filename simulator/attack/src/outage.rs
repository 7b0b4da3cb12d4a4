//! Outages of WeChat's servers: an application that asks them must not take an outage for a success.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::{Json, Router};
use serde_json::json;

/// The kind of outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    /// A proxy answers with an HTML page and status 502.
    BadGateway,
    /// The connection closes in the middle of the answer.
    BreaksOff,
    /// The answer is not an error, and has no `is_ok`.
    NoVerdict,
    /// The answer is WeChat's errcode -1.
    SystemError,
}

impl fmt::Display for Outage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::BadGateway => "status 502",
            Self::BreaksOff => "the answer breaks off",
            Self::NoVerdict => "an answer without is_ok",
            Self::SystemError => "errcode -1",
        })
    }
}

/// Switches an outage on and off. Clones are the same switch.
#[derive(Clone, Debug, Default)]
pub struct OutageSwitch(Arc<Mutex<Option<Outage>>>);

/// An outage that ends when this is dropped.
pub(super) struct OutageGuard(OutageSwitch);

impl OutageSwitch {
    /// Puts WeChat's routes behind this switch.
    pub fn wrap(&self, routes: Router) -> Router {
        routes.layer(from_fn_with_state(self.clone(), answer_during_outage))
    }

    pub(super) fn begin(&self, outage: Outage) -> OutageGuard {
        self.set(Some(outage));
        OutageGuard(self.clone())
    }

    fn set(&self, outage: Option<Outage>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = outage;
    }

    fn current(&self) -> Option<Outage> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OutageGuard {
    fn drop(&mut self) {
        self.0.set(None);
    }
}

/// Answers a request. An outage affects only requests about results: logins and access tokens work.
async fn answer_during_outage(State(switch): State<OutageSwitch>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_ascii_lowercase();
    let is_verification = path.ends_with("verify_signature") || path.ends_with("verifysignature");
    match switch.current().filter(|_| is_verification) {
        None => next.run(request).await,
        Some(Outage::BadGateway) => {
            (StatusCode::BAD_GATEWAY, Html("<html><h1>502 Bad Gateway</h1></html>")).into_response()
        }
        Some(Outage::BreaksOff) => {
            let partial_body =
                [Ok(Bytes::from_static(b"{\"is_ok\":")), Err(io::Error::other("emulated outage"))];
            Body::from_stream(futures_util::stream::iter(partial_body)).into_response()
        }
        Some(Outage::NoVerdict) => Json(json!({"errcode": 0, "errmsg": "ok"})).into_response(),
        Some(Outage::SystemError) => Json(json!({"errcode": -1, "errmsg": "system error"})).into_response(),
    }
}
