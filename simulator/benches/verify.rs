//! What `verify_signature` costs on disk: compared with an older program, with the least that such a server can do, with a
//! server as a user would write it, and with TLS.
//!
//! Each server is a process of its own. All get the same load from the same client, which takes its share of the
//! processors. Each figure is the median over rounds in which all sides take their turn, because the machine's speed changes
//! from one minute to the next. Only ratios are worth quoting.
//!
//! - `SOTER_BASE=FILE` names the program to compare with, for example one that was built from an older commit.
//! - `SOTER_TEST_POSTGRES=URL` names a database that is compared with SQLite; `tests/with-postgres` starts one.
//! - `SOTER_PEER_NODE_MODULES=FOLDER` says that `npm ci` was run in `simulator/benches/peers`, and where it installed.

use std::env::{self, current_exe, var_os};
use std::error::Error;
use std::io::{Write, stdout};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use soter_wire::{PublicKey, SignatureScheme, base64};
use tempfile::TempDir;

mod backend;
mod ledgers;
mod limit;
mod load;
mod rpc;
mod server;
mod tls;
mod verifier;

use load::{health_requests, median, send};
use server::{SOTER_SIM, Server};
use verifier::{IS_OK, Phone, Verifier, requests_for};

type Failed = Box<dyn Error + Send + Sync>;

const CONNECTIONS: usize = 32;
const ROUNDS: usize = 7;
/// Results of each phone that are verified in a turn: enough that one slow write to the disk does not decide it.
const RESULTS: usize = 500;
/// How long the bare verifications of a turn take.
const TURN: Duration = Duration::from_millis(700);

fn main() -> Result<(), Failed> {
    let mut arguments = env::args().skip_while(|argument| argument != limit::ARGUMENT);
    if arguments.next().is_some() {
        return limit::serve(&arguments.next().ok_or("no key")?);
    }
    // One thread: the client must not take more of the processors than it needs.
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run())
}

async fn run() -> Result<(), Failed> {
    let today = Verifier::start(Path::new(SOTER_SIM), CONNECTIONS, &[]).await?;
    let base = match var_os("SOTER_BASE") {
        Some(program) => Some(Verifier::start(Path::new(&program), CONNECTIONS, &[]).await?),
        None => None,
    };
    let key = PublicKey::from_pem(&today.phones[0].public_key)?;
    let limit = Server::start_program(&current_exe()?, &[limit::ARGUMENT, &key.to_pem()])?;
    let peer = var_os("SOTER_PEER_NODE_MODULES").map(|_| Peer::start(&today.phones)).transpose()?;
    let cores = std::thread::available_parallelism()?.get();

    let mut rates: [Vec<f64>; 6] = Default::default();
    let [verifications, health, limits, todays, bases, peers] = &mut rates;
    for round in 0..ROUNDS {
        let bodies = today.bodies(RESULTS).await?;
        let bodies_of_base = match &base {
            Some(base) => base.bodies(RESULTS).await?,
            None => Vec::new(),
        };
        verifications.push(bare_verifications(&key, &bodies[0][0], cores)?);
        let requests = health_requests(&limit.address, CONNECTIONS, RESULTS);
        health.push(send(&limit.address, requests, "\"}").await?.rate());
        // The key is the first phone's.
        let requests = requests_for(&limit.address, &today.token, &vec![bodies[0].clone(); CONNECTIONS]);
        limits.push(send(&limit.address, requests, IS_OK).await?.rate());
        // Neither side is always the first.
        for is_base in [round % 2 == 0, round % 2 != 0] {
            match (&base, is_base) {
                (Some(base), true) => bases.push(base.turn(&bodies_of_base).await?),
                (None, true) => {}
                (_, false) => todays.push(today.turn(&bodies).await?),
            }
        }
        if let Some(peer) = &peer {
            // It has counters of its own, so these results are new to it. It is slow, so a part of them is enough.
            let some: Vec<_> = bodies.iter().map(|bodies| bodies[..RESULTS / 10].to_vec()).collect();
            let requests = requests_for(&peer.server.address, "none", &some);
            peers.push(send(&peer.server.address, requests, IS_OK).await?.rate());
        }
    }
    let mut out = stdout().lock();
    report(&mut out, cores, &rates)?;
    for verifier in [Some(&today), base.as_ref()].into_iter().flatten() {
        let (program, resident) = (&verifier.program, verifier.server.resident_megabytes("VmHWM:")?);
        writeln!(out, "resident memory at its peak: {resident:.0} MB   ({program})")?;
    }
    drop((today, base, limit, peer));
    tls::compare(&mut out).await?;
    ledgers::compare(&mut out).await
}

fn report(out: &mut impl Write, cores: usize, rates: &[Vec<f64>; 6]) -> Result<(), Failed> {
    let [verifications, health, limit, today, base, peer] = rates;
    let mut line =
        |what: &str, rates: &[f64]| writeln!(out, "{what:58} {:>8.0} /s", median(&mut rates.to_vec()));
    line(&format!("bare verifications on {cores} cores"), verifications)?;
    line(&format!("GET /health over {CONNECTIONS} connections"), health)?;
    line("the limit: reads the request, verifies with a parsed key", limit)?;
    line("verify_signature, on disk", today)?;
    if !base.is_empty() {
        line("verify_signature of SOTER_BASE, on disk", base)?;
    }
    if !peer.is_empty() {
        line("a server in Node, on disk", peer)?;
    }
    let ratio = |one: &[f64], other: &[f64]| {
        median(&mut one.iter().zip(other).map(|(one, other)| one / other).collect::<Vec<_>>())
    };
    let possible: Vec<_> = verifications
        .iter()
        .zip(health)
        .map(|(verifications, health)| 1.0 / (1.0 / health + 1.0 / verifications))
        .collect();
    writeln!(
        out,
        "limit / (health and verification in turn): {:.3}   (goal: at least 0.9)",
        ratio(limit, &possible)
    )?;
    writeln!(out, "verify_signature / limit: {:.3}   (goal: at least 0.6)", ratio(today, limit))?;
    if base.is_empty() {
        writeln!(out, "verify_signature / an older program's: set SOTER_BASE to its path")?;
    } else {
        writeln!(out, "verify_signature / SOTER_BASE's: {:.2}   (goal: at least 2)", ratio(today, base))?;
    }
    if peer.is_empty() {
        writeln!(
            out,
            "verify_signature / Node: run `npm ci` in simulator/benches/peers, and set SOTER_PEER_NODE_MODULES to its node_modules"
        )?;
    } else {
        writeln!(out, "verify_signature / Node: {:.1}   (goal: at least 5)", ratio(today, peer))?;
    }
    Ok(())
}

/// The server in Node, with its database.
struct Peer {
    server: Server,
    _folder: TempDir,
}

impl Peer {
    fn start(phones: &[Phone]) -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        let known: Vec<_> = phones
            .iter()
            .map(|phone| json!({"cpu_id": phone.cpu_id, "public_key": phone.public_key}))
            .collect();
        std::fs::write(folder.path().join("phones.json"), Value::from(known).to_string())?;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/verify.mjs");
        let path = folder.path().to_str().ok_or("the folder's name is not text")?;
        let server = Server::start_program(Path::new("node"), &[script, path])?;
        Ok(Self { server, _folder: folder })
    }
}

/// Verifications a second of one body's result, on all cores.
fn bare_verifications(key: &PublicKey, body: &str, cores: usize) -> Result<f64, Failed> {
    let body: Value = serde_json::from_str(body)?;
    let text = body["json_string"].as_str().ok_or("no text")?.as_bytes();
    let signature = base64::decode(body["json_signature"].as_str().ok_or("no signature")?)?;
    let (verified, start) = (AtomicUsize::new(0), Instant::now());
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while start.elapsed() < TURN {
                    if key.verify(SignatureScheme::default(), text, &signature).is_ok() {
                        verified.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let verified = u32::try_from(verified.into_inner())?;
    Ok(f64::from(verified) / start.elapsed().as_secs_f64())
}
