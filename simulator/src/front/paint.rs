//! Colours, if the terminal shows them and the user has not disabled them.

use std::io::IsTerminal;

/// Colours text, or leaves it unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paint {
    coloured: bool,
}

impl Paint {
    /// No colours.
    pub(crate) const PLAIN: Self = Self { coloured: false };
    /// Colours.
    pub(crate) const COLOURED: Self = Self { coloured: true };

    /// Colours for a stream. There are none if it is not a terminal, `NO_COLOR` is set (<https://no-color.org>), or
    /// `TERM` is `dumb`.
    pub(crate) fn for_stream(stream: &impl IsTerminal) -> Self {
        let is_disabled = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        if is_disabled || is_dumb || !stream.is_terminal() || !supports_escapes() {
            Self::PLAIN
        } else {
            Self::COLOURED
        }
    }

    /// Whether there are colours.
    pub(crate) fn is_coloured(self) -> bool {
        self.coloured
    }

    /// The most important text.
    pub(crate) fn strong(self, text: &str) -> String {
        self.wrap("1", text)
    }

    /// Less important text: labels, remarks.
    pub(crate) fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// Successes.
    pub(crate) fn good(self, text: &str) -> String {
        self.wrap("1;32", text)
    }

    /// Failures.
    pub(crate) fn bad(self, text: &str) -> String {
        self.wrap("1;31", text)
    }

    /// Names that a person types or copies.
    pub(crate) fn name(self, text: &str) -> String {
        self.wrap("36", text)
    }

    fn wrap(self, codes: &str, text: &str) -> String {
        if self.coloured && !text.is_empty() {
            format!("\x1b[{codes}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
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
