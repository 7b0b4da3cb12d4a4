//! Who is admitted: by address, `Host`, `Origin` and token.

use super::*;
use crate::download;

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
        // A real name would be let in for all paths.
        let next = if host.starts_with("api.weixin") {
            "connect to 127.0.0.1"
        } else {
            &format!("--allow-host {host}")
        };
        assert_eq!(answer.contains(next), status == 403, "{answer}");
    }
    assert!(
        server
            .notices
            .lock()
            .unwrap()
            .iter()
            .any(|notice| notice.english().contains("--allow-host evil.test"))
    );
    let own = format!("Host: 127.0.0.1:{port}\r\n");
    assert_status(&server.get("/health", &format!("{own}Host: evil.test\r\n")).await, 400);
    assert!(server.raw("GET /health HTTP/1.0\r\n\r\n").await.starts_with("HTTP/1.0 403 "));
}

#[tokio::test]
async fn the_hosts_of_wechats_cloud_have_its_path_alone() {
    let server = start(|_| {}).await;
    for (host, path, status) in [
        ("tcb-open.tencentcloudapi.com", "/admin", 200),
        ("TCB-open.tencentyun.com:80", "/admin", 200),
        ("env-1.ap-shanghai.tcb-api.tencentcloudapi.com:443", "/admin", 200),
        ("evil.test", "/admin", 403),
        ("tcb-api.tencentcloudapi.com", "/admin", 403),
        ("tcb-open.tencentcloudapi.com.evil.test", "/admin", 403),
        ("api.weixin.qq.com", "/admin", 403),
        ("tcb-open.tencentcloudapi.com", "/cgi-bin/token", 403),
        ("tcb-open.tencentcloudapi.com", "/health", 403),
        ("tcb-open.tencentcloudapi.com", "/rpc", 403),
    ] {
        let own = server.address;
        for request in [
            format!("POST {path}?&eventId=1 HTTP/1.1\r\nHost: {host}\r\n"),
            format!("POST http://{host}{path}?&eventId=1 HTTP/1.1\r\nHost: {own}\r\n"),
        ] {
            let request = format!("{request}Content-Length: 2\r\nConnection: close\r\n\r\n{{}}");
            assert_status(&server.raw(&request).await, status);
        }
    }
    let page = "Host: tcb-open.tencentcloudapi.com\r\nOrigin: http://evil.test\r\n";
    assert_status(&server.request("POST", "/admin", page, "{}").await, 403);
}

#[tokio::test]
async fn a_question_to_the_clouds_metadata_is_refused_without_a_notice() {
    let server = start(|_| {}).await;
    let host = "Host: metadata.tencentyun.com\r\n";
    let refused = server.get("/latest/meta-data/app-id", host).await;
    assert_status(&refused, 403);
    assert!(!refused.contains("--allow-host"), "{refused}");
    assert!(server.notices.lock().unwrap().is_empty());
}

#[tokio::test]
async fn only_the_servers_own_page_and_allowed_origins_are_admitted() {
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
async fn a_refusal_suggests_only_flags_that_are_valid_and_safe_in_a_shell() {
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
async fn a_page_of_another_site_cannot_send_requests_without_an_origin() {
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
async fn an_absolute_request_target_overrides_the_host_header() {
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
async fn a_token_is_required_everywhere_except_on_wechats_paths_and_health() {
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
    Connection::open(&format!("{url}?token={TOKEN}")).await.unwrap();
    let with_wrong_token = format!("{url}?token=wrong-and-secret");
    for (url, wants) in [(&url, "wants its token"), (&with_wrong_token, "wants another token")] {
        let refused = [
            Connection::open(url).await.unwrap_err(),
            download(url, ServerPath::CaCertificate).await.unwrap_err(),
        ];
        for error in refused {
            assert!(error.what.english().ends_with(wants), "{error:?}");
            assert!(error.next.english().contains("?token="), "{error:?}");
            assert!(!format!("{error:?}").contains("wrong-and-secret"), "{error:?}");
        }
    }
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
async fn an_address_other_than_loopback_needs_a_token() {
    let error = Server::bind(ServerOptions::new("0.0.0.0:0".parse().unwrap())).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidParams);
    assert!(error.next.english().contains("--token-file"), "{error:?}");
    let options =
        ServerOptions { token: Some("x".into()), ..ServerOptions::new("0.0.0.0:0".parse().unwrap()) };
    assert!(Server::bind(options).await.unwrap().url().starts_with("http://127.0.0.1:"));
    let empty = ServerOptions { token: Some("".into()), ..ServerOptions::new("0.0.0.0:0".parse().unwrap()) };
    assert_eq!(Server::bind(empty).await.unwrap_err().kind, ErrorKind::InvalidParams);
}

#[tokio::test]
async fn a_taken_port_and_an_invalid_origin_are_errors() {
    let server = start(|_| {}).await;
    let error = Server::bind(ServerOptions::new(server.address)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Environment);
    assert!(
        error.what.english().contains(&server.address.to_string())
            && error.next.english().contains("--listen")
    );
    for origin in ["*", "localhost", "http://a/b", "http://*"] {
        let mut options = ServerOptions::new("127.0.0.1:0".parse().unwrap());
        options.allow_origins = vec![origin.to_owned()];
        assert!(Server::bind(options).await.is_err(), "{origin}");
    }
}
