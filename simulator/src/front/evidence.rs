//! The evidence of a signed result: text, key, counter, and whether it verifies.

use std::sync::Arc;

use soter_bridge::protocol::keys::{self, Key};
use soter_bridge::protocol::verify::{Verdict, VerifySignature};
use soter_bridge::protocol::wx::SoterAuthentication;
use soter_bridge::protocol::{CommandError, Event, Service};
use soter_wire::SignatureScheme;

/// What was signed, with which key, and whether it verifies.
#[derive(Clone, Debug)]
pub(crate) struct Evidence {
    /// The signed challenge.
    pub(crate) raw: Option<String>,
    /// The counter in the result.
    pub(crate) counter: u64,
    /// The key that signed.
    pub(crate) key: Key,
    /// The scheme of the signature.
    pub(crate) scheme: SignatureScheme,
    /// The result of verifying it with that key's public half.
    pub(crate) verdict: Verdict,
}

/// Gathers the evidence of a success from the events during the call. `None` for a failure, or if the events of the
/// signature were missed.
///
/// # Errors
/// Those of [`Service::call`].
/// The service's.
pub(crate) async fn find_evidence<S: Service>(
    service: &Arc<S>,
    callback: &SoterAuthentication,
    past_events: &[Event],
) -> Result<Option<Evidence>, CommandError> {
    if callback.err_code != 0 {
        return Ok(None);
    }
    // There may be signatures for other front ends in between. The counter in the result identifies this one.
    let result = soter_wire::ResultJson::decode(callback.result_json.as_bytes()).ok();
    let signed = past_events.iter().rev().find_map(|event| match event {
        Event::Signed { device, fingerprint, counter, scheme, .. }
            if result.as_ref().is_none_or(|result| result.counter == *counter) =>
        {
            Some((device, fingerprint, *counter, *scheme))
        }
        _ => None,
    });
    let Some((device, fingerprint, counter, scheme)) = signed else { return Ok(None) };
    let keys = service.request(Some(device), keys::List {}).await?.keys;
    let Some(key) = keys.into_iter().find(|key| key.fingerprint == *fingerprint) else { return Ok(None) };
    let check = VerifySignature {
        key: key.public_key.clone(),
        json: callback.result_json.clone(),
        signature: callback.result_json_signature.clone(),
        salt: None,
    };
    let verdict = service.request(Some(device), check).await?;
    let raw = result.map(|result| result.raw);
    Ok(Some(Evidence { raw, counter, key, scheme, verdict }))
}
