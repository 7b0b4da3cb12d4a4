//! A cloud function that mini programs call: each call is a process of its own, which the call's end ends as well.

use std::ffi::OsString;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use soter_bridge::protocol::CommandError;
use soter_sim::{CloudFunctionCall, CloudFunctionEnd, CloudFunctions, RunningFunction};
use soter_text::text;
use soter_wechat::WeChat;
use soter_wire::shortened;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::{debug, warn};

use super::cloud_function::{CloudFunction, EventSource, install_node};
use super::environment::{UNIONID, caller_context};

/// The number of calls that run at the same time. Others wait.
const MAX_RUNNING: usize = 8;
/// The largest result in bytes of JSON.
const MAX_RESULT_BYTES: u64 = 1 << 20;
/// The longest line: a result, and what is around it.
const MAX_LINE_BYTES: u64 = MAX_RESULT_BYTES + 64;
/// The time for Node to start and to load the function's modules.
const LOADING_TIMEOUT: Duration = Duration::from_mins(1);
/// WeChat's text for a process that is gone without a result.
const EXITED: &str = "145 code exit unexpected";

/// A cloud function, and what its processes need.
#[derive(Debug)]
pub(super) struct ServedFunction {
    function: CloudFunction,
    wechat: Arc<WeChat>,
    /// The environment of `exec`.
    variables: Vec<(&'static str, OsString)>,
    running: Semaphore,
}

impl ServedFunction {
    /// The function, with these variables in its environment.
    pub(super) fn new(
        function: CloudFunction,
        wechat: Arc<WeChat>,
        variables: Vec<(&'static str, OsString)>,
    ) -> Self {
        Self { function, wechat, variables, running: Semaphore::new(MAX_RUNNING) }
    }

    async fn run_once(&self, call: CloudFunctionCall) -> Result<CloudFunctionEnd, CommandError> {
        let CloudFunctionCall { name, event, user, appid } = call;
        if name != self.function.name() {
            let (asked, served) = (shortened(&name, 80), self.function.name());
            warn!("wx.cloud.callFunction names the function `{asked}`; the one that is served is `{served}`");
            return Ok(CloudFunctionEnd::NotFound);
        }
        // The semaphore is never closed.
        let _permit =
            self.running.acquire().await.map_err(|error| CommandError::defect(error.to_string()))?;
        let app = self.wechat.accounts().app(&appid);
        let app = app.ok_or_else(|| CommandError::defect("the mini program that calls is unknown"))?;
        let mut command = self.function.command(EventSource::StandardInput);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.env_remove(UNIONID).envs(caller_context(&self.wechat, &user, app)?);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut node = command.spawn().map_err(|error| {
            CommandError::environment(text!("node does not start: {error}", error = error), install_node())
        })?;
        let (Some(mut input), Some(output)) = (node.stdin.take(), node.stdout.take()) else {
            return Err(CommandError::defect("a process has no pipes"));
        };
        let mut output = BufReader::new(output);
        let event = format!("{}\n", Value::Object(event));
        let Ok(loaded) = timeout(LOADING_TIMEOUT, load(&mut input, &event, &mut output)).await else {
            return Ok(CloudFunctionEnd::TimedOut(LOADING_TIMEOUT));
        };
        let message = match loaded {
            Message::Loaded => {
                let limit = self.function.timeout();
                match timeout(limit, Message::read(&mut output)).await {
                    Ok(message) => message,
                    Err(_) => return Ok(CloudFunctionEnd::TimedOut(limit)),
                }
            }
            ended => ended,
        };
        Ok(match message {
            Message::Result(result) => CloudFunctionEnd::Returned(result),
            Message::Error(text) => CloudFunctionEnd::Failed(text),
            Message::Loaded => CloudFunctionEnd::Failed(EXITED.to_owned()),
        })
    }
}

impl CloudFunctions for ServedFunction {
    fn run(&self, call: CloudFunctionCall) -> RunningFunction<'_> {
        Box::pin(self.run_once(call))
    }
}

/// A line that a function's process writes; see run_function.cjs.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Message {
    /// `main` is called now.
    Loaded,
    /// What it returned.
    Result(Value),
    /// What it threw, or why it could not be called.
    Error(String),
}

impl Message {
    /// Reads the next line. What is not one becomes an error, as the mini program gets it.
    async fn read(output: &mut BufReader<ChildStdout>) -> Self {
        let mut line = Vec::new();
        let mut bounded = output.take(MAX_LINE_BYTES);
        match bounded.read_until(b'\n', &mut line).await {
            Ok(_) if bounded.limit() == 0 => {
                Self::Error(format!("the result has more than {MAX_RESULT_BYTES} bytes"))
            }
            Ok(_) if line.ends_with(b"\n") => serde_json::from_slice(&line).unwrap_or_else(|error| {
                Self::Error(format!(
                    "the result cannot be read ({error}): it is nested too deeply, or a program that the function has started wrote to standard output"
                ))
            }),
            Ok(_) => Self::Error(EXITED.to_owned()),
            Err(error) => Self::Error(format!("the result cannot be read: {error}")),
        }
    }
}

/// Hands the event over, and waits until `main` is called. A process that ends meanwhile says why itself.
async fn load(input: &mut ChildStdin, event: &str, output: &mut BufReader<ChildStdout>) -> Message {
    if let Err(error) = input.write_all(event.as_bytes()).await {
        debug!(%error, "the event is not read to its end");
    }
    Message::read(output).await
}
