//! Answers of the server itself.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// A refusal in two lines: what happened, and what to do.
pub(super) fn refusal(status: StatusCode, what: &str, next: &str) -> Response {
    (status, Json(json!({"error": what, "next": next}))).into_response()
}
