//! The desk as a whole.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

no_parameters! {
    /// Takes everything off the desk and begins anew: phones with new identities (or the same ones, if the desk has a
    /// seed), and WeChat's servers without keys, counters, sessions and tokens. For test suites between tests.
    Reset
}

/// Moves the clock of WeChat's servers, by which codes, sessions and access tokens expire, or shows it. Phones have clocks of
/// their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// This many milliseconds forward.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward: Option<u64>,
    /// This many milliseconds ahead of the computer's clock, at most ten years; 0: as the computer's. Not together with `forward`. A
    /// clock that goes back ends all codes, sessions and access tokens, because those of meanwhile would live too long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ahead: Option<u64>,
}

/// Answer of [`Reset`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WasReset {
    /// The phone that is on the desk now.
    pub device: String,
}
