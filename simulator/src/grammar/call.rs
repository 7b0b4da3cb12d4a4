//! `call`: any method of the protocol, by its name.

use clap::Args;
use serde_json::Value;
use soter_bridge::protocol::{Call, CommandError};
use soter_text::text;
use soter_wire::json::duplicate_name;

use super::prepared_call::PreparedCall;

/// `call METHOD [PARAMS]`.
#[derive(Args, Clone, Debug)]
pub(crate) struct CallMethod {
    /// The method's name, for example keys.list
    #[arg(value_name = "METHOD")]
    method: String,
    /// Its parameters, a JSON object; `device` names the phone
    #[arg(value_name = "PARAMS")]
    params: Option<String>,
}

impl CallMethod {
    /// The protocol call for this command.
    ///
    /// # Errors
    /// `InvalidParams` if the parameters are not JSON or do not fit the method, `UnknownMethod` if there is no such
    /// method.
    pub(super) fn prepared_call(self) -> Result<PreparedCall, CommandError> {
        let params = match &self.params {
            None => Value::Null,
            Some(text) => {
                check_names(text)?;
                serde_json::from_str(text).map_err(|error| {
                    CommandError::invalid_params(
                        text!("the parameters are not JSON: {error}", error = error.to_string()),
                        text!(
                            "write them as an object, for example: {example}",
                            example = "call sensor.touch {\"touch\": 1}"
                        ),
                    )
                })?
            }
        };
        // A method without parameters expects an empty object, not null.
        let params = if params.is_null() { Value::Object(serde_json::Map::new()) } else { params };
        let call = Call::parse(&self.method, params)?;
        Ok(PreparedCall { call, use_default_mode: false, verbatim: true, raw: None })
    }
}

/// Refuses JSON with an object in which a name occurs twice, because it is unclear which value is meant.
///
/// # Errors
/// `InvalidParams` in that case.
pub(crate) fn check_names(params: &str) -> Result<(), CommandError> {
    match duplicate_name(params) {
        None => Ok(()),
        Some(name) => Err(CommandError::invalid_params(
            text!("the parameters have two members `{name}`", name = name),
            text!("write each member once"),
        )),
    }
}
