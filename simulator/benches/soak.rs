//! A server at its full rate for ten minutes, or for `SOTER_SOAK_MINUTES`: phones authenticate over WebSocket, their results are
//! verified, and readers follow the journal. Memory and latency of the last minute should be those of the first.
//!
//! The resident memory of a process, as Linux counts it; elsewhere nothing is printed.

use std::error::Error;
use std::io::{Write, stdout};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::connect_async;

mod backend;
mod rpc;
mod server;

use backend::verify_request;
use rpc::{authenticate, call, create_phone, get, token};
use server::{SOTER_SIM, Server};

type Failed = Box<dyn Error + Send + Sync>;
type Latencies = Arc<Mutex<Vec<Duration>>>;

const PHONES: usize = 16;
const READERS: usize = 4;

fn main() -> Result<(), Failed> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let minutes = std::env::var("SOTER_SOAK_MINUTES").map_or(Ok(10), |minutes| minutes.parse())?;
    tokio::runtime::Runtime::new()?.block_on(run(minutes))
}

async fn run(minutes: u32) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let state = folder.path().to_str().ok_or("the folder's name is not text")?;
    let server = Server::start(Path::new(SOTER_SIM), &["--state", state])?;
    let address = server.address.as_str();
    let token = token(address).await?;

    let latencies = Latencies::default();
    let mut clients = JoinSet::new();
    for number in 0..PHONES {
        clients.spawn(phone(
            address.to_owned(),
            format!("phone-{number}"),
            token.clone(),
            Arc::clone(&latencies),
        ));
    }
    for _ in 0..READERS {
        clients.spawn(journal_reader(address.to_owned()));
    }
    clients.spawn(subscriber(address.to_owned()));

    let mut out = stdout().lock();
    writeln!(out, "minute  results/s   p50 ms   p99 ms   resident MB")?;
    let mut all: Vec<(f64, f64)> = Vec::new();
    for minute in 1..=minutes {
        tokio::time::sleep(Duration::from_mins(1)).await;
        if let Some(ended) = clients.try_join_next() {
            return Err(format!("a client has ended: {ended:?}").into());
        }
        let mut samples = std::mem::take(&mut *latencies.lock().unwrap_or_else(PoisonError::into_inner));
        samples.sort_unstable();
        let at = |part: usize| {
            samples.get(samples.len() * part / 100).copied().unwrap_or_default().as_secs_f64() * 1e3
        };
        let resident = server.resident_megabytes("VmRSS:")?;
        writeln!(out, "{minute:6} {:10} {:8.2} {:8.2} {resident:13.1}", samples.len() / 60, at(50), at(99))?;
        out.flush()?;
        all.push((at(50), resident));
    }
    if let (Some((first_p50, first_resident)), Some((last_p50, last_resident))) = (all.first(), all.last()) {
        writeln!(
            out,
            "last minute / first: p50 {:.2}, resident memory {:.2}   (goal: at most 1.1 each)",
            last_p50 / first_p50,
            last_resident / first_resident
        )?;
    }
    Ok(())
}

/// A phone that authenticates again and again, and a backend that verifies each result. The latency is that of both.
async fn phone(address: String, name: String, token: String, latencies: Latencies) -> Result<(), Failed> {
    let (mut socket, _) = connect_async(format!("ws://{address}/ws")).await?;
    create_phone(&mut socket, &name).await?;
    let mut backend = TcpStream::connect(&address).await?;
    backend.set_nodelay(true)?;
    loop {
        let start = Instant::now();
        let body = authenticate(&mut socket, &name).await?.to_string();
        let request = verify_request(&address, &token, &body);
        backend.write_all(&request).await?;
        // Answers are far smaller than the buffer and arrive in one piece.
        let mut answer = vec![0; 4096];
        let length = backend.read(&mut answer).await?;
        let answer = String::from_utf8_lossy(answer.get(..length).unwrap_or_default());
        if !answer.contains("\"is_ok\":true") {
            return Err(format!("refused: {answer}").into());
        }
        latencies.lock().unwrap_or_else(PoisonError::into_inner).push(start.elapsed());
    }
}

/// Reads page after page of the journal, as a page in a browser does, four times a second.
async fn journal_reader(address: String) -> Result<(), Failed> {
    let mut last = 0;
    loop {
        let page = get(&address, &format!("/sim/journal?after={last}&limit=200")).await?;
        last = page["last"].as_u64().ok_or("no number")?;
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// Receives the whole journal and all events.
async fn subscriber(address: String) -> Result<(), Failed> {
    let (mut socket, _) = connect_async(format!("ws://{address}/ws")).await?;
    call(&mut socket, "events.subscribe", json!({"topics": ["phone", "journal"]})).await?;
    while let Some(message) = socket.next().await {
        message?;
    }
    Err("the server has closed a subscription".into())
}
