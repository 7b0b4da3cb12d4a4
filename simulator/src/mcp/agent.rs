//! What an agent asks for, and the answers.

use std::sync::Arc;
use std::time::Duration;

use rmcp::ErrorData;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, CustomRequest, CustomResult,
    ErrorCode, Implementation, JsonObject, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, Resource, ResourceContents,
    ServerCapabilities, ServerConfig,
};
use rmcp::service::{RequestContext, RoleServer};
use serde::Deserialize;
use serde_json::Value;
use soter_bridge::protocol::{CommandError, ErrorKind};
use soter_wire::shortened;
use tokio::sync::watch;

use super::calls::{Calls, Progress, description};
use super::explanations::{self, CODES_URI, REASONS_URI};
use super::failure::{failure, refusal, tool_failure};
use super::remote::Remote;
use super::tools::{Action, MAX_WAIT_SECONDS, Tools, USUAL_WAIT_SECONDS};

/// How long a call may take until its dialog is open or it is over. The phone may make keys first, or another call may have its
/// dialog open.
const OPENING_TIMEOUT: Duration = Duration::from_secs(10);

/// A session with an agent.
pub(super) struct Agent {
    remote: Remote,
    tools: Tools,
    calls: Arc<Calls>,
    /// The phone for tools that name none; `None` for the selected one.
    device: Option<String>,
    config: ServerConfig,
}

/// Parameters of `call_result`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ResultRequest {
    call: u64,
    wait_seconds: Option<u64>,
}

/// Parameters of `call_cancel`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CancelRequest {
    call: u64,
}

/// Parameters of `explain`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExplainRequest {
    name: Name,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "`name` is the text of a reason, or a code")]
enum Name {
    Text(String),
    Number(i64),
}

impl Agent {
    pub(super) fn new(
        remote: Remote,
        tools: Tools,
        device: Option<String>,
        instructions: String,
        client_left: watch::Receiver<bool>,
    ) -> Self {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_resources().build();
        let config = ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("soter-sim", env!("CARGO_PKG_VERSION")))
            .with_instructions(instructions);
        Self { remote, tools, calls: Arc::new(Calls::new(client_left)), device, config }
    }

    async fn perform(&self, action: Action, arguments: JsonObject) -> Result<Value, CommandError> {
        match action {
            Action::Method(method) => {
                let params = Value::Object(self.with_device(arguments));
                self.remote.connection().await?.raw(method, params).await
            }
            Action::Dialog(method) => self.open_dialog(method, arguments).await,
            Action::CallResult => self.call_result(read("call_result", arguments)?).await,
            Action::CallCancel => {
                let CancelRequest { call } = read("call_cancel", arguments)?;
                let cancelled = self.calls.cancel(call).await?;
                Ok(serde_json::json!({"call": call, "cancelled": cancelled}))
            }
            Action::Explain => {
                let ExplainRequest { name } = read("explain", arguments)?;
                match name {
                    Name::Text(name) => explanations::explain(&name),
                    Name::Number(code) => explanations::explain(&code.to_string()),
                }
            }
        }
    }

    fn with_device(&self, mut arguments: JsonObject) -> JsonObject {
        if let Some(device) = &self.device {
            arguments.entry("device").or_insert_with(|| device.as_str().into());
        }
        arguments
    }

    /// Begins a call that opens a dialog. Dropping the future before it is ready cancels the call.
    async fn open_dialog(
        &self,
        method: &'static str,
        mut arguments: JsonObject,
    ) -> Result<Value, CommandError> {
        let waits = match arguments.shift_remove("wait") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(waits)) => waits,
            Some(_) => {
                return Err(refusal(
                    ErrorKind::InvalidParams,
                    "`wait` is neither true nor false",
                    "leave it out: then the answer comes as soon as the dialog is open",
                ));
            }
        };
        let connection = self.remote.connection().await?;
        let begun = self.calls.begin(connection, method, self.with_device(arguments))?;
        let time = (!waits).then_some(OPENING_TIMEOUT);
        match self.calls.wait(begun.number(), waits, time).await? {
            (_, Progress::Ended(result)) => result,
            (_, progress) => {
                let answer = description(begun.number(), method, &progress);
                begun.keep();
                Ok(answer)
            }
        }
    }

    async fn call_result(&self, request: ResultRequest) -> Result<Value, CommandError> {
        let ResultRequest { call, wait_seconds } = request;
        let seconds = wait_seconds.unwrap_or(USUAL_WAIT_SECONDS);
        if seconds > MAX_WAIT_SECONDS {
            return Err(refusal(
                ErrorKind::InvalidParams,
                format!("`waitSeconds` is {seconds}, and at most {MAX_WAIT_SECONDS}"),
                "wait for a shorter time, and ask again",
            ));
        }
        match self.calls.wait(call, true, Some(Duration::from_secs(seconds))).await? {
            (_, Progress::Ended(result)) => result,
            (method, progress) => Ok(description(call, method, &progress)),
        }
    }

    fn unknown_tool(&self, name: &str) -> ErrorData {
        let similar = self.tools.similar(name);
        let next = if similar.is_empty() {
            "use one of those that tools/list has".to_owned()
        } else {
            format!("similar ones: {}", similar.join(", "))
        };
        failure(ErrorCode::INVALID_PARAMS, &format!("there is no tool `{}`", shortened(name, 80)), &next)
    }
}

/// The arguments of one of the tools that have no method of the protocol.
fn read<T: for<'de> Deserialize<'de>>(tool: &str, arguments: JsonObject) -> Result<T, CommandError> {
    serde_json::from_value(Value::Object(arguments)).map_err(|error| {
        refusal(
            ErrorKind::InvalidParams,
            format!("the arguments of `{tool}` do not fit: {error}"),
            "see its inputSchema in tools/list",
        )
    })
}

/// A result with the JSON as text, too.
fn tool_result(result: Value) -> CallToolResult {
    match result {
        Value::Object(_) => CallToolResult::structured(result),
        other => CallToolResult::success(vec![ContentBlock::text(other.to_string())]),
    }
}

impl ServerHandler for Agent {
    fn get_info(&self) -> ServerConfig {
        self.config.clone()
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools.listed().to_vec()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let action = self.tools.action(&request.name).ok_or_else(|| self.unknown_tool(&request.name))?;
        let performed = tokio::select! {
            performed = self.perform(action, request.arguments.unwrap_or_default()) => performed,
            () = context.ct.cancelled() => {
                // Nobody gets this answer.
                return Err(failure(ErrorCode::INTERNAL_ERROR, "the request was cancelled", "send it again"));
            }
        };
        Ok(match performed {
            Ok(result) => tool_result(result),
            Err(error) => tool_failure(&error),
        }
        .into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let resource = |uri, name, description| {
            Resource::new(uri, name).with_description(description).with_mime_type("application/json")
        };
        Ok(ListResourcesResult::with_all_items(vec![
            resource(
                REASONS_URI,
                "reasons",
                "Every reason that the journal gives: its meaning, and what to do.",
            ),
            resource(CODES_URI, "codes", "Every error code of wx calls, WeChat's servers and the TEE."),
        ]))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let content = match request.uri.as_str() {
            REASONS_URI => explanations::reasons(),
            CODES_URI => explanations::codes(),
            other => {
                return Err(failure(
                    ErrorCode::RESOURCE_NOT_FOUND,
                    &format!("there is no resource `{}`", shortened(other, 80)),
                    &format!("there are {REASONS_URI} and {CODES_URI}"),
                ));
            }
        };
        let content =
            ResourceContents::text(content.to_string(), request.uri).with_mime_type("application/json");
        Ok(ReadResourceResult::new(vec![content]).into())
    }

    /// A method that MCP does not have, or parameters that do not fit it.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        let method = shortened(&request.method, 80);
        Err(match method {
            "tools/call" | "tools/list" | "resources/list" | "resources/read" | "initialize" | "ping" => {
                failure(
                    ErrorCode::INVALID_PARAMS,
                    &format!("the parameters of `{method}` do not fit"),
                    match method {
                        "tools/call" => "send an object with `name`, a text, and `arguments`, an object",
                        "resources/read" => "send an object with `uri`, a text",
                        _ => "see the schema of MCP",
                    },
                )
            }
            _ => failure(
                ErrorCode::METHOD_NOT_FOUND,
                &format!("this server has no method `{method}`"),
                "it has tools/list, tools/call, resources/list and resources/read",
            ),
        })
    }
}
