//! The text of an action on storage that failed, with its cause.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use soter_text::{Text, text};

/// The text of an action that failed. `action` is a verb, such as `read`.
pub fn failed_action(action: &'static str, location: &Text, cause: &Text) -> Text {
    match action {
        "create" => text!("cannot create {location}: {cause}", location = location, cause = cause),
        "lock" => text!("cannot lock {location}: {cause}", location = location, cause = cause),
        "open" => text!("cannot open {location}: {cause}", location = location, cause = cause),
        "read" => text!("cannot read {location}: {cause}", location = location, cause = cause),
        "remove" => text!("cannot remove {location}: {cause}", location = location, cause = cause),
        "rename" => text!("cannot rename {location}: {cause}", location = location, cause = cause),
        "sync" => text!("cannot sync {location}: {cause}", location = location, cause = cause),
        "use" => text!("cannot use {location}: {cause}", location = location, cause = cause),
        "write" => text!("cannot write {location}: {cause}", location = location, cause = cause),
        other => text!(
            "cannot do `{action}` with {location}: {cause}",
            action = other,
            location = location,
            cause = cause
        ),
    }
}

/// An error of input or output that this program has found itself. Its text has a translation.
pub fn own_error(kind: io::ErrorKind, cause: Text) -> io::Error {
    io::Error::new(kind, OwnCause(cause))
}

/// The text of a cause: of [`own_error`], or of the operating system.
pub fn cause_text(cause: &(dyn StdError + 'static)) -> Text {
    let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    match inner.and_then(|inner| inner.downcast_ref::<OwnCause>()) {
        Some(OwnCause(text)) => text.clone(),
        None => cause.to_string().into(),
    }
}

#[derive(Debug)]
struct OwnCause(Text);

impl fmt::Display for OwnCause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.english())
    }
}

impl StdError for OwnCause {}

#[cfg(test)]
mod tests {
    use soter_text::Language;

    use super::*;

    #[test]
    fn a_cause_of_our_own_keeps_its_translation_and_another_its_words() {
        let own = own_error(io::ErrorKind::NotFound, text!("it was never provisioned"));
        assert_eq!(own.to_string(), "it was never provisioned");
        let failed = failed_action("write", &"/phone".into(), &cause_text(&own));
        assert_eq!(failed.english(), "cannot write /phone: it was never provisioned");
        assert_eq!(failed.in_language(Language::Chinese), "无法写入 /phone：它从未初始化过");
        let foreign = io::Error::other("disk on fire");
        assert_eq!(cause_text(&foreign).english(), "disk on fire");
    }
}
