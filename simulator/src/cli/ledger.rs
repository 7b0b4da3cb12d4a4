//! The ledger that several servers share, if the options or the environment name one.

use std::env::{VarError, var};

use soter_bridge::protocol::CommandError;
use soter_text::text;
use soter_wechat::{BadNamespace, Namespace, PostgresLedger, Secret};

use crate::grammar::Serve;

/// The address, if `--ledger` does not give it.
const ADDRESS_VARIABLE: &str = "SOTER_SIM_LEDGER";
/// The namespace, if `--ledger-namespace` does not give it.
const NAMESPACE_VARIABLE: &str = "SOTER_SIM_LEDGER_NAMESPACE";

/// Connects to the shared ledger. `None` if neither the options nor the environment name one.
///
/// # Errors
/// `InvalidParams` if a namespace is given without a ledger, or a variable cannot be read. `Environment` if the ledger cannot be
/// used.
pub(super) async fn connect(serve: &Serve) -> Result<Option<PostgresLedger>, CommandError> {
    let address = match &serve.ledger {
        Some(address) => Some(address.clone()),
        None => read_variable(ADDRESS_VARIABLE)?.map(Secret::from),
    };
    let Some(address) = address else {
        if serve.ledger_namespace.is_some() {
            return Err(CommandError::invalid_params(
                text!("--ledger-namespace needs the address of a ledger that servers share"),
                text!("add --ledger postgres://USER:PASSWORD@HOST/DATABASE, or leave --ledger-namespace out"),
            ));
        }
        return Ok(None);
    };
    let namespace = match &serve.ledger_namespace {
        Some(namespace) => namespace.clone(),
        None => namespace_from_environment()?,
    };
    Ok(Some(PostgresLedger::connect(&address, namespace).await?))
}

fn namespace_from_environment() -> Result<Namespace, CommandError> {
    let Some(name) = read_variable(NAMESPACE_VARIABLE)? else { return Ok(Namespace::default()) };
    name.parse().map_err(|error: BadNamespace| {
        CommandError::invalid_params(
            text!("the variable {name}: {error}", name = NAMESPACE_VARIABLE, error = error.text()),
            text!("choose another name, for example default or pr-1234"),
        )
    })
}

/// The value of a variable of the environment. An empty one counts as missing.
fn read_variable(name: &str) -> Result<Option<String>, CommandError> {
    match var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(CommandError::invalid_params(
            text!("the variable {name} is not UTF-8", name = name),
            text!("set it to printable characters, or unset it"),
        )),
    }
}
