//! The router, and the layers that every request passes before it reaches a handler.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, MatchedPath, RawQuery, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use http_body_util::BodyExt;
use serde::Serialize;
use serde_json::json;
use soter_text::{seconds, text};
use soter_wechat::journal::{Entry, MAX_PAGE_BYTES};
use soter_wechat::{MAX_METHOD_CHARACTERS, OWN_PREFIX, WeChatPath, open_api_document};
use soter_wire::shortened;
use tokio::sync::watch;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{Instrument, debug, error, info_span};

use crate::protocol::{Call, CommandError, ErrorKind, Service, desk};
use crate::rpc::{Message, Rpc};

use super::guard::{Guard, add_cors_headers, requested_host};
use super::language::{refusal_language, requested_language};
use super::limits::Limits;
use super::memory::{MemoryBudget, SMALL_BYTES};
use super::options::Health;
use super::paths::{ServerPath, WELL_KNOWN};
use super::respond::{in_language, refusal};
use super::socket;

/// Maximum number of journal entries in one answer.
const MAX_PAGE_ENTRIES: usize = 1000;
/// More bytes than the OpenAPI document has.
pub(super) const MAX_OPEN_API_BYTES: usize = 256 << 10;

/// The handlers of everything except JSON-RPC and the journal.
pub(super) struct Handlers {
    pub(super) wechat: Router,
    pub(super) page: Option<Router>,
    pub(super) health: Health,
    /// The certificate of the authority for TLS, as PEM.
    pub(super) ca_certificate: Option<String>,
}

/// The router for everything behind the port.
pub(super) fn router<S: Service>(
    rpc: Rpc<S>,
    Handlers { wechat, page, health: check, ca_certificate: certificate }: Handlers,
    guard: Arc<Guard>,
    limits: Limits,
    stopping: watch::Receiver<bool>,
) -> Router {
    let budget = MemoryBudget::new(limits.max_large_bytes);
    let sockets = socket::Sockets { rpc: rpc.clone(), limits, budget: budget.clone(), stopping };
    let handler = |path| match path {
        ServerPath::CaCertificate => {
            let certificate = certificate.clone();
            get(async move || ca_certificate(certificate))
        }
        ServerPath::Health => {
            let check = Arc::clone(&check);
            get(async move |RawQuery(query): RawQuery| health(query.as_deref(), check()))
        }
        ServerPath::Journal => {
            let budget = budget.clone();
            get(move |rpc, query| journal::<S>(rpc, query, budget, limits))
        }
        ServerPath::OpenApi => {
            let budget = budget.clone();
            get(move |uri, headers| open_api(uri, headers, budget, limits))
        }
        ServerPath::Reset => post(reset::<S>),
        ServerPath::Rpc => post(move |rpc: State<Rpc<S>>, query, body: Result<Bytes, BytesRejection>| {
            post_rpc(rpc, query, body, limits)
        }),
        ServerPath::WebSocket => get(socket::upgrade::<S>).with_state(sockets.clone()),
    };
    let served = ServerPath::ALL
        .iter()
        .fold(Router::new(), |router, path| router.route(path.path(), handler(*path)))
        .with_state(rpc);
    let below = ServerPath::ALL.iter().map(|path| path.path()).filter(|path| !path.starts_with(OWN_PREFIX));
    let below = below.map(|path| format!("{path}/")).chain([OWN_PREFIX, WELL_KNOWN].map(str::to_owned));
    below
        .fold(served, |router, own| {
            router.route(&own, any(unknown_path)).route(&format!("{own}{{*rest}}"), any(unknown_path))
        })
        .layer(DefaultBodyLimit::max(limits.max_body_bytes))
        .merge(wechat)
        .merge(page.unwrap_or_default())
        .fallback(unknown_path)
        .method_not_allowed_fallback(async |method: Method| {
            refusal(
                StatusCode::METHOD_NOT_ALLOWED,
                text!(
                    "this path does not take {method}",
                    method = shortened(method.as_str(), MAX_METHOD_CHARACTERS)
                ),
                text!("the header Allow names what it takes"),
            )
        })
        .layer(from_fn(move |request: Request, next: Next| {
            let (guard, budget) = (Arc::clone(&guard), budget.clone());
            let span = request_span(&request);
            let language = refusal_language(request.uri());
            let answer = async move {
                let response = match guard.admit(&request) {
                    Ok(origin) => {
                        let mut response = read_body(request, next, limits, budget).await;
                        add_cors_headers(&mut response, origin);
                        response
                    }
                    Err(answer) => *answer,
                };
                debug!(status = response.status().as_u16(), "answered");
                in_language(response, language)
            };
            answer.instrument(span)
        }))
        .layer(CatchPanicLayer::custom(|_| {
            // The panic's own message is on standard error.
            error!("a request handler panicked");
            refusal(
                StatusCode::INTERNAL_SERVER_ERROR,
                text!("the request broke off: this is a defect of soter-sim"),
                text!("please report it with the request that led here"),
            )
        }))
}

/// The answer to a path of this server that it does not have. The real servers' paths have another one.
async fn unknown_path() -> Response {
    let known = ServerPath::ALL.iter().map(|path| path.path());
    let known: Vec<_> = known.chain(WeChatPath::ALL.iter().map(|path| path.path())).collect();
    refusal(
        StatusCode::NOT_FOUND,
        text!("there is nothing at this path"),
        text!("paths: {known}", known = known.join(", ")),
    )
}

/// The span of a request. It has the path of the route and not the request's: clients put secrets into queries, and
/// anything into paths that do not exist. A method can be as long as all headers together, and is shortened.
fn request_span(request: &Request) -> tracing::Span {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    info_span!("request", method = %shortened(request.method().as_str(), MAX_METHOD_CHARACTERS), path)
}

/// Reads a body within the limits of time and size, so that no handler waits for a slow client. A body that is too
/// long is truncated one byte after the limit, so that its reader sees that it is too long.
async fn read_body(request: Request, next: Next, limits: Limits, budget: MemoryBudget) -> Response {
    // WebSocket handshakes and most GETs have no body.
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let (mut parts, mut body) = request.into_parts();
    let declared = body.size_hint().upper().and_then(|bytes| usize::try_from(bytes).ok());
    let room = declared.unwrap_or(usize::MAX).min(limits.max_body_bytes);
    let mut bytes = Vec::new();
    let mut read = read_up_to(&mut body, &mut bytes, SMALL_BYTES, limits).await;
    // Held until the request is answered, because the parsed body lives until then.
    let mut _reservation = None;
    if matches!(read, Ok(false)) {
        match budget.reserve(room, limits.body_timeout).await {
            Ok(reserved) => _reservation = Some(reserved),
            Err(refused) => return refused,
        }
        read = read_up_to(&mut body, &mut bytes, limits.max_body_bytes, limits).await;
    }
    match read {
        Ok(_) => {
            // The header may differ from the length of what was read.
            parts.headers.remove(header::CONTENT_LENGTH);
            next.run(Request::from_parts(parts, Body::from(bytes))).await
        }
        Err(Some(error)) => {
            debug!(%error, "the body broke off");
            refusal(StatusCode::BAD_REQUEST, text!("the body broke off"), text!("send it whole"))
        }
        Err(None) => {
            let mut response = refusal(
                StatusCode::REQUEST_TIMEOUT,
                text!("the body did not arrive within {limit}", limit = seconds(limits.body_timeout)),
                text!("send it faster"),
            );
            response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
            response
        }
    }
}

/// Reads until the body ends or has more than `max_bytes`, and truncates it one byte after that. Whether it has ended.
///
/// # Errors
/// The error with which the body broke off; `None` if it is too slow.
async fn read_up_to(
    body: &mut Body,
    bytes: &mut Vec<u8>,
    max_bytes: usize,
    limits: Limits,
) -> Result<bool, Option<axum::Error>> {
    let read = async {
        while let Some(frame) = body.frame().await {
            let data = frame?.into_data().unwrap_or_default();
            // A frame is at most as long as the connection's buffer.
            bytes.extend_from_slice(&data);
            if bytes.len() > max_bytes {
                return Ok(false);
            }
        }
        Ok(true)
    };
    let ended = tokio::time::timeout(limits.body_timeout, read).await.map_err(|_| None)?.map_err(Some)?;
    bytes.truncate(limits.max_body_bytes + 1);
    Ok(ended)
}

fn ca_certificate(certificate: Option<String>) -> Response {
    match certificate {
        Some(pem) => ([(header::CONTENT_TYPE, "application/x-pem-file")], pem).into_response(),
        None => refusal(
            StatusCode::NOT_FOUND,
            text!("this server has no TLS, and so no CA"),
            text!("start it with --tls"),
        ),
    }
}

async fn post_rpc<S: Service>(
    State(rpc): State<Rpc<S>>,
    RawQuery(query): RawQuery,
    body: Result<Bytes, BytesRejection>,
    limits: Limits,
) -> Response {
    let Ok(body) = body else {
        return refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            text!("the body is longer than {most} bytes", most = limits.max_body_bytes),
            text!("send smaller batches"),
        );
    };
    let language = match requested_language(query.as_deref()) {
        Ok(language) => language,
        Err(refused) => return *refused,
    };
    match rpc.in_language(language).answer(Message::parse(&body), None).await {
        Some(answer) => ([(header::CONTENT_TYPE, "application/json")], answer).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}

/// With `?lang=`, what fails and what to do are in that language.
fn health(query: Option<&str>, checked: Result<(), CommandError>) -> Response {
    let language = match requested_language(query) {
        Ok(asked) => asked.unwrap_or_default(),
        Err(refused) => return *refused,
    };
    let mut answer = json!({"status": "ok", "name": "soter-sim", "version": env!("CARGO_PKG_VERSION")});
    let Err(CommandError { what, next, .. }) = checked else { return Json(answer).into_response() };
    answer["status"] = "failing".into();
    for (name, text) in [("error", what), ("next", next)] {
        answer[name] = text.in_language(language).into();
    }
    (StatusCode::SERVICE_UNAVAILABLE, Json(answer)).into_response()
}

/// `?after=N&limit=N`: the calls after number N, the oldest first. `?before=N&limit=N`: those closest before it. With `?lang=`,
/// the details of verdicts are in that language.
async fn journal<S: Service>(
    State(rpc): State<Rpc<S>>,
    RawQuery(query): RawQuery,
    budget: MemoryBudget,
    limits: Limits,
) -> Response {
    let language = match requested_language(query.as_deref()) {
        Ok(asked) => asked.unwrap_or_default(),
        Err(refused) => return *refused,
    };
    let (mut after, mut before, mut limit) = (0_u64, None, MAX_PAGE_ENTRIES);
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let is_valid = match &*name {
            "after" => value.parse().map(|number| after = number).is_ok(),
            "before" => value.parse().map(|number| before = Some(number)).is_ok(),
            "limit" => value.parse().map(|number: usize| limit = number.min(MAX_PAGE_ENTRIES)).is_ok(),
            _ => true,
        };
        if !is_valid {
            return refusal(
                StatusCode::BAD_REQUEST,
                text!("`{name}` is not a number", name = name),
                text!("send ?after=0&limit=100"),
            );
        }
    }
    let reservation = match budget.reserve(MAX_PAGE_BYTES, limits.body_timeout).await {
        Ok(reservation) => reservation,
        Err(refused) => return refused,
    };
    let entries = match before {
        Some(number) => rpc.journal().before(number, limit),
        None => rpc.journal().after(after, limit),
    };
    let last = entries.last().map_or(after, |entry| entry.number);
    let entries = entries.iter().map(|entry| &**entry).collect();
    match language.while_serializing(|| serde_json::to_vec(&JournalPage { entries, last })) {
        Ok(page) => ([(header::CONTENT_TYPE, "application/json")], reservation.hold(page)).into_response(),
        Err(error) => refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            text!("the journal does not serialise: {error}", error = error.to_string()),
            text!("please report it: this is a defect of soter-sim"),
        ),
    }
}

/// A page of the journal, written without a tree of values, which would take many times its memory.
#[derive(Serialize)]
struct JournalPage<'a> {
    entries: Vec<&'a Entry>,
    /// The number of the last entry.
    last: u64,
}

/// The OpenAPI document, for the address under which the client has reached this server. The guard has checked it.
async fn open_api(uri: Uri, headers: HeaderMap, budget: MemoryBudget, limits: Limits) -> Response {
    let address = format!("http://{}", requested_host(&uri, &headers).unwrap_or_default());
    let reservation = match budget.reserve(MAX_OPEN_API_BYTES, limits.body_timeout).await {
        Ok(reservation) => reservation,
        Err(refused) => return refused,
    };
    let document = open_api_document(&address).into_bytes();
    ([(header::CONTENT_TYPE, "application/json")], reservation.hold(document)).into_response()
}

async fn reset<S: Service>(State(rpc): State<Rpc<S>>) -> Response {
    match rpc.service().call(Call { device: None, request: desk::Reset {}.into() }).await {
        Ok(response) => {
            rpc.journal().clear();
            Json(response).into_response()
        }
        Err(error) => refusal(status(&error), error.what, error.next),
    }
}

fn status(error: &CommandError) -> StatusCode {
    match error.kind {
        // A reset has no parameters: this is the refusal of a server that does not allow it.
        ErrorKind::InvalidParams => StatusCode::FORBIDDEN,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
