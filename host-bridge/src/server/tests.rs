//! Tests with real sockets: who is admitted, what is limited, and how that affects other clients.

use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use soter_text::Text;
use soter_wechat::journal::{Origin, PendingCall};
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

mod admission;
mod bounds;
mod conversations;
mod languages;
mod paths;
mod tls;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

struct Running {
    address: SocketAddr,
    service: Arc<TestService>,
    journal: Arc<Journal>,
    notices: Arc<Mutex<Vec<Text>>>,
    stop: Option<oneshot::Sender<()>>,
    ended: tokio::task::JoinHandle<()>,
}

async fn start(change: impl FnOnce(&mut ServerOptions)) -> Running {
    let mut options = ServerOptions::new("127.0.0.1:0".parse().unwrap());
    change(&mut options);
    let server = Server::bind(options).await.unwrap();
    let (address, service) = (server.address(), Arc::new(TestService::default()));
    let (journal, notices) = (Arc::new(Journal::new()), Arc::new(Mutex::new(Vec::new())));
    let collected = Arc::clone(&notices);
    let services = Services {
        service: Arc::clone(&service),
        journal: Arc::clone(&journal),
        wechat: ["/admin", "/cgi-bin/token"].into_iter().fold(Router::new(), |router, path| {
            router.route(path, axum::routing::any(async |body: Bytes| body))
        }),
        page: Some(crate::page()),
        notices: Arc::new(move |notice| collected.lock().unwrap().push(notice)),
        health: Arc::new(|| Ok(())),
        attacker: false,
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let ended = tokio::spawn(server.run(services, async { drop(stopped.await) }));
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
        self.socket_at("/ws").await
    }

    async fn socket_at(&self, path: &str) -> Socket {
        connect_async(format!("ws://{}{path}", self.address)).await.unwrap().0
    }

    /// Records a call, as if a client had made it.
    fn record(&self, request: Value) {
        let call = PendingCall::begin(Origin::Rpc);
        self.journal.record(call.into_entry(0, "wx.login", request, Value::Null, None));
    }

    async fn end(mut self) {
        self.stop = None;
        tokio::time::timeout(Duration::from_secs(30), self.ended).await.unwrap().unwrap();
    }

    /// Waits until this many authentications are pending.
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

#[expect(clippy::needless_pass_by_value, reason = "callers build the value in place")]
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
