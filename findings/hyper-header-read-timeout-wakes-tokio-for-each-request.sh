#!/usr/bin/env bash
# Package:   hyper 1.12.0, hyper-util 0.1.21, http-body-util 0.1.5, tokio 1.54.1 (crates.io); builds for about a minute
# Behaviour: with `header_read_timeout`, hyper sets a timer for each request that it waits for, and drops it when the request is
#            there. tokio wakes its driver, by a write to an eventfd, when a timer is set that is due before all others; a driver
#            that has gone to wait while there was no timer counts as one that has to be woken. So where handlers wait for another
#            thread, each request costs a system call and a turn of the driver more. Any timer that is due earlier, such as an
#            interval of a second, ends that.
# Seen:      2026-11-30, Linux x86-64
# Output:    1000 requests without a timeout: 1 wake-up each
#            1000 requests with header_read_timeout: 2 wake-ups each
#            1000 requests with header_read_timeout and an interval of 1 s: 1 wake-up each
# soter-sim: keeps such a timer (`host-bridge/src/server/listener.rs`).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/src"
cat >"$folder/Cargo.toml" <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2024"

[dependencies]
hyper = { version = "=1.12.0", features = ["http1", "server"] }
hyper-util = { version = "=0.1.21", features = ["tokio"] }
http-body-util = "=0.1.5"
tokio = { version = "=1.54.1", features = ["net", "rt", "time"] }

[workspace]
TOML
cat >"$folder/src/main.rs" <<'RUST'
use std::convert::Infallible;
use std::ffi::c_void;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

const REQUESTS: u32 = 1000;
static WAKE_UPS: AtomicU32 = AtomicU32::new(0);

#[repr(C)]
struct Part(*const c_void, usize);

unsafe extern "C" {
    fn writev(file: i32, parts: *const Part, count: i32) -> isize;
}

/// Instead of the system's function: counts what has the length of an eventfd's number. Sockets are written otherwise.
#[unsafe(no_mangle)]
unsafe extern "C" fn write(file: i32, bytes: *const c_void, length: usize) -> isize {
    if length == 8 {
        WAKE_UPS.fetch_add(1, Relaxed);
    }
    unsafe { writev(file, &Part(bytes, length), 1) }
}

async fn serve(listener: TcpListener, has_timeout: bool, has_interval: bool) {
    let (stream, _) = listener.accept().await.unwrap();
    let service = service_fn(async |_: Request<hyper::body::Incoming>| {
        tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(1))).await.unwrap();
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"ok"))))
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new());
    server.header_read_timeout(has_timeout.then_some(Duration::from_secs(10)));
    if has_interval {
        tokio::spawn(async {
            let mut interval = tokio::time::interval(Duration::from_secs(1));
            loop {
                interval.tick().await;
            }
        });
    }
    server.serve_connection(TokioIo::new(stream), service).await.unwrap();
}

fn main() {
    for (what, has_timeout, has_interval) in [
        ("without a timeout", false, false),
        ("with header_read_timeout", true, false),
        ("with header_read_timeout and an interval of 1 s", true, true),
    ] {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let before = WAKE_UPS.load(Relaxed);
        let client = std::thread::spawn(move || {
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            for _ in 0..REQUESTS {
                stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
                assert!(stream.read(&mut [0; 1024]).unwrap() > 0);
            }
        });
        runtime.block_on(serve(listener, has_timeout, has_interval));
        client.join().unwrap();
        let wake_ups = WAKE_UPS.load(Relaxed) - before;
        let each = (wake_ups + REQUESTS / 2) / REQUESTS;
        println!("{REQUESTS} requests {what}: {each} wake-up{} each", if each == 1 { "" } else { "s" });
    }
}
RUST
output=$(cd "$folder" && cargo run --quiet)
printf '%s\n' "$output"
expected='1000 requests without a timeout: 1 wake-up each
1000 requests with header_read_timeout: 2 wake-ups each
1000 requests with header_read_timeout and an interval of 1 s: 1 wake-up each'
[ "$output" = "$expected" ]
