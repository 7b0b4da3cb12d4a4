//! Targets that answer each request after a while: a correct application, and what delays and counts requests.

use std::collections::HashMap;
use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::HeaderMap;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use soter_attack::{Emulated, OutageSwitch, WeChatTraffic};
use soter_sim::{Desk, DeskOptions, State as Place};
use soter_wechat::{
    AccountList, Accounts, App, DEFAULT_APPID, Replays, ReplyStyle, SetClock, User, WeChatOptions, routes,
};
use soter_wire::ResultJson;
use tower::ServiceExt;

/// How long a target takes for an answer.
pub(crate) const DELAY: Duration = Duration::from_millis(200);

const SECRET: &str = "a-secret-of-the-bench";
/// How long the application waits for WeChat.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The requests of an audit.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    requests: AtomicU64,
    /// The highest place in a chain of those that were answered.
    chain: AtomicU64,
}

impl Counts {
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::SeqCst)
    }

    pub(crate) fn chain(&self) -> u64 {
        self.chain.load(Ordering::SeqCst)
    }
}

/// Routes that count each request, and answer it after the delay.
pub(crate) fn delayed(routes: Router, counts: Arc<Counts>) -> Router {
    routes.layer(from_fn_with_state(counts, delay))
}

async fn delay(State(counts): State<Arc<Counts>>, request: Request, next: Next) -> Response {
    counts.requests.fetch_add(1, Ordering::SeqCst);
    let place = counts.chain.load(Ordering::SeqCst) + 1;
    let (response, ()) = tokio::join!(next.run(request), tokio::time::sleep(DELAY));
    counts.chain.fetch_max(place, Ordering::SeqCst);
    response
}

pub(crate) fn users() -> Vec<String> {
    (0..3000).map(|number| format!("user-{number}")).collect()
}

pub(crate) fn clock() -> SetClock {
    SetClock::at(1_700_000_000_000)
}

/// WeChat's servers.
pub(crate) fn desk(replays: Replays, clock: &SetClock) -> Result<Desk, Box<dyn Error>> {
    let list = AccountList {
        app: vec![App::new(DEFAULT_APPID, SECRET)],
        user: users().iter().map(|name| User::named(name)).collect(),
    };
    let options = WeChatOptions {
        accounts: Accounts::new(list)?,
        replays,
        reply_style: ReplyStyle::Errcode,
        ..WeChatOptions::default()
    };
    Ok(Desk::open(DeskOptions {
        wechat: options,
        servers_clock: Arc::new(clock.clone()),
        ..DeskOptions::new(Place::Ephemeral)
    })?)
}

/// WeChat's servers of an application's audit.
pub(crate) fn emulated() -> Result<Emulated, Box<dyn Error>> {
    let clock = clock();
    let wechat = Arc::clone(desk(Replays::Accept, &clock)?.wechat());
    Ok(Emulated { wechat, clock, outages: OutageSwitch::default(), traffic: WeChatTraffic::default() })
}

/// What describes the application to an audit.
pub(crate) const DESCRIPTION: &str = r#"
url = "http://127.0.0.1"
[login]
request.url = "/login"
request.body = '{"code":"{{code}}"}'
values = { session = "/session" }
success = { pointer = "/session" }
[challenge]
challenge = "/challenge"
values = { order = "/order" }
request.url = "/orders"
request.headers = { X-Session = "{{session}}" }
[result]
request.url = "/orders/{{order}}/pay"
request.headers = { X-Session = "{{session}}" }
request.body = '{"resultJSON":"{{resultJSON}}","resultJSONSignature":"{{resultJSONSignature}}"}'
[result.success]
pointer = "/paid"
value = true
"#;

struct Shop {
    wechat: Router,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// The openid of each session.
    sessions: HashMap<String, String>,
    orders: Vec<Order>,
    counters: HashMap<String, u64>,
}

struct Order {
    openid: String,
    challenge: String,
    is_paid: bool,
}

/// A correct application, which asks these servers.
pub(crate) fn shop(emulated: &Emulated, counts: Arc<Counts>) -> Router {
    let wechat = emulated.wrap(routes(Arc::clone(&emulated.wechat)));
    let shop = Arc::new(Shop { wechat, kept: Mutex::default() });
    let routes = Router::new()
        .route("/login", post(login))
        .route("/orders", post(order))
        .route("/orders/{id}/pay", post(pay))
        .with_state(shop);
    delayed(routes, counts)
}

impl Shop {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, path: String, body: Option<Value>) -> Option<Value> {
        let request = match body {
            None => Request::get(path).body(Body::empty()),
            Some(body) => Request::post(path).body(Body::from(body.to_string())),
        };
        let answer = tokio::time::timeout(TIMEOUT, self.wechat.clone().oneshot(request.ok()?)).await;
        let body = answer.ok()?.ok()?.into_body();
        serde_json::from_slice(&axum::body::to_bytes(body, 1 << 20).await.ok()?).ok()
    }

    fn user(&self, headers: &HeaderMap) -> Option<String> {
        let session = headers.get("x-session")?.to_str().ok()?;
        self.kept().sessions.get(session).cloned()
    }
}

async fn login(State(shop): State<Arc<Shop>>, Json(body): Json<Value>) -> Json<Value> {
    let code = body["code"].as_str().unwrap_or_default();
    let path = format!(
        "/sns/jscode2session?appid={DEFAULT_APPID}&secret={SECRET}&js_code={code}&grant_type=authorization_code"
    );
    let answer = shop.ask(path, None).await.unwrap_or_default();
    let Some(openid) = answer["openid"].as_str() else { return Json(json!({"error": "no such code"})) };
    let session = soter_wechat::random_text(24);
    shop.kept().sessions.insert(session.clone(), openid.to_owned());
    Json(json!({"session": session}))
}

async fn order(State(shop): State<Arc<Shop>>, headers: HeaderMap) -> Json<Value> {
    let Some(openid) = shop.user(&headers) else { return Json(json!({"error": "log in"})) };
    let mut kept = shop.kept();
    let id = kept.orders.len();
    let challenge = format!("order {id}: {}", soter_wechat::random_text(16));
    kept.orders.push(Order { openid, challenge: challenge.clone(), is_paid: false });
    Json(json!({"order": id, "challenge": challenge}))
}

async fn pay(
    State(shop): State<Arc<Shop>>,
    Path(id): Path<usize>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Json<Value> {
    let is_paid = shop.pay(id, &headers, &body).await.is_some();
    Json(json!({"paid": is_paid}))
}

impl Shop {
    async fn pay(&self, id: usize, headers: &HeaderMap, body: &Value) -> Option<()> {
        let openid = self.user(headers)?;
        let (text, signature) = (body["resultJSON"].as_str()?, body["resultJSONSignature"].as_str()?);
        let path =
            format!("/cgi-bin/token?grant_type=client_credential&appid={DEFAULT_APPID}&secret={SECRET}");
        let granted = self.ask(path, None).await?;
        let token = granted["access_token"].as_str()?;
        let path = format!("/cgi-bin/soter/verify_signature?access_token={token}");
        let question = json!({"openid": openid, "json_string": text, "json_signature": signature});
        if self.ask(path, Some(question)).await?["is_ok"] != true {
            return None;
        }
        let result = ResultJson::decode(text.as_bytes()).ok()?;
        let mut kept = self.kept();
        if kept.counters.get(&result.cpu_id).is_some_and(|highest| result.counter <= *highest) {
            return None;
        }
        let order = kept.orders.get_mut(id)?;
        if order.openid != openid || order.is_paid || order.challenge != result.raw {
            return None;
        }
        order.is_paid = true;
        kept.counters.insert(result.cpu_id, result.counter);
        Some(())
    }
}
