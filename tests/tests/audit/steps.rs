//! A web shop whose payments take many steps: a login that redirects, pages with a hidden text against forged requests,
//! signed requests, a challenge that is composed, and payments that are processed later.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use soter_attack::audit::audit;
use soter_attack::{ApplicationTarget, Verdict, find};
use soter_wire::ResultJson;

use super::application::{emulated, target};
use super::wechat_api::WeChatApi;
use super::{Backend, findings, ids, serve, verifier, words};

/// Signs the requests of the client, as its code does.
const REQUEST_KEY: &str = "key-in-the-client";

struct Shop {
    wechat: WeChatApi,
    /// Whether it forgets to compare counters.
    is_weak: bool,
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
    state: &'static str,
}

struct Audited(Box<ApplicationTarget>);

impl Backend for Audited {
    type Target = ApplicationTarget;

    fn target(&self) -> &ApplicationTarget {
        &self.0
    }
}

const DESCRIPTION: &str = r##"
url = "URL"

[login]
request.url = "/login"
request.body = "code={{code}}"
success.status = 303

[[challenge.before]]
request = { method = "GET", url = "/account" }
follow = true
values.token = { css = "meta[name=csrf]", attribute = "content" }
values.balance = { css = "#balance", regex = "([0-9]+)" }

[[challenge.before]]
request.url = "/orders"
request.body = "film=Alien&nonce={{nonce}}&csrf={{token}}"
request.headers = { X-Sign = "{{sign}}" }
success.status = 201
values.order = { header = "Location", regex = "/orders/(.*)" }

[[challenge.before.computed]]
name = "sign"
text = "{{sorted}}&key=key-in-the-client"
parameters = { film = "Alien", nonce = "{{nonce}}", csrf = "{{token}}" }
hash = "sha256"
encoding = "upper-hex"

[challenge]
request.url = "/orders/{{order}}/prepare"
challenge = { template = "{{order}}:{{amount}}:{{salt}}" }
values = { amount = "/data/amount", salt = "/data/salt" }

[result]
request.url = "/orders/{{order}}/pay"
request.headers = { Content-Type = "application/x-www-form-urlencoded" }
request.body = "csrf={{token}}&raw={{raw}}&counter={{counter}}&device={{cpu_id}}&json={{resultJSON}}&signature={{resultJSONSignature}}"

[[result.after]]
request = { method = "GET", url = "/orders/{{order}}" }
until = { within = 5, every = 0.05, stop = { pointer = "/state", value = "refused" } }

[result.success]
pointer = "/state"
value = "paid"
"##;

async fn start(is_weak: bool) -> Audited {
    let emulated = emulated();
    let shop = Arc::new(Shop { wechat: WeChatApi::of(&emulated), is_weak, kept: Mutex::default() });
    let routes = Router::new()
        .route("/login", post(login))
        .route("/account", get(async || Redirect::to("/account/home")))
        .route("/account/home", get(account))
        .route("/orders", post(order))
        .route("/orders/{id}/prepare", post(prepare))
        .route("/orders/{id}/pay", post(pay))
        .route("/orders/{id}", get(state))
        .with_state(shop);
    let url = format!("http://{}", serve(routes).await);
    Audited(target(&url, &DESCRIPTION.replace("URL", &url), emulated))
}

type Fields = BTreeMap<String, String>;
type Answer = Result<Response, StatusCode>;

fn fields(body: &str) -> Fields {
    url::form_urlencoded::parse(body.as_bytes()).into_owned().collect()
}

/// SHA-256 in hexadecimal digits.
fn sha256(text: &str) -> String {
    base16ct::lower::encode_string(digest(&SHA256, text.as_bytes()).as_ref())
}

async fn login(State(shop): State<Arc<Shop>>, body: String) -> Answer {
    let fields = fields(&body);
    let openid = shop.wechat.openid_of(&fields["code"]).await.ok_or(StatusCode::UNAUTHORIZED)?;
    let session = soter_wechat::random_text(24);
    shop.kept.lock().unwrap().sessions.insert(session.clone(), openid);
    Ok(([("set-cookie", format!("sid={session}; HttpOnly"))], Redirect::to("/account")).into_response())
}

impl Shop {
    /// The session of a request, and its user.
    fn user(&self, headers: &HeaderMap) -> Result<(String, String), StatusCode> {
        let cookie = headers.get("cookie").and_then(|cookie| cookie.to_str().ok()).unwrap_or_default();
        let session = cookie.strip_prefix("sid=").unwrap_or_default().to_owned();
        let openid = self.kept.lock().unwrap().sessions.get(&session).cloned();
        Ok((session, openid.ok_or(StatusCode::UNAUTHORIZED)?))
    }
}

/// The hidden text of a session's pages.
fn csrf(session: &str) -> String {
    sha256(session)
}

async fn account(State(shop): State<Arc<Shop>>, headers: HeaderMap) -> Answer {
    let (session, _) = shop.user(&headers)?;
    let page = format!(
        "<html><head><meta name=\"csrf\" content=\"{}\"></head><p>Balance: <b id=balance> 100 yuan</b>",
        csrf(&session)
    );
    Ok(Html(page).into_response())
}

async fn order(State(shop): State<Arc<Shop>>, headers: HeaderMap, body: String) -> Answer {
    let (session, openid) = shop.user(&headers)?;
    let fields = fields(&body);
    let sorted: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let expected = sha256(&format!("{}&key={REQUEST_KEY}", sorted.join("&"))).to_uppercase();
    if headers.get("x-sign").is_none_or(|sign| *sign != expected) || fields["csrf"] != csrf(&session) {
        return Err(StatusCode::FORBIDDEN);
    }
    let mut kept = shop.kept.lock().unwrap();
    kept.orders.push(Order { openid, challenge: String::new(), state: "open" });
    let location = format!("/orders/{}", kept.orders.len() - 1);
    Ok((StatusCode::CREATED, [("location", location)]).into_response())
}

async fn prepare(State(shop): State<Arc<Shop>>, headers: HeaderMap, Path(id): Path<usize>) -> Answer {
    let (_, openid) = shop.user(&headers)?;
    let salt = soter_wechat::random_text(16);
    let mut kept = shop.kept.lock().unwrap();
    let order =
        kept.orders.get_mut(id).filter(|order| order.openid == openid).ok_or(StatusCode::NOT_FOUND)?;
    order.challenge = format!("{id}:4200:{salt}");
    Ok(Json(json!({"code": 0, "data": {"amount": 4200, "salt": salt}})).into_response())
}

/// Takes a result, and answers in the same way to each. It is judged later.
async fn pay(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
    Path(id): Path<usize>,
    body: String,
) -> Answer {
    let (session, openid) = shop.user(&headers)?;
    let fields = fields(&body);
    {
        let mut kept = shop.kept.lock().unwrap();
        let order = kept.orders.get_mut(id).filter(|order| order.openid == openid && order.state == "open");
        match order {
            Some(order) => order.state = "processing",
            // One more result for an order that is paid changes nothing; the answer does not show that.
            None => return Err(StatusCode::CONFLICT),
        }
    }
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let is_paid = fields["csrf"] == csrf(&session) && shop.is_good(id, &openid, &fields).await;
        shop.kept.lock().unwrap().orders[id].state = if is_paid { "paid" } else { "refused" };
    });
    Ok(Json(json!({"code": 0, "msg": "accepted"})).into_response())
}

impl Shop {
    async fn is_good(&self, id: usize, openid: &str, fields: &Fields) -> bool {
        let (text, signature) = (&fields["json"], &fields["signature"]);
        let verdict = self.wechat.verdict(openid, text, signature).await.unwrap_or_default();
        let Ok(result) = ResultJson::decode(text.as_bytes()) else { return false };
        let mut kept = self.kept.lock().unwrap();
        let highest = kept.counters.get(&result.cpu_id).copied();
        let parts = [
            verdict["is_ok"] == true,
            result.raw == kept.orders[id].challenge,
            result.raw == fields["raw"] && result.cpu_id == fields["device"],
            result.counter.to_string() == fields["counter"],
            self.is_weak || highest.is_none_or(|highest| result.counter > highest),
        ];
        let is_good = parts.iter().all(|part| *part);
        if is_good {
            kept.counters.insert(result.cpu_id, result.counter);
        }
        is_good
    }
}

async fn state(State(shop): State<Arc<Shop>>, headers: HeaderMap, Path(id): Path<usize>) -> Answer {
    let (_, openid) = shop.user(&headers)?;
    let kept = shop.kept.lock().unwrap();
    let order = kept.orders.get(id).filter(|order| order.openid == openid).ok_or(StatusCode::NOT_FOUND)?;
    Ok(Json::<Value>(json!({"state": order.state})).into_response())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correct_application_whose_payments_take_many_steps_is_warned_of_old_logins_alone() {
    let found = findings(start(false).await).await;
    let shown: Vec<_> =
        found.iter().map(|finding| (finding.attack.id, finding.verdict, finding.reason.english())).collect();
    // Its clock cannot be moved.
    let [("SOTER-LIFETIME-02", Verdict::Warn, why)] = shown[..] else { panic!("{shown:?}") };
    assert!(why.starts_with("accepted after 3 s") && why.contains("[clock]"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_weak_application_whose_payments_take_many_steps_is_found_by_exactly_the_matching_attacks() {
    let found = findings(start(true).await).await;
    let expected = "COUNTER-01 COUNTER-02 COUNTER-03 COUNTER-04 COUNTER-19 COUNTER-22 COUNTER-24 COUNTER-28 COUNTER-30 COUNTER-31 COUNTER-32 COUNTER-33 COUNTER-36 COUNTER-37 REPLAY-05";
    assert_eq!(ids(&found, Verdict::Fail), words(expected));
    // Each payment of COUNTER-33 has an order of its own, so the later steps show all of them.
    assert_eq!(ids(&found, Verdict::Warn), words("COUNTER-17 LIFETIME-02"));
    assert_eq!(ids(&found, Verdict::Error), words(""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finding_shows_the_request_and_the_effect_that_was_judged() {
    let backend = start(true).await;
    let attack = find("SOTER-COUNTER-01").unwrap();
    let found = audit(backend.target(), &verifier::keys(), &[attack], |_| {}).await.unwrap();
    let exchange = found[0].exchange.as_ref().unwrap();
    assert!(exchange.request.contains("/pay HTTP/1.1") && exchange.curl.contains("/pay"), "{exchange:?}");
    for part in ["\"accepted\"", "Then:", "GET /orders/", "\"paid\""] {
        assert!(exchange.response.contains(part), "{part}: {exchange:?}");
    }
}
