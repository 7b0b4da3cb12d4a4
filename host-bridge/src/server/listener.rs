//! Accepts connections, limits their number, and ends them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::ServiceExt;

use super::limits::Limits;
use super::write_timeout::WriteTimeout;

/// The permit of an open connection. After an upgrade, the WebSocket keeps it.
pub(super) type ConnectionPermit = Arc<OwnedSemaphorePermit>;

/// Maximum length of a request's head, in bytes.
const LONGEST_HEAD: usize = 64 << 10;
/// Pause after a failed accept, for example because no more files can be opened.
const RECOVERY: Duration = Duration::from_millis(100);
/// Maximum number of connections that are refused with an answer at a time; others are closed without one.
const REFUSALS: usize = 64;
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: 109\r\n\r\n{\"error\":\"too many connections are open\",\"next\":\"close some, or use one WebSocket connection for many calls\"}";

/// Accepts connections until `stopping` is set, and then waits for the open ones.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    mut stopping: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let refusals = Arc::new(Semaphore::new(REFUSALS));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(&mut stopping) => break,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(RECOVERY).await;
            continue;
        };
        match Arc::clone(&places).try_acquire_owned() {
            Ok(place) => {
                let connection =
                    connection(stream, router.clone(), limits, stopping.clone(), Arc::new(place));
                // A task of its own: a panic in it ends only this connection.
                tokio::spawn(connection);
            }
            Err(_) => {
                if let Ok(refusal) = Arc::clone(&refusals).try_acquire_owned() {
                    tokio::spawn(refuse(stream, refusal));
                }
            }
        }
    }
    drop(listener);
    let all = u32::try_from(limits.connections).unwrap_or(u32::MAX);
    // Connections that have not ended by then are cut off.
    let _ = tokio::time::timeout(limits.drain, places.acquire_many(all)).await;
}

async fn connection(
    stream: TcpStream,
    router: Router,
    limits: Limits,
    mut stopping: watch::Receiver<bool>,
    place: ConnectionPermit,
) {
    // Small answers must not wait for more. A stream on which this fails is about to fail anyway.
    let _ = stream.set_nodelay(true);
    let service = router.map_request(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(Arc::clone(&place));
        Request::from(request.map(axum::body::Body::new))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_buf_size(LONGEST_HEAD)
        .serve_connection(
            TokioIo::new(WriteTimeout::new(stream, limits.send_time)),
            TowerToHyperService::new(service),
        )
        .with_upgrades();
    tokio::pin!(connection);
    // How a connection ends is up to the client.
    tokio::select! {
        _ = &mut connection => {}
        () = stopped(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(limits.drain, connection).await;
        }
    }
}

/// Waits until the server stops.
pub(super) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // If the sender is gone, the server has stopped, too.
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// Answers that there are too many connections, if the client reads that within 1 second.
async fn refuse(mut stream: TcpStream, _refusal: OwnedSemaphorePermit) {
    let say = async {
        stream.write_all(FULL).await?;
        stream.shutdown().await?;
        // Closing with an unread request could discard the answer.
        let mut request = [0; 1024];
        while stream.read(&mut request).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), say).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_one_connection_too_many_has_the_length_that_it_says() {
        let text = std::str::from_utf8(FULL).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "{}", body.len());
        assert!(serde_json::from_str::<serde_json::Value>(body).is_ok());
    }
}
