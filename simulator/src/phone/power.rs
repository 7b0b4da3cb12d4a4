//! Makes a phone reproducible, switches it off, resets it, and discards it.

use soter_bridge::protocol::CommandError;
use soter_tee::{OpenError, Seed};

use super::clock::{Clock, SEEDED_CLOCK_MS, check_clock};
use super::secure_world::open_error;
use super::state::{Phone, PhoneState};

impl Phone {
    /// Makes a phone that was never switched on reproducible, and switches it on. From then on, its secure world
    /// remembers the seed.
    pub(crate) fn make_reproducible(&self, seed: &Seed, clock: Option<u64>) -> Result<(), CommandError> {
        self.plan_seed(seed, clock)?;
        self.switch_on(&mut self.state(), Some(seed)).map(|_| ())
    }

    /// As [`make_reproducible`](Self::make_reproducible), when the phone is switched on for the first time.
    pub(crate) fn plan_seed(&self, seed: &Seed, clock: Option<u64>) -> Result<(), CommandError> {
        let clock = clock.unwrap_or(SEEDED_CLOCK_MS);
        check_clock(clock)?;
        let mut state = self.state();
        state.record.seeded = true;
        state.record.clock = Some(clock);
        state.clock = Clock::new(Some(clock));
        state.planned_seed = Some(seed.clone());
        Ok(())
    }

    /// Switches a phone on if it is off, from the seed that [`plan_seed`](Self::plan_seed) gave, if any.
    pub(crate) fn power_on(&self) -> Result<(), CommandError> {
        self.switch_on(&mut self.state(), None).map(|_| ())
    }

    /// Checks that the phone was made with this seed, and switches it on.
    pub(crate) fn check_seed(&self, seed: &Seed) -> Result<(), CommandError> {
        let mut state = self.state();
        if !state.record.seeded {
            let device = self.name.to_string();
            return Err(open_error(&OpenError::OtherSeed { device }));
        }
        self.switch_on(&mut state, Some(seed)).map(|_| ())
    }

    /// Switches the phone off in an orderly way: counter values that were reserved and not used are given back.
    pub(crate) fn switch_off(&self) -> Result<(), CommandError> {
        self.power_off(&mut self.state())
    }

    /// As [`switch_off`](Self::switch_off), with the state locked by the caller. The open dialog is cancelled, and
    /// signing sessions end.
    pub(super) fn power_off(&self, state: &mut PhoneState) -> Result<(), CommandError> {
        self.cancel_dialog(state);
        state.app_sessions.clear();
        match state.tee.take() {
            Some(mut tee) => tee.close().map_err(|error| self.tee_error(&error)),
            None => Ok(()),
        }
    }

    /// Switches the phone off and marks it as removed from the desk.
    pub(crate) fn discard(&self) {
        let mut state = self.state();
        self.cancel_dialog(&mut state);
        state.tee = None;
        state.memory = None;
        state.removed = true;
    }

    /// Resets the normal world: apps, keys, enrolments and settings. Identity and counter stay.
    pub(crate) fn reset_normal_world(&self) -> Result<(), CommandError> {
        let mut state = self.state();
        self.cancel_dialog(&mut state);
        state.app_sessions.clear();
        self.tee(&mut state)?.factory_reset().map_err(|error| self.tee_error(&error))?;
        state.record.reset();
        Ok(())
    }
}
