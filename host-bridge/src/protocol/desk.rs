//! The desk as a whole.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

no_parameters! {
    /// Takes everything off the desk and begins anew: phones with new identities (or the same ones, if the desk has a
    /// seed), and WeChat's servers without keys, counters, sessions and tokens. For test suites between tests.
    Reset
}

/// Answer of [`Reset`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WasReset {
    /// The phone that is on the desk now.
    pub device: String,
}
