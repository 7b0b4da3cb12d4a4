//! The OpenAPI document says what the servers do. Requests are made from the document alone; every answer in all tests of the
//! paths is compared with it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use aws_lc_rs::hmac;
use boon::{Compiler, Draft, SchemaIndex, Schemas};
use serde_json::Map;

use super::*;
use crate::cloud::request;
use crate::open_api_document;
use crate::sessions::switches::{Failure, SwitchChanges};

const ADDRESS: &str = "http://127.0.0.1:8777";
const FORM: &str = "application/x-www-form-urlencoded";

type Compiled = BTreeMap<(String, String), SchemaIndex>;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&open_api_document(ADDRESS)).unwrap());

/// The schemas of all answers, by path and method.
static ANSWERS: LazyLock<(Schemas, Compiled)> = LazyLock::new(|| {
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    // The schemas of OpenAPI 3.0 are an older draft. They use nothing that has changed.
    compiler.set_default_draft(Draft::V7);
    compiler.add_resource("http://emulator.invalid/", DOCUMENT.clone()).unwrap();
    let mut compiled = BTreeMap::new();
    for (path, verb, _) in operations() {
        let pointer = format!(
            "paths/{}/{verb}/responses/200/content/application~1json/schema",
            path.replace('/', "~1")
        );
        let schema = compiler.compile(&format!("http://emulator.invalid/#/{pointer}"), &mut schemas).unwrap();
        compiled.insert((path, verb), schema);
    }
    (schemas, compiled)
});

/// Path, method and description of everything in the document.
fn operations() -> impl Iterator<Item = (String, String, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, item)| {
        let verbs = item.as_object().unwrap().iter().filter(|(name, _)| *name == "get" || *name == "post");
        verbs.map(|(verb, operation)| (path.clone(), verb.clone(), operation))
    })
}

/// What the document shows of an answer, by the names of the examples.
fn examples(operation: &Value) -> &Map<String, Value> {
    operation["responses"]["200"]["content"]["application/json"]["examples"].as_object().unwrap()
}

/// The errcodes in the document, with the answer that is shown.
fn errcodes(operation: &Value) -> impl Iterator<Item = (i32, &Value)> {
    examples(operation).iter().filter_map(|(name, example)| {
        let errcode = i32::try_from(example["value"]["errcode"].as_i64()?).unwrap();
        (errcode != 0).then(|| {
            assert_eq!(*name, Reason::Errcode(errcode).name());
            (errcode, &example["value"])
        })
    })
}

/// The names of all members, also of those inside others.
fn members(value: &Value) -> Vec<String> {
    let Some(object) = value.as_object() else { return Vec::new() };
    object
        .iter()
        .flat_map(|(name, value)| {
            let below = members(value).into_iter().map(move |below| format!("{name}.{below}"));
            [name.clone()].into_iter().chain(below)
        })
        .collect()
}

/// The status and type are checked where the request is sent. A path or a method that is not in the document is not checked.
#[track_caller]
pub(super) fn assert_documented(path: &str, method: &str, answer: &Value, is_told: bool) {
    let path = path.split('?').next().unwrap();
    let (schemas, compiled) = &*ANSWERS;
    let Some(schema) = compiled.get(&(path.to_owned(), method.to_ascii_lowercase())) else { return };
    if let Err(error) = schemas.validate(answer, *schema) {
        panic!("{method} {path}: {answer}: {error}");
    }
    let (_, _, operation) =
        operations().find(|(other, verb, _)| other == path && *verb == method.to_ascii_lowercase()).unwrap();
    match answer["errcode"].as_i64().filter(|errcode| *errcode != 0) {
        Some(errcode) => {
            assert!(
                is_told || errcodes(operation).any(|(listed, _)| i64::from(listed) == errcode),
                "{method} {path} does not list {errcode}"
            );
            assert_eq!(members(answer), ["errcode", "errmsg"]);
        }
        None => assert!(
            examples(operation).values().any(|example| members(&example["value"]) == members(answer))
                || answer["errmsg"] == "ok",
            "{method} {path} has no example like {answer}"
        ),
    }
}

/// A request that the document shows.
#[derive(Clone, Debug)]
struct Shown {
    path: String,
    verb: String,
    /// The type of the body, if there is one.
    content_type: Option<String>,
    /// The parameters, or the members of the body.
    values: Map<String, Value>,
    operation: &'static Value,
}

impl Shown {
    /// All of them.
    fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for (path, verb, operation) in operations() {
            let values = operation["parameters"].as_array().unwrap().iter();
            let values: Map<_, _> = values
                .map(|parameter| {
                    (parameter["name"].as_str().unwrap().to_owned(), parameter["example"].clone())
                })
                .collect();
            let shown = Self { path, verb, content_type: None, values, operation };
            match operation["requestBody"]["content"].as_object() {
                Some(types) => all.extend(types.iter().filter_map(|(content_type, body)| {
                    let values = body["example"].as_object()?.clone();
                    Some(Self { content_type: Some(content_type.clone()), values, ..shown.clone() })
                })),
                None => all.push(shown),
            }
        }
        assert!(all.len() > WeChatPath::ALL.len(), "{all:?}");
        all
    }

    fn takes_token(&self) -> bool {
        self.operation["security"].is_array()
    }

    /// The names of its required parameters, and what is said of each.
    fn required(&self) -> Vec<(String, &'static str)> {
        match &self.content_type {
            None => {
                let parameters = self.operation["parameters"].as_array().unwrap().iter();
                parameters
                    .filter(|parameter| parameter["required"] == true)
                    .map(|parameter| {
                        let text = parameter["description"].as_str().unwrap();
                        (parameter["name"].as_str().unwrap().to_owned(), text)
                    })
                    .collect()
            }
            Some(content_type) => {
                let schema = &self.operation["requestBody"]["content"][content_type]["schema"];
                let required = schema["required"].as_array().unwrap().iter();
                required
                    .map(|name| {
                        let name = name.as_str().unwrap();
                        (name.to_owned(), schema["properties"][name]["description"].as_str().unwrap())
                    })
                    .collect()
            }
        }
    }

    fn query(values: &Map<String, Value>) -> String {
        let pairs = values.iter().map(|(name, value)| match value {
            Value::String(text) => (name.clone(), text.clone()),
            other => (name.clone(), other.to_string()),
        });
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }

    fn body(&self) -> String {
        match self.content_type.as_deref() {
            None => String::new(),
            Some(FORM) => Self::query(&self.values),
            Some(_) => Value::Object(self.values.clone()).to_string(),
        }
    }

    async fn send(&self, backend: &Backend, token: Option<&str>) -> Answered {
        self.send_body(backend, token, self.body()).await
    }

    async fn send_body(&self, backend: &Backend, token: Option<&str>, body: String) -> Answered {
        let mut query = if self.content_type.is_none() { self.values.clone() } else { Map::new() };
        query.extend(token.map(|token| ("access_token".to_owned(), token.into())));
        let path = format!("{}?{}", self.path, Self::query(&query));
        backend.send(&self.verb.to_ascii_uppercase(), &path, body).await
    }

    /// The same request with what only a phone can give: codes, results, and a session's signature.
    async fn live(mut self, backend: &Backend) -> Self {
        for (name, value) in &mut self.values {
            match (self.path.as_str(), name.as_str()) {
                ("/sns/jscode2session", "js_code") => {
                    *value = backend.wechat.login(DEFAULT_USER, DEFAULT_APPID).await.unwrap().into();
                }
                ("/wxa/business/getuserphonenumber", "code") => {
                    *value = backend.wechat.phone_code(DEFAULT_USER, DEFAULT_APPID).await.unwrap().into();
                }
                ("/wxa/checksession" | "/wxa/resetusersessionkey", "signature") => {
                    let key = hmac::Key::new(hmac::HMAC_SHA256, backend.session_key().await.as_bytes());
                    *value = base16ct::lower::encode_string(hmac::sign(&key, b"").as_ref()).into();
                }
                _ => {}
            }
        }
        let mut phone = TestPhone::new("trustonic");
        if self.values.contains_key("json_string") {
            phone.upload(&backend.wechat, OPENID).await;
            let text = phone.result();
            self.values["json_signature"] = phone.signature(&text).into();
            self.values["json_string"] = text.into();
        } else if self.values.contains_key("ask_json") {
            phone.upload(&backend.wechat, OPENID).await;
            let (json, signature) = phone.export_ask();
            self.values["ask_json"] = json.into();
            self.values["ask_json_signature"] = base64::encode(&signature).into();
        }
        self
    }
}

/// Servers, a request that they accept, and its access token.
async fn accepted(shown: &Shown) -> (Backend, Shown, Option<String>) {
    let backend = Backend::new(ReplyStyle::Plain);
    let live = shown.clone().live(&backend).await;
    let token = if shown.takes_token() { Some(backend.token().await) } else { None };
    (backend, live, token)
}

#[test]
fn the_document_has_every_path_of_the_real_servers_with_its_methods() {
    assert_eq!(DOCUMENT["openapi"], "3.0.3");
    let listed: Vec<_> = DOCUMENT["paths"].as_object().unwrap().keys().cloned().collect();
    let paths = WeChatPath::ALL.iter().filter(|path| **path != WeChatPath::Devices);
    assert_eq!(listed, paths.map(|path| path.path()).collect::<Vec<_>>());
    for path in WeChatPath::ALL.iter().filter(|path| **path != WeChatPath::Devices) {
        let verbs: Vec<_> =
            operations().filter(|(other, ..)| other == path.path()).map(|(_, verb, _)| verb).collect();
        let expected: &[&str] = match path.method() {
            PathMethod::Get => &["get"],
            PathMethod::GetOrForm | PathMethod::GetOrJson => &["get", "post"],
            PathMethod::Post | PathMethod::PostAny => &["post"],
        };
        assert_eq!(verbs, expected, "{path:?}");
        assert_eq!(DOCUMENT["paths"][path.path()][verbs[0].as_str()]["summary"], path.purpose());
    }
}

#[test]
fn a_tool_that_takes_the_first_server_reaches_the_emulator() {
    let text = open_api_document("http://phone.test:80");
    let document: Value = serde_json::from_str(&text).unwrap();
    assert!(!text.contains("emulator.invalid"));
    let first = |servers: &Value| servers[0]["url"].as_str().unwrap().to_owned();
    assert_eq!(first(&document["servers"]), "http://phone.test:80");
    assert_eq!(document["servers"][1]["url"], "https://api.weixin.qq.com");
    assert_eq!(first(&document["paths"]["/admin"]["servers"]), "http://phone.test:80");
    // What a client has sent as its host stays inside its text.
    for odd in ["http://a\"b\\c\"", "\"", ""] {
        let document: Value = serde_json::from_str(&open_api_document(odd)).unwrap();
        assert_eq!(document["servers"][0]["url"], odd);
    }
}

#[tokio::test]
async fn each_request_that_is_shown_is_answered_as_the_first_answer_that_is_shown() {
    for shown in Shown::all() {
        let (backend, live, token) = accepted(&shown).await;
        let answered = live.send(&backend, token.as_deref()).await;
        let example = &examples(shown.operation).values().next().unwrap()["value"];
        assert_eq!(members(&answered.json), members(example), "{live:?}: {}", answered.text);
        for flag in [
            "errcode",
            "errmsg",
            "is_ok",
            "is_verified",
            "is_support",
            "support_type",
            "ip_list",
            "expires_in",
        ] {
            assert_eq!(answered.json[flag], example[flag], "{live:?}");
        }
    }
}

#[tokio::test]
async fn a_request_as_it_is_shown_gets_an_answer_that_is_shown() {
    for shown in Shown::all() {
        let backend = Backend::new(ReplyStyle::Plain);
        let token = if shown.takes_token() { Some(backend.token().await) } else { None };
        let answered = shown.send(&backend, token.as_deref()).await;
        let errcode = match shown.path.as_str() {
            "/sns/jscode2session" | "/wxa/business/getuserphonenumber" => json!(40029),
            "/wxa/checksession" | "/wxa/resetusersessionkey" => json!(87009),
            "/cgi-bin/clear_quota" | "/cgi-bin/clear_quota/v2" => json!(0),
            _ => Value::Null,
        };
        assert_eq!(answered.json["errcode"], errcode, "{shown:?}: {}", answered.text);
        assert!(!answered.text.contains("INVALID"), "the example of a token vouches: {}", answered.text);
    }
}

#[tokio::test]
async fn each_required_parameter_that_is_left_out_gets_the_errcode_that_is_promised() {
    let mut judged = 0;
    for shown in Shown::all() {
        for (name, text) in shown.required() {
            let (backend, mut live, token) = accepted(&shown).await;
            live.values.shift_remove(&name).unwrap();
            let answered = live.send(&backend, token.as_deref()).await;
            if let Some((_, rest)) = text.split_once("Without it: errcode ") {
                let promised: i64 = rest.split('.').next().unwrap().parse().unwrap();
                assert_eq!(answered.json["errcode"], promised, "{live:?} without {name}");
                continue;
            }
            assert!(text.ends_with("Without it, the answer is a refusal."), "{text}");
            let of_cloud = answered.json["data"]["responseData"].as_str();
            let is_refusal = answered.json["is_ok"] == false
                || answered.json["is_verified"] == false
                || answered.json["code"].is_string()
                || of_cloud.is_some_and(|text| text.contains("47001"));
            assert!(is_refusal, "{live:?} without {name}: {}", answered.text);
            judged += 1;
        }
    }
    assert_eq!(judged, 3 + request::members().len());
}

#[tokio::test]
async fn what_is_not_in_the_document_is_ignored() {
    for shown in Shown::all() {
        let (backend, mut live, token) = accepted(&shown).await;
        live.values.insert("undocumented".to_owned(), json!("1"));
        let answered = live.send(&backend, token.as_deref()).await;
        let example = &examples(shown.operation).values().next().unwrap()["value"];
        assert_eq!(members(&answered.json), members(example), "{live:?}: {}", answered.text);
    }
}

#[tokio::test]
async fn every_errcode_that_is_listed_can_be_had_and_is_shown_as_it_is_sent() {
    for shown in Shown::all() {
        for (errcode, example) in errcodes(shown.operation) {
            let answered = provoke(&shown, errcode).await;
            let [sent, shown_message] =
                [&answered.json, example].map(|answer| answer["errmsg"].as_str().unwrap());
            assert_eq!(answered.json["errcode"], errcode, "{shown:?}: {}", answered.text);
            let text = |message: &str| message.split("rid: ").next().unwrap().to_owned();
            assert_eq!(text(sent), text(shown_message));
            assert_eq!(sent.len(), shown_message.len());
        }
    }
}

/// Makes the servers answer with this errcode.
async fn provoke(shown: &Shown, errcode: i32) -> Answered {
    let (mut backend, mut live, token) = accepted(shown).await;
    let mut token = token.as_deref();
    let mut body = None;
    let mut set = |names: &[&str], text: &str| {
        let mut changed = live.values.iter_mut().filter(|(name, _)| names.contains(&name.as_str()));
        *changed.next().unwrap().1 = text.into();
    };
    match errcode {
        -1 => {
            let failure = Some(Some(Failure { errcode: -1, times: None, path: None }));
            let changes = SwitchChanges { failure, ..SwitchChanges::default() };
            backend.wechat.change_switches(changes).await.unwrap();
        }
        40001 => token = Some("guess"),
        40002 => set(&["grant_type"], "another"),
        40003 => set(&["openid"], "oNobody"),
        40013 => set(&["appid"], "wx0000000000000000"),
        40029 => set(&["js_code", "code"], "guess"),
        40125 => set(&["secret", "appsecret"], "guess"),
        40163 => drop(live.send(&backend, token).await),
        41001 => token = None,
        41002 => set(&["appid"], ""),
        41004 => set(&["secret", "appsecret"], ""),
        41008 => set(&["js_code", "code"], ""),
        42001 => backend.clock.advance(Duration::from_hours(2)),
        44002 => body = Some(String::new()),
        45002 => body = Some("x".repeat(MAX_BODY_BYTES + 1)),
        47001 => body = Some("{".to_owned()),
        48001 => {
            let app = json!({"appid": DEFAULT_APPID, "secret": SECRET, "soter": false});
            let accounts =
                crate::Accounts::new(serde_json::from_value(json!({"app": [app]})).unwrap()).unwrap();
            let options = WeChatOptions { accounts, ..WeChatOptions::default() };
            let clock = SetClock::at(NOON);
            backend = Backend { wechat: Arc::new(with(options, EmbeddedLedger::in_memory(), &clock)), clock };
            let token = backend.token().await;
            return live.send(&backend, Some(&token)).await;
        }
        48006 => {
            for _ in 0..10 {
                assert_eq!(live.send(&backend, token).await.json["errcode"], 0);
            }
        }
        87008 => set(&["sig_method"], "md5"),
        87009 => set(&["signature"], "00"),
        90001 => set(&["model_key"], "<"),
        90002 => set(&["model_key"], "<a/>"),
        other => panic!("how to get {other} from {shown:?}?"),
    }
    // A body in JSON has texts that are empty; there, a member that is missing is left out.
    if (41002..=41008).contains(&errcode) {
        live.values.retain(|_, value| *value != "");
    }
    live.send_body(&backend, token, body.unwrap_or_else(|| live.body())).await
}
