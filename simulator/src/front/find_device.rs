//! Looks a phone up among any number of them, without switching it on.

use soter_bridge::protocol::device::{List, MAX_LIST_LIMIT, Summary};
use soter_bridge::protocol::{CommandError, Service};

/// The phone of this name, or the selected one. `None` if no phone has this name.
///
/// # Errors
/// Those of [`Service::call`].
pub(crate) async fn find_device(
    service: &impl Service,
    name: Option<&str>,
) -> Result<Option<Summary>, CommandError> {
    let name = match name {
        Some(name) => name.to_owned(),
        None => selected_device(service).await?,
    };
    let list = List { prefix: Some(name.clone()), limit: Some(MAX_LIST_LIMIT), after: None };
    let listed = service.request(None, list).await?.devices;
    Ok(listed.into_iter().find(|device| device.name == name))
}

/// The name of the selected phone.
///
/// # Errors
/// Those of [`Service::call`].
pub(crate) async fn selected_device(service: &impl Service) -> Result<String, CommandError> {
    let list = List { limit: Some(1), ..List::default() };
    Ok(service.request(None, list).await?.selected)
}
