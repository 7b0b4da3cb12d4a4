//! Why a word is not a value of its argument, in both languages.

use soter_text::Text;

/// Why a word is not a value of its argument. clap puts it behind its own words, and gives it back as the source of its error.
///
/// It is made from a [`Text`] only: a reason has both languages.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.english())]
pub(crate) struct WrongValue(Text);

impl From<Text> for WrongValue {
    fn from(text: Text) -> Self {
        Self(text)
    }
}

impl WrongValue {
    /// The reason.
    pub(super) fn text(&self) -> Text {
        self.0.clone()
    }
}
