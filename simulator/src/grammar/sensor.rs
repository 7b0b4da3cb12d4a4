//! `sensor`: sets who touches.

use clap::Subcommand;
use soter_bridge::protocol::TouchScript;
use soter_bridge::protocol::sensor::{SensorMode, SetMode};

use super::auth;
use super::prepared_call::PreparedCall;

/// `sensor …`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Sensor {
    /// A person touches, at the dialog that opens
    Ask,
    /// The first enrolled finger or face touches at once
    Auto,
    /// These touches are made, in each dialog from the first one
    Script {
        /// Finger numbers, `wrong`, `cancel`, comma-separated
        #[arg(value_name = "SCRIPT", value_parser = auth::parse_touch_script)]
        script: TouchScript,
    },
}

impl Sensor {
    /// The protocol call for this command.
    pub(super) fn prepared_call(self) -> PreparedCall {
        let mode = match self {
            Self::Ask => SensorMode::Ask,
            Self::Auto => SensorMode::Auto,
            Self::Script { script } => SensorMode::Script(script),
        };
        PreparedCall::new(SetMode { mode })
    }
}
