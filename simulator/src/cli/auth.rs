//! `soter-sim auth`: one authentication, with the dialog on standard error.

use std::io::{self, IsTerminal};
use std::sync::Arc;

use soter_bridge::protocol::sensor::SensorMode;
use soter_bridge::protocol::{CommandError, Request, Service, device};

use crate::front::{self, Answer, Pending, Screen};
use crate::grammar::Errand;

/// Asks for the touch where there is a person, or lets the script or the sensor touch.
///
/// # Errors
/// The user's if nobody can touch, the service's otherwise.
pub(super) async fn authenticate<S: Service>(
    service: &Arc<S>,
    errand: Errand,
) -> Result<Answer, CommandError> {
    let has_terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
    if !has_terminal && waits_for_person(service, &errand).await? {
        return Err(CommandError::invalid_params(
            "nobody can touch: there is no --touch, and no terminal for the dialog",
            "add --touch 1, or let the phone touch by itself with `sensor auto`",
        ));
    }
    let errand = front::with_usual_mode(service, errand).await?;
    let mut pending = Pending::start(service, errand);
    let callback = front::authenticate_at(Screen::Error, service, &mut pending).await?;
    Ok(pending.conclude(callback, true).await)
}

async fn waits_for_person<S: Service>(service: &Arc<S>, errand: &Errand) -> Result<bool, CommandError> {
    if let Request::StartSoterAuthentication(request) = &errand.call.request
        && request.touch.is_some()
    {
        return Ok(false);
    }
    // The list tells without switching the phone on: a usage error changes nothing.
    let listed = service.request(None, device::List {}).await?;
    let name = errand.call.device.as_ref().unwrap_or(&listed.selected);
    let phone = listed.devices.iter().find(|phone| phone.name == *name);
    // A phone that does not exist is the call's to refuse.
    Ok(phone.is_some_and(|phone| phone.sensor == SensorMode::Ask))
}
