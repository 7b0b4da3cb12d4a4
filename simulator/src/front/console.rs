//! Writes answers, errors and remarks.

use std::fmt;
use std::io::{self, ErrorKind, Write};

use soter_bridge::protocol::CommandError;
use soter_bridge::visible;
use soter_text::{text, tr};

use super::lines::labelled;
use super::paint::Paint;
use crate::stderr::Stderr;

/// Writes answers to standard output, and errors and remarks to standard error.
///
/// Each text is written and flushed together with its line end, so that the lines of several programs that write to
/// one pipe do not mix.
pub(crate) struct Console {
    answers: Box<dyn Write + Send>,
    errors: Box<dyn Write + Send>,
    /// The colours of answers.
    pub(crate) paint: Paint,
    error_paint: Paint,
}

/// Whether somebody still reads the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Delivery {
    /// The text was written.
    Delivered,
    /// The reader has closed the pipe, as `head` does when it has read enough. Not an error.
    Closed,
}

impl Console {
    /// The standard streams of this process.
    pub(crate) fn standard() -> Self {
        Self::with_stderr(Stderr::Waiting)
    }

    /// The standard streams for an asynchronous task, which does not wait until its errors and remarks are written.
    pub(crate) fn of_task() -> Self {
        Self::with_stderr(Stderr::Immediate)
    }

    fn with_stderr(errors: Stderr) -> Self {
        Self {
            paint: Paint::of_output(),
            error_paint: Paint::of_error(),
            answers: Box::new(io::stdout()),
            errors: Box::new(errors),
        }
    }

    /// Other streams, without colours.
    pub(crate) fn with_writers(
        answers: impl Write + Send + 'static,
        errors: impl Write + Send + 'static,
    ) -> Self {
        Self {
            answers: Box::new(answers),
            errors: Box::new(errors),
            paint: Paint::PLAIN,
            error_paint: Paint::PLAIN,
        }
    }

    /// Writes an answer and its line end.
    ///
    /// # Errors
    /// `Environment` if the stream cannot be written, for example because a disk is full.
    pub(crate) fn answer(&mut self, text: &str) -> Result<Delivery, CommandError> {
        let mut line = String::with_capacity(text.len() + 1);
        line.push_str(text);
        if !line.ends_with('\n') {
            line.push('\n');
        }
        self.write_stdout(&line)
    }

    /// Writes a prompt, after which a person types.
    ///
    /// # Errors
    /// Those of [`answer`](Self::answer).
    pub(crate) fn prompt(&mut self, text: &str) -> Result<Delivery, CommandError> {
        self.write_stdout(text)
    }

    fn write_stdout(&mut self, text: &str) -> Result<Delivery, CommandError> {
        match self.answers.write_all(text.as_bytes()).and_then(|()| self.answers.flush()) {
            Ok(()) => Ok(Delivery::Delivered),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Delivery::Closed),
            Err(error) => Err(CommandError::environment(
                text!("the answer cannot be written: {error}", error = error),
                text!("make room or redirect the output elsewhere, then repeat the command"),
            )),
        }
    }

    /// Writes an answer for a command that continues although nobody may read it any more.
    ///
    /// # Errors
    /// Those of [`answer`](Self::answer).
    pub(crate) fn write_answer(&mut self, text: &str) -> Result<(), CommandError> {
        match self.answer(text)? {
            Delivery::Delivered | Delivery::Closed => Ok(()),
        }
    }

    /// Writes an error for a person: what happened, and what to do next.
    pub(crate) fn error(&mut self, error: &CommandError) {
        let paint = self.error_paint;
        let (what_label, next_label) = (tr!("error:"), tr!("next:"));
        let what = labelled(&what_label, |label| paint.bad(label), &visible(&error.what.localized()));
        let next = labelled(&next_label, |label| paint.strong(label), &visible(&error.next.localized()));
        self.stderr_line(&format!("{what}\n{next}"));
    }

    /// Writes a remark that is not an answer.
    pub(crate) fn remark(&mut self, text: &str) {
        let label = tr!("remark:");
        self.stderr_line(&labelled(&label, |label| self.error_paint.dim(label), &visible(text)));
    }

    /// Writes a line about something that happened in the background.
    pub(crate) fn stderr_line(&mut self, text: &str) {
        self.write_stderr(&format!("{}\n", self.error_paint.wrapped(text)));
    }

    fn write_stderr(&mut self, text: &str) {
        // What cannot be written to standard error cannot be reported anywhere.
        let _ = self.errors.write_all(text.as_bytes()).and_then(|()| self.errors.flush());
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Console").field("paint", &self.paint).finish_non_exhaustive()
    }
}
