//! What a person reads, in English and Chinese.
//!
//! ```text
//!   text!("{count} phones", count = 3)  ──>  Text: the English text, its template, its values
//!                                              │
//!                         english(), for logs and machine output
//!                         localized(), in the language of this process: the template is looked up in zh_CN/*.po
//! ```
//!
//! The English text in the source is the key of its translation, as with GNU gettext: where the English text changes, its
//! translation is missed until somebody looks at it, and a test says which one. The files `zh_CN/*.po` can be edited with
//! every tool for such files.
//!
//! Logs, machine output (`--json`), codes and WeChat's own texts are never translated.

mod catalogue;
mod language;
mod own_error;
mod seconds;
mod text;

pub use self::catalogue::{CATALOGUES, Catalogue, translated, translated_into};
pub use self::language::{Language, locale};
pub use self::own_error::{message_text, own_error, own_message};
pub use self::seconds::seconds;
pub use self::text::{Text, ToValue, Value};

/// A [`Text`]: an English template, which is the key of its translation, and its values by name.
///
/// Each name in the template is given a value: `text!("{count} phones", count = phones.len())`. Values have no format;
/// what needs one is formatted before.
#[macro_export]
macro_rules! text {
    ($template:literal $(, $name:ident = $value:expr)* $(,)?) => {{
        // Together, so that the name of a value does not hide a variable from the next one.
        let ($($name,)*) = ($($crate::ToValue::to_value(&$value),)*);
        let english = ::std::format!($template $(, $name = $name)*);
        $crate::Text::new(english, $template, ::std::vec![$((stringify!($name), $name)),*])
    }};
}

/// The same as [`text!`], as a `String` in the language of this process.
#[macro_export]
macro_rules! tr {
    ($($arguments:tt)*) => {
        $crate::text!($($arguments)*).localized().into_owned()
    };
}
