//! What reasons and codes mean, for the tool `explain` and as resources.

use serde_json::{Value, json};
use soter_bridge::protocol::{CommandError, ErrorKind};
use soter_wechat::Reason;
use soter_wechat::codes::{self, CODES};
use soter_wire::shortened;

use super::failure::refusal;
use crate::front::code_json;

/// The address of the resource with all reasons.
pub(super) const REASONS_URI: &str = "soter-sim://reasons";
/// The address of the resource with all codes.
pub(super) const CODES_URI: &str = "soter-sim://codes";

/// What a name or a number stands for.
///
/// # Errors
/// `InvalidParams` if it is neither the name of a reason nor a code.
pub(super) fn explain(name: &str) -> Result<Value, CommandError> {
    let name = name.trim();
    let reasons: Vec<_> = Reason::named(name).map(reason_json).into_iter().collect();
    let codes: Vec<_> = name.parse().into_iter().flat_map(codes::explain).map(code_json).collect();
    if reasons.is_empty() && codes.is_empty() {
        return Err(refusal(
            ErrorKind::InvalidParams,
            format!("`{}` is neither the name of a reason nor a code", shortened(name, 80)),
            format!(
                "give an errCode, an errcode or a TEE's result code such as 90010, or one of the reasons: {}",
                Reason::ALL.iter().map(|reason| reason.name()).collect::<Vec<_>>().join(", ")
            ),
        ));
    }
    Ok(json!({"reasons": reasons, "codes": codes}))
}

/// All reasons.
pub(super) fn reasons() -> Value {
    Reason::ALL.iter().copied().map(reason_json).collect()
}

/// All codes.
pub(super) fn codes() -> Value {
    CODES.iter().map(code_json).collect()
}

fn reason_json(reason: Reason) -> Value {
    json!({
        "name": reason.name(),
        "isOk": reason.is_ok(),
        "meaning": reason.meaning(),
        "advice": reason.advice(),
    })
}

/// The schema of what [`explain`] returns.
pub(super) fn schema() -> Value {
    let entries = |names: &[&str]| {
        let properties: serde_json::Map<_, _> =
            names.iter().map(|name| ((*name).to_owned(), json!({"type": "string"}))).collect();
        json!({"type": "array", "items": {"type": "object", "properties": properties, "required": names}})
    };
    json!({
        "type": "object",
        "required": ["reasons", "codes"],
        "properties": {
            "reasons": entries(&["name", "meaning", "advice"]),
            "codes": entries(&["name", "place", "meaning", "advice"]),
        },
    })
}
