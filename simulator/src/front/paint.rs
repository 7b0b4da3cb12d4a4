//! How a stream shows text: in colours, if the terminal shows them and the user has not disabled them, and in lines of the
//! terminal's width.

use std::io::{self, IsTerminal};

use terminal_size::terminal_size_of;

use super::lines;

/// Colours text, or leaves it unchanged; and breaks its lines, or leaves that unchanged as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paint {
    coloured: bool,
    width: Width,
}

/// Where lines end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    /// Nowhere: nobody knows who reads them.
    Unlimited,
    /// Where the window of standard output ends.
    OfOutput,
    /// Where the window of standard error ends.
    OfError,
}

impl Paint {
    /// No colours, and lines of any width.
    pub(crate) const PLAIN: Self = Self { coloured: false, width: Width::Unlimited };
    /// Colours, and lines of any width.
    #[cfg(test)]
    pub(crate) const COLOURED: Self = Self { coloured: true, width: Width::Unlimited };

    /// For standard output.
    pub(crate) fn of_output() -> Self {
        Self { coloured: has_colours(&io::stdout()), width: Width::OfOutput }
    }

    /// For standard error.
    pub(crate) fn of_error() -> Self {
        Self { coloured: has_colours(&io::stderr()), width: Width::OfError }
    }

    /// The text with its lines broken where the window ends. Not for what is copied or read by programs, such as JSON.
    pub(crate) fn wrapped(self, text: &str) -> String {
        match self.columns() {
            Some(columns) => lines::wrapped(text, columns),
            None => text.to_owned(),
        }
    }

    /// The present width of the window. `None` if there is no window, or if the terminal does not know it.
    pub(super) fn columns(self) -> Option<usize> {
        let size = match self.width {
            Width::Unlimited => None,
            Width::OfOutput => terminal_size_of(io::stdout()),
            Width::OfError => terminal_size_of(io::stderr()),
        };
        size.map(|(columns, _)| usize::from(columns.0)).filter(|columns| *columns > 0)
    }

    /// Whether there are colours.
    pub(crate) fn is_coloured(self) -> bool {
        self.coloured
    }

    /// The most important text.
    pub(crate) fn strong(self, text: &str) -> String {
        self.colour("1", text)
    }

    /// Less important text: labels, remarks.
    pub(crate) fn dim(self, text: &str) -> String {
        self.colour("2", text)
    }

    /// Successes.
    pub(crate) fn good(self, text: &str) -> String {
        self.colour("1;32", text)
    }

    /// Failures.
    pub(crate) fn bad(self, text: &str) -> String {
        self.colour("1;31", text)
    }

    /// Names that a person types or copies.
    pub(crate) fn name(self, text: &str) -> String {
        self.colour("36", text)
    }

    fn colour(self, codes: &str, text: &str) -> String {
        if self.coloured && !text.is_empty() {
            format!("\x1b[{codes}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Whether a stream shows colours. It does not if it is not a terminal, `NO_COLOR` is set (<https://no-color.org>), or `TERM` is
/// `dumb`.
fn has_colours(stream: &impl IsTerminal) -> bool {
    let is_disabled = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    !is_disabled && !is_dumb && stream.is_terminal() && supports_escapes()
}

/// Whether the console understands escape sequences. Older Windows consoles have to enable them first.
#[cfg(windows)]
fn supports_escapes() -> bool {
    crossterm::ansi_support::supports_ansi()
}

/// Whether the console understands escape sequences: outside Windows, always.
#[cfg(not(windows))]
fn supports_escapes() -> bool {
    true
}
