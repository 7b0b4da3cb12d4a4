//! Which language this process speaks.

use std::env::{self, VarError};
use std::ffi::OsString;

use soter_bridge::protocol::CommandError;
use soter_text::{Language, Text, text};
use soter_wire::shortened;

use crate::grammar::{self, EarlyOptions};

/// The variable that chooses the language where `--lang` does not.
const VARIABLE: &str = "SOTER_SIM_LANG";

/// The language that the arguments, the environment or the locale ask for. Machine output is English.
///
/// The arguments are not parsed yet, because what is wrong with them is told in that language. A `--lang` that is not a language
/// here is refused when they are parsed.
///
/// # Errors
/// `InvalidParams` if the variable decides, and is not a language. An empty variable counts as not set.
pub(super) fn choose(arguments: &[OsString]) -> Result<Language, CommandError> {
    let EarlyOptions { language, json } = EarlyOptions::read(&grammar::command_line(), arguments);
    if json {
        return Ok(Language::English);
    }
    match language.as_deref().and_then(Language::from_tag) {
        Some(language) => Ok(language),
        None => Ok(of_variable(env::var(VARIABLE))?.unwrap_or_else(Language::of_locale)),
    }
}

fn of_variable(variable: Result<String, VarError>) -> Result<Option<Language>, CommandError> {
    match variable {
        Ok(tag) if !tag.trim().is_empty() => match Language::from_tag(&tag) {
            Some(language) => Ok(Some(language)),
            None => Err(refused(&text!("`{tag}` is not a language of soter-sim", tag = shortened(&tag, 40)))),
        },
        Ok(_) | Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(refused(&text!("it is not UTF-8"))),
    }
}

fn refused(reason: &Text) -> CommandError {
    CommandError::invalid_params(
        text!("the language in {source} cannot be used: {reason}", source = VARIABLE, reason = reason),
        text!(
            "set {source} to {languages}, or leave it out for the language of the locale",
            source = VARIABLE,
            languages = Language::ALL.map(Language::tag).join(", ")
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_names_a_language_or_is_refused() {
        for (tag, language) in [
            ("zh-CN", Some(Language::Chinese)),
            ("en_US.UTF-8", Some(Language::English)),
            ("", None),
            (" ", None),
        ] {
            assert_eq!(of_variable(Ok(tag.to_owned())).unwrap(), language, "{tag}");
        }
        assert_eq!(of_variable(Err(VarError::NotPresent)).unwrap(), None);
        let error = of_variable(Ok("zz".to_owned())).unwrap_err();
        assert!(
            error.what.english().contains("`zz`") && error.next.english().contains("en, zh-CN"),
            "{error}"
        );
    }

    #[test]
    fn machine_output_is_english_in_every_locale() {
        let arguments = ["soter-sim", "keys", "--json", "--lang", "zh-CN"].map(OsString::from);
        assert_eq!(choose(&arguments).unwrap(), Language::English);
    }
}
