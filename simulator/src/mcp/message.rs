//! The lines that a client sends, as messages of MCP.

use rmcp::model::{ClientJsonRpcMessage, ErrorCode, ErrorData, JsonRpcError, RequestId};
use serde_json::{Map, Value};
use soter_wire::json::duplicate_name;
use soter_wire::shortened;

use super::failure::failure;

/// Maximum length of an id in bytes. It is kept with its request and returned with the answer.
const MAX_ID_BYTES: usize = 1024;

/// Parses a line.
///
/// # Errors
/// The answer: -32700 if it is not JSON, -32600 if it is not a message, and -32602 if it is the request of a method
/// that takes other parameters.
pub(super) fn parse(line: &[u8]) -> Result<ClientJsonRpcMessage, Box<JsonRpcError>> {
    let one_line = "send one JSON-RPC 2.0 message a line, in UTF-8";
    let not_json = |what: String| {
        let error = failure(ErrorCode::PARSE_ERROR, &format!("this is not JSON: {what}"), one_line);
        refusal(None, error)
    };
    let text = std::str::from_utf8(line).map_err(|error| not_json(format!("it is not UTF-8: {error}")))?;
    let members = match serde_json::from_str(text).map_err(|error| not_json(error.to_string()))? {
        Value::Object(members) => members,
        Value::Array(_) => {
            return Err(invalid(None, "a batch", "send its messages one by one, each on a line").into());
        }
        _ => return Err(invalid(None, "not an object", one_line).into()),
    };
    let id = read_id(&members)?;
    if let Some(name) = duplicate_name(text) {
        let what = format!("one in which a member `{}` occurs twice", shortened(&name, 80));
        return Err(invalid(id, &what, "send each member once").into());
    }
    if members.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err(invalid(id, "one without \"jsonrpc\":\"2.0\"", one_line).into());
    }
    let method = match members.get("method") {
        Some(Value::String(method)) => Some(shortened(method, 80).to_owned()),
        None if members.contains_key("result") || members.contains_key("error") => None,
        _ => return Err(invalid(id, "one without a method", one_line).into()),
    };
    serde_json::from_value(Value::Object(members)).map_err(|_| {
        Box::new(match method {
            Some(method) => refusal(
                id,
                failure(
                    ErrorCode::INVALID_PARAMS,
                    &format!("the parameters of `{method}` do not fit"),
                    "see the schema of MCP, https://modelcontextprotocol.io",
                ),
            ),
            None => invalid(id, "an answer of another form than MCP's", one_line),
        })
    })
}

fn read_id(members: &Map<String, Value>) -> Result<Option<RequestId>, Box<JsonRpcError>> {
    match members.get("id") {
        None => Ok(None),
        Some(Value::String(text)) if text.len() <= MAX_ID_BYTES => {
            Ok(Some(RequestId::String(text.as_str().into())))
        }
        Some(Value::Number(number)) if number.is_i64() => Ok(number.as_i64().map(RequestId::Number)),
        Some(_) => Err(Box::new(invalid(
            None,
            &format!("one whose id is neither a 64-bit integer nor a string of at most {MAX_ID_BYTES} bytes"),
            "send another id",
        ))),
    }
}

fn invalid(id: Option<RequestId>, what: &str, next: &str) -> JsonRpcError {
    let what = format!("this is not a message: it is {what}");
    refusal(id, failure(ErrorCode::INVALID_REQUEST, &what, next))
}

/// The answer to a line or a request that is refused.
pub(super) fn refusal(id: Option<RequestId>, error: ErrorData) -> JsonRpcError {
    JsonRpcError::new(id, error)
}
