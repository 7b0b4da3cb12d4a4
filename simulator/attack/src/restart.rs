//! Restarts a target with a command that its owner gave.

use std::process::Stdio;
use std::time::Duration;

use soter_text::{seconds, text};
use soter_wire::shortened;
use tokio::process::Command;
use tokio::time::{Instant, sleep, timeout};

use crate::http::{Http, Request};
use crate::target::TargetError;

/// How long to wait for the command to end, and then for the target to answer.
const RESTART_TIMEOUT: Duration = Duration::from_secs(30);
/// The pause between two attempts to reach the target.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// Runs the command, and waits until the path `ready` is answered in any way.
///
/// # Errors
/// [`TargetError::Broken`] if the command does not start, fails or does not end, or if the target does not answer
/// afterwards.
pub(super) async fn restart(command: &str, http: &Http, ready: &str) -> Result<(), TargetError> {
    let shown = shortened(command, 120);
    let mut child = shell(command)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // A command that does not end must not keep running.
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| {
            TargetError::broken(text!("`{command}` does not start: {error}", command = shown, error = error))
        })?;
    let status = timeout(RESTART_TIMEOUT, child.wait()).await.map_err(|_| {
        TargetError::broken(text!(
            "`{command}` did not end within {limit}: it has to leave the target running in the background",
            command = shown,
            limit = seconds(RESTART_TIMEOUT)
        ))
    })?;
    let status = status.map_err(|error| {
        TargetError::broken(text!(
            "`{command}` cannot be waited for: {error}",
            command = shown,
            error = error
        ))
    })?;
    if !status.success() {
        return Err(TargetError::broken(text!(
            "`{command}` failed: {status}",
            command = shown,
            status = status.to_string()
        )));
    }
    let url = http.address(ready).map_err(|error| TargetError::broken(error.what))?;
    let deadline = Instant::now() + RESTART_TIMEOUT;
    loop {
        match http.send(Request::get(url.clone())).await {
            Ok(_) => return Ok(()),
            Err(error) if Instant::now() >= deadline => {
                return Err(TargetError::broken(text!(
                    "after `{command}`, {error}",
                    command = shown,
                    error = error.text()
                )));
            }
            Err(_) => sleep(RETRY_PAUSE).await,
        }
    }
}

#[cfg(unix)]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command);
    shell
}

#[cfg(not(unix))]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("cmd");
    shell.arg("/C").arg(command);
    shell
}
