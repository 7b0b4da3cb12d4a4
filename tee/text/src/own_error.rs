//! Errors of input and output that carry a text with a translation.

use std::error::Error;
use std::fmt;
use std::io;

use crate::text::Text;

/// An error of input or output that a program of this project has found itself. Its text has a translation.
pub fn own_error(kind: io::ErrorKind, cause: Text) -> io::Error {
    io::Error::new(kind, OwnCause(cause))
}

/// The text of a cause: of [`own_error`], or of the operating system.
pub fn cause_text(cause: &io::Error) -> Text {
    match cause.get_ref().and_then(|inner| inner.downcast_ref::<OwnCause>()) {
        Some(OwnCause(text)) => text.clone(),
        None => Text::verbatim(cause.to_string()),
    }
}

#[derive(Debug)]
struct OwnCause(Text);

impl fmt::Display for OwnCause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.english())
    }
}

impl Error for OwnCause {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;
    use crate::text;

    #[test]
    fn a_cause_of_our_own_keeps_its_translation_and_another_its_words() {
        let own = own_error(io::ErrorKind::NotFound, text!("it is not a folder"));
        assert_eq!(own.to_string(), "it is not a folder");
        assert_eq!(cause_text(&own).english(), "it is not a folder");
        assert!(cause_text(&own).in_language(Language::Chinese).contains("不是"));
        assert_eq!(cause_text(&io::Error::other("disk on fire")).english(), "disk on fire");
    }
}
