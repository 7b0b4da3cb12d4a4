//! How a cloud function's SDK gets its answer.

use axum::response::Response;
use prost::Message;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use soter_text::Text;

use super::messages::CommOpenApiResp;
use crate::answer::{Answer, BYTES_TYPE, Errcode, JSON_TYPE};
use crate::random::random_bytes;
use crate::reasons::Reason;
use crate::verdict::Verdict;

/// What a request and its answer are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Of `cloud.openapi`.
    Protobuf,
    /// Of `callWxOpenApi`.
    Json,
}

/// An answer of WeChat's servers to a call in JSON.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CloudAnswer<'a> {
    /// The call's id.
    pub(crate) request_id: &'a str,
    pub(crate) data: CloudData<'a>,
}

/// What WeChat's servers have answered.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CloudData<'a> {
    /// Their JSON as a text: the answer of the path with the same answer, also with an `errcode`.
    pub(crate) response_data: &'a str,
}

/// An error of Tencent's cloud, which has not passed the call on.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CloudError<'a> {
    /// A name of the SDKs' table.
    pub(crate) code: &'a str,
    /// What is wrong.
    pub(crate) message: &'a str,
    /// The call's id.
    pub(crate) request_id: &'a str,
}

/// Why WeChat's cloud does not pass a call on to WeChat's servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CloudRefusal {
    /// An error of Tencent's cloud: a name of the SDKs' table, and what is wrong.
    Tcb { code: &'static str, what: Text, reason: Reason },
    /// A code of WeChat's cloud.
    Code(Errcode),
}

impl CloudRefusal {
    /// The request is not one that an SDK makes.
    pub(crate) fn malformed(what: Text) -> Self {
        Self::Tcb { code: "INVALID_PARAM", what, reason: Reason::CloudRequestMalformed }
    }

    /// The answer for the journal. Over HTTP, [`respond`](Self::respond) writes it.
    pub(crate) fn answer(&self, encoding: Encoding) -> Answer {
        let tcb = |code: &str, message: &str| json!(CloudError { code, message, request_id: &request_id() });
        let (body, verdict) = match self {
            Self::Tcb { code, what, reason } => {
                (tcb(code, what.english()), Verdict::new(*reason, what.clone()))
            }
            Self::Code(code) => (
                match encoding {
                    Encoding::Protobuf => json!({"errorCode": code.code()}),
                    // How the cloud says it in JSON is not known; modelled.
                    Encoding::Json => tcb("INVALID_PARAM", &format!("{} {}", code.code(), code.name())),
                },
                code.verdict(),
            ),
        };
        Answer::with_verdict(body, verdict)
    }

    /// The answer over HTTP. SDKs understand an error of Tencent's cloud in JSON, whatever they have sent.
    pub(crate) fn respond(&self, encoding: Encoding, answer: &Answer) -> Response {
        match (self, encoding) {
            (Self::Code(code), Encoding::Protobuf) => {
                let message = CommOpenApiResp { error_code: code.code(), ..message(&[]) };
                answer.enclosed(message.encode_to_vec(), BYTES_TYPE)
            }
            _ => answer.response(JSON_TYPE),
        }
    }
}

impl Encoding {
    /// An answer of WeChat's servers over HTTP.
    pub(crate) fn respond(self, answer: &Answer) -> Response {
        let json = answer.body.text();
        match self {
            Self::Protobuf => answer.enclosed(message(json.as_bytes()).encode_to_vec(), BYTES_TYPE),
            Self::Json => {
                let data = CloudData { response_data: &json };
                let body = json!(CloudAnswer { request_id: &request_id(), data });
                answer.enclosed(body.to_string(), JSON_TYPE)
            }
        }
    }
}

fn request_id() -> String {
    base16ct::lower::encode_string(&random_bytes::<16>())
}

fn message(json: &[u8]) -> CommOpenApiResp {
    CommOpenApiResp {
        resp_data: json.to_vec().into(),
        content_type: "application/json; charset=utf-8".to_owned(),
        error_code: 0,
        http_code: 200,
    }
}
