//! `soter-sim auth` and `soter-sim pay`: one call that shows a dialog, which is on standard error.

use std::io::{self, IsTerminal};
use std::sync::Arc;

use soter_bridge::protocol::sensor::SensorMode;
use soter_bridge::protocol::{CommandError, Service};
use soter_text::text;

use crate::front::{self, Answer, Pending, Screen, find_device};
use crate::grammar::PreparedCall;

/// Carries out a call that shows a dialog. The touch comes from the script, from the sensor, or from a person at the terminal.
///
/// # Errors
/// `InvalidParams` if nobody can touch. Those of [`front::wait_with_dialog`].
pub(super) async fn perform<S: Service>(
    service: &Arc<S>,
    prepared_call: PreparedCall,
) -> Result<Answer, CommandError> {
    let has_terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
    if !has_terminal && waits_for_person(service, &prepared_call).await? {
        return Err(CommandError::invalid_params(
            text!("nobody can touch: there is no --touch, and no terminal for the dialog"),
            text!("add --touch 1, or let the phone touch by itself with `sensor auto`"),
        ));
    }
    let prepared_call = front::with_default_mode(service, prepared_call).await?;
    let mut pending = Pending::start(service, prepared_call);
    let response = front::wait_with_dialog(Screen::Error, service, &mut pending).await?;
    Ok(pending.conclude(response, true).await)
}

async fn waits_for_person<S: Service>(
    service: &Arc<S>,
    prepared_call: &PreparedCall,
) -> Result<bool, CommandError> {
    if front::touches_of_call(&prepared_call.call.request).is_some() {
        return Ok(false);
    }
    // The list does not switch the phone on, so a usage error changes nothing.
    let phone = find_device(&**service, prepared_call.call.device.as_deref()).await?;
    // If the phone does not exist, the call itself fails.
    Ok(phone.is_some_and(|phone| phone.sensor == SensorMode::Ask))
}
