//! A server of the program, and requests to it.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::{Finished, Program, Running};

/// A server on a free port.
#[derive(Debug)]
pub struct Server {
    /// Its process.
    pub running: Running,
    /// The address in its ready line.
    pub url: String,
}

impl Server {
    /// Starts a server, and waits until it is ready.
    pub fn start(program: Program) -> Self {
        let mut running = program.start();
        let ready = running.line();
        let url =
            ready.strip_prefix("soter-sim ready ").expect("the first line is the ready line").to_owned();
        assert!(url.starts_with("http://127.0.0.1:") && !url.ends_with('/'), "{url}");
        Self { running, url }
    }

    /// Starts a server whose phone is in memory, with further arguments.
    pub fn ephemeral(arguments: &[&str]) -> Self {
        Self::start(Program::new(["serve", "--listen", "127.0.0.1:0", "--ephemeral"]).arguments(arguments))
    }

    /// Runs the program on this server's phones.
    pub fn connected(&self, arguments: &[&str]) -> Finished {
        Program::new(arguments).arguments(["--connect", &self.url]).run()
    }

    /// Calls a method, and returns its result.
    pub fn rpc(&self, method: &str, params: &Value) -> Value {
        self.connected(&["rpc", method, &params.to_string()]).exits(0).json()
    }

    /// Sends a request, and returns head and body of the answer.
    pub fn http(&self, method: &str, path: &str, body: &str) -> (String, String) {
        http(&self.url, method, path, body)
    }
}

/// Sends a request to a server, and returns head and body of the answer.
pub fn http(url: &str, method: &str, path: &str, body: &str) -> (String, String) {
    try_http(url, method, path, body).expect("the server answers")
}

/// Calls a method by POST, and returns the whole JSON-RPC answer. `None` if the server is gone before it has answered.
pub fn try_rpc(url: &str, method: &str, params: &Value) -> Option<Value> {
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    try_json(url, "POST", "/rpc", &call.to_string())
}

/// As [`try_http`], for an answer in JSON.
pub(crate) fn try_json(url: &str, method: &str, path: &str, body: &str) -> Option<Value> {
    serde_json::from_str(&try_http(url, method, path, body)?.1).ok()
}

/// As [`http`]. `None` if the server is gone before it has answered.
pub(crate) fn try_http(url: &str, method: &str, path: &str, body: &str) -> Option<(String, String)> {
    let host = url.strip_prefix("http://").expect("it is an HTTP server");
    let mut stream = TcpStream::connect(host).ok()?;
    stream.set_read_timeout(Some(Duration::from_mins(1))).expect("a stream takes a timeout");
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    // A killed server resets the connection. One that hangs fails the test.
    if let Err(error) = stream.read_to_string(&mut answer) {
        assert_ne!(error.kind(), ErrorKind::WouldBlock, "no answer to {method} {path} {body}");
        return None;
    }
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.to_owned(), body.to_owned()))
}
