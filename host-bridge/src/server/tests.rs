//! Real sockets: who is let in, what is bounded, and what others notice of it.

use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::*;
use crate::Connection;
use crate::protocol::{ErrorKind, Event, device, sensor, wx};
use crate::test_service::TestService;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

struct Running {
    address: SocketAddr,
    service: Arc<TestService>,
    journal: Arc<Journal>,
    notices: Arc<Mutex<Vec<String>>>,
    stop: Option<oneshot::Sender<()>>,
    ended: tokio::task::JoinHandle<()>,
}

async fn start(change: impl FnOnce(&mut ServerOptions)) -> Running {
    let mut options = ServerOptions::on("127.0.0.1:0".parse().unwrap());
    change(&mut options);
    let server = Server::bind(options).await.unwrap();
    let (address, service) = (server.address(), Arc::new(TestService::default()));
    let (journal, notices) = (Arc::new(Journal::new()), Arc::new(Mutex::new(Vec::new())));
    let heard = Arc::clone(&notices);
    let rooms = Rooms {
        service: Arc::clone(&service),
        journal: Arc::clone(&journal),
        wechat: Router::new().route("/cgi-bin/token", axum::routing::any(async |body: Bytes| body)),
        page: Some(crate::page()),
        notices: Arc::new(move |notice: &str| heard.lock().unwrap().push(notice.to_owned())),
        attacker: false,
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let ended = tokio::spawn(server.run(rooms, async { drop(stopped.await) }));
    Running { address, service, journal, notices, stop: Some(stop), ended }
}

impl Running {
    /// Sends a request as it is and reads the whole answer.
    async fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut answer))
            .await
            .unwrap()
            .unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    async fn request(&self, method: &str, path: &str, headers: &str, body: &str) -> String {
        let (address, length) = (self.address, body.len());
        let host = if headers.starts_with("Host:") { String::new() } else { format!("Host: {address}\r\n") };
        self.raw(&format!(
            "{method} {path} HTTP/1.1\r\n{host}Connection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        ))
        .await
    }

    async fn get(&self, path: &str, headers: &str) -> String {
        self.request("GET", path, headers, "").await
    }

    async fn socket(&self) -> Socket {
        connect_async(format!("ws://{}/ws", self.address)).await.unwrap().0
    }

    async fn end(mut self) {
        self.stop = None;
        tokio::time::timeout(Duration::from_secs(30), self.ended).await.unwrap().unwrap();
    }

    /// Waits until so many authentications wait.
    async fn waiting(&self, number: usize) {
        let reached = async {
            while self.service.waiting.load(Ordering::SeqCst) != number {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), reached).await.unwrap();
    }
}

#[track_caller]
fn assert_status(answer: &str, status: u16) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
}

#[expect(clippy::needless_pass_by_value, reason = "it is made where it is passed")]
fn call(id: u64, method: &str, params: Value) -> Message {
    Message::text(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string())
}

async fn next(socket: &mut Socket) -> Value {
    loop {
        match tokio::time::timeout(Duration::from_secs(30), socket.next()).await.unwrap() {
            Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// The code with which the server closes.
async fn closed(socket: &mut Socket) -> Option<u16> {
    loop {
        match tokio::time::timeout(Duration::from_secs(30), socket.next()).await.unwrap() {
            Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code.into()),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return None,
        }
    }
}

#[tokio::test]
async fn paths_answer_and_unknown_ones_are_told() {
    let server = start(|_| {}).await;
    assert_status(&server.get("/health", "").await, 200);
    assert!(server.get("/health", "").await.contains(r#""status":"ok""#));
    assert!(server.get("/sim/journal?after=0&limit=5", "").await.ends_with(r#"{"entries":[],"last":0}"#));
    assert_status(&server.get("/sim/journal?after=x", "").await, 400);
    let unknown = server.get("/nowhere", "").await;
    assert_status(&unknown, 404);
    assert!(unknown.contains("/sim/journal"), "{unknown}");
    let wrong = server.get("/rpc", "").await;
    assert_status(&wrong, 405);
    assert!(wrong.to_ascii_lowercase().contains("\r\nallow: post"), "{wrong}");
    assert_status(&server.get("/ws", "").await, 426);
    assert_status(&server.request("POST", "/ws", "", "").await, 405);
    assert!(server.get("/", "").await.contains("<title>soter-sim</title>"));
    assert!(server.request("POST", "/sim/reset", "", "").await.ends_with(r#"{"device":"phone"}"#));
    assert_eq!(*server.service.resets.lock().unwrap(), 1);
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"device.list"}"#;
    assert!(server.request("POST", "/rpc", "", body).await.contains(r#""selected":"phone""#));
    let notification = r#"{"jsonrpc":"2.0","method":"device.list"}"#;
    assert_status(&server.request("POST", "/rpc", "", notification).await, 204);
    server.end().await;
}

#[tokio::test]
async fn only_loopback_names_and_allowed_ones_are_hosts() {
    let server = start(|options| options.allow_hosts = vec!["Phone.Test".to_owned()]).await;
    let port = server.address.port();
    for (host, path, status) in [
        (format!("127.0.0.1:{port}"), "/health", 200),
        (format!("LOCALHOST:{port}"), "/health", 200),
        (format!("[::1]:{port}"), "/health", 200),
        (format!("phone.test:{port}"), "/health", 200),
        ("phone.test".to_owned(), "/health", 200),
        ("api.weixin.qq.com".to_owned(), "/cgi-bin/token", 200),
        ("api.weixin.qq.com:443".to_owned(), "/cgi-bin/token", 200),
        ("api.weixin.qq.com".to_owned(), "/health", 403),
        ("evil.test".to_owned(), "/health", 403),
        (format!("127.0.0.1.evil.test:{port}"), "/health", 403),
        ("127.0.0.1:1".to_owned(), "/health", 403),
        ("127.0.0.1".to_owned(), "/health", 403),
    ] {
        let answer = server.get(path, &format!("Host: {host}\r\n")).await;
        assert_status(&answer, status);
        if status == 403 {
            assert!(answer.contains(&format!("--allow-host {host}")), "{answer}");
        }
    }
    assert!(server.notices.lock().unwrap().iter().any(|notice| notice.contains("--allow-host evil.test")));
    let own = format!("Host: 127.0.0.1:{port}\r\n");
    assert_status(&server.get("/health", &format!("{own}Host: evil.test\r\n")).await, 400);
    assert!(server.raw("GET /health HTTP/1.0\r\n\r\n").await.starts_with("HTTP/1.0 403 "));
}

#[tokio::test]
async fn only_the_own_page_and_allowed_origins_come_in() {
    let server = start(|options| options.allow_origins = vec!["http://localhost:10086".to_owned()]).await;
    let own = format!("Origin: http://127.0.0.1:{}\r\n", server.address.port());
    assert_status(&server.get("/health", &own).await, 200);
    let allowed = server.get("/health", "Origin: http://localhost:10086\r\n").await;
    assert_status(&allowed, 200);
    assert!(
        allowed.to_ascii_lowercase().contains("access-control-allow-origin: http://localhost:10086"),
        "{allowed}"
    );
    for origin in ["http://evil.test", "null", "https://127.0.0.1", "http://localhost:10087"] {
        let refused = server.get("/health", &format!("Origin: {origin}\r\n")).await;
        assert_status(&refused, 403);
        assert!(refused.contains(&format!("--allow-origin {origin}")), "{refused}");
    }
    let twice = "Origin: http://localhost:10086\r\nOrigin: http://evil.test\r\n";
    assert_status(&server.get("/health", twice).await, 400);
    let preflight = "Origin: http://localhost:10086\r\nAccess-Control-Request-Method: POST\r\n";
    assert_status(&server.request("OPTIONS", "/rpc", preflight, "").await, 204);
    let foreign = "Origin: http://evil.test\r\nAccess-Control-Request-Method: POST\r\n";
    assert_status(&server.request("OPTIONS", "/rpc", foreign, "").await, 403);
}

#[tokio::test]
async fn a_refusal_prints_only_flags_that_are_taken_and_that_no_shell_reads_as_more() {
    let server = start(|_| {}).await;
    for value in ["$(reboot).test", "a;reboot", "`reboot`.test", "a b", "user@127.0.0.1", "\u{e9}", "a'b", ""]
    {
        let answers = [
            server.get("/health", &format!("Host: {value}\r\n")).await,
            server.get("/health", &format!("Origin: {value}\r\n")).await,
            server.get("/health", &format!("Origin: http://{value}\r\n")).await,
        ];
        for answer in answers {
            assert_status(&answer, 403);
            assert!(!answer.contains("--allow"), "{answer}");
        }
    }
    assert!(server.notices.lock().unwrap().is_empty());
    for origin in ["null", "file://", "tauri://localhost", "http://[::1]:10086"] {
        let refused = server.get("/health", &format!("Origin: {origin}\r\n")).await;
        assert!(refused.contains(&format!("--allow-origin {origin}\"")), "{refused}");
        let server = start(|options| options.allow_origins = vec![origin.to_owned()]).await;
        assert_status(&server.get("/health", &format!("Origin: {origin}\r\n")).await, 200);
    }
}

#[tokio::test]
async fn a_page_elsewhere_cannot_ask_without_naming_itself() {
    let server = start(|options| options.allow_origins = vec!["http://localhost:10086".to_owned()]).await;
    let origin = "Origin: http://localhost:10086\r\n";
    for (path, site, mode, dest, more, status) in [
        ("/cgi-bin/token", "cross-site", "no-cors", "image", "", 403),
        ("/cgi-bin/token", "same-site", "no-cors", "script", "", 403),
        ("/cgi-bin/token", "cross-site", "navigate", "document", "", 403),
        ("/", "cross-site", "navigate", "iframe", "", 403),
        ("/", "cross-site", "navigate", "document", "", 200),
        ("/", "same-origin", "no-cors", "script", "", 200),
        ("/cgi-bin/token", "none", "navigate", "document", "", 200),
        ("/cgi-bin/token", "same-site", "cors", "empty", origin, 200),
    ] {
        let fetch =
            format!("Sec-Fetch-Site: {site}\r\nSec-Fetch-Mode: {mode}\r\nSec-Fetch-Dest: {dest}\r\n{more}");
        assert_status(&server.get(path, &fetch).await, status);
    }
}

#[tokio::test]
async fn a_whole_address_counts_more_than_the_host_header() {
    let server = start(|_| {}).await;
    let own = server.address;
    for (address, host, status) in [
        (own.to_string(), own.to_string(), 200),
        (own.to_string(), "evil.test".to_owned(), 200),
        ("evil.test".to_owned(), own.to_string(), 403),
        (format!("user@{own}"), own.to_string(), 403),
    ] {
        let request =
            format!("GET http://{address}/health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        assert_status(&server.raw(&request).await, status);
    }
}

#[tokio::test]
async fn a_token_is_wanted_everywhere_but_on_wechats_paths_and_for_health() {
    const TOKEN: &str = "0123456789abcdef0123456789abcdef";
    let server = start(|options| options.token = Some(TOKEN.into())).await;
    for path in ["/", "/sim/journal", "/ws", "/nowhere"] {
        assert_status(&server.get(path, "").await, 401);
        assert_status(&server.get(&format!("{path}?token=wrong"), "").await, 401);
    }
    assert_status(&server.get("/health", "").await, 200);
    assert_status(&server.get("/cgi-bin/token", "").await, 200);
    assert_status(&server.get("/sim/journal", &format!("Authorization: Bearer {TOKEN}\r\n")).await, 200);
    assert_status(&server.get("/sim/journal", &format!("Authorization: bearer {TOKEN}\r\n")).await, 200);
    assert_status(&server.get(&format!("/sim/journal?token={TOKEN}"), "").await, 200);
    let url = format!("http://{}", server.address);
    let error = Connection::open(&url).await.unwrap_err();
    assert!(error.next.contains("?token="), "{error:?}");
    Connection::open(&format!("{url}?token={TOKEN}")).await.unwrap();
    let wrong = Connection::open(&format!("{url}?token=wrong-and-secret")).await.unwrap_err();
    assert!(!format!("{wrong:?}").contains("wrong-and-secret"), "{wrong:?}");
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_can_read_that_its_token_is_missing() {
    let server = start(|options| {
        options.token = Some("0123456789abcdef".into());
        options.allow_origins = vec!["http://localhost:10086".to_owned()];
    })
    .await;
    let refused = server.get("/sim/journal", "Origin: http://localhost:10086\r\n").await;
    assert_status(&refused, 401);
    assert!(refused.contains("access-control-allow-origin: http://localhost:10086"), "{refused}");
}

#[tokio::test]
async fn another_address_than_loopback_needs_a_token() {
    let error = Server::bind(ServerOptions::on("0.0.0.0:0".parse().unwrap())).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidParams);
    assert!(error.next.contains("--token-file"), "{error:?}");
    let options =
        ServerOptions { token: Some("x".into()), ..ServerOptions::on("0.0.0.0:0".parse().unwrap()) };
    assert!(Server::bind(options).await.unwrap().url().starts_with("http://127.0.0.1:"));
    let empty = ServerOptions { token: Some("".into()), ..ServerOptions::on("0.0.0.0:0".parse().unwrap()) };
    assert_eq!(Server::bind(empty).await.unwrap_err().kind, ErrorKind::InvalidParams);
}

#[tokio::test]
async fn a_port_that_is_taken_and_values_that_are_none_are_told() {
    let server = start(|_| {}).await;
    let error = Server::bind(ServerOptions::on(server.address)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Environment);
    assert!(error.what.contains(&server.address.to_string()) && error.next.contains("--listen"));
    for origin in ["*", "localhost", "http://a/b", "http://*"] {
        let mut options = ServerOptions::on("127.0.0.1:0".parse().unwrap());
        options.allow_origins = vec![origin.to_owned()];
        assert!(Server::bind(options).await.is_err(), "{origin}");
    }
}

#[tokio::test]
async fn a_client_drives_the_service_and_hears_events() {
    let server = start(|_| {}).await;
    let connection = Connection::open(&format!("http://{}/", server.address)).await.unwrap();
    assert_eq!(connection.request(None, device::List {}).await.unwrap().selected, "phone");
    let error = connection.request(Some("other"), device::List {}).await.unwrap_err();
    assert_eq!((error.kind, error.next.as_str()), (ErrorKind::UnknownDevice, "devices: phone"));
    let mut events = connection.events();
    connection.request(None, device::List {}).await.unwrap();
    server.service.events.send(TestService::event(90010)).unwrap();
    assert!(matches!(events.recv().await.unwrap(), Event::Refused { code: 90010, .. }));

    let waits = tokio::spawn({
        let connection = connection.clone();
        async move { connection.request(None, wx::StartSoterAuthentication::default()).await }
    });
    server.waiting(1).await;
    connection.request(None, sensor::Cancel {}).await.unwrap();
    assert_eq!(waits.await.unwrap().unwrap().err_code, 90008);

    server.end().await;
    let error = connection.request(None, device::List {}).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Environment);
    let gone = Connection::open("http://127.0.0.1:1").await.unwrap_err();
    assert!(gone.next.contains("soter-sim serve"), "{gone:?}");
}

#[tokio::test]
async fn a_disconnect_gives_up_the_own_calls_alone() {
    let server = start(|_| {}).await;
    let (mut one, mut other) = (server.socket().await, server.socket().await);
    one.send(call(1, "wx.startSoterAuthentication", json!({}))).await.unwrap();
    other.send(call(1, "wx.startSoterAuthentication", json!({}))).await.unwrap();
    server.waiting(2).await;
    drop(one);
    server.waiting(1).await;
    other.send(call(2, "sensor.cancel", json!({}))).await.unwrap();
    let answers = [next(&mut other).await, next(&mut other).await];
    assert!(answers.iter().any(|answer| answer["result"]["errCode"] == 90008), "{answers:?}");
}

#[tokio::test]
async fn a_request_whose_client_goes_away_is_given_up() {
    let server = start(|_| {}).await;
    let body = call(1, "wx.startSoterAuthentication", json!({})).to_string();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!("POST /rpc HTTP/1.1\r\nHost: {}\r\nContent-Length: {}", server.address, body.len());
    stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await.unwrap();
    server.waiting(1).await;
    drop(stream);
    server.waiting(0).await;
}

#[tokio::test]
async fn a_call_that_a_client_drops_is_cancelled_and_the_connection_goes_on() {
    let server = start(|_| {}).await;
    let connection = Connection::open(&format!("http://{}", server.address)).await.unwrap();
    let other = connection.clone();
    let stays = tokio::spawn(async move {
        other.request(None, wx::StartSoterAuthentication::default()).await.unwrap().err_code
    });
    server.waiting(1).await;
    let dropped = tokio::spawn({
        let connection = connection.clone();
        async move { connection.request(None, wx::StartSoterAuthentication::default()).await }
    });
    server.waiting(2).await;
    dropped.abort();
    server.waiting(1).await;
    connection.request(None, sensor::Cancel {}).await.unwrap();
    assert_eq!(stays.await.unwrap(), 90008);
}

#[tokio::test]
async fn cancelling_is_possible_when_no_more_calls_are_taken() {
    let server = start(|options| options.limits.pending = 2).await;
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
async fn calls_of_a_client_that_reads_nothing_go_on() {
    let server = start(|options| options.limits.send_time = Duration::from_mins(1)).await;
    let mut stuck = server.socket().await;
    stuck.send(call(1, "events.subscribe", json!({}))).await.unwrap();
    next(&mut stuck).await;
    stuck.send(call(2, "wx.startSoterAuthentication", json!({}))).await.unwrap();
    server.waiting(1).await;
    // More than the socket's buffers take; what the server keeps back is bounded, so some of it is missed.
    let mut event = TestService::event(1);
    if let Event::Refused { reason, .. } = &mut event {
        *reason = "x".repeat(60_000);
    }
    for _ in 0..1000 {
        server.service.events.send(event.clone()).unwrap();
        tokio::task::yield_now().await;
    }
    let mut other = server.socket().await;
    other.send(call(1, "sensor.cancel", json!({}))).await.unwrap();
    assert_eq!(next(&mut other).await["result"], json!({}));
    // The call of the stuck client ends, although nobody has read its answer yet.
    server.waiting(0).await;
    let mut heard = next(&mut stuck).await;
    while heard["id"] != 2 {
        heard = next(&mut stuck).await;
    }
    assert_eq!(heard["result"]["errCode"], 90008);
}

#[tokio::test]
async fn a_client_that_sends_and_never_reads_is_not_heard_without_end() {
    let server = start(|options| options.limits.send_time = Duration::from_millis(100)).await;
    let mut socket = server.socket().await;
    let flood = async {
        // Each answer is far longer than its call.
        while socket.feed(call(1, "rpc.discover", json!({}))).await.is_ok() {}
    };
    tokio::time::timeout(Duration::from_secs(30), flood).await.unwrap();
    assert_status(&server.get("/health", "").await, 200);
}

#[tokio::test]
async fn pending_calls_are_bounded_and_the_others_go_on() {
    let server = start(|options| options.limits.pending = 3).await;
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
async fn subscribers_hear_what_they_asked_for_and_nothing_else() {
    let server = start(|_| {}).await;
    let mut socket = server.socket().await;
    server.service.events.send(TestService::event(1)).unwrap_err();
    socket.send(call(1, "events.subscribe", json!({"topics": ["phone", "journal"]}))).await.unwrap();
    assert_eq!(next(&mut socket).await["result"], json!({}));
    socket.send(call(2, "wx.checkIsSupportSoterAuthentication", json!({}))).await.unwrap();
    let (mut answered, mut written) = (false, false);
    while !(answered && written) {
        let heard = next(&mut socket).await;
        answered |= heard["id"] == 2;
        written |=
            heard["method"] == "journal" && heard["params"]["call"] == "wx.checkIsSupportSoterAuthentication";
    }
    server.service.events.send(TestService::event(2)).unwrap();
    let event = next(&mut socket).await;
    assert_eq!((&event["method"], &event["params"]["code"]), (&json!("event"), &json!(2)));
    socket.send(call(3, "events.unsubscribe", json!({}))).await.unwrap();
    assert_eq!(next(&mut socket).await["id"], 3);
    let _ = server.service.events.send(TestService::event(3));
    socket.send(call(4, "device.list", json!({}))).await.unwrap();
    assert_eq!(next(&mut socket).await["id"], 4);
}

#[tokio::test]
async fn a_subscriber_that_lags_is_told_how_much_it_missed() {
    let server = start(|_| {}).await;
    let mut socket = server.socket().await;
    socket.send(call(1, "events.subscribe", json!({}))).await.unwrap();
    next(&mut socket).await;
    // More at once than are kept: nothing yields in between.
    for code in 0..10_000 {
        server.service.events.send(TestService::event(code)).unwrap();
    }
    let lagged = next(&mut socket).await;
    assert_eq!(lagged["method"], "events.lagged");
    assert!(lagged["params"]["missed"].as_u64().unwrap() >= 5_000, "{lagged}");
    assert_eq!(next(&mut socket).await["method"], "event");
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_disconnected() {
    let server = start(|options| options.limits.send_time = Duration::from_millis(100)).await;
    let mut socket = server.socket().await;
    socket.send(call(1, "events.subscribe", json!({}))).await.unwrap();
    next(&mut socket).await;
    // The socket's buffers fill up while the client reads nothing; the server then drops its subscription.
    let mut event = TestService::event(1);
    if let Event::Refused { reason, .. } = &mut event {
        *reason = "x".repeat(60_000);
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
async fn frames_that_are_none_of_ours_end_the_connection_with_their_code() {
    let server = start(|options| options.limits.message = 1000).await;
    let mut binary = server.socket().await;
    binary.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(closed(&mut binary).await, Some(1003));
    let mut large = server.socket().await;
    large.send(Message::text("x".repeat(2000))).await.unwrap();
    assert_eq!(closed(&mut large).await, Some(1009));
    let mut malformed = server.socket().await;
    // A frame with a reserved bit, straight into the stream.
    let MaybeTlsStream::Plain(stream) = malformed.get_mut() else { panic!("no plain stream") };
    stream.write_all(&[0xF1, 0x80, 0, 0, 0, 0]).await.unwrap();
    assert_eq!(closed(&mut malformed).await, Some(1002));
    let mut not_text = server.socket().await;
    // A text frame, masked with zeros, whose one byte begins no character.
    let MaybeTlsStream::Plain(stream) = not_text.get_mut() else { panic!("no plain stream") };
    stream.write_all(&[0x81, 0x81, 0, 0, 0, 0, 0xFF]).await.unwrap();
    assert_eq!(closed(&mut not_text).await, Some(1007));
    assert_status(&server.get("/health", "").await, 200);
}

#[tokio::test]
async fn a_client_that_closes_hears_the_answer_to_its_good_bye() {
    let server = start(|_| {}).await;
    for pending in [false, true] {
        let mut socket = server.socket().await;
        if pending {
            socket.send(call(1, "wx.startSoterAuthentication", json!({}))).await.unwrap();
            server.waiting(1).await;
        }
        let good_bye = CloseFrame { code: CloseCode::Normal, reason: "done".into() };
        socket.close(Some(good_bye)).await.unwrap();
        assert_eq!(closed(&mut socket).await, Some(1000));
        assert!(socket.next().await.is_none());
        server.waiting(0).await;
    }
}

#[tokio::test]
async fn a_quiet_client_is_pinged_and_a_dead_one_is_disconnected() {
    let server = start(|options| options.limits.ping = Duration::from_millis(20)).await;
    let mut alive = server.socket().await;
    for _ in 0..5 {
        // Reading answers pings.
        assert!(matches!(alive.next().await.unwrap().unwrap(), Message::Ping(_)));
    }
    let mut dead = TcpStream::connect(server.address).await.unwrap();
    let handshake = format!(
        "GET /ws HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        server.address
    );
    dead.write_all(handshake.as_bytes()).await.unwrap();
    let mut rest = Vec::new();
    tokio::time::timeout(Duration::from_secs(30), dead.read_to_end(&mut rest)).await.unwrap().unwrap();
}

#[tokio::test]
async fn slow_heads_and_bodies_are_cut_off() {
    let server = start(|options| {
        options.limits.head_time = Duration::from_millis(50);
        options.limits.body_time = Duration::from_millis(50);
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
    // A second request that never comes.
    let idle = server.raw(&format!("GET /health HTTP/1.1\r\nHost: {address}\r\n\r\n")).await;
    assert_status(&idle, 200);
}

#[tokio::test]
async fn a_client_that_does_not_take_its_answer_gives_its_place_back() {
    let server = start(|options| {
        options.limits.connections = 1;
        options.limits.send_time = Duration::from_millis(100);
    })
    .await;
    for _ in 0..500 {
        server.journal.record(crate::journal::NewEntry {
            at: 0,
            door: crate::journal::Door::Rpc,
            call: "x".to_owned(),
            request: json!(vec!["x".repeat(8000); 5]).into(),
            answer: Value::Null.into(),
            judgement: None,
            microseconds: 0,
        });
    }
    let mut greedy = TcpStream::connect(server.address).await.unwrap();
    // More answers than the socket's buffers take.
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
async fn bodies_are_bounded_whatever_they_claim() {
    let server = start(|_| {}).await;
    let large = "x".repeat((1 << 20) + 1);
    assert_status(&server.request("POST", "/rpc", "", &large).await, 413);
    let address = server.address;
    let claimed =
        format!("POST /rpc HTTP/1.1\r\nHost: {address}\r\nContent-Length: 104857600\r\n\r\n{large}");
    assert_status(&server.raw(&claimed).await, 413);
}

#[tokio::test]
async fn one_connection_too_many_is_told_so_and_a_place_that_gets_free_is_taken() {
    let server = start(|options| options.limits.connections = 2).await;
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

#[tokio::test]
async fn a_panic_in_one_request_leaves_the_others_alone() {
    let server = start(|_| {}).await;
    let mut bystander = server.socket().await;
    let body = call(1, "wx.startSoterAuthentication", json!({"challenge": "panic"})).to_string();
    assert_status(&server.request("POST", "/rpc", "", &body).await, 500);
    let mut socket = server.socket().await;
    socket.send(call(1, "wx.startSoterAuthentication", json!({"challenge": "panic"}))).await.unwrap();
    assert_eq!(closed(&mut socket).await, None);
    bystander.send(call(1, "device.list", json!({}))).await.unwrap();
    assert_eq!(next(&mut bystander).await["id"], 1);
}

#[tokio::test]
async fn a_stop_answers_what_it_can_and_says_good_bye() {
    let server = start(|options| options.limits.drain = Duration::from_millis(400)).await;
    let mut socket = server.socket().await;
    socket.send(call(1, "device.list", json!({}))).await.unwrap();
    next(&mut socket).await;
    // Nobody touches any more.
    socket.send(call(2, "wx.startSoterAuthentication", json!({}))).await.unwrap();
    server.waiting(1).await;
    let (address, service) = (server.address, Arc::clone(&server.service));
    let ending = tokio::spawn(server.end());
    assert_eq!(closed(&mut socket).await, Some(1001));
    ending.await.unwrap();
    assert_eq!(service.waiting.load(Ordering::SeqCst), 0);
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere_and_its_files_need_no_token() {
    let server = start(|options| options.token = Some("correct horse battery".into())).await;
    assert_status(&server.get("/", "").await, 401);
    let index = server.get("/?token=correct%20horse%20battery", "").await;
    assert_status(&index, 200);
    let policy = "content-security-policy: default-src 'none'; script-src 'self';";
    assert!(index.contains(policy) && !index.contains("unsafe"), "{index}");
    // Whatever the page names is there, and nothing of it is at another address.
    let named: Vec<&str> =
        index.split('"').filter(|text| text.starts_with("/page/") || text.contains("//")).collect();
    assert!(named.len() >= 4, "{named:?}");
    for path in named {
        let file = server.get(path, "").await;
        assert_status(&file, 200);
        assert!(file.contains("x-content-type-options: nosniff"), "{path}: {file}");
        let (_, rest) = file.split_once("\r\netag: ").unwrap();
        let tag = rest.lines().next().unwrap();
        assert_status(&server.get(path, &format!("If-None-Match: {tag}\r\n")).await, 304);
    }
    assert_status(&server.get("/page/../Cargo.toml", "").await, 404);
    assert_status(&server.get("/page/none.js", "").await, 404);
}

#[tokio::test]
async fn the_journals_newest_number_is_told_seldom_however_many_calls_come() {
    let server = start(|_| {}).await;
    let mut socket = server.socket().await;
    socket.send(call(1, "events.subscribe", json!({"topics": ["journal.head"]}))).await.unwrap();
    assert_eq!(next(&mut socket).await["result"], json!({}));
    let told = next(&mut socket).await;
    assert_eq!((&told["method"], &told["params"]), (&json!("journal.head"), &json!({"last": 0})));
    for _ in 0..5000 {
        server.journal.record(crate::journal::NewEntry {
            at: 0,
            door: crate::journal::Door::Rpc,
            call: "wx.login".to_owned(),
            request: Value::Null.into(),
            answer: Value::Null.into(),
            judgement: None,
            microseconds: 0,
        });
    }
    let mut told = 0;
    let mut number = Value::Null;
    while number != 5000 {
        number = next(&mut socket).await["params"]["last"].clone();
        told += 1;
    }
    assert!(told <= 2, "{told} times");
    let answer = server.get("/sim/journal?before=4000&limit=2", "").await;
    assert!(answer.contains(r#"{"number":3998,"#) && answer.contains(r#""last":3999}"#), "{answer}");
}
