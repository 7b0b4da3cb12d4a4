//! What a fleet of 100,000 phones costs: its start, its memory, the rate of authentications over many used phones, and
//! whether `device.create` depends on the number of phones.
//!
//! Ratios are of figures that were taken in the same run, alternately, because the machine's speed changes from one minute to
//! the next. The other figures depend on the machine.

use std::error::Error;
use std::io::{Read, StdoutLock, Write, stdout};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use soter_bridge::protocol::wx::StartSoterAuthentication;
use soter_bridge::protocol::{Service, device, fleet};
use soter_sim::{Desk, DeskOptions, State};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

mod server;

use server::{SOTER_SIM, Server};

type Failed = Box<dyn Error + Send + Sync>;

const FLEET: u32 = 100_000;
/// The phones that are used, of the fleet.
const USED: u32 = 10_000;
/// The few phones that they are compared with.
const FEW: u32 = 32;
const ROUNDS: usize = 9;
/// Authentications in a turn.
const TURN: u32 = 2000;
/// Authentications at a time.
const PARALLEL: u32 = 32;
/// Phones that are created in a turn.
const CREATED: usize = 20;

fn main() -> Result<(), Failed> {
    let runtime = Runtime::new()?;
    let mut out = stdout().lock();
    start_and_idle_memory(&mut out)?;
    for on_disk in [false, true] {
        let folder = tempfile::tempdir()?;
        let path = folder.path().display().to_string();
        let state = if on_disk { State::Folder(folder.path().to_owned()) } else { State::Ephemeral };
        let place = if on_disk { vec!["--state", &path] } else { vec!["--ephemeral"] };
        writeln!(out, "{}:", if on_disk { "on disk" } else { "in memory" })?;
        first_use(&mut out, &place)?;
        if on_disk {
            let (time, server) = start(&place)?;
            writeln!(out, "  start with {USED} used phones            {time:>9.2?}   (goal: under 1 s)")?;
            drop(server);
        }
        used_phones(&mut out, &runtime, state)?;
    }
    creation(&mut out, &runtime)
}

/// Starts a server, and waits until it takes a connection.
fn start(arguments: &[&str]) -> Result<(Duration, Server), Failed> {
    let begun = Instant::now();
    let server = Server::start(Path::new(SOTER_SIM), arguments)?;
    drop(TcpStream::connect(&server.address)?);
    Ok((begun.elapsed(), server))
}

fn start_and_idle_memory(out: &mut StdoutLock<'_>) -> Result<(), Failed> {
    let (_, without) = start(&["--ephemeral"])?;
    let (time, with) = start(&["--ephemeral", "--fleet", &FLEET.to_string()])?;
    writeln!(out, "start with a fleet of {FLEET}              {time:>9.2?}   (goal: under 3 s)")?;
    if let (Some(without), Some(with)) = (resident(&without)?, resident(&with)?) {
        let each = (with - without) / f64::from(FLEET);
        writeln!(
            out,
            "memory of a phone that was never used      {each:>6.0} bytes   (goal: at most 1,000)"
        )?;
    }
    Ok(())
}

/// The resident memory of a server in bytes. `None` on systems other than Linux.
fn resident(server: &Server) -> Result<Option<f64>, Failed> {
    if !cfg!(target_os = "linux") {
        return Ok(None);
    }
    Ok(Some(server.resident_megabytes("VmRSS:")? * 1e6))
}

/// The rate at which a server's phones are used for the first time, and the memory that each takes then.
fn first_use(out: &mut StdoutLock<'_>, place: &[&str]) -> Result<(), Failed> {
    let (_, server) = start(&[place, &["--fleet", &FLEET.to_string()]].concat())?;
    let before = resident(&server)?;
    let begun = Instant::now();
    let params = json!({"challenges": ["first"], "count": fleet::MAX_RESULTS});
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "fleet.results", "params": params}).to_string();
    for _ in 0..USED / fleet::MAX_RESULTS {
        let answer = post(&server.address, &call)?;
        if answer.matches("startSoterAuthentication:ok").count() != usize::try_from(fleet::MAX_RESULTS)? {
            return Err(format!("not every phone signed: {answer:.200}").into());
        }
    }
    let rate = f64::from(USED) / begun.elapsed().as_secs_f64();
    writeln!(out, "  phones used for the first time             {rate:>7.0} /s")?;
    if let (Some(before), Some(after)) = (before, resident(&server)?) {
        let each = (after - before) / f64::from(USED);
        writeln!(
            out,
            "  memory of a used phone                   {each:>7.0} bytes   (goal: at most 16,000)"
        )?;
    }
    Ok(())
}

/// Calls `/rpc`, and returns the answer with its head.
fn post(address: &str, body: &str) -> Result<String, Failed> {
    let mut stream = TcpStream::connect(address)?;
    let length = body.len();
    write!(
        stream,
        "POST /rpc HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// The rate of authentications over many phones that were used before, compared with that over few.
fn used_phones(out: &mut StdoutLock<'_>, runtime: &Runtime, state: State) -> Result<(), Failed> {
    let desk = Desk::open(DeskOptions { fleet: Some(FLEET), ..DeskOptions::new(state) })?;
    runtime.block_on(async {
        for _ in 0..USED / fleet::MAX_RESULTS {
            let challenges = vec!["first".to_owned()];
            let results = fleet::Results { challenges, count: Some(fleet::MAX_RESULTS) };
            let signed = desk.request(None, results).await?;
            if signed.results.iter().any(|result| result.answer.err_code != 0) {
                return Err("a phone did not sign".into());
            }
        }
        Ok::<_, Failed>(())
    })?;
    let ([few, many], ratio) = compare(|side, round| {
        runtime.block_on(authentications(&desk, [FEW, USED][side], u32::try_from(round)?))
    })?;
    writeln!(out, "  authentications over {FEW} phones            {few:>7.0} /s")?;
    writeln!(out, "  authentications over {USED} phones         {many:>7.0} /s")?;
    writeln!(out, "  ratio                                      {ratio:>7.3}   (goal: at least 0.9)")?;
    Ok(())
}

/// The rate of authentications over the first phones of a fleet, each in turn, beginning with another one in each round.
async fn authentications(desk: &Desk, phones: u32, round: u32) -> Result<f64, Failed> {
    let begun = Instant::now();
    let mut running = JoinSet::new();
    for first in 0..PARALLEL {
        let desk = desk.clone();
        running.spawn(async move {
            for turn in 0..TURN / PARALLEL {
                // No two of them use one phone at the same time.
                let number = (round * TURN + turn * PARALLEL + first) % phones;
                let request = StartSoterAuthentication {
                    request_auth_modes: Some(vec!["fingerPrint".to_owned()]),
                    challenge: Some("order-42".to_owned()),
                    ..StartSoterAuthentication::default()
                };
                let answer = desk.request(Some(&format!("fleet-{number:06}")), request).await;
                let answer = answer.map_err(|error| error.to_string())?;
                if answer.err_code != 0 {
                    return Err(answer.err_msg);
                }
            }
            Ok(())
        });
    }
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    Ok(f64::from(TURN) / begun.elapsed().as_secs_f64())
}

fn creation(out: &mut StdoutLock<'_>, runtime: &Runtime) -> Result<(), Failed> {
    let (few, many) = (Creator::new(runtime, 10)?, Creator::new(runtime, USED)?);
    let ([few, many], ratio) =
        compare(|side, round| [&few, &many][side].create(runtime, &format!("r{round}"), CREATED))?;
    writeln!(out, "device.create on disk at 10 phones          {:>7.2} ms", few * 1e3)?;
    writeln!(out, "device.create on disk at {USED} phones      {:>7.2} ms", many * 1e3)?;
    writeln!(out, "  ratio                                     {ratio:>7.2}   (goal: at most 1.5)")?;
    Ok(())
}

/// Measures side 0 and side 1 in turn. Returns the median of each, and the median of their ratios.
fn compare(measure: impl Fn(usize, usize) -> Result<f64, Failed>) -> Result<([f64; 2], f64), Failed> {
    let mut measured: [Vec<f64>; 2] = Default::default();
    for round in 0..ROUNDS {
        // Neither side is always the first.
        for side in [round % 2, 1 - round % 2] {
            measured[side].push(measure(side, round)?);
        }
    }
    let mut ratios: Vec<_> = measured[1].iter().zip(&measured[0]).map(|(one, other)| one / other).collect();
    Ok((measured.each_mut().map(|numbers| median(numbers)), median(&mut ratios)))
}

/// A desk on which phones are created.
struct Creator {
    desk: Desk,
    _folder: tempfile::TempDir,
}

impl Creator {
    fn new(runtime: &Runtime, phones: u32) -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        let state = State::Folder(folder.path().to_owned());
        let creator = Self { desk: Desk::open(DeskOptions::new(state))?, _folder: folder };
        creator.create(runtime, "first", usize::try_from(phones)?)?;
        Ok(creator)
    }

    /// Creates phones, and returns the seconds for each.
    fn create(&self, runtime: &Runtime, prefix: &str, count: usize) -> Result<f64, Failed> {
        let begun = Instant::now();
        for number in 0..count {
            let create = device::Create { name: format!("{prefix}-{number}"), ..device::Create::default() };
            runtime.block_on(self.desk.request(None, create))?;
        }
        Ok(begun.elapsed().as_secs_f64() / f64::from(u32::try_from(count)?))
    }
}

fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
