//! The running program, and its output and exit code after its end.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::shown;

/// How long a child may take for its whole life or for one answer. Far more than it needs even on a busy machine.
const DEADLINE: Duration = Duration::from_mins(1);

/// The interval at which a child that has closed its outputs is checked for its end.
const EXIT_POLL: Duration = Duration::from_millis(2);

/// A started program, usually a REPL that reads its commands from a pipe. It is killed when this is dropped.
#[derive(Debug)]
pub struct Running {
    command: String,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<Vec<u8>>,
    stderr: Receiver<String>,
    _home: TempDir,
}

/// How the program ended, and its output.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The command line, for messages.
    pub command: String,
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// All of its standard output.
    pub stdout: String,
    /// All of its standard error.
    pub stderr: String,
}

impl Running {
    pub(crate) fn spawn(mut command: Command, home: TempDir) -> Self {
        let shown = shown(&command);
        let mut child = command.spawn().expect("the program starts");
        let (line_sender, lines) = channel();
        if let Some(stdout) = child.stdout.take() {
            thread::spawn(move || {
                let mut stdout = BufReader::new(stdout);
                loop {
                    let mut line = Vec::new();
                    match stdout.read_until(b'\n', &mut line) {
                        Ok(length) if length > 0 && line_sender.send(line).is_ok() => {}
                        _ => break,
                    }
                }
            });
        }
        let (text_sender, stderr) = channel();
        let errors = child.stderr.take();
        thread::spawn(move || {
            let mut bytes = Vec::new();
            // A broken pipe has delivered all there was. A stream that the test redirected has no pipe.
            let _ = errors.map(|mut pipe| pipe.read_to_end(&mut bytes));
            // Nobody receives it if the child was killed.
            let _ = text_sender.send(String::from_utf8_lossy(&bytes).into_owned());
        });
        let stdin = child.stdin.take();
        Self { command: shown, child, stdin, lines, stderr, _home: home }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes one line to the program's standard input. A program that has ended does not read it.
    pub fn send(&mut self, line: &str) {
        if let Some(stdin) = &mut self.stdin {
            let _ = stdin.write_all(format!("{line}\n").as_bytes());
        }
    }

    /// The next line of standard output, without its end.
    pub fn line(&mut self) -> String {
        match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => String::from_utf8(line).expect("output is UTF-8").trim_end_matches('\n').to_owned(),
            Err(RecvTimeoutError::Timeout) => panic!("`{}` did not answer in {DEADLINE:?}", self.command),
            Err(RecvTimeoutError::Disconnected) => panic!(
                "`{}` ended instead of answering: {}",
                self.command,
                self.stderr.recv_timeout(DEADLINE).unwrap_or_default()
            ),
        }
    }

    /// The next line of standard output as JSON.
    pub fn answer(&mut self) -> Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("`{line}` is not JSON: {error}"))
    }

    /// Waits for the next complete line of standard output. `None` if the program has ended.
    pub fn next_complete_line(&mut self) -> Option<String> {
        let line = self.lines.recv_timeout(DEADLINE).ok()?;
        complete(line)
    }

    /// Closes the program's standard input and waits for its end.
    pub fn end(mut self) -> Finished {
        self.stdin = None;
        self.collect()
    }

    /// Sends SIGTERM to the program and waits for its end.
    #[cfg(unix)]
    pub fn end_by_signal(self) -> Finished {
        self.end_by(rustix::process::Signal::TERM)
    }

    /// Sends this signal to the program and waits for its end.
    #[cfg(unix)]
    pub fn end_by(mut self, signal: rustix::process::Signal) -> Finished {
        self.signal(signal);
        self.collect()
    }

    /// Sends this signal to the program.
    #[cfg(unix)]
    pub fn signal(&self, signal: rustix::process::Signal) {
        use rustix::process::{Pid, kill_process};
        let id = i32::try_from(self.id()).ok().and_then(Pid::from_raw).expect("a process has a number");
        kill_process(id, signal).expect("the program runs");
    }

    /// Kills the program. Returns the complete lines that it wrote and that were not read yet.
    pub fn kill(mut self) -> Vec<String> {
        // It is not an error if the program has just ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let mut left = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(DEADLINE) {
            left.extend(complete(line));
        }
        left
    }

    pub(crate) fn feed_and_end(mut self, input: Vec<u8>) -> Finished {
        if let Some(mut stdin) = self.stdin.take() {
            // A program need not read all of its input.
            thread::spawn(move || stdin.write_all(&input));
        }
        self.collect()
    }

    fn collect(&mut self) -> Finished {
        let deadline = Instant::now() + DEADLINE;
        let left = || deadline.saturating_duration_since(Instant::now());
        let mut stdout = Vec::new();
        loop {
            match self.lines.recv_timeout(left()) {
                Ok(line) => stdout.extend(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => self.late(&stdout),
            }
        }
        let Ok(stderr) = self.stderr.recv_timeout(left()) else { self.late(&stdout) };
        let code = loop {
            match self.child.try_wait().expect("the child can be waited for") {
                Some(status) => break status.code(),
                None if left().is_zero() => self.late(&stdout),
                None => thread::sleep(EXIT_POLL),
            }
        };
        assert!(!stderr.contains("panicked"), "`{}` panicked:\n{stderr}", self.command);
        Finished {
            command: self.command.clone(),
            code,
            stdout: String::from_utf8(stdout).expect("output is UTF-8"),
            stderr,
        }
    }

    fn late(&self, stdout: &[u8]) -> ! {
        panic!(
            "`{}` did not end in {DEADLINE:?}; its output so far:\n{}",
            self.command,
            String::from_utf8_lossy(stdout)
        )
    }
}

fn complete(line: Vec<u8>) -> Option<String> {
    String::from_utf8(line).ok()?.strip_suffix('\n').map(str::to_owned)
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Finished {
    /// Asserts this exit code.
    #[track_caller]
    #[must_use]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// The only line of standard output, without its end.
    #[track_caller]
    pub fn line(&self) -> &str {
        let line =
            self.stdout.strip_suffix('\n').unwrap_or_else(|| panic!("no complete line on stdout: {self}"));
        assert!(!line.contains('\n'), "more than one line on stdout: {self}");
        line
    }

    /// The only line of standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        parse(self.line(), self)
    }

    /// Each line of standard output as JSON.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| parse(line, self)).collect()
    }

    /// Asserts a refusal: this exit code, nothing on standard output, and two lines on standard error, what happened
    /// and what to do next.
    #[track_caller]
    #[must_use]
    pub fn refuses(self, code: i32) -> Self {
        let refused = self.exits(code);
        assert_eq!(refused.stdout, "", "a refusal writes nothing to stdout: {refused}");
        let lines: Vec<_> = refused.stderr.lines().collect();
        assert_eq!(lines.len(), 2, "a refusal is two lines: {refused}");
        assert!(lines[0].starts_with("error: ") && lines[0].len() > 12, "{refused}");
        assert!(lines[1].starts_with("next: ") && lines[1].len() > 12, "{refused}");
        refused
    }

    /// Asserts a usage error: exit code 2, nothing on standard output, and the error on standard error.
    #[track_caller]
    #[must_use]
    pub fn refuses_usage(self) -> Self {
        let refused = self.exits(2);
        assert_eq!(refused.stdout, "", "a refusal writes nothing to stdout: {refused}");
        assert!(refused.stderr.starts_with("error: "), "{refused}");
        refused
    }
}

#[track_caller]
fn parse(line: &str, finished: &Finished) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("`{line}` is not JSON ({error}): {finished}"))
}

impl std::fmt::Display for Finished {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let code = self.code.map_or("a signal".to_owned(), |code| format!("code {code}"));
        write!(
            formatter,
            "`{}` ended with {code}\n--- stdout\n{}\n--- stderr\n{}",
            self.command, self.stdout, self.stderr
        )
    }
}
