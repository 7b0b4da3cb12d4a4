//! `fleet`: many phones for load tests.

use clap::Subcommand;
use soter_bridge::protocol::fleet::{Next, Release, Results};

use super::prepared_call::PreparedCall;

/// `fleet …`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Fleet {
    /// Get phones that nobody uses
    Next {
        /// How many
        #[arg(value_name = "NUMBER", default_value_t = 1)]
        count: u32,
    },
    /// Give phones back
    Release {
        /// Their names
        #[arg(value_name = "DEVICE", required = true)]
        devices: Vec<String>,
    },
    /// Get signed results from phones that nobody uses
    Results {
        /// What is signed, in turn
        #[arg(value_name = "CHALLENGE", required = true)]
        challenges: Vec<String>,
        /// How many results [default: one for each challenge]
        #[arg(long, value_name = "NUMBER")]
        count: Option<u32>,
    },
}

impl Fleet {
    /// The protocol call for this command.
    pub(super) fn prepared_call(self) -> PreparedCall {
        match self {
            Self::Next { count } => PreparedCall::new(Next { count: Some(count) }),
            Self::Release { devices } => PreparedCall::new(Release { devices }),
            Self::Results { challenges, count } => PreparedCall::new(Results { challenges, count }),
        }
    }
}
