//! The language that a client asks for in an address.

use axum::http::{StatusCode, Uri};
use axum::response::Response;
use soter_text::{Language, text};

use super::paths::is_wechat_path;
use super::respond::refusal;

/// The language that `?lang=` in a query asks for.
///
/// # Errors
/// The refusal of a language that this server does not speak.
pub(super) fn requested_language(query: Option<&str>) -> Result<Option<Language>, Box<Response>> {
    let Some((_, tag)) =
        form_urlencoded::parse(query.unwrap_or_default().as_bytes()).find(|(name, _)| name == "lang")
    else {
        return Ok(None);
    };
    Language::from_tag(&tag).map(Some).ok_or_else(|| {
        Box::new(refusal(
            StatusCode::BAD_REQUEST,
            text!("`lang` is not a language of this server"),
            text!(
                "send ?lang={known}, or leave it out for English",
                known = Language::ALL.map(Language::tag).join(" or ?lang=")
            ),
        ))
    })
}

/// The language of a refusal for a request to this address: the one that it asks for, except on the paths of the real servers,
/// which know no `lang`.
pub(super) fn refusal_language(address: &Uri) -> Language {
    if is_wechat_path(address.path()) {
        return Language::English;
    }
    requested_language(address.query()).ok().flatten().unwrap_or_default()
}
