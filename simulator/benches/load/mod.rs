//! Load over HTTP: prepared requests on several connections at the same time.
//!
//! The client shares the processors with the server, so it does as little as possible: it writes bytes and compares the end
//! of the answer.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

type Failed = Box<dyn Error + Send + Sync>;

/// The requests of one connection, sent one after the other.
pub(crate) type Requests = Vec<Vec<u8>>;

/// The result of a turn.
pub(crate) struct Turn {
    pub(crate) took: Duration,
    pub(crate) latencies: Vec<Duration>,
}

impl Turn {
    /// Requests per second.
    pub(crate) fn rate(&self) -> f64 {
        f64::from(u32::try_from(self.latencies.len()).unwrap_or(u32::MAX)) / self.took.as_secs_f64()
    }
}

/// Sends each list of requests over a connection of its own. Each answer must end with `expected`.
pub(crate) async fn send(
    address: &str,
    lists: Vec<Requests>,
    expected: &'static str,
) -> Result<Turn, Failed> {
    send_over(lists, expected, connect_to(address)).await
}

/// Opens a TCP connection.
pub(crate) fn connect_to(address: &str) -> impl Fn() -> BoxFuture<'static, Result<TcpStream, Failed>> {
    let address: Arc<str> = address.into();
    move || {
        let address = Arc::clone(&address);
        Box::pin(async move {
            let stream = TcpStream::connect(&*address).await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        })
    }
}

/// Sends each list of requests over a connection that `connect` opens. Each answer must end with `expected`.
pub(crate) async fn send_over<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    lists: Vec<Requests>,
    expected: &'static str,
    connect: impl Fn() -> BoxFuture<'static, Result<S, Failed>>,
) -> Result<Turn, Failed> {
    let mut clients = JoinSet::new();
    let start = Instant::now();
    for requests in lists {
        let connecting = connect();
        clients.spawn(async move {
            let mut stream = connecting.await?;
            let (mut latencies, mut buffer) = (Vec::with_capacity(requests.len()), vec![0; 8192]);
            for request in &requests {
                let sent = Instant::now();
                stream.write_all(request).await?;
                stream.flush().await?;
                // Answers are far smaller than the buffer and arrive in one piece.
                let length = stream.read(&mut buffer).await?;
                latencies.push(sent.elapsed());
                let answer = buffer.get(..length).unwrap_or_default();
                if !answer.ends_with(expected.as_bytes()) {
                    return Err(format!("not as expected: {}", String::from_utf8_lossy(answer)).into());
                }
            }
            Ok::<_, Failed>(latencies)
        });
    }
    collect(clients, start).await
}

/// Waits until all clients of a turn have ended.
pub(crate) async fn collect(
    mut clients: JoinSet<Result<Vec<Duration>, Failed>>,
    start: Instant,
) -> Result<Turn, Failed> {
    let mut latencies = Vec::new();
    while let Some(client) = clients.join_next().await {
        latencies.extend(client??);
    }
    Ok(Turn { took: start.elapsed(), latencies })
}

/// Requests for `/health`: this number of them on each connection.
pub(crate) fn health_requests(address: &str, connections: usize, times: usize) -> Vec<Requests> {
    let request = format!("GET /health HTTP/1.1\r\nHost: {address}\r\n\r\n").into_bytes();
    vec![vec![request; times]; connections]
}

pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
