//! What the server answers on each path.

use super::*;
use crate::server::routes::MAX_OPEN_API_BYTES;

#[tokio::test]
async fn paths_answer_and_unknown_ones_are_errors_with_advice() {
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
async fn the_openapi_document_names_the_address_under_which_it_was_asked_for() {
    let server = start(|options| {
        options.allow_hosts = vec!["phone.test".to_owned()];
        options.token = Some("correct horse battery".into());
    })
    .await;
    let (path, bearer) = ("/sim/openapi.json", "Authorization: Bearer correct horse battery\r\n");
    assert_status(&server.get(path, "").await, 401);
    let own = server.address.to_string();
    for host in [own.as_str(), "phone.test", "phone.test:80"] {
        let answer = server.get(path, &format!("Host: {host}\r\n{bearer}")).await;
        assert_status(&answer, 200);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("\r\ncontent-type: application/json\r\n"), "{head}");
        let document: Value = serde_json::from_str(body).unwrap();
        assert_eq!(document["servers"][0]["url"], format!("http://{host}"));
        let head_alone = server.request("HEAD", path, &format!("Host: {host}\r\n{bearer}"), "").await;
        assert!(head_alone.ends_with("\r\n\r\n"), "{head_alone}");
        assert!(head_alone.contains(&format!("\r\ncontent-length: {}\r\n", body.len())), "{head_alone}");
        assert!(body.len() < MAX_OPEN_API_BYTES);
    }
    let refused = server.request("POST", path, bearer, "").await;
    assert_status(&refused, 405);
    assert!(refused.to_ascii_lowercase().contains("\r\nallow: get,head\r\n"), "{refused}");
    for header in ["Host: evil.test\r\n", "Host: api.weixin.qq.com\r\n", "Origin: http://evil.test\r\n"] {
        assert_status(&server.get(path, &format!("{header}{bearer}")).await, 403);
    }
    server.end().await;
}

#[tokio::test]
async fn the_page_loads_nothing_from_other_servers_and_its_files_need_no_token() {
    let server = start(|options| options.token = Some("correct horse battery".into())).await;
    assert_status(&server.get("/", "").await, 401);
    let index = server.get("/?token=correct%20horse%20battery", "").await;
    assert_status(&index, 200);
    let policy = "content-security-policy: default-src 'none'; script-src 'self';";
    assert!(index.contains(policy) && !index.contains("unsafe"), "{index}");
    // Every file that the page names exists, and none is at another address.
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
