//! The memory of a server that clients try to fill: at its peak, and ten seconds later. Each case has a server of its own.
//!
//! The resident memory of a process, as Linux counts it; elsewhere nothing is printed.

use std::error::Error;
use std::io::{Read, Write, stdout};
use std::net::TcpStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

mod server;

use server::{SOTER_SIM, Server};

type Failed = Box<dyn Error + Send + Sync>;
/// What the clients of a case do with the server at an address.
type Fill = fn(&str) -> Result<(), Failed>;

/// The number of connections that a server takes.
const CONNECTIONS: usize = 512;
/// How long a flood lasts.
const FLOOD: Duration = Duration::from_secs(20);
const SETTLE: Duration = Duration::from_secs(10);

fn main() -> Result<(), Failed> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let cases: [(&str, Fill); 8] = [
        ("idle", |_| Ok(())),
        ("1,000 phones", thousand_phones),
        ("a full journal", full_journal),
        ("512 slow clients", slow_clients),
        ("512 bodies of 1 MiB at once", |address| {
            bodies(address, &format!("\"{}\"", "x".repeat((1 << 20) - 3)))
        }),
        ("512 bodies of 524,000 numbers", |address| bodies(address, &format!("[{}0]", "0,".repeat(524_000)))),
        ("a flood of pings, pongs unread", |address| flood(address, &frame(0x9, &[b'x'; 125]))),
        ("a flood of calls, answers unread", |address| {
            flood(address, &frame(0x1, br#"{"jsonrpc":"2.0","id":1,"method":"rpc.discover"}"#))
        }),
    ];
    let mut out = stdout().lock();
    writeln!(out, "resident memory of a server in MB      peak  after {} s", SETTLE.as_secs())?;
    for (name, fill) in cases {
        let server = Server::start(Path::new(SOTER_SIM), &["--ephemeral"])?;
        fill(&server.address)?;
        let peak = server.resident_megabytes("VmHWM:")?;
        thread::sleep(SETTLE);
        let settled = server.resident_megabytes("VmRSS:")?;
        writeln!(out, "  {name:34} {peak:6.1} {settled:8.1}")?;
    }
    Ok(())
}

fn connect(address: &str) -> Result<TcpStream, Failed> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    Ok(stream)
}

/// Sends a request, and returns the answer's first line.
fn post(address: &str, path: &str, body: &str) -> Result<String, Failed> {
    let mut stream = connect(address)?;
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    )?;
    stream.write_all(body.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

fn thousand_phones(address: &str) -> Result<(), Failed> {
    for batch in 0..20 {
        let create = |number| {
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"device.create","params":{{"name":"p{batch}-{number}"}}}}"#
            )
        };
        let calls: Vec<_> = (0..50).map(create).collect();
        post(address, "/rpc", &format!("[{}]", calls.join(",")))?;
    }
    Ok(())
}

fn full_journal(address: &str) -> Result<(), Failed> {
    let body = format!("{{\"a\":[\"{}\"]}}", "x".repeat(8000));
    for _ in 0..10_000 {
        post(address, "/cgi-bin/soter/verify_signature", &body)?;
    }
    Ok(())
}

/// Clients that send the beginning of a large body, and no more.
fn slow_clients(address: &str) -> Result<(), Failed> {
    let mut held = Vec::new();
    let part = vec![b'x'; 900_000];
    for _ in 0..CONNECTIONS {
        let mut stream = connect(address)?;
        write!(stream, "POST /rpc HTTP/1.1\r\nHost: {address}\r\nContent-Length: 1000000\r\n\r\n")?;
        stream.set_nonblocking(true)?;
        // As much as the socket accepts.
        let _ = stream.write(&part);
        held.push(stream);
    }
    thread::sleep(Duration::from_secs(5));
    Ok(())
}

fn bodies(address: &str, body: &str) -> Result<(), Failed> {
    thread::scope(|scope| {
        let start = |_| scope.spawn(|| post(address, "/cgi-bin/soter/verify_signature", body));
        let requests: Vec<_> = (0..CONNECTIONS).map(start).collect();
        for request in requests {
            // A server without room answers 503, and closes the connection.
            let _ = request.join().map_err(|_| "a client panicked")?;
        }
        Ok(())
    })
}

/// A WebSocket frame of a client: final, masked with zeros. RFC 6455, section 5.2.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap_or(125);
    [&[0x80 | opcode, 0x80 | length, 0, 0, 0, 0], payload].concat()
}

/// Eight clients that send as fast as they can, and read one megabyte per second.
fn flood(address: &str, frame: &[u8]) -> Result<(), Failed> {
    let frames = frame.repeat(1000);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..8).map(|_| scope.spawn(|| flood_once(address, &frames))).collect();
        for client in clients {
            client.join().map_err(|_| "a client panicked")??;
        }
        Ok(())
    })
}

fn flood_once(address: &str, frames: &[u8]) -> Result<(), Failed> {
    let mut stream = connect(address)?;
    write!(
        stream,
        "GET /ws HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )?;
    stream.set_nonblocking(true)?;
    let (started, mut sent, mut received) = (Instant::now(), 0_usize, vec![0; 10_000]);
    while started.elapsed() < FLOOD {
        // A write may end in the middle of a frame, and the next one continues there.
        for _ in 0..100 {
            sent += stream.write(&frames[sent % frames.len()..]).unwrap_or_default();
        }
        // It is not an error if there is nothing to read, or if the server has ended the connection.
        let _ = stream.read(&mut received);
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
