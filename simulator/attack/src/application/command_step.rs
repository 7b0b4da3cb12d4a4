//! A step that is a program of the user's own.
//!
//! It gets the values so far as a JSON object on its standard input, and answers with JSON on its standard output, which is
//! read like the body of an HTTP answer. Exit code 0 stands for status 200, any other for status 400.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use soter_text::{Text, seconds, text};
use soter_wire::shortened;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::time::timeout;

use super::template::Values;
use crate::http::{Reply, Secrets};
use crate::target::{Exchange, TargetError};

/// The maximum length of a program's output, in bytes.
const MAX_OUTPUT_BYTES: u64 = 1 << 20;
/// The number of characters of a program's error output that are shown.
const SHOWN_ERROR_CHARS: usize = 160;

/// Runs a program in a folder.
///
/// # Errors
/// [`TargetError::Broken`] if it does not start or writes too much, [`TargetError::TimedOut`] if it takes too long.
pub(super) async fn run(
    command: &[String],
    folder: &Path,
    values: &Values,
    limit: Duration,
    secrets: &Secrets,
) -> Result<Reply, TargetError> {
    let line = shell_words::join(command);
    let shown = shortened(&line, 120);
    let broken = |how: CommandFailure| TargetError::broken(how.text(shown));
    let input = serde_json::to_string(values).map_err(|error| broken(CommandFailure::NoValues(error)))?;
    let (program, arguments) = command.split_first().ok_or_else(|| broken(CommandFailure::Empty))?;
    let mut child = Command::new(found(program, folder))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // It must not outlive the step.
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| broken(CommandFailure::NotStarted(error)))?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let work = async {
        let write = async {
            if let Some(mut stdin) = stdin {
                // A program need not read its values.
                let _ = stdin.write_all(input.as_bytes()).await;
            }
        };
        let ((), output, errors) = tokio::join!(write, read_bounded(stdout), read_bounded(stderr));
        let status = child.wait().await;
        (output, errors, status)
    };
    let (output, errors, status) = timeout(limit, work).await.map_err(|_| {
        TargetError::TimedOut(text!(
            "the command `{command}` did not end within {limit}",
            command = shown,
            limit = seconds(limit)
        ))
    })?;
    let output = output.map_err(&broken)?;
    let errors = errors.map_err(&broken)?;
    let status = status.map_err(|error| broken(CommandFailure::NotWaitedFor(error)))?;
    let mut response = format!("{status}\n\n{output}");
    if let Some(last) = errors.trim_end().lines().last() {
        response = format!("{response}\nlast line of its errors: {}", shortened(last, SHOWN_ERROR_CHARS));
    }
    let curl = format!("echo {} | {line}", shell_words::quote(&input));
    Ok(Reply {
        status: if status.success() { 200 } else { 400 },
        headers: Vec::new(),
        body: output,
        exchange: Exchange::shown(format!("{line}\n\n{input}"), response, curl, secrets),
    })
}

/// Why a command could not be carried out.
#[derive(Debug)]
enum CommandFailure {
    Empty,
    NoValues(serde_json::Error),
    NotStarted(io::Error),
    NotWaitedFor(io::Error),
    Unreadable(io::Error),
    WritesTooMuch,
}

impl CommandFailure {
    fn text(&self, command: &str) -> Text {
        match self {
            Self::Empty => text!("the command `{command}` is empty", command = command),
            Self::NoValues(error) => {
                text!(
                    "the command `{command}` cannot get the values: {error}",
                    command = command,
                    error = error.to_string()
                )
            }
            Self::NotStarted(error) => {
                text!("the command `{command}` does not start: {error}", command = command, error = error)
            }
            Self::NotWaitedFor(error) => {
                text!(
                    "the command `{command}` cannot be waited for: {error}",
                    command = command,
                    error = error
                )
            }
            Self::Unreadable(error) => {
                text!("the command `{command}` cannot be read: {error}", command = command, error = error)
            }
            Self::WritesTooMuch => text!(
                "the command `{command}` writes more than {most} bytes",
                command = command,
                most = MAX_OUTPUT_BYTES
            ),
        }
    }
}

/// A program that is named by a path is looked for in the description's folder, as a shell would there.
fn found(program: &str, folder: &Path) -> PathBuf {
    let path = Path::new(program);
    if path.components().count() > 1 { folder.join(path) } else { path.to_owned() }
}

async fn read_bounded(stream: Option<impl AsyncRead + Unpin>) -> Result<String, CommandFailure> {
    let Some(stream) = stream else { return Ok(String::new()) };
    let mut bytes = Vec::new();
    let read = stream.take(MAX_OUTPUT_BYTES + 1).read_to_end(&mut bytes).await;
    let length = read.map_err(CommandFailure::Unreadable)?;
    if u64::try_from(length).is_ok_and(|length| length > MAX_OUTPUT_BYTES) {
        return Err(CommandFailure::WritesTooMuch);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    async fn shell(script: &str) -> Result<Reply, String> {
        let command = ["sh", "-c", script].map(str::to_owned);
        let values =
            Values::from([("order".to_owned(), "7".to_owned()), ("token".to_owned(), "s3cret".to_owned())]);
        let secrets = vec![("s3cret".into(), "{{token}}".to_owned())];
        let folder = tempfile::tempdir().unwrap();
        run(&command, folder.path(), &values, Duration::from_secs(5), &secrets)
            .await
            .map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_program_gets_the_values_and_its_output_is_the_answer() {
        let reply = shell("cat; echo warned >&2").await.unwrap();
        assert_eq!((reply.status, reply.body.as_str()), (200, r#"{"order":"7","token":"s3cret"}"#));
        let shown = format!("{:?}", reply.exchange);
        assert!(shown.contains("warned") && !shown.contains("s3cret"), "{shown}");
        // An answer is read whole, and shown shortened.
        let long = shell("head -c 100000 /dev/zero | tr '\\0' x").await.unwrap();
        assert_eq!(long.body.len(), 100_000);
        assert!(long.exchange.response.len() < 10_000, "{}", long.exchange.response.len());
        // Without reading its values.
        assert_eq!(shell("echo done").await.unwrap().body, "done\n");
    }

    #[tokio::test]
    async fn a_program_that_fails_is_a_refusal() {
        assert_eq!(shell("exit 3").await.unwrap().status, 400);
    }

    #[tokio::test]
    async fn a_program_that_hangs_or_never_stops_writing_is_ended() {
        for (script, expected) in
            [("exec sleep 60", "did not end within 5 s"), ("exec yes", "writes more than 1048576 bytes")]
        {
            let error = shell(script).await.unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[tokio::test]
    async fn a_program_is_looked_for_in_the_folder_of_the_description() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("step.sh");
        std::fs::write(&script, "#!/bin/sh\npwd\n").unwrap();
        std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
        let command = ["./step.sh".to_owned()];
        let time = Duration::from_secs(5);
        let reply = run(&command, folder.path(), &Values::new(), time, &Secrets::new()).await.unwrap();
        let real = folder.path().canonicalize().unwrap();
        assert_eq!(Path::new(reply.body.trim()), real);
        let missing =
            run(&["./missing.sh".to_owned()], folder.path(), &Values::new(), time, &Secrets::new()).await;
        assert!(missing.unwrap_err().to_string().contains("`./missing.sh` does not start"));
    }
}
