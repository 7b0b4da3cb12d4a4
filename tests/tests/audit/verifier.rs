//! A verifier with WeChat's contract, written only for these tests, with one weakness at a time.

mod accounts;
mod counters;
mod enrolled_key;
mod enrolment;
mod reading;
mod weakness;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aws_lc_rs::digest::{Algorithm, SHA256, SHA384, SHA512};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use futures_util::future::{BoxFuture, FutureExt};
use serde_json::{Value, json};
use soter_attack::{Credentials, Http, KeySource, TargetError, VerifierControl, WeChatTarget};
use soter_wire::{PublicKey, SignatureScheme, base64};

pub(crate) use weakness::Weakness;

use enrolled_key::EnrolledKey;
use reading::{Read, read};

use super::careless_pss::{AnyKey, Pss};
use super::{Backend, TIME, serve};

pub(crate) const APPS: [&str; 2] = ["wxweak000000000001", "wxweak000000000002"];
pub(crate) const SECRET: &str = "a weak secret";

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
    /// The highest counter and the last one.
    counters: HashMap<String, (u64, u64)>,
    /// By device: the highest counter of an accepted result, which uploads have to exceed.
    results: HashMap<String, u64>,
    /// By device: the counters of the last upload, of the ASK and the AuthKey.
    uploads: HashMap<String, (u64, u64)>,
    /// The exports of AuthKeys.
    exports: HashSet<String>,
    /// The processes of connections, by their clients' addresses.
    processes: HashMap<SocketAddr, usize>,
    /// Counters of accepted results, by device.
    shown: HashSet<(String, u64)>,
    tokens: HashMap<String, &'static str>,
    ended: HashSet<String>,
    codes: HashMap<String, Code>,
    spent: BTreeSet<String>,
    signatures: HashSet<String>,
    issued: u64,
    now: Duration,
    locked: bool,
    /// How many of the next good results are refused.
    refusals_left: u8,
    requests: u64,
}

#[derive(Clone, Debug)]
struct Ask {
    key: EnrolledKey,
    scheme: SignatureScheme,
}

#[derive(Clone, Debug)]
struct AuthKey {
    cpu_id: String,
    uid: String,
    key: EnrolledKey,
    scheme: SignatureScheme,
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
    /// Starts a verifier with this weakness on its own port.
    pub(crate) async fn start(weakness: Weakness) -> WeChatTarget {
        let (verifier, address) = Self::listen(weakness).await;
        let app = |appid: &str| Credentials { appid: appid.to_owned(), secret: SECRET.into() };
        let http = Http::over_network(&format!("http://{address}"), TIME, None).unwrap();
        WeChatTarget::new(http, app(APPS[0]), verifier).with_other_app(Some(app(APPS[1])))
    }

    /// A verifier with this weakness, and its address.
    pub(crate) async fn listen(weakness: Weakness) -> (Arc<Self>, SocketAddr) {
        let verifier = Arc::new(Self { weakness, kept: Mutex::default() });
        let routes = Router::new().fallback(any(answer)).with_state(Arc::clone(&verifier));
        (verifier, serve(routes).await)
    }

    fn is(&self, weakness: Weakness) -> bool {
        self.weakness == weakness
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    async fn verify(&self, query: &BTreeMap<String, String>, body: &Value, client: SocketAddr) -> Value {
        /// The number of processes.
        const PROCESSES: usize = 4;
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
        if self.kept().locked {
            return refused;
        }
        self.notice_odd(body);
        if self.is(Weakness::SignatureRemembered) {
            let signature = body["json_signature"].as_str().unwrap_or_default().to_owned();
            if !self.kept().signatures.insert(signature) {
                return refused;
            }
        }
        if self.is(Weakness::CounterBeforeSignature)
            && let Some(Read { cpu_id, counter, .. }) =
                body["json_string"].as_str().and_then(|text| read(self.weakness, text))
        {
            let phone = cpu_id.clone();
            if !self.spend(&Genuine { cpu_id, phone, counter, openid: String::new() }).await {
                return refused;
            }
            let claim = Claim { appid, openid: body["openid"].as_str().unwrap_or_default(), process: 0 };
            return json!({"is_ok": self.genuine(claim, &body["json_string"], &body["json_signature"]).is_some()});
        }
        let process = {
            let mut kept = self.kept();
            let next = kept.processes.len() % PROCESSES;
            *kept.processes.entry(client).or_insert(next)
        };
        let claim = Claim { appid, openid: body["openid"].as_str().unwrap_or_default(), process };
        let genuine = self.genuine(claim, &body["json_string"], &body["json_signature"]);
        let is_ok = match genuine {
            None => false,
            Some(genuine) => {
                let is_theirs = genuine.openid == claim.openid || !self.is(Weakness::SpentBeforeOpenid);
                self.spend(&genuine).await && is_theirs && !self.is_confused()
            }
        };
        if !is_ok && self.is(Weakness::LocksUp) {
            self.kept().locked = true;
        }
        json!({"is_ok": is_ok})
    }

    /// An empty signature, a signature of zeros, or a text that begins with a BOM confuses some verifiers.
    fn notice_odd(&self, body: &Value) {
        let zeros = base64::encode(&[0; 256]);
        let is_odd = body["json_signature"] == "" || body["json_signature"] == zeros.as_str();
        let is_odd = is_odd || body["json_string"].as_str().is_some_and(|text| text.starts_with('\u{feff}'));
        let mut kept = self.kept();
        if is_odd && self.is(Weakness::RefusesTemporarily) {
            kept.refusals_left = 3;
        }
    }

    /// Whether a confused verifier refuses a good result.
    fn is_confused(&self) -> bool {
        let mut kept = self.kept();
        let is_confused = kept.refusals_left > 0;
        kept.refusals_left = kept.refusals_left.saturating_sub(1);
        is_confused
    }

    /// The owner and the counter of a result; `None` if the result is refused.
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
        let result = read(self.weakness, &text)?;
        let unchecked = Genuine {
            cpu_id: result.cpu_id.clone(),
            phone: result.cpu_id.clone(),
            counter: result.counter,
            openid: claim.openid.to_owned(),
        };
        let Some(signature) = signature.as_str() else {
            return self.is(Weakness::SignatureNotRequired).then_some(unchecked);
        };
        if (signature.is_empty() && self.is(Weakness::SignatureOptional))
            || (base64::decode(signature).is_err() && self.is(Weakness::Base64FailsOpen))
        {
            return Some(unchecked);
        }
        let signature = self.signature(signature)?;
        let kept = self.kept();
        let candidates = kept.keys.iter().filter(|key| {
            self.is(Weakness::AnyKey)
                || ((key.cpu_id == result.cpu_id
                    || (self.is(Weakness::DeviceTrimmed) && key.cpu_id == result.cpu_id.trim())
                    || (self.is(Weakness::DeviceInAnyCase)
                        && key.cpu_id.eq_ignore_ascii_case(&result.cpu_id)))
                    && key.uid == result.uid
                    && (!key.retired || self.is(Weakness::RetiredKeys)))
        });
        let own = |key: &&AuthKey| {
            self.is(Weakness::AnyKey)
                || ((key.appid == claim.appid || self.is(Weakness::AppIgnored))
                    && (key.openid == claim.openid
                        || (self.is(Weakness::OpenidInAnyCase)
                            && key.openid.eq_ignore_ascii_case(claim.openid))
                        || (self.is(Weakness::OpenidIsPattern) && claim.openid == "%")
                        || (self.is(Weakness::OpenidOptional) && claim.openid.is_empty())
                        || self.is(Weakness::OpenidIgnored)
                        || (self.is(Weakness::UsersOfPhone)
                            && kept.keys.iter().any(|other| {
                                (&*other.openid, &other.cpu_id) == (claim.openid, &key.cpu_id)
                            }))
                        || self.is(Weakness::SpentBeforeOpenid)))
        };
        if self.is(Weakness::KeyFromMessage)
            && let Some(key) = &result.key
            && key.verify(SignatureScheme::default(), text.as_bytes(), &signature).is_ok()
        {
            return Some(unchecked);
        }
        let signer = candidates.filter(own).find(|key| {
            self.is(Weakness::SignatureIgnored) || self.holds(key, &text, &signature, result.scheme)
        })?;
        let cpu_id = match self.weakness {
            Weakness::CounterByKey => format!("{:?}", signer.key),
            Weakness::CounterByUser => signer.openid.clone(),
            Weakness::CounterByDeviceAndApp => format!("{} {}", result.cpu_id, signer.appid),
            Weakness::CounterByDeviceAndUser => format!("{} {}", result.cpu_id, signer.openid),
            Weakness::CounterByProcess => format!("{} {}", result.cpu_id, claim.process),
            _ => result.cpu_id,
        };
        let phone = signer.cpu_id.clone();
        Some(Genuine { cpu_id, phone, counter: result.counter, openid: signer.openid.clone() })
    }

    fn holds(&self, key: &AuthKey, text: &str, signature: &[u8], claimed: SignatureScheme) -> bool {
        let bytes = text.as_bytes();
        let EnrolledKey::Usual(public) = &key.key else {
            return claimed == key.scheme && key.key.verifies(key.scheme, bytes, signature);
        };
        let SignatureScheme::RsaPss { salt_length } = key.scheme;
        let pss = |hash, mask| Pss { hash, mask, salt_length: salt_length.get().into() };
        let any = || AnyKey::from_spki_der(public.spki_der()).unwrap();
        let with_any_of = |hashes: &[[&'static Algorithm; 2]]| {
            let key = any();
            hashes.iter().any(|[hash, mask]| key.verify(bytes, signature, pss(hash, mask)))
        };
        let others = [&SHA256, &SHA384, &SHA512];
        match self.weakness {
            Weakness::AnyHash => claimed == key.scheme && with_any_of(&others.map(|hash| [hash, hash])),
            Weakness::AnyHashes => {
                claimed == key.scheme
                    && others.iter().any(|hash| with_any_of(&others.map(|mask| [*hash, mask])))
            }
            Weakness::AnyMask => claimed == key.scheme && with_any_of(&others.map(|mask| [&SHA256, mask])),
            Weakness::AnySalt => public.find_pss_salt_length(bytes, signature).is_some(),
            Weakness::SaltAtLeast20 => {
                public.find_pss_salt_length(bytes, signature).is_some_and(|salt_length| salt_length >= 20)
            }
            Weakness::SaltFromMessage => public.verify(claimed, bytes, signature).is_ok(),
            Weakness::Pkcs1Accepted if public.verify_pkcs1(bytes, signature).is_ok() => true,
            Weakness::PaddingNotChecked => {
                claimed == key.scheme && any().hash_agrees(bytes, signature, pss(&SHA256, &SHA256))
            }
            Weakness::SaltAlways20 => public.verify(SignatureScheme::default(), bytes, signature).is_ok(),
            _ => claimed == key.scheme && public.verify(key.scheme, bytes, signature).is_ok(),
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
        let takes_short_keys = self.is(Weakness::AnyAuthKey) || self.is(Weakness::ShortKeys);
        bytes.filter(|bytes| bytes.len() == 256 || (takes_short_keys && bytes.len() == 128))
    }

    /// Refuses every seventh request as too many, and ends the access token of every eleventh.
    fn busy(&self, query: &BTreeMap<String, String>) -> Option<Response> {
        if !self.is(Weakness::Busy) {
            return None;
        }
        let mut kept = self.kept();
        kept.requests += 1;
        if kept.requests.is_multiple_of(11)
            && let Some(token) = query.get("access_token").filter(|token| !token.starts_with("stable"))
        {
            kept.ended.insert(token.clone());
        }
        let is_too_many = kept.requests.is_multiple_of(7);
        is_too_many.then(|| (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")]).into_response())
    }

    /// Whether an answer is cut off: if the same result was accepted twice before.
    fn breaks_off(&self, reply: &Value, body: &Value) -> bool {
        let signature = body["json_signature"].as_str().unwrap_or_default();
        let mut kept = self.kept();
        self.is(Weakness::RaceBreaksOff)
            && reply["is_ok"] == true
            && !kept.signatures.insert(signature.to_owned())
            && !kept.signatures.insert(format!("{signature} again"))
    }
}

#[derive(Clone, Copy)]
struct Claim<'a> {
    appid: &'a str,
    openid: &'a str,
    /// The process that answers.
    process: usize,
}

struct Genuine {
    /// What counters are kept by.
    cpu_id: String,
    phone: String,
    counter: Option<u64>,
    /// The owner of the key that signed.
    openid: String,
}

async fn answer(
    State(verifier): State<Arc<Verifier>>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    method: Method,
    uri: axum::http::Uri,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let query: BTreeMap<String, String> = pairs(&query.unwrap_or_default());
    let given = |name: &str| query.get(name).cloned().unwrap_or_default();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let reply = match uri.path() {
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
            } else if let Some(busy) = verifier.busy(&query) {
                return busy;
            } else {
                let reply = verifier.verify(&query, &body, client).await;
                if verifier.breaks_off(&reply, &body) {
                    let cut =
                        futures_util::stream::once(async { Err::<Bytes, _>(std::io::Error::other("cut")) });
                    return Body::from_stream(cut).into_response();
                }
                reply
            }
        }
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    axum::Json(reply).into_response()
}

fn pairs(query: &str) -> BTreeMap<String, String> {
    let pair = |pair: &str| {
        pair.split_once('=')
            .map(|(name, value)| (name.to_owned(), value.replace("%20", " ").replace('+', " ")))
    };
    query.split('&').filter_map(pair).collect()
}

impl VerifierControl for Verifier {
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

    fn restart(&self) -> BoxFuture<'_, Result<(), TargetError>> {
        let mut kept = self.kept();
        kept.tokens.clear();
        if self.is(Weakness::CounterInMemory) || self.is(Weakness::AllInMemory) {
            kept.counters.clear();
            kept.results.clear();
        }
        if self.is(Weakness::KeysInMemory) || self.is(Weakness::AllInMemory) {
            kept.attks.clear();
            kept.asks.clear();
            kept.keys.clear();
            if self.is(Weakness::AllInMemory) {
                kept.uploads.clear();
            }
        }
        async { Ok(()) }.boxed()
    }
}

/// The keys of these tests, generated once to save time.
pub(crate) fn keys() -> KeySource {
    static KEYS: std::sync::LazyLock<KeySource> = std::sync::LazyLock::new(KeySource::random);
    KEYS.clone()
}
