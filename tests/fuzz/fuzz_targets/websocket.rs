//! A server on a real socket: after the handshake of a WebSocket, any bytes are answered until one side closes, and the next
//! client is served.
#![no_main]
#![expect(clippy::unwrap_used, reason = "an error here is a finding")]

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use libfuzzer_sys::fuzz_target;
use soter_bridge::protocol::{Call, CommandError, Event, Response, Service};
use soter_bridge::server::{Server, ServerOptions, Services};
use soter_text::Text;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::broadcast;

/// A service that answers every call at once, and sends an event for it.
struct Echo(broadcast::Sender<Event>);

impl Service for Echo {
    async fn call(&self, call: Call) -> Result<Response, CommandError> {
        // There may be no subscriber.
        let _ = self.0.send(Event::Notice { text: Text::verbatim(call.request.method()) });
        Err(CommandError::environment(Text::verbatim(call.request.method()), Text::verbatim("nothing")))
    }

    fn events(&self) -> broadcast::Receiver<Event> {
        self.0.subscribe()
    }
}

static SERVER: LazyLock<(Runtime, SocketAddr)> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let address = runtime.block_on(async {
        let server = Server::bind(ServerOptions::new("127.0.0.1:0".parse().unwrap())).await.unwrap();
        let address = server.address();
        let services = Services {
            service: Arc::new(Echo(broadcast::channel(16).0)),
            journal: Arc::default(),
            wechat: Router::new(),
            page: None,
            notices: Arc::new(|_| {}),
            health: Arc::new(|| Ok(())),
            attacker: false,
        };
        tokio::spawn(server.run(services, std::future::pending()));
        address
    });
    (runtime, address)
});

async fn converse(address: SocketAddr, bytes: &[u8]) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let handshake = format!(
        "GET /ws HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(handshake.as_bytes()).await.unwrap();
    let mut start = [0; 12];
    stream.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 101");
    // The server may close while this is written.
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
}

fuzz_target!(|bytes: &[u8]| {
    let (runtime, address) = &*SERVER;
    runtime.block_on(async {
        let ended = tokio::time::timeout(Duration::from_secs(20), converse(*address, bytes)).await;
        assert!(ended.is_ok(), "the connection stays open");
    });
});
