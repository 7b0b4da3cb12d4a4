//! Answers in WeChat's form, each with its reason in a header.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use serde_json::Value;

use crate::codes;
use crate::journal::Excerpt;
use crate::paths::SESSION_PREFIX;
use crate::random::random_bytes;
use crate::reasons::Reason;
use crate::verdict::Verdict;

/// The header with the reason for a verdict.
pub(crate) const REASON_HEADER: HeaderName = HeaderName::from_static("x-soter-sim-reason");

/// How answers to WeChat's cloud are declared if they are Protocol Buffers.
pub(crate) const BYTES_TYPE: HeaderValue = HeaderValue::from_static("application/octet-stream");
/// How answers are declared.
pub(crate) const JSON_TYPE: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
/// How the answers of sessions' paths are declared, although they are JSON. Clients that insist on JSON's type fail.
const TEXT_TYPE: HeaderValue = HeaderValue::from_static("text/plain");

/// An answer's body, and the verdict for header and journal.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) body: AnswerBody,
    pub(crate) verdict: Option<Verdict>,
}

/// The JSON of an answer.
#[derive(Clone, Debug)]
pub(crate) enum AnswerBody {
    Value(Value),
    /// One of a few texts, for the answers that load tests wait for. It has no secrets.
    Text(&'static str),
}

impl AnswerBody {
    /// The JSON's text.
    pub(crate) fn text(&self) -> Cow<'static, str> {
        match self {
            Self::Value(value) => value.to_string().into(),
            Self::Text(text) => (*text).into(),
        }
    }
}

impl From<Value> for AnswerBody {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

impl From<&AnswerBody> for Excerpt {
    fn from(body: &AnswerBody) -> Self {
        match body {
            AnswerBody::Value(value) => value.into(),
            AnswerBody::Text(text) => Self::of_known(text),
        }
    }
}

impl Answer {
    pub(crate) fn new(body: impl Into<AnswerBody>) -> Self {
        Self { body: body.into(), verdict: None }
    }

    pub(crate) fn with_verdict(body: impl Into<AnswerBody>, verdict: Verdict) -> Self {
        Self { body: body.into(), verdict: Some(verdict) }
    }

    /// The answer over HTTP.
    pub(crate) fn response(&self, content_type: HeaderValue) -> Response {
        self.enclosed(self.body.text(), content_type)
    }

    /// A body that holds the answer, over HTTP.
    pub(crate) fn enclosed(&self, body: impl Into<Body>, content_type: HeaderValue) -> Response {
        let mut response = Response::new(body.into());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, content_type);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // Reasons are names of lower-case letters, digits and hyphens.
        let reason = self.verdict.as_ref().map(|verdict| match verdict.reason.name() {
            Cow::Borrowed(name) => Some(HeaderValue::from_static(name)),
            Cow::Owned(name) => HeaderValue::try_from(name).ok(),
        });
        if let Some(reason) = reason.flatten() {
            headers.insert(REASON_HEADER, reason);
        }
        response
    }
}

/// An `errcode`; its text is in the table of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Errcode(i32);

impl Errcode {
    pub(crate) const CLOUD_CALL_FORBIDDEN: Self = Self(-604_101);
    pub(crate) const CLOUD_CALL_UNKNOWN: Self = Self(-604_100);
    pub(crate) const SYSTEM: Self = Self(-1);
    pub(crate) const INVALID_TOKEN: Self = Self(40001);
    pub(crate) const GRANT_TYPE: Self = Self(40002);
    pub(crate) const INVALID_OPENID: Self = Self(40003);
    pub(crate) const INVALID_APPID: Self = Self(40013);
    pub(crate) const INVALID_CODE: Self = Self(40029);
    pub(crate) const INVALID_URL: Self = Self(40066);
    pub(crate) const INVALID_SECRET: Self = Self(40125);
    pub(crate) const CODE_USED: Self = Self(40163);
    pub(crate) const TOKEN_MISSING: Self = Self(41001);
    pub(crate) const APPID_MISSING: Self = Self(41002);
    pub(crate) const SECRET_MISSING: Self = Self(41004);
    pub(crate) const CODE_MISSING: Self = Self(41008);
    pub(crate) const TOKEN_EXPIRED: Self = Self(42001);
    pub(crate) const REQUIRES_GET: Self = Self(43001);
    pub(crate) const REQUIRES_POST: Self = Self(43002);
    pub(crate) const EMPTY_BODY: Self = Self(44002);
    pub(crate) const TOO_LARGE: Self = Self(45002);
    pub(crate) const QUOTA_CLEARED_TOO_OFTEN: Self = Self(48006);
    pub(crate) const INVALID_SIGNATURE_METHOD: Self = Self(87008);
    pub(crate) const INVALID_SIGNATURE: Self = Self(87009);
    pub(crate) const NOT_JSON: Self = Self(47001);
    pub(crate) const UNAUTHORIZED: Self = Self(48001);
    pub(crate) const NOT_XML: Self = Self(90001);
    pub(crate) const ILLEGAL_NODE: Self = Self(90002);

    /// An errcode of the table; `None` if it has none of this number, or if the number is 0.
    pub(crate) fn of(code: i32) -> Option<Self> {
        codes::backend_code(code).filter(|known| known.code != 0).map(|known| Self(known.code))
    }

    pub(crate) fn code(self) -> i32 {
        self.0
    }

    /// Its text.
    pub(crate) fn name(self) -> &'static str {
        codes::server_code(self.0).map_or("", |code| code.name)
    }

    /// The verdict with the advice for this errcode.
    pub(crate) fn verdict(self) -> Verdict {
        let reason = Reason::Errcode(self.0);
        Verdict::new(reason, reason.advice_text())
    }

    /// The message at a path, with the request's id, as in live answers.
    pub(crate) fn message(self, path: &str, request_id: &str) -> String {
        let separator = if path.starts_with(SESSION_PREFIX) { ", " } else { " " };
        format!("{}{separator}rid: {request_id}", self.name())
    }
}

/// The id of a request at this time.
pub(crate) fn request_id(unix_millis: u64) -> String {
    let seconds = u32::try_from(unix_millis / 1000).unwrap_or(u32::MAX);
    let [first, second] = [random_bytes::<4>(), random_bytes::<4>()].map(u32::from_be_bytes);
    format!("{seconds:08x}-{first:08x}-{second:08x}")
}

/// How the answers of a path are declared.
pub(crate) fn content_type(path: &str) -> HeaderValue {
    if path.starts_with(SESSION_PREFIX) { TEXT_TYPE } else { JSON_TYPE }
}
