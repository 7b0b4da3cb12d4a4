//! Commands from a pipe: no prompt, no colours, and each touch is a line.

use std::io::BufRead;

use soter_bridge::protocol::device::{self, SecondCall};
use soter_bridge::protocol::{CommandError, Event, Request, Service};
use soter_text::{text, tr};
use tokio::runtime::Runtime;
use tokio::sync::broadcast;

use super::lines::{Lines, NextLine};
use super::session::{ParsedLine, Session};
use crate::front::{self, Delivery, Exit, Paint, Pending, Progress};
use crate::grammar::PreparedCall;

/// Carries out all lines. Returns [`Exit::Good`] if each line was understood and carried out, whatever the answers
/// were; otherwise the exit code of the first error.
pub(super) fn run<S: Service>(runtime: &Runtime, session: Session<S>, input: impl BufRead) -> Exit {
    let mut pipe = Pipe::new(session);
    let mut lines = Lines::new(input);
    let flow = loop {
        let flow = match lines.next_line() {
            Ok(NextLine::Line(line)) => runtime.block_on(pipe.line(&line)),
            Ok(NextLine::Unreadable(error)) => {
                pipe.report_error(&error);
                Flow::Next
            }
            Ok(NextLine::End) => Flow::Leave,
            Err(error) => {
                pipe.report_error(&error);
                Flow::Leave
            }
        };
        if flow != Flow::Next {
            break flow;
        }
    };
    if flow == Flow::Leave {
        runtime.block_on(pipe.leave());
    }
    pipe.exit
}

/// What to do after a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// Read the next line.
    Next,
    /// End, because of `exit` or the end of the input.
    Leave,
    /// End, because nobody reads the answers.
    Closed,
}

/// Carries out lines, one after the other, and keeps the dialog that one of them may have opened.
pub(super) struct Pipe<S> {
    session: Session<S>,
    /// The call whose dialog is open.
    open: Option<Open<S>>,
    /// The events to show, if they are switched on.
    events: Option<broadcast::Receiver<Event>>,
    exit: Exit,
    /// The last error, until it is taken.
    error: Option<CommandError>,
}

struct Open<S> {
    pending: Pending<S>,
    json: bool,
}

impl<S: Service> Pipe<S> {
    pub(super) fn new(session: Session<S>) -> Self {
        Self { session, open: None, events: None, exit: Exit::Good, error: None }
    }

    /// Carries out a line.
    pub(super) async fn line(&mut self, text: &str) -> Flow {
        let delivery = match self.session.parse(text) {
            Ok(ParsedLine::Leave) => return Flow::Leave,
            // A pipe has no screen.
            Ok(ParsedLine::Nothing | ParsedLine::Clear) => Ok(Delivery::Delivered),
            Ok(ParsedLine::Events(shown)) => {
                self.events = shown.then(|| self.session.service.events());
                Ok(Delivery::Delivered)
            }
            Ok(ParsedLine::LocalAnswer(local)) => self.session.show_local(&local),
            Ok(ParsedLine::PreparedCall { prepared_call, json }) => {
                self.prepared_call(*prepared_call, json).await
            }
            Err(error) => Err(error),
        };
        let flow = self.flow(delivery);
        if flow == Flow::Closed {
            return flow;
        }
        let delivery = self.answer_if_closed().await;
        self.show_events();
        self.flow(delivery)
    }

    async fn prepared_call(
        &mut self,
        prepared_call: PreparedCall,
        json: bool,
    ) -> Result<Delivery, CommandError> {
        if !front::opens_dialog(&prepared_call.call.request) {
            return self.session.perform(prepared_call, json).await;
        }
        if self.open.is_some() && !self.is_refused_at_once(&prepared_call).await? {
            return Err(dialog_is_open());
        }
        let prepared_call = front::with_default_mode(&self.session.service, prepared_call).await?;
        let mut pending = Pending::start(&self.session.service, prepared_call);
        loop {
            match pending.progress().await {
                Progress::Happened(_) => {}
                // The first dialog was closed after the phone was asked about it.
                Progress::Waits(_) if self.open.is_some() => return Err(dialog_is_open()),
                Progress::Waits(_) => {
                    self.open = Some(Open { pending, json });
                    return Ok(Delivery::Delivered);
                }
                Progress::Ended(response) => {
                    let answer = pending.conclude((*response)?, json).await;
                    return self.session.show(&answer, json);
                }
            }
        }
    }

    /// Whether the phone refuses this call because a dialog is open on it. A payment waits instead.
    async fn is_refused_at_once(&self, prepared_call: &PreparedCall) -> Result<bool, CommandError> {
        if !matches!(prepared_call.call.request, Request::StartSoterAuthentication(_)) {
            return Ok(false);
        }
        let device = prepared_call.call.device.as_deref();
        let shown = self.session.service.request(device, device::Show {}).await?;
        Ok(shown.dialog.is_some() && shown.settings.second_call == SecondCall::Refuse)
    }

    /// If the open dialog has been closed by now, waits for the answer and shows it.
    async fn answer_if_closed(&mut self) -> Result<Delivery, CommandError> {
        if !self.open.as_mut().is_some_and(|open| open.pending.is_closed()) {
            return Ok(Delivery::Delivered);
        }
        match self.open.take() {
            Some(open) => self.answer(open).await,
            None => Ok(Delivery::Delivered),
        }
    }

    async fn answer(&mut self, Open { mut pending, json }: Open<S>) -> Result<Delivery, CommandError> {
        let response = pending.wait_for_end().await?;
        let answer = pending.conclude(response, json).await;
        self.session.show(&answer, json)
    }

    /// The session of the lines.
    pub(super) fn session(&mut self) -> &mut Session<S> {
        &mut self.session
    }

    /// Whether a dialog waits for a touch.
    pub(super) fn has_open_dialog(&self) -> bool {
        self.open.is_some()
    }

    /// Cancels a dialog that is still open.
    pub(super) async fn leave(&mut self) {
        let Some(open) = self.open.take() else { return };
        open.pending.cancel().await;
        self.session.console.remark(&tr!("the commands ended with the dialog open: it was cancelled"));
        let delivery = self.answer(open).await;
        self.flow(delivery);
        self.show_events();
    }

    fn flow(&mut self, delivery: Result<Delivery, CommandError>) -> Flow {
        match delivery {
            Ok(Delivery::Delivered) => Flow::Next,
            Ok(Delivery::Closed) => Flow::Closed,
            Err(error) => {
                self.report_error(&error);
                Flow::Next
            }
        }
    }

    /// Shows an error. The first one decides the exit code.
    pub(super) fn report_error(&mut self, error: &CommandError) {
        self.session.console.error(error);
        if self.exit == Exit::Good {
            self.exit = Exit::from(error);
        }
        self.error = Some(error.clone());
    }

    /// Takes the last error, if there was one since the last call.
    pub(super) fn take_error(&mut self) -> Option<CommandError> {
        self.error.take()
    }

    fn show_events(&mut self) {
        let Some(events) = &mut self.events else { return };
        loop {
            match events.try_recv() {
                Ok(event) => self.session.console.stderr_line(&front::event_line(&event, Paint::PLAIN)),
                Err(broadcast::error::TryRecvError::Lagged(missed)) => {
                    self.session.console.remark(&tr!("{missed} events were missed", missed = missed));
                }
                Err(_) => return,
            }
        }
    }
}

fn dialog_is_open() -> CommandError {
    CommandError::invalid_params(text!("a dialog is open"), text!("end it first, with `touch …` or `cancel`"))
}

#[cfg(test)]
mod tests;
