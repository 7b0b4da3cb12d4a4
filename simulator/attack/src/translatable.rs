//! English texts of constants that have translations.

use soter_text::Text;

/// The English text of a constant that has a translation: what is in `text!`, where the test of the translations finds it.
macro_rules! english {
    ($text:ident!($english:literal)) => {
        $english
    };
}

pub(crate) use english;

/// A constant's text without values, with its translation.
pub(crate) fn to_text(english: &'static str) -> Text {
    Text::new(english.to_owned(), english, Vec::new())
}
