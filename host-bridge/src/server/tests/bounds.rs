//! Limits on the memory and the waiting time that a client can cause.

use super::*;

/// The request that begins a WebSocket connection.
fn handshake(address: SocketAddr) -> String {
    format!(
        "GET /ws HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

#[tokio::test]
async fn a_call_can_be_cancelled_when_the_limit_of_pending_calls_is_reached() {
    let server = start(|options| options.limits.max_pending_calls = 2).await;
    let mut socket = server.socket().await;
    for id in 1..=2 {
        socket.send(call(id, "wx.startSoterAuthentication", json!({}))).await.unwrap();
    }
    server.waiting(2).await;
    socket.send(call(3, "device.list", json!({}))).await.unwrap();
    assert_eq!(next(&mut socket).await["error"]["code"], -32002);
    socket.send(call(4, "rpc.cancel", json!({"id": 1}))).await.unwrap();
    let mut answers = [next(&mut socket).await, next(&mut socket).await];
    answers.sort_by_key(|answer| answer["id"].as_u64());
    assert_eq!(answers[0]["error"]["code"], -32005);
    assert_eq!(answers[1]["result"], json!({"cancelled": true}));
    socket.send(call(5, "device.list", json!({}))).await.unwrap();
    assert_eq!(next(&mut socket).await["result"]["selected"], "phone");
}

#[tokio::test]
async fn calls_of_a_client_that_reads_nothing_continue() {
    let server = start(|options| options.limits.send_timeout = Duration::from_mins(1)).await;
    let mut stuck = server.socket().await;
    stuck.send(call(1, "events.subscribe", json!({}))).await.unwrap();
    next(&mut stuck).await;
    stuck.send(call(2, "wx.startSoterAuthentication", json!({}))).await.unwrap();
    server.waiting(1).await;
    // More than the socket's buffers hold; what the server keeps is limited, so some events are lost.
    let mut event = TestService::event(1);
    if let Event::Refused { reason, .. } = &mut event {
        *reason = Text::verbatim("x".repeat(60_000));
    }
    for _ in 0..1000 {
        server.service.events.send(event.clone()).unwrap();
        tokio::task::yield_now().await;
    }
    let mut other = server.socket().await;
    other.send(call(1, "sensor.cancel", json!({}))).await.unwrap();
    assert_eq!(next(&mut other).await["result"], json!({}));
    // The call of the stuck client ends, although the client has not read its answer yet.
    server.waiting(0).await;
    let mut received = next(&mut stuck).await;
    while received["id"] != 2 {
        received = next(&mut stuck).await;
    }
    assert_eq!(received["result"]["errCode"], 90008);
}

#[tokio::test]
async fn a_client_that_sends_and_never_reads_is_disconnected() {
    let server = start(|options| options.limits.send_timeout = Duration::from_millis(100)).await;
    let mut socket = server.socket().await;
    let flood = async {
        // Each answer is far longer than its call.
        while socket.feed(call(1, "rpc.discover", json!({}))).await.is_ok() {}
    };
    tokio::time::timeout(Duration::from_secs(30), flood).await.unwrap();
    assert_status(&server.get("/health", "").await, 200);
}

#[tokio::test]
async fn nothing_is_read_from_a_client_that_sends_pings_and_does_not_read_its_pongs() {
    let server = start(|options| options.limits.send_timeout = Duration::from_mins(1)).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(handshake(server.address).as_bytes()).await.unwrap();
    // Final, ping, masked with zeros, 125 bytes: RFC 6455, section 5.2.
    let ping = [&[0x89, 0x80 | 0x7d, 0, 0, 0, 0][..], &[b'x'; 125]].concat();
    let pings = ping.repeat(1000);
    let mut accepted_bytes = 0;
    // A write may end in the middle of a ping, and the next one continues there.
    let rest = |accepted_bytes: usize| &pings[accepted_bytes % ping.len()..];
    // The system's buffers of a connection hold some megabytes in each direction.
    while let Ok(written) =
        tokio::time::timeout(Duration::from_secs(1), stream.write(rest(accepted_bytes))).await
    {
        accepted_bytes += written.unwrap();
        assert!(accepted_bytes < 100 << 20, "the server reads on");
    }
    assert_status(&server.get("/health", "").await, 200);
    // When the client reads again, so does the server.
    let mut received = vec![0; 1 << 16];
    while tokio::time::timeout(Duration::from_millis(100), stream.write(rest(accepted_bytes))).await.is_err()
    {
        assert!(stream.read(&mut received).await.unwrap() > 0);
    }
}

#[tokio::test]
async fn pending_calls_are_limited_and_the_accepted_ones_continue() {
    let server = start(|options| options.limits.max_pending_calls = 3).await;
    let mut socket = server.socket().await;
    for id in 1..=4 {
        socket.send(call(id, "wx.startSoterAuthentication", json!({}))).await.unwrap();
    }
    let refused = next(&mut socket).await;
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(4), &json!(-32002)));
    server.waiting(3).await;
    let mut other = server.socket().await;
    other.send(call(1, "sensor.cancel", json!({}))).await.unwrap();
    assert_eq!(next(&mut other).await["result"], json!({}));
    for _ in 0..3 {
        assert_eq!(next(&mut socket).await["result"]["errCode"], 90008);
    }
    socket.send(call(5, "device.list", json!({}))).await.unwrap();
    assert_eq!(next(&mut socket).await["id"], 5);
}

#[tokio::test]
async fn a_lagging_subscriber_learns_how_many_events_it_missed() {
    let server = start(|_| {}).await;
    let mut socket = server.socket().await;
    socket.send(call(1, "events.subscribe", json!({}))).await.unwrap();
    next(&mut socket).await;
    // More at once than are kept: this task does not yield in between.
    for code in 0..10_000 {
        server.service.events.send(TestService::event(code)).unwrap();
    }
    let lagged = next(&mut socket).await;
    assert_eq!(lagged["method"], "events.lagged");
    assert!(lagged["params"]["missed"].as_u64().unwrap() >= 5_000, "{lagged}");
    assert_eq!(next(&mut socket).await["method"], "event");
}

#[tokio::test]
async fn a_subscriber_that_reads_nothing_is_disconnected() {
    let server = start(|options| options.limits.send_timeout = Duration::from_millis(100)).await;
    let mut socket = server.socket().await;
    socket.send(call(1, "events.subscribe", json!({}))).await.unwrap();
    next(&mut socket).await;
    // The socket's buffers fill up while the client reads nothing; the server then drops its subscription.
    let mut event = TestService::event(1);
    if let Event::Refused { reason, .. } = &mut event {
        *reason = Text::verbatim("x".repeat(60_000));
    }
    let gone = async {
        while server.service.events.receiver_count() > 0 {
            let _ = server.service.events.send(event.clone());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), gone).await.unwrap();
}

#[tokio::test]
async fn a_quiet_client_is_pinged_and_a_dead_one_is_disconnected() {
    let server = start(|options| options.limits.ping_interval = Duration::from_millis(20)).await;
    let mut alive = server.socket().await;
    for _ in 0..5 {
        // Reading answers pings.
        assert!(matches!(alive.next().await.unwrap().unwrap(), Message::Ping(_)));
    }
    let mut dead = TcpStream::connect(server.address).await.unwrap();
    dead.write_all(handshake(server.address).as_bytes()).await.unwrap();
    let mut rest = Vec::new();
    tokio::time::timeout(Duration::from_secs(30), dead.read_to_end(&mut rest)).await.unwrap().unwrap();
}

#[tokio::test]
async fn slow_heads_and_bodies_time_out() {
    let server = start(|options| {
        options.limits.head_timeout = Duration::from_millis(50);
        options.limits.body_timeout = Duration::from_millis(50);
    })
    .await;
    let head = server.raw("GET /health HTTP/1.1\r\nHost:").await;
    assert!(head.is_empty() || head.starts_with("HTTP/1.1 408"), "{head}");
    let address = server.address;
    let body =
        server.raw(&format!("POST /rpc HTTP/1.1\r\nHost: {address}\r\nContent-Length: 9\r\n\r\n{{")).await;
    assert_status(&body, 408);
    let with_get = format!("GET /cgi-bin/token HTTP/1.1\r\nHost: {address}\r\nContent-Length: 9\r\n\r\n{{");
    assert_status(&server.raw(&with_get).await, 408);
    // The client sends no second request.
    let idle = server.raw(&format!("GET /health HTTP/1.1\r\nHost: {address}\r\n\r\n")).await;
    assert_status(&idle, 200);
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answer_frees_its_connection() {
    let server = start(|options| {
        options.limits.max_connections = 1;
        options.limits.send_timeout = Duration::from_millis(100);
    })
    .await;
    for _ in 0..500 {
        server.record(json!(vec!["x".repeat(8000); 5]));
    }
    let mut greedy = TcpStream::connect(server.address).await.unwrap();
    // More answers than the socket's buffers hold.
    let request = format!("GET /sim/journal HTTP/1.1\r\nHost: {}\r\n\r\n", server.address).repeat(20);
    greedy.write_all(request.as_bytes()).await.unwrap();
    let freed = async {
        while server.get("/health", "").await.starts_with("HTTP/1.1 503") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), freed).await.unwrap();
    drop(greedy);
}

#[tokio::test]
async fn bodies_are_limited_whatever_length_they_declare() {
    let server = start(|_| {}).await;
    let large = "x".repeat((1 << 20) + 1);
    assert_status(&server.request("POST", "/rpc", "", &large).await, 413);
    let address = server.address;
    let claimed =
        format!("POST /rpc HTTP/1.1\r\nHost: {address}\r\nContent-Length: 104857600\r\n\r\n{large}");
    assert_status(&server.raw(&claimed).await, 413);
}

/// A client that sends a part of a body of this length, and no more.
async fn slow_client(address: SocketAddr, length: usize) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("POST /rpc HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![b'x'; 100_000]).await.unwrap();
    stream
}

#[tokio::test]
async fn a_large_body_waits_for_room_and_a_small_one_does_not() {
    let server = start(|options| {
        options.limits.max_large_bytes = 1 << 20;
        options.limits.body_timeout = Duration::from_mins(1);
    })
    .await;
    let large = "x".repeat(1 << 20);
    let slow = slow_client(server.address, 1_000_000).await;
    // Until the server has read enough of the slow client's body, others are answered.
    let request = || server.request("POST", "/cgi-bin/token", "", &large);
    let all_room_is_taken =
        async { while tokio::time::timeout(Duration::from_millis(300), request()).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(30), all_room_is_taken).await.unwrap();
    assert_status(&server.get("/health", "").await, 200);
    assert_status(&server.request("POST", "/cgi-bin/token", "", "small").await, 200);
    drop(slow);
    assert_status(&request().await, 200);
}

#[tokio::test]
async fn a_body_takes_as_much_room_as_its_length_says() {
    let server = start(|options| {
        options.limits.max_large_bytes = 1 << 20;
        options.limits.body_timeout = Duration::from_mins(1);
    })
    .await;
    let mut slow = Vec::new();
    for _ in 0..4 {
        slow.push(slow_client(server.address, 200_000).await);
    }
    // For the server to read enough of the slow clients' bodies.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let fitting = "x".repeat(200_000);
    let answer = server.request("POST", "/cgi-bin/token", "", &fitting);
    assert_status(&tokio::time::timeout(Duration::from_secs(20), answer).await.unwrap(), 200);
}

#[tokio::test]
async fn a_large_body_that_finds_no_room_in_time_is_refused_with_the_limit() {
    let server = start(|options| {
        options.limits.max_large_bytes = 1 << 20;
        options.limits.body_timeout = Duration::from_secs(3);
    })
    .await;
    let large = "x".repeat(1 << 20);
    // The first takes the room for 3 seconds, and the second, which waits before the third, for 3 more.
    let mut slow = Vec::new();
    for _ in 0..2 {
        slow.push(slow_client(server.address, 1_000_000).await);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let refused = server.request("POST", "/cgi-bin/token", "", &large).await;
    assert_status(&refused, 503);
    assert!(refused.contains("together may have 1048576 bytes"), "{refused}");
}

#[tokio::test]
async fn clients_that_do_not_read_large_answers_do_not_keep_others_from_theirs() {
    let server = start(|options| {
        options.limits.max_large_bytes = 1 << 20;
        options.limits.send_timeout = Duration::from_millis(200);
    })
    .await;
    let mut stuck = Vec::new();
    for _ in 0..8 {
        let mut socket = server.socket().await;
        for id in 0..64 {
            // A client that is disconnected meanwhile cannot send.
            let _ = socket.send(call(id, "rpc.discover", json!({}))).await;
        }
        stuck.push(socket);
    }
    let mut reader = server.socket().await;
    reader.send(call(1, "rpc.discover", json!({}))).await.unwrap();
    assert_eq!(next(&mut reader).await["id"], 1);
    drop(stuck);
}

#[tokio::test]
async fn a_connection_above_the_limit_is_refused_until_another_one_closes() {
    let server = start(|options| options.limits.max_connections = 2).await;
    let (one, two) = (server.socket().await, server.socket().await);
    assert_status(&server.get("/health", "").await, 503);
    drop(one);
    let free = async {
        while server.get("/health", "").await.starts_with("HTTP/1.1 503") {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), free).await.unwrap();
    drop(two);
}
