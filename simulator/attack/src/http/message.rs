//! Requests and replies, and the secrets in them.

use reqwest::{Method, Url};
use serde_json::Value;
use soter_text::text;
use soter_wechat::Secret;
use soter_wire::shortened;

use crate::target::{Exchange, TargetError};

/// The header in which this project's own servers give the reason for a verdict.
pub(super) const REASON_HEADER: &str = "x-soter-sim-reason";

/// Secrets that must not be shown, each with the text that is shown instead.
pub(crate) type Secrets = Vec<(Secret, String)>;

/// A request to send. It contains its secrets in several forms, so it is never printed.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<String>,
    /// The secrets in it, which must not be shown.
    pub(crate) secrets: Secrets,
}

/// The reply to a request.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) exchange: Exchange,
}

impl Request {
    pub(crate) fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: Vec::new(), body: None, secrets: Vec::new() }
    }

    pub(crate) fn post(url: Url, body: String) -> Self {
        let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        Self { method: Method::POST, url, headers, body: Some(body), secrets: Vec::new() }
    }
}

impl Request {
    /// Whether this text stands in the address, a header or the body.
    pub(crate) fn contains(&self, text: &str) -> bool {
        let headers = self.headers.iter().map(|(_, value)| value.as_str());
        headers.chain(self.body.as_deref()).chain([self.url.as_str()]).any(|part| part.contains(text))
    }
}

impl Reply {
    /// Parses the body as JSON.
    ///
    /// # Errors
    /// [`TargetError::Broken`] if the body is not JSON.
    pub(crate) fn json(&self, endpoint: &str) -> Result<Value, TargetError> {
        serde_json::from_str(&self.body).map_err(|_| {
            let start = shortened(&self.body, 80);
            TargetError::broken(if let Some(location) = self.header("location") {
                text!(
                    "{endpoint} answered {status} and leads to {location}",
                    endpoint = endpoint,
                    status = self.status,
                    location = location.escape_debug()
                )
            } else {
                text!(
                    "{endpoint} answered {status} and no JSON: {start}",
                    endpoint = endpoint,
                    status = self.status,
                    start = start.escape_debug()
                )
            })
        })
    }

    /// A header's value. The name must be in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The reason that this project's own servers give in a header.
    pub(crate) fn reason(&self) -> Option<String> {
        self.header(REASON_HEADER).map(str::to_owned)
    }
}
