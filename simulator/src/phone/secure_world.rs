//! A phone's secure world: switches it on when it is needed, and describes its errors for people.

use soter_bridge::protocol::{CommandError, ErrorKind, Event};
use soter_bridge::run_cpu_bound;
use soter_tee::{DeviceIdentity, MemoryStorage, OpenError, Seed, Storage, Tee, TeeError};
use soter_text::{Text, text};
use tracing::debug;

use super::clock::{Clock, SEEDED_CLOCK_MS};
use super::context::PhoneContext;
use super::environment::PhoneEnvironment;
use super::record::Record;
use super::state::{Phone, PhoneState};
use crate::store::DeviceName;

impl Phone {
    /// The secure world. Switches the phone on if it was off.
    pub(super) fn tee<'a>(&self, state: &'a mut PhoneState) -> Result<&'a mut Tee, CommandError> {
        self.switch_on(state, None)
    }

    pub(super) fn switch_on<'a>(
        &self,
        state: &'a mut PhoneState,
        seed: Option<&Seed>,
    ) -> Result<&'a mut Tee, CommandError> {
        self.check_not_removed(state)?;
        if state.tee.is_none() {
            if state.memory.is_none() {
                state.memory = copied_memory(&self.name, &self.context)?;
            }
            if state.record.used && !self.is_stored(state) {
                return Err(self.missing_storage_error());
            }
            if let Some(folder) = self.context.place.folder() {
                folder.finish_removal(&self.name, Some(&state.record))?;
            }
            let planned_seed = state.planned_seed.clone();
            let seed = seed.or(planned_seed.as_ref());
            if state.record.seeded && !state.record.used && seed.is_none() {
                return Err(CommandError::invalid_params(
                    text!("device `{name}` is to be made from a seed, and none is given", name = self.name),
                    text!("give the seed with --seed, or remove the device"),
                ));
            }
            let environment = self.environment(state);
            let made_as = state.record.made_as.as_ref().unwrap_or(&self.name);
            let identity = DeviceIdentity { name: made_as.as_str(), profile: Some(self.profile), seed };
            // A new phone makes its ATTK.
            let tee = run_cpu_bound(|| Tee::open(Box::new(environment), &identity));
            let tee = tee.map_err(|error| open_error(&error))?;
            debug!(profile = self.profile.name, is_new = !state.record.used, "the phone is switched on");
            state.tee = Some(Box::new(tee));
            state.planned_seed = None;
            state.record_changed |= !std::mem::replace(&mut state.record.used, true);
        }
        state.tee.as_deref_mut().ok_or_else(|| CommandError::defect("a phone that was switched on is off"))
    }

    /// Refuses a phone that was removed while a command waited for it.
    ///
    /// # Errors
    /// `UnknownDevice`.
    pub(crate) fn check_on_desk(&self) -> Result<(), CommandError> {
        self.check_not_removed(&self.state())
    }

    /// See [`check_on_desk`](Self::check_on_desk).
    pub(super) fn check_not_removed(&self, state: &PhoneState) -> Result<(), CommandError> {
        if !state.removed {
            return Ok(());
        }
        Err(CommandError::new(
            ErrorKind::UnknownDevice,
            text!("device `{name}` has just been removed", name = self.name),
            text!("choose another device"),
        ))
    }

    /// The environment of the secure world.
    pub(super) fn environment(&self, state: &mut PhoneState) -> PhoneEnvironment {
        let clock = state.clock.clone();
        PhoneEnvironment::new(&self.context, &self.name, &mut state.memory, clock)
    }

    /// The error for a secure world that is gone. It is not replaced silently, because the new one would be another
    /// phone.
    pub(super) fn missing_storage_error(&self) -> CommandError {
        let folder = self.context.place.source().map_or_else(
            || text!("its memory"),
            |folder| Text::verbatim(folder.device_folder(&self.name).display().to_string()),
        );
        CommandError::environment(
            text!(
                "device `{name}` has keys and a counter in {folder}, and that is gone",
                name = self.name,
                folder = folder
            ),
            text!(
                "put the folder back; or, for another phone, `device create` one and `device remove` this one"
            ),
        )
    }

    /// Whether there is a secure world to switch on; otherwise a new one would be made.
    fn is_stored(&self, state: &PhoneState) -> bool {
        match self.context.place.folder() {
            Some(folder) => folder.device_folder(&self.name).exists(),
            None => state.memory.is_some(),
        }
    }

    /// Converts a failure of the phone's environment, or a refusal, into an error for people.
    pub(super) fn tee_error(&self, error: &TeeError) -> CommandError {
        let what = text!("device `{name}`: {error}", name = self.name, error = error.text());
        match error {
            TeeError::Storage(error) if error.untouched => CommandError::environment(
                what,
                text!("nothing more is written: end this process, and start again"),
            ),
            TeeError::Storage(_) | TeeError::StorageInDoubt(_) => CommandError::environment(
                what,
                text!(
                    "check the folder's rights, the free space and the limit of open files, then try again"
                ),
            ),
            TeeError::Randomness(_) => CommandError::environment(what, text!("try again")),
            TeeError::CounterExhausted { .. } => {
                CommandError::environment(what, text!("remove the device and create another one"))
            }
            TeeError::EnrolmentsFull { .. } => {
                CommandError::new(ErrorKind::LimitReached, what, text!("remove a finger or a face first"))
            }
            TeeError::NoEnrolment { .. } => {
                CommandError::invalid_params(what, text!("see what is enrolled with `biometric list`"))
            }
            TeeError::Clock { .. } => {
                CommandError::invalid_params(what, text!("set the phone's clock to this century"))
            }
            _ if error.result_code().is_some() => {
                CommandError::invalid_params(what, text!("see the code with `explain`"))
            }
            _ => CommandError::internal(what),
        }
    }

    /// Carries out an action in the secure world, and reports the counter value that it used, if any.
    pub(super) fn with_counter_event<T>(
        &self,
        state: &mut PhoneState,
        operation: &str,
        action: impl FnOnce(&mut Tee) -> Result<T, TeeError>,
    ) -> Result<Result<T, TeeError>, CommandError> {
        let tee = self.tee(state)?;
        let before = tee.last_counter();
        let result = action(tee);
        let counter = tee.last_counter();
        if counter > before {
            let cpu_id = tee.cpu_id();
            let device = self.name.to_string();
            self.emit(Event::CounterSpent { device, cpu_id, counter, operation: operation.to_owned() });
        }
        Ok(result)
    }
}

/// A copy of the secure world of a phone in the original folder. `None` if there is no such folder, or the phone has no secure
/// world there.
fn copied_memory(name: &DeviceName, context: &PhoneContext) -> Result<Option<MemoryStorage>, CommandError> {
    // Files of a phone that is to be removed are not those of the phone that has its name now.
    let Some(original) = context.place.original().filter(|folder| !folder.planned_removals().contains(name))
    else {
        return Ok(None);
    };
    let stored = original.device_storage(name).load().map_err(|error| open_error(&error.into()))?;
    Ok(stored.map(|stored| {
        let memory = MemoryStorage::new();
        memory.tamper(|contents| *contents = Some(stored));
        memory
    }))
}

/// The record of a phone that is stored on disk and missing in the document.
pub(crate) fn stored_record(name: &DeviceName, context: &PhoneContext) -> Result<Record, CommandError> {
    let mut memory = copied_memory(name, context)?;
    let environment = PhoneEnvironment::new(context, name, &mut memory, Clock::new(Some(SEEDED_CLOCK_MS)));
    let identity = DeviceIdentity { name: name.as_str(), profile: None, seed: None };
    let tee = Tee::open(Box::new(environment), &identity).map_err(|error| open_error(&error))?;
    Ok(Record::of_used_phone(tee.profile(), tee.is_seeded()))
}

/// `InvalidParams` if the phone is not the one that the caller described, otherwise `Environment`.
pub(super) fn open_error(error: &OpenError) -> CommandError {
    match error {
        OpenError::OtherProfile { .. } | OpenError::OtherSeed { .. } => {
            CommandError::invalid_params(error.text(), error.remedy())
        }
        _ => CommandError::environment(error.text(), error.remedy()),
    }
}
