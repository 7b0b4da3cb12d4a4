//! An HTTP client for one target, which keeps what went over the wire for people to read.

mod exchange;
mod message;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http_body_util::{BodyExt, Limited};
use reqwest::redirect::Policy;
use reqwest::{Certificate, StatusCode, Url};
use soter_bridge::protocol::CommandError;
use soter_text::{Text, seconds, text};
use soter_wire::shortened;
use tokio::sync::Mutex;
use tokio::time::sleep;
use tower::ServiceExt;

use self::exchange::exchange;
pub(super) use self::exchange::{hide_tokens, masked};
pub(super) use self::message::{Reply, Request, Secrets};
use crate::target::TargetError;

/// The maximum size of an answer, in bytes.
const MAX_ANSWER_BYTES: usize = 1 << 20;
/// The number of attempts if a server answers 423 or 429, and the pauses between them.
const MAX_TRIES: u32 = 5;
const INITIAL_PAUSE: Duration = Duration::from_millis(250);
const MAX_PAUSE: Duration = Duration::from_secs(10);
/// A client for one server. It sends nothing to other servers: it follows no redirects and uses no proxies.
#[derive(Clone, Debug)]
pub struct Http {
    base: Url,
    transport: Transport,
    timeout: Duration,
    /// Whether requests share connections.
    reuses_connections: bool,
    limits: Arc<Limits>,
}

/// What is known of a server's limits.
#[derive(Debug, Default)]
struct Limits {
    /// Whether all attempts were answered 429, and no other answer has come since. Then a request is sent only once.
    is_rate_limited: AtomicBool,
    /// Whether all attempts of one request were answered 423. Then 423 is an answer like any other.
    stays_locked: AtomicBool,
    /// Whether 429 was answered. From then on requests are sent one after the other.
    takes_turns: AtomicBool,
    turn: Mutex<()>,
}

#[derive(Clone, Debug)]
enum Transport {
    Network {
        pooled: reqwest::Client,
        /// One that keeps no connections.
        single: reqwest::Client,
    },
    /// Routes in this process.
    Routes(Router),
}

impl Http {
    /// A client for the server at this address, such as `http://127.0.0.1:8777`. It trusts the system's certificates, and
    /// those of `ca` (PEM).
    ///
    /// # Errors
    /// `InvalidParams` if `base` is not the address of an HTTP server, or contains a user name or password, or if `ca` has
    /// no certificates, or one that cannot be read. `Environment` if the HTTP client cannot be created, for example because TLS
    /// is not available.
    pub fn over_network(base: &str, timeout: Duration, ca: Option<&[u8]>) -> Result<Self, CommandError> {
        let base = parse_server_url(base)?;
        let certificates = Certificate::from_pem_bundle(ca.unwrap_or_default()).unwrap_or_default();
        if ca.is_some() && certificates.is_empty() {
            return Err(CommandError::invalid_params(
                text!("the file of the CA has no certificate that can be read"),
                text!("name a file in PEM: -----BEGIN CERTIFICATE-----"),
            ));
        }
        let build = |idle_connections: usize| {
            reqwest::Client::builder()
                .redirect(Policy::none())
                .no_proxy()
                .tls_certs_merge(certificates.clone())
                .timeout(timeout)
                .pool_max_idle_per_host(idle_connections)
                // Servers close idle connections after some seconds. A request that is sent at that moment is lost.
                .pool_idle_timeout(Duration::from_secs(1))
                .build()
                .map_err(|error| {
                    if certificates.is_empty() {
                        CommandError::environment(
                            text!("no requests can be sent: {error}", error = root_cause(&error)),
                            text!("check the system's certificates"),
                        )
                    } else {
                        CommandError::invalid_params(
                            text!(
                                "the file of the CA has a certificate that cannot be read: {error}",
                                error = root_cause(&error)
                            ),
                            text!("name a file in PEM: -----BEGIN CERTIFICATE-----"),
                        )
                    }
                })
        };
        let transport = Transport::Network { pooled: build(32)?, single: build(0)? };
        Ok(Self { base, transport, timeout, reuses_connections: true, limits: Arc::default() })
    }

    /// The same client, which sends each request over a new connection.
    pub(super) fn without_reuse(&self) -> Self {
        Self { reuses_connections: false, ..self.clone() }
    }

    /// A client for routes in this process.
    ///
    /// # Errors
    /// Never: the fixed base address is valid.
    pub fn in_process(routes: Router, timeout: Duration) -> Result<Self, CommandError> {
        Ok(Self {
            base: parse_server_url("http://127.0.0.1")?,
            transport: Transport::Routes(routes),
            timeout,
            reuses_connections: true,
            limits: Arc::default(),
        })
    }

    /// An address of this server. `text` is a path, which is appended to the path of the server's own address, or a
    /// whole address.
    ///
    /// # Errors
    /// `InvalidParams` if `text` is not an address, or is on another server.
    pub(super) fn address(&self, text: &str) -> Result<Url, CommandError> {
        let shown = shortened(text, 120);
        let below = text.strip_prefix('/').filter(|rest| !rest.starts_with('/')).map(|path| {
            let before = self.base.path().trim_end_matches('/');
            format!("{before}/{path}")
        });
        let address = self.base.join(below.as_deref().unwrap_or(text)).map_err(|error| {
            CommandError::invalid_params(
                text!("`{address}` is not an address: {error}", address = shown, error = error.to_string()),
                text!("write a path, such as /pay"),
            )
        })?;
        if address.origin() == self.base.origin() {
            return Ok(address);
        }
        Err(CommandError::invalid_params(
            text!(
                "`{address}` is not on {server}",
                address = shown,
                server = self.base.origin().ascii_serialization()
            ),
            text!("requests go to one server alone: write a path, or an address of that server"),
        ))
    }

    /// The host and the port of the server, as in `127.0.0.1:3000`.
    pub fn host_and_port(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        format!("{host}:{}", self.base.port_or_known_default().unwrap_or_default())
    }

    /// How long an answer may take.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Checks that an address is on this server.
    ///
    /// # Errors
    /// `InvalidParams` if `text` is not an address, or is on another server.
    pub fn check(&self, text: &str) -> Result<(), CommandError> {
        self.address(text).map(|_| ())
    }

    /// The next requests are sent at the same time again, although 429 was answered.
    pub(super) fn stop_taking_turns(&self) {
        self.limits.takes_turns.store(false, Ordering::Relaxed);
    }

    /// Sends a request and reads the answer. After status 429 (too many requests) the request is sent again, because 429 is
    /// not a refusal. The same holds for 423 (locked), with which some applications keep a user waiting for a moment. If every
    /// attempt is answered 423, that is the answer.
    ///
    /// # Errors
    /// [`TargetError::TimedOut`] if the server does not answer within the timeout, [`TargetError::Broken`] if its answer is
    /// too long, or every attempt is answered 429.
    pub(super) async fn send(&self, request: Request) -> Result<Reply, TargetError> {
        let limits = &self.limits;
        let mut turn = None;
        let mut pause = INITIAL_PAUSE;
        let mut tries = 0;
        loop {
            tries += 1;
            if turn.is_none() && limits.takes_turns.load(Ordering::Relaxed) {
                turn = Some(limits.turn.lock().await);
            }
            let reply = self.send_once(request.clone()).await?;
            match StatusCode::from_u16(reply.status) {
                Ok(StatusCode::TOO_MANY_REQUESTS) => {
                    limits.takes_turns.store(true, Ordering::Relaxed);
                    // Others may have found out in the meantime that the limit stays.
                    if tries >= MAX_TRIES || limits.is_rate_limited.load(Ordering::Relaxed) {
                        break;
                    }
                }
                Ok(StatusCode::LOCKED) if !limits.stays_locked.load(Ordering::Relaxed) => {
                    if tries >= MAX_TRIES {
                        limits.stays_locked.store(true, Ordering::Relaxed);
                        return Ok(reply);
                    }
                }
                _ => {
                    limits.is_rate_limited.store(false, Ordering::Relaxed);
                    return Ok(reply);
                }
            }
            let retry_after = reply.header("retry-after").and_then(|seconds| seconds.parse().ok());
            sleep(retry_after.map_or(pause, Duration::from_secs).min(MAX_PAUSE)).await;
            pause *= 2;
        }
        limits.is_rate_limited.store(true, Ordering::Relaxed);
        let endpoint = format!("{} {}", request.method, request.url.path());
        Err(TargetError::broken(text!(
            "{endpoint} was answered 429 (too many requests) {tries} times: lift the target's limit for the audit",
            endpoint = endpoint,
            tries = tries
        )))
    }

    async fn send_once(&self, request: Request) -> Result<Reply, TargetError> {
        let address = format!("{}{}", request.url.origin().ascii_serialization(), request.url.path());
        let endpoint = format!("{} {address}", request.method);
        let sent = match &self.transport {
            Transport::Network { pooled, single } => {
                let client = if self.reuses_connections { pooled } else { single };
                send_over_network(client, &request).await
            }
            Transport::Routes(routes) => {
                tokio::time::timeout(self.timeout, send_in_process(routes, &request))
                    .await
                    .unwrap_or(Err(Unanswered::TimedOut))
            }
        };
        let (status, headers, body) = sent.map_err(|unanswered| match unanswered {
            Unanswered::TimedOut => TargetError::TimedOut(text!(
                "{endpoint} was not answered within {timeout}",
                endpoint = endpoint,
                timeout = seconds(self.timeout)
            )),
            Unanswered::Broken(error) => TargetError::broken(text!(
                "{endpoint} was not answered: {error}",
                endpoint = endpoint,
                error = error
            )),
        })?;
        let exchange = exchange(&request, status, &headers, &body);
        Ok(Reply { status, headers, body, exchange })
    }
}

type Answered = (u16, Vec<(String, String)>, String);

/// Why a request has no answer.
enum Unanswered {
    TimedOut,
    Broken(Text),
}

async fn send_over_network(client: &reqwest::Client, request: &Request) -> Result<Answered, Unanswered> {
    let mut builder = client.request(request.method.clone(), request.url.clone());
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    if let Some(body) = &request.body {
        builder = builder.body(body.clone());
    }
    let mut response = builder.send().await.map_err(|error| unanswered(&error))?;
    let status = response.status().as_u16();
    let headers = headers(response.headers());
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unanswered(&error))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_ANSWER_BYTES {
            return Err(Unanswered::Broken(text!(
                "the answer has more than {most} bytes",
                most = MAX_ANSWER_BYTES
            )));
        }
    }
    Ok((status, headers, String::from_utf8_lossy(&bytes).into_owned()))
}

async fn send_in_process(routes: &Router, request: &Request) -> Result<Answered, Unanswered> {
    let mut builder = axum::http::Request::builder().method(request.method.clone()).uri(request.url.as_str());
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    let body = request.body.clone().map_or_else(Body::empty, Body::from);
    let request =
        builder.body(body).map_err(|error| Unanswered::Broken(Text::verbatim(error.to_string())))?;
    let response = match routes.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let (parts, body) = response.into_parts();
    let collected = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
    let bytes = collected.map_err(|error| Unanswered::Broken(Text::verbatim(error.to_string())))?.to_bytes();
    Ok((parts.status.as_u16(), headers(&parts.headers), String::from_utf8_lossy(&bytes).into_owned()))
}

fn headers(headers: &axum::http::HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect()
}

/// Why there is no answer.
fn unanswered(error: &reqwest::Error) -> Unanswered {
    if error.is_timeout() {
        return Unanswered::TimedOut;
    }
    Unanswered::Broken(Text::verbatim(root_cause(error)))
}

/// The words of the innermost error, which is more specific than those around it.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// Whether an address is a loopback address or `localhost`. Nothing is resolved.
pub fn host_is_loopback(url: &str) -> bool {
    let url = Url::parse(url).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.to_canonical().is_loopback())
}

fn parse_server_url(text: &str) -> Result<Url, CommandError> {
    let shown = shortened(text, 120);
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or_else(|| {
        CommandError::invalid_params(
            text!("`{address}` is not an address of a server", address = shown),
            text!("write it with its scheme, such as http://127.0.0.1:3000"),
        )
    })?;
    if url.username().is_empty() && url.password().is_none() {
        return Ok(url);
    }
    Err(CommandError::invalid_params(
        text!(
            "the address of {host} has a user in it, who would stand in every report",
            host = url.host_str().unwrap_or_default()
        ),
        text!("leave out what stands before the @"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(base: &str, text: &str) -> Result<String, String> {
        let http = Http::over_network(base, Duration::from_secs(1), None).unwrap();
        http.address(text).map(String::from).map_err(|error| error.what.into())
    }

    #[test]
    fn requests_stay_on_the_server_that_was_named() {
        assert_eq!(address("http://a.test:1", "/pay").unwrap(), "http://a.test:1/pay");
        assert_eq!(address("http://a.test:1/shop/", "/pay").unwrap(), "http://a.test:1/shop/pay");
        assert_eq!(address("http://a.test:1/shop", "http://a.test:1/x").unwrap(), "http://a.test:1/x");
        for elsewhere in [
            "http://b.test:1/",
            "//b.test:1/",
            "https://a.test:1/",
            "http://a.test:2/",
            "http://a.test:1@b.test/",
        ] {
            assert!(address("http://a.test:1", elsewhere).unwrap_err().contains("is not on"), "{elsewhere}");
        }
    }

    #[test]
    fn a_ca_is_a_file_with_certificates_that_can_be_read() {
        let with_ca =
            |ca: &str| Http::over_network("https://a.test", Duration::from_secs(1), Some(ca.as_bytes()));
        let certificate = rcgen::generate_simple_self_signed(["a.test".to_owned()]).unwrap().cert.pem();
        assert!(with_ca(&certificate).is_ok());
        let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (ca, expected) in [
            ("", "no certificate that can be read"),
            (damaged, "a certificate that cannot be read"),
            (&format!("{certificate}{damaged}"), "a certificate that cannot be read"),
        ] {
            let refused = with_ca(ca).unwrap_err();
            assert!(refused.what.english().contains(expected), "{refused:?}");
        }
    }

    #[test]
    fn an_address_with_a_password_is_refused_without_showing_it() {
        let refused =
            Http::over_network("http://me:s3cret@a.test:1", Duration::from_secs(1), None).unwrap_err();
        assert!(
            refused.what.english().contains("a.test") && !refused.what.english().contains("s3cret"),
            "{refused:?}"
        );
    }

    #[test]
    fn only_an_address_of_this_computer_is_loopback() {
        for url in [
            "http://127.0.0.1:1",
            "http://localhost/x",
            "http://[::1]:1",
            "http://127.8.9.1",
            "http://[::ffff:127.0.0.1]",
        ] {
            assert!(host_is_loopback(url), "{url}");
        }
        for url in [
            "http://192.0.2.1",
            "http://localhost.evil.test",
            "http://127.0.0.1.evil.test",
            "http://127.0.0.1@evil.test",
            "nonsense",
        ] {
            assert!(!host_is_loopback(url), "{url}");
        }
    }

    #[tokio::test]
    async fn a_server_whose_certificate_is_of_a_ca_that_was_named_is_trusted() {
        use std::sync::Arc;
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        use tokio_rustls::TlsAcceptor;
        use tokio_rustls::rustls::ServerConfig;
        use tokio_rustls::rustls::pki_types::PrivateKeyDer;

        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        tokio::spawn(async move {
            let acceptor = TlsAcceptor::from(Arc::new(config));
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                assert_ne!(stream.read(&mut [0; 1024]).await.unwrap(), 0);
                stream.write_all(b"HTTP/1.1 204 Done\r\nConnection: close\r\n\r\n").await.unwrap();
                stream.shutdown().await.unwrap();
            }
        });
        let status = async |ca: Option<&[u8]>| {
            let http = Http::over_network(&url, Duration::from_secs(10), ca).unwrap();
            let request = Request::get(http.address("/").unwrap());
            http.send(request).await.map(|reply| reply.status).map_err(|error| error.to_string())
        };
        assert!(status(None).await.unwrap_err().contains("was not answered"));
        assert_eq!(status(Some(made.cert.pem().as_bytes())).await, Ok(204));
        for no_ca in [&b""[..], b"no PEM", b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
            let refused = Http::over_network(&url, Duration::from_secs(10), Some(no_ca)).unwrap_err();
            assert!(refused.what.english().contains("no certificate that can be read"), "{refused}");
        }
    }
}
