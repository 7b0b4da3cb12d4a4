//! What a phone is made of, and which of it changes.

use std::sync::{Mutex, MutexGuard, PoisonError};

use soter_bridge::protocol::Event;
use soter_tee::{MemoryStorage, Tee};
use soter_wire::{PROFILES, Profile};

use super::clock::Clock;
use super::context::PhoneContext;
use super::dialog::Dialog;
use super::dialog_queue::DialogQueue;
use super::record::Record;
use crate::store::DeviceName;

/// One phone. Its secure world is switched on by the first command that needs it.
#[derive(Debug)]
pub(crate) struct Phone {
    pub(super) name: DeviceName,
    pub(super) profile: &'static Profile,
    pub(super) context: PhoneContext,
    pub(super) dialog_queue: DialogQueue,
    state: Mutex<PhoneState>,
}

/// What changes in a phone. Locked for moments only, never while anyone waits.
#[derive(Debug)]
pub(super) struct PhoneState {
    pub(super) record: Record,
    pub(super) clock: Clock,
    /// The secure world, if it is switched on.
    pub(super) tee: Option<Box<Tee>>,
    /// Storage of a phone that lives in memory, so that switching off loses nothing.
    pub(super) memory: Option<MemoryStorage>,
    /// The dialog on the screen.
    pub(super) dialog: Option<Dialog>,
    /// Signing sessions that apps opened by `initSigh`, the newest last; touches go to it.
    pub(super) app_sessions: Vec<u64>,
    /// Whether the record changed by itself since the document was written.
    pub(super) record_changed: bool,
    pub(super) removed: bool,
}

impl Phone {
    pub(crate) fn new(name: DeviceName, record: Record, context: PhoneContext) -> Self {
        let profile = Profile::named(&record.profile).unwrap_or(&PROFILES[0]);
        let clock = Clock::new(record.clock);
        let state = PhoneState {
            record,
            clock,
            tee: None,
            memory: None,
            dialog: None,
            app_sessions: Vec::new(),
            record_changed: false,
            removed: false,
        };
        Self { name, profile, context, dialog_queue: DialogQueue::default(), state: Mutex::new(state) }
    }

    pub(crate) fn name(&self) -> &DeviceName {
        &self.name
    }

    pub(crate) fn profile(&self) -> &'static Profile {
        self.profile
    }

    pub(crate) fn record(&self) -> Record {
        self.state().record.clone()
    }

    /// Whether it was ever switched on.
    pub(crate) fn is_used(&self) -> bool {
        self.state().record.used
    }

    /// Whether the record changed by itself, and so must be written; asking forgets it.
    pub(crate) fn take_record_changed(&self) -> bool {
        std::mem::take(&mut self.state().record_changed)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, PhoneState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn emit(&self, event: Event) {
        // Nobody listening is no error.
        let _ = self.context.events.send(event);
    }
}
