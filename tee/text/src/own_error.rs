//! Errors of input and output that carry a text with a translation.

use std::error::Error;
use std::fmt;
use std::io;

use crate::text::{Text, ToValue, Value};

/// An error of input or output that a program of this project has found itself. Its text has a translation.
pub fn own_error(kind: io::ErrorKind, cause: Text) -> io::Error {
    io::Error::new(kind, OwnCause(cause))
}

/// The text of [`own_error`], or the words of the operating system.
impl ToValue for io::Error {
    fn to_value(&self) -> Value {
        match self.get_ref().and_then(|inner| inner.downcast_ref::<OwnCause>()) {
            Some(OwnCause(text)) => text.to_value(),
            None => Value::Plain(self.to_string()),
        }
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
        let failed = |cause: &io::Error| {
            let text = text!("cannot open {location}: {cause}", location = "x", cause = cause);
            Language::ALL.map(|language| text.in_language(language).into_owned())
        };
        assert_eq!(failed(&own), ["cannot open x: it is not a folder", "无法打开 x：它不是目录"]);
        let other = io::Error::other("disk on fire");
        assert_eq!(failed(&other), ["cannot open x: disk on fire", "无法打开 x：disk on fire"]);
    }
}
