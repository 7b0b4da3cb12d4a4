//! Touches, and scripts of them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use soter_text::{Text, ToValue, Value, own_message, text};
use soter_wire::shortened;

/// Maximum number of entries in a script.
const MAX_ENTRIES: usize = 1_000;

/// One thing that a person does while the dialog is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Touch {
    /// Presents the finger or face with this enrolment number, from 1 on. One that is not enrolled does not match.
    Enrolled(u32),
    /// Presents a finger or face that is not enrolled.
    Wrong,
    /// Presses the cancel button.
    Cancel,
}

/// What a person does, one thing after the other: `1`, `wrong,wrong,2`, `cancel`.
///
/// If the dialog is still open after the last entry, a cancel follows. In JSON a script is its text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TouchScript(pub Vec<Touch>);

/// A touch script that cannot be parsed. The caller's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text().english())]
pub enum TouchScriptError {
    /// An entry is neither a number, `wrong` nor `cancel`.
    Entry {
        /// The entry's position, counted from 1.
        position: usize,
        /// The entry, shortened.
        entry: String,
    },
    /// Too many entries.
    TooLong {
        /// The number of entries.
        entries: usize,
    },
}

impl TouchScriptError {
    /// What is wrong, in both languages.
    pub fn text(&self) -> Text {
        match self {
            Self::Entry { position, entry } => text!(
                "touch script entry {position} is `{entry}`; entries are finger numbers (1, 2, …), `wrong` or `cancel`, separated by commas",
                position = position,
                entry = entry
            ),
            Self::TooLong { entries } => text!(
                "the touch script has {entries} entries; {most} are the most",
                entries = entries,
                most = MAX_ENTRIES
            ),
        }
    }
}

impl Touch {
    /// The finger or face with this number; `None` for 0, because numbers start at 1.
    fn enrolled(number: u32) -> Option<Self> {
        (number > 0).then_some(Self::Enrolled(number))
    }
}

impl FromStr for Touch {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.trim() {
            "wrong" | "x" => Ok(Self::Wrong),
            "cancel" | "c" => Ok(Self::Cancel),
            number if number.bytes().all(|byte| byte.is_ascii_digit()) => {
                number.parse().ok().and_then(Self::enrolled).ok_or(())
            }
            _ => Err(()),
        }
    }
}

impl fmt::Display for Touch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enrolled(number) => number.fmt(formatter),
            Self::Wrong => formatter.write_str("wrong"),
            Self::Cancel => formatter.write_str("cancel"),
        }
    }
}

impl ToValue for Touch {
    fn to_value(&self) -> Value {
        self.to_string().to_value()
    }
}

impl FromStr for TouchScript {
    type Err = TouchScriptError;

    fn from_str(text: &str) -> Result<Self, TouchScriptError> {
        let entries = text.split(',').count();
        if entries > MAX_ENTRIES {
            return Err(TouchScriptError::TooLong { entries });
        }
        text.split(',')
            .enumerate()
            .map(|(index, entry)| {
                entry.parse().map_err(|()| TouchScriptError::Entry {
                    position: index + 1,
                    entry: shortened(entry.trim(), 40).to_owned(),
                })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl fmt::Display for TouchScript {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, touch) in self.0.iter().enumerate() {
            if index > 0 {
                formatter.write_str(",")?;
            }
            touch.fmt(formatter)?;
        }
        Ok(())
    }
}

impl Serialize for TouchScript {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TouchScript {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let script = String::deserialize(deserializer)?.parse();
        script.map_err(|error: TouchScriptError| de::Error::custom(own_message(error.text())))
    }
}

impl Serialize for Touch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Enrolled(number) => serializer.serialize_u32(*number),
            _ => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Touch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a touch is the number of a finger, or a text such as `wrong`")]
        enum NumberOrText {
            Number(u32),
            Text(String),
        }
        match NumberOrText::deserialize(deserializer)? {
            NumberOrText::Number(number) => Self::enrolled(number)
                .ok_or_else(|| de::Error::custom(own_message(text!("fingers are numbered from 1 on")))),
            NumberOrText::Text(text) => text.parse().map_err(|()| {
                let shown = shortened(&text, 40);
                de::Error::custom(own_message(text!(
                    "`{shown}` is not a touch: a number, \"wrong\" or \"cancel\"",
                    shown = shown
                )))
            }),
        }
    }
}

impl JsonSchema for Touch {
    fn schema_name() -> Cow<'static, str> {
        "Touch".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A finger's or face's number, \"wrong\" or \"cancel\".",
            "anyOf": [{"type": "integer", "minimum": 1}, {"enum": ["wrong", "cancel"]}]
        })
    }
}

impl JsonSchema for TouchScript {
    fn schema_name() -> Cow<'static, str> {
        "TouchScript".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Finger numbers, `wrong` or `cancel`, separated by commas: what a person does, one after the other.",
            "type": "string", "examples": ["1", "wrong,1", "cancel"]
        })
    }
}
