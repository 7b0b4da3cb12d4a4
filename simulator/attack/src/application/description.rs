//! The description of an application in a TOML file.

mod computed;
mod known_names;
mod regular_expression;
mod section;
mod source;
mod step;
mod success;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use soter_bridge::protocol::CommandError;
use soter_bridge::toml_file;
use soter_text::text;

pub(super) use self::computed::{BytesEncoding, Computed, Hash, Signing};
pub(crate) use self::known_names::is_built_in_name;
pub(super) use self::known_names::{CLOCK_NAMES, OTHER_PREFIX, RESULT_NAMES};
pub(super) use self::section::Section;
pub(super) use self::source::{Place, Source};
pub(super) use self::step::{Action, Endpoint, Step};
pub(super) use self::success::{Is, Success};
use super::template::{Encoding, Values, fill_template};
use crate::http::Http;

/// The maximum number of steps of all sections together.
const MAX_STEPS: usize = 50;

/// How to talk to an application.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// Its address, such as `http://127.0.0.1:3000`.
    pub url: String,
    /// A file with certificates (PEM) that are trusted for it in addition to the system's.
    pub ca: Option<PathBuf>,
    /// Whether it is a service in WeChat Cloud Run: each request has the platform's headers about its user.
    #[serde(default)]
    pub cloudrun: bool,
    /// How a user logs in; absent if there are no logins.
    #[serde(default)]
    pub(super) login: Option<Section>,
    /// How a user logs out.
    #[serde(default)]
    pub(super) logout: Option<Endpoint>,
    /// How a phone's keys come to an application that checks signatures itself; absent if it asks WeChat.
    #[serde(default)]
    pub(super) enroll: Option<Section>,
    /// How an order gets its challenge.
    pub(super) challenge: Section,
    /// Where a result is posted.
    pub(super) result: Section,
    /// How the application is restarted.
    #[serde(default)]
    pub(super) restart: Option<Restart>,
    /// How the application's clock is moved.
    #[serde(default)]
    pub(super) clock: Option<Section>,
    /// The folder in which commands run.
    #[serde(skip)]
    pub(super) folder: PathBuf,
}

/// How to restart the application.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Restart {
    /// The shell command. It ends when the application has been started again.
    pub(super) command: String,
    /// A path that is polled after the command. Any answer means that the application is running.
    #[serde(default)]
    pub(super) ready: Option<String>,
}

impl Application {
    /// Parses a description.
    ///
    /// # Errors
    /// `InvalidParams` if the text is not TOML, a member is missing, unknown or contradicts another one, a header's
    /// name is invalid, a template uses an unknown name, or there are too many steps.
    pub fn read(text: &str) -> Result<Self, CommandError> {
        let application: Self = toml_file::parse(text).map_err(|error| {
            CommandError::invalid_params(
                text!("the description, line {line}: {what}", line = error.line, what = error.what),
                text!("`soter-sim audit --init` writes one with comments"),
            )
        })?;
        application.check()?;
        Ok(application)
    }

    /// The same description, whose commands run in this folder, and whose files are there.
    #[must_use]
    pub fn in_folder(self, folder: PathBuf) -> Self {
        Self { folder, ..self }
    }

    /// Checks that every address is on one server.
    ///
    /// # Errors
    /// `InvalidParams` if an address is on another server or is not an address.
    pub fn check_addresses(&self, http: &Http) -> Result<(), CommandError> {
        let endpoints = self.steps().filter_map(Step::endpoint).chain(&self.logout);
        // Values cannot lead to another server, because they are percent-encoded in an address.
        for endpoint in endpoints {
            http.check(&fill_template(&endpoint.url, &Values::new(), Encoding::Address).unwrap_or_default())?;
        }
        self.restart.iter().flat_map(|restart| &restart.ready).try_for_each(|ready| http.check(ready))
    }

    /// Whether an order or a result needs values of another user's login.
    pub(super) fn needs_other_user(&self) -> bool {
        let steps = self.challenge.steps().chain(self.result.steps());
        steps.flat_map(Step::names).any(|name| name.starts_with(OTHER_PREFIX))
    }

    /// The name of one of its sections.
    pub(super) fn name_of(&self, section: &Section) -> &'static str {
        let is = |other: &Option<Section>| other.as_ref().is_some_and(|other| std::ptr::eq(other, section));
        match () {
            () if is(&self.login) => "login",
            () if is(&self.enroll) => "enroll",
            () if is(&self.clock) => "clock",
            () if std::ptr::eq(&raw const self.challenge, section) => "challenge",
            () => "result",
        }
    }

    /// The names of the values that come from a login.
    pub(super) fn login_names(&self) -> impl Iterator<Item = &str> {
        self.login.iter().flat_map(Section::value_names)
    }

    fn steps(&self) -> impl Iterator<Item = &Step> {
        let optional = self.login.iter().chain(&self.enroll).chain(&self.clock);
        optional.chain([&self.challenge, &self.result]).flat_map(Section::steps)
    }

    /// Checks what TOML and the types do not guarantee.
    fn check(&self) -> Result<(), CommandError> {
        let count = self.steps().count();
        if count > MAX_STEPS {
            return Err(CommandError::invalid_params(
                text!(
                    "the description has {count} steps; at most {most} are permitted",
                    count = count,
                    most = MAX_STEPS
                ),
                text!("leave out what a payment does not need: every attack takes all of them"),
            ));
        }
        known_names::check(
            self.login.as_ref(),
            self.logout.as_ref(),
            self.enroll.as_ref(),
            self.clock.as_ref(),
            &self.challenge,
            &self.result,
        )?;
        for name in ["resultJSON", "resultJSONSignature"] {
            if !self.result.uses(name) {
                return Err(CommandError::invalid_params(
                    text!(
                        "the description: no request of [result] has {name}",
                        name = format!("{{{{{name}}}}}")
                    ),
                    text!("put it where the application expects it, in the body or in the address"),
                ));
            }
        }
        if self.restart.as_ref().is_some_and(|restart| restart.command.trim().is_empty()) {
            return Err(CommandError::invalid_params(
                text!("the description: [restart] has an empty command, which restarts nothing"),
                text!("name a command that restarts the application, or leave [restart] out"),
            ));
        }
        if self.result.judged().is_none() {
            return Err(CommandError::invalid_params(
                text!("the description has no [result.success], so a payment cannot be told from a refusal"),
                text!(
                    "say what the answer to a payment looks like, for example status = 200 and pointer = \"/paid\""
                ),
            ));
        }
        if self.challenge.main.until.is_some() && self.challenge.judged().is_none() {
            return Err(CommandError::invalid_params(
                text!("the description: [challenge] is repeated until its conditions hold, and has none"),
                text!("say in [challenge.success] what the answer looks like when the challenge is there"),
            ));
        }
        let others = [
            ("challenge", Some(&self.challenge)),
            ("login", self.login.as_ref()),
            ("enroll", self.enroll.as_ref()),
            ("clock", self.clock.as_ref()),
            ("result", Some(&self.result)),
        ];
        for (name, section) in others.into_iter().filter_map(|(name, section)| Some((name, section?))) {
            if name != "result" && section.answer.is_some() {
                return Err(CommandError::invalid_params(
                    text!("the description: [{section}] has `answer`", section = name),
                    text!("that is about the answer to a result, and belongs into [result]"),
                ));
            }
            if name != "challenge" && section.challenge.is_some() {
                return Err(CommandError::invalid_params(
                    text!("the description: [{section}] says where a challenge stands", section = name),
                    text!("that belongs into [challenge]"),
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
