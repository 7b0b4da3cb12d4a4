//! What a running server offers to any client, read by HTTP.

use std::time::Duration;

use axum::http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use soter_text::{Language, Text, text};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::address::{Address, bearer, invalid_url, no_answer, unauthorized};
use crate::protocol::CommandError;
use crate::server::ServerPath;

/// Timeout for connecting, and for the download.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum length of what is downloaded, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// What the server with the address in its ready line, such as `http://127.0.0.1:8777`, answers for a path, with any status.
/// [`Connection::open`](crate::Connection::open) takes the same address. The server refuses in the language of this process.
///
/// # Errors
/// `InvalidParams` if `url` is not such an address. `Environment` if nothing answers within 10 seconds, or the answer is not
/// HTTP or longer than 1 MiB.
pub async fn answer_of(url: &str, path: ServerPath) -> Result<(StatusCode, Vec<u8>), CommandError> {
    let address = Address::parse(url)?;
    let failed = |why: String| {
        CommandError::environment(
            text!(
                "the server {url} does not answer as soter-sim does: {why}",
                url = address.display_url,
                why = why
            ),
            text!("check that this is the address of a soter-sim server"),
        )
    };
    let target = format!("{}?lang={}", path.path(), Language::of_process().tag());
    let mut request = Request::get(target).header(header::HOST, &address.authority);
    if let Some(token) = &address.token {
        request = request.header(header::AUTHORIZATION, bearer(token).ok_or_else(|| invalid_url(url))?);
    }
    let request = request.body(Empty::<Bytes>::new()).map_err(|_| invalid_url(url))?;
    let Ok(connected) = timeout(TIMEOUT, TcpStream::connect(&address.authority)).await else {
        return Err(no_answer(&address.display_url, TIMEOUT));
    };
    let stream = connected.map_err(|why| {
        CommandError::environment(
            text!("the server {url} cannot be reached: {what}", url = address.display_url, what = why),
            text!("start it with `soter-sim serve`, or check the address"),
        )
    })?;
    let answer = async {
        let (mut sender, connection) =
            handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
        // It ends with the sender.
        let driver = tokio::spawn(connection);
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let status = answer.status();
        let body =
            Limited::new(answer.into_body(), MAX_BYTES).collect().await.map_err(|error| error.to_string())?;
        driver.abort();
        Ok::<_, String>((status, body.to_bytes().to_vec()))
    };
    let Ok(answer) = timeout(TIMEOUT, answer).await else {
        return Err(no_answer(&address.display_url, TIMEOUT));
    };
    answer.map_err(failed)
}

/// Downloads a path of a server, as [`answer_of`].
///
/// # Errors
/// As of [`answer_of`]; and `Environment` if the server refuses, with its reason.
pub async fn download(url: &str, path: ServerPath) -> Result<Vec<u8>, CommandError> {
    let address = Address::parse(url)?;
    let (status, body) = answer_of(url, path).await?;
    if status == StatusCode::OK {
        return Ok(body);
    }
    if status == StatusCode::UNAUTHORIZED {
        return Err(unauthorized(&address.display_url, address.token.is_some()));
    }
    let refusal: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let told = |name: &str| refusal[name].as_str().map(Text::verbatim);
    Err(CommandError::environment(
        told("error").unwrap_or_else(|| {
            text!("the server {url} answers {status}", url = address.display_url, status = status.to_string())
        }),
        told("next").unwrap_or_else(|| text!("check that this is the address of a soter-sim server")),
    ))
}
