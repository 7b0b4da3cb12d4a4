//! The log: what the program does, on standard error, for finding faults.
//!
//! ```text
//!   tracing's events ── this project's crates ── filter ── format ──> `stderr`, which drops lines that nobody reads
//! ```
//!
//! Only this project's crates log: the logs of libraries would print what they transport, which includes tokens.

use std::env::{self, VarError};
use std::io::{self, Write};

use soter_bridge::protocol::CommandError;
use soter_text::{Text, text};
use soter_wire::shortened;
use tracing_subscriber::filter::{FilterExt, LevelFilter, filter_fn};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::{EnvFilter, Registry};

use crate::stderr;

/// The environment variable with the filter for commands without `--log`.
const VARIABLE: &str = "SOTER_SIM_LOG";
/// The crates that log.
const CRATES: [&str; 3] = ["soter_sim", "soter_bridge", "soter_wechat"];
/// The spans that a filter can name.
const SPANS: [&str; 4] = ["connection", "request", "call", "phone"];

/// The form of the log's lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// Text for people
    #[default]
    Text,
    /// One JSON object per line; errors and remarks stay text
    Json,
}

/// Starts the log. The filter is the given one (of `--log`), that of `SOTER_SIM_LOG`, or the default.
///
/// # Errors
/// `InvalidParams` if the filter is empty or malformed, or names a crate that does not log or a span that does not
/// exist. An empty variable counts as not set.
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
            Err(VarError::NotUnicode(_)) => return Err(refused(VARIABLE, &text!("it is not UTF-8"))),
        },
    };
    if filter.max_level_hint() == Some(LevelFilter::OFF) {
        return Ok(());
    }
    let lines = fmt::layer().with_ansi(false).with_writer(|| Lines);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    let filter = filter.and(filter_fn(|event| is_ours(event.target())));
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines.with_filter(filter)))
        .map_err(|error| CommandError::defect(format!("the log is started twice: {error}")))
}

/// Whether a target, which is the path of a module, belongs to a crate that logs.
fn is_ours(target: &str) -> bool {
    target.split("::").next().is_some_and(|krate| CRATES.contains(&krate))
}

/// Parses a filter in the syntax of `tracing-subscriber`, which takes a misspelt level for the name of a crate, an
/// empty text for `error`, and an empty level for `trace`. This function refuses all three.
fn parse(text: &str, source: &str) -> Result<EnvFilter, CommandError> {
    let directives = || text.split(',').map(str::trim).filter(|directive| !directive.is_empty());
    if directives().next().is_none() {
        return Err(refused(source, &text!("it is empty")));
    }
    for directive in directives() {
        let target = directive.split(['[', '=']).next().unwrap_or_default();
        if !target.is_empty() && !is_ours(target) && directive.parse::<LevelFilter>().is_err() {
            let shown = shortened(target, 40);
            return Err(refused(
                source,
                &text!("`{shown}` is neither a level nor a crate that logs", shown = shown),
            ));
        }
        if directive.ends_with('=') {
            return Err(refused(
                source,
                &text!("`{directive}` names no level", directive = shortened(directive, 40)),
            ));
        }
        let span = directive.split_once('[').and_then(|(_, span)| span.split([']', '{']).next());
        if let Some(span) = span.filter(|span| !span.is_empty() && !SPANS.contains(span)) {
            let shown = shortened(span, 40);
            return Err(refused(
                source,
                &text!("there is no span `{shown}`, but {spans}", shown = shown, spans = SPANS.join(", ")),
            ));
        }
    }
    EnvFilter::builder().parse(text).map_err(|error| refused(source, &Text::verbatim(error.to_string())))
}

fn refused(source: &str, reason: &Text) -> CommandError {
    CommandError::invalid_params(
        text!("the log filter in {source} cannot be used: {reason}", source = source, reason = reason),
        text!(
            "give off, error, warn, info, debug or trace, or one of them for a crate, such as soter_bridge=debug; crates: {crates}",
            crates = CRATES.join(", ")
        ),
    )
}

/// Takes formatted lines.
struct Lines;

impl Write for Lines {
    /// Always succeeds. The formatter calls it once for each line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        stderr::log(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
