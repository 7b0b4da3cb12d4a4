//! `attack`: the catalogue of attacks.

use clap::Subcommand;
use soter_bridge::protocol::attack;

use super::prepared_call::PreparedCall;

/// `attack …`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Attack {
    /// Every attack: what is tried, who has to notice, and what a correct server does
    List,
    /// All about one attack: how its input is made, what it means if it works, how to fix that
    Show {
        /// Its id, for example SOTER-REPLAY-01
        #[arg(value_name = "ATTACK")]
        id: String,
    },
    /// Craft its input on a fresh phone, and tell how that differs from an honest one; sends nothing
    Forge {
        /// Its id, for example SOTER-REPLAY-01
        #[arg(value_name = "ATTACK")]
        id: String,
    },
    /// Play it on a fresh phone against WeChat's servers here; for your own backend, see `soter-sim audit`
    Run {
        /// Its id, for example SOTER-REPLAY-01
        #[arg(value_name = "ATTACK")]
        id: String,
    },
}

impl Attack {
    /// The protocol call for this command.
    pub(super) fn prepared_call(self) -> PreparedCall {
        match self {
            Self::List => PreparedCall::new(attack::List {}),
            Self::Show { id } => PreparedCall::new(attack::Show { id }),
            Self::Forge { id } => PreparedCall::new(attack::Forge { id }),
            Self::Run { id } => PreparedCall::new(attack::Run { id }),
        }
    }
}
