//! What answers look like: schemas, examples and errcodes.

use schemars::JsonSchema;
use schemars::generate::SchemaGenerator;
use serde_json::{Map, Value, json};

use crate::accounts::{DEFAULT_APPID, DEFAULT_OPENID};
use crate::answer::{Errcode, REASON_HEADER};
use crate::cloud::response::{CloudAnswer, CloudData, CloudError};
use crate::codes::{self, CODES};
use crate::paths::{SESSION_PREFIX, WeChatPath};
use crate::reasons::Reason;
use crate::routes::answer_types::{
    AccessToken, Addresses, AskVerdict, Done, ErrcodeAnswer, NewSessionKey, PhoneInfo, PhoneNumber,
    PhoneSupport, SignatureVerdict, UserSession, Watermark,
};

const TOKEN: &str = "emulated_iK2ZWeqhFWCEPyYngFb51yBMWXaSCrUZoL8g5ubbbPIa84yRnBUbHoWC8FJowoRoWD8s7bA16J7PglOU3shVv5UTG79BG16QmtsL4F28GzL2cEpVZzAQlxJ4SXRVxfCQGgXkH1zxFUbEctT2NLLz";
const SESSION_KEY: &str = "ZW11bGF0ZWQga2V5IDAwMQ==";
const RESPONSE_ID: &str = "6b4ac4e0c3a34a1d9c5a1f0e2d7b8c96";
const ERRCODE_ID: &str = "656700c0-1f0e2d7b-6b4ac4e0";
/// Seconds since 1970.
const TIME: u64 = 1_701_249_216;

/// What a path answers to a request that it understands.
struct Good {
    schema: Value,
    /// The name of each example, and its JSON. The first one is what a mock server answers.
    examples: Vec<(&'static str, Value)>,
    /// The errcodes that neither a parameter nor the form of the request causes.
    errcodes: &'static [Errcode],
}

fn good<T: JsonSchema>(generator: &mut SchemaGenerator, examples: Vec<(&'static str, Value)>) -> Good {
    Good { schema: generator.subschema_for::<T>().to_value(), examples, errcodes: &[] }
}

fn good_answer(path: WeChatPath, generator: &mut SchemaGenerator) -> Good {
    match path {
        WeChatPath::Token | WeChatPath::StableToken => good::<AccessToken<'_>>(
            generator,
            vec![("token", json!(AccessToken { access_token: TOKEN, expires_in: 7200 }))],
        ),
        WeChatPath::CodeToSession => {
            let session = |unionid| UserSession { session_key: SESSION_KEY, openid: DEFAULT_OPENID, unionid };
            let unionid = Some("uEmulatedUser000000000000001".to_owned());
            good::<UserSession<'_>>(
                generator,
                vec![("session", json!(session(unionid))), ("without unionid", json!(session(None)))],
            )
        }
        WeChatPath::CheckSession => good::<Done>(generator, vec![("valid", json!(Done::NEW))]),
        WeChatPath::ResetSessionKey => good::<NewSessionKey<'_>>(
            generator,
            vec![("new key", json!(NewSessionKey::new(DEFAULT_OPENID, SESSION_KEY)))],
        ),
        WeChatPath::PhoneNumber => {
            let watermark = Watermark { timestamp: TIME, appid: DEFAULT_APPID };
            let number = "13800138000";
            let info =
                PhoneInfo { phone_number: number, pure_phone_number: number, country_code: "86", watermark };
            good::<PhoneNumber<'_>>(generator, vec![("number", json!(PhoneNumber::new(info)))])
        }
        WeChatPath::VerifySignature => {
            let verdict = |is_ok| json!(SignatureVerdict { errcode: None, errmsg: None, is_ok });
            let examples = vec![("good", verdict(true)), ("refused", verdict(false))];
            Good { errcodes: &[Errcode::UNAUTHORIZED], ..good::<SignatureVerdict>(generator, examples) }
        }
        WeChatPath::IsSupport => {
            let support = |is_support, support_type| json!(PhoneSupport { is_support, support_type });
            let examples = vec![("supported", support(true, 3)), ("not supported", support(false, 0))];
            good::<PhoneSupport>(generator, examples)
        }
        WeChatPath::VerifyAsk => {
            let verdict = |is_verified| json!(AskVerdict { is_verified });
            good::<AskVerdict>(generator, vec![("verified", verdict(true)), ("refused", verdict(false))])
        }
        WeChatPath::ClearQuota | WeChatPath::ClearQuotaBySecret => Good {
            errcodes: &[Errcode::QUOTA_CLEARED_TOO_OFTEN],
            ..good::<Done>(generator, vec![("cleared", json!(Done::NEW))])
        },
        WeChatPath::CallbackIps | WeChatPath::ApiIps => {
            good::<Addresses>(generator, vec![("addresses", json!(Addresses { ip_list: &["127.0.0.1"] }))])
        }
        // The document does not have the project's own path.
        WeChatPath::CloudCalls | WeChatPath::Devices => {
            let data = CloudData { response_data: r#"{"is_ok":true}"# };
            good::<CloudAnswer<'_>>(
                generator,
                vec![("answer", json!(CloudAnswer { request_id: RESPONSE_ID, data }))],
            )
        }
    }
}

/// The response of a path: its good answers and those of these errcodes.
pub(super) fn response(path: WeChatPath, errcodes: &[Errcode], generator: &mut SchemaGenerator) -> Value {
    let Good { schema, examples, errcodes: others } = good_answer(path, generator);
    let examples = examples.into_iter().map(|(name, value)| (name.to_owned(), json!({"value": value})));
    let (description, content) = if path == WeChatPath::CloudCalls {
        cloud_content(&schema, examples.collect(), generator)
    } else {
        let errcodes = in_order(&[errcodes, others].concat());
        api_content(path, &schema, examples.collect(), &errcodes, generator)
    };
    let reason = json!({"$ref": format!("#/components/headers/{}", REASON_HEADER.as_str())});
    json!({"description": description, "headers": {REASON_HEADER.as_str(): reason}, "content": content})
}

fn cloud_content(
    good: &Value,
    mut examples: Map<String, Value>,
    generator: &mut SchemaGenerator,
) -> (String, Value) {
    let message = "wxCloudApiToken is not the WX_API_TOKEN of a mini program that these servers know";
    let error = CloudError { code: "INVALID_REQUEST_SOURCE", message, request_id: RESPONSE_ID };
    examples.insert("error".to_owned(), json!({"value": error}));
    let schema = json!({"anyOf": [good, generator.subschema_for::<CloudError<'_>>()]});
    let protobuf = json!({
        "type": "string", "format": "binary", "description": "The message CommOpenApiResp of wx-server-sdk.",
    });
    let description = "The answer of WeChat's servers, or an error of Tencent's cloud. To a form of several parts, the former is Protocol Buffers.";
    let content = json!({
        "application/json": {"schema": schema, "examples": examples},
        "application/octet-stream": {"schema": protobuf},
    });
    (description.to_owned(), content)
}

fn api_content(
    path: WeChatPath,
    good: &Value,
    mut examples: Map<String, Value>,
    errcodes: &[Errcode],
    generator: &mut SchemaGenerator,
) -> (String, Value) {
    for errcode in errcodes {
        // JavaScript would sort names that are numbers before the good answers.
        let name = Reason::Errcode(errcode.code()).name().into_owned();
        examples.insert(name, errcode_example(path, *errcode));
    }
    let is_text = path.path().starts_with(SESSION_PREFIX);
    let texts = is_text.then(|| json!({"schema": {"type": "string"}, "examples": as_texts(&examples)}));
    let schema = json!({"anyOf": [good, generator.subschema_for::<ErrcodeAnswer>()]});
    let mut content = json!({"application/json": {"schema": schema, "examples": examples}});
    if let Some(texts) = texts {
        content["text/plain"] = texts;
    }
    (described(errcodes, is_text), content)
}

fn errcode_example(path: WeChatPath, errcode: Errcode) -> Value {
    let answer = ErrcodeAnswer { errcode: errcode.code(), errmsg: errcode.message(path.path(), ERRCODE_ID) };
    let (meaning, advice) = explained(errcode);
    json!({"summary": errcode.name(), "description": format!("{meaning} {advice}"), "value": answer})
}

/// The same examples as texts, as they are sent.
fn as_texts(examples: &Map<String, Value>) -> Value {
    let text = |example: &Value| {
        let mut example = example.clone();
        example["value"] = example["value"].to_string().into();
        example
    };
    examples.iter().map(|(name, example)| (name.clone(), text(example))).collect::<Map<_, _>>().into()
}

fn described(errcodes: &[Errcode], is_text: bool) -> String {
    let rows = errcodes.iter().map(|errcode| format!("| {} | {} |\n", errcode.code(), explained(*errcode).0));
    let table: String = rows.collect();
    let note = if is_text {
        "\nThe JSON is declared as `text/plain`. It stands here as `application/json` too, for tools that do not read JSON in a text."
    } else {
        ""
    };
    format!("The answer, or an errcode:\n\n| errcode | meaning |\n|---|---|\n{table}{note}")
}

fn explained(errcode: Errcode) -> (&'static str, &'static str) {
    codes::server_code(errcode.code()).map_or(("", ""), |code| (code.meaning, code.advice))
}

/// Errcodes once each, in the order of the table of codes.
fn in_order(errcodes: &[Errcode]) -> Vec<Errcode> {
    let position = |errcode: &Errcode| CODES.iter().position(|code| code.code == errcode.code());
    let mut ordered = errcodes.to_vec();
    ordered.sort_by_key(|errcode| (position(errcode), errcode.code()));
    ordered.dedup();
    ordered
}
