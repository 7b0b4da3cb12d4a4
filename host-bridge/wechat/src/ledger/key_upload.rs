//! Keys that a ledger is to accept. Every ledger decides by these rules.

use soter_wire::{PublicKey, SignatureScheme};

use super::change::{AuthKey, Change};
use super::ledger_state::LedgerState;

/// Keys that are accepted together or not at all. Their signatures are verified already.
#[derive(Clone, Debug)]
pub(crate) struct KeyUpload {
    pub(crate) cpu_id: String,
    /// The device's ATTK, which registers the device if it is not known yet.
    pub(crate) attk: Option<PublicKey>,
    pub(crate) ask: Option<AskUpload>,
    pub(crate) auth_key: Option<AuthKeyUpload>,
}

/// An app's ASK.
#[derive(Clone, Debug)]
pub(crate) struct AskUpload {
    pub(crate) uid: String,
    /// The counter of its export.
    pub(crate) counter: u64,
    pub(crate) key: PublicKey,
    pub(crate) scheme: SignatureScheme,
}

/// An AuthKey and its owner.
#[derive(Clone, Debug)]
pub(crate) struct AuthKeyUpload {
    pub(crate) uid: String,
    /// The counter of its export.
    pub(crate) counter: u64,
    /// The ASK that signed it.
    pub(crate) ask: PublicKey,
    pub(crate) key: AuthKey,
}

/// Why keys are not accepted. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotAccepted {
    /// The device is not registered.
    UnknownDevice,
    /// Another ATTK is registered for the device.
    OtherAttk,
    /// The app has another ASK than the one that signed the AuthKey, or none.
    OtherAsk,
    /// The AuthKey belongs to another user, or to a user of another mini program.
    OtherOwner,
    /// A counter is not greater than all earlier ones.
    Counter {
        /// The counter.
        counter: u64,
        /// The highest so far.
        highest: u64,
    },
}

impl KeyUpload {
    /// The changes that the upload makes in a ledger with this state. Only the device's part of the state matters.
    ///
    /// # Errors
    /// Any [`NotAccepted`].
    pub(super) fn decide(&self, state: &LedgerState) -> Result<Vec<Change>, NotAccepted> {
        let Self { cpu_id, attk, ask, auth_key } = self;
        let known = state.attk(cpu_id);
        let mut changes = Vec::new();
        match (attk, known) {
            (None, None) => return Err(NotAccepted::UnknownDevice),
            (Some(attk), Some(known)) if attk != known => return Err(NotAccepted::OtherAttk),
            (Some(attk), None) => changes.push(Change::Device { cpu_id: cpu_id.clone(), attk: attk.clone() }),
            (_, Some(_)) => {}
        }
        let mut highest = state.highest(cpu_id);
        let counters = [ask.as_ref().map(|ask| ask.counter), auth_key.as_ref().map(|key| key.counter)];
        for counter in counters.into_iter().flatten() {
            if let Some(highest) = highest.filter(|highest| counter <= *highest) {
                return Err(NotAccepted::Counter { counter, highest });
            }
            highest = Some(counter);
        }
        if let (Some(highest), true) = (highest, counters != [None, None]) {
            changes.push(Change::Counter { cpu_id: cpu_id.clone(), highest });
        }
        if let Some(AskUpload { uid, key, scheme, .. }) = ask {
            let (cpu_id, uid, key) = (cpu_id.clone(), uid.clone(), key.clone());
            changes.push(Change::Ask { cpu_id, uid, key, scheme: *scheme });
        }
        if let Some(AuthKeyUpload { uid, ask: signer, key, .. }) = auth_key {
            let uploaded = ask.as_ref().filter(|ask| ask.uid == *uid).map(|ask| &ask.key);
            let in_force = uploaded.or_else(|| state.ask(cpu_id, uid).map(|(known, _)| known));
            if in_force != Some(signer) {
                return Err(NotAccepted::OtherAsk);
            }
            // A phone makes an AuthKey for each user. If a known one were taken for another user, the touches of the
            // first would count for the second.
            if state.is_of_other_owner(cpu_id, uid, key) {
                return Err(NotAccepted::OtherOwner);
            }
            changes.push(Change::AuthKey { cpu_id: cpu_id.clone(), uid: uid.clone(), key: key.clone() });
        }
        Ok(changes)
    }
}
