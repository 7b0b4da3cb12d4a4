//! Hostile clients of a live server: each gets a clear answer, memory stays bounded, and the next honest client is
//! served. The server's own tests check each limit separately, through sockets in one process.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use soter_tests::{Program, Running};

struct Server {
    running: Running,
    host: String,
}

impl Server {
    fn start() -> Self {
        let mut running =
            Program::new(["serve", "--listen", "127.0.0.1:0", "--ephemeral", "--touch", "auto"]).start();
        let host = running.line().strip_prefix("soter-sim ready http://").unwrap().to_owned();
        Self { running, host }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.host).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        stream
    }

    /// Sends bytes and reads the answer until the server closes. The server may close before it has read everything.
    fn send(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        if let Err(error) = stream.read_to_end(&mut answer) {
            assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
        }
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn post(&self, path: &str, body: &[u8]) -> String {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            self.host,
            body.len()
        );
        self.send(&[head.as_bytes(), body].concat())
    }

    /// An honest client authenticates.
    fn serves(&self) {
        let call = json!({
            "jsonrpc": "2.0", "id": 1, "method": "wx.startSoterAuthentication",
            "params": {"requestAuthModes": ["fingerPrint"], "challenge": "honest"}
        });
        let answer = self.post("/rpc", call.to_string().as_bytes());
        assert!(answer.contains(r#""errCode":0"#), "{answer}");
    }

    /// Kilobytes of memory that the process has in use.
    fn memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.running.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.split_whitespace().next()?.parse().ok()
    }
}

#[test]
fn ten_thousand_connections_and_a_hundred_megabytes_leave_memory_bounded() {
    let server = Server::start();
    server.serves();
    let before = server.memory();

    // Repeatedly more connections than are admitted at once; each sends a request.
    let mut refused = 0;
    for _ in 0..10 {
        let mut open: Vec<TcpStream> = (0..1000).map(|_| server.connect()).collect();
        for stream in &mut open {
            let request =
                format!("GET /health HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.host);
            let _ = stream.write_all(request.as_bytes());
        }
        for mut stream in open {
            let mut answer = String::new();
            // A connection that is refused may be reset before its request was read.
            let _ = stream.read_to_string(&mut answer);
            refused += usize::from(answer.starts_with("HTTP/1.1 503"));
            assert!(
                answer.is_empty() || answer.contains("\"ok\"") || answer.starts_with("HTTP/1.1 503"),
                "{answer}"
            );
        }
    }
    server.serves();

    let megabyte = vec![b'['; 1 << 20];
    for path in ["/rpc", "/cgi-bin/soter/verify_signature", "/sim/reset"] {
        let mut stream = server.connect();
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: 104857600\r\n\r\n", server.host);
        stream.write_all(head.as_bytes()).unwrap();
        // The server stops reading long before the end.
        while stream.write_all(&megabyte).is_ok() {}
    }
    let chunks = format!("POST /rpc HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\n\r\n", server.host);
    let mut stream = server.connect();
    stream.write_all(chunks.as_bytes()).unwrap();
    let chunk = [b"100000\r\n".as_slice(), &megabyte, b"\r\n"].concat();
    while stream.write_all(&chunk).is_ok() {}

    server.serves();
    if let (Some(before), Some(after)) = (before, server.memory()) {
        eprintln!("{before} kB before, {after} kB after; {refused} of 10000 connections were refused");
        assert!(after < before + 100_000, "{before} kB before, {after} kB after");
    }
}

#[test]
fn bytes_that_are_not_http_get_an_error_or_no_answer() {
    let server = Server::start();
    let host = &server.host;
    let long_header = format!("GET / HTTP/1.1\r\nHost: {host}\r\nX: {}\r\n\r\n", "x".repeat(200_000));
    let many_headers = format!("GET / HTTP/1.1\r\nHost: {host}\r\n{}\r\n", "X: x\r\n".repeat(5_000));
    for bytes in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice(),
        b"\0\0\0\0\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"POST /rpc HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /rpc HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        long_header.as_bytes(),
        many_headers.as_bytes(),
    ] {
        let mut stream = server.connect();
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    server.serves();
}

#[test]
fn no_odd_value_of_a_parameter_is_a_defect_of_the_program() {
    let server = Server::start();
    let body = |answer: String| -> Value {
        serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap_or_else(|_| panic!("{answer}"))
    };
    let discover = json!({"jsonrpc": "2.0", "id": 1, "method": "rpc.discover"}).to_string();
    let document = body(server.post("/rpc", discover.as_bytes()));
    let odd = [
        json!(null),
        json!(7),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!("\u{0}"),
        json!([[]]),
        json!({"a": 1}),
    ];
    for method in document["result"]["methods"].as_array().unwrap() {
        let name = method["name"].as_str().unwrap();
        // These do something without any parameter.
        if ["desk.reset", "device.resetNormalWorld", "wx.startSoterAuthentication"].contains(&name) {
            continue;
        }
        let batch: Vec<Value> = method["params"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|parameter| {
                let member = parameter["name"].as_str().unwrap().to_owned();
                odd.iter().map(move |odd| {
                    json!({"jsonrpc": "2.0", "id": 1, "method": name, "params": {member.as_str(): odd}})
                })
            })
            .collect();
        for batch in batch.chunks(60) {
            let answers = body(server.post("/rpc", Value::from(batch.to_vec()).to_string().as_bytes()));
            for answer in answers.as_array().unwrap() {
                // What happens to fit is answered; whatever does not is the caller's mistake, never the program's.
                let code = answer["error"]["code"].as_i64();
                assert!(!matches!(code, Some(-32603 | -32700 | -32600)), "{name}: {answer}");
            }
        }
    }
    server.serves();
}

#[test]
fn forms_of_cloud_functions_without_an_end_or_of_many_parts_leave_memory_bounded() {
    let server = Server::start();
    server.serves();
    let before = server.memory();
    let head = |kind: &str, more: &str| {
        format!("POST /admin HTTP/1.1\r\nHost: {}\r\nContent-Type: {kind}\r\n{more}\r\n", server.host)
    };
    let form = "multipart/form-data; boundary=b";

    // A part without an end, in chunks: the server answers after the limit, or closes.
    let mut stream = server.connect();
    stream.write_all(head(form, "Transfer-Encoding: chunked\r\n").as_bytes()).unwrap();
    let part = b"40\r\n--b\r\nContent-Disposition: form-data; name=\"requestData\"\r\n\r\nxxxx\r\n";
    stream.write_all(part).unwrap();
    let chunk = [b"100000\r\n".as_slice(), &vec![b'x'; 1 << 20], b"\r\n"].concat();
    let mut sent = 0;
    while sent < 200 && stream.write_all(&chunk).is_ok() {
        sent += 1;
    }
    assert!(sent < 200, "the server has read {sent} MiB");

    let long_boundary = format!("multipart/form-data; boundary={}", "b".repeat(1 << 20));
    let refused = server.send(head(&long_boundary, "Content-Length: 0\r\n").as_bytes());
    assert!(refused.is_empty() || refused.starts_with("HTTP/1.1 431 "), "{refused}");

    let parts = "--b\r\nContent-Disposition: form-data; name=\"action\"\r\n\r\nwx.openApi\r\n".repeat(10_000);
    let mut empty_pairs = vec![0x12, 0x80, 0x80, 0x08];
    empty_pairs.extend([0x0a, 0x00].repeat(64 << 10));
    let bomb = [
        b"--b\r\nContent-Disposition: form-data; name=\"action\"\r\n\r\nwx.openApi\r\n\
          --b\r\nContent-Disposition: form-data; name=\"requestData\"\r\n\r\n"
            .as_slice(),
        &empty_pairs,
        b"\r\n--b--\r\n",
    ]
    .concat();
    for body in [parts.as_bytes(), &bomb, &vec![b'-'; 1 << 20]] {
        for _ in 0..50 {
            let more = format!("Connection: close\r\nContent-Length: {}\r\n", body.len());
            let answer = server.send(&[head(form, &more).as_bytes(), body].concat());
            assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("INVALID_PARAM"), "{answer}");
        }
    }
    server.serves();
    if let (Some(before), Some(after)) = (before, server.memory()) {
        assert!(after < before + 100_000, "{before} kB before, {after} kB after");
    }
}
