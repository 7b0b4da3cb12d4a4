//! Lines that are not messages, and clients that do not read.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use soter_tests::executable;

use crate::client::initialize;

#[test]
fn lines_that_are_no_messages_are_answered_and_the_next_message_is_served() {
    let mut program = Command::new(executable())
        .args(["mcp", "--listen", "127.0.0.1:0", "--ephemeral"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = program.stdin.take().unwrap();
    let long =
        [b"{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"".as_slice(), &vec![b'x'; 50 << 20], b"\"}"].concat();
    let deep = vec![b'['; 200_000];
    let long_id = format!(r#"{{"jsonrpc":"2.0","id":"{}","method":"ping"}}"#, "x".repeat(2000));
    let lines: &[(&[u8], i64)] = &[
        (br#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, -32600),
        (b"nonsense", -32700),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}", -32700),
        (b"\0\x01\x02", -32700),
        (&deep, -32700),
        (&long, -32600),
        (b"5", -32600),
        (b"null", -32600),
        (b"[]", -32600),
        (br#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600),
        (b"{}", -32600),
        (br#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, -32600),
        (br#"{"jsonrpc":"2.0","id":1,"method":5}"#, -32600),
        (br#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600),
        (br#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, -32600),
        (br#"{"jsonrpc":"2.0","id":18446744073709551615,"method":"ping"}"#, -32600),
        (br#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, -32600),
        (long_id.as_bytes(), -32600),
        (br#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, -32600),
        (br#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#, -32602),
        (br#"{"jsonrpc":"2.0","id":1,"method":"initialize"}"#, -32602),
    ];
    // What is ignored: empty lines, and notifications and answers before there is a session.
    let ignored: &[&[u8]] = &[
        b"",
        b"  \r",
        br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        br#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
        br#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        br#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"m"}}"#,
    ];
    let session = [
        json!({"jsonrpc": "2.0", "id": "ping", "method": "ping"}),
        json!({"jsonrpc": "2.0", "id": "begin", "method": "initialize", "params": initialize()}),
        json!({"jsonrpc": "2.0", "id": "list", "method": "tools/list"}),
    ];
    let mut text = Vec::new();
    let mut expected = Vec::new();
    for line in ignored {
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    // Before and after the session has begun.
    for round in 0..2 {
        for (line, code) in lines.iter().skip(round) {
            text.extend_from_slice(line);
            text.push(b'\n');
            expected.push(*code);
        }
        for message in session.iter().filter(|_| round == 0) {
            text.extend_from_slice(message.to_string().as_bytes());
            text.push(b'\n');
        }
    }
    let writer = std::thread::spawn(move || input.write_all(&text));
    let mut output = String::new();
    program.stdout.take().unwrap().read_to_string(&mut output).unwrap();
    writer.join().unwrap().unwrap();
    assert_eq!(program.wait().unwrap().code(), Some(0));
    let answers: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let codes: Vec<_> = answers.iter().filter_map(|answer| answer["error"]["code"].as_i64()).collect();
    assert_eq!(codes, expected);
    for answer in answers.iter().filter(|answer| answer["error"].is_object()) {
        assert!(
            answer["error"]["message"].as_str().is_some_and(|text| text.contains("\nnext: ")),
            "{answer}"
        );
        // The id is left out if it is not known; `null` is not allowed in MCP.
        assert!(answer.get("id").is_none_or(|id| !id.is_null()), "{answer}");
    }
    for id in ["ping", "begin", "list"] {
        assert!(answers.iter().any(|answer| answer["id"] == id && answer["result"].is_object()), "{id}");
    }
}

#[test]
fn a_client_that_does_not_read_is_waited_for_with_bounded_memory_and_one_that_closes_ends_the_session() {
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let mut program = Command::new(executable())
        .args(["mcp", "--listen", "127.0.0.1:0", "--ephemeral"])
        .stdin(Stdio::piped())
        .stdout(Stdio::from(std::os::fd::OwnedFd::from(theirs)))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = program.stdin.take().unwrap();
    let begin = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": initialize()});
    writeln!(input, "{begin}").unwrap();
    // Each answer has more than 50 kB: without a bound, these were 500 MB.
    let mut requests = String::new();
    for id in 1..10_000 {
        requests.push_str(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/list"}).to_string());
        requests.push('\n');
    }
    let writer = std::thread::spawn(move || input.write_all(requests.as_bytes()).map(|()| input));
    std::thread::sleep(Duration::from_secs(3));
    if let Ok(status) = std::fs::read_to_string(format!("/proc/{}/status", program.id())) {
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let peak: u64 = peak.split_whitespace().next().unwrap().parse().unwrap();
        assert!(peak < 150_000, "{peak} kB");
    }
    // It goes on when the client reads.
    let mut some = vec![0; 4 << 20];
    ours.read_exact(&mut some).unwrap();
    assert!(String::from_utf8_lossy(&some).contains("\"id\":20,"));
    drop(ours);
    // It ends because nobody gets answers, although standard input is open.
    let started = Instant::now();
    assert_eq!(program.wait().unwrap().code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(10));
    // The rest of the requests is not read any more.
    assert!(writer.join().unwrap().is_err());
}
