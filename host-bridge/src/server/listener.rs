//! Accepts connections, limits their number, and ends them.

use std::convert::Infallible;
use std::future::ready;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use axum::response::Response;
use futures_util::future::{Either, join_all};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use soter_text::text;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;
use tower::ServiceExt;
use tracing::{Instrument, debug, info, info_span, warn};

use super::client_stream::{ClientStream, ClientWatch};
use super::guard::Guard;
use super::limits::Limits;
use super::respond::refusal;
use super::tls::{FailedHandshake, HANDSHAKE, Tls};
use super::write_timeout::WriteTimeout;

/// The permit of an open connection. After an upgrade, the WebSocket keeps it.
pub(super) type ConnectionPermit = Arc<OwnedSemaphorePermit>;

/// Maximum length of a request's head, in bytes.
const MAX_HEAD_BYTES: usize = 64 << 10;
/// Pause after a failed accept, for example because no more files can be opened.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);
/// See [`keep_a_timer`]. Shorter than the usual [`Limits::head_timeout`].
const TIMER_INTERVAL: Duration = Duration::from_secs(1);
/// Maximum number of connections that are refused with an answer at a time; others are closed without one.
const MAX_REFUSALS: usize = 64;
const TOO_MANY_CONNECTIONS: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: 109\r\n\r\n{\"error\":\"too many connections are open\",\"next\":\"close some, or use one WebSocket connection for many calls\"}";

/// What every connection needs.
#[derive(Clone)]
pub(super) struct Serving {
    pub(super) router: Router,
    pub(super) guard: Arc<Guard>,
    pub(super) limits: Limits,
    pub(super) tls: Option<Tls>,
    pub(super) stopping: watch::Receiver<bool>,
}

/// Accepts connections until `stopping` is set, and then waits for the open ones.
pub(super) async fn serve(listeners: Vec<TcpListener>, serving: Serving) {
    let limits = serving.limits;
    let permits = Arc::new(Semaphore::new(limits.max_connections));
    let refusals = Arc::new(Semaphore::new(MAX_REFUSALS));
    let accepting = listeners
        .into_iter()
        .map(|listener| accept(listener, serving.clone(), Arc::clone(&permits), Arc::clone(&refusals)));
    tokio::select! {
        _ = join_all(accepting) => {}
        never = keep_a_timer() => match never {},
    }
    let all_permits = u32::try_from(limits.max_connections).unwrap_or(u32::MAX);
    if timeout(limits.drain_timeout, permits.acquire_many(all_permits)).await.is_err() {
        let open = limits.max_connections.saturating_sub(permits.available_permits());
        warn!(open, "connections were cut off, because they did not end within {:?}", limits.drain_timeout);
    }
}

/// Keeps a timer that is due before those of the connections.
///
/// tokio wakes the thread that waits for the network when a timer is set that is due before all others. hyper sets one each time
/// it begins to wait for a request. If there were no other timer, many requests would cost one more wake-up.
async fn keep_a_timer() -> Infallible {
    loop {
        tokio::time::sleep(TIMER_INTERVAL).await;
    }
}

async fn accept(
    listener: TcpListener,
    mut serving: Serving,
    permits: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
) {
    // The first failure in a row is a warning, and so is the first refusal; thousands may follow.
    let (mut failed, mut refused) = (0_u64, 0_u64);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(&mut serving.stopping) => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                if failed == 0 {
                    warn!(%error, "a connection cannot be accepted");
                }
                failed += 1;
                tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
                continue;
            }
        };
        if failed > 0 {
            info!(failed, "connections are accepted again");
            failed = 0;
        }
        if let Ok(permit) = Arc::clone(&permits).try_acquire_owned() {
            if refused > 0 {
                info!(refused, "there is room for connections again");
                refused = 0;
            }
            let connection = serve_connection(stream, serving.clone(), Arc::new(permit));
            // A task of its own: a panic in it ends only this connection.
            tokio::spawn(connection.instrument(info_span!("connection", %peer)));
        } else {
            if refused == 0 {
                let limit = serving.limits.max_connections;
                warn!(%peer, limit, "too many connections are open: one is refused");
            }
            refused += 1;
            if let Ok(refusal) = Arc::clone(&refusals).try_acquire_owned() {
                tokio::spawn(refuse(stream, refusal));
            }
        }
    }
}

/// Serves HTTP or TLS, as the client begins.
async fn serve_connection(stream: TcpStream, mut serving: Serving, permit: ConnectionPermit) {
    debug!("opened");
    // Small answers must not wait for more.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "TCP_NODELAY cannot be set");
    }
    let mut first = [0];
    let begins_tls = tokio::select! {
        peeked = timeout(serving.limits.head_timeout, stream.peek(&mut first)) => match peeked {
            Ok(Ok(1..)) => first == [HANDSHAKE],
            _ => return debug!("closed without a request"),
        },
        () = stopped(&mut serving.stopping) => return,
    };
    let stream = ClientStream::new(stream);
    let client = stream.watch();
    let stream = WriteTimeout::new(stream, serving.limits.send_timeout);
    let Serving { tls, guard, .. } = &serving;
    match tls {
        Some(tls) if begins_tls => {
            let tls = tls.clone();
            serve_tls(stream, &tls, client, serving, permit).await;
        }
        _ => {
            if begins_tls {
                // The client is answered that this is not HTTP, which it cannot read.
                guard.notify_of_unexpected_tls();
            }
            serve_http(stream, client, serving, permit).await;
        }
    }
}

/// Serves HTTP below TLS.
async fn serve_tls<T>(
    stream: T,
    tls: &Tls,
    client: ClientWatch,
    mut serving: Serving,
    permit: ConnectionPermit,
) where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let handshake = timeout(serving.limits.head_timeout, tls.accept(stream));
    let shaken = tokio::select! {
        shaken = handshake => shaken,
        () = stopped(&mut serving.stopping) => return,
    };
    match shaken {
        Ok(Ok(stream)) => {
            debug!("TLS is established");
            // A tunnel in a tunnel leads nowhere else.
            serve_http(stream, client, Serving { tls: None, ..serving }, permit).await;
        }
        Ok(Err(error)) => {
            debug!(%error, "TLS was not established");
            match error {
                FailedHandshake::Distrust => serving.guard.notify_of_distrust(),
                FailedHandshake::OtherHost(name) => serving.guard.notify_of_foreign_tls_host(&name),
                FailedHandshake::Tls(error) => serving.guard.notify_of_failed_handshake(&error.to_string()),
                // It is up to the client how a connection ends.
                FailedHandshake::Stream(_) => {}
            }
        }
        Err(_) => debug!("TLS was not established within {:?}", serving.limits.head_timeout),
    }
}

async fn serve_http<T>(stream: T, client: ClientWatch, serving: Serving, permit: ConnectionPermit)
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let Serving { limits, mut stopping, .. } = serving.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        if request.method() == Method::CONNECT {
            return Either::Left(ready(Ok(open_tunnel(request, &client, &serving, &permit))));
        }
        let (mut request, client) = (request.map(Body::new), client.clone());
        request.extensions_mut().insert(Arc::clone(&permit));
        let answer = serving.router.clone().oneshot(request);
        Either::Right(async move {
            tokio::select! {
                biased;
                Ok(answer) = answer => Ok(answer),
                // Dropping the call cancels it.
                () = client.gone(limits.half_closed_timeout) => Err(io::Error::from(io::ErrorKind::ConnectionAborted)),
            }
        })
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // Otherwise a call is dropped as soon as its client has sent everything and shuts down its sending side.
        .half_close(true)
        .header_read_timeout(limits.head_timeout)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = stopped(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            match timeout(limits.drain_timeout, connection).await {
                Ok(ended) => ended,
                Err(_) => return debug!("cut off"),
            }
        }
    };
    match ended {
        Ok(()) => debug!("no more requests"),
        // It is up to the client how a connection ends.
        Err(error) => debug!(%error, "closed by an error"),
    }
}

/// Answers a proxy's request for a tunnel. TLS begins after the answer.
fn open_tunnel(
    request: Request<Incoming>,
    client: &ClientWatch,
    serving: &Serving,
    permit: &ConnectionPermit,
) -> Response {
    if let Err(refused) = serving.guard.admit_tunnel(request.uri()) {
        return *refused;
    }
    let Some(tls) = serving.tls.clone() else {
        return refusal(
            StatusCode::FORBIDDEN,
            text!("this connection has TLS already"),
            text!("send the request without another CONNECT"),
        );
    };
    let (client, serving, permit) = (client.clone(), serving.clone(), Arc::clone(permit));
    let tunnel = async move {
        match hyper::upgrade::on(request).await {
            Ok(stream) => serve_tls(TokioIo::new(stream), &tls, client, serving, permit).await,
            // The answer could not be sent.
            Err(error) => debug!(%error, "the tunnel was not opened"),
        }
    };
    tokio::spawn(tunnel.in_current_span());
    Response::default()
}

/// Waits until the server stops.
pub(super) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone; then the server has stopped, too.
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// Answers that there are too many connections, if the client reads that within 1 second.
async fn refuse(mut stream: TcpStream, _permit: OwnedSemaphorePermit) {
    let send_answer = async {
        stream.write_all(TOO_MANY_CONNECTIONS).await?;
        stream.shutdown().await?;
        // Closing with an unread request could discard the answer.
        let mut request = [0; 1024];
        while stream.read(&mut request).await? > 0 {}
        Ok::<_, io::Error>(())
    };
    // The client that does not read its refusal in time is refused without one.
    let _ = timeout(Duration::from_secs(1), send_answer).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_a_connection_above_the_limit_has_its_declared_length() {
        let text = std::str::from_utf8(TOO_MANY_CONNECTIONS).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "{}", body.len());
        assert!(serde_json::from_str::<serde_json::Value>(body).is_ok());
    }
}
