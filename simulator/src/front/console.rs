//! Where answers, errors and remarks go.

use std::fmt;
use std::io::{self, ErrorKind, Write};

use soter_bridge::protocol::CommandError;
use soter_bridge::visible;

use super::paint::Paint;

/// Standard output for answers, standard error for errors and remarks.
///
/// Every text is written at once with its line end and flushed, so that lines of several programs that write to
/// one pipe do not mix.
pub(crate) struct Console {
    answers: Box<dyn Write + Send>,
    errors: Box<dyn Write + Send>,
    /// Colours of answers.
    pub(crate) paint: Paint,
    error_paint: Paint,
}

/// Whether there is still someone who reads the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Delivery {
    /// There is.
    Delivered,
    /// The reader has gone, as `head` does when it has seen enough. Not an error.
    Closed,
}

impl Console {
    /// The streams of this process.
    pub(crate) fn standard() -> Self {
        Self {
            paint: Paint::of(&io::stdout()),
            error_paint: Paint::of(&io::stderr()),
            answers: Box::new(io::stdout()),
            errors: Box::new(io::stderr()),
        }
    }

    /// Other streams, without colours.
    pub(crate) fn to(answers: impl Write + Send + 'static, errors: impl Write + Send + 'static) -> Self {
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
    /// The environment's: the stream takes no more, for example because a disk is full.
    pub(crate) fn answer(&mut self, text: &str) -> Result<Delivery, CommandError> {
        let mut line = String::with_capacity(text.len() + 1);
        line.push_str(text);
        if !line.ends_with('\n') {
            line.push('\n');
        }
        match self.answers.write_all(line.as_bytes()).and_then(|()| self.answers.flush()) {
            Ok(()) => Ok(Delivery::Delivered),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Delivery::Closed),
            Err(error) => Err(CommandError::environment(
                format!("the answer cannot be written: {error}"),
                "make room or redirect the output elsewhere, then repeat the command",
            )),
        }
    }

    /// Writes an error for a person: what happened, and what to do next.
    pub(crate) fn error(&mut self, error: &CommandError) {
        let paint = self.error_paint;
        self.tell(&format!(
            "{} {}\n{} {}\n",
            paint.bad("error:"),
            visible(&error.what),
            paint.strong("next:"),
            visible(&error.next)
        ));
    }

    /// Writes a remark that is no answer.
    pub(crate) fn remark(&mut self, text: &str) {
        let line = format!("{} {}\n", self.error_paint.dim("remark:"), visible(text));
        self.tell(&line);
    }

    /// Writes a line that tells of something that happened on the side.
    pub(crate) fn aside(&mut self, text: &str) {
        self.tell(&format!("{text}\n"));
    }

    /// If nobody can be told, nobody can be told that either.
    fn tell(&mut self, text: &str) {
        let _ = self.errors.write_all(text.as_bytes()).and_then(|()| self.errors.flush());
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Console").field("paint", &self.paint).finish_non_exhaustive()
    }
}
