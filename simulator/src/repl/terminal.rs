//! The REPL at a terminal.

use std::io;

use rustyline::ExternalPrinter;
use rustyline::error::ReadlineError;
use soter_bridge::protocol::{CommandError, Service, device};
use soter_text::text;
use tokio::runtime::Runtime;
use tracing::warn;

use super::banner::{self, BannerInfo};
use super::completion::Names;
use super::editor::{self, LineEditor};
use super::session::{ParsedLine, Session};
use super::watcher::Watcher;
use crate::front::{self, Delivery, Exit, Pending, Screen};
use crate::grammar::{self, PreparedCall};
use crate::stderr;

/// The file name of the history in the state folder.
const HISTORY_FILE: &str = "history";

/// Reads lines and carries them out until Ctrl-D or `exit`. Mistakes and refusals do not change the exit code.
pub(super) fn run<S: Service>(
    runtime: &Runtime,
    session: Session<S>,
    editor: LineEditor,
    watcher: Watcher,
    info: &BannerInfo,
) -> Exit {
    let mut terminal = Terminal { runtime, session, editor, watcher };
    let exit = terminal.run_loop(info);
    stderr::print_log_to_stderr();
    if let Some(folder) = &info.state
        && let Err(error) = terminal.editor.save_history(&folder.join(HISTORY_FILE))
    {
        warn!(%error, "the history of typed lines cannot be saved");
    }
    exit
}

/// Opens the line editor, and begins to print events above the line that is typed.
///
/// # Errors
/// Those of the editor if it cannot edit lines at this terminal. Nothing has been read then.
pub(super) fn open<S: Service>(
    runtime: &Runtime,
    session: &Session<S>,
    info: &BannerInfo,
) -> Result<(LineEditor, Watcher), ReadlineError> {
    let history = info.state.as_ref().map(|folder| folder.join(HISTORY_FILE));
    let paint = session.console.paint;
    let mut editor = editor::open(paint, history.as_deref())?;
    let printer = editor.create_external_printer()?;
    let mut log_printer = editor.create_external_printer()?;
    stderr::print_log_with(move |line| log_printer.print(line).is_ok());
    let watcher = Watcher::start(runtime, &*session.service, printer, paint);
    Ok((editor, watcher))
}

struct Terminal<'r, S> {
    runtime: &'r Runtime,
    session: Session<S>,
    editor: LineEditor,
    watcher: Watcher,
}

impl<S: Service> Terminal<'_, S> {
    fn run_loop(&mut self, info: &BannerInfo) -> Exit {
        if !self.session.is_json() && self.show_banner(info) == Flow::Leave {
            return Exit::Good;
        }
        loop {
            self.update_names();
            self.watcher.resume();
            let line = self.editor.readline(&self.prompt());
            self.watcher.pause();
            let flow = match line {
                Ok(text) => self.lines(&text),
                // Ctrl-C discards the line. A change of the window's size only interrupts the reading.
                Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => Flow::Next,
                Err(ReadlineError::Eof) => Flow::Leave,
                Err(error) if is_not_text(&error) => {
                    // The editor has dropped an unknown part of what it had read, so what follows may begin within a line.
                    front::discard_typed();
                    self.session.console.error(&not_text_error());
                    Flow::Next
                }
                Err(error) => {
                    let error = terminal_error(&error);
                    self.session.console.error(&error);
                    return Exit::from(&error);
                }
            };
            if flow == Flow::Leave {
                return Exit::Good;
            }
        }
    }

    fn show_banner(&mut self, info: &BannerInfo) -> Flow {
        let delivery = self.runtime.block_on(banner::show(&mut self.session, info));
        self.flow(delivery)
    }

    /// Carries out the typed text: one line, or several that were pasted at once.
    fn lines(&mut self, text: &str) -> Flow {
        let lines = grammar::split_lines(text);
        for (index, line) in lines.iter().filter(|line| !line.trim().is_empty()).enumerate() {
            if index > 0 && !self.session.is_json() {
                let echo = format!("{}{line}", self.prompt());
                let echoed = self.session.console.answer(&echo);
                if self.flow(echoed) == Flow::Leave {
                    return Flow::Leave;
                }
            }
            if self.line(line) == Flow::Leave {
                return Flow::Leave;
            }
        }
        Flow::Next
    }

    fn line(&mut self, text: &str) -> Flow {
        let delivery = match self.session.parse(text) {
            Ok(ParsedLine::Leave) => return Flow::Leave,
            Ok(ParsedLine::Nothing) => Ok(Delivery::Delivered),
            Ok(ParsedLine::Clear) => match self.editor.clear_screen() {
                Ok(()) => Ok(Delivery::Delivered),
                Err(error) => Err(terminal_error(&error)),
            },
            Ok(ParsedLine::Events(shown)) => {
                self.watcher.set_shown(shown);
                Ok(Delivery::Delivered)
            }
            Ok(ParsedLine::LocalAnswer(local)) => self.session.show_local(&local),
            Ok(ParsedLine::PreparedCall { prepared_call, json }) => self.prepared_call(*prepared_call, json),
            Err(error) => Err(error),
        };
        self.flow(delivery)
    }

    fn prepared_call(&mut self, prepared_call: PreparedCall, json: bool) -> Result<Delivery, CommandError> {
        let (runtime, session) = (self.runtime, &mut self.session);
        runtime.block_on(async {
            if !front::opens_dialog(&prepared_call.call.request) {
                return session.perform(prepared_call, json).await;
            }
            let prepared_call = front::with_default_mode(&session.service, prepared_call).await?;
            let mut pending = Pending::start(&session.service, prepared_call);
            let response = front::wait_with_dialog(Screen::Output, &session.service, &mut pending).await?;
            let answer = pending.conclude(response, json).await;
            session.show(&answer, json)
        })
    }

    fn flow(&mut self, delivery: Result<Delivery, CommandError>) -> Flow {
        match delivery {
            Ok(Delivery::Delivered) => Flow::Next,
            Ok(Delivery::Closed) => Flow::Leave,
            Err(error) => {
                self.session.console.error(&error);
                Flow::Next
            }
        }
    }

    /// Updates the names for completion of the next line.
    fn update_names(&mut self) {
        let listed = self.runtime.block_on(self.session.service.request(None, device::List::default()));
        if let (Ok(listed), Some(helper)) = (listed, self.editor.helper_mut()) {
            let devices = listed.devices.into_iter().map(|device| device.name).collect();
            helper.names = Names { devices };
            helper.selected = self.session.device().map_or(listed.selected, str::to_owned);
        }
    }

    fn prompt(&self) -> String {
        let selected = self.editor.helper().map_or("", |helper| helper.selected.as_str());
        format!("{selected}> ")
    }
}

/// What to do after a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    /// Read the next line.
    Next,
    /// End.
    Leave,
}

/// Whether the terminal sent bytes that are not text.
fn is_not_text(error: &ReadlineError) -> bool {
    match error {
        ReadlineError::Io(error) => error.kind() == io::ErrorKind::InvalidData,
        #[cfg(windows)]
        ReadlineError::Decode(_) => true,
        _ => false,
    }
}

fn not_text_error() -> CommandError {
    CommandError::invalid_params(
        text!("the line is not UTF-8: it is discarded, with all that was pasted together with it"),
        text!("set the terminal to UTF-8, or write the commands in UTF-8 into a pipe"),
    )
}

fn terminal_error(error: &ReadlineError) -> CommandError {
    CommandError::environment(
        text!("the terminal cannot be read: {error}", error = error.to_string()),
        text!("use another terminal, or write the commands into a pipe"),
    )
}
