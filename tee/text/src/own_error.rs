//! Errors of other libraries that carry a text with a translation.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::io;

use crate::language::Language;
use crate::text::{Text, ToValue, Value};

/// How many texts that became messages are kept: more than one error has.
const KEPT_TEXTS: usize = 16;

thread_local! {
    static TEXTS_OF_MESSAGES: RefCell<VecDeque<Text>> = const { RefCell::new(VecDeque::new()) };
}

/// The English words of a text, for an error that keeps words alone, such as one of `serde`. On the same thread,
/// [`message_text`] finds the text again.
pub fn own_message(text: Text) -> String {
    let message = text.english().to_owned();
    TEXTS_OF_MESSAGES.with_borrow_mut(|texts| {
        texts.truncate(KEPT_TEXTS - 1);
        texts.push_front(text);
    });
    message
}

/// The text of an error's message: with the translation of the [`own_message`] in it, if it has one. The texts before it are
/// forgotten: they were of other errors.
pub fn message_text(message: &str) -> Text {
    let texts = TEXTS_OF_MESSAGES.take();
    let own = texts.iter().find(|text| message.contains(text.english()));
    match own.map(|own| message.replacen(own.english(), &own.in_language(Language::Chinese), 1)) {
        Some(in_chinese) => Text::given(message.to_owned(), in_chinese),
        None => Text::verbatim(message),
    }
}

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
    use crate::text;

    #[test]
    fn a_message_of_our_own_is_found_in_an_error_and_another_stays_as_it_is() {
        for number in 0..2 * KEPT_TEXTS {
            own_message(text!("{count} phones", count = number));
        }
        let message = own_message(text!("it is not a folder"));
        let text = message_text(&format!("{message} at line 1 column 7"));
        assert_eq!(text.english(), "it is not a folder at line 1 column 7");
        assert_eq!(text.in_language(Language::Chinese), "它不是目录 at line 1 column 7");
        assert_eq!(message_text("expected a string").chinese(), None);
        assert_eq!(message_text("unknown field `it is not a folder`").chinese(), None, "of another error");
    }

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
