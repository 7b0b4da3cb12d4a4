//! Reads lines from a pipe, with a size limit.

use std::io::{self, BufRead, Read};

use soter_bridge::protocol::CommandError;
use soter_text::text;

use crate::grammar::MAX_LINE_BYTES;

/// Reads lines, and holds only one at a time.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: R,
    /// Whether the next line is the first, which may begin with a byte order mark.
    first: bool,
}

/// The next line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NextLine {
    /// A line, without its end.
    Line(String),
    /// A line that cannot be a command: it is too long, or not UTF-8.
    Unreadable(CommandError),
    /// The input has ended.
    End,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, first: true }
    }

    /// Reads the next line.
    ///
    /// # Errors
    /// `Environment` if the input cannot be read.
    pub(super) fn next_line(&mut self) -> Result<NextLine, CommandError> {
        self.read().map_err(|error| {
            CommandError::environment(
                text!("the commands cannot be read: {error}", error = error),
                text!("check where they come from"),
            )
        })
    }

    fn read(&mut self) -> io::Result<NextLine> {
        let limit = u64::try_from(MAX_LINE_BYTES + 1).unwrap_or(u64::MAX);
        let mut line = Vec::new();
        self.input.by_ref().take(limit).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(NextLine::End);
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        } else if line.len() > MAX_LINE_BYTES {
            self.skip_line()?;
            return Ok(NextLine::Unreadable(CommandError::invalid_params(
                text!("a line has more than {most} bytes", most = MAX_LINE_BYTES),
                text!("split it, or put long texts into files"),
            )));
        }
        let first = std::mem::take(&mut self.first);
        Ok(match String::from_utf8(line) {
            Ok(mut line) => {
                if first && line.starts_with('\u{feff}') {
                    line.remove(0);
                }
                NextLine::Line(line)
            }
            Err(error) => NextLine::Unreadable(CommandError::invalid_params(
                text!(
                    "a line is not UTF-8 from byte {first} on",
                    first = error.utf8_error().valid_up_to() + 1
                ),
                text!("write commands in UTF-8"),
            )),
        })
    }

    /// Skips the rest of the line.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.input.fill_buf()?;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let read = end.map_or(buffer.len(), |end| end + 1);
            self.input.consume(read);
            if end.is_some() || read == 0 {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Vec<NextLine> {
        let mut lines = Lines::new(bytes);
        std::iter::from_fn(|| Some(lines.next_line().unwrap()).filter(|line| *line != NextLine::End))
            .collect()
    }

    #[test]
    fn lines_end_with_a_line_feed_or_with_the_input() {
        let line = |text: &str| NextLine::Line(text.to_owned());
        assert_eq!(all(b"a\n\nb"), [line("a"), line(""), line("b")]);
        assert_eq!(all(b""), []);
    }

    #[test]
    fn a_byte_order_mark_before_the_first_line_is_ignored() {
        assert_eq!(all("\u{feff}keys\n".as_bytes()), [NextLine::Line("keys".to_owned())]);
    }

    #[test]
    fn an_unreadable_line_is_reported_and_the_next_one_is_read() {
        let mut bytes = vec![b'x'; MAX_LINE_BYTES + 1];
        bytes.extend_from_slice(b"xxx\nab\xff\nkeys\n");
        let read = all(&bytes);
        assert!(
            matches!(&read[0], NextLine::Unreadable(error) if error.what.english().contains("65536 bytes")),
            "{read:?}"
        );
        assert!(
            matches!(&read[1], NextLine::Unreadable(error) if error.what.english().contains("byte 3")),
            "{read:?}"
        );
        assert_eq!(read[2..], [NextLine::Line("keys".to_owned())]);
    }

    #[test]
    fn a_line_of_the_maximum_length_is_read() {
        let mut bytes = vec![b'x'; MAX_LINE_BYTES];
        bytes.push(b'\n');
        assert_eq!(all(&bytes), [NextLine::Line("x".repeat(MAX_LINE_BYTES))]);
    }
}
