//! Answers of the server itself.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use soter_text::{Language, Text};

/// A refusal in two lines, kept with its response until the language is known.
#[derive(Clone)]
struct Refusal {
    what: Text,
    next: Text,
}

impl Refusal {
    fn body(&self, language: Language) -> Json<serde_json::Value> {
        language.while_serializing(|| Json(json!({"error": self.what, "next": self.next})))
    }
}

/// A refusal in two lines: what happened, and what to do. In English, unless it goes through [`in_language`].
pub(super) fn refusal(status: StatusCode, what: Text, next: Text) -> Response {
    let refusal = Refusal { what, next };
    let mut response = (status, refusal.body(Language::English)).into_response();
    response.extensions_mut().insert(refusal);
    response
}

/// A response, in this language if it is a refusal.
pub(super) fn in_language(mut response: Response, language: Language) -> Response {
    if language != Language::English
        && let Some(refusal) = response.extensions_mut().remove::<Refusal>()
    {
        *response.body_mut() = refusal.body(language).into_response().into_body();
        // The length of the English text.
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    response
}
