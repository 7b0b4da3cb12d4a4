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
//! The files in `page/` are plain JavaScript modules, served as they are: there is nothing to build.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};
use soter_wire::shortened;

/// Resources come only from this server, and no other page may embed this one in a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

/// A file of the page.
struct File {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

macro_rules! files {
    ($($name:literal: $kind:expr),+ $(,)?) => {
        &[$(File { name: $name, kind: $kind, text: include_str!(concat!("../page/", $name)) }),+]
    };
}

const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

const INDEX: File = File { name: "index.html", kind: HTML, text: include_str!("../page/index.html") };

/// Files that are served without a token: they are the same for everyone.
static FILES: &[File] = files! {
    "page.css": STYLE,
    "icon.svg": PICTURE,
    "main.js": SCRIPT,
    "bridge.js": SCRIPT,
    "state.js": SCRIPT,
    "texts.js": SCRIPT,
    "elements.js": SCRIPT,
    "phone.js": SCRIPT,
    "sensor.js": SCRIPT,
    "settings.js": SCRIPT,
    "desk.js": SCRIPT,
    "keys.js": SCRIPT,
    "journal.js": SCRIPT,
    "calls.js": SCRIPT,
    "entry.js": SCRIPT,
    "json.js": SCRIPT,
    "meanings.js": SCRIPT,
};

/// The paths of the page: `/`, and its files under [`FOLDER`].
pub fn page() -> Router {
    Router::new().route("/", get(async |headers: HeaderMap| answer(&INDEX, &headers))).route(
        "/page/{file}",
        get(async |Path(name): Path<String>, headers: HeaderMap| {
            match FILES.iter().find(|file| file.name == name) {
                Some(file) => answer(file, &headers),
                None => StatusCode::NOT_FOUND.into_response(),
            }
        }),
    )
}

/// The folder of the page's files. They contain nothing about the phones.
pub(crate) const FOLDER: &str = "/page/";

fn answer(file: &File, headers: &HeaderMap) -> Response {
    // A page of another build must not be cached: the API that it calls may have changed.
    let digest = base16ct::lower::encode_string(&Sha256::digest(file.text));
    let tag = format!("\"{}\"", shortened(&digest, 16));
    let constants: [(HeaderName, &'static str); 6] = [
        (header::CONTENT_TYPE, file.kind),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    let is_known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response =
        if is_known { StatusCode::NOT_MODIFIED.into_response() } else { file.text.into_response() };
    let answered = response.headers_mut();
    for (name, value) in constants {
        answered.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        answered.insert(header::ETAG, tag);
    }
    response
}
