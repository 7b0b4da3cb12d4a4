//! Bodies and queries of WeChat's paths: any bytes get status 200 and one line of JSON, and nothing is ever `is_ok`.
#![no_main]
#![expect(clippy::unwrap_used, reason = "an error here is a finding")]

use std::sync::{Arc, LazyLock};

use axum::body::{Body, to_bytes};
use axum::http::Request;
use libfuzzer_sys::fuzz_target;
use soter_wechat::{EmbeddedLedger, SystemClock, WeChat, WeChatOptions, routes};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Builder::new_current_thread().build().unwrap());
static ROUTES: LazyLock<(axum::Router, String)> = LazyLock::new(|| {
    let options = WeChatOptions::default();
    let ledger = EmbeddedLedger::in_memory();
    let wechat = WeChat::new(options, ledger, Arc::new(SystemClock), Arc::default(), Arc::new(|_| {}));
    let app = wechat.accounts().first_app().clone();
    let router = routes(Arc::new(wechat));
    let query = format!("grant_type=client_credential&appid={}&secret={}", app.appid, app.secret.expose());
    let request = Request::get(format!("/cgi-bin/token?{query}")).body(Body::empty()).unwrap();
    let text = text(&router, request);
    let token = text.split('"').nth(3).unwrap().to_owned();
    (router, token)
});

const PATHS: [&str; 4] = [
    "/cgi-bin/soter/verify_signature",
    "/cgi-bin/soter_3rdapp/is_support",
    "/cgi-bin/soter_3rdapp/verify_ask",
    "/cgi-bin/stable_token",
];

fn text(router: &axum::Router, request: Request<Body>) -> String {
    RUNTIME.block_on(async {
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap()
    })
}

fuzz_target!(|input: (u8, &[u8])| {
    let (path, body) = input;
    let (router, token) = &*ROUTES;
    let path = PATHS[usize::from(path) % PATHS.len()];
    let request =
        Request::post(format!("{path}?access_token={token}")).body(Body::from(body.to_vec())).unwrap();
    let answer = text(router, request);
    assert!(answer.starts_with('{') && !answer.contains('\n'), "{answer}");
    assert!(!answer.contains("\"is_ok\":true"), "{answer}");
});
