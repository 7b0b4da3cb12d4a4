//! What the bridge costs: authentications over WebSocket compared with bare signatures, and `verify_signature`
//! compared with `GET /health`, all on the same machine in the same run.
//!
//! The client takes its share of the processors, too. Each figure is the median over rounds in which both sides take
//! their turn, because the machine's speed changes from one minute to the next. Only ratios are worth quoting.

use std::error::Error;
use std::io::{Write, stdout};
use std::net::SocketAddr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{RSA_PSS_SHA256, RsaPssSaltLength, RsaSignatureEncoding};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use soter_bridge::protocol::sensor::{self, SensorMode};
use soter_bridge::protocol::{Command, Service, device, wx};
use soter_bridge::server::{Server, ServerOptions};
use soter_sim::{Desk, DeskOptions, State};
use soter_wire::{PROFILES, SignatureScheme};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

mod backend;
mod load;

use backend::{OPENID, verify_request};
use load::{Requests, Turn, collect, health_requests, median, send};

type Failed = Box<dyn Error + Send + Sync>;

/// How phones of the default family sign.
static PSS: LazyLock<RsaSignatureEncoding> = LazyLock::new(|| {
    let SignatureScheme::RsaPss { salt_length } = PROFILES[0].scheme;
    RSA_PSS_SHA256.with_pss_salt_length(RsaPssSaltLength::Custom(salt_length.get()))
});

const CONNECTIONS: usize = 32;
const ROUNDS: usize = 7;
/// Results of each phone that are verified in a turn: enough that one slow write to the disk does not decide it.
const RESULTS: usize = 600;
/// How long each side's turn takes if it is limited by time.
const TURN: Duration = Duration::from_millis(700);

fn main() -> Result<(), Failed> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(run())
}

async fn run() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let desk = Desk::open(DeskOptions {
        key_stock: 8,
        ..DeskOptions::new(State::Folder(folder.path().to_owned()))
    })?;
    let phones = phones(&desk).await?;
    let server = Server::bind(ServerOptions::new(SocketAddr::from(([127, 0, 0, 1], 0)))).await?;
    let address = server.address();
    tokio::spawn(server.run(desk.services(false), std::future::pending()));

    let cores = std::thread::available_parallelism()?.get();
    let (mut signatures, mut authentications) = (Vec::new(), Vec::new());
    let (mut health, mut verified) = (Vec::new(), Vec::new());
    let mut latencies = [Vec::new(), Vec::new()];
    let token = token(address, &desk).await?;
    for _ in 0..ROUNDS {
        signatures.push(tokio::task::spawn_blocking(move || bare_signatures(cores)).await??);
        let turn = over_websocket(address, &phones).await?;
        authentications.push(turn.rate());
        latencies[0].extend(turn.latencies);
        let results = results(&desk, &phones).await?;
        let host = address.to_string();
        let requests = health_requests(&host, CONNECTIONS, RESULTS);
        health.push(send(&host, requests, "\"}").await?.rate());
        let turn = send(&host, verify_requests(&host, &token, &results), "\"is_ok\":true}").await?;
        verified.push(turn.rate());
        latencies[1].extend(turn.latencies);
    }

    let mut out = stdout().lock();
    let ratio = |a: &mut Vec<f64>, b: &mut Vec<f64>| median(a) / median(b);
    writeln!(
        out,
        "bare PSS signatures on {cores} cores:                {:>8.0} /s",
        median(&mut signatures)
    )?;
    writeln!(
        out,
        "authentications over {CONNECTIONS} WebSockets, on disk:     {:>8.0} /s",
        median(&mut authentications)
    )?;
    writeln!(
        out,
        "  authentications / signatures: {:.3}   (goal: at least 0.85)",
        ratio(&mut authentications, &mut signatures)
    )?;
    print_latencies(&mut out, &mut latencies[0])?;
    writeln!(
        out,
        "GET /health over {CONNECTIONS} connections:                 {:>8.0} /s",
        median(&mut health)
    )?;
    writeln!(
        out,
        "verify_signature over {CONNECTIONS} connections, on disk:   {:>8.0} /s",
        median(&mut verified)
    )?;
    writeln!(
        out,
        "  verify_signature / health: {:.3}   (goal: at least 0.4)",
        ratio(&mut verified, &mut health)
    )?;
    print_latencies(&mut out, &mut latencies[1])?;
    desk.close()?;
    Ok(())
}

/// One phone for each connection, with keys and an automatic sensor.
async fn phones(desk: &Desk) -> Result<Vec<String>, Failed> {
    let mut names = vec!["phone".to_owned()];
    for number in 1..CONNECTIONS {
        let name = format!("phone-{number}");
        desk.request(None, device::Create { name: name.clone(), ..device::Create::default() }).await?;
        names.push(name);
    }
    for name in &names {
        desk.request(Some(name), sensor::SetMode { mode: SensorMode::Auto }).await?;
        let answer = desk.request(Some(name), challenge("first")).await?;
        assert_eq!(answer.err_code, 0, "{}", answer.err_msg);
    }
    Ok(names)
}

fn challenge(text: &str) -> wx::StartSoterAuthentication {
    wx::StartSoterAuthentication {
        request_auth_modes: Some(vec!["fingerPrint".to_owned()]),
        challenge: Some(text.to_owned()),
        ..Default::default()
    }
}

/// Signatures a second, each core with a key of its own.
fn bare_signatures(cores: usize) -> Result<f64, Failed> {
    let text = vec![b'x'; 214];
    let made = AtomicUsize::new(0);
    let keys = (0..cores).map(|_| KeyPair::generate(KeySize::Rsa2048)).collect::<Result<Vec<_>, _>>()?;
    let start = Instant::now();
    std::thread::scope(|scope| {
        for key in &keys {
            scope.spawn(|| {
                let (random, mut signature) = (SystemRandom::new(), vec![0; 256]);
                while start.elapsed() < TURN {
                    if key.sign(&*PSS, &random, &text, &mut signature).is_ok() {
                        made.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let made = u32::try_from(made.into_inner())?;
    Ok(f64::from(made) / start.elapsed().as_secs_f64())
}

async fn over_websocket(address: SocketAddr, phones: &[String]) -> Result<Turn, Failed> {
    let mut clients = JoinSet::new();
    let start = Instant::now();
    for name in phones {
        let name = name.clone();
        clients.spawn(async move {
            let (mut socket, _) = connect_async(format!("ws://{address}/ws")).await?;
            let mut latencies = Vec::new();
            let call = json!({
                "jsonrpc": "2.0", "id": 1, "method": wx::StartSoterAuthentication::METHOD,
                "params": {"device": name, "requestAuthModes": ["fingerPrint"], "challenge": "order-42"}
            });
            // Clones share the text.
            let call = Message::text(call.to_string());
            while start.elapsed() < TURN {
                let sent = Instant::now();
                socket.send(call.clone()).await?;
                let answer = socket.next().await.ok_or("the server has gone")??;
                latencies.push(sent.elapsed());
                assert!(answer.to_text()?.contains("\"errCode\":0"), "{answer}");
            }
            Ok::<_, Failed>(latencies)
        });
    }
    collect(clients, start).await
}

/// Distinct results, in an order in which every counter is new: those of one phone stay with one connection.
async fn results(desk: &Desk, phones: &[String]) -> Result<Vec<Vec<wx::SoterAuthentication>>, Failed> {
    let mut all = Vec::new();
    for name in phones {
        let mut of_phone = Vec::new();
        for _ in 0..RESULTS {
            of_phone.push(desk.request(Some(name), challenge("order-42")).await?);
        }
        all.push(of_phone);
    }
    Ok(all)
}

fn verify_requests(address: &str, token: &str, results: &[Vec<wx::SoterAuthentication>]) -> Vec<Requests> {
    let request = |result: &wx::SoterAuthentication| {
        let body = json!({
            "openid": OPENID, "json_string": result.result_json, "json_signature": result.result_json_signature
        });
        verify_request(address, token, &body.to_string())
    };
    results.iter().map(|of_phone| of_phone.iter().map(request).collect()).collect()
}

async fn token(address: SocketAddr, desk: &Desk) -> Result<String, Failed> {
    let app = desk.wechat().accounts().first_app();
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "GET /cgi-bin/token?grant_type=client_credential&appid={}&secret={} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n",
        app.appid,
        app.secret.expose()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let body: Value = serde_json::from_str(answer.rsplit("\r\n").next().unwrap_or_default())?;
    Ok(body["access_token"].as_str().ok_or("no token")?.to_owned())
}

fn print_latencies(out: &mut impl Write, latencies: &mut [Duration]) -> std::io::Result<()> {
    latencies.sort_unstable();
    let at = |part: usize| latencies.get(latencies.len() * part / 100).copied().unwrap_or_default();
    writeln!(
        out,
        "  latency p50 {:.1} ms, p99 {:.1} ms",
        at(50).as_secs_f64() * 1e3,
        at(99).as_secs_f64() * 1e3
    )
}
