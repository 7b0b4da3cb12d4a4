//! The catalogue of attacks, and single attacks against WeChat's servers on this desk.
//!
//! Over RPC these methods exist only on a server that was started for attackers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use soter_text::Text;

no_parameters! {
    /// Lists every attack.
    List
}

/// All about one attack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Show {
    /// Its id, such as `SOTER-REPLAY-01`. Capitals do not matter.
    pub id: String,
}

/// Crafts one attack's input on a fresh phone and sends it to nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Forge {
    /// Its id, such as `SOTER-REPLAY-01`. Capitals do not matter.
    pub id: String,
}

/// Plays one attack on a fresh phone against WeChat's servers on this desk, and then an honest request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Its id, such as `SOTER-REPLAY-01`. Capitals do not matter.
    pub id: String,
}

/// Answer of [`List`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attacks {
    /// By what they abuse.
    pub attacks: Vec<Summary>,
}

/// An attack in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Its stable name.
    pub id: String,
    /// Who has to notice: `verifier` or `application`.
    pub layer: String,
    /// The kind of weakness that it abuses, such as `counts-carelessly`.
    pub kind: String,
    /// The weakness's number in the Common Weakness Enumeration, if it has one there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwe: Option<u16>,
    /// What a correct server does: `must-refuse`, `must-accept` or `may-refuse`.
    pub expected: String,
    /// One line: what is tried.
    pub title: String,
}

/// An attack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attack {
    /// Its stable name.
    pub id: String,
    /// Who has to notice: `verifier` or `application`.
    pub layer: String,
    /// The kind of weakness that it abuses, such as `counts-carelessly`.
    pub kind: String,
    /// The weakness's number in the Common Weakness Enumeration, if it has one there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwe: Option<u16>,
    /// One line: what is tried.
    pub title: String,
    /// What the attacker has.
    pub holds: String,
    /// How the input is made, and with whose key.
    pub making: String,
    /// What a correct server does: `must-refuse`, `must-accept` or `may-refuse`.
    pub expected: String,
    /// The reasons with which this project's own servers refuse; see [`reasons`](soter_wechat::reasons).
    #[schemars(
        description = "The reasons with which this project's own servers refuse; see [`reasons`](crate::reasons)."
    )]
    pub reasons: Vec<String>,
    /// What it means if a server does something else.
    pub meaning: String,
    /// How to fix that.
    pub fix: String,
}

/// An input that was crafted, and an honest one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Forged {
    /// The attack.
    pub id: String,
    /// What the same phone would have sent honestly; absent where the input is not a result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub honest: Option<Input>,
    /// What the attacker sends; absent where the input is not a result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forged: Option<Input>,
    /// How they differ, one line each.
    pub differences: Vec<Text>,
}

/// What a server is asked about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Input {
    /// The user who is said to have authenticated.
    pub openid: String,
    /// The text.
    pub json_string: String,
    /// The signature in Base64.
    pub json_signature: String,
}

/// What came of an attack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ran {
    /// The attack.
    pub id: String,
    /// `PASS`, `FAIL`, `WARN`, `SKIP` or `ERROR`.
    pub verdict: String,
    /// One line: why.
    pub reason: Text,
    /// The request, if it came to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The answer, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
}
