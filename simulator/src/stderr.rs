//! Standard error: errors, remarks and the log, written by a thread of their own.
//!
//! ```text
//!   Console ── text ──┐
//!                     ├──> a bounded queue ── thread `stderr` ──> standard error, or above the line that is typed
//!   log ────── line ──┘
//! ```
//!
//! A full pipe blocks its writer until somebody reads it. Only this thread is blocked: its callers wait for a limited
//! time and continue. Texts that do not fit into the queue are dropped and counted, and the count is written as soon as
//! something can be written again.
//!
//! Everything here belongs to the process, as standard error does.

use std::collections::VecDeque;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use soter_text::tr;

/// The maximum number of bytes that wait to be written.
const MAX_QUEUED_BYTES: usize = 1 << 20;
/// How long an error or a remark waits until it is written.
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long [`flush`] waits.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);

static STDERR: Queue = Queue { state: Mutex::new(State::EMPTY), changed: Condvar::new() };

/// Prints log lines. Returns `false` if it cannot print.
type Printer = Arc<Mutex<dyn FnMut(String) -> bool + Send>>;

/// Errors and remarks for standard error. Each call of `write` takes one whole text, which appears unbroken, and always
/// succeeds: what cannot be written to standard error cannot be reported anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stderr {
    /// Waits until the text is written, so that it appears before what is printed next elsewhere.
    Waiting,
    /// Does not wait. For asynchronous tasks.
    Immediate,
}

impl Write for Stderr {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        if has_thread() {
            STDERR.put(Kind::Text, text, *self == Self::Waiting);
        } else {
            write_directly(text);
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Puts a line of the log into the queue. Never waits.
pub(crate) fn log(line: &[u8]) {
    if has_thread() {
        STDERR.put(Kind::Log, line, false);
    } else {
        write_directly(line);
    }
}

/// Waits until everything so far is written and no dialog is drawn, at most half a second.
pub(crate) fn flush() {
    STDERR.flush();
}

/// Prints log lines with this function, until it fails or [`print_log_to_stderr`] is called. If standard error is not
/// the terminal, it stays in use, because the lines do not disturb what is shown there.
pub(crate) fn print_log_with(printer: impl FnMut(String) -> bool + Send + 'static) {
    if io::stderr().is_terminal() {
        STDERR.state().printer = Some(Arc::new(Mutex::new(printer)));
    }
}

/// Prints log lines to standard error.
pub(crate) fn print_log_to_stderr() {
    STDERR.state().printer = None;
}

/// Holds log lines back while a dialog is drawn on the same terminal.
#[must_use = "the log continues when this is dropped"]
pub(crate) fn pause_log() -> LogPause {
    let is_same_terminal = io::stderr().is_terminal();
    if is_same_terminal {
        STDERR.state().pauses += 1;
    }
    LogPause { is_same_terminal }
}

/// The right to a terminal without log lines. See [`pause_log`].
#[derive(Debug)]
pub(crate) struct LogPause {
    is_same_terminal: bool,
}

impl Drop for LogPause {
    fn drop(&mut self) {
        if self.is_same_terminal {
            STDERR.state().pauses -= 1;
            STDERR.changed.notify_all();
        }
    }
}

/// Whether the thread runs; the first call starts it. A process that may not start threads writes directly.
fn has_thread() -> bool {
    static THREAD: OnceLock<bool> = OnceLock::new();
    *THREAD.get_or_init(|| {
        let thread = std::thread::Builder::new().name("stderr".to_owned());
        thread.spawn(|| STDERR.write_all_texts(write_directly)).is_ok()
    })
}

fn write_directly(text: &[u8]) {
    // What cannot be written to standard error cannot be reported anywhere.
    let _ = io::stderr().write_all(text);
}

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// An error or a remark.
    Text,
    /// A line of the log: held back during a dialog, and printed above the line that is typed.
    Log,
}

/// The texts that wait to be written.
struct Queue {
    state: Mutex<State>,
    /// Notified when a text is added or written, and when a pause ends.
    changed: Condvar,
}

struct State {
    texts: VecDeque<(Kind, Vec<u8>)>,
    queued_bytes: usize,
    /// The number of texts that have ever been in the queue.
    added: u64,
    /// The number of texts that are written.
    written: u64,
    /// The number of texts that did not fit, since the last remark about them.
    dropped: u64,
    /// Whether a text was not written in time. The next ones do not wait until a text is written.
    is_stuck: bool,
    /// The number of [`LogPause`]s.
    pauses: usize,
    printer: Option<Printer>,
}

impl State {
    const EMPTY: Self = Self {
        texts: VecDeque::new(),
        queued_bytes: 0,
        added: 0,
        written: 0,
        dropped: 0,
        is_stuck: false,
        pauses: 0,
        printer: None,
    };

    /// Adds a text. Returns its number, or `None` if it does not fit.
    fn add(&mut self, kind: Kind, text: &[u8]) -> Option<u64> {
        if !self.texts.is_empty() && self.queued_bytes + text.len() > MAX_QUEUED_BYTES {
            self.dropped += 1;
            return None;
        }
        self.report_dropped();
        Some(self.append(kind, text.to_vec()))
    }

    fn append(&mut self, kind: Kind, text: Vec<u8>) -> u64 {
        self.queued_bytes += text.len();
        self.texts.push_back((kind, text));
        self.added += 1;
        self.added
    }

    /// Adds a remark about the texts that did not fit. It has no limit, and the log's filter does not apply to it.
    fn report_dropped(&mut self) {
        let dropped = std::mem::take(&mut self.dropped);
        if dropped > 0 {
            let remark = match dropped {
                1 => tr!("remark: 1 line was dropped here, because standard error is not read fast enough"),
                dropped => tr!(
                    "remark: {dropped} lines were dropped here, because standard error is not read fast enough",
                    dropped = dropped
                ),
            };
            self.append(Kind::Log, format!("{remark}\n").into_bytes());
        }
    }

    /// Takes the next text, if it may be written now.
    fn next(&mut self) -> Option<(Kind, Vec<u8>)> {
        if self.texts.is_empty() {
            self.report_dropped();
        }
        let (kind, _) = self.texts.front()?;
        if *kind == Kind::Log && self.pauses > 0 {
            return None;
        }
        let (kind, text) = self.texts.pop_front()?;
        self.queued_bytes -= text.len();
        Some((kind, text))
    }
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a text, and waits until it is written if `waits` is set.
    fn put(&self, kind: Kind, text: &[u8], waits: bool) {
        let mut state = self.state();
        let Some(number) = state.add(kind, text) else { return };
        self.changed.notify_all();
        if waits && !state.is_stuck && !self.wait(state, WRITE_TIMEOUT, |state| state.written >= number) {
            self.state().is_stuck = true;
        }
    }

    fn flush(&self) {
        // What is not written after the timeout is lost with the process.
        self.wait(self.state(), FLUSH_TIMEOUT, |state| {
            state.written == state.added && state.dropped == 0 && state.pauses == 0
        });
    }

    /// Waits until the state fulfils the condition. Returns whether it did in time.
    fn wait(
        &self,
        mut state: MutexGuard<'_, State>,
        timeout: Duration,
        condition: impl Fn(&State) -> bool,
    ) -> bool {
        let deadline = Instant::now() + timeout;
        while !condition(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Writes the texts with this function. Never returns.
    fn write_all_texts(&self, mut write: impl FnMut(&[u8])) {
        let mut state = self.state();
        loop {
            let Some((kind, text)) = state.next() else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let printer = state.printer.clone().filter(|_| kind == Kind::Log);
            // Writing may block, and callers that add a text must not wait for it.
            drop(state);
            let is_printed = printer.as_ref().is_some_and(|printer| {
                let mut print = printer.lock().unwrap_or_else(PoisonError::into_inner);
                print(String::from_utf8_lossy(&text).into_owned())
            });
            if !is_printed {
                write(&text);
            }
            state = self.state();
            if let Some(failed) = printer.filter(|_| !is_printed)
                && state.printer.as_ref().is_some_and(|current| Arc::ptr_eq(current, &failed))
            {
                state.printer = None;
            }
            state.written += 1;
            state.is_stuck = false;
            self.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::*;

    /// A queue whose texts arrive here one by one, as in a pipe that has room for one.
    fn queue() -> (&'static Queue, Receiver<String>) {
        let queue: &Queue =
            Box::leak(Box::new(Queue { state: Mutex::new(State::EMPTY), changed: Condvar::new() }));
        let (pipe, written): (SyncSender<String>, _) = sync_channel(0);
        std::thread::spawn(move || {
            queue.write_all_texts(|text| drop(pipe.send(String::from_utf8_lossy(text).into_owned())));
        });
        (queue, written)
    }

    #[test]
    fn every_text_is_written_or_counted_once() {
        let (queue, written) = queue();
        let line = vec![b'x'; MAX_QUEUED_BYTES / 100];
        for _ in 0..300 {
            queue.put(Kind::Log, &line, false);
        }
        // Nothing is read yet, so one line may be on its way, and 100 fit into the queue.
        let mut lines = 0;
        let remark = loop {
            let text = written.recv().unwrap();
            if text.starts_with("remark: ") {
                break text;
            }
            lines += 1;
        };
        assert!(lines == 100 || lines == 101, "{lines}");
        assert_eq!(
            remark,
            format!(
                "remark: {} lines were dropped here, because standard error is not read fast enough\n",
                300 - lines
            )
        );
        queue.put(Kind::Text, b"next\n", false);
        assert_eq!(written.recv().unwrap(), "next\n");
    }

    #[test]
    fn the_remark_about_dropped_lines_is_where_the_lines_would_be() {
        let mut state = State::EMPTY;
        state.add(Kind::Log, &vec![b'x'; MAX_QUEUED_BYTES]);
        assert_eq!(state.add(Kind::Text, b"lost\n"), None);
        state.next();
        state.add(Kind::Log, b"after\n");
        let texts: Vec<_> =
            std::iter::from_fn(|| state.next()).map(|(_, text)| String::from_utf8(text).unwrap()).collect();
        let remark = "remark: 1 line was dropped here, because standard error is not read fast enough\n";
        assert_eq!(texts, [remark, "after\n"]);
    }

    #[test]
    fn only_the_first_of_several_texts_waits_for_a_reader_that_does_not_read() {
        let (queue, written) = queue();
        let started = Instant::now();
        for number in 0..100 {
            queue.put(Kind::Text, format!("{number}").as_bytes(), true);
        }
        // Each would wait for the timeout.
        assert!(started.elapsed() < 50 * WRITE_TIMEOUT);
        for number in 0..100 {
            assert_eq!(written.recv().unwrap(), number.to_string());
        }
        queue.flush();
        assert!(!queue.state().is_stuck);
    }

    #[test]
    fn log_lines_wait_for_the_end_of_a_dialog() {
        let mut state = State { pauses: 1, ..State::EMPTY };
        state.add(Kind::Text, b"error\n");
        state.add(Kind::Log, b"line\n");
        assert!(state.next().is_some_and(|(kind, _)| kind == Kind::Text));
        assert_eq!(state.next(), None);
        state.pauses = 0;
        assert!(state.next().is_some_and(|(kind, _)| kind == Kind::Log));
    }

    #[test]
    fn a_printer_that_fails_is_used_no_more_and_its_line_is_not_lost() {
        let (queue, written) = queue();
        let mut calls = 0;
        queue.state().printer = Some(Arc::new(Mutex::new(move |_| {
            calls += 1;
            assert_eq!(calls, 1);
            false
        })));
        queue.put(Kind::Log, b"first\n", false);
        queue.put(Kind::Log, b"second\n", false);
        assert_eq!([written.recv().unwrap(), written.recv().unwrap()], ["first\n", "second\n"]);
    }
}
