//! A step: a request or a command, the values that its answer gives, and the conditions under which it has worked.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};
use soter_text::{own_message, text};

use super::computed::Computed;
use super::source::Source;
use super::success::Success;
use crate::application::template::{Encoding, names};

/// The time between two attempts, if the description does not say.
const DEFAULT_PAUSE: f64 = 0.5;
/// The shortest time between two attempts, in seconds.
const MIN_PAUSE: f64 = 0.05;
/// The longest time for all attempts, in seconds.
const MAX_WAIT: f64 = 60.0;

/// One step of a section.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "StepFile")]
#[schemars(with = "StepFile")]
pub(in crate::application) struct Step {
    pub(in crate::application) action: Action,
    /// Values that are made before the step, in this order.
    pub(in crate::application) computed: Vec<Computed>,
    /// Names for templates, and where their values stand in the answer.
    pub(in crate::application) values: BTreeMap<String, Source>,
    pub(in crate::application) until: Option<Until>,
    /// `None`: the description does not say.
    pub(in crate::application) success: Option<Success>,
}

/// What a step does.
#[derive(Clone, Debug)]
pub(in crate::application) enum Action {
    Request {
        endpoint: Endpoint,
        /// Whether redirects on the same server are followed.
        follow: bool,
    },
    /// A program of the user's own and its arguments.
    Command(Vec<String>),
}

/// A step as it is written.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    rename = "Step",
    description = "A step: a request, or a program of your own.",
    extend("oneOf" = [{"required": ["request"]}, {"required": ["command"]}])
)]
pub(super) struct StepFile {
    /// The request.
    pub(super) request: Option<Endpoint>,
    /// Instead of a request: a program of your own and its arguments. It gets the values so far as JSON on standard input.
    pub(super) command: Option<Vec<String>>,
    /// Whether redirects on the same server are followed.
    #[serde(default)]
    pub(super) follow: bool,
    /// Values that are made before the step, in this order.
    #[serde(default)]
    pub(super) computed: Vec<Computed>,
    /// Names for values, and where they stand in the answer.
    #[serde(default)]
    pub(super) values: BTreeMap<String, Source>,
    /// Repeat the step until `success` holds.
    pub(super) until: Option<Until>,
    /// When the step has worked. Left out: with a status of 200 to 299.
    pub(super) success: Option<Success>,
}

impl TryFrom<StepFile> for Step {
    type Error = String;

    fn try_from(file: StepFile) -> Result<Self, String> {
        let StepFile { request, command, follow, computed, values, until, success } = file;
        let action = match (request, command) {
            (Some(endpoint), None) => Action::Request { endpoint, follow },
            (None, Some(_)) if follow => {
                return Err(own_message(text!("`follow` is about redirects, and a command has none")));
            }
            (None, Some(command)) if command.first().is_some_and(|program| !program.trim().is_empty()) => {
                Action::Command(command)
            }
            (None, Some(_)) => return Err(own_message(text!("the command is empty: write [\"./step.sh\"]"))),
            (Some(_), Some(_)) => {
                return Err(own_message(text!("a step has a request or a command, not both")));
            }
            (None, None) => return Err(own_message(text!("a step needs a request or a command"))),
        };
        Ok(Self { action, computed, values, until, success })
    }
}

impl Step {
    /// The request, unless the step is a command.
    pub(in crate::application) fn endpoint(&self) -> Option<&Endpoint> {
        match &self.action {
            Action::Request { endpoint, .. } => Some(endpoint),
            Action::Command(_) => None,
        }
    }

    /// The names that its templates use.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let endpoint = self.endpoint().into_iter().flat_map(Endpoint::names);
        endpoint.chain(self.computed.iter().flat_map(Computed::names))
    }

    /// Whether the step uses a value with this name. A command gets all values.
    pub(in crate::application) fn uses(&self, name: &str) -> bool {
        match &self.action {
            Action::Request { .. } => self.names().any(|used| used == name),
            Action::Command(_) => true,
        }
    }
}

/// A step is repeated until its conditions hold.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::application) struct Until {
    /// The time after which the conditions are taken not to hold, in seconds.
    #[serde(deserialize_with = "seconds")]
    #[schemars(with = "f64", range(min = MIN_PAUSE, max = MAX_WAIT))]
    pub(in crate::application) within: Duration,
    /// The pause between two attempts, in seconds.
    #[serde(default = "default_pause", deserialize_with = "seconds")]
    #[schemars(with = "Option<f64>", range(min = MIN_PAUSE, max = MAX_WAIT), extend("default" = DEFAULT_PAUSE))]
    pub(in crate::application) every: Duration,
    /// Conditions that end the attempts early: the application has refused.
    pub(in crate::application) stop: Option<Success>,
}

fn default_pause() -> Duration {
    Duration::from_secs_f64(DEFAULT_PAUSE)
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    if (MIN_PAUSE..=MAX_WAIT).contains(&seconds) {
        return Ok(Duration::from_secs_f64(seconds));
    }
    Err(de::Error::custom(own_message(text!(
        "{seconds} seconds: write a number from {least} to {most}",
        seconds = seconds,
        least = MIN_PAUSE,
        most = MAX_WAIT
    ))))
}

/// A request.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::application) struct Endpoint {
    /// The HTTP method. Left out: POST.
    #[serde(default, deserialize_with = "method")]
    #[schemars(with = "Option<String>")]
    pub(in crate::application) method: Option<Method>,
    /// A path, or an address of the same server.
    pub(in crate::application) url: String,
    /// Its headers. Cookies are sent as browsers do, unless one of them is `Cookie`.
    #[serde(default)]
    pub(in crate::application) headers: BTreeMap<String, String>,
    /// Its body. The values in it are escaped for JSON, a form or a plain text, as the header Content-Type or its beginning says.
    #[serde(default)]
    pub(in crate::application) body: Option<String>,
}

impl Endpoint {
    /// Whether a template uses this name.
    pub(in crate::application) fn uses(&self, name: &str) -> bool {
        self.names().any(|used| used == name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        [&self.url].into_iter().chain(self.headers.values()).chain(&self.body).flat_map(|text| names(text))
    }

    /// Whether the description itself says which cookies are sent.
    pub(in crate::application) fn names_cookies(&self) -> bool {
        self.headers.keys().any(|name| name.eq_ignore_ascii_case("cookie"))
    }

    /// The method; POST by default.
    pub(in crate::application) fn method(&self) -> Method {
        self.method.clone().unwrap_or(Method::POST)
    }

    /// How values are written in the body.
    pub(in crate::application) fn body_encoding(&self) -> Encoding {
        match self.content_type().as_deref().or(self.guessed_content_type()) {
            Some(kind) if kind.contains("json") => Encoding::Json,
            Some(kind) if kind.contains("x-www-form-urlencoded") => Encoding::Form,
            Some(_) | None => Encoding::Plain,
        }
    }

    /// The body's content type, guessed if no header names one.
    pub(in crate::application) fn guessed_content_type(&self) -> Option<&'static str> {
        let body = self.body.as_deref().filter(|_| self.content_type().is_none())?.trim_start();
        let begins_as_form = || {
            let (name, _) = body.split_once('=')?;
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.[]".contains(&byte);
            (!name.is_empty() && name.bytes().all(is_name)).then_some(())
        };
        let begins_as_json = body.starts_with(['{', '[']) && !body.starts_with("{{");
        if begins_as_json {
            Some("application/json")
        } else {
            begins_as_form().map(|()| "application/x-www-form-urlencoded")
        }
    }

    /// The same request with the result as an object instead of a string; `None` if the body does not contain it as a
    /// JSON string.
    pub(in crate::application) fn with_object(&self, json: &str) -> Option<Self> {
        let body = self.body.as_ref().filter(|_| self.body_encoding() == Encoding::Json)?;
        let changed = ["\"{{resultJSON}}\"", "\"{{ resultJSON }}\""]
            .iter()
            .find(|quoted| body.contains(**quoted))
            .map(|quoted| body.replace(quoted, json))?;
        Some(Self { body: Some(changed), ..self.clone() })
    }

    /// The `Content-Type` header in lower case.
    fn content_type(&self) -> Option<String> {
        let header = self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        header.map(|(_, value)| value.to_ascii_lowercase())
    }
}

fn method<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Method>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(|_| {
        de::Error::custom(own_message(text!("not an HTTP method: write GET, POST or another name")))
    })
}
