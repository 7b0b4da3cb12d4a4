//! The errors for options or a state folder that a desk cannot use.

use soter_bridge::protocol::CommandError;
use soter_text::text;
use soter_wire::{Profile, shortened};

pub(super) fn find_profile(name: &str) -> Result<&'static Profile, CommandError> {
    Profile::named(name).ok_or_else(|| {
        let shown = shortened(name, 80);
        let known: Vec<_> = Profile::names().collect();
        CommandError::invalid_params(
            text!("there is no profile `{shown}`", shown = shown),
            text!("profiles: {known}", known = known.join(", ")),
        )
    })
}

pub(super) fn clock_without_seed() -> CommandError {
    CommandError::invalid_params(
        text!("a clock was given without a seed"),
        text!("give a seed too: only a seeded phone has a clock of its own"),
    )
}
