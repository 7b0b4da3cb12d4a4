//! Why a word is not a value of its argument, in both languages.

use soter_text::Text;

/// Why a word is not a value of its argument. clap puts it behind its own words, and gives it back as the source of its error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.english())]
pub(crate) struct WrongValue(pub(super) Text);

impl From<Text> for WrongValue {
    fn from(text: Text) -> Self {
        Self(text)
    }
}
