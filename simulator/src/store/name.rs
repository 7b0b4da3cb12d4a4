//! Names of devices, which are also names of folders on every platform.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use soter_text::{Text, ToValue, Value, text};

/// The maximum length of a device name, in bytes.
pub const MAX_NAME_BYTES: usize = 64;

/// Names that Windows reserves for its own devices in every folder.
const RESERVED: [&str; 22] = [
    "aux", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "con", "lpt1", "lpt2",
    "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9", "nul", "prn",
];

/// The name of a device: 1 to 64 of `a`-`z`, `0`-`9` and `-`, starting with a letter or digit.
///
/// It is a file name that means the same on every platform: only lower case, because some file systems ignore case,
/// and none of the names that Windows reserves (`con`, `nul`, `com1` and others).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceName(String);

impl DeviceName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for DeviceName {
    type Error = DeviceNameError;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        check(&name)?;
        Ok(Self(name))
    }
}

impl FromStr for DeviceName {
    type Err = DeviceNameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        check(name)?;
        Ok(Self(name.to_owned()))
    }
}

impl From<DeviceName> for String {
    fn from(name: DeviceName) -> Self {
        name.0
    }
}

impl AsRef<str> for DeviceName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Names are ordered as texts.
impl Borrow<str> for DeviceName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl ToValue for DeviceName {
    fn to_value(&self) -> Value {
        self.0.to_value()
    }
}

fn check(name: &str) -> Result<(), DeviceNameError> {
    if name.is_empty() {
        return Err(DeviceNameError::Empty);
    }
    if name.len() > MAX_NAME_BYTES {
        return Err(DeviceNameError::TooLong { bytes: name.len() });
    }
    let allowed =
        |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-';
    if let Some(character) = name.chars().find(|&character| !allowed(character)) {
        return Err(DeviceNameError::Character { character });
    }
    if name.starts_with('-') {
        return Err(DeviceNameError::Start);
    }
    match RESERVED.iter().find(|&&reserved| reserved == name) {
        Some(name) => Err(DeviceNameError::Reserved { name }),
        None => Ok(()),
    }
}

/// The text is not a valid device name. Each message ends with the rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text().english())]
pub enum DeviceNameError {
    /// The name is empty.
    Empty,
    /// The name is longer than [`MAX_NAME_BYTES`].
    TooLong {
        /// Its length in bytes of UTF-8.
        bytes: usize,
    },
    /// The name contains a character that is not allowed.
    Character {
        /// The first such character.
        character: char,
    },
    /// The name starts with a hyphen.
    Start,
    /// Windows has reserved the name.
    Reserved {
        /// The name.
        name: &'static str,
    },
}

impl DeviceNameError {
    /// What happened, in one line.
    pub fn text(&self) -> Text {
        let rule = text!("a device name has 1 to 64 of a-z, 0-9 and '-', starting with a letter or digit");
        match self {
            Self::Empty => text!("the device name is empty; {rule}", rule = rule),
            Self::TooLong { bytes } => {
                text!("the device name is {bytes} bytes long; {rule}", bytes = bytes, rule = rule)
            }
            Self::Character { character } => text!(
                "the device name contains {character}; {rule}",
                character = format!("{character:?}"),
                rule = rule
            ),
            Self::Start => text!("the device name starts with '-'; {rule}", rule = rule),
            Self::Reserved { name } => text!(
                "the device name '{name}' is reserved by Windows; {rule}, and none of con, nul, aux, prn, com1-com9, lpt1-lpt9",
                name = name,
                rule = rule
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_ordinary_devices_are_accepted() {
        for name in ["a", "0", "pixel-8", "com0", "com10", "console", "lpt", "9-", &"z".repeat(64)] {
            assert_eq!(name.parse::<DeviceName>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn each_broken_rule_has_its_own_error() {
        let error = |name: &str| name.parse::<DeviceName>().unwrap_err();

        assert_eq!(error(""), DeviceNameError::Empty);
        assert_eq!(error(&"z".repeat(65)), DeviceNameError::TooLong { bytes: 65 });
        assert_eq!(error("-a"), DeviceNameError::Start);
        for (name, character) in [
            ("Pixel", 'P'),
            ("a/b", '/'),
            ("..", '.'),
            ("a\\b", '\\'),
            ("a b", ' '),
            ("a\0", '\0'),
            ("手机", '手'),
            ("a:b", ':'),
        ] {
            assert_eq!(error(name), DeviceNameError::Character { character });
        }
        for name in RESERVED {
            assert_eq!(error(name), DeviceNameError::Reserved { name });
        }
    }

    #[test]
    fn the_error_says_what_is_wrong_and_the_rule() {
        let error = "My Phone".parse::<DeviceName>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the device name contains 'M'; a device name has 1 to 64 of a-z, 0-9 and '-', starting with a letter or digit"
        );
    }

    #[test]
    fn a_bad_name_in_json_is_refused_with_the_rule() {
        let error = serde_json::from_str::<DeviceName>("\"../escape\"").unwrap_err();
        assert!(error.to_string().contains("a device name has 1 to 64"), "{error}");
    }

    proptest! {
        #[test]
        fn every_name_that_fits_the_rule_survives_text_and_json(name in "[a-z0-9][a-z0-9-]{0,63}") {
            prop_assume!(!RESERVED.contains(&name.as_str()));
            let parsed: DeviceName = name.parse().unwrap();
            prop_assert_eq!(parsed.to_string(), name.clone());
            prop_assert_eq!(&DeviceName::try_from(name).unwrap(), &parsed);
            let json = serde_json::to_string(&parsed).unwrap();
            prop_assert_eq!(serde_json::from_str::<DeviceName>(&json).unwrap(), parsed);
        }

        #[test]
        fn every_accepted_name_is_one_plain_path_component(name in any::<String>()) {
            if let Ok(name) = name.parse::<DeviceName>() {
                let components: Vec<_> = std::path::Path::new(name.as_str()).components().collect();
                prop_assert_eq!(components, [std::path::Component::Normal(name.as_str().as_ref())]);
                prop_assert!(name.as_str().len() <= MAX_NAME_BYTES);
                prop_assert!(!name.as_str().starts_with(['.', '-']));
            }
        }

        #[test]
        fn a_character_that_is_not_allowed_is_refused_at_any_position(
            before in "[a-z0-9]{0,20}",
            character in any::<char>().prop_filter("foreign", |c| !matches!(c, 'a'..='z' | '0'..='9' | '-')),
            after in "[a-z0-9-]{0,20}",
        ) {
            let name = format!("{before}{character}{after}");
            prop_assert_eq!(name.parse::<DeviceName>(), Err(DeviceNameError::Character { character }));
        }
    }
}
