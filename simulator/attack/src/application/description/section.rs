//! A section: the steps of a login, of an order or of a payment.

use std::collections::BTreeMap;

use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;
use soter_text::{own_message, text};

use super::computed::Computed;
use super::regular_expression;
use super::source::Source;
use super::step::{Endpoint, Step, StepFile, Until};
use super::success::Success;

/// The steps of a section, in order. Its main step stands in the section itself.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "SectionFile")]
#[schemars(with = "SectionFile")]
pub(in crate::application) struct Section {
    pub(in crate::application) before: Vec<Step>,
    pub(in crate::application) main: Step,
    pub(in crate::application) after: Vec<Step>,
    /// Where the challenge stands: in the answer of the last step.
    pub(in crate::application) challenge: Option<Source>,
    /// The conditions on the main step's answer, where the effect of the steps after it does not show whether a payment was
    /// made a second time.
    pub(in crate::application) answer: Option<Success>,
    /// The conditions on the last step's answer.
    pub(in crate::application) success: Option<Success>,
}

/// A main step, and the steps before and after it. Its doc comments, as those of all parts of a description, are what the JSON
/// schema says.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    rename = "Section",
    description = "A main step, and the steps before and after it.",
    extend("oneOf" = [{"required": ["request"]}, {"required": ["command"]}])
)]
struct SectionFile {
    /// Steps before the main one, in order.
    #[serde(default)]
    before: Vec<Step>,
    /// The request of the main step.
    request: Option<Endpoint>,
    /// Instead of a request: a program of your own and its arguments. It gets the values so far as JSON on standard input.
    command: Option<Vec<String>>,
    /// Whether redirects on the same server are followed.
    #[serde(default)]
    follow: bool,
    /// Values that are made before the main step, in this order.
    #[serde(default)]
    computed: Vec<Computed>,
    /// Names for values, and where they stand in the answer.
    #[serde(default)]
    values: BTreeMap<String, Source>,
    /// Repeat the main step until `success` holds.
    until: Option<Until>,
    /// Steps after the main one, in order.
    #[serde(default)]
    after: Vec<Step>,
    /// In `[challenge]` alone: where the challenge stands in the last step's answer. Left out: it is the whole body.
    challenge: Option<Source>,
    /// In `[challenge]` alone: a regular expression on the body, whose first group is the challenge.
    #[serde(default, deserialize_with = "regular_expression::with_group")]
    #[schemars(with = "Option<String>")]
    challenge_regex: Option<Regex>,
    /// In `[result]` alone, if there are steps after the result: conditions on the answer to the result itself.
    answer: Option<Success>,
    /// Conditions on the last step's answer.
    success: Option<Success>,
}

impl TryFrom<SectionFile> for Section {
    type Error = String;

    fn try_from(file: SectionFile) -> Result<Self, String> {
        let SectionFile {
            before,
            request,
            command,
            follow,
            computed,
            values,
            until,
            after,
            challenge,
            challenge_regex,
            answer,
            success,
        } = file;
        let challenge = match (challenge, challenge_regex) {
            (Some(_), Some(_)) => {
                return Err(own_message(text!(
                    "challenge and challenge_regex: say in one way where the challenge stands"
                )));
            }
            (challenge, regex) => challenge.or(regex.map(Source::regex)),
        };
        if after.last().is_some_and(|last| last.success.is_some()) && success.is_some() {
            return Err(own_message(text!(
                "the section's `success` is about the last step, which has one of its own: leave one out"
            )));
        }
        if answer.is_some() && after.is_empty() {
            return Err(own_message(text!(
                "`answer` is for sections with steps after the request: write its conditions into `success`"
            )));
        }
        if until.is_some() && !after.is_empty() {
            return Err(own_message(text!(
                "`until` repeats a step until its conditions hold, and a request with steps after it has none: write it into the last step"
            )));
        }
        let main = StepFile { request, command, follow, computed, values, until, success: None };
        Ok(Self { before, main: main.try_into()?, after, challenge, answer, success })
    }
}

impl Section {
    /// All steps, in order.
    pub(in crate::application) fn steps(&self) -> impl Iterator<Item = &Step> {
        self.before.iter().chain([&self.main]).chain(&self.after)
    }

    /// The names of the values that its answers give.
    pub(in crate::application) fn value_names(&self) -> impl Iterator<Item = &str> {
        self.steps().flat_map(|step| step.values.keys()).map(String::as_str)
    }

    /// Whether a step uses a value with this name.
    pub(in crate::application) fn uses(&self, name: &str) -> bool {
        self.steps().any(|step| step.uses(name))
    }

    /// The conditions on the last step's answer, if the description has any.
    pub(in crate::application) fn judged(&self) -> Option<&Success> {
        self.success.as_ref().or_else(|| self.after.last()?.success.as_ref())
    }

    /// Whether its conditions compare the effect with a value from before the main step, so that they also show a second
    /// payment of one order.
    pub(in crate::application) fn shows_changes(&self) -> bool {
        let is_from_before = |name: &str| self.before.iter().any(|step| step.values.contains_key(name));
        self.after.is_empty() || self.judged().is_some_and(|success| success.names().any(is_from_before))
    }

    /// Where the challenge stands: the whole body, if the description does not say.
    pub(in crate::application) fn challenge(&self) -> Source {
        self.challenge.clone().unwrap_or_else(Source::body)
    }
}
