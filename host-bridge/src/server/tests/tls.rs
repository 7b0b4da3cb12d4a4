//! TLS for WeChat's hosts: on the same port, by CONNECT, and on a port of its own.

use soter_wechat::API_HOSTS;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::*;
use crate::{CertificateAuthority, download};

/// A server with TLS, and its authority.
async fn start_with_tls(change: impl FnOnce(&mut ServerOptions)) -> (Running, Arc<CertificateAuthority>) {
    let authority = Arc::new(CertificateAuthority::generate().unwrap());
    let tls = Some(TlsOptions { authority: Arc::clone(&authority), listen: None });
    let server = start(|options| {
        options.tls = tls;
        change(options);
    });
    (server.await, authority)
}

/// A client that trusts this authority and no other.
fn client(authority: &CertificateAuthority) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_slice(authority.der())).unwrap();
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

async fn shake_hands(
    stream: TcpStream,
    config: ClientConfig,
    host: &'static str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let connector = TlsConnector::from(Arc::new(config));
    let handshake = connector.connect(ServerName::try_from(host).unwrap(), stream);
    tokio::time::timeout(Duration::from_secs(30), handshake).await.unwrap()
}

impl Running {
    /// Sends CONNECT, and reads the head of the answer.
    async fn connect(&self, target: &str) -> (TcpStream, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(format!("CONNECT {target} HTTP/1.1\r\n\r\n").as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        (stream, String::from_utf8(head).unwrap())
    }

    fn notices(&self) -> Vec<String> {
        self.notices.lock().unwrap().iter().map(|notice| notice.english().to_owned()).collect()
    }

    /// Waits until a person was told this.
    async fn told(&self, part: &str) {
        let told = async {
            while !self.notices().iter().any(|notice| notice.contains(part)) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), told)
            .await
            .unwrap_or_else(|_| panic!("{:?}", self.notices()));
    }
}

async fn ask(stream: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin), request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    String::from_utf8(answer).unwrap()
}

const ASK_TOKEN: &str = "POST /cgi-bin/token HTTP/1.1\r\nHost: api.weixin.qq.com\r\nConnection: close\r\nContent-Length: 5\r\n\r\nasked";

#[tokio::test]
async fn wechats_paths_are_served_by_tls_on_the_same_port_and_through_connect() {
    let (server, authority) = start_with_tls(|_| {}).await;
    for host in API_HOSTS {
        let direct = TcpStream::connect(server.address).await.unwrap();
        let (tunnel, head) = server.connect(&format!("{}:443", host.to_ascii_uppercase())).await;
        assert_status(&head, 200);
        for stream in [direct, tunnel] {
            let mut stream = shake_hands(stream, client(&authority), host).await.unwrap();
            let answer = ask(&mut stream, &ASK_TOKEN.replace("api.weixin.qq.com", host)).await;
            assert_status(&answer, 200);
            assert!(answer.ends_with("asked"), "{answer}");
        }
    }
    assert_status(&server.get("/health", "").await, 200);
}

#[tokio::test]
async fn a_tls_connection_is_kept_and_admits_the_same_requests_as_http() {
    let (server, authority) = start_with_tls(|_| {}).await;
    let stream = TcpStream::connect(server.address).await.unwrap();
    let mut stream = shake_hands(stream, client(&authority), "api.weixin.qq.com").await.unwrap();
    let request = "GET /health HTTP/1.1\r\nHost: api.weixin.qq.com\r\n\r\n";
    let answer = ask(&mut stream, &format!("{request}{request}{ASK_TOKEN}")).await;
    assert_eq!(answer.matches("HTTP/1.1 403 Forbidden").count(), 2, "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 1, "{answer}");
}

#[tokio::test]
async fn full_addresses_are_answered_in_the_clear_whatever_their_scheme() {
    let server = start(|_| {}).await;
    for scheme in ["http", "https"] {
        let target = format!("{scheme}://api.weixin.qq.com/cgi-bin/token");
        let answer = server.request("POST", &target, "Host: api.weixin.qq.com\r\n", "asked").await;
        assert_status(&answer, 200);
        assert!(answer.ends_with("asked"), "{answer}");
    }
}

#[tokio::test]
async fn a_client_without_a_host_name_is_served_and_one_that_wants_another_host_is_not() {
    let (server, authority) = start_with_tls(|_| {}).await;
    let mut nameless = client(&authority);
    nameless.enable_sni = false;
    let stream = TcpStream::connect(server.address).await.unwrap();
    let mut stream = shake_hands(stream, nameless, "api.weixin.qq.com").await.unwrap();
    assert_status(&ask(&mut stream, ASK_TOKEN).await, 200);
    let stream = TcpStream::connect(server.address).await.unwrap();
    assert!(shake_hands(stream, client(&authority), "api.mch.weixin.qq.com").await.is_err());
    server.told("a client wants TLS with api.mch.weixin.qq.com").await;
}

#[tokio::test]
async fn a_client_that_trusts_another_authority_is_told_of_the_right_one() {
    let (server, _) = start_with_tls(|_| {}).await;
    let other = CertificateAuthority::generate().unwrap();
    let stream = TcpStream::connect(server.address).await.unwrap();
    assert!(shake_hands(stream, client(&other), "api.weixin.qq.com").await.is_err());
    server.told("let it trust the CA that `soter-sim ca --export DIR` writes").await;
}

#[tokio::test]
async fn a_tunnel_to_elsewhere_is_refused_with_what_to_do() {
    let (server, _) = start_with_tls(|_| {}).await;
    for (target, status, part) in [
        ("registry.example:443", 403, "put registry.example into NO_PROXY"),
        ("xapi.weixin.qq.com:443", 403, "put xapi.weixin.qq.com into NO_PROXY"),
        ("api.weixin.qq.com.example:443", 403, "put api.weixin.qq.com.example into NO_PROXY"),
        ("127.0.0.1:443", 403, "put 127.0.0.1 into NO_PROXY"),
        ("api.weixin.qq.com.:80", 403, "there is TLS at port 443 only"),
        ("[::1]:443", 403, "put [::1] into NO_PROXY"),
        ("api.weixin.qq.com:4430", 403, "there is TLS at port 443 only"),
        ("user@api.weixin.qq.com:443", 400, "names no host"),
        ("$(reboot):443", 400, ""),
        ("/cgi-bin/token", 400, ""),
        ("https://api.weixin.qq.com/", 403, "there is TLS at port 443 only"),
    ] {
        let answer = server.raw(&format!("CONNECT {target} HTTP/1.1\r\nConnection: close\r\n\r\n")).await;
        assert_status(&answer, status);
        assert!(answer.contains(part), "{target}: {answer}");
    }
    assert!(server.notices().iter().all(|notice| !notice.contains('$')), "{:?}", server.notices());
}

#[tokio::test]
async fn a_tunnel_in_a_tunnel_is_refused() {
    let (server, authority) = start_with_tls(|_| {}).await;
    let (stream, _) = server.connect("api.weixin.qq.com:443").await;
    let mut stream = shake_hands(stream, client(&authority), "api.weixin.qq.com").await.unwrap();
    stream.write_all(b"CONNECT api.weixin.qq.com:443 HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        answer.push(stream.read_u8().await.unwrap());
    }
    let answer = String::from_utf8(answer).unwrap();
    assert_status(&answer, 403);
    assert!(answer.contains("has TLS already"), "{answer}");
}

#[tokio::test]
async fn without_tls_connect_and_handshakes_say_how_to_start_it() {
    let server = start(|_| {}).await;
    let answer = server.raw("CONNECT api.weixin.qq.com:443 HTTP/1.1\r\nConnection: close\r\n\r\n").await;
    assert_status(&answer, 403);
    assert!(answer.contains("start with --tls"), "{answer}");
    let authority = CertificateAuthority::generate().unwrap();
    let stream = TcpStream::connect(server.address).await.unwrap();
    assert!(shake_hands(stream, client(&authority), "api.weixin.qq.com").await.is_err());
    server.told("a client begins TLS").await;
    let error = download(&format!("http://{}", server.address), ServerPath::CaCertificate).await.unwrap_err();
    assert_eq!(error.next, "start it with --tls");
}

#[tokio::test]
async fn clients_that_stall_in_the_handshake_are_ended_and_leave_room_for_others() {
    let (server, authority) = start_with_tls(|options| {
        options.limits.head_timeout = Duration::from_millis(300);
        options.limits.max_connections = 8;
    })
    .await;
    let mut stalled = Vec::new();
    for beginning in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00", b"\x16\xff\xff\xff\xff\xff"] {
        let mut direct = TcpStream::connect(server.address).await.unwrap();
        direct.write_all(beginning).await.unwrap();
        let (mut tunnel, head) = server.connect("api.weixin.qq.com:443").await;
        assert_status(&head, 200);
        tunnel.write_all(beginning).await.unwrap();
        stalled.extend([direct, tunnel]);
    }
    for mut stream in stalled {
        // An alert may come before the end, or a reset.
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut rest)).await;
        assert!(ended.is_ok());
    }
    let stream = TcpStream::connect(server.address).await.unwrap();
    let mut stream = shake_hands(stream, client(&authority), "api.weixin.qq.com").await.unwrap();
    assert_status(&ask(&mut stream, ASK_TOKEN).await, 200);
}

#[tokio::test]
async fn a_tunnel_takes_one_of_the_places_for_connections_until_it_ends() {
    let (server, authority) = start_with_tls(|options| options.limits.max_connections = 1).await;
    let (stream, _) = server.connect("api.weixin.qq.com:443").await;
    let mut stream = shake_hands(stream, client(&authority), "api.weixin.qq.com").await.unwrap();
    assert_status(&server.get("/health", "").await, 503);
    assert_status(&ask(&mut stream, ASK_TOKEN).await, 200);
    drop(stream);
    let freed = async {
        while !server.get("/health", "").await.starts_with("HTTP/1.1 200") {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), freed).await.unwrap();
}

#[tokio::test]
async fn a_server_that_stops_ends_tunnels() {
    let (server, authority) = start_with_tls(|_| {}).await;
    let (stream, _) = server.connect("api.weixin.qq.com:443").await;
    let mut stream = shake_hands(stream, client(&authority), "api.weixin.qq.com").await.unwrap();
    // The client has ended the handshake before the server.
    stream.write_all(ASK_TOKEN.replace("close", "keep-alive").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"asked") {
        answer.push(stream.read_u8().await.unwrap());
    }
    server.end().await;
    let mut rest = Vec::new();
    tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut rest)).await.unwrap().unwrap();
    assert!(rest.is_empty());
}

#[tokio::test]
async fn the_certificate_of_the_authority_can_be_downloaded_without_its_key() {
    let (server, authority) =
        start_with_tls(|options| options.token = Some("sixteen-or-more-characters".into())).await;
    let url = format!("http://{}", server.address);
    let error = download(&url, ServerPath::CaCertificate).await.unwrap_err();
    assert!(error.what.english().contains("wants its token"), "{error:?}");
    let url = format!("{url}?token=sixteen-or-more-characters");
    let pem = download(&url, ServerPath::CaCertificate).await.unwrap();
    assert_eq!(String::from_utf8(pem).unwrap(), authority.to_pem());
}

#[tokio::test]
async fn another_port_serves_tls_beside_the_main_one() {
    let authority = Arc::new(CertificateAuthority::generate().unwrap());
    let any = "127.0.0.1:0".parse().unwrap();
    let tls = Some(TlsOptions { authority, listen: Some(any) });
    let server = Server::bind(ServerOptions { tls, ..ServerOptions::new(any) }).await.unwrap();
    assert_ne!(server.tls_address().unwrap(), server.address());
    let beyond = "0.0.0.0:0".parse().unwrap();
    let authority = Arc::new(CertificateAuthority::generate().unwrap());
    let tls = Some(TlsOptions { authority, listen: Some(beyond) });
    let error = Server::bind(ServerOptions { tls, ..ServerOptions::new(any) }).await.unwrap_err();
    assert!(error.next.english().contains("--token-file"), "{error:?}");
}
