//! The tools: one for each method of the command protocol, and those that only agents need.

use std::collections::HashMap;
use std::sync::Arc;

use rmcp::model::{Tool, ToolAnnotations};
use serde_json::{Map, Value, json};
use soter_bridge::protocol::{ChangeKind, METHODS, Method, Request};
use soter_bridge::rpc::{params_schema, result_schema};

use super::calls::{self, MAX_KEPT_RESULTS};
use super::explanations;
use crate::front;

/// How long `call_result` waits if the agent does not say it, in seconds.
pub(super) const USUAL_WAIT_SECONDS: u64 = 10;
/// How long `call_result` waits at most, in seconds: many clients give a request up after 60.
pub(super) const MAX_WAIT_SECONDS: u64 = 50;

/// What a tool does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Action {
    /// It calls a method.
    Method(&'static str),
    /// It calls a method that opens a dialog.
    Dialog(&'static str),
    /// It returns the result of a call that opened a dialog.
    CallResult,
    /// It cancels such a call.
    CallCancel,
    /// It explains a reason or a code.
    Explain,
}

/// All tools.
#[derive(Debug)]
pub(super) struct Tools {
    listed: Vec<Tool>,
    actions: HashMap<String, Action>,
}

impl Tools {
    /// The tools for a server that offers the methods with these names.
    pub(super) fn new(offered: &[String]) -> Self {
        let methods: Vec<_> =
            METHODS.iter().filter(|method| offered.iter().any(|name| name == method.name)).collect();
        let dialogs: Vec<_> = methods.iter().copied().filter(|method| opens_dialog(method)).collect();
        let of_methods = methods.into_iter().map(|method| {
            if opens_dialog(method) {
                (dialog_tool(method), Action::Dialog(method.name))
            } else {
                (tool(method, params_schema(method), None), Action::Method(method.name))
            }
        });
        let (listed, actions) = of_methods
            .chain([
                (call_result_tool(&dialogs), Action::CallResult),
                (call_cancel_tool(), Action::CallCancel),
                (explain_tool(), Action::Explain),
            ])
            .map(|(tool, action)| {
                let name = tool.name.to_string();
                (tool, (name, action))
            })
            .unzip();
        Self { listed, actions }
    }

    /// The tools as clients list them.
    pub(super) fn listed(&self) -> &[Tool] {
        &self.listed
    }

    /// What the tool of this name does.
    pub(super) fn action(&self, name: &str) -> Option<Action> {
        self.actions.get(name).copied()
    }

    /// Tools with similar names, for people.
    pub(super) fn similar(&self, name: &str) -> Vec<&str> {
        let noun = |name: &str| name.split(['_', '.']).next().map(str::to_ascii_lowercase);
        let names = self.listed.iter().map(|tool| &*tool.name);
        names.filter(|known| noun(known) == noun(name)).collect()
    }
}

/// The tool's name: clients take letters, digits, `_` and `-`.
fn tool_name(method: &str) -> String {
    method.replace('.', "_")
}

/// Whether a method opens a dialog. All of them can be called without parameters: then the phone refuses.
fn opens_dialog(method: &Method) -> bool {
    Request::parse(method.name, json!({})).is_ok_and(|request| front::opens_dialog(&request))
}

fn tool(method: &Method, params: Map<String, Value>, other_result: Option<Value>) -> Tool {
    let reads = !method.is_recorded();
    let overwrites = method.is_attacker_only() || method.changes != ChangeKind::Nothing;
    Tool::new(tool_name(method.name), description(method), Arc::new(params))
        .with_title(method.name)
        .with_raw_output_schema(Arc::new(result_schema(&[method], other_result)))
        .with_annotations(
            ToolAnnotations::new()
                .read_only(reads)
                .destructive(!reads && overwrites)
                .idempotent(reads)
                .open_world(false),
        )
}

/// The method's line, and what its parameters' type says about it.
fn description(method: &Method) -> String {
    match params_schema(method).get("description").and_then(Value::as_str) {
        Some(text) => format!("{} {}", method.summary, text.replace('\n', " ")),
        None => method.summary.to_owned(),
    }
}

fn dialog_tool(method: &Method) -> Tool {
    let mut params = params_schema(method);
    if let Some(properties) = params.get_mut("properties") {
        properties["wait"] = json!({
            "type": "boolean",
            "description": "The tool's own addition. true: answer with the result, when somebody has touched the sensor; only for clients that use several tools at the same time. Absent or false: answer as soon as the dialog is open.",
        });
    }
    let mut tool = tool(method, params, Some(calls::description_schema()));
    let description = format!(
        "{} If the phone asks a person, this answers as soon as the dialog is open, with the number of the call: touch with `sensor_touch` and get the result with `call_result`.",
        description(method)
    );
    tool.description = Some(description.into());
    tool
}

fn call_result_tool(dialogs: &[&Method]) -> Tool {
    let params = json!({
        "type": "object",
        "required": ["call"],
        "additionalProperties": false,
        "properties": {
            "call": {"type": "integer", "minimum": 1, "description": "The number of the call."},
            "waitSeconds": {
                "type": "integer", "minimum": 0, "maximum": MAX_WAIT_SECONDS,
                "description": format!("How long to wait for its end; absent: {USUAL_WAIT_SECONDS}."),
            },
        },
    });
    own_tool(
        "call_result",
        "The result of a call",
        format!(
            "The result of a call that opened a dialog. If it is not over in time, the answer says what it waits for. The results of the newest {MAX_KEPT_RESULTS} calls are kept."
        ),
        params,
        Value::Object(result_schema(dialogs, Some(calls::description_schema()))),
    )
    .annotate(ToolAnnotations::new().read_only(true).destructive(false).idempotent(true).open_world(false))
}

fn call_cancel_tool() -> Tool {
    let params = json!({
        "type": "object",
        "required": ["call"],
        "additionalProperties": false,
        "properties": {"call": {"type": "integer", "minimum": 1, "description": "The number of the call."}},
    });
    let result = json!({
        "type": "object",
        "required": ["call", "cancelled"],
        "properties": {
            "call": {"type": "integer"},
            "cancelled": {"type": "boolean", "description": "false: it was over already."},
        },
    });
    own_tool(
        "call_cancel",
        "Give a call up",
        "Gives a call up that opened a dialog, as if the mini program were closed: the dialog closes, and there is no result. `sensor_cancel` presses the dialog's button instead."
            .to_owned(),
        params,
        result,
    )
    .annotate(ToolAnnotations::new().read_only(false).destructive(true).idempotent(true).open_world(false))
}

fn explain_tool() -> Tool {
    let params = json!({
        "type": "object",
        "required": ["name"],
        "additionalProperties": false,
        "properties": {
            "name": {"type": ["string", "integer"], "description": "Such as counter-replayed, 90010 or 40001."},
        },
    });
    own_tool(
        "explain",
        "Explain a reason or a code",
        "What a reason in the journal, an errCode of a wx call, an errcode of WeChat's servers or a result code of the TEE means, and what to do about it."
            .to_owned(),
        params,
        explanations::schema(),
    )
    .annotate(ToolAnnotations::new().read_only(true).destructive(false).idempotent(true).open_world(false))
}

fn own_tool(name: &'static str, title: &str, description: String, params: Value, result: Value) -> Tool {
    let object = |schema| match schema {
        Value::Object(members) => Arc::new(members),
        _ => Arc::default(),
    };
    Tool::new(name, description, object(params)).with_title(title).with_raw_output_schema(object(result))
}
