//! Checks that every template uses names that have a value when it is filled.

use reqwest::header::HeaderName;
use soter_bridge::protocol::CommandError;
use soter_text::text;
use soter_wire::shortened;

use super::computed::Computed;
use super::section::Section;
use super::source::Source;
use super::step::{Endpoint, Step};
use super::success::Success;
use crate::application::phone_keys;
use crate::application::result_parts::MEMBERS;

/// The names that every template may use.
const BUILT_IN_NAMES: [&str; 6] = ["code", "openid", "user", "timestamp", "timestampMs", "nonce"];
/// Those of them that a user has.
const OF_USER: [&str; 3] = ["code", "openid", "user"];
/// What the names of values begin with that another user's login has given.
pub(in crate::application) const OTHER_PREFIX: &str = "other.";
/// The names that `[clock]` may use: how far the application's clock is to be ahead of the real time.
pub(in crate::application) const CLOCK_NAMES: [&str; 2] = ["ahead", "aheadMs"];
/// The names that the templates of a result may use in addition, besides the members of `resultJSON`.
pub(in crate::application) const RESULT_NAMES: [&str; 4] =
    ["challenge", "resultJSON", "resultJSONSignature", "authMode"];

/// Whether a name has a meaning of its own at some place, so that no value should be called so.
pub(crate) fn is_built_in_name(name: &str) -> bool {
    let lists = [&BUILT_IN_NAMES[..], &RESULT_NAMES, &MEMBERS, &phone_keys::NAMES, &Computed::REQUEST_PARTS];
    lists.into_iter().any(|names| names.contains(&name)) || name == Computed::SORTED
}

/// The names that have values at some place.
#[derive(Clone, Debug)]
struct Known<'a> {
    names: Vec<&'a str>,
    /// Those that another user's login gives as well.
    of_login: Vec<&'a str>,
}

/// Checks the names of all templates, and the names of headers.
///
/// # Errors
/// `InvalidParams` if a name has no value at its place, or a header's name is invalid.
pub(super) fn check(
    login: Option<&Section>,
    logout: Option<&Endpoint>,
    enroll: Option<&Section>,
    clock: Option<&Section>,
    challenge: &Section,
    result: &Section,
) -> Result<(), CommandError> {
    let mut known = Known { names: BUILT_IN_NAMES.to_vec(), of_login: Vec::new() };
    if let Some(section) = clock {
        let mut known = known.clone();
        known.names.retain(|name| !OF_USER.contains(name));
        known.names.extend(CLOCK_NAMES);
        check_section("clock", section, &known)?;
    }
    if let Some(login) = login {
        check_section("login", login, &known)?;
        known.names.extend(login.value_names());
    }
    known.of_login.extend(["openid", "user"]);
    known.of_login.extend(login.into_iter().flat_map(Section::value_names));
    if let Some(logout) = logout {
        check_headers("logout", logout)?;
        check_names("logout", logout.names(), &known)?;
    }
    if let Some(enroll) = enroll {
        let mut known = known.clone();
        known.names.extend(phone_keys::NAMES);
        check_section("enroll", enroll, &known)?;
    }
    check_section("challenge", challenge, &known)?;
    known.names.extend(challenge.value_names());
    known.names.extend(RESULT_NAMES);
    known.names.extend(MEMBERS);
    check_section("result", result, &known)
}

/// Checks a section. What it computes has a value in it alone.
fn check_section(name: &str, section: &Section, known: &Known<'_>) -> Result<(), CommandError> {
    let mut known = known.clone();
    for step in section.steps() {
        check_step(name, step, &mut known)?;
    }
    let conditions = section.judged().into_iter().chain(&section.answer).flat_map(Success::names);
    check_names(name, conditions.chain(section.challenge.iter().flat_map(Source::names)), &known)
}

fn check_step<'a>(section: &str, step: &'a Step, known: &mut Known<'a>) -> Result<(), CommandError> {
    for computed in &step.computed {
        check_names(section, computed.names(), known)?;
        known.names.push(&computed.name);
    }
    if let Some(endpoint) = step.endpoint() {
        check_headers(section, endpoint)?;
        check_names(section, endpoint.names(), known)?;
    }
    for source in step.values.values() {
        check_names(section, source.names(), known)?;
    }
    known.names.extend(step.values.keys().map(String::as_str));
    let refusals = step.until.iter().flat_map(|until| &until.stop);
    let conditions = step.success.iter().chain(refusals);
    check_names(section, conditions.flat_map(Success::names), known)
}

fn check_headers(section: &str, endpoint: &Endpoint) -> Result<(), CommandError> {
    let wrong = endpoint.headers.keys().find(|name| HeaderName::from_bytes(name.as_bytes()).is_err());
    wrong.map_or(Ok(()), |name| {
        let shown = shortened(name, 40);
        Err(CommandError::invalid_params(
            text!(
                "the description: [{section}] has a header `{name}`",
                section = section,
                name = shown.escape_debug()
            ),
            text!("header names are letters, digits and hyphens"),
        ))
    })
}

fn check_names<'a>(
    section: &str,
    mut names: impl Iterator<Item = &'a str>,
    known: &Known<'_>,
) -> Result<(), CommandError> {
    let is_known = |name: &&str| match name.strip_prefix(OTHER_PREFIX) {
        Some(of_other) => known.of_login.contains(&of_other),
        None => known.names.contains(name),
    };
    names.find(|name| !is_known(name)).map_or(Ok(()), |name| {
        let shown = shortened(name, 40);
        Err(CommandError::invalid_params(
            text!(
                "the description: [{section}] uses {name}, which nothing gives",
                section = section,
                name = format!("{{{{{}}}}}", shown.escape_debug())
            ),
            text!("names there: {names}", names = known.names.join(", ")),
        ))
    })
}
