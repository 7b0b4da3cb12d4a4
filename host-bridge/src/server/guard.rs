//! Which requests are accepted: by `Host`, by `Origin`, and by token.
//!
//! Any web page can make a browser on this computer send requests to loopback. `Origin` distinguishes such a page from the
//! device page. `Host` distinguishes the server's own names from a name that an attacker points to 127.0.0.1.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use soter_text::{Text, text};
use soter_wechat::{API_HOSTS, Secret, is_api_host, is_cloud_host};
use soter_wire::shortened;

use super::options::{Notices, ServerOptions};
use super::paths::{ServerPath, is_at_wechat_host, is_wechat_path};
use super::respond::refusal;
use crate::page;
use crate::protocol::CommandError;

/// The port of https.
const TLS_PORT: u16 = 443;
/// What SDKs of WeChat's cloud ask once, to learn whether they run there. Any error means no, so nobody needs to know of it.
const METADATA_HOST: &str = "metadata.tencentyun.com";
/// The maximum length of a DNS name with a port, in bytes.
const MAX_HOST_BYTES: usize = 260;
/// Maximum number of notices. Each is sent once; after that the guard sends no more.
const MAX_NOTICES: usize = 100;
/// Maximum number of characters of a library's error in a notice.
const MAX_ERROR_CHARACTERS: usize = 120;

/// The rules of a server.
pub(super) struct Guard {
    own_hosts: Vec<String>,
    hosts: Vec<String>,
    origins: Vec<String>,
    token: Option<Secret>,
    notices: Notices,
    /// The notices that were sent, in English.
    sent_notices: Mutex<HashSet<String>>,
    serves_tls: bool,
}

/// Checks the values that a user gave.
pub(super) fn check_options(options: &ServerOptions) -> Result<(), CommandError> {
    for origin in &options.allow_origins {
        let is_origin = origin == "null" || is_origin(origin);
        if !is_origin {
            let shown = shortened(origin, 80);
            return Err(CommandError::invalid_params(
                text!("`{shown}` is not an origin", shown = shown),
                text!(
                    "give exactly what the browser sends, such as http://localhost:10086; there is no wildcard"
                ),
            ));
        }
    }
    if options.token.as_ref().is_some_and(|token| token.expose().is_empty()) {
        return Err(CommandError::invalid_params(
            text!("the token is empty"),
            text!("give 16 or more printable characters, for example from `openssl rand -hex 32`"),
        ));
    }
    for host in &options.allow_hosts {
        if !is_host(host) {
            let shown = shortened(host, 80);
            return Err(CommandError::invalid_params(
                text!("`{shown}` is not a host name", shown = shown),
                text!("give a name, such as phone.test or phone.test:8777; there is no wildcard"),
            ));
        }
    }
    Ok(())
}

/// Whether the text is a scheme and an authority and nothing else. Pages from files have no authority; some browsers send
/// `file://` for them, others `null`.
fn is_origin(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| {
        !scheme.is_empty()
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
            && (is_host(rest) || (scheme, rest) == ("file", ""))
    })
}

/// Whether the text is a name or an address, with or without a port. Characters that a shell interprets are excluded:
/// refusals print the text as part of a command line, and any web page can choose it.
fn is_host(text: &str) -> bool {
    (1..=MAX_HOST_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte))
}

impl Guard {
    /// The rules of a server that listens on these addresses.
    pub(super) fn new(
        options: &ServerOptions,
        addresses: impl IntoIterator<Item = SocketAddr>,
        notices: Notices,
    ) -> Self {
        let lower = |values: &[String]| values.iter().map(|value| value.to_ascii_lowercase()).collect();
        Self {
            own_hosts: addresses.into_iter().flat_map(own_hosts).collect(),
            hosts: lower(&options.allow_hosts),
            origins: lower(&options.allow_origins),
            token: options.token.clone(),
            notices,
            sent_notices: Mutex::default(),
            serves_tls: options.tls.is_some(),
        }
    }

    /// Accepts a request, answers it here, or refuses it. Returns the other origin that may read the answer, if any.
    pub(super) fn admit(&self, request: &Request) -> Result<Option<HeaderValue>, Box<Response>> {
        let (headers, path) = (request.headers(), request.uri().path());
        self.check_host(headers, request.uri(), path)?;
        let cross_origin = self.check_origin(headers)?;
        check_fetch_metadata(headers, path)?;
        // A browser asks without credentials first.
        if request.method() == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        {
            return Err(Box::new(preflight_response(cross_origin)));
        }
        match self.check_token(headers, request.uri(), path) {
            Ok(()) => Ok(cross_origin),
            Err(mut answer) => {
                // A page of an allowed origin must be able to read why the request was refused.
                add_cors_headers(&mut answer, cross_origin);
                Err(answer)
            }
        }
    }

    fn check_host(&self, headers: &HeaderMap, uri: &Uri, path: &str) -> Result<(), Box<Response>> {
        if headers.get_all(header::HOST).iter().nth(1).is_some() {
            return Err(Box::new(refusal(
                StatusCode::BAD_REQUEST,
                text!("there are two Host headers"),
                text!("send one"),
            )));
        }
        let Some(host) = requested_host(uri, headers).filter(|host| !host.is_empty()) else {
            return Err(Box::new(refusal(
                StatusCode::FORBIDDEN,
                text!("there is no Host header"),
                text!("send one"),
            )));
        };
        let host = host.to_ascii_lowercase();
        let is_own = self.own_hosts.contains(&host);
        let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
        let is_wechat_host = is_at_wechat_host(path, name);
        let is_allowed = self.hosts.iter().any(|allowed| *allowed == host || *allowed == name);
        if !is_host(&host) {
            return Err(Box::new(not_own_host(text!("the Host header names no host"))));
        }
        if is_own || is_wechat_host || is_allowed {
            return Ok(());
        }
        if is_api_host(name) || is_cloud_host(name) {
            return Err(Box::new(not_own_host(text!(
                "the host {host} does not have this path",
                host = host
            ))));
        }
        if name == METADATA_HOST {
            return Err(Box::new(not_own_host(text!("the host {host} is not let in", host = host))));
        }
        Err(Box::new(self.refuse(
            text!("the host {host} is not let in", host = host),
            text!("start with --allow-host {host}", host = host),
        )))
    }

    /// The `Origin`, if it is not the server's own and is allowed.
    fn check_origin(&self, headers: &HeaderMap) -> Result<Option<HeaderValue>, Box<Response>> {
        let mut values = headers.get_all(header::ORIGIN).iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Box::new(refusal(
                StatusCode::BAD_REQUEST,
                text!("there are two Origin headers"),
                text!("send one or none"),
            )));
        }
        let origin = value.to_str().unwrap_or_default().to_ascii_lowercase();
        if origin.strip_prefix("http://").is_some_and(|host| self.own_hosts.iter().any(|own| own == host)) {
            return Ok(None);
        }
        if self.origins.contains(&origin) {
            return Ok(Some(value.clone()));
        }
        if origin != "null" && !is_origin(&origin) {
            return Err(Box::new(refusal(
                StatusCode::FORBIDDEN,
                text!("the Origin header names no origin"),
                text!("send what browsers send, or no such header"),
            )));
        }
        Err(Box::new(self.refuse(
            text!("the origin {origin} is not let in", origin = origin),
            text!("start with --allow-origin {origin}", origin = origin),
        )))
    }

    fn check_token(&self, headers: &HeaderMap, uri: &Uri, path: &str) -> Result<(), Box<Response>> {
        let Some(token) = &self.token else { return Ok(()) };
        if path == ServerPath::Health.path() || path.starts_with(page::FOLDER) || is_wechat_path(path) {
            return Ok(());
        }
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer = bearer.and_then(|value| value.split_once(' '));
        let presented = match bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) {
            Some((_, presented)) => Some(presented.trim().to_owned()),
            None => form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
                .find(|(name, _)| name == "token")
                .map(|(_, token)| token.into_owned()),
        };
        if presented.is_some_and(|presented| token.is(&presented)) {
            return Ok(());
        }
        Err(Box::new(refusal(
            StatusCode::UNAUTHORIZED,
            text!("this server wants its token"),
            text!("send `Authorization: Bearer TOKEN`, or ?token=TOKEN in the address"),
        )))
    }

    /// Decides whether a proxy's request may open a tunnel: only for TLS to one of WeChat's hosts.
    pub(super) fn admit_tunnel(&self, target: &Uri) -> Result<(), Box<Response>> {
        let authority = target.authority();
        let target = authority.map(Authority::as_str).unwrap_or_default().to_ascii_lowercase();
        let name = authority.map(Authority::host).unwrap_or_default().to_ascii_lowercase();
        // A full name may end with a dot.
        let name = name.strip_suffix('.').unwrap_or(&name);
        let refuse = |what: Text, next: Text| {
            self.notify(text!("{what}; {next}", what = what, next = next));
            Err(Box::new(refusal(StatusCode::FORBIDDEN, what, next)))
        };
        if !is_host(&target) {
            return Err(Box::new(refusal(
                StatusCode::BAD_REQUEST,
                text!("this CONNECT names no host"),
                text!("CONNECT takes a host and a port, such as api.weixin.qq.com:443"),
            )));
        }
        if !is_api_host(name) {
            return refuse(
                text!(
                    "a client takes this server for a proxy to {target}, and it is one to WeChat's hosts only",
                    target = target
                ),
                text!("put {name} into NO_PROXY (Java: -Dhttp.nonProxyHosts)", name = name),
            );
        }
        if authority.and_then(Authority::port_u16) != Some(TLS_PORT) {
            return refuse(
                text!(
                    "a client wants a tunnel to {target}, and there is TLS at port {port} only",
                    target = target,
                    port = TLS_PORT
                ),
                text!("let it ask https://{name}, which is {name}:{port}", name = name, port = TLS_PORT),
            );
        }
        if !self.serves_tls {
            return refuse(
                text!("a client wants TLS with {name}, and this server has it only on demand", name = name),
                text!("start with --tls, or let the client ask the http address of the ready line"),
            );
        }
        Ok(())
    }

    /// Tells people about a client that begins TLS with a server that serves plain HTTP.
    pub(super) fn notify_of_unexpected_tls(&self) {
        self.notify(text!(
            "a client begins TLS, and this server has it only on demand; start with --tls, or let the client ask the http address of the ready line"
        ));
    }

    /// Tells people about a client that wants TLS with a host that is not WeChat's.
    pub(super) fn notify_of_foreign_tls_host(&self, name: &str) {
        // The name has the characters of a DNS name: TLS checks them.
        self.notify(text!(
            "a client wants TLS with {name}, and there is a certificate for {hosts} only; let it ask one of these",
            name = name,
            hosts = API_HOSTS.join(", ")
        ));
    }

    /// Tells people about a client whose handshake fails for another reason, which is a text of the library.
    pub(super) fn notify_of_failed_handshake(&self, why: &str) {
        self.notify(text!(
            "a TLS handshake failed: {why}; let the client use TLS 1.2 or 1.3, with HTTP/1.1",
            why = shortened(why, MAX_ERROR_CHARACTERS)
        ));
    }

    /// Tells people about a client that does not trust the authority.
    pub(super) fn notify_of_distrust(&self) {
        self.notify(text!(
            "a client does not trust the certificate of this server; let it trust the CA that `soter-sim ca --export DIR` writes"
        ));
    }

    /// The refusal of a client that a flag lets in. People are told as well.
    fn refuse(&self, what: Text, next: Text) -> Response {
        self.notify(text!("{what}; to let it in: {next}", what = what, next = next));
        refusal(StatusCode::FORBIDDEN, what, next)
    }

    fn notify(&self, notice: Text) {
        let mut sent = self.sent_notices.lock().unwrap_or_else(PoisonError::into_inner);
        if sent.len() < MAX_NOTICES && sent.insert(notice.english().to_owned()) {
            (self.notices)(notice);
            if sent.len() == MAX_NOTICES {
                (self.notices)(text!(
                    "this was notice {number} about clients that are refused; there are no more until the server is started again",
                    number = MAX_NOTICES
                ));
            }
        }
    }
}

/// The refusal for a name that is not this server's, and that no flag lets in.
fn not_own_host(what: Text) -> Response {
    let next = text!("connect to 127.0.0.1 or localhost, with the port of the ready line");
    refusal(StatusCode::FORBIDDEN, what, next)
}

/// The host, with its port, that a request is for. A request line with a full address, as proxies send it, takes precedence over
/// `Host` (RFC 9112, 3.2.2).
pub(super) fn requested_host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    match uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => headers.get(header::HOST).map(|host| host.to_str().unwrap_or("?")),
    }
}

/// The values of `Host` in requests to this server's own address.
fn own_hosts(address: SocketAddr) -> Vec<String> {
    let port = address.port();
    let ip = match address.ip() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    };
    ["127.0.0.1", "localhost", "[::1]", &ip]
        .into_iter()
        .flat_map(|name| {
            // Browsers omit the port if it is the scheme's default.
            let bare = (port == 80).then(|| name.to_owned());
            bare.into_iter().chain([format!("{name}:{port}")])
        })
        .collect()
}

/// Pages of other origins can send requests without `Origin`, with an image for example. They cannot read the answer, but
/// could use up tokens. Browsers mark these requests in another header (W3C, Fetch Metadata). Links that a person follows
/// are accepted.
fn check_fetch_metadata(headers: &HeaderMap, path: &str) -> Result<(), Box<Response>> {
    let header_is = |name: &str, value: &str| {
        headers.get(name).is_some_and(|actual| actual.as_bytes() == value.as_bytes())
    };
    let is_cross_origin =
        header_is("sec-fetch-site", "cross-site") || header_is("sec-fetch-site", "same-site");
    let is_navigation = header_is("sec-fetch-mode", "navigate") && header_is("sec-fetch-dest", "document");
    if headers.contains_key(header::ORIGIN) || !is_cross_origin || (is_navigation && !is_wechat_path(path)) {
        return Ok(());
    }
    Err(Box::new(refusal(
        StatusCode::FORBIDDEN,
        text!("a page of another origin asks without naming itself"),
        text!("ask with fetch() from a page whose origin is let in with --allow-origin"),
    )))
}

fn preflight_response(origin: Option<HeaderValue>) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("authorization, content-type"),
    );
    headers.insert("access-control-allow-private-network", HeaderValue::from_static("true"));
    add_cors_headers(&mut response, origin);
    response
}

/// Allows scripts of an origin to read the answer.
pub(super) fn add_cors_headers(response: &mut Response, origin: Option<HeaderValue>) {
    if let Some(origin) = origin {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("x-soter-sim-reason"));
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
}
