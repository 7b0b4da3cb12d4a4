//! `biometric`, also called `finger`: what is enrolled, and what is locked.

use clap::Subcommand;
use soter_bridge::protocol::biometric;
use soter_wire::Mode;

use super::device;
use super::prepared_call::PreparedCall;

/// `biometric …`.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum Biometric {
    /// Enrol a finger or a face; existing AuthKeys become invalid
    Enroll {
        /// What is enrolled; left out: what phones of this family usually have
        #[arg(value_name = "MODE", value_parser = device::mode())]
        mode: Option<Mode>,
    },
    /// Remove an enrolled finger or face
    Remove {
        /// Its number, as `biometric list` shows it
        #[arg(value_name = "NUMBER")]
        number: u32,
    },
    /// What is enrolled, and what is locked
    List,
    /// Enter the PIN: end every lockout
    Unlock,
}

impl Biometric {
    /// The protocol call for this command.
    pub(super) fn prepared_call(self) -> PreparedCall {
        match self {
            Self::Enroll { mode } => PreparedCall::new(biometric::Enroll { mode }),
            Self::Remove { number } => PreparedCall::new(biometric::Remove { number }),
            Self::List => PreparedCall::new(biometric::List {}),
            Self::Unlock => PreparedCall::new(biometric::Unlock {}),
        }
    }
}
