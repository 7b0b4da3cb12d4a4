//! Errors for clients: what happened, and what to do next.

use rmcp::model::{CallToolResult, ContentBlock, ErrorCode, ErrorData};
use serde_json::json;
use soter_bridge::protocol::{CommandError, ErrorKind};
use soter_text::Text;

/// An error of MCP, for what is wrong with a message. Most clients show only the message, so that has both lines.
pub(super) fn failure(code: ErrorCode, what: &str, next: &str) -> ErrorData {
    ErrorData::new(code, format!("{what}\nnext: {next}"), Some(json!({"next": next})))
}

/// The error of a tool's call. Agents read English.
pub(super) fn refusal(kind: ErrorKind, what: impl Into<String>, next: impl Into<String>) -> CommandError {
    CommandError::new(kind, Text::verbatim(what), Text::verbatim(next))
}

/// The result of a tool that was not carried out, which agents read and learn from.
pub(super) fn tool_failure(error: &CommandError) -> CallToolResult {
    let CommandError { what, next, .. } = error;
    CallToolResult::error(vec![ContentBlock::text(format!(
        "error: {}\nnext: {}",
        what.english(),
        next.english()
    ))])
}
