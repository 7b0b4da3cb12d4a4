//! The language that a client asks for in an address.

use axum::http::StatusCode;
use axum::response::Response;
use soter_text::Language;

use super::respond::refusal;

/// The language that `?lang=` in a query asks for; English without it.
///
/// # Errors
/// The refusal of a language that this server does not speak.
pub(super) fn requested_language(query: Option<&str>) -> Result<Language, Box<Response>> {
    let Some((_, tag)) =
        form_urlencoded::parse(query.unwrap_or_default().as_bytes()).find(|(name, _)| name == "lang")
    else {
        return Ok(Language::English);
    };
    Language::from_tag(&tag).ok_or_else(|| {
        let known = Language::ALL.map(Language::tag).join(" or ?lang=");
        let next = format!("send ?lang={known}, or leave it out for English");
        Box::new(refusal(StatusCode::BAD_REQUEST, "`lang` is not a language of this server", &next))
    })
}
