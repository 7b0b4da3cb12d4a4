//! Manufacture: how a device gets its identity, and how it is recognised later.

use std::collections::BTreeMap;

use soter_wire::{Mode, Profile};
use zeroize::Zeroizing;

use crate::derive::VALUE_BYTES;
use crate::environment::Environment;
use crate::error::{OpenError, TeeError};
use crate::key_path::KeyPath;
use crate::matcher::{MAX_ENROLMENTS, Matcher};
use crate::private_key::{KeyError, PrivateKey};
use crate::secret::Secret;
use crate::seed::{Identity, ReproducedKeys, Seed};
use crate::state::State;
use crate::vault::Vault;

/// The device to open, or to make if it does not exist yet.
#[derive(Clone, Debug)]
pub struct DeviceIdentity<'a> {
    /// The device's name. Its storage opens only under this name.
    pub name: &'a str,
    /// The phone family. A new device gets it; an existing device must belong to it. `None` accepts any existing
    /// device, and gives a new one the first of [`soter_wire::PROFILES`].
    pub profile: Option<&'static Profile>,
    /// Makes a new device reproducible. An existing device must have been made with it.
    pub seed: Option<&'a Seed>,
}

/// Makes a new device: identity, ATTK, one enrolled finger.
pub(super) fn manufacture(
    mut environment: Box<dyn Environment>,
    identity: &DeviceIdentity<'_>,
    profile: &'static Profile,
) -> Result<Vault, TeeError> {
    let (device_identity, attk) = if let Some(seed) = identity.seed {
        let device_identity = seed.identity(identity.name);
        let attk = seeded_key(&mut *environment, seed.keys(), &device_identity, &KeyPath::Attk, 0)?;
        (device_identity, attk)
    } else {
        let mut random = Zeroizing::new([0; VALUE_BYTES]);
        environment.random(random.as_mut_slice())?;
        (Identity::from_random(&random), environment.new_key()?)
    };
    let mut matcher = Matcher::default();
    enroll_first(&mut matcher, profile, &device_identity)?;
    let state = State {
        profile: profile.name.to_owned(),
        identity: device_identity,
        seeded: identity.seed.is_some(),
        upgrades: 0,
        counter_limit: 0,
        made_at: environment.unix_millis(),
        attk: attk.pkcs8().clone(),
        apps: BTreeMap::new(),
        generations: BTreeMap::new(),
        matcher,
    };
    Vault::provision(environment, identity.name, state)
}

/// The key of a seeded device: the environment's, or the one that the seed determines.
pub(super) fn seeded_key(
    environment: &mut dyn Environment,
    reproduced: &ReproducedKeys,
    identity: &Identity,
    path: &KeyPath,
    generation: u32,
) -> Result<PrivateKey, KeyError> {
    match environment.seeded_key(path, generation)? {
        Some(pkcs8) => PrivateKey::restore(&Secret::new(pkcs8.to_vec()), true),
        None => reproduced.device_key(identity, path, generation),
    }
}

/// Enrols the finger (or face) that every new owner enrols.
pub(super) fn enroll_first(
    matcher: &mut Matcher,
    profile: &Profile,
    identity: &Identity,
) -> Result<(), TeeError> {
    let mode = profile.modes.first().copied().unwrap_or(Mode::FingerPrint);
    matcher.enroll(mode, identity).map(|_| ()).ok_or(TeeError::EnrolmentsFull { limit: MAX_ENROLMENTS })
}

/// Checks that a stored device is the requested one. Returns its phone family: the given profile, or the row of the
/// stored name.
pub(super) fn check_identity(
    state: &State,
    identity: &DeviceIdentity<'_>,
) -> Result<&'static Profile, OpenError> {
    let device = identity.name.to_owned();
    let profile = identity
        .profile
        .filter(|requested| requested.name == state.profile)
        .or_else(|| Profile::named(&state.profile))
        .ok_or_else(|| OpenError::UnknownProfile { device: device.clone(), stored: state.profile.clone() })?;
    if let Some(requested) = identity.profile
        && requested.name != profile.name
    {
        let (stored, requested) = (state.profile.clone(), requested.name.to_owned());
        return Err(OpenError::OtherProfile { device, stored, requested });
    }
    if let Some(seed) = identity.seed
        && !(state.seeded && seed.identity(identity.name).same_as(&state.identity))
    {
        return Err(OpenError::OtherSeed { device });
    }
    Ok(profile)
}
