//! What a line means and how its answer is shown, for a terminal and for a pipe.

use std::path::Path;
use std::sync::Arc;

use soter_bridge::protocol::{CommandError, Request, Response, Service};

use super::help;
use crate::front::{self, Answer, Console, Delivery};
use crate::grammar::{self, Errand, Job, Line, LineCommand, Refused, Verify};

/// A desk, and the front end of the person or script that uses it.
#[derive(Debug)]
pub(crate) struct Session<S> {
    /// The desk.
    pub(crate) service: Arc<S>,
    /// Writes answers and errors.
    pub(crate) console: Console,
    /// The device for lines without `--device`; `None` for the selected one.
    device: Option<String>,
    /// Whether every answer is one line of JSON.
    json: bool,
}

/// The meaning of a line.
#[derive(Debug)]
pub(super) enum Understood {
    /// Nothing: an empty line or a comment.
    Nothing,
    /// End the session.
    Leave,
    /// Show events on the phones, or stop showing them.
    Events(bool),
    /// A command that needs no phone, with its answer.
    Told(Told),
    /// A command of the protocol.
    Errand {
        /// The command.
        errand: Errand,
        /// Whether its answer is one line of JSON.
        json: bool,
    },
}

/// An answer that needs no phone.
#[derive(Debug)]
pub(super) enum Told {
    /// Text for a person.
    Text(String),
    /// An answer.
    Answer(Box<Answer>, bool),
}

impl<S: Service> Session<S> {
    /// A session in which lines without `--device` are for this device.
    pub(crate) fn new(service: Arc<S>, console: Console, device: Option<String>, json: bool) -> Self {
        Self { service, console, device, json }
    }

    /// Whether every answer is one line of JSON.
    pub(super) fn speaks_json(&self) -> bool {
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
    pub(super) fn understand(&self, text: &str) -> Result<Understood, CommandError> {
        let Line { command, device, json } = match grammar::parse_line(text) {
            Ok(None) => return Ok(Understood::Nothing),
            Ok(Some(line)) => line,
            Err(Refused::Usage(error)) => return Err(error),
            Err(Refused::Help { plain, coloured }) => {
                let text = if self.console.paint.is_coloured() { coloured } else { plain };
                return Ok(Understood::Told(Told::Text(text.trim_end().to_owned())));
            }
        };
        let json = json || self.json;
        let errand = match command {
            LineCommand::Exit => return Ok(Understood::Leave),
            LineCommand::Events { shown } => return Ok(Understood::Events(shown)),
            LineCommand::Help { words } => {
                let text = help::about(&words, self.console.paint)?;
                return Ok(Understood::Told(Told::Text(text)));
            }
            LineCommand::Touch { touch } => Errand::touch(touch),
            LineCommand::Cancel => Errand::cancel(),
            LineCommand::Shared(command) => match command.job()? {
                Job::Call(errand) => errand,
                Job::Verify(files) => {
                    return Ok(Understood::Told(Told::Answer(Box::new(verify(&files)?), json)));
                }
                Job::Explain(code) => {
                    let answer = front::explain(code)?;
                    return Ok(Understood::Told(Told::Answer(Box::new(answer), json)));
                }
            },
        };
        let device = device.or_else(|| self.device.clone());
        Ok(Understood::Errand { errand: errand.on(device.as_deref()), json })
    }

    /// Carries out a command that opens no dialog, and shows its answer.
    ///
    /// # Errors
    /// Those of [`front::perform()`] and [`show`](Self::show).
    pub(super) async fn carry_out(&mut self, errand: Errand, json: bool) -> Result<Delivery, CommandError> {
        let selects = matches!(errand.call.request, Request::DeviceSelect(_));
        let answer = front::perform(&self.service, errand).await?;
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
    pub(super) fn tell(&mut self, told: &Told) -> Result<Delivery, CommandError> {
        match told {
            Told::Text(text) => self.console.answer(text),
            Told::Answer(answer, json) => self.show(answer, *json),
        }
    }
}

fn verify(files: &Verify) -> Result<Answer, CommandError> {
    if [&files.key, &files.json, &files.signature].contains(&&Path::new("-").to_path_buf()) {
        return Err(CommandError::invalid_params(
            "standard input is where the commands come from",
            "name files; `-` works on the command line, with `soter-sim verify`",
        ));
    }
    Ok(Answer::Response(Response::VerifySignature(front::verify_files(files)?)))
}
