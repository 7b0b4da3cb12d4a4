//! The application that the audit starts itself: in a process group of its own, which ends with the audit.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, PipeReader, Read};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use soter_bridge::protocol::CommandError;
use soter_bridge::visible;
use soter_text::{Text, seconds, text};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use crate::cli::child::RunningCommand;
use crate::front::Console;
use crate::stderr;

/// The number of lines of its output that are kept, for the case that it does not start.
const KEPT_LINES: usize = 20;
/// The longest piece of its output that is shown as one line, in bytes.
const MAX_LINE_BYTES: u64 = 8 << 10;
/// How long a look takes at most whether something listens already.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The pause between two attempts to reach it.
const RETRY_PAUSE: Duration = Duration::from_millis(100);
/// The time that its processes have to end by themselves.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the rest of its output is waited for.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(1);

/// An application that runs. Its processes are ended when this is dropped.
pub(super) struct Started {
    child: RunningCommand,
    #[cfg(unix)]
    group: Option<rustix::process::Pid>,
    shown: String,
    output: Output,
}

impl Started {
    /// Starts the application. Its output goes to standard error, or only its last lines are kept.
    ///
    /// # Errors
    /// `InvalidParams` if somebody listens at its address already, `Environment` if it does not start.
    pub(super) async fn start(
        mut command: Command,
        address: &str,
        is_quiet: bool,
    ) -> Result<Self, CommandError> {
        let connected = timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await;
        if matches!(connected, Ok(Ok(_))) {
            return Err(CommandError::invalid_params(
                text!(
                    "something listens at {address} already, so your application cannot be started there",
                    address = address
                ),
                text!("stop it, or leave out the command behind `--` to audit what runs there"),
            ));
        }
        let shown = command.as_std().get_program().display().to_string();
        let failed = |error: std::io::Error| {
            CommandError::environment(
                text!("{program} does not start: {error}", program = shown, error = error),
                text!("check the command behind `--`"),
            )
        };
        let (reader, writer) = std::io::pipe().map_err(failed)?;
        let also = writer.try_clone().map_err(failed)?;
        command.stdin(Stdio::null()).stdout(writer).stderr(also);
        // Ctrl-C is for the audit, which then ends the whole group.
        #[cfg(unix)]
        command.process_group(0);
        let child = RunningCommand::start(command).map_err(failed)?;
        let output = Output::follow(reader, !is_quiet).map_err(failed)?;
        #[cfg(unix)]
        let group = child.id();
        Ok(Self {
            child,
            #[cfg(unix)]
            group,
            shown,
            output,
        })
    }

    /// Waits until connections are accepted at the address, a host with a port.
    ///
    /// # Errors
    /// One line, if the application ends before that, or the time is over.
    pub(super) async fn wait_until_it_listens(&mut self, address: &str, limit: Duration) -> Result<(), Text> {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            tokio::select! {
                status = self.child.wait() => {
                    self.output.wait_for_end().await;
                    let how = status.map_or_else(|error| error.to_string(), how_it_ended);
                    return Err(text!(
                        "`{program}` ended ({how}) before anything listened at {address}",
                        program = self.shown,
                        how = how,
                        address = address
                    ));
                }
                connected = timeout(limit, TcpStream::connect(address)) => {
                    if matches!(connected, Ok(Ok(_))) {
                        return Ok(());
                    }
                }
            }
            sleep(RETRY_PAUSE).await;
        }
        Err(text!(
            "nothing listens at {address} {limit} after `{program}` was started",
            address = address,
            limit = seconds(limit),
            program = self.shown
        ))
    }

    /// Shows the last lines of its output, if they have not been shown.
    pub(super) fn show_last_lines(&self, console: &mut Console) {
        if !self.output.is_shown {
            for line in self.output.last_lines() {
                console.stderr_line(&format!("  {}", visible(&line)));
            }
        }
    }

    /// Ends its processes: first asks them, and after some seconds kills them. Returns how it ended if it did so before.
    pub(super) async fn stop(mut self) -> Option<String> {
        let ended = timeout(Duration::ZERO, self.child.wait()).await.ok();
        self.end_processes().await;
        self.output.wait_for_end().await;
        ended.map(|status| status.map_or_else(|error| error.to_string(), how_it_ended))
    }

    #[cfg(unix)]
    async fn end_processes(&mut self) {
        use rustix::process::{Signal, kill_process_group, test_kill_process_group};
        let Some(group) = self.group.take() else { return };
        // An error means that no process of the group is left.
        if kill_process_group(group, Signal::TERM).is_err() {
            return;
        }
        let deadline = Instant::now() + STOP_TIMEOUT;
        // The first process is waited for, so that it does not stay in the process table.
        let _ = timeout(STOP_TIMEOUT, self.child.wait()).await;
        while Instant::now() < deadline && test_kill_process_group(group).is_ok() {
            sleep(RETRY_PAUSE / 10).await;
        }
        // The same as above.
        let _ = kill_process_group(group, Signal::KILL);
        // After SIGKILL it ends at once, or never.
        let _ = timeout(STOP_TIMEOUT, self.child.wait()).await;
    }

    #[cfg(not(unix))]
    async fn end_processes(&mut self) {
        if let Some(id) = self.child.number() {
            // It may have ended meanwhile.
            let _ = Command::new("taskkill").args(["/T", "/F", "/PID", &id.to_string()]).output().await;
        }
        // What taskkill has not ended is ended when the child is dropped.
        let _ = timeout(STOP_TIMEOUT, self.child.wait()).await;
    }
}

#[cfg(unix)]
impl Drop for Started {
    /// On the way out of an error: nobody waits here.
    fn drop(&mut self) {
        if let Some(group) = self.group.take() {
            // An error means that no process of the group is left.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

fn how_it_ended(status: ExitStatus) -> String {
    status.to_string()
}

/// The output of its processes, which a thread reads.
struct Output {
    last: Arc<Mutex<VecDeque<String>>>,
    is_shown: bool,
    /// Resolved when no process can write any more.
    end: Option<oneshot::Receiver<()>>,
}

impl Output {
    fn follow(reader: PipeReader, is_shown: bool) -> std::io::Result<Self> {
        let last = Arc::new(Mutex::new(VecDeque::new()));
        let (ended, end) = oneshot::channel();
        let kept = Arc::clone(&last);
        std::thread::Builder::new().name("target output".to_owned()).spawn(move || {
            let mut reader = BufReader::new(reader);
            while let Some(line) = next_line(&mut reader) {
                if is_shown {
                    stderr::log(format!("{line}\n").as_bytes());
                }
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() >= KEPT_LINES {
                    kept.pop_front();
                }
                kept.push_back(line);
            }
            // An error means that nobody waits for the end.
            let _ = ended.send(());
        })?;
        Ok(Self { last, is_shown, end: Some(end) })
    }

    /// Waits until everything is read, for a limited time: a process that has left the group may go on writing.
    async fn wait_for_end(&mut self) {
        if let Some(end) = self.end.take() {
            // An error means that the time is over, or the thread has ended.
            let _ = timeout(OUTPUT_TIMEOUT, end).await;
        }
    }

    fn last_lines(&self) -> Vec<String> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// The next line without its end, or a piece of a very long one; `None` at the end.
fn next_line(reader: &mut impl BufRead) -> Option<String> {
    let mut bytes = Vec::new();
    reader.take(MAX_LINE_BYTES).read_until(b'\n', &mut bytes).ok().filter(|length| *length > 0)?;
    let line = String::from_utf8_lossy(&bytes);
    Some(line.trim_end_matches(['\n', '\r']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_read_line_by_line_and_a_line_without_end_in_pieces() {
        let long = "x".repeat(20_000);
        let text = format!("first\r\n\n\u{fffd}{long}");
        let mut reader = text.as_bytes();
        let lines: Vec<_> = std::iter::from_fn(|| next_line(&mut reader)).collect();
        assert_eq!(lines[..2], ["first", ""]);
        assert_eq!(lines.len(), 5);
        assert_eq!(lines[2..].concat().trim_start_matches('\u{fffd}'), long);
    }
}
