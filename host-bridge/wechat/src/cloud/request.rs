//! A call of a cloud function's SDK, read within bounds.

use axum::body::Bytes;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{Method, header};
use prost::Message;
use serde_json::{Map, Value};
use soter_text::text;
use soter_wire::shortened;

use super::messages::{CommApiData, Pair};
use super::response::{CloudRefusal, Encoding};
use crate::body::Body;
use crate::parameter::{Described, Judged, Parameter};
use crate::reasons::Reason;

/// Maximum number of parts of a form. SDKs send about 12.
const MAX_PARTS: usize = 64;
/// Maximum length of the arguments in bytes: several times a result with its signature. Each argument takes many times the
/// two bytes in which it can be written.
const MAX_DATA_BYTES: usize = 128 << 10;
/// Maximum number of arguments of a call.
const MAX_ARGUMENTS: usize = 64;
/// Maximum number of characters of a name that is shown.
const MAX_SHOWN_CHARACTERS: usize = 64;
/// Maximum number of characters of an error of the form's reader.
const MAX_ERROR_CHARACTERS: usize = 160;
/// The actions that are emulated, and what an SDK writes them in.
const ACTIONS: [(&str, Encoding); 2] = [("wx.openApi", Encoding::Protobuf), ("wx.api", Encoding::Json)];

static ACTION: Parameter<Judged> = Parameter {
    name: "action",
    description: "What the cloud does: `wx.api` in JSON, `wx.openApi` in a form. Others are refused.",
    example: "wx.api",
    refused: &[],
    reading: Judged,
};

static API: Parameter<Judged> = Parameter {
    name: "apiName",
    description: "The method of WeChat's servers. In JSON, a refused one gets INVALID_PARAM with -604100 or -604101 in its message.",
    example: "soter.verifySignature",
    refused: &[],
    reading: Judged,
};

static DATA: Parameter<Judged> = Parameter {
    name: "requestData",
    description: "The method's arguments: the JSON that the path with the same answer takes as its body.",
    example: r#"{"openid":"oEmulatedUser000000000000001","json_string":"{}","json_signature":"AA=="}"#,
    refused: &[],
    reading: Judged,
};

static TOKEN: Parameter<Judged> = Parameter {
    name: "wxCloudApiToken",
    description: "`WX_API_TOKEN` of the function's environment: with it, the platform vouches for the mini program.",
    example: "emulated_wxemulated00000001_f24149888dd9fa66d793d6045450ef7ce3077b59f29c9de8e5d94e6082def82e",
    refused: &[],
    reading: Judged,
};

/// What a call in JSON has.
pub(crate) fn members() -> [Described; 4] {
    [&ACTION, &API, &DATA, &TOKEN].map(Parameter::described)
}

/// A call of an action that is emulated.
#[derive(Debug, PartialEq)]
pub(crate) struct CloudRequest {
    pub(crate) encoding: Encoding,
    /// The method's name, which can be any text.
    pub(crate) api: String,
    /// `WX_API_TOKEN`; empty without one.
    pub(crate) token: String,
    /// The arguments, as the body of WeChat's path would have them. `None` if one of them is not JSON.
    pub(crate) arguments: Option<Value>,
    /// The mini program, if the function names one; empty if it does not.
    pub(crate) appid: String,
}

/// The members that count.
#[derive(Debug, Default)]
struct Fields {
    action: String,
    api: String,
    token: String,
    data: Bytes,
}

impl CloudRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// The refusal if it is not one of an SDK, is too large, or has an action that is not emulated.
    pub(crate) async fn read(request: Request) -> Result<Self, CloudRefusal> {
        if request.method() != Method::POST {
            return Err(CloudRefusal::malformed(text!("the method is not POST")));
        }
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let is_form = content_type
            .is_some_and(|value| value.as_bytes().to_ascii_lowercase().starts_with(b"multipart/"));
        let (fields, encoding) = if is_form {
            (read_form(request).await?, Encoding::Protobuf)
        } else {
            (read_json(request).await?, Encoding::Json)
        };
        if !ACTIONS.contains(&(fields.action.as_str(), encoding)) {
            return Err(not_emulated(&fields.action, encoding));
        }
        let Fields { api, token, data, .. } = fields;
        if data.len() > MAX_DATA_BYTES {
            let what = text!(
                "requestData has {bytes} bytes; at most {most} are read",
                bytes = data.len(),
                most = MAX_DATA_BYTES
            );
            return Err(CloudRefusal::malformed(what));
        }
        let (arguments, appid) = match encoding {
            Encoding::Json => (serde_json::from_slice(&data).ok(), String::new()),
            Encoding::Protobuf => read_arguments(data)?,
        };
        Ok(Self { encoding, api, token, arguments, appid })
    }
}

/// The arguments, if each is JSON, and the mini program that the function names.
fn read_arguments(data: Bytes) -> Result<(Option<Value>, String), CloudRefusal> {
    let CommApiData { openapi_data, appid } = CommApiData::decode(data).map_err(|error| {
        CloudRefusal::malformed(text!("requestData cannot be read: {error}", error = error.to_string()))
    })?;
    let pairs = openapi_data.map(|data| data.pairs).unwrap_or_default();
    if pairs.len() > MAX_ARGUMENTS {
        let what = text!(
            "the call has {count} arguments; at most {most} are read",
            count = pairs.len(),
            most = MAX_ARGUMENTS
        );
        return Err(CloudRefusal::malformed(what));
    }
    let members =
        pairs.into_iter().map(|Pair { key, value }| Some((key, serde_json::from_slice(&value).ok()?)));
    Ok((members.collect::<Option<Map<_, _>>>().map(Value::Object), appid))
}

/// A name as it may be shown to people: a client can choose any text.
pub(crate) fn shown(name: &str) -> &str {
    if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic()) {
        shortened(name, MAX_SHOWN_CHARACTERS)
    } else {
        "(unreadable)"
    }
}

fn not_emulated(action: &str, encoding: Encoding) -> CloudRefusal {
    if action.is_empty() {
        return CloudRefusal::malformed(text!("the request names no action"));
    }
    if ACTIONS.iter().any(|(name, _)| *name == action) {
        return CloudRefusal::malformed(match encoding {
            Encoding::Json => text!(
                "the request for {action} is JSON, and SDKs send a form of several parts",
                action = action
            ),
            Encoding::Protobuf => text!(
                "the request for {action} is a form of several parts, and SDKs send JSON",
                action = action
            ),
        });
    }
    let what = text!(
        "soter-sim emulates the action wx.openApi (cloud.openapi) and, in JSON, wx.api (callWxOpenApi), and not {action}",
        action = shown(action)
    );
    CloudRefusal::Tcb { code: "INVALID_PARAM", what, reason: Reason::CloudActionNotEmulated }
}

async fn read_form(request: Request) -> Result<Fields, CloudRefusal> {
    // The text may hold a part's name, which can be as long as the form.
    let broken = |what: String| {
        let what = shortened(&what, MAX_ERROR_CHARACTERS);
        CloudRefusal::malformed(text!("the form cannot be read: {what}", what = what))
    };
    let mut form = Multipart::from_request(request, &()).await.map_err(|error| broken(error.body_text()))?;
    let mut fields = Fields::default();
    let mut parts = 0;
    while let Some(part) = form.next_field().await.map_err(|error| broken(error.body_text()))? {
        parts += 1;
        if parts > MAX_PARTS {
            return Err(broken(format!("it has more than {MAX_PARTS} parts")));
        }
        let name = part.name().map(str::to_owned);
        let bytes = part.bytes().await.map_err(|error| broken(error.body_text()))?;
        let text = || String::from_utf8_lossy(&bytes).into_owned();
        match name.as_deref() {
            Some(name) if name == ACTION.name => fields.action = text(),
            Some(name) if name == API.name => fields.api = text(),
            Some(name) if name == TOKEN.name => fields.token = text(),
            Some(name) if name == DATA.name => fields.data = bytes,
            _ => {}
        }
    }
    Ok(fields)
}

async fn read_json(request: Request) -> Result<Fields, CloudRefusal> {
    let bytes = Bytes::from_request(request, &())
        .await
        .map_err(|_| CloudRefusal::malformed(text!("the body is longer than the servers read")))?;
    let body = Body::parse(&bytes).map_err(|_| {
        CloudRefusal::malformed(text!("the body is neither a form of several parts nor JSON"))
    })?;
    let text = |member: &Parameter<Judged>| body.text(member.name).unwrap_or_default().to_owned();
    Ok(Fields { action: text(&ACTION), api: text(&API), token: text(&TOKEN), data: text(&DATA).into() })
}

#[cfg(test)]
mod tests;
