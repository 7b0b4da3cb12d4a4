//! Accepts connections, limits their number, and ends them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::ServiceExt;
use tracing::{Instrument, debug, info, info_span, warn};

use super::client_stream::ClientStream;
use super::limits::Limits;
use super::write_timeout::WriteTimeout;

/// The permit of an open connection. After an upgrade, the WebSocket keeps it.
pub(super) type ConnectionPermit = Arc<OwnedSemaphorePermit>;

/// Maximum length of a request's head, in bytes.
const MAX_HEAD_BYTES: usize = 64 << 10;
/// Pause after a failed accept, for example because no more files can be opened.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);
/// Maximum number of connections that are refused with an answer at a time; others are closed without one.
const MAX_REFUSALS: usize = 64;
const TOO_MANY_CONNECTIONS: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: 109\r\n\r\n{\"error\":\"too many connections are open\",\"next\":\"close some, or use one WebSocket connection for many calls\"}";

/// Accepts connections until `stopping` is set, and then waits for the open ones.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    mut stopping: watch::Receiver<bool>,
) {
    let permits = Arc::new(Semaphore::new(limits.max_connections));
    let refusals = Arc::new(Semaphore::new(MAX_REFUSALS));
    // The first failure in a row is a warning, and so is the first refusal; thousands may follow.
    let (mut failed, mut refused) = (0_u64, 0_u64);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(&mut stopping) => break,
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
            let connection =
                serve_connection(stream, router.clone(), limits, stopping.clone(), Arc::new(permit));
            // A task of its own: a panic in it ends only this connection.
            tokio::spawn(connection.instrument(info_span!("connection", %peer)));
        } else {
            if refused == 0 {
                warn!(%peer, limit = limits.max_connections, "too many connections are open: one is refused");
            }
            refused += 1;
            if let Ok(refusal) = Arc::clone(&refusals).try_acquire_owned() {
                tokio::spawn(refuse(stream, refusal));
            }
        }
    }
    drop(listener);
    let all_permits = u32::try_from(limits.max_connections).unwrap_or(u32::MAX);
    if tokio::time::timeout(limits.drain_timeout, permits.acquire_many(all_permits)).await.is_err() {
        let open = limits.max_connections.saturating_sub(permits.available_permits());
        warn!(open, "connections were cut off, because they did not end within {:?}", limits.drain_timeout);
    }
}

async fn serve_connection(
    stream: TcpStream,
    router: Router,
    limits: Limits,
    mut stopping: watch::Receiver<bool>,
    permit: ConnectionPermit,
) {
    debug!("opened");
    // Small answers must not wait for more.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "TCP_NODELAY cannot be set");
    }
    let stream = ClientStream::new(stream);
    let client = stream.watch();
    let service = service_fn(move |request: Request<Incoming>| {
        let (mut request, client) = (request.map(Body::new), client.clone());
        request.extensions_mut().insert(Arc::clone(&permit));
        let answer = router.clone().oneshot(request);
        async move {
            tokio::select! {
                biased;
                Ok(answer) = answer => Ok(answer),
                // Dropping the call cancels it.
                () = client.gone(limits.half_closed_timeout) => Err(io::Error::from(io::ErrorKind::ConnectionAborted)),
            }
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // Otherwise a call is dropped as soon as its client has sent everything and shuts down its sending side.
        .half_close(true)
        .header_read_timeout(limits.head_timeout)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(WriteTimeout::new(stream, limits.send_timeout)), service)
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = stopped(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(limits.drain_timeout, connection).await {
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
    let _ = tokio::time::timeout(Duration::from_secs(1), send_answer).await;
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
