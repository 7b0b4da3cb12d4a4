//! The device page: a phone in the browser, served from the binary.
//!
//! ```text
//!   /                 index.html: the phone, its sensor, its settings, the journal
//!   /page/*.js, *.css its files; nothing is loaded from elsewhere, and the policy of each answer says so
//!     │
//!     │ /ws  events (`phone`, `journal.head`) and commands          /sim/journal  calls, when there are new ones
//!     v
//!   the server, like any other client
//! ```
//!
//! The files in `page/` are plain JavaScript modules, served as they are: there is nothing to build. Only `reasons.js` is
//! made, from the tables of WeChat's servers.

use std::iter;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};
use soter_wire::shortened;

mod reasons;

/// Resources come only from this server, and no other page may embed this one in a frame.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

/// A file of the page.
#[derive(Clone, Copy)]
struct File {
    name: &'static str,
    content_type: &'static str,
    text: &'static str,
}

macro_rules! files {
    ($($name:literal: $content_type:expr),+ $(,)?) => {
        &[$(File { name: $name, content_type: $content_type, text: include_str!(concat!("../page/", $name)) }),+]
    };
}

const HTML_TYPE: &str = "text/html; charset=utf-8";
const CSS_TYPE: &str = "text/css; charset=utf-8";
const JAVASCRIPT_TYPE: &str = "text/javascript; charset=utf-8";
const SVG_TYPE: &str = "image/svg+xml";

const INDEX: File =
    File { name: "index.html", content_type: HTML_TYPE, text: include_str!("../page/index.html") };

/// Files that are served without a token: they are the same for everyone.
static FILES: &[File] = files! {
    "page.css": CSS_TYPE,
    "phone.css": CSS_TYPE,
    "panel.css": CSS_TYPE,
    "journal.css": CSS_TYPE,
    "icon.svg": SVG_TYPE,
    "main.js": JAVASCRIPT_TYPE,
    "bridge.js": JAVASCRIPT_TYPE,
    "state.js": JAVASCRIPT_TYPE,
    "texts.js": JAVASCRIPT_TYPE,
    "english.js": JAVASCRIPT_TYPE,
    "chinese.js": JAVASCRIPT_TYPE,
    "elements.js": JAVASCRIPT_TYPE,
    "phone.js": JAVASCRIPT_TYPE,
    "sensor.js": JAVASCRIPT_TYPE,
    "controls.js": JAVASCRIPT_TYPE,
    "settings.js": JAVASCRIPT_TYPE,
    "servers.js": JAVASCRIPT_TYPE,
    "desk.js": JAVASCRIPT_TYPE,
    "keys.js": JAVASCRIPT_TYPE,
    "journal.js": JAVASCRIPT_TYPE,
    "calls.js": JAVASCRIPT_TYPE,
    "entry.js": JAVASCRIPT_TYPE,
    "json.js": JAVASCRIPT_TYPE,
    "meanings.js": JAVASCRIPT_TYPE,
    "outcomes.js": JAVASCRIPT_TYPE,
    "signed.js": JAVASCRIPT_TYPE,
    "diagnosis.js": JAVASCRIPT_TYPE,
    "chart.js": JAVASCRIPT_TYPE,
};

/// The paths of the page: `/`, and its files under [`FOLDER`].
pub fn page() -> Router {
    Router::new().route("/", get(async |headers: HeaderMap| file_response(&INDEX, &headers))).route(
        "/page/{file}",
        get(async |Path(name): Path<String>, headers: HeaderMap| match find_file(&name) {
            Some(file) => file_response(&file, &headers),
            None => StatusCode::NOT_FOUND.into_response(),
        }),
    )
}

fn find_file(name: &str) -> Option<File> {
    let reasons = || File { name: "reasons.js", content_type: JAVASCRIPT_TYPE, text: &reasons::REASONS };
    FILES.iter().copied().chain(iter::once_with(reasons)).find(|file| file.name == name)
}

/// The folder of the page's files. They contain nothing about the phones.
pub(crate) const FOLDER: &str = "/page/";

fn file_response(file: &File, headers: &HeaderMap) -> Response {
    // A page of another build must not be cached: the API that it calls may have changed.
    let digest = base16ct::lower::encode_string(&Sha256::digest(file.text));
    let etag = format!("\"{}\"", shortened(&digest, 16));
    let fixed_headers: [(HeaderName, &'static str); 6] = [
        (header::CONTENT_TYPE, file.content_type),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    let is_unmodified =
        headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes());
    let mut response =
        if is_unmodified { StatusCode::NOT_MODIFIED.into_response() } else { file.text.into_response() };
    let response_headers = response.headers_mut();
    for (name, value) in fixed_headers {
        response_headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        response_headers.insert(header::ETAG, etag);
    }
    response
}
