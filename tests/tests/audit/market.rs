//! A market whose logins, answers and challenges take many forms, with one weakness at a time. It is correct about results.

mod weakness;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use serde_json::{Value, json};
use soter_attack::ApplicationTarget;
use soter_wechat::random_text;
use soter_wire::{ResultJson, base64};

pub(crate) use weakness::Weakness;

use super::application::{emulated, target};
use super::wechat_api::WeChatApi;
use super::{Backend, serve};

const PRICE: i64 = 4900;
const LOGIN_SECONDS: u64 = 2 * 3600;
const CHALLENGE_SECONDS: u64 = 300;
const TOKEN_KEY: &str = "the key of the market's tokens";

pub(crate) struct Market {
    weakness: Weakness,
    wechat: WeChatApi,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// How many seconds the clock is ahead.
    ahead: u64,
    /// By what a client shows.
    logins: HashMap<String, Login>,
    /// In the order in which users have come.
    users: Vec<String>,
    balances: BTreeMap<usize, i64>,
    orders: HashMap<String, Order>,
    counters: HashMap<String, u64>,
    issued: u64,
    last_ms: u64,
}

#[derive(Clone)]
struct Login {
    openid: String,
    until: u64,
}

#[derive(Clone)]
struct Order {
    openid: String,
    challenge: String,
    until: u64,
    is_paid: bool,
}

pub(crate) struct Audited(Box<ApplicationTarget>);

impl Backend for Audited {
    type Target = ApplicationTarget;

    fn target(&self) -> &ApplicationTarget {
        &self.0
    }
}

pub(crate) const DESCRIPTION: &str = r#"
url = "URL"
[login]
request = { url = "/login", body = '{"code":"{{code}}"}' }
success = { pointer = "/welcome" }
values = { token = "/token" }
[challenge]
request = { url = "/orders", body = '{}', headers = { Authorization = "Bearer {{token}}" } }
challenge = "/challenge"
values = { order = "/order" }
[[result.before]]
request = { method = "GET", url = "/account", headers = { Authorization = "Bearer {{token}}" } }
values = { balance = "/balance" }
[result]
request = { url = "/orders/{{order}}/pay", body = '{"resultJSON":"{{resultJSON}}","signature":"{{resultJSONSignature}}"}', headers = { Authorization = "Bearer {{token}}" } }
success = { pointer = "/paid", value = true }
[clock]
request = { url = "/clock", body = '{"ahead":{{ahead}}}' }
"#;

impl Market {
    /// Starts a market with this weakness on its own port, and WeChat servers that accept replays.
    pub(crate) async fn start(weakness: Weakness) -> Audited {
        Self::start_described(weakness, DESCRIPTION).await
    }

    /// The same with a description that lacks only the address.
    pub(crate) async fn start_described(weakness: Weakness, description: &str) -> Audited {
        let emulated = emulated();
        let market = Arc::new(Self { weakness, wechat: WeChatApi::of(&emulated), kept: Mutex::default() });
        let address = serve(Router::new().fallback(any(answer)).with_state(market)).await;
        let url = format!("http://{address}");
        Audited(target(&url, &description.replace("URL", &url), emulated))
    }

    fn is(&self, weakness: Weakness) -> bool {
        self.weakness == weakness
    }

    fn uses_cookies(&self) -> bool {
        matches!(
            self.weakness,
            Weakness::Cookies | Weakness::AnonymousCookieKept | Weakness::ChosenCookieKept
        )
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    async fn login(&self, request: &Request) -> Reply {
        let code = request.body["code"].as_str().unwrap_or_default();
        if self.is(Weakness::TellsErrorsOfWeChat) && code.chars().any(char::is_control) {
            let (appid, secret) = super::wechat_api::APP;
            let secret = secret.replace(' ', "%20");
            return Reply::refused(
                502,
                &format!("invalid address /sns/jscode2session?appid={appid}&secret={secret}"),
            );
        }
        if self.is(Weakness::TellsStack) && code.len() > 1000 {
            return Reply::refused(500, "RangeError: too long\n    at login (/srv/market/login.js:12:9)");
        }
        let Some(session) = self.wechat.session_of(code).await else {
            return match self.anonymous_cookie(request) {
                Some(cookie) => Reply::refused(401, "no such code").with_cookie(&cookie),
                None => Reply::refused(401, "no such code"),
            };
        };
        let openid = session["openid"].as_str().unwrap().to_owned();
        let mut kept = self.kept();
        let until = kept.now() + LOGIN_SECONDS;
        let number = kept.number_of(&openid);
        let token = self.token(&kept, &openid, number, until, request);
        kept.logins.insert(token.clone(), Login { openid: openid.clone(), until });
        let mut body = json!({"welcome": true, "userNumber": number, "token": token});
        if self.is(Weakness::TellsSessionKey) {
            body["key"] = session["session_key"].clone();
        }
        if self.is(Weakness::Talkative) {
            body["openid"] = openid.into();
            body["next"] = "see http://127.0.0.1:80/a/b.js?line=12:13 at 10:11:12".into();
        }
        if !self.uses_cookies() {
            return Reply::ok(body);
        }
        body["token"] = "none".into();
        Reply::ok(body).with_cookie(&token)
    }

    /// What a client shows afterwards.
    fn token(&self, kept: &Kept, openid: &str, number: usize, until: u64, request: &Request) -> String {
        let random = random_text(24);
        match self.weakness {
            Weakness::AnonymousCookieKept => {
                let known = request.cookie.clone().filter(|cookie| kept.logins.contains_key(cookie));
                known.unwrap_or(random)
            }
            Weakness::ChosenCookieKept => request.cookie.clone().unwrap_or(random),
            Weakness::EncodedOpenidIsToken => base64::encode(format!("user={openid};v=1").as_bytes()),
            Weakness::NumberInToken => format!("{number}:{random}"),
            Weakness::OpenidIsToken => openid.to_owned(),
            Weakness::TokenCounts => format!("market-{:08}", 4711 + kept.logins.len()),
            Weakness::Token | Weakness::TokenNotSigned | Weakness::TokenNotVerified => {
                jwt(&json!({"alg": "HS256", "typ": "JWT"}), &json!({"sub": openid, "exp": until}))
            }
            _ => random,
        }
    }

    /// A session for somebody who has not logged in.
    fn anonymous_cookie(&self, request: &Request) -> Option<String> {
        let is_new = request.cookie.as_ref().is_none_or(|cookie| !self.kept().logins.contains_key(cookie));
        if !self.is(Weakness::AnonymousCookieKept) || !is_new {
            return None;
        }
        let cookie = random_text(24);
        self.kept().logins.insert(cookie.clone(), Login { openid: String::new(), until: u64::MAX });
        Some(cookie)
    }

    /// Who sends a request.
    fn user(&self, request: &Request) -> Option<String> {
        let shown = if self.uses_cookies() { request.cookie.clone()? } else { request.token.clone() };
        let now = self.kept().now();
        match self.weakness {
            Weakness::OpenidIsToken => return (!shown.is_empty()).then_some(shown),
            Weakness::EncodedOpenidIsToken => {
                let text = String::from_utf8(base64::decode(&shown).ok()?).ok()?;
                return Some(text.strip_prefix("user=")?.split(';').next()?.to_owned());
            }
            Weakness::NumberInToken => {
                let (number, _) = shown.split_once(':')?;
                return self.kept().users.get(number.parse::<usize>().ok()?).cloned();
            }
            Weakness::Token | Weakness::TokenNotSigned | Weakness::TokenNotVerified => {
                let claims = self.verified_claims(&shown)?;
                return (claims["exp"].as_u64()? > now).then(|| claims["sub"].as_str().map(str::to_owned))?;
            }
            _ => {}
        }
        let login = self.kept().logins.get(&shown).cloned().filter(|login| !login.openid.is_empty())?;
        let grace = match self.weakness {
            Weakness::LoginWithoutEnd | Weakness::NothingEnds | Weakness::ClockIsMovedOnce => u64::MAX / 2,
            Weakness::LoginLongerThanMonth => 90 * 24 * 3600,
            _ => 0,
        };
        (login.until + grace > now).then_some(login.openid)
    }

    fn verified_claims(&self, token: &str) -> Option<Value> {
        let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else { return None };
        let decode = |text: &str| -> Option<Value> {
            let padded = format!("{text}{}", "=".repeat((4 - text.len() % 4) % 4));
            serde_json::from_slice(&base64::decode(&padded.replace('-', "+").replace('_', "/")).ok()?).ok()
        };
        let is_unsigned = decode(header)?["alg"].as_str()?.eq_ignore_ascii_case("none");
        let is_verified = match self.weakness {
            Weakness::TokenNotVerified => !is_unsigned,
            Weakness::TokenNotSigned if is_unsigned => true,
            _ => signature == signed(&format!("{header}.{payload}")),
        };
        is_verified.then(|| decode(payload))?
    }

    fn order(&self, openid: &str) -> Reply {
        let mut kept = self.kept();
        let open = kept.orders.iter().find(|(_, order)| order.openid == openid && !order.is_paid);
        if let (Weakness::SameOpenOrder, Some((id, order))) = (self.weakness, open) {
            return Reply::ok(json!({"order": id, "challenge": order.challenge}));
        }
        kept.issued += 1;
        let number = kept.issued;
        let id = if self.is(Weakness::ChallengeIsHashOfOrder) { number.to_string() } else { random_text(12) };
        let (now, hash) = (kept.now(), |text: String| {
            base16ct::lower::encode_string(digest(&SHA256, text.as_bytes()).as_ref())
        });
        let challenge = match self.weakness {
            Weakness::ChallengeCounts => format!("pay-{number:012}"),
            Weakness::ChallengeIsHashOfOrder => hash(id.clone()),
            Weakness::ChallengeIsHashOfTime => hash(kept.unique_ms().to_string()),
            Weakness::ChallengeIsTime => kept.unique_ms().to_string(),
            Weakness::ChallengeIsTimeAndNumber => format!("M{now}N{number}"),
            Weakness::ChallengeShort => format!("{:09}", random_number() % 1_000_000_000),
            Weakness::SameChallengeForAll => format!("week-{}", now / (7 * 24 * 3600)),
            Weakness::LongChallenges => format!("pay|{number}|{id}|{now}|{}", random_text(22)),
            _ => random_text(32),
        };
        let order =
            Order { openid: openid.to_owned(), challenge, until: now + CHALLENGE_SECONDS, is_paid: false };
        let mut body = json!({"order": id, "challenge": order.challenge});
        if self.is(Weakness::TellsOthers) {
            body["queue"] = kept.users.clone().into();
        }
        kept.orders.insert(id, order);
        Reply::ok(body)
    }

    async fn pay(&self, id: &str, openid: &str, request: &Request) -> Reply {
        let refused = match self.weakness {
            Weakness::RefusesWith200 => Reply::ok(json!({"paid": false})),
            _ => Reply::refused(403, "refused"),
        };
        let Some(order) =
            self.kept().orders.get(id).cloned().filter(|order| order.openid == openid && !order.is_paid)
        else {
            return refused;
        };
        let now = self.kept().now();
        let ends = match self.weakness {
            Weakness::ChallengeWithoutEnd | Weakness::NothingEnds | Weakness::ClockIsMovedOnce => false,
            Weakness::ChallengeRenewedByLogin => {
                self.kept().logins.values().all(|login| login.openid != openid)
            }
            _ => true,
        };
        let named = request.named_user();
        let own_number = self.kept().number_of(openid);
        let is_own = |named: &Value| *named == json!(own_number) || *named == json!(openid);
        if (ends && now > order.until)
            || (self.is(Weakness::RefusesOtherNames) && named.is_some_and(|named| !is_own(named)))
        {
            return refused;
        }
        let openid_asked = match (self.weakness, request.header("x-wx-openid")) {
            (Weakness::OpenidOfHeader, Some(named)) => named,
            _ => openid.to_owned(),
        };
        let [text, signature] =
            ["resultJSON", "signature"].map(|name| request.body[name].as_str().unwrap_or_default());
        let is_verified = match self.weakness {
            Weakness::VerifiedByBody => request.body["verified"] == json!(true),
            Weakness::VerifiedByHeader => request.header("x-debug").is_some(),
            Weakness::VerifiedByQuery => request.query.get("skipVerify").is_some_and(|value| value == "true"),
            _ => false,
        };
        if !is_verified && !self.wechat.is_good(&openid_asked, text, signature).await {
            return refused;
        }
        let Ok(result) = ResultJson::decode(text.as_bytes()) else { return refused };
        let mut kept = self.kept();
        let highest = kept.counters.get(&result.cpu_id).copied().unwrap_or_default();
        let is_paid = kept.orders.get(id).is_none_or(|order| order.is_paid);
        if result.raw != order.challenge || result.counter <= highest || is_paid {
            return refused;
        }
        kept.counters.insert(result.cpu_id, result.counter);
        if let Some(order) = kept.orders.get_mut(id) {
            order.is_paid = true;
        }
        let number_in = |named: Option<i64>| named.and_then(|number| usize::try_from(number).ok());
        let account = match self.weakness {
            Weakness::AccountOfBody => number_in(request.body["userNumber"].as_i64()),
            Weakness::AccountOfCookie => {
                number_in(request.cookies.get("userNumber").and_then(|number| number.parse().ok()))
            }
            Weakness::AccountOfQuery => {
                number_in(request.query.get("userNumber").and_then(|number| number.parse().ok()))
            }
            _ => None,
        };
        let amount = match self.weakness {
            Weakness::AmountOfBody => request.body["amount"].as_i64(),
            Weakness::AmountOfQuery => request.query.get("price").and_then(|price| price.parse().ok()),
            _ => None,
        };
        let amount = amount.unwrap_or(PRICE);
        *kept.balances.entry(account.unwrap_or(own_number)).or_default() -= amount;
        Reply::ok(json!({"paid": true}))
    }

    async fn respond(&self, request: &Request) -> Reply {
        let path: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        match path.as_slice() {
            ["login"] => return self.login(request).await,
            ["clock"] => {
                let ahead = request.body["ahead"].as_u64().unwrap();
                let is_stuck = self.is(Weakness::ClockIsMovedOnce) && self.kept().ahead > 0;
                if is_stuck || self.is(Weakness::ClockIsNotMoved) {
                    return Reply::refused(503, "the clock is stuck");
                }
                self.kept().ahead = ahead;
                return Reply::ok(json!({}));
            }
            _ => {}
        }
        let Some(openid) = self.user(request) else { return Reply::refused(401, "log in") };
        match path.as_slice() {
            ["account"] => {
                let mut kept = self.kept();
                let number = kept.number_of(&openid);
                let balance = 1_000_000 + kept.balances.get(&number).copied().unwrap_or_default();
                Reply::ok(json!({"balance": balance}))
            }
            ["orders"] => self.order(&openid),
            ["orders", id, "pay"] => {
                let mut reply = self.pay(id, &openid, request).await;
                if self.is(Weakness::TellsToken) && reply.status == StatusCode::FORBIDDEN {
                    let token = self.wechat.access_token().await.unwrap_or_default();
                    reply.body["asked"] = format!("/verify_signature?access_token={token}").into();
                }
                if self.is(Weakness::TellsSecretInHeader) {
                    reply.header =
                        Some(("x-upstream", format!("wechat secret={}", super::wechat_api::APP.1)));
                }
                reply
            }
            _ => Reply::refused(404, "nothing is here"),
        }
    }
}

impl Kept {
    fn now(&self) -> u64 {
        now_ms() / 1000 + self.ahead
    }

    /// The time in milliseconds, or a little more, because no two challenges are equal.
    fn unique_ms(&mut self) -> u64 {
        self.last_ms = now_ms().max(self.last_ms + 1);
        self.last_ms
    }

    fn number_of(&mut self, openid: &str) -> usize {
        let known = self.users.iter().position(|user| user == openid);
        known.unwrap_or_else(|| {
            self.users.push(openid.to_owned());
            self.users.len() - 1
        })
    }
}

struct Request {
    path: String,
    query: BTreeMap<String, String>,
    headers: HeaderMap,
    cookies: BTreeMap<String, String>,
    cookie: Option<String>,
    token: String,
    body: Value,
}

impl Request {
    fn header(&self, name: &str) -> Option<String> {
        Some(self.headers.get(name)?.to_str().ok()?.to_owned())
    }

    /// The user whom the body names.
    fn named_user(&self) -> Option<&Value> {
        ["openid", "userNumber"].iter().find_map(|name| self.body.get(name))
    }
}

struct Reply {
    status: StatusCode,
    body: Value,
    cookie: Option<String>,
    header: Option<(&'static str, String)>,
}

impl Reply {
    fn ok(body: Value) -> Self {
        Self { status: StatusCode::OK, body, cookie: None, header: None }
    }

    fn refused(status: u16, why: &str) -> Self {
        Self { status: StatusCode::from_u16(status).unwrap(), ..Self::ok(json!({"error": why})) }
    }

    fn with_cookie(self, value: &str) -> Self {
        Self { cookie: Some(format!("sid={value}; Path=/; HttpOnly")), ..self }
    }
}

async fn answer(State(market): State<Arc<Market>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let pairs = |text: &str, separator: char| -> BTreeMap<String, String> {
        let pairs = text.split(separator).filter_map(|pair| pair.trim().split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    let cookies = pairs(header("cookie"), ';');
    let request = Request {
        path: uri.path().to_owned(),
        query: pairs(uri.query().unwrap_or_default(), '&'),
        cookie: cookies.get("sid").cloned(),
        cookies,
        token: header("authorization").trim_start_matches("Bearer ").to_owned(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
        headers: headers.clone(),
    };
    let Reply { status, body, cookie, header } = market.respond(&request).await;
    let mut response = (status, axum::Json(body)).into_response();
    let more = cookie.map(|cookie| ("set-cookie", cookie)).into_iter().chain(header);
    for (name, value) in more {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_millis().try_into().unwrap()
}

fn random_number() -> u64 {
    let hash = digest(&SHA256, random_text(16).as_bytes());
    u64::from_be_bytes(hash.as_ref()[..8].try_into().unwrap())
}

fn signed(text: &str) -> String {
    let hash = digest(&SHA256, format!("{TOKEN_KEY}.{text}").as_bytes());
    base16ct::lower::encode_string(hash.as_ref())
}

fn jwt(header: &Value, payload: &Value) -> String {
    let encode = |value: &Value| {
        base64::encode(value.to_string().as_bytes())
            .replace('+', "-")
            .replace('/', "_")
            .trim_end_matches('=')
            .to_owned()
    };
    let text = format!("{}.{}", encode(header), encode(payload));
    format!("{text}.{}", signed(&text))
}
