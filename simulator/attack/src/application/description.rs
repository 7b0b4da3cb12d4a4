//! The description of an application in a TOML file.

use std::collections::BTreeMap;

use regex::Regex;
use reqwest::Method;
use reqwest::header::HeaderName;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use soter_bridge::protocol::CommandError;
use soter_bridge::toml_file;
use soter_wire::shortened;

use super::pointer::Pointer;
use super::template::{Encoding, Values, fill_template, names};
use crate::http::Http;

/// A commented description to start with.
pub const INITIAL: &str = include_str!("initial.toml");

/// The names that templates of every request may use.
const BUILT_IN_NAMES: [&str; 2] = ["code", "openid"];
/// The names that the templates of a result may use in addition.
const RESULT_NAMES: [&str; 3] = ["challenge", "resultJSON", "resultJSONSignature"];

/// How to talk to an application.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// Its address, such as `http://127.0.0.1:3000`.
    pub url: String,
    /// Whether it is a service in WeChat Cloud Run: each request has the platform's headers about its user.
    #[serde(default)]
    pub cloudrun: bool,
    /// How a user logs in; absent if there are no logins.
    #[serde(default)]
    pub(super) login: Option<Login>,
    /// How a user logs out.
    #[serde(default)]
    pub(super) logout: Option<Endpoint>,
    /// How an order gets its challenge.
    pub(super) challenge: IssuedChallenge,
    /// Where a result is posted.
    pub(super) result: PostedResult,
    /// How the application is restarted.
    #[serde(default)]
    pub(super) restart: Option<Restart>,
}

/// A request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Endpoint {
    #[serde(default, deserialize_with = "method")]
    pub(super) method: Option<Method>,
    /// A path, or an address of the same server.
    pub(super) url: String,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) body: Option<String>,
}

/// The login request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    pub(super) request: Endpoint,
    /// Names for templates, and the pointers to their values in the answer.
    #[serde(default)]
    pub(super) values: BTreeMap<String, Pointer>,
    #[serde(default)]
    pub(super) success: Success,
}

/// The request for a challenge. Without a pointer and a regex, the whole body of the answer is the challenge.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IssuedChallenge {
    pub(super) request: Endpoint,
    /// The pointer to the challenge in the answer.
    #[serde(default)]
    pub(super) challenge: Option<Pointer>,
    /// A regular expression whose first group is the challenge.
    #[serde(default, deserialize_with = "regex_with_group")]
    pub(super) challenge_regex: Option<Regex>,
    /// Names for templates, and the pointers to their values in the answer.
    #[serde(default)]
    pub(super) values: BTreeMap<String, Pointer>,
}

/// The request that sends a result.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PostedResult {
    pub(super) request: Endpoint,
    pub(super) success: Success,
}

/// The conditions under which an answer means success. All that are given must hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Success {
    /// The HTTP status; absent: 200 to 299.
    #[serde(default)]
    pub(super) status: Option<u16>,
    /// A pointer into the answer, at which a value is checked.
    #[serde(default)]
    pub(super) pointer: Option<Pointer>,
    /// The value at the pointer; absent: anything but null and false.
    #[serde(default)]
    pub(super) value: Option<Value>,
    /// A regular expression that the body must match.
    #[serde(default, deserialize_with = "regex")]
    pub(super) regex: Option<Regex>,
}

/// How to restart the application.
#[derive(Clone, Debug, Deserialize)]
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
    /// name is invalid, or a template uses an unknown name.
    pub fn read(text: &str) -> Result<Self, CommandError> {
        let application: Self = toml_file::parse(text).map_err(|what| {
            CommandError::invalid_params(
                format!("the description, {what}"),
                "`soter-sim audit --init` writes one with comments",
            )
        })?;
        application.check()?;
        Ok(application)
    }

    /// Checks that every address is on one server.
    ///
    /// # Errors
    /// `InvalidParams` if an address is on another server or is not an address.
    pub fn check_addresses(&self, http: &Http) -> Result<(), CommandError> {
        let requests = [&self.challenge.request, &self.result.request].into_iter();
        let requests = requests.chain(self.login.iter().map(|login| &login.request)).chain(&self.logout);
        // Values cannot lead to another server, because they are percent-encoded in an address.
        for endpoint in requests {
            http.check(&fill_template(&endpoint.url, &Values::new(), Encoding::Address))?;
        }
        self.restart.iter().flat_map(|restart| &restart.ready).try_for_each(|ready| http.check(ready))
    }

    /// Checks what TOML and the types do not guarantee.
    fn check(&self) -> Result<(), CommandError> {
        let login_names: Vec<&str> =
            self.login.iter().flat_map(|login| login.values.keys()).map(String::as_str).collect();
        let challenge_names: Vec<&str> = self.challenge.values.keys().map(String::as_str).collect();
        let common_names = [&BUILT_IN_NAMES[..], &login_names].concat();
        if let Some(login) = &self.login {
            check("login", &login.request, &BUILT_IN_NAMES)?;
        }
        if let Some(logout) = &self.logout {
            check("logout", logout, &common_names)?;
        }
        check("challenge", &self.challenge.request, &common_names)?;
        check(
            "result",
            &self.result.request,
            &[&common_names[..], &challenge_names, &RESULT_NAMES].concat(),
        )?;
        let result = &self.result.request;
        for name in ["resultJSON", "resultJSONSignature"] {
            if !result.uses(name) {
                return Err(CommandError::invalid_params(
                    format!("the description: the request of [result] has no {{{{{name}}}}}"),
                    "put it where the application expects it, in the body or in the address",
                ));
            }
        }
        if self.restart.as_ref().is_some_and(|restart| restart.command.trim().is_empty()) {
            return Err(CommandError::invalid_params(
                "the description: [restart] has an empty command, which restarts nothing",
                "name a command that restarts the application, or leave [restart] out",
            ));
        }
        if self.challenge.challenge.is_some() && self.challenge.challenge_regex.is_some() {
            return Err(CommandError::invalid_params(
                "the description: [challenge] has challenge and challenge_regex",
                "say in one way where the challenge stands",
            ));
        }
        if self.result.success.value.is_some() && self.result.success.pointer.is_none() {
            return Err(CommandError::invalid_params(
                "the description: [result.success] has a value and no pointer",
                "say where the value stands, for example pointer = \"/ok\"",
            ));
        }
        Ok(())
    }
}

impl Endpoint {
    /// Whether a template uses this name.
    pub(super) fn uses(&self, name: &str) -> bool {
        self.names().any(|used| used == name)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        [&self.url].into_iter().chain(self.headers.values()).chain(&self.body).flat_map(|text| names(text))
    }

    /// The method; POST by default.
    pub(super) fn method(&self) -> Method {
        self.method.clone().unwrap_or(Method::POST)
    }

    /// How values are written in the body.
    pub(super) fn body_encoding(&self) -> Encoding {
        match self.content_type().as_deref().or(self.guessed_content_type()) {
            Some(kind) if kind.contains("json") => Encoding::Json,
            Some(kind) if kind.contains("x-www-form-urlencoded") => Encoding::Form,
            Some(_) | None => Encoding::Plain,
        }
    }

    /// The body's content type, guessed if no header names one.
    pub(super) fn guessed_content_type(&self) -> Option<&'static str> {
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
    pub(super) fn with_object(&self, json: &str) -> Option<Self> {
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

fn check(section: &str, endpoint: &Endpoint, known: &[&str]) -> Result<(), CommandError> {
    if let Some(name) = endpoint.headers.keys().find(|name| HeaderName::from_bytes(name.as_bytes()).is_err())
    {
        let shown = shortened(name, 40);
        return Err(CommandError::invalid_params(
            format!("the description: [{section}] has a header `{}`", shown.escape_debug()),
            "header names are letters, digits and hyphens",
        ));
    }
    match endpoint.names().find(|name| !known.contains(name)) {
        None => Ok(()),
        Some(name) => {
            let shown = shortened(name, 40);
            Err(CommandError::invalid_params(
                format!(
                    "the description: [{section}] uses {{{{{}}}}}, which nothing gives",
                    shown.escape_debug()
                ),
                format!("names there: {}", known.join(", ")),
            ))
        }
    }
}

fn method<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Method>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(|_| de::Error::custom("no HTTP method: write GET, POST or another name"))
}

fn regex_with_group<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Regex>, D::Error> {
    let regex = regex(deserializer)?;
    if regex.as_ref().is_some_and(|regex| regex.captures_len() < 2) {
        return Err(de::Error::custom("the expression has no group: put what is wanted into ( )"));
    }
    Ok(regex)
}

fn regex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Regex>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Regex::new(&text).map(Some).map_err(|error| {
        let what = error.to_string();
        de::Error::custom(what.lines().last().unwrap_or("no regular expression").to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_initial_description_is_valid() {
        let application = Application::read(INITIAL).unwrap();
        assert_eq!(application.url, "http://127.0.0.1:3000");
        assert!(application.login.is_some());
    }

    #[test]
    fn the_error_for_an_invalid_description_names_the_line_or_the_field() {
        for (from, to, expected) in [
            ("url = \"http", "ur = \"http", "line 15: unknown field `ur`"),
            (
                "method = \"POST\"\nurl = \"/login\"",
                "method = \"a b\"\nurl = \"/login\"",
                "line 23: no HTTP method",
            ),
            (
                "session = \"/session\"",
                "session = \"session\"",
                "line 29: `session` is no JSON pointer: write /session",
            ),
            ("challenge = \"/challenge\"", "challenge_regex = \"x\"", "line 40: the expression has no group"),
            (
                "challenge = \"/challenge\"",
                "challenge = \"/a\"\nchallenge_regex = \"(x)\"",
                "challenge and challenge_regex",
            ),
            (
                "{ Authorization = \"Bearer {{session}}\" }\nbody = '{\"amount",
                "{ \"a b\" = \"c\" }\nbody = '{\"amount",
                "header `a b`",
            ),
            ("{{session}}", "{{sesion}}", "sesion"),
            ("{{resultJSON}}", "x", "resultJSON"),
            ("pointer = \"/paid\"", "", "no pointer"),
        ] {
            let error = Application::read(&INITIAL.replace(from, to)).unwrap_err();
            assert!(error.what.contains(expected), "{from}: {error:?}");
        }
        let bad = INITIAL.replace("[result.success]", "[result.success]\nregex = \"(\"");
        assert!(Application::read(&bad).unwrap_err().what.contains("line"));
    }

    #[test]
    fn the_encoding_of_a_body_without_a_content_type_is_guessed_from_its_text() {
        for (body, place) in [
            ("{\"r\":\"{{resultJSON}}\"}", Encoding::Json),
            ("r={{resultJSON}}&s={{resultJSONSignature}}", Encoding::Form),
            ("{{resultJSON}}", Encoding::Plain),
            ("<r a='b'/>", Encoding::Plain),
        ] {
            let body = Some(body.to_owned());
            let endpoint = Endpoint { method: None, url: "/".to_owned(), headers: BTreeMap::new(), body };
            assert_eq!(endpoint.body_encoding(), place, "{endpoint:?}");
        }
    }

    #[test]
    fn an_object_replaces_the_string_and_its_quotation_marks() {
        let endpoint = Endpoint {
            method: None,
            url: "/".to_owned(),
            headers: BTreeMap::new(),
            body: Some(r#"{"r":"{{resultJSON}}"}"#.to_owned()),
        };
        assert_eq!(endpoint.with_object(r#"{"a":1}"#).unwrap().body.unwrap(), r#"{"r":{"a":1}}"#);
        assert!(
            Endpoint { body: Some("r={{resultJSON}}".to_owned()), ..endpoint }.with_object("{}").is_none()
        );
    }
}
