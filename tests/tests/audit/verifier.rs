//! A verifier with WeChat's contract, written for these tests alone, and weak in one point at a time.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use futures_util::future::{BoxFuture, FutureExt};
use serde_json::{Value, json};
use soter_sim::attack::{Backstage, Credentials, Http, KeySource, Trouble, WeChatTarget};
use soter_wire::{CertificateChain, KeyJson, PublicKey, ResultJson, base64};

use super::{Backend, TIME, serve};

/// In which point a verifier is weak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weakness {
    /// In none.
    None,
    /// In none, but it reads signatures in any Base64.
    Tolerant,
    /// In none, but a restart makes it forget its phones, which have to come back.
    KeysInMemory,
    AllInMemory,
    AnyKey,
    AnyRoot,
    AnySalt,
    AppIgnored,
    AskNotVerified,
    AuthKeyNotVerified,
    BreaksOnMalformedJson,
    CheckThenWrite,
    CodeNotSingleUse,
    CounterByKey,
    CounterByUser,
    CounterAsDouble,
    CounterIn32Bits,
    CounterInMemory,
    CounterLenient,
    CounterMayBeMissing,
    CounterNotChecked,
    CounterPlusOne,
    DeviceInAnyCase,
    EqualCounter,
    FirstKeyWins,
    GetAccepted,
    KeyFromMessage,
    LastCounterOnly,
    LastKeyWins,
    LocksUp,
    NamesInAnyCase,
    OpenidIgnored,
    Pkcs1Accepted,
    Reserialises,
    RaceBreaksOff,
    RetiredKeys,
    SaltAlways20,
    SaltFromMessage,
    SignatureIgnored,
    SignatureOptional,
    SignatureRemembered,
    StumblesAtTimes,
    TokenIgnored,
    TrimsText,
}

const APPS: [&str; 2] = ["wxweak000000000001", "wxweak000000000002"];
const SECRET: &str = "a weak secret";

/// The verifier.
#[derive(Debug)]
pub(crate) struct Verifier {
    weakness: Weakness,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    attks: HashMap<String, PublicKey>,
    asks: HashMap<(String, String), Ask>,
    keys: Vec<AuthKey>,
    /// The highest counter, and the last one.
    counters: HashMap<String, (u64, u64)>,
    tokens: HashMap<String, &'static str>,
    ended: HashSet<String>,
    codes: HashMap<String, Code>,
    spent: BTreeSet<String>,
    signatures: HashSet<String>,
    issued: u64,
    now: Duration,
    locked: bool,
    /// Requests that are refused whatever they are.
    stumbling: u8,
}

#[derive(Clone, Debug)]
struct Ask {
    key: PublicKey,
    salt: u16,
}

#[derive(Clone, Debug)]
struct AuthKey {
    cpu_id: String,
    uid: String,
    key: PublicKey,
    salt: u16,
    appid: String,
    openid: String,
    retired: bool,
}

#[derive(Clone, Debug)]
struct Code {
    appid: String,
    made_at: Duration,
}

impl Backend for WeChatTarget {
    type Target = Self;

    fn target(&self) -> &Self {
        self
    }
}

impl Verifier {
    /// A verifier with this weakness, behind a port of its own.
    pub(crate) async fn start(weakness: Weakness) -> WeChatTarget {
        let verifier = Arc::new(Self { weakness, kept: Mutex::default() });
        let routes = Router::new().fallback(any(answer)).with_state(Arc::clone(&verifier));
        let address = serve(routes).await;
        let app = |appid: &str| Credentials { appid: appid.to_owned(), secret: SECRET.into() };
        let http = Http::to(&format!("http://{address}"), TIME).unwrap();
        WeChatTarget::new(http, app(APPS[0]), verifier).with_other_app(Some(app(APPS[1])))
    }

    fn is(&self, weakness: Weakness) -> bool {
        self.weakness == weakness
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    fn token(&self, appid: &str, secret: &str) -> Value {
        let Some(appid) = APPS.iter().find(|known| **known == appid && secret == SECRET) else {
            return json!({"errcode": 40013, "errmsg": "invalid appid"});
        };
        let mut kept = self.kept();
        kept.issued += 1;
        let token = format!("token-{}", kept.issued);
        kept.tokens.insert(token.clone(), appid);
        json!({"access_token": token, "expires_in": 7200})
    }

    fn stable_token(&self, body: &Value) -> Value {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        if body["force_refresh"] == true {
            let mut kept = self.kept();
            let stable: Vec<_> =
                kept.tokens.keys().filter(|token| token.starts_with("stable")).cloned().collect();
            kept.ended.extend(stable);
        }
        let granted = self.token(&text("appid"), &text("secret"));
        let mut kept = self.kept();
        let Some(token) = granted["access_token"].as_str() else { return granted };
        let appid = kept.tokens.remove(token).unwrap();
        let stable = format!("stable-{token}");
        kept.tokens.insert(stable.clone(), appid);
        json!({"access_token": stable, "expires_in": 7200})
    }

    fn session(&self, query: &BTreeMap<String, String>) -> Value {
        let mut kept = self.kept();
        let code = query.get("js_code").cloned().unwrap_or_default();
        let now = kept.now;
        let fresh = kept.codes.get(&code).is_some_and(|made| {
            Some(&made.appid) == query.get("appid") && now < made.made_at + Duration::from_mins(5)
        });
        let reused = !kept.spent.insert(code) && !self.is(Weakness::CodeNotSingleUse);
        if !fresh || reused {
            return json!({"errcode": 40029, "errmsg": "invalid code"});
        }
        json!({"openid": "oWeak", "session_key": "AAAA"})
    }

    fn enroll(&self, body: &Value) -> Option<()> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let (cpu_id, uid) = (text(&body["cpu_id"])?, text(&body["uid"])?);
        let attk = PublicKey::from_pem(body["attk"].as_str()?).ok()?;
        let [ask, auth_key] = ["ask", "auth_key"].map(|name| &body[name]);
        let ask_json = text(&ask["json"])?;
        let ask_signature = base64::decode(ask["signature"].as_str()?).ok()?;
        let mut kept = self.kept();
        let known = kept.attks.entry(cpu_id.clone()).or_insert_with(|| attk.clone()).clone();
        let ask = if ask_signature.is_empty() {
            let chain = CertificateChain::decode(ask_json.as_bytes()).ok()?.verify().ok()?;
            let trusted = soter_tee::emulated_root_key().unwrap();
            if chain.device_key != known || (chain.root != trusted && !self.is(Weakness::AnyRoot)) {
                return None;
            }
            Ask { key: chain.ask.clone(), salt: chain.challenge.effective_salt_length() }
        } else {
            let export = KeyJson::decode(ask_json.as_bytes()).ok()?;
            let salt = export.effective_salt_length();
            if !self.is(Weakness::AskNotVerified) {
                known.verify_pss(ask_json.as_bytes(), &ask_signature, salt).ok()?;
            }
            Ask { key: export.public_key, salt }
        };
        let json = text(&auth_key["json"])?;
        let signature = base64::decode(auth_key["signature"].as_str()?).ok()?;
        let export = KeyJson::decode(json.as_bytes()).ok()?;
        if !self.is(Weakness::AuthKeyNotVerified) {
            ask.key.verify_pss(json.as_bytes(), &signature, ask.salt).ok()?;
        }
        kept.asks.insert((cpu_id.clone(), uid.clone()), ask);
        let key = AuthKey {
            salt: export.effective_salt_length(),
            key: export.public_key,
            appid: text(&body["appid"])?,
            openid: text(&body["openid"])?,
            cpu_id,
            uid,
            retired: false,
        };
        let same_owner = |old: &&mut AuthKey| {
            (&old.cpu_id, &old.openid) == (&key.cpu_id, &key.openid) && old.key != key.key
        };
        kept.keys.iter_mut().filter(same_owner).for_each(|old| old.retired = true);
        kept.keys.retain(|old| (&old.cpu_id, &old.openid, &old.key) != (&key.cpu_id, &key.openid, &key.key));
        kept.keys.push(key);
        Some(())
    }

    async fn verify(&self, query: &BTreeMap<String, String>, body: &Value) -> Value {
        let refused = json!({"is_ok": false});
        let appid = {
            let kept = self.kept();
            let token = query.get("access_token").map_or("", String::as_str);
            match kept.tokens.get(token) {
                Some(appid) if !kept.ended.contains(token) => *appid,
                _ if self.is(Weakness::TokenIgnored) => APPS[0],
                _ => return json!({"errcode": 40001, "errmsg": "invalid credential"}),
            }
        };
        if self.kept().locked || self.stumbles(body) {
            return refused;
        }
        if self.is(Weakness::SignatureRemembered) {
            let signature = body["json_signature"].as_str().unwrap_or_default().to_owned();
            if !self.kept().signatures.insert(signature) {
                return refused;
            }
        }
        let claim = Claim { appid, openid: body["openid"].as_str().unwrap_or_default() };
        let genuine = self.genuine(claim, &body["json_string"], &body["json_signature"]);
        let is_ok = match genuine {
            None => false,
            Some(genuine) => self.spend(&genuine).await,
        };
        if !is_ok && self.is(Weakness::LocksUp) {
            self.kept().locked = true;
        }
        json!({"is_ok": is_ok})
    }

    /// Refuses the next few requests after a signature of nothing or of zeros, or a text that begins with a BOM.
    fn stumbles(&self, body: &Value) -> bool {
        let zeros = base64::encode(&[0; 256]);
        let is_odd = body["json_signature"] == "" || body["json_signature"] == zeros.as_str();
        let is_odd = is_odd || body["json_string"].as_str().is_some_and(|text| text.starts_with('\u{feff}'));
        let mut kept = self.kept();
        if is_odd && self.is(Weakness::StumblesAtTimes) {
            kept.stumbling = 3;
        }
        let stumbles = kept.stumbling > 0;
        kept.stumbling = kept.stumbling.saturating_sub(1);
        stumbles
    }

    /// Whose result it is, and its counter; `None` if it is nobody's.
    fn genuine(&self, claim: Claim<'_>, json: &Value, signature: &Value) -> Option<Genuine> {
        let text = match json {
            Value::String(text) => text.clone(),
            Value::Object(_) if self.is(Weakness::Reserialises) => json.to_string(),
            _ => return None,
        };
        let text = match self.weakness {
            Weakness::TrimsText => text.trim_matches(['\u{feff}', '\r', '\n', '\0']).to_owned(),
            Weakness::Reserialises => serde_json::from_str::<Value>(&text).ok()?.to_string(),
            _ => text,
        };
        let result = self.read(&text)?;
        let signature = signature.as_str()?;
        if signature.is_empty() && self.is(Weakness::SignatureOptional) {
            return Some(Genuine { cpu_id: result.cpu_id, counter: result.counter });
        }
        let signature = self.signature(signature)?;
        let kept = self.kept();
        let candidates = kept.keys.iter().filter(|key| {
            self.is(Weakness::AnyKey)
                || ((key.cpu_id == result.cpu_id
                    || (self.is(Weakness::DeviceInAnyCase)
                        && key.cpu_id.eq_ignore_ascii_case(&result.cpu_id)))
                    && key.uid == result.uid
                    && (!key.retired || self.is(Weakness::RetiredKeys)))
        });
        let own = |key: &&AuthKey| {
            self.is(Weakness::AnyKey)
                || ((key.appid == claim.appid || self.is(Weakness::AppIgnored))
                    && (key.openid == claim.openid || self.is(Weakness::OpenidIgnored)))
        };
        if self.is(Weakness::KeyFromMessage)
            && let Some(key) = &result.key
            && key.verify_pss(text.as_bytes(), &signature, 20).is_ok()
        {
            return Some(Genuine { cpu_id: result.cpu_id, counter: result.counter });
        }
        let signer = candidates.filter(own).find(|key| {
            self.is(Weakness::SignatureIgnored) || self.holds(key, &text, &signature, result.salt)
        })?;
        let cpu_id = match self.weakness {
            Weakness::CounterByKey => signer.key.fingerprint(),
            Weakness::CounterByUser => signer.openid.clone(),
            _ => result.cpu_id,
        };
        Some(Genuine { cpu_id, counter: result.counter })
    }

    fn holds(&self, key: &AuthKey, text: &str, signature: &[u8], claimed: u16) -> bool {
        let bytes = text.as_bytes();
        match self.weakness {
            Weakness::AnySalt => key.key.find_pss_salt_length(bytes, signature).is_some(),
            Weakness::SaltFromMessage => key.key.verify_pss(bytes, signature, claimed).is_ok(),
            Weakness::Pkcs1Accepted if key.key.verify_pkcs1(bytes, signature).is_ok() => true,
            Weakness::SaltAlways20 => key.key.verify_pss(bytes, signature, 20).is_ok(),
            _ => claimed == key.salt && key.key.verify_pss(bytes, signature, key.salt).is_ok(),
        }
    }

    fn signature(&self, text: &str) -> Option<Vec<u8>> {
        let text = if self.is(Weakness::Tolerant) || self.is(Weakness::SignatureRemembered) {
            let bare: String = text.split_ascii_whitespace().collect();
            let bare = bare.replace('-', "+").replace('_', "/");
            let bare = bare.trim_end_matches('=');
            format!("{bare}{}", "=".repeat((4 - bare.len() % 4) % 4))
        } else {
            text.to_owned()
        };
        let bytes = base64::decode(&text).ok();
        if self.is(Weakness::SignatureIgnored) {
            return Some(bytes.unwrap_or_default());
        }
        bytes.filter(|bytes| bytes.len() == 256)
    }

    /// Reads a text strictly, or as a careless program does.
    fn read(&self, text: &str) -> Option<Read> {
        let careless = |value: &Value| -> Option<Read> {
            let text = |name: &str| value[name].as_str().map(str::to_owned);
            let counter = match &value["counter"] {
                Value::String(text) if self.is(Weakness::CounterLenient) => text.parse().ok()?,
                Value::Number(number) => whole(number, self.is(Weakness::CounterLenient))?,
                Value::Null if self.is(Weakness::CounterMayBeMissing) => None?,
                _ => return None,
            };
            Some(Read {
                counter: Some(counter),
                cpu_id: text("cpu_id")?,
                uid: text("uid")?,
                salt: value["rsa_pss_saltlen"].as_u64().map_or(20, |salt| u16::try_from(salt).unwrap_or(20)),
                key: text("pub_key").and_then(|pem| PublicKey::from_pem(&pem).ok()),
            })
        };
        match self.weakness {
            // serde_json lets the last of doubled names win.
            Weakness::LastKeyWins => careless(&serde_json::from_str(text).ok()?),
            Weakness::NamesInAnyCase => {
                ResultJson::decode(text.as_bytes()).ok()?;
                careless(&serde_json::from_str(&text.replace("\"Counter\"", "\"counter\"")).ok()?)
            }
            Weakness::FirstKeyWins => careless(&serde_json::from_str(&first_wins(text)).ok()?),
            Weakness::CounterLenient => {
                // Strict but for the counter.
                let value: Value = serde_json::from_str(text).ok()?;
                let plain = json!({"raw": value["raw"], "counter": 0, "cpu_id": value["cpu_id"], "uid": value["uid"]});
                ResultJson::decode(plain.to_string().as_bytes()).ok()?;
                (text.matches("\"counter\"").count() == 1).then(|| careless(&value)).flatten()
            }
            Weakness::CounterMayBeMissing if !text.contains("\"counter\"") => {
                let value: Value = serde_json::from_str(text).ok()?;
                let name = |name: &str| value[name].as_str().map(str::to_owned);
                Some(Read { counter: None, cpu_id: name("cpu_id")?, uid: name("uid")?, salt: 20, key: None })
            }
            _ => {
                let result = ResultJson::decode(text.as_bytes()).ok()?;
                let key = result.other.iter().find(|(name, _)| name == "pub_key");
                Some(Read {
                    counter: Some(result.counter),
                    salt: result.effective_salt_length(),
                    key: key.and_then(|(_, pem)| PublicKey::from_pem(pem.as_str()?).ok()),
                    cpu_id: result.cpu_id,
                    uid: result.uid,
                })
            }
        }
    }

    /// Whether an answer is cut off: when the same result was accepted twice already.
    fn breaks_off(&self, told: &Value, body: &Value) -> bool {
        let signature = body["json_signature"].as_str().unwrap_or_default();
        let mut kept = self.kept();
        self.is(Weakness::RaceBreaksOff)
            && told["is_ok"] == true
            && !kept.signatures.insert(signature.to_owned())
            && !kept.signatures.insert(format!("{signature} again"))
    }

    async fn spend(&self, genuine: &Genuine) -> bool {
        let Some(counter) = genuine.counter else { return true };
        let highest = |kept: &Kept| kept.counters.get(&genuine.cpu_id).copied();
        let is_new = |seen: Option<(u64, u64)>| {
            let Some((highest, last)) = seen else { return true };
            match self.weakness {
                Weakness::CounterNotChecked | Weakness::SignatureRemembered => true,
                Weakness::EqualCounter => counter >= highest,
                Weakness::CounterAsDouble => as_double(counter) > as_double(highest),
                Weakness::CounterIn32Bits => u32::try_from(counter).is_ok() && counter > highest,
                Weakness::CounterPlusOne => counter == highest + 1,
                Weakness::LastCounterOnly => counter != last,
                _ => counter > highest,
            }
        };
        let races = self.is(Weakness::CheckThenWrite) || self.is(Weakness::RaceBreaksOff);
        if races {
            let seen = highest(&self.kept());
            tokio::time::sleep(Duration::from_millis(20)).await;
            if !is_new(seen) {
                return false;
            }
        }
        let mut kept = self.kept();
        let seen = highest(&kept);
        let accepted = races || is_new(seen);
        if accepted {
            let before = seen.map_or(0, |(highest, _)| highest);
            kept.counters.insert(genuine.cpu_id.clone(), (before.max(counter), counter));
        }
        accepted
    }
}

#[derive(Clone, Copy)]
struct Claim<'a> {
    appid: &'a str,
    openid: &'a str,
}

struct Genuine {
    cpu_id: String,
    counter: Option<u64>,
}

struct Read {
    counter: Option<u64>,
    cpu_id: String,
    uid: String,
    salt: u16,
    key: Option<PublicKey>,
}

/// What stands for a number in a program that knows doubles alone.
fn as_double(counter: u64) -> f64 {
    counter.to_string().parse().unwrap()
}

fn whole(number: &serde_json::Number, lenient: bool) -> Option<u64> {
    number.as_u64().or_else(|| {
        let whole = number.as_f64().filter(|_| lenient)?.abs().trunc();
        format!("{whole:.0}").parse().ok()
    })
}

/// The text without the later ones of doubled counters.
fn first_wins(text: &str) -> String {
    let mut parts = text.split("\"counter\":");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for (index, part) in parts.enumerate() {
        if index == 0 {
            out.push_str("\"counter\":");
            out.push_str(part);
        } else {
            out.push_str("\"ignored\":");
            out.push_str(part);
        }
    }
    out
}

async fn answer(
    State(verifier): State<Arc<Verifier>>,
    method: Method,
    uri: axum::http::Uri,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let query: BTreeMap<String, String> = pairs(&query.unwrap_or_default());
    let given = |name: &str| query.get(name).cloned().unwrap_or_default();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let told = match uri.path() {
        "/cgi-bin/token" => verifier.token(&given("appid"), &given("secret")),
        "/cgi-bin/stable_token" => verifier.stable_token(&body),
        "/sns/jscode2session" => verifier.session(&query),
        "/sim/devices" => json!({"enrolled": verifier.enroll(&body).is_some()}),
        "/cgi-bin/soter/verify_signature" => {
            if method != Method::POST && !verifier.is(Weakness::GetAccepted) {
                json!({"errcode": 43002, "errmsg": "require POST method"})
            } else if verifier.is(Weakness::BreaksOnMalformedJson)
                && body["json_string"]
                    .as_str()
                    .is_none_or(|text| serde_json::from_str::<Value>(text).is_err())
            {
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            } else {
                let told = verifier.verify(&query, &body).await;
                if verifier.breaks_off(&told, &body) {
                    let cut =
                        futures_util::stream::once(async { Err::<Bytes, _>(std::io::Error::other("cut")) });
                    return Body::from_stream(cut).into_response();
                }
                told
            }
        }
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    axum::Json(told).into_response()
}

fn pairs(query: &str) -> BTreeMap<String, String> {
    let pair = |pair: &str| {
        pair.split_once('=')
            .map(|(name, value)| (name.to_owned(), value.replace("%20", " ").replace('+', " ")))
    };
    query.split('&').filter_map(pair).collect()
}

impl Backstage for Verifier {
    fn login_code(&self, appid: String) -> BoxFuture<'_, Option<String>> {
        let mut kept = self.kept();
        kept.issued += 1;
        let code = format!("code-{}", kept.issued);
        let made_at = kept.now;
        kept.codes.insert(code.clone(), Code { appid, made_at });
        async move { Some(code) }.boxed()
    }

    fn advance_clock(&self, by: Duration) -> bool {
        self.kept().now += by;
        true
    }

    fn restart(&self) -> BoxFuture<'_, Result<(), Trouble>> {
        let mut kept = self.kept();
        kept.tokens.clear();
        if self.is(Weakness::CounterInMemory) || self.is(Weakness::AllInMemory) {
            kept.counters.clear();
        }
        if self.is(Weakness::KeysInMemory) || self.is(Weakness::AllInMemory) {
            kept.attks.clear();
            kept.asks.clear();
            kept.keys.clear();
        }
        async { Ok(()) }.boxed()
    }
}

/// The keys of these tests: quick, since they are made once.
pub(crate) fn keys() -> KeySource {
    static KEYS: std::sync::LazyLock<KeySource> = std::sync::LazyLock::new(KeySource::random);
    KEYS.clone()
}
