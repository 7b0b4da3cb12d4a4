//! `soter-sim rpc METHOD`: any method of a running server.

use serde_json::{Map, Value};
use soter_bridge::Connection;
use soter_bridge::protocol::CommandError;
use soter_text::{Language, text};

use crate::front::{Console, Exit};
use crate::grammar::{Options, Rpc, check_names};

use super::setup;

/// Calls the method and prints its result as one line of JSON.
///
/// # Errors
/// `InvalidParams` if no server is named or the parameters are not a JSON object. Those of [`Connection::open`] and
/// [`Connection::raw`]. `Environment` if the answer cannot be written.
pub(super) fn run(rpc: &Rpc, options: &Options, console: &mut Console) -> Result<Exit, CommandError> {
    let Some(url) = &options.connect else {
        return Err(CommandError::invalid_params(
            text!("`rpc` needs a server to call"),
            text!("add --connect URL, as the server's ready line has it; without a server, use `call`"),
        ));
    };
    let mut params = match &rpc.params {
        None => Map::new(),
        Some(text) => {
            check_names(text)?;
            serde_json::from_str(text).map_err(|error| {
                CommandError::invalid_params(
                    text!("the parameters are not a JSON object: {error}", error = error.to_string()),
                    text!("write them as one argument, for example '{{\"touch\":1}}'"),
                )
            })?
        }
    };
    if let Some(device) = &options.device {
        params.entry("device").or_insert_with(|| device.as_str().into());
    }
    let result = setup::runtime()?.block_on(async {
        // The result is for programs.
        let connection = Connection::open_in_language(url.expose(), None, Language::English).await?;
        connection.raw(&rpc.method, Value::Object(params)).await
    })?;
    console.write_answer(&result.to_string())?;
    Ok(if is_negative(&result) { Exit::Negative } else { Exit::Good })
}

/// Whether the result has a code that is not zero, or a signature that does not verify.
fn is_negative(result: &Value) -> bool {
    let code = |name: &str| result.get(name).and_then(Value::as_i64).is_some_and(|code| code != 0);
    code("errCode") || code("resultCode") || result.get("valid") == Some(&Value::Bool(false))
}
