//! One phone: its secure world, its apps, its sensor, and its troubles.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use soter_bridge::long_work;
use soter_bridge::protocol::sensor::{Sensor, SensorMode};
use soter_bridge::protocol::{CommandError, ErrorKind, Event, device, keys};
use soter_tee::{DeviceIdentity, KeyInfo, KeyPath, MemoryStorage, OpenError, Seed, Tee, TeeError};
use soter_wechat::WeChat;
use soter_wire::{PROFILES, Profile};
use tokio::sync::broadcast;

use crate::store::{DeviceName, StateFolder};

use dialog::{Dialog, Screen};
use environment::{Clock, PhoneEnvironment};
use wechat::Caller;

pub(crate) use danger::{Flash, Moment};
pub(crate) use key_stock::KeyStock;

mod biometrics;
mod danger;
mod dialog;
mod environment;
mod key_stock;
mod settings;
mod trusted_app;
mod upload;
mod wechat;

/// Where a seeded phone's clock stands when it is made: 2020-01-01T00:00:00Z.
const SEEDED_CLOCK: u64 = 1_577_836_800_000;

/// What all phones of a desk share.
#[derive(Clone, Debug)]
pub(crate) struct PhoneContext {
    /// Where phones are stored; `None`: in memory.
    pub(crate) folder: Option<Arc<StateFolder>>,
    /// Where events go.
    pub(crate) events: broadcast::Sender<Event>,
    /// WeChat's servers, to which its client on the phone talks.
    pub(crate) wechat: Arc<WeChat>,
    /// Where new random keys come from; `None`: they are made when they are needed.
    pub(crate) keys: Option<KeyStock>,
}

/// What the normal world remembers of a phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Record {
    /// The phone family.
    profile: String,
    /// Whether the secure world is reproducible from a seed, which it alone remembers.
    seeded: bool,
    /// Where a seeded phone's clock stands, or one that was forced to; `None`: the clock is the computer's.
    clock: Option<u64>,
    /// The name under which the secure world was made; `None`: the phone's own. A duplicate has its original's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    made_as: Option<DeviceName>,
    /// Whether the phone was ever switched on, so that its secure world has files that must be there.
    #[serde(default)]
    used: bool,
    apps: Vec<device::App>,
    sensor: SensorMode,
    settings: device::Settings,
}

impl Record {
    /// A new phone of this family, with WeChat and one demo app on it.
    pub(crate) fn new(profile: &Profile) -> Self {
        Self {
            profile: profile.name.to_owned(),
            seeded: false,
            clock: None,
            made_as: None,
            used: false,
            apps: wechat::new_apps(),
            sensor: SensorMode::default(),
            settings: device::Settings::default(),
        }
    }

    /// Whether this version knows what stands in it.
    pub(crate) fn check(&self, name: &DeviceName) -> Result<(), CommandError> {
        if Profile::named(&self.profile).is_some() {
            return Ok(());
        }
        Err(CommandError::environment(
            format!("device `{name}` is a `{}` phone, which this version does not know", self.profile),
            "use the version of soter-sim that made it, or choose another folder with --state",
        ))
    }
}

/// One phone. Its secure world is switched on by the first command that needs it.
#[derive(Debug)]
pub(crate) struct Phone {
    name: DeviceName,
    profile: &'static Profile,
    context: PhoneContext,
    inside: Mutex<Inside>,
    screen: Screen,
}

/// What changes in a phone. Locked for moments only, never while anyone waits.
#[derive(Debug)]
struct Inside {
    record: Record,
    clock: Clock,
    /// The secure world, if it is switched on.
    tee: Option<Box<Tee>>,
    /// Storage of a phone that lives in memory, so that switching off loses nothing.
    memory: Option<MemoryStorage>,
    /// The dialog on the screen.
    dialog: Option<Dialog>,
    /// Signing sessions that apps opened by `initSigh`, the newest last; touches go to it.
    app_sessions: Vec<u64>,
    /// Whether the record changed by itself since the document was written.
    record_changed: bool,
    removed: bool,
}

impl Phone {
    pub(crate) fn new(name: DeviceName, record: Record, context: PhoneContext) -> Self {
        let profile = Profile::named(&record.profile).unwrap_or(&PROFILES[0]);
        let clock = Clock::new(record.clock);
        let inside = Inside {
            record,
            clock,
            tee: None,
            memory: None,
            dialog: None,
            app_sessions: Vec::new(),
            record_changed: false,
            removed: false,
        };
        Self { name, profile, context, inside: Mutex::new(inside), screen: Screen::default() }
    }

    pub(crate) fn name(&self) -> &DeviceName {
        &self.name
    }

    pub(crate) fn profile(&self) -> &'static Profile {
        self.profile
    }

    pub(crate) fn record(&self) -> Record {
        self.inside().record.clone()
    }

    /// Whether it was ever switched on.
    pub(crate) fn is_used(&self) -> bool {
        self.inside().record.used
    }

    pub(crate) fn summary(&self) -> device::Summary {
        let inside = self.inside();
        device::Summary {
            name: self.name.to_string(),
            profile: inside.record.profile.clone(),
            seeded: inside.record.seeded,
            sensor: inside.record.sensor.clone(),
            waits: inside.dialog.is_some(),
        }
    }

    pub(crate) fn describe(&self, selected: bool) -> Result<device::Device, CommandError> {
        let mut inside = self.inside();
        let clock = inside.clock.unix_millis();
        let (cpu_id, counter) = {
            let tee = self.tee(&mut inside)?;
            (tee.cpu_id(), tee.last_counter())
        };
        let biometrics = self.biometrics(&mut inside)?;
        let Caller { user: name, appid, openid } = self.caller(&inside, None)?;
        let record = &inside.record;
        Ok(device::Device {
            name: self.name.to_string(),
            profile: record.profile.clone(),
            seeded: record.seeded,
            selected,
            cpu_id,
            counter,
            clock,
            apps: record.apps.clone(),
            user: device::User { name, appid, openid },
            biometrics,
            sensor: record.sensor.clone(),
            settings: record.settings.clone(),
            dialog: inside.dialog.as_ref().map(|dialog| dialog.shown.clone()),
        })
    }

    /// Makes a phone that was never switched on reproducible, and switches it on: from then on its secure world
    /// remembers the seed.
    pub(crate) fn make_reproducible(&self, seed: &Seed, clock: Option<u64>) -> Result<(), CommandError> {
        let mut inside = self.inside();
        let clock = clock.unwrap_or(SEEDED_CLOCK);
        environment::check_clock(clock)?;
        inside.record.seeded = true;
        inside.record.clock = Some(clock);
        inside.clock = Clock::new(Some(clock));
        self.switch_on(&mut inside, Some(seed)).map(|_| ())
    }

    /// Switches the phone on, if it was made with this seed.
    pub(crate) fn check_seed(&self, seed: &Seed) -> Result<(), CommandError> {
        let mut inside = self.inside();
        if !inside.record.seeded {
            let device = self.name.to_string();
            return Err(open_error(&OpenError::OtherSeed { device }));
        }
        self.switch_on(&mut inside, Some(seed)).map(|_| ())
    }

    /// Switches the phone off in an orderly way.
    pub(crate) fn switch_off(&self) -> Result<(), CommandError> {
        self.put_off(&mut self.inside())
    }

    fn put_off(&self, inside: &mut Inside) -> Result<(), CommandError> {
        self.end_dialog(inside);
        inside.app_sessions.clear();
        match inside.tee.take() {
            Some(mut tee) => tee.close().map_err(|error| self.tee_error(&error)),
            None => Ok(()),
        }
    }

    /// Switches the phone off for good: it is no longer on the desk.
    pub(crate) fn throw_away(&self) {
        let mut inside = self.inside();
        self.end_dialog(&mut inside);
        inside.tee = None;
        inside.memory = None;
        inside.removed = true;
    }

    pub(crate) fn reset_normal_world(&self) -> Result<(), CommandError> {
        let mut inside = self.inside();
        self.end_dialog(&mut inside);
        inside.app_sessions.clear();
        self.tee(&mut inside)?.factory_reset().map_err(|error| self.tee_error(&error))?;
        let new = Record::new(self.profile);
        let record = &mut inside.record;
        let made_as = record.made_as.take();
        *record = Record { seeded: record.seeded, clock: record.clock, made_as, used: record.used, ..new };
        Ok(())
    }

    pub(crate) fn set_sensor_mode(&self, mode: SensorMode) -> Sensor {
        let mut inside = self.inside();
        inside.record.sensor = mode.clone();
        Sensor { mode }
    }

    pub(crate) fn keys(&self) -> Result<keys::Keys, CommandError> {
        let mut inside = self.inside();
        let keys = self.tee(&mut inside)?.keys().map_err(|error| self.tee_error(&error))?;
        Ok(keys::Keys { keys: keys.into_iter().map(key).collect() })
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The secure world, switched on if it was off.
    fn tee<'a>(&self, inside: &'a mut Inside) -> Result<&'a mut Tee, CommandError> {
        self.switch_on(inside, None)
    }

    fn switch_on<'a>(
        &self,
        inside: &'a mut Inside,
        seed: Option<&Seed>,
    ) -> Result<&'a mut Tee, CommandError> {
        if inside.removed {
            return Err(CommandError::new(
                ErrorKind::UnknownDevice,
                format!("device `{}` has just been removed", self.name),
                "choose another device",
            ));
        }
        if inside.tee.is_none() {
            if inside.record.used && !self.is_stored(inside) {
                return Err(self.folder_is_gone());
            }
            let environment = self.environment(inside);
            let made_as = inside.record.made_as.as_ref().unwrap_or(&self.name);
            let identity = DeviceIdentity { name: made_as.as_str(), profile: Some(self.profile), seed };
            // A new phone makes its ATTK.
            let tee = long_work(|| Tee::open(Box::new(environment), &identity));
            let tee = tee.map_err(|error| open_error(&error))?;
            inside.tee = Some(Box::new(tee));
            inside.record_changed |= !std::mem::replace(&mut inside.record.used, true);
        }
        inside.tee.as_deref_mut().ok_or_else(|| CommandError::internal("a phone that was switched on is off"))
    }

    /// What the secure world gets from outside.
    fn environment(&self, inside: &mut Inside) -> PhoneEnvironment {
        let clock = inside.clock.clone();
        PhoneEnvironment::new(&self.context, &self.name, &mut inside.memory, clock)
    }

    /// A secure world that was there is not made anew silently: it would be another phone.
    fn folder_is_gone(&self) -> CommandError {
        let folder = match &self.context.folder {
            Some(folder) => folder.device_storage(&self.name).folder().display().to_string(),
            None => "its memory".to_owned(),
        };
        CommandError::environment(
            format!("device `{}` has keys and a counter in {folder}, and that is gone", self.name),
            "put the folder back; or, for another phone, `device create` one and `device remove` this one",
        )
    }

    /// Whether there is a secure world to switch on, or it would have to be made.
    fn is_stored(&self, inside: &Inside) -> bool {
        match &self.context.folder {
            Some(folder) => folder.device_storage(&self.name).folder().exists(),
            None => inside.memory.is_some(),
        }
    }

    /// A failure of the phone's surroundings, or a refusal, in words for people.
    fn tee_error(&self, error: &TeeError) -> CommandError {
        let what = format!("device `{}`: {error}", self.name);
        match error {
            TeeError::Storage(_) => CommandError::environment(
                what,
                "check the folder's rights and the free space, then try again",
            ),
            TeeError::Randomness(_) => CommandError::environment(what, "try again"),
            TeeError::CounterExhausted { .. } => {
                CommandError::environment(what, "remove the device and create another one")
            }
            TeeError::EnrolmentsFull { .. } => {
                CommandError::new(ErrorKind::LimitReached, what, "remove a finger or a face first")
            }
            TeeError::NoEnrolment { .. } => {
                CommandError::invalid_params(what, "see what is enrolled with `biometric list`")
            }
            TeeError::Clock { .. } => {
                CommandError::invalid_params(what, "set the phone's clock to this century")
            }
            _ if error.result_code().is_some() => {
                CommandError::invalid_params(what, "see the code with `explain`")
            }
            _ => CommandError::internal(what),
        }
    }

    fn emit(&self, event: Event) {
        // Nobody listening is no error.
        let _ = self.context.events.send(event);
    }

    /// Does something in the secure world and tells about the counter value that it used up, if any.
    fn spending<T>(
        &self,
        inside: &mut Inside,
        operation: &str,
        action: impl FnOnce(&mut Tee) -> Result<T, TeeError>,
    ) -> Result<Result<T, TeeError>, CommandError> {
        let tee = self.tee(inside)?;
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

/// What can be told of a phone that is stored, although the normal world has forgotten it.
pub(crate) fn stored_record(name: &DeviceName, context: &PhoneContext) -> Result<Record, CommandError> {
    let environment = PhoneEnvironment::new(context, name, &mut None, Clock::new(Some(SEEDED_CLOCK)));
    let identity = DeviceIdentity { name: name.as_str(), profile: None, seed: None };
    let tee = Tee::open(Box::new(environment), &identity).map_err(|error| open_error(&error))?;
    let mut record = Record::new(tee.profile());
    record.seeded = tee.is_seeded();
    record.clock = tee.is_seeded().then_some(SEEDED_CLOCK);
    record.used = true;
    Ok(record)
}

fn open_error(error: &OpenError) -> CommandError {
    match error {
        OpenError::OtherProfile { .. } | OpenError::OtherSeed { .. } => {
            CommandError::invalid_params(error.to_string(), error.remedy())
        }
        _ => CommandError::environment(error.to_string(), error.remedy()),
    }
}

fn key(info: KeyInfo) -> keys::Key {
    let (kind, name) = match info.path {
        KeyPath::Attk => (keys::KeyKind::Attk, None),
        KeyPath::Ask { .. } => (keys::KeyKind::Ask, None),
        KeyPath::AuthKey { name, .. } => (keys::KeyKind::AuthKey, Some(name)),
    };
    keys::Key {
        kind,
        uid: info.uid,
        name,
        public_key: info.public.to_pem(),
        fingerprint: info.public.fingerprint(),
        valid: info.valid,
    }
}
