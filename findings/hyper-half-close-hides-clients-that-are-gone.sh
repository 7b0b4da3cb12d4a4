#!/usr/bin/env bash
# Package:   hyper 1.12.0, hyper-util 0.1.21, http-body-util 0.1.5, tokio 1.54.1 (crates.io); builds for about a minute
# Behaviour: with `half_close(true)`, a server answers clients that shut down their sending side after the request. While a
#            handler runs, hyper then does not read the connection at all, so that not even a connection that was reset ends the
#            handler. With `half_close(false)` the handler is dropped at once, also when the client only shut down its sending
#            side and waits for the answer.
# Seen:      2026-11-29, Linux x86-64
# Output:    half_close(false), sending side shut down: dropped
#            half_close(false), connection reset: dropped
#            half_close(true), sending side shut down: ran to its end
#            half_close(true), connection reset: ran to its end
# soter-sim: uses `half_close(true)` and watches the connection itself (`host-bridge/src/server/client_stream.rs`).
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
tokio = { version = "=1.54.1", features = ["io-util", "macros", "net", "rt", "sync", "time"] }

[workspace]
TOML
cat >"$folder/src/main.rs" <<'RUST'
use std::convert::Infallible;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// Reports how a handler ended.
struct Report(&'static str, mpsc::UnboundedSender<&'static str>);

impl Drop for Report {
    fn drop(&mut self) {
        let _ = self.1.send(self.0);
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    for half_close in [false, true] {
        for reset in [false, true] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (sender, mut ended) = mpsc::unbounded_channel();
            tokio::spawn(async move {
                let (stream, _) = listener.accept().await.unwrap();
                let service = service_fn(move |_: Request<hyper::body::Incoming>| {
                    let sender = sender.clone();
                    async move {
                        let mut report = Report("dropped", sender);
                        tokio::time::sleep(Duration::from_secs(3)).await;
                        report.0 = "ran to its end";
                        Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
                    }
                });
                let _ = http1::Builder::new().half_close(half_close).serve_connection(TokioIo::new(stream), service).await;
            });
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
            tokio::time::sleep(Duration::from_millis(500)).await;
            let what = if reset {
                client.set_zero_linger().unwrap();
                drop(client);
                "connection reset"
            } else {
                client.shutdown().await.unwrap();
                std::mem::forget(client);
                "sending side shut down"
            };
            println!("half_close({half_close}), {what}: {}", ended.recv().await.unwrap());
        }
    }
}
RUST
output=$(cd "$folder" && cargo run --quiet)
printf '%s\n' "$output"
expected='half_close(false), sending side shut down: dropped
half_close(false), connection reset: dropped
half_close(true), sending side shut down: ran to its end
half_close(true), connection reset: ran to its end'
[ "$output" = "$expected" ]
