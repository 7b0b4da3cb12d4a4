//! Lines of standard input, bounded in length.

use std::{io, mem};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// Maximum length of a line in bytes: that of a WebSocket message.
pub(super) const MAX_LINE_BYTES: usize = 256 << 10;

/// Reads lines.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: BufReader<R>,
    /// The line that is being read, up to its maximum length.
    line: Vec<u8>,
    is_too_long: bool,
}

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NextLine {
    /// A line without its end.
    Line(Vec<u8>),
    /// The end of a line that was too long, and was not kept.
    TooLong,
    /// The end of the input.
    End,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input: BufReader::new(input), line: Vec::new(), is_too_long: false }
    }

    /// Reads the next line. Cancel safe.
    pub(super) async fn next(&mut self) -> io::Result<NextLine> {
        loop {
            let available = self.input.fill_buf().await?;
            let end = available.iter().position(|byte| *byte == b'\n');
            let is_input_over = available.is_empty();
            let taken = end.map_or(available.len(), |end| end + 1);
            if !self.is_too_long {
                self.line.extend_from_slice(&available[..end.unwrap_or(taken)]);
                if self.line.len() > MAX_LINE_BYTES {
                    self.line = Vec::new();
                    self.is_too_long = true;
                }
            }
            self.input.consume(taken);
            if end.is_some() || is_input_over {
                let line = mem::take(&mut self.line);
                return Ok(if mem::take(&mut self.is_too_long) {
                    NextLine::TooLong
                } else if is_input_over && line.is_empty() {
                    NextLine::End
                } else {
                    NextLine::Line(line)
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_that_is_too_long_is_skipped_and_the_last_line_needs_no_end() {
        let long = vec![b'x'; MAX_LINE_BYTES + 1];
        let longest = vec![b'y'; MAX_LINE_BYTES];
        let input = [b"first\n\n".as_slice(), &long, b"\n", &longest, b"\nlast"].concat();
        let mut lines = Lines::new(input.as_slice());
        for expected in [b"first".as_slice(), b""] {
            assert_eq!(lines.next().await.unwrap(), NextLine::Line(expected.to_vec()));
        }
        assert_eq!(lines.next().await.unwrap(), NextLine::TooLong);
        assert_eq!(lines.next().await.unwrap(), NextLine::Line(longest));
        assert_eq!(lines.next().await.unwrap(), NextLine::Line(b"last".to_vec()));
        assert_eq!(lines.next().await.unwrap(), NextLine::End);

        let mut endless = Lines::new(long.as_slice());
        assert_eq!(endless.next().await.unwrap(), NextLine::TooLong);
        assert_eq!(endless.next().await.unwrap(), NextLine::End);
    }
}
