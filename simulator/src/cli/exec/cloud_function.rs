//! A cloud function in its folder: what its config.json says, and the command that runs it once.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};
use soter_bridge::protocol::CommandError;
use soter_text::{Text, text};
use soter_wechat::CloudPermissions;
use tokio::process::Command;

use crate::files::{Input, read_input};

/// Calls the function in Node.
const SCRIPT: &str = include_str!("run_function.cjs");
/// Seconds that a call may take, if config.json does not say: the default that WeChat documents.
const DEFAULT_TIMEOUT: u64 = 3;
/// The most seconds that WeChat documents.
const MAX_TIMEOUT: u64 = 300;

/// The folder of a cloud function.
#[derive(Debug)]
pub(super) struct CloudFunction {
    folder: PathBuf,
    name: String,
    permissions: CloudPermissions,
    timeout: Duration,
}

/// Where a function's event comes from.
#[derive(Debug)]
pub(super) enum EventSource {
    /// The command itself has it. The result is printed for a person.
    Given(Map<String, Value>),
    /// A line of standard input, which stays open as long as somebody waits. What is written is for the program that has
    /// started the function.
    StandardInput,
}

impl CloudFunction {
    /// Reads what a folder says. Without config.json a function may call nothing, as WeChat documents it. That `timeout` is there,
    /// in seconds, is inferred from public programs.
    ///
    /// # Errors
    /// `InvalidParams` if the folder has no index.js or config.json is not one, `Environment` if it cannot be read.
    pub(super) fn read(folder: &Path) -> Result<Self, CommandError> {
        if !folder.join("index.js").is_file() {
            return Err(CommandError::invalid_params(
                text!(
                    "{folder} is not the folder of a cloud function: it has no index.js",
                    folder = folder.display()
                ),
                text!("name the folder that has index.js, package.json and config.json"),
            ));
        }
        let file = folder.join("config.json");
        let config = match file.metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => Config::default(),
            _ => Config::parse(&read_input(Input::from_path(&file))?).map_err(|what| {
                CommandError::invalid_params(
                    text!("{file}: {what}", file = file.display(), what = what),
                    text!(
                        "write {{\"permissions\":{{\"openapi\":[\"soter.verifySignature\"]}},\"timeout\":3}}"
                    ),
                )
            })?,
        };
        Ok(Self {
            folder: folder.to_owned(),
            name: name(folder),
            permissions: CloudPermissions::Listed(config.permitted),
            timeout: Duration::from_secs(config.timeout.unwrap_or(DEFAULT_TIMEOUT)),
        })
    }

    /// The name by which mini programs call it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// How long a call may take.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// What the function may call.
    pub(super) fn permissions(&self) -> CloudPermissions {
        self.permissions.clone()
    }

    /// The command that calls the function with an event and ends.
    pub(super) fn command(&self, event: EventSource) -> Command {
        let event = match event {
            EventSource::Given(event) => Value::Object(event).to_string(),
            EventSource::StandardInput => "-".to_owned(),
        };
        let mut command = Command::new("node");
        command.args(["-e", SCRIPT, "--", &self.name, &event]);
        command.current_dir(&self.folder);
        command
    }
}

/// What to do if Node does not start.
pub(super) fn install_node() -> Text {
    text!("install Node, and let PATH have it")
}

/// The folder's own name, also for `.` and `..`.
fn name(folder: &Path) -> String {
    let named = |path: PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let absolute = std::path::absolute(folder).ok().and_then(named);
    absolute.or_else(|| folder.canonicalize().ok().and_then(named)).unwrap_or_default()
}

/// A config.json. It has triggers and other members as well.
#[derive(Debug, Default)]
struct Config {
    /// The names in `permissions.openapi`.
    permitted: BTreeSet<String>,
    /// Seconds.
    timeout: Option<u64>,
}

impl Config {
    fn parse(text: &[u8]) -> Result<Self, Text> {
        // Editors on Windows may write a byte order mark.
        let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
        let config: Value = serde_json::from_slice(text)
            .map_err(|error| text!("not JSON: {error}", error = error.to_string()))?;
        let config = config.as_object().ok_or_else(|| text!("it is not an object"))?;
        Ok(Self { permitted: permitted(config)?, timeout: timeout(config)? })
    }
}

fn permitted(config: &Map<String, Value>) -> Result<BTreeSet<String>, Text> {
    let Some(permissions) = config.get("permissions") else { return Ok(BTreeSet::new()) };
    let permissions = permissions.as_object().ok_or_else(|| text!("permissions is not an object"))?;
    let Some(names) = permissions.get("openapi") else { return Ok(BTreeSet::new()) };
    BTreeSet::deserialize(names).map_err(|_| text!("permissions.openapi is not a list of names"))
}

fn timeout(config: &Map<String, Value>) -> Result<Option<u64>, Text> {
    let Some(timeout) = config.get("timeout") else { return Ok(None) };
    let seconds = timeout.as_u64().filter(|seconds| (1..=MAX_TIMEOUT).contains(seconds));
    seconds
        .map(Some)
        .ok_or_else(|| text!("timeout is not a number of seconds from 1 to {most}", most = MAX_TIMEOUT))
}
