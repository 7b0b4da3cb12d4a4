//! What a line means and how its answer is shown, for a terminal and for a pipe.

use std::path::Path;
use std::sync::Arc;

use soter_bridge::protocol::{CommandError, Request, Response, Service};
use soter_text::text;

use super::help;
use crate::front::{self, Answer, Console, Delivery};
use crate::grammar::{self, Job, Line, LineCommand, PreparedCall, Refused, Verify};

/// A desk, and the front end of the person or script that uses it.
#[derive(Debug)]
pub(crate) struct Session<S> {
    /// The desk.
    pub(crate) service: Arc<S>,
    /// The same desk for answers that programs read: its texts are in English.
    service_for_programs: Arc<S>,
    /// Writes answers and errors.
    pub(crate) console: Console,
    /// The device for lines without `--device`; `None` for the selected one.
    device: Option<String>,
    /// Whether every answer is one line of JSON.
    json: bool,
}

/// The meaning of a line.
#[derive(Debug)]
pub(super) enum ParsedLine {
    /// Nothing: an empty line or a comment.
    Nothing,
    /// End the session.
    Leave,
    /// Show events on the phones, or stop showing them.
    Events(bool),
    /// Clear the screen.
    Clear,
    /// A command that needs no phone, with its answer.
    LocalAnswer(LocalAnswer),
    /// A command of the protocol.
    PreparedCall {
        /// The command.
        prepared_call: Box<PreparedCall>,
        /// Whether its answer is one line of JSON.
        json: bool,
    },
}

/// An answer that needs no phone.
#[derive(Debug)]
pub(super) enum LocalAnswer {
    /// Text for a person.
    Text(String),
    /// An answer.
    Answer(Box<Answer>, bool),
}

impl<S: Service> Session<S> {
    /// A session in which lines without `--device` are for this device.
    pub(crate) fn new(service: Arc<S>, console: Console, device: Option<String>, json: bool) -> Self {
        let service_for_programs = Arc::clone(&service);
        Self { service, service_for_programs, console, device, json }
    }

    /// The same session, with another way to the desk for answers that programs read. Only the connection to a server needs one,
    /// because a server writes the texts of a connection in one language.
    pub(crate) fn with_service_for_programs(self, service: Arc<S>) -> Self {
        Self { service_for_programs: service, ..self }
    }

    /// Whether every answer is one line of JSON.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// The device for lines without `--device`; `None` for the selected one.
    pub(super) fn device(&self) -> Option<&str> {
        self.device.as_deref()
    }

    /// Parses a line.
    ///
    /// # Errors
    /// `InvalidParams` or `UnknownMethod` if the line is wrong, `Environment` if a file cannot be read.
    pub(super) fn parse(&self, text: &str) -> Result<ParsedLine, CommandError> {
        let Line { command, device, json } = match grammar::parse_line(text) {
            Ok(None) => return Ok(ParsedLine::Nothing),
            Ok(Some(line)) => line,
            Err(Refused::Usage(error)) => return Err(error),
            Err(Refused::Help { plain, coloured }) => {
                let text = if self.console.paint.is_coloured() { coloured } else { plain };
                return Ok(ParsedLine::LocalAnswer(LocalAnswer::Text(text.trim_end().to_owned())));
            }
        };
        let json = json || self.json;
        let prepared_call = match command {
            LineCommand::Exit => return Ok(ParsedLine::Leave),
            LineCommand::Events { shown } => return Ok(ParsedLine::Events(shown)),
            LineCommand::Clear => return Ok(ParsedLine::Clear),
            LineCommand::Help { words } => {
                let text = help::help_text(&words, self.console.paint)?;
                return Ok(ParsedLine::LocalAnswer(LocalAnswer::Text(text)));
            }
            LineCommand::Touch { touch } => PreparedCall::touch(touch),
            LineCommand::Cancel => PreparedCall::cancel(),
            LineCommand::Shared(command) => match command.job()? {
                Job::Call(prepared_call) => prepared_call,
                Job::Verify(files) => {
                    return Ok(ParsedLine::LocalAnswer(LocalAnswer::Answer(Box::new(verify(&files)?), json)));
                }
                Job::Explain(code) => {
                    let answer = front::explain(code)?;
                    return Ok(ParsedLine::LocalAnswer(LocalAnswer::Answer(Box::new(answer), json)));
                }
            },
        };
        let device = device.or_else(|| self.device.clone());
        let prepared_call = Box::new(prepared_call.for_device(device.as_deref()));
        Ok(ParsedLine::PreparedCall { prepared_call, json })
    }

    /// Carries out a command that opens no dialog, and shows its answer.
    ///
    /// # Errors
    /// Those of [`front::perform()`] and [`show`](Self::show).
    pub(super) async fn perform(
        &mut self,
        prepared_call: PreparedCall,
        json: bool,
    ) -> Result<Delivery, CommandError> {
        let request = &prepared_call.call.request;
        let selects = matches!(request, Request::DeviceSelect(_));
        // Their answers have no texts, and belong to the connection that tells when a dialog closes.
        let touches = matches!(request, Request::SensorTouch(_) | Request::SensorCancel(_));
        let is_for_programs = (json || prepared_call.verbatim) && !touches;
        let service = if is_for_programs { &self.service_for_programs } else { &self.service };
        let answer = front::perform(service, prepared_call).await?;
        if selects {
            // After a device is selected, the next lines are for it.
            self.device = None;
        }
        self.show(&answer, json)
    }

    /// Shows an answer.
    ///
    /// # Errors
    /// `Environment` if the output cannot be written, `Internal` if the answer cannot be serialised.
    pub(super) fn show(&mut self, answer: &Answer, json: bool) -> Result<Delivery, CommandError> {
        let text = if json { answer.to_json()? } else { answer.to_text(self.console.paint) };
        let delivery = self.console.answer(&text)?;
        // In JSON, a verdict contains its remarks.
        if !(json && matches!(answer, Answer::Response(_))) {
            answer.remarks().iter().for_each(|remark| self.console.remark(remark));
        }
        Ok(delivery)
    }

    /// Shows an answer that needed no phone.
    ///
    /// # Errors
    /// Those of [`show`](Self::show).
    pub(super) fn show_local(&mut self, local: &LocalAnswer) -> Result<Delivery, CommandError> {
        match local {
            // Help, whose lines are broken already.
            LocalAnswer::Text(text) => self.console.answer(text),
            LocalAnswer::Answer(answer, json) => self.show(answer, *json),
        }
    }
}

fn verify(files: &Verify) -> Result<Answer, CommandError> {
    if [&files.key, &files.json, &files.signature].contains(&&Path::new("-").to_path_buf()) {
        return Err(CommandError::invalid_params(
            text!("standard input is where the commands come from"),
            text!("name files; `-` works on the command line, with `soter-sim verify`"),
        ));
    }
    Ok(Answer::Response(Response::VerifySignature(front::verify_files(files)?)))
}
