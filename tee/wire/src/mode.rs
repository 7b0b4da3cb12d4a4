//! The authentication modes of `wx.startSoterAuthentication`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use soter_text::{Text, text};

/// One value of `requestAuthModes` and `authMode`, spelled as WeChat spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Mode {
    /// A finger on the sensor.
    #[serde(rename = "fingerPrint")]
    FingerPrint,
    /// The face.
    #[serde(rename = "facial")]
    Facial,
    /// The voice; documented by WeChat, but no phone offers it.
    #[serde(rename = "speech")]
    Speech,
}

impl Mode {
    /// Every mode, in the order of WeChat's documentation.
    pub const ALL: [Self; 3] = [Self::FingerPrint, Self::Facial, Self::Speech];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::FingerPrint => "fingerPrint",
            Self::Facial => "facial",
            Self::Speech => "speech",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Mode {
    type Err = UnknownMode;

    /// Parses a name exactly as written on the wire. The case matters, as it does for WeChat.
    fn from_str(name: &str) -> Result<Self, UnknownMode> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.name() == name)
            .ok_or_else(|| UnknownMode { name: crate::decode_error::truncated(name) })
    }
}

/// A name that does not belong to any mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text().english())]
pub struct UnknownMode {
    /// The name as given, truncated if it is long.
    pub name: String,
}

impl UnknownMode {
    /// What happened, in one line.
    pub fn text(&self) -> Text {
        text!(
            "unknown mode {name}: the modes are fingerPrint, facial and speech (the case matters)",
            name = format!("{:?}", self.name)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_is_read_from_its_own_name_and_no_other_case() {
        for mode in Mode::ALL {
            assert_eq!(mode.name().parse(), Ok(mode));
            assert_eq!(mode.to_string(), mode.name());
            assert_eq!(serde_json::to_string(&mode).unwrap(), format!("\"{mode}\""));
            assert!(mode.name().to_uppercase().parse::<Mode>().is_err());
        }
    }

    #[test]
    fn the_error_for_an_unknown_mode_lists_the_three_names() {
        let message = "fingerprint".parse::<Mode>().unwrap_err().to_string();
        for mode in Mode::ALL {
            assert!(message.contains(mode.name()), "{message}");
        }
    }
}
