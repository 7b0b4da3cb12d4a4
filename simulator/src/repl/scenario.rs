//! Scenarios: lines of the REPL, and lines with the expected results.
//!
//! ```text
//!   # a comment
//!   auth order-42 --touch 1              any line of the REPL
//!   expect errCode is 0                  the last line's answer has this member: a path, an operator, a value
//!   expect resultJSON.raw is order-42    a path continues into JSON inside a string
//!   keep first resultJSON.counter        remembers a value
//!   auth order-43 --touch 1
//!   expect resultJSON.counter above {first}
//!   auth ''
//!   expect error …                       the last line is refused, and the message contains this text
//! ```
//!
//! Operators are `is`, `not`, `contains` and `above`; values are JSON, or plain text. A refused line ends the
//! scenario, unless `expect error` follows.

mod expectation;

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use soter_bridge::protocol::{CommandError, Service};
use soter_bridge::visible;
use soter_text::{Text, text, tr};
use tokio::runtime::Runtime;

use self::expectation::{Expectation, Kept, Step};
use super::pipe::{Flow, Pipe};
use super::session::Session;
use crate::front::{Console, Exit};
use crate::grammar::MAX_LINE_BYTES;

/// Carries out a scenario, and reports each expectation.
///
/// # Errors
/// `InvalidParams` if a line is wrong, or the file has no lines; nothing was carried out. `Environment` if the output
/// cannot be written.
pub(crate) fn run<S: Service>(
    runtime: &Runtime,
    service: &Arc<S>,
    device: Option<String>,
    text: &str,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let steps = read(text)?;
    let answers = Buffer::default();
    let session =
        Session::new(Arc::clone(service), Console::with_writers(answers.clone(), io::sink()), device, true);
    let mut stage = Stage {
        pipe: Pipe::new(session),
        answers,
        last_result: LineResult::default(),
        kept: Kept::default(),
    };
    let (mut passed, mut failed) = (0, 0);
    let mut steps = steps.into_iter().peekable();
    while let Some((number, step)) = steps.next() {
        let result = match &step {
            Step::Line(line) => {
                console.write_answer(&console.paint.wrapped(&format!("{number:4}  {}", visible(line))))?;
                let flow = runtime.block_on(stage.run_line(line));
                match (flow, &stage.last_result.error, steps.peek()) {
                    (Flow::Leave | Flow::Closed, _, None) => break,
                    (Flow::Leave | Flow::Closed, _, Some(_)) => Err(text!("lines follow, and it ends here")),
                    (Flow::Next, None, _)
                    | (Flow::Next, Some(_), Some((_, Step::Expect(Expectation::Error(_))))) => continue,
                    (Flow::Next, Some(error), _) => {
                        Err(text!("nothing is carried out after it: {error}", error = error))
                    }
                }
            }
            Step::Keep { name, path } => {
                if let Some(value) = stage.last_result.find(path) {
                    stage.kept.insert(name.clone(), value);
                    continue;
                }
                Err(text!("keep {name}: there is no {path}", name = name, path = path))
            }
            Step::Expect(expectation) => expectation
                .check(&stage.last_result.answers, stage.last_result.error.as_ref(), &stage.kept)
                .map(|()| expectation.to_string())
                .map_err(|found| {
                    text!("{expectation}: {found}", expectation = expectation.to_string(), found = found)
                }),
        };
        let line = match &result {
            Ok(expectation) => tr!("ok {expectation}", expectation = expectation),
            Err(failure) => tr!("FAILED {failure}", failure = failure),
        };
        console.write_answer(&console.paint.wrapped(&format!("{number:4}    {}", visible(&line))))?;
        passed += usize::from(result.is_ok());
        failed += usize::from(result.is_err());
        if matches!(step, Step::Line(_)) {
            break;
        }
    }
    if stage.pipe.has_open_dialog() {
        console.remark(&tr!("the scenario ended with the dialog open: it was cancelled"));
    }
    runtime.block_on(stage.pipe.leave());
    console.write_answer(&tr!(
        "expectations: {passed} held, {failed} failed",
        passed = passed,
        failed = failed
    ))?;
    Ok(if failed == 0 { Exit::Good } else { Exit::Negative })
}

/// A REPL whose answers are collected instead of shown.
struct Stage<S> {
    pipe: Pipe<S>,
    answers: Buffer,
    /// The result of the last line.
    last_result: LineResult,
    kept: Kept,
}

/// The result of a line.
#[derive(Default)]
struct LineResult {
    answers: Vec<Value>,
    /// Why the line was refused: what happened, and what to do next.
    error: Option<Text>,
}

impl<S: Service> Stage<S> {
    async fn run_line(&mut self, line: &str) -> Flow {
        let flow = self.pipe.line(line).await;
        self.last_result = LineResult {
            answers: self.answers.take().lines().filter_map(|line| serde_json::from_str(line).ok()).collect(),
            error: self
                .pipe
                .take_error()
                .map(|CommandError { what, next, .. }| text!("{what}; {next}", what = what, next = next)),
        };
        flow
    }
}

impl LineResult {
    fn find(&self, path: &str) -> Option<Value> {
        self.answers.iter().rev().find_map(|answer| expectation::value_at(answer, path))
    }
}

/// Parses a scenario into its lines, with their numbers.
fn read(scenario: &str) -> Result<Vec<(usize, Step)>, CommandError> {
    let lines = scenario.trim_start_matches('\u{feff}').lines().enumerate();
    let steps: Vec<_> = lines
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| {
            if line.len() > MAX_LINE_BYTES {
                return Err(CommandError::invalid_params(
                    text!(
                        "line {number} has {bytes} bytes; {most} are the most",
                        number = number,
                        bytes = line.len(),
                        most = MAX_LINE_BYTES
                    ),
                    text!("split it"),
                ));
            }
            let step = Step::read(line).map_err(|what| {
                CommandError::invalid_params(
                    text!("line {number}: {what}", number = number, what = what),
                    text!("write `expect PATH is VALUE`, `expect error TEXT`, or `keep NAME PATH`"),
                )
            })?;
            Ok((number, step))
        })
        .collect::<Result<_, _>>()?;
    // An empty scenario, such as a truncated file, expects nothing and would always pass.
    if steps.is_empty() {
        return Err(CommandError::invalid_params(
            text!(
                "the scenario has no line but blank ones and comments, in {bytes} bytes",
                bytes = scenario.len()
            ),
            text!(
                "check that the file is whole; then write lines of the REPL, and `expect` lines below them"
            ),
        ));
    }
    Ok(steps)
}

/// A buffer that is written here and read there.
#[derive(Clone, Debug, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn take(&self) -> String {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
