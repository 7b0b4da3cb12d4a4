//! A mini program's own server, written only for these tests, with one weakness at a time. It calls the audit's WeChat
//! servers.

mod asking;
mod weakness;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use serde_json::{Value, json};
use soter_attack::{Application, ApplicationTarget, Emulated, Http, OutageSwitch, WeChatTraffic};
use soter_sim::{Desk, DeskOptions, State as Place};
use soter_wechat::{
    AccountList, Accounts, App, Replays, ReplyStyle, SetClock, User, WeChatOptions, random_text,
};
use soter_wire::ResultJson;
use tempfile::TempDir;

pub(crate) use weakness::Weakness;

use super::wechat_api::{APP, WeChatApi};
use super::{Backend, TIME, serve};

const SESSION_SECONDS: u64 = 2 * 3600;
const ORDER_SECONDS: u64 = 300;
const OTHER_APP: &str = "wxweak000000000002";

/// The application.
pub(crate) struct Shop {
    weakness: Weakness,
    wechat: WeChatApi,
    /// A file. If it is missing, the application was restarted.
    running: PathBuf,
    kept: Mutex<Kept>,
}

/// The state of the application. A restart forgets some of it.
#[derive(Default)]
struct Kept {
    /// How many seconds the clock is ahead. The tests take no time by themselves.
    ahead: u64,
    /// The openids of sessions, and when these end.
    sessions: HashMap<String, (String, u64)>,
    codes: HashMap<String, String>,
    orders: HashMap<String, Order>,
    counters: HashMap<String, u64>,
    /// The phones in the order in which they have paid.
    recent: Vec<String>,
    /// Each user's phone.
    phones: HashMap<String, String>,
    /// By session.
    cookies: HashMap<String, String>,
    locked: HashSet<String>,
    /// Each user's newest challenge.
    newest: HashMap<String, String>,
    /// Users for whom WeChat has accepted a result before.
    accepted_users: HashSet<String>,
    /// What stands for the results that WeChat has accepted.
    accepted: HashSet<String>,
    issued: u64,
}

#[derive(Clone, Debug)]
struct Order {
    openid: String,
    challenge: String,
    until: u64,
    paid: bool,
}

struct Counted {
    whose: String,
    counter: u64,
}

/// A target, and the folder that it needs.
pub(crate) struct Audited {
    target: Box<ApplicationTarget>,
    _folder: TempDir,
}

impl Backend for Audited {
    type Target = ApplicationTarget;

    fn target(&self) -> &ApplicationTarget {
        &self.target
    }
}

impl Shop {
    /// Starts an application with this weakness on its own port, and WeChat servers that accept replays.
    pub(crate) async fn start(weakness: Weakness) -> Audited {
        Self::start_behind(weakness, |routes| routes).await
    }

    /// The same behind something that changes how requests are served.
    pub(crate) async fn start_behind(weakness: Weakness, wrap: impl FnOnce(Router) -> Router) -> Audited {
        Self::start_with(weakness, wrap, |description| description).await
    }

    /// The same with a changed description.
    pub(crate) async fn start_described(weakness: Weakness, change: fn(String) -> String) -> Audited {
        Self::start_with(weakness, |routes| routes, change).await
    }

    async fn start_with(
        weakness: Weakness,
        wrap: impl FnOnce(Router) -> Router,
        change: fn(String) -> String,
    ) -> Audited {
        let folder = TempDir::new().unwrap();
        let running = folder.path().join("running");
        let emulated = emulated();
        let shop = Arc::new(Self {
            weakness,
            wechat: WeChatApi::of(&emulated),
            running: running.clone(),
            kept: Mutex::default(),
        });
        let address = serve(wrap(Router::new().fallback(any(answer)).with_state(shop))).await;
        let url = format!("http://{address}");
        let target = target(&url, &change(description(&url, &running)), emulated);
        Audited { target, _folder: folder }
    }

    fn is(&self, weakness: Weakness) -> bool {
        self.weakness == weakness
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        let mut kept = self.kept.lock().unwrap();
        if !self.running.exists() {
            std::fs::write(&self.running, b"").unwrap();
            kept.sessions.clear();
            if self.is(Weakness::CounterInMemory) {
                kept.counters.clear();
            }
        }
        kept
    }

    async fn login(&self, body: &Value) -> Value {
        let code = body["code"].as_str().unwrap_or_default().to_owned();
        let remembered = self.kept().codes.get(&code).cloned();
        let remembered = remembered.filter(|_| self.is(Weakness::CodeRemembered));
        let openid = match (remembered, self.wechat.openid_of(&code).await) {
            (Some(openid), _) | (None, Some(openid)) => openid,
            (None, None) if self.is(Weakness::LoginBelieved) => format!("guest-{code}"),
            (None, None) => return json!({"error": "no such code"}),
        };
        let mut kept = self.kept();
        kept.issued += 1;
        let session = format!("session-{}", random_text(24));
        let until = kept.ahead + SESSION_SECONDS;
        kept.codes.insert(code, openid.clone());
        kept.sessions.insert(session.clone(), (openid, until));
        json!({"session": session})
    }

    fn order(&self, session: &str) -> Value {
        let mut kept = self.kept();
        let Some(openid) = kept.user_of(session) else { return json!({"error": "log in"}) };
        let is_open = |order: &Order| order.openid == openid && !order.paid;
        if self.is(Weakness::OneOpenOrder) && kept.orders.values().any(is_open) {
            return json!({"error": "one order at a time"});
        }
        kept.issued += 1;
        let order = format!("order-{}", kept.issued);
        let challenge = match self.weakness {
            Weakness::Compares(comparison) => comparison.issue(kept.issued),
            _ => format!("Pay 42 for {order}, {}Q", random_text(16)),
        };
        kept.newest.insert(openid.clone(), challenge.clone());
        let until = kept.ahead + ORDER_SECONDS;
        kept.orders.insert(order.clone(), Order { openid, challenge: challenge.clone(), until, paid: false });
        json!({"order": order, "challenge": challenge})
    }

    async fn pay(&self, id: &str, session: &str, body: &Value) -> Option<()> {
        let (openid, order) = {
            let kept = self.kept();
            let order = kept.orders.get(id).filter(|order| kept.ahead < order.until)?.clone();
            let openid = match kept.user_of(session) {
                Some(openid) => openid,
                None if self.is(Weakness::SessionNotChecked) => order.openid.clone(),
                None => return None,
            };
            (openid, order)
        };
        let may_be_paid = self.is(Weakness::OrdersReusable) || self.is(Weakness::ChallengeReusable);
        let may_be_anybodys = self.is(Weakness::AnybodysOrder) || self.is(Weakness::OpenidOfOrder);
        if (order.openid != openid && !may_be_anybodys) || (order.paid && !may_be_paid) {
            return None;
        }
        let text = match &body["resultJSON"] {
            Value::String(text) => text.clone(),
            object @ Value::Object(_) if self.is(Weakness::StringsOrObjects) => object.to_string(),
            _ => return None,
        };
        let signature = body["resultJSONSignature"].as_str()?.to_owned();
        if text.is_empty() && self.is(Weakness::EmptyIsGood) {
            return Some(());
        }
        let named = match body["openid"].as_str() {
            Some(named) if self.is(Weakness::OpenidOfRequest) => named.to_owned(),
            _ if self.is(Weakness::OrderByChallenge) => self.order_of(&text)?.openid,
            _ if self.is(Weakness::OpenidOfOrder) => order.openid.clone(),
            _ => openid,
        };
        if self.is(Weakness::CounterBeforeAsking) {
            let result = ResultJson::decode(text.as_bytes()).ok()?;
            let mut kept = self.kept();
            let highest = kept.counters.entry(result.cpu_id).or_default();
            if result.counter <= *highest {
                return None;
            }
            // Minus one, because it is compared once more below.
            *highest = result.counter - 1;
        }
        if !self.takes_for_good(&named, &text, &signature).await {
            return None;
        }
        let result = ResultJson::decode(text.as_bytes()).ok()?;
        let of_request = body["challenge"].as_str().unwrap_or_default();
        let expected = match self.weakness {
            Weakness::ChallengeOfRequest => of_request.to_owned(),
            Weakness::ChallengeOfSession => self.kept().newest.get(&order.openid).cloned()?,
            _ => order.challenge.clone(),
        };
        if !self.agrees(&result.raw, &expected, &order.openid) {
            return None;
        }
        let Counted { whose, counter } = self.counted(&order.openid, &result, &text)?;
        let counted = whose.as_str();
        if self.is(Weakness::CheckThenWrite) {
            let is_new = {
                let kept = self.kept();
                !kept.orders[id].paid && kept.counters.get(counted).is_none_or(|highest| counter > *highest)
            };
            tokio::time::sleep(Duration::from_millis(20)).await;
            self.kept().record(id, counted, counter);
            return is_new.then_some(());
        }
        if self.is(Weakness::ChallengeSeenThenUsed) {
            return self.pay_after_a_while(id, counted, counter).await;
        }
        if self.is(Weakness::OrderSeenThenPaid) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let mut kept = self.kept();
        let may_be_paid = may_be_paid || self.is(Weakness::OrderSeenThenPaid);
        if self.is(Weakness::SafeIntegers) && counter >= 1 << 53 {
            return None;
        }
        if self.is(Weakness::LastPhones) && kept.recent.len() > 20 {
            let forgotten = kept.recent.remove(0);
            kept.counters.remove(&forgotten);
        }
        let highest = kept.counters.get(counted).copied();
        let counts = highest.is_none_or(|highest| match self.weakness {
            Weakness::CounterNotChecked | Weakness::OrdersReusable => true,
            Weakness::EqualCounter => counter >= highest,
            Weakness::CounterFarBelow => counter > highest || counter + 100_000 < highest,
            Weakness::JumpLimit => counter > highest && counter - highest <= 1_000_000,
            Weakness::CounterAsDouble => as_double(counter) > as_double(highest),
            _ => counter > highest,
        });
        if !counts || (kept.orders[id].paid && !may_be_paid) {
            return None;
        }
        kept.record(id, counted, counter);
        Some(())
    }

    /// Marks an order as paid, some time after the challenge and the counter were checked.
    async fn pay_after_a_while(&self, id: &str, whose: &str, counter: u64) -> Option<()> {
        let is_new = self.kept().counters.get(whose).is_none_or(|highest| counter > *highest);
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut kept = self.kept();
        if !is_new || kept.orders[id].paid {
            return None;
        }
        kept.record(id, whose, counter);
        Some(())
    }

    /// Which counter a result is compared with, and its own.
    fn counted(&self, openid: &str, result: &ResultJson, text: &str) -> Option<Counted> {
        let mut counter = result.counter;
        if self.is(Weakness::CounterByPattern) {
            let digits = text.split_once("counter")?.1.trim_start_matches(|c: char| !c.is_ascii_digit());
            let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
            counter = digits[..end].parse().ok()?;
        }
        let whose = match self.weakness {
            Weakness::CounterByUser => openid.to_owned(),
            Weakness::CounterByFinger => {
                format!("{} {}", result.cpu_id, serde_json::from_str::<Value>(text).ok()?["fid"])
            }
            _ => result.cpu_id.clone(),
        };
        if self.is(Weakness::OnePhone) {
            let mut kept = self.kept();
            let phone = kept.phones.entry(openid.to_owned()).or_insert_with(|| result.cpu_id.clone());
            if *phone != result.cpu_id {
                return None;
            }
        }
        Some(Counted { whose, counter })
    }

    fn refuses_session(&self, session: &str, headers: &HeaderMap) -> bool {
        let cookie = headers.get("cookie").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kept = self.kept();
        (self.is(Weakness::LocksOut) && kept.locked.contains(session))
            || kept.cookies.get(session).is_some_and(|expected| expected != cookie)
    }

    fn new_cookie(&self, session: &str) -> Option<String> {
        if !self.is(Weakness::CookiesRenewed) || session.is_empty() {
            return None;
        }
        let mut kept = self.kept();
        kept.issued += 1;
        let cookie = format!("turn={}", kept.issued);
        kept.cookies.insert(session.to_owned(), cookie.clone());
        Some(format!("{cookie}; Path=/; HttpOnly"))
    }

    /// The order of any user whose challenge a text contains.
    fn order_of(&self, text: &str) -> Option<Order> {
        let raw = ResultJson::decode(text.as_bytes()).ok()?.raw;
        self.kept().orders.values().find(|order| order.challenge == raw).cloned()
    }

    /// Whether the signed challenge is the order's.
    fn agrees(&self, raw: &str, challenge: &str, openid: &str) -> bool {
        match self.weakness {
            Weakness::ChallengeNotCompared | Weakness::OrderByChallenge => true,
            Weakness::ChallengeInAnyCase => raw.eq_ignore_ascii_case(challenge),
            Weakness::ChallengeTrimmed => raw.trim() == challenge,
            Weakness::ChallengeWithinText => raw.contains(challenge),
            Weakness::ChallengeCutShort => challenge.starts_with(raw),
            Weakness::ChallengeLookAlike => raw.chars().map(half_width).collect::<String>() == challenge,
            Weakness::AnyOpenOrder | Weakness::ChallengeSeenThenUsed => self
                .kept()
                .orders
                .values()
                .any(|order| order.openid == openid && !order.paid && order.challenge == raw),
            Weakness::Compares(comparison) => comparison.agrees(raw, challenge),
            _ => raw == challenge,
        }
    }
}

impl Kept {
    fn user_of(&self, session: &str) -> Option<String> {
        let (openid, until) = self.sessions.get(session)?;
        (self.ahead < *until).then(|| openid.clone())
    }

    fn record(&mut self, id: &str, whose: &str, counter: u64) {
        self.recent.retain(|phone| phone != whose);
        self.recent.push(whose.to_owned());
        let highest = self.counters.entry(whose.to_owned()).or_default();
        *highest = (*highest).max(counter);
        if let Some(order) = self.orders.get_mut(id) {
            order.paid = true;
        }
    }
}

fn as_double(counter: u64) -> f64 {
    counter.to_string().parse().unwrap()
}

fn half_width(character: char) -> char {
    let narrow = u32::from(character).checked_sub(0xfee0).and_then(char::from_u32);
    narrow.filter(char::is_ascii_alphanumeric).unwrap_or(character)
}

/// A target for the application at this address with this description.
pub(crate) fn target(url: &str, description: &str, emulated: Emulated) -> Box<ApplicationTarget> {
    let application = Application::read(description).unwrap();
    let http = Http::over_network(url, TIME, None).unwrap();
    Box::new(ApplicationTarget::new(http, application, emulated, users()))
}

/// WeChat servers that accept replays and know [`users`].
pub(crate) fn emulated() -> Emulated {
    let clock = SetClock::at(1_700_000_000_000);
    let desk = Desk::open(DeskOptions {
        wechat: WeChatOptions {
            accounts: accounts(&users()),
            replays: Replays::Accept,
            reply_style: ReplyStyle::Errcode,
            ..WeChatOptions::default()
        },
        servers_clock: Arc::new(clock.clone()),
        ..DeskOptions::new(Place::Ephemeral)
    })
    .unwrap();
    Emulated {
        wechat: Arc::clone(desk.wechat()),
        clock,
        outages: OutageSwitch::default(),
        traffic: WeChatTraffic::default(),
    }
}

/// Each attack uses a few, and may be played twice.
fn users() -> Vec<String> {
    (0..4000).map(|number| format!("user-{number}")).collect()
}

fn accounts(users: &[String]) -> Accounts {
    Accounts::new(AccountList {
        app: vec![App::new(APP.0, APP.1), App::new(OTHER_APP, "another")],
        user: users.iter().map(|name| User::named(name)).collect(),
    })
    .unwrap()
}

fn description(url: &str, running: &Path) -> String {
    format!(
        r#"
url = "{url}"
[login]
values = {{ session = "/session" }}
success = {{ pointer = "/session" }}
[login.request]
url = "/login"
body = '{{"code":"{{{{code}}}}"}}'
[challenge]
challenge = "/challenge"
values = {{ order = "/order" }}
[challenge.request]
url = "/orders"
headers = {{ Authorization = "Bearer {{{{session}}}}" }}
[result.request]
url = "/orders/{{{{order}}}}/pay"
headers = {{ Authorization = "Bearer {{{{session}}}}" }}
body = '{{"resultJSON":"{{{{resultJSON}}}}","resultJSONSignature":"{{{{resultJSONSignature}}}}","openid":"{{{{openid}}}}","challenge":"{{{{challenge}}}}"}}'
[result.success]
pointer = "/paid"
value = true
[restart]
command = "rm -f '{}'"
[clock.request]
url = "/clock"
body = '{{"ahead":{{{{ahead}}}}}}'
"#,
        running.display()
    )
}

async fn answer(State(shop): State<Arc<Shop>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let session = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let session = session.trim_start_matches("Bearer ").to_owned();
    let path: Vec<&str> = uri.path().trim_matches('/').split('/').collect();
    let reply = match path.as_slice() {
        ["login"] => shop.login(&body).await,
        ["clock"] => {
            shop.kept().ahead = body["ahead"].as_u64().unwrap();
            json!({})
        }
        _ if shop.refuses_session(&session, &headers) => json!({"error": "log in"}),
        ["orders"] => shop.order(&session),
        ["orders", id, "pay"] => {
            let paid = shop.pay(id, &session, &body).await.is_some();
            if !paid {
                shop.kept().locked.insert(session.clone());
            }
            json!({"paid": paid})
        }
        _ => json!({}),
    };
    match shop.new_cookie(&session) {
        Some(cookie) => ([("set-cookie", cookie)], axum::Json(reply)).into_response(),
        None => axum::Json(reply).into_response(),
    }
}
