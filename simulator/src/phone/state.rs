//! The state of a phone.

use std::sync::{Mutex, MutexGuard, PoisonError};

use soter_bridge::protocol::Event;
use soter_tee::{MemoryStorage, Seed, Tee};
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

/// The mutable state of a phone. It is locked only briefly, never while a call waits.
#[derive(Debug)]
pub(super) struct PhoneState {
    pub(super) record: Record,
    pub(super) clock: Clock,
    /// The secure world, if it is switched on.
    pub(super) tee: Option<Box<Tee>>,
    /// The storage of a phone in memory, so that its state survives switching off.
    pub(super) memory: Option<MemoryStorage>,
    /// The dialog on the screen.
    pub(super) dialog: Option<Dialog>,
    /// The signing sessions that apps opened with `initSigh`, the newest last. Touches go to the newest one.
    pub(super) app_sessions: Vec<u64>,
    /// The seed from which the secure world is to be made when the phone is switched on for the first time.
    pub(super) planned_seed: Option<Seed>,
    /// Whether the record changed by itself after the document was written.
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
            planned_seed: None,
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

    /// Whether the phone was ever switched on.
    pub(crate) fn is_used(&self) -> bool {
        self.state().record.used
    }

    /// Whether the record changed by itself, so that it must be saved. Clears the flag.
    pub(crate) fn take_record_changed(&self) -> bool {
        std::mem::take(&mut self.state().record_changed)
    }

    /// Marks the record as not saved.
    pub(crate) fn mark_record_changed(&self) {
        self.state().record_changed = true;
    }

    pub(super) fn state(&self) -> MutexGuard<'_, PhoneState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn emit(&self, event: Event) {
        self.context.emit(event);
    }
}
