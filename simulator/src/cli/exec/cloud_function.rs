//! A cloud function in its folder: which calls its config.json permits, and how it is run once.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};
use soter_bridge::protocol::CommandError;
use soter_wechat::CloudPermissions;
use tokio::process::Command;

use crate::files::{Input, read_input};

/// Calls the function in Node.
const SCRIPT: &str = include_str!("run_function.cjs");

/// The folder of a cloud function.
#[derive(Debug)]
pub(super) struct CloudFunction {
    folder: PathBuf,
    permissions: CloudPermissions,
}

impl CloudFunction {
    /// Reads what a folder says. Without config.json a function may call nothing, as WeChat documents it.
    ///
    /// # Errors
    /// `InvalidParams` if the folder has no index.js or config.json is not one, `Environment` if it cannot be read.
    pub(super) fn read(folder: &Path) -> Result<Self, CommandError> {
        if !folder.join("index.js").is_file() {
            return Err(CommandError::invalid_params(
                format!("{} is not the folder of a cloud function: it has no index.js", folder.display()),
                "name the folder that has index.js, package.json and config.json",
            ));
        }
        let file = folder.join("config.json");
        let names = match file.metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => BTreeSet::new(),
            _ => permitted(&read_input(Input::from_path(&file))?).map_err(|what| {
                CommandError::invalid_params(
                    format!("{}: {what}", file.display()),
                    "write {\"permissions\":{\"openapi\":[\"soter.verifySignature\"]}}",
                )
            })?,
        };
        Ok(Self { folder: folder.to_owned(), permissions: CloudPermissions::Listed(names) })
    }

    /// What the function may call.
    pub(super) fn permissions(&self) -> CloudPermissions {
        self.permissions.clone()
    }

    /// The command that calls the function with an event and ends.
    pub(super) fn command(&self, event: Map<String, Value>) -> Command {
        let absolute = std::path::absolute(&self.folder).unwrap_or_else(|_| self.folder.clone());
        let name = absolute.file_name().unwrap_or_default();
        let mut command = Command::new("node");
        command.args(["-e", SCRIPT, "--"]).arg(name).arg(Value::Object(event).to_string());
        command.current_dir(&self.folder);
        command
    }
}

/// The names in `permissions.openapi` of a config.json, which has triggers and other members as well.
fn permitted(config: &[u8]) -> Result<BTreeSet<String>, String> {
    let config: Value = serde_json::from_slice(config).map_err(|error| format!("not JSON: {error}"))?;
    let config = config.as_object().ok_or("it is not an object")?;
    let Some(permissions) = config.get("permissions") else { return Ok(BTreeSet::new()) };
    let permissions = permissions.as_object().ok_or("permissions is not an object")?;
    let Some(names) = permissions.get("openapi") else { return Ok(BTreeSet::new()) };
    BTreeSet::deserialize(names).map_err(|_| "permissions.openapi is not a list of names".to_owned())
}
