//! The log: what the program does, on standard error, for finding faults.
//!
//! ```text
//!   tracing's events ── filter ── format ──> a bounded queue ── thread `log` ──> standard error, or above the input line
//! ```
//!
//! A thread of its own writes the lines, so that a full pipe that nobody reads stops only the log. If the queue is full,
//! lines are dropped and counted. Only this project's crates log: the logs of libraries would print what they transport,
//! which includes tokens.
//!
//! Everything here belongs to the process, as tracing's global subscriber does.

use std::env::{self, VarError};
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use soter_bridge::protocol::CommandError;
use soter_wire::shortened;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

/// The environment variable with the filter for commands without `--log`.
const VARIABLE: &str = "SOTER_SIM_LOG";
/// The crates that log.
const CRATES: [&str; 3] = ["soter_sim", "soter_bridge", "soter_wechat"];
/// The maximum number of lines that wait to be written.
const MAX_QUEUED: usize = 4096;
/// How long [`flush`] waits for the queued lines to be written.
const FLUSH_TIME: Duration = Duration::from_millis(500);

static QUEUE: OnceLock<SyncSender<Item>> = OnceLock::new();
static DROPPED: AtomicU64 = AtomicU64::new(0);
static OUTPUT: Output =
    Output { state: Mutex::new(OutputState { pauses: 0, printer: None }), resumed: Condvar::new() };

/// The form of the log's lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// Text for people
    #[default]
    Text,
    /// One JSON object per line
    Json,
}

/// An item of the queue.
enum Item {
    Line(Vec<u8>),
    /// Answered when all earlier lines are written.
    Flush(Sender<()>),
}

/// Starts the log. The filter is the given one (of `--log`), that of `SOTER_SIM_LOG`, or the default.
///
/// # Errors
/// `InvalidParams` if the filter is malformed or names a crate that does not log. `Environment` if the log's thread
/// does not start.
pub(crate) fn start(
    filter: Option<&str>,
    format: LogFormat,
    default: LevelFilter,
) -> Result<(), CommandError> {
    let filter = match filter {
        Some(text) => parse(text, "--log")?,
        None => match env::var(VARIABLE) {
            Ok(text) if !text.trim().is_empty() => parse(&text, VARIABLE)?,
            Ok(_) | Err(VarError::NotPresent) => EnvFilter::default().add_directive(default.into()),
            Err(VarError::NotUnicode(_)) => return Err(refused(VARIABLE, "it is not UTF-8")),
        },
    };
    if filter.max_level_hint() == Some(LevelFilter::OFF) {
        return Ok(());
    }
    let (queue, queued) = sync_channel(MAX_QUEUED);
    let thread = std::thread::Builder::new().name("log".to_owned());
    thread.spawn(move || write_lines(&queued)).map_err(|error| {
        CommandError::environment(
            format!("the thread for the log does not start: {error}"),
            "check the limits of this process (ulimit), then repeat",
        )
    })?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(Lines(QUEUE.get_or_init(|| queue)));
    let set = match format {
        LogFormat::Text => tracing::subscriber::set_global_default(subscriber.finish()),
        LogFormat::Json => tracing::subscriber::set_global_default(subscriber.json().finish()),
    };
    set.map_err(|error| CommandError::internal(format!("the log is started twice: {error}")))
}

/// Waits until the lines so far are written, at most half a second: nobody may be reading standard error.
pub(crate) fn flush() {
    let Some(queue) = QUEUE.get() else { return };
    let deadline = Instant::now() + FLUSH_TIME;
    let (written, is_written) = channel();
    let mut item = Item::Flush(written);
    while let Err(TrySendError::Full(unsent)) = queue.try_send(item) {
        if Instant::now() >= deadline {
            return;
        }
        item = unsent;
        std::thread::sleep(Duration::from_millis(10));
    }
    // After a timeout the rest of the lines is lost with the process.
    let _ = is_written.recv_timeout(deadline.saturating_duration_since(Instant::now()));
}

/// Prints lines with this function, until it fails or [`print_to_stderr`] is called. If standard error is not the
/// terminal, it stays in use, because the lines do not disturb what is shown there.
pub(crate) fn print_with(printer: impl FnMut(String) -> bool + Send + 'static) {
    if io::stderr().is_terminal() {
        OUTPUT.state().printer = Some(Box::new(printer));
    }
}

/// Prints lines to standard error.
pub(crate) fn print_to_stderr() {
    OUTPUT.state().printer = None;
}

/// Holds lines back while a dialog is drawn on the same terminal.
#[must_use = "the log continues when this is dropped"]
pub(crate) fn pause() -> Pause {
    let is_same_terminal = io::stderr().is_terminal();
    if is_same_terminal {
        OUTPUT.state().pauses += 1;
    }
    Pause { is_same_terminal }
}

/// The right to a terminal without log lines. See [`pause`].
#[derive(Debug)]
pub(crate) struct Pause {
    is_same_terminal: bool,
}

impl Drop for Pause {
    fn drop(&mut self) {
        if self.is_same_terminal {
            OUTPUT.state().pauses -= 1;
            OUTPUT.resumed.notify_all();
        }
    }
}

/// Parses a filter in the syntax of `tracing-subscriber`, which takes a misspelt level for the name of a crate. This
/// does not.
fn parse(text: &str, source: &str) -> Result<EnvFilter, CommandError> {
    for directive in text.split(',').map(str::trim).filter(|directive| !directive.is_empty()) {
        let target = directive.split(['[', '=']).next().unwrap_or_default();
        let krate = target.split("::").next().unwrap_or_default();
        if !target.is_empty() && !CRATES.contains(&krate) && directive.parse::<LevelFilter>().is_err() {
            let shown = shortened(target, 40);
            return Err(refused(source, &format!("`{shown}` is neither a level nor a crate that logs")));
        }
    }
    EnvFilter::builder().parse(text).map_err(|error| refused(source, &error.to_string()))
}

fn refused(source: &str, reason: &str) -> CommandError {
    CommandError::invalid_params(
        format!("the log filter in {source} cannot be used: {reason}"),
        format!(
            "give off, error, warn, info, debug or trace, or one of them for a crate, such as soter_bridge=debug; crates: {}",
            CRATES.join(", ")
        ),
    )
}

/// Writes the queued lines.
fn write_lines(queued: &Receiver<Item>) {
    while let Ok(item) = queued.recv() {
        match item {
            Item::Line(line) => {
                OUTPUT.write(&line);
                let dropped = DROPPED.swap(0, Ordering::Relaxed);
                if dropped > 0 {
                    tracing::warn!(dropped, "log lines were dropped: standard error is not read fast enough");
                }
            }
            // If the receiver is gone, its timeout has passed.
            Item::Flush(written) => drop(written.send(())),
        }
    }
}

/// Where lines are written, and whether they may be written now.
struct Output {
    state: Mutex<OutputState>,
    resumed: Condvar,
}

struct OutputState {
    /// The number of [`Pause`]s.
    pauses: usize,
    /// Prints above the line that a person types. Returns `false` if it cannot print.
    printer: Option<Box<dyn FnMut(String) -> bool + Send>>,
}

impl Output {
    fn state(&self) -> MutexGuard<'_, OutputState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, line: &[u8]) {
        let mut state = self.state();
        while state.pauses > 0 {
            state = self.resumed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        // The lock is not held while the line is written: that may block, and a dialog that opens must not wait for it.
        let printer = state.printer.take();
        drop(state);
        if let Some(mut printer) = printer
            && printer(String::from_utf8_lossy(line).into_owned())
        {
            self.state().printer.get_or_insert(printer);
            return;
        }
        // A line that cannot be written to standard error cannot be reported anywhere.
        let _ = io::stderr().write_all(line);
    }
}

/// Puts formatted lines into the queue.
struct Lines(&'static SyncSender<Item>);

impl MakeWriter<'_> for Lines {
    type Writer = Line;

    fn make_writer(&self) -> Line {
        Line(self.0)
    }
}

/// Takes one formatted line.
struct Line(&'static SyncSender<Item>);

impl Write for Line {
    /// Always succeeds. A line that does not fit into the queue is counted.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.0.try_send(Item::Line(line.to_vec())).is_err() {
            DROPPED.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
