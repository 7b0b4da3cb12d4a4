//! Texts with values, which know their translation.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::Display;
use std::str::EscapeDebug;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::catalogue::chinese;
use crate::language::Language;

/// A text for a person, in both languages. Serialized, it is the English text, or what
/// [`Language::while_serializing`] asks for.
///
/// Made by [`text!`](crate::text!), [`whole`](Self::whole) or [`verbatim`](Self::verbatim).
///
/// It has no `Display`: where it is shown, the language has to be chosen.
#[derive(Clone, PartialEq, Eq, Default, JsonSchema)]
#[schemars(with = "String")]
pub struct Text {
    english: String,
    chinese: Option<Box<Chinese>>,
}

/// How the Chinese text is found.
#[derive(Clone, PartialEq, Eq)]
enum Chinese {
    /// By the whole English text, which has no values.
    Whole(&'static str),
    /// By the template.
    Template { template: &'static str, values: Vec<(&'static str, Value)> },
    /// It came with the English text.
    Given(String),
}

/// A value in a text.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// The same in both languages: a number, a name, a code.
    Plain(String),
    /// Different in each.
    Text(Text),
}

/// What can be a value in a text: names, numbers and the like, which both languages share, and other texts.
///
/// It is not implemented for everything with `Display`: an error of ours would be English in a Chinese sentence. Its `text()`
/// is the value. Errors of libraries are strings.
pub trait ToValue {
    /// The value.
    fn to_value(&self) -> Value;
}

/// Makes values of types that both languages share.
macro_rules! plain_values {
    ($($type:ty),+ $(,)?) => {
        $(impl ToValue for $type {
            fn to_value(&self) -> Value {
                Value::Plain(self.to_string())
            }
        })+
    };
}

plain_values!(str, String, char, bool, f64);
plain_values!(u8, u16, u32, u64, u128, usize, i32, i64);
plain_values!(EscapeDebug<'_>, Display<'_>, IpAddr, SocketAddr);

impl ToValue for Text {
    fn to_value(&self) -> Value {
        Value::Text(self.clone())
    }
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Value {
        (*self).to_value()
    }
}

impl<T: ToValue + ToOwned + ?Sized> ToValue for Cow<'_, T> {
    fn to_value(&self) -> Value {
        (**self).to_value()
    }
}

impl Text {
    /// What [`text!`](crate::text!) makes: the English text, and what it was made from.
    pub fn new(english: String, template: &'static str, values: Vec<(&'static str, Value)>) -> Self {
        Self { english, chinese: Some(Box::new(Chinese::Template { template, values })) }
    }

    /// A text without values, such as one of a table. Its braces are braces.
    pub fn whole(english: &'static str) -> Self {
        Self { english: english.to_owned(), chinese: Some(Box::new(Chinese::Whole(english))) }
    }

    /// A text that both languages share: a name, a code, the message of a library. Nothing becomes a text by itself, so that a
    /// sentence whose translation was forgotten does not compile.
    pub fn verbatim(text: impl Into<String>) -> Self {
        Self { english: text.into(), chinese: None }
    }

    /// A text of another process, which sent it in both languages.
    pub fn given(english: String, chinese: String) -> Self {
        Self { english, chinese: Some(Box::new(Chinese::Given(chinese))) }
    }

    /// The same with a change in the English text, and in the values of the Chinese one, such as secrets that are masked.
    #[must_use]
    pub fn map(&self, change: &impl Fn(&str) -> String) -> Self {
        let chinese = self.chinese.as_deref().map(|chinese| {
            Box::new(match chinese {
                Chinese::Whole(english) => Chinese::Whole(english),
                Chinese::Given(chinese) => Chinese::Given(change(chinese)),
                Chinese::Template { template, values } => Chinese::Template {
                    template,
                    values: values.iter().map(|(name, value)| (*name, value.map(change))).collect(),
                },
            })
        });
        Self { english: change(&self.english), chinese }
    }

    /// In English: for logs and machine output.
    pub fn english(&self) -> &str {
        &self.english
    }

    /// In this language; in English if it has no translation.
    pub fn in_language(&self, language: Language) -> Cow<'_, str> {
        let translation = match language {
            Language::English => None,
            Language::Chinese => self.chinese(),
        };
        translation.unwrap_or(Cow::Borrowed(&self.english))
    }

    /// In Chinese; `None` if it has no translation.
    pub fn chinese(&self) -> Option<Cow<'_, str>> {
        match self.chinese.as_deref()? {
            Chinese::Whole(english) => chinese(english).map(Cow::Borrowed),
            Chinese::Given(chinese) => Some(Cow::Borrowed(chinese)),
            Chinese::Template { template, values } => Some(filled_in(chinese(template)?, values)),
        }
    }

    /// In the language of this process: for persons.
    pub fn localized(&self) -> Cow<'_, str> {
        self.in_language(Language::of_process())
    }
}

impl Value {
    fn map(&self, change: &impl Fn(&str) -> String) -> Self {
        match self {
            Self::Plain(value) => Self::Plain(change(value)),
            Self::Text(value) => Self::Text(value.map(change)),
        }
    }
}

/// The Chinese text with its values.
fn filled_in<'a>(text: &'a str, values: &[(&'static str, Value)]) -> Cow<'a, str> {
    static PLACES: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\{\{|\}\}|\{(\w+)\}").ok());
    let fill_in = |place: &Captures<'_>| match place.get(1) {
        Some(name) => match values.iter().find(|(known, _)| *known == name.as_str()) {
            Some((_, Value::Plain(value))) => value.clone(),
            Some((_, Value::Text(value))) => value.in_language(Language::Chinese).into_owned(),
            None => place[0].to_owned(),
        },
        // A brace is written twice.
        None => place[0][..1].to_owned(),
    };
    PLACES.as_ref().map_or(Cow::Borrowed(text), |places| places.replace_all(text, fill_in))
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.english
    }
}

/// Compares the English text.
impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.english == other
    }
}

/// Compares the English text.
impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.english == *other
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.in_language(Language::of_serialization()))
    }
}

/// As another process has written it, in whatever language that was.
impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::verbatim)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.english.fmt(formatter)
    }
}

/// A value is shown in English here: this is how the English text is made.
impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(value) => value.fmt(formatter),
            Self::Text(value) => value.english.fmt(formatter),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text;

    #[test]
    fn values_and_texts_in_a_text_are_shown_in_its_language() {
        let count = ("count", Value::Plain("{name}".to_owned()));
        let name = ("name", Value::Text(Text::verbatim("a phone")));
        let text = filled_in("{name}：{count}，{{x}}，{missing}", &[count, name]);
        assert_eq!(text, "a phone：{name}，{x}，{missing}");
    }

    #[test]
    fn a_text_without_a_translation_is_english_in_every_language() {
        let text = text!("{name} without translation, {count}", name = Text::verbatim("a phone"), count = 3);
        for language in Language::ALL {
            assert_eq!(text.in_language(language), "a phone without translation, 3");
        }
        assert_eq!(text.english(), "a phone without translation, 3");
        assert_eq!(text.chinese(), None);
    }

    #[test]
    fn a_value_may_come_from_a_variable_with_the_name_of_another_value() {
        let name = "phone";
        assert_eq!(text!("{name}, {same}", name = format!("[{name}]"), same = name), "[phone], phone");
    }

    #[test]
    fn a_text_that_came_in_both_languages_keeps_both() {
        let text = Text::given("the PIN is 1234".to_owned(), "PIN 是 1234".to_owned());
        let masked = text.map(&|text| text.replace("1234", "…"));
        for (text, english, chinese) in
            [(&text, "the PIN is 1234", "PIN 是 1234"), (&masked, "the PIN is …", "PIN 是 …")]
        {
            assert_eq!((text.english(), &*text.in_language(Language::Chinese)), (english, chinese));
        }
    }
}
