//! The fleet: many phones with a user each, `fleet-000000` and so on, for load tests. They exist when the desk was opened with
//! a fleet, and are made when they are first used.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::wx::SoterAuthentication;

/// The maximum number of phones that [`Next`] hands out at once.
pub const MAX_NEXT: u32 = 10_000;
/// The maximum number of results that [`Results`] returns at once.
pub const MAX_RESULTS: u32 = 1000;

/// Hands out phones that nobody uses: they were not handed out before, or were given back. They stay the caller's until
/// [`Release`], a reset, or the end of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Next {
    /// How many, from 1 to 10,000; absent: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    pub count: Option<u32>,
}

/// Gives phones back that [`Next`] has handed out. They keep their keys and counters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Their names.
    pub devices: Vec<String>,
}

/// Names of phones: the answer of [`Next`], and of [`Release`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Names {
    /// The names, which are also those of the phones' users.
    pub devices: Vec<String>,
}

/// Lets phones that nobody uses sign, for load tools that only want results. Each is touched by its first enrolled finger or
/// face, unless its sensor has a script. Each phone signs one result as long as there are enough phones. The first call begins
/// with the phones that [`Next`] hands out next, so that it can make their keys before a test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// What is signed, in turn: at least one, each as in `wx.startSoterAuthentication`.
    pub challenges: Vec<String>,
    /// How many results, from 1 to 1,000; absent: one for each challenge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub count: Option<u32>,
}

/// Answer of [`Results`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Signed {
    /// The results, in the order of their challenges.
    pub results: Vec<SignedResult>,
}

/// A result, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignedResult {
    /// The phone.
    pub device: String,
    /// The openid of its user in the first mini program.
    pub openid: String,
    /// What the mini program would get.
    #[serde(flatten)]
    pub answer: SoterAuthentication,
}
