//! The desk: all phones of one process, and the command protocol over them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use directories::ProjectDirs;
use soter_bridge::journal::Journal;
use soter_bridge::protocol::sensor::SensorMode;
use soter_bridge::protocol::{
    Call, CommandError, ErrorKind, Event, Request, Response, SeedText, Service, desk, device,
};
use soter_bridge::verification;
use soter_bridge::wechat::{Clock, Ledger, SqliteStore, SystemClock, WeChat, WeChatOptions};
use soter_tee::Seed;
use soter_wire::{PROFILES, Profile};
use tokio::sync::broadcast;

use crate::attack::KeySource;
use crate::phone::{KeyStock, Phone, PhoneContext, Record};
use crate::store::{DeviceName, FolderError, StateFolder};

use danger::Loot;
use records::Records;

mod attacks;
mod danger;
mod records;

/// The name of the phone that is on every new desk.
const FIRST_PHONE: &str = "phone";
/// Phones that a desk holds at once.
const MAX_PHONES: usize = 100_000;
/// Events that a subscriber can lag behind before it loses the oldest.
const EVENT_BACKLOG: usize = 4096;

/// Methods that change what front ends show, without an event that says more.
const CHANGES: [&str; 12] = [
    "biometric.enroll",
    "biometric.remove",
    "biometric.unlock",
    "desk.reset",
    "device.create",
    "device.remove",
    "device.resetNormalWorld",
    "device.select",
    "device.set",
    "sensor.setMode",
    "soter.removeAllAuthKey",
    "soter.removeAuthKey",
];

/// How to set up a desk.
#[derive(Clone, Debug)]
pub struct DeskOptions {
    /// Where the phones live.
    pub state: State,
    /// The first phone's family; an existing phone must be of it.
    pub profile: Option<String>,
    /// Makes the first phone, and those that are created without a seed of their own, reproducible; an existing phone
    /// must have been made with it.
    pub seed: Option<SeedText>,
    /// Where new seeded phones' clocks stand, in milliseconds since 1970.
    pub clock: Option<u64>,
    /// Random keys that are made ahead of time, by a thread of their own; 0: each is made when it is needed.
    pub key_stock: usize,
    /// WeChat's servers: their mini programs and users, and how they behave.
    pub wechat: WeChatOptions,
    /// Who touches the sensor of a phone that is created, or new after a reset.
    pub sensor: Option<SensorMode>,
    /// Whether `desk.reset` may empty a folder.
    pub allow_reset: bool,
    /// The clock of WeChat's servers.
    pub servers_clock: Arc<dyn Clock>,
}

impl DeskOptions {
    /// Phones in this place, and everything else as usual.
    pub fn new(state: State) -> Self {
        Self {
            state,
            profile: None,
            seed: None,
            clock: None,
            key_stock: 0,
            wechat: WeChatOptions::default(),
            sensor: None,
            allow_reset: false,
            servers_clock: Arc::new(SystemClock),
        }
    }
}

/// Where phones live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// In memory: they are gone with the process.
    Ephemeral,
    /// In a folder, which this process locks.
    Folder(PathBuf),
}

/// The platform's folder for a program's data, or `None` if the platform names none.
pub fn default_state_folder() -> Option<PathBuf> {
    ProjectDirs::from("", "", "soter-sim").map(|folders| folders.data_dir().to_owned())
}

/// All phones of one process. Clones are the same desk.
#[derive(Clone, Debug)]
pub struct Desk {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    phones: Mutex<Phones>,
    context: PhoneContext,
    /// For phones that are created without a seed.
    seed: Option<Seed>,
    clock: Option<u64>,
    journal: Arc<Journal>,
    /// The family of the phone that is on the desk after a reset.
    first_profile: &'static Profile,
    sensor: Option<SensorMode>,
    allow_reset: bool,
    loot: Loot,
    /// Keys for attacks, made ahead from the first attack on.
    attack_keys: OnceLock<KeySource>,
    /// Held while the list of phones or its document changes, so that changes follow one another as a whole.
    changing: Mutex<()>,
}

#[derive(Debug)]
struct Phones {
    by_name: BTreeMap<DeviceName, Arc<Phone>>,
    selected: DeviceName,
}

impl Desk {
    /// Sets up a desk: takes the state folder's lock, and puts the phones on it that are stored there, or a new one.
    /// Phones stay switched off until a command needs them.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParams`]: no such profile, or a profile or seed other than the stored phone's.
    /// [`ErrorKind::Environment`]: the folder is locked, damaged or cannot be written. Nothing was changed.
    pub fn open(options: DeskOptions) -> Result<Self, CommandError> {
        let DeskOptions {
            state,
            profile,
            seed,
            clock,
            key_stock,
            wechat,
            sensor,
            allow_reset,
            servers_clock,
        } = options;
        let profile = profile.as_deref().map(profile_named).transpose()?;
        let seed = seed.map(|seed| Seed::from_text(seed.expose()));
        if clock.is_some() && seed.is_none() {
            return Err(clock_without_seed());
        }
        let folder = match state {
            State::Ephemeral => None,
            State::Folder(path) => {
                Some(Arc::new(StateFolder::open(&path).map_err(|error| folder_error(&error))?))
            }
        };
        let (events, _) = broadcast::channel(EVENT_BACKLOG);
        let journal = Arc::new(Journal::new());
        let wechat = Arc::new(wechat_servers(wechat, folder.as_deref(), servers_clock, &journal, &events)?);
        let keys = (key_stock > 0).then(|| KeyStock::of(key_stock));
        let context = PhoneContext { folder, events, wechat, keys };

        let stored =
            context.folder.as_ref().map(|folder| Records::load(folder, &context)).transpose()?.flatten();
        let is_new = stored.is_none();
        let records = match stored {
            Some(records) => records,
            None => Records::new_desk(first_phone()?, Record::new(profile.unwrap_or(&PROFILES[0]))),
        };
        let phones = Phones::from_records(records, &context);
        let inner = Inner {
            phones: Mutex::new(phones),
            context,
            seed: seed.clone(),
            clock,
            journal,
            first_profile: profile.unwrap_or(&PROFILES[0]),
            sensor,
            allow_reset,
            loot: Loot::default(),
            attack_keys: OnceLock::new(),
            changing: Mutex::new(()),
        };
        let desk = Self { inner: Arc::new(inner) };

        let selected = desk.phone(None)?;
        if let Some(seed) = &seed {
            if is_new {
                selected.make_reproducible(seed, clock)?;
            } else {
                selected.check_seed(seed)?;
            }
        }
        if let Some(profile) = profile
            && selected.profile().name != profile.name
        {
            return Err(CommandError::invalid_params(
                format!(
                    "device `{}` is a `{}` phone, not `{}`",
                    selected.name(),
                    selected.profile().name,
                    profile.name
                ),
                "leave --profile out, choose another folder with --state, or create a device of that profile",
            ));
        }
        if is_new {
            desk.save(&desk.change())?;
        }
        Ok(desk)
    }

    /// Switches every phone off in an orderly way: counter values that were reserved and not used are given back.
    /// Does nothing the second time; a phone that is used again is switched on again.
    ///
    /// # Errors
    /// Storage failed for some phone, whose unused counter values are skipped; the others are off.
    pub fn close(&self) -> Result<(), CommandError> {
        let phones: Vec<_> = self.phones().by_name.values().cloned().collect();
        let mut result = Ok(());
        for phone in phones {
            result = result.and(phone.switch_off());
        }
        result
    }

    /// WeChat's servers, to which the phones upload their keys.
    pub fn wechat(&self) -> &Arc<WeChat> {
        &self.inner.context.wechat
    }

    /// Where calls from outside are written down.
    pub fn journal(&self) -> &Arc<Journal> {
        &self.inner.journal
    }

    /// Lets the phones that were used before bring their keys to WeChat's servers, in case that those have lost them.
    /// Phones that cannot do it now do it, or say why not, when they are used.
    pub async fn offer_keys(&self) {
        let phones: Vec<_> = self.phones().by_name.values().cloned().collect();
        for phone in phones.into_iter().filter(|phone| phone.is_used()) {
            let _ = phone.offer_keys().await;
        }
    }

    /// Tells whoever listens to events something that a person should know.
    pub fn notice(&self, text: &str) {
        // Nobody listening is no error.
        let _ = self.inner.context.events.send(Event::Notice { text: text.to_owned() });
    }

    /// Lets other processes that find the folder locked know where this one can be talked to.
    ///
    /// # Errors
    /// The note beside the lock could not be replaced.
    pub fn set_url(&self, url: &str) -> Result<(), CommandError> {
        match &self.inner.context.folder {
            Some(folder) => folder.set_url(url).map_err(|error| folder_error(&error)),
            None => Ok(()),
        }
    }

    fn phones(&self) -> MutexGuard<'_, Phones> {
        self.inner.phones.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> Change<'_> {
        Change(self.inner.changing.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The phone of this name, or the selected one.
    fn phone(&self, name: Option<&str>) -> Result<Arc<Phone>, CommandError> {
        let phones = self.phones();
        let phone = match name {
            None => phones.by_name.get(&phones.selected),
            Some(name) => name.parse().ok().and_then(|name: DeviceName| phones.by_name.get(&name)),
        };
        phone.cloned().ok_or_else(|| {
            let known: Vec<_> = phones.by_name.keys().take(10).map(DeviceName::as_str).collect();
            let shown: String = name.unwrap_or_else(|| phones.selected.as_str()).chars().take(80).collect();
            CommandError::new(
                ErrorKind::UnknownDevice,
                format!("there is no device `{shown}`"),
                format!(
                    "devices: {}{}",
                    known.join(", "),
                    if phones.by_name.len() > 10 { ", …" } else { "" }
                ),
            )
        })
    }

    fn create(&self, create: &device::Create) -> Result<device::Summary, CommandError> {
        let name: DeviceName = create.name.parse().map_err(|error| {
            CommandError::invalid_params(format!("{error}"), "choose another name, such as `second`")
        })?;
        let profile = create.profile.as_deref().map_or(Ok(&PROFILES[0]), profile_named)?;
        let own = create.seed.as_ref().map(|seed| Seed::from_text(seed.expose()));
        let seed = own.as_ref().or(self.inner.seed.as_ref());
        let clock = create.clock.or(self.inner.clock);
        if clock.is_some() && seed.is_none() {
            return Err(clock_without_seed());
        }
        let phone = Phone::new(name.clone(), Record::new(profile), self.inner.context.clone());
        let phone = Arc::new(phone);
        let change = self.change();
        self.check_room_for(&name)?;
        if let Some(mode) = self.inner.sensor.clone() {
            phone.set_sensor_mode(mode);
        }
        if let Some(seed) = seed {
            phone.make_reproducible(seed, clock)?;
        }
        let summary = phone.summary();
        self.phones().by_name.insert(name, phone);
        self.save(&change)?;
        Ok(summary)
    }

    /// Whether one more phone fits on the desk, under this name.
    fn check_room_for(&self, name: &DeviceName) -> Result<(), CommandError> {
        let phones = self.phones();
        if phones.by_name.contains_key(name) {
            return Err(CommandError::invalid_params(
                format!("there is a device `{name}` already"),
                "choose another name, or remove that device first",
            ));
        }
        if phones.by_name.len() >= MAX_PHONES {
            return Err(CommandError::new(
                ErrorKind::LimitReached,
                format!("there are {MAX_PHONES} devices, and no more fit"),
                "remove some first",
            ));
        }
        Ok(())
    }

    fn list(&self) -> device::Devices {
        let phones = self.phones();
        device::Devices {
            devices: phones.by_name.values().map(|phone| phone.summary()).collect(),
            selected: phones.selected.to_string(),
        }
    }

    fn select(&self, name: &str) -> Result<device::Summary, CommandError> {
        let phone = self.phone(Some(name))?;
        let change = self.change();
        self.phones().selected = phone.name().clone();
        self.save(&change)?;
        Ok(phone.summary())
    }

    fn remove(&self, name: &str) -> Result<device::Removed, CommandError> {
        let change = self.change();
        let phone = self.phone(Some(name))?;
        let selected = {
            let mut phones = self.phones();
            if phones.by_name.len() == 1 {
                return Err(CommandError::invalid_params(
                    format!("`{name}` is the only device on the desk"),
                    "create another one first",
                ));
            }
            phones.by_name.remove(phone.name());
            if phones.selected == *phone.name()
                && let Some(next) = phones.by_name.keys().next().cloned()
            {
                phones.selected = next;
            }
            phones.selected.to_string()
        };
        phone.throw_away();
        // A crash between the two leaves files without an entry, and the phone is on the desk again.
        self.save(&change)?;
        if let Some(folder) = &self.inner.context.folder {
            folder.remove_device(phone.name()).map_err(|error| folder_error(&error))?;
        }
        Ok(device::Removed { removed: phone.name().to_string(), selected })
    }

    fn set(&self, name: Option<&str>, set: device::Set) -> Result<device::Device, CommandError> {
        let phone = self.phone(name)?;
        phone.set(set)?;
        self.save(&self.change())?;
        self.describe(&phone)
    }

    fn reset_normal_world(&self, name: Option<&str>) -> Result<device::Device, CommandError> {
        let phone = self.phone(name)?;
        phone.reset_normal_world()?;
        self.save(&self.change())?;
        self.describe(&phone)
    }

    /// New phones and empty servers. Calls that wait end as if their phone was removed.
    async fn reset(&self) -> Result<desk::WasReset, CommandError> {
        if self.inner.context.folder.is_some() && !self.inner.allow_reset {
            return Err(CommandError::invalid_params(
                "a reset would remove the phones of this state folder for good",
                "start with --allow-reset if that is wanted, or use --ephemeral",
            ));
        }
        let name = first_phone()?;
        let removed = {
            let change = self.change();
            let record = Record::new(self.inner.first_profile);
            let phone = Phone::new(name.clone(), record, self.inner.context.clone());
            if let Some(mode) = self.inner.sensor.clone() {
                phone.set_sensor_mode(mode);
            }
            let removed = {
                let mut phones = self.phones();
                phones.selected = name.clone();
                std::mem::replace(&mut phones.by_name, BTreeMap::from([(name.clone(), Arc::new(phone))]))
            };
            for phone in removed.values() {
                phone.throw_away();
                if let Some(folder) = &self.inner.context.folder {
                    folder.remove_device(phone.name()).map_err(|error| folder_error(&error))?;
                }
            }
            if let Some(seed) = &self.inner.seed {
                self.phone(None)?.make_reproducible(seed, self.inner.clock)?;
            }
            self.save(&change)?;
            removed
        };
        drop(removed);
        self.inner.loot.clear();
        self.wechat().reset().await.map_err(|error| CommandError::environment(error.what, error.next))?;
        Ok(desk::WasReset { device: name.to_string() })
    }

    fn describe(&self, phone: &Phone) -> Result<device::Device, CommandError> {
        let selected = self.phones().selected == *phone.name();
        phone.describe(selected)
    }

    /// Writes the normal world's document, if there is a folder.
    fn save(&self, _change: &Change<'_>) -> Result<(), CommandError> {
        let Some(folder) = &self.inner.context.folder else { return Ok(()) };
        let records = {
            let phones = self.phones();
            let by_name = phones.by_name.iter().map(|(name, phone)| (name.clone(), phone.record())).collect();
            Records { selected: phones.selected.clone(), phones: by_name }
        };
        folder.save_document(&records).map_err(|error| folder_error(&error))
    }
}

impl Service for Desk {
    async fn call(&self, call: Call) -> Result<Response, CommandError> {
        let (device, method) = (call.device.clone(), call.request.method());
        let created = match &call.request {
            Request::DeviceCreate(create) => Some(create.name.clone()),
            _ => None,
        };
        let answer = self.answer(call).await;
        if answer.is_ok() && CHANGES.contains(&method) {
            let device =
                created.or_else(|| device.clone()).unwrap_or_else(|| self.phones().selected.to_string());
            // Nobody listening is no error.
            let _ = self.inner.context.events.send(Event::Changed { device, method: method.to_owned() });
        }
        if self.phone(device.as_deref()).is_ok_and(|phone| phone.take_record_changed()) {
            self.save(&self.change())?;
        }
        answer
    }

    fn events(&self) -> broadcast::Receiver<Event> {
        self.inner.context.events.subscribe()
    }
}

impl Desk {
    async fn answer(&self, call: Call) -> Result<Response, CommandError> {
        let device = call.device.as_deref();
        let phone = || self.phone(device);
        Ok(match call.request {
            Request::StartSoterAuthentication(request) => {
                Response::StartSoterAuthentication(phone()?.start_soter_authentication(request).await?)
            }
            Request::CheckIsSupportSoterAuthentication(_) => {
                Response::CheckIsSupportSoterAuthentication(phone()?.check_is_support())
            }
            Request::CheckIsSoterEnrolledInDevice(request) => {
                Response::CheckIsSoterEnrolledInDevice(phone()?.check_is_enrolled(&request)?)
            }
            Request::Login(request) => Response::Login(phone()?.login(&request)?),
            Request::CheckSession(request) => Response::CheckSession(phone()?.check_session(&request)?),
            Request::GetUserInfo(request) => Response::GetUserInfo(phone()?.user_info(&request)?),
            Request::DeskReset(_) => Response::DeskReset(self.reset().await?),
            Request::DeviceCreate(create) => Response::DeviceCreate(self.create(&create)?),
            Request::DeviceList(_) => Response::DeviceList(self.list()),
            Request::DeviceSelect(select) => Response::DeviceSelect(self.select(&select.name)?),
            Request::DeviceProfiles(_) => Response::DeviceProfiles(families()),
            Request::DeviceShow(_) => {
                let phone = phone()?;
                Response::DeviceShow(self.describe(&phone)?)
            }
            Request::DeviceSet(set) => Response::DeviceSet(self.set(device, set)?),
            Request::DeviceRemove(remove) => Response::DeviceRemove(self.remove(&remove.name)?),
            Request::DeviceResetNormalWorld(_) => {
                Response::DeviceResetNormalWorld(self.reset_normal_world(device)?)
            }
            Request::SensorSetMode(set) => {
                let sensor = phone()?.set_sensor_mode(set.mode);
                self.save(&self.change())?;
                Response::SensorSetMode(sensor)
            }
            Request::SensorTouch(touch) => Response::SensorTouch(phone()?.touch(touch.touch)?),
            Request::SensorCancel(_) => Response::SensorCancel(phone()?.cancel()?),
            Request::BiometricEnroll(enroll) => Response::BiometricEnroll(phone()?.enroll(enroll.mode)?),
            Request::BiometricRemove(remove) => {
                Response::BiometricRemove(phone()?.remove_enrolment(remove.number)?)
            }
            Request::BiometricList(_) => Response::BiometricList(phone()?.enrolments()?),
            Request::BiometricUnlock(_) => Response::BiometricUnlock(phone()?.unlock()?),
            Request::KeysList(_) => Response::KeysList(phone()?.keys()?),
            Request::VerifySignature(request) => Response::VerifySignature(verification::verify(
                request.key.as_bytes(),
                request.json.as_bytes(),
                request.signature.as_bytes(),
                request.salt,
            )),
            Request::DangerSnapshot(snapshot) => Response::DangerSnapshot(self.snapshot(device, &snapshot)?),
            Request::DangerRestore(restore) => Response::DangerRestore(self.restore(device, &restore)?),
            Request::DangerClone(duplicate) => Response::DangerClone(self.duplicate(device, &duplicate)?),
            Request::DangerSetClock(set) => Response::DangerSetClock(self.force_clock(device, set)?),
            Request::DangerSign(sign) => Response::DangerSign(self.sign_in_software(&sign)?),
            Request::AttackList(_) => Response::AttackList(Self::attacks()),
            Request::AttackShow(show) => Response::AttackShow(Self::show_attack(&show.id)?),
            Request::AttackForge(forge) => Response::AttackForge(self.forge(&forge.id).await?),
            Request::AttackRun(run) => Response::AttackRun(self.run_attack(&run.id).await?),
            trusted_app => phone()?.trusted_app(trusted_app)?,
        })
    }
}

/// The right to change the list of phones and its document.
struct Change<'a>(#[expect(dead_code, reason = "held, not read")] MutexGuard<'a, ()>);

impl Phones {
    fn from_records(records: Records, context: &PhoneContext) -> Self {
        let by_name = records
            .phones
            .into_iter()
            .map(|(name, record)| (name.clone(), Arc::new(Phone::new(name, record, context.clone()))))
            .collect();
        Self { by_name, selected: records.selected }
    }
}

/// WeChat's servers, with their ledger beside the phones.
fn wechat_servers(
    mut options: WeChatOptions,
    folder: Option<&StateFolder>,
    clock: Arc<dyn Clock>,
    journal: &Arc<Journal>,
    events: &broadcast::Sender<Event>,
) -> Result<WeChat, CommandError> {
    let root = soter_tee::emulated_root_key()
        .ok_or_else(|| CommandError::internal("the emulated root does not read"))?;
    options.trusted_roots.push(root);
    let ledger = match folder {
        None => Ledger::in_memory(),
        Some(folder) => SqliteStore::open(&folder.ledger_path())
            .and_then(Ledger::open)
            .map_err(|error| CommandError::environment(error.what, error.next))?,
    };
    Ok(WeChat::new(options, ledger, clock, Arc::clone(journal), events.clone()))
}

fn first_phone() -> Result<DeviceName, CommandError> {
    FIRST_PHONE.parse().map_err(|error| CommandError::internal(format!("{error}")))
}

fn families() -> device::Families {
    let family = |profile: &Profile| device::Family {
        name: profile.name.to_owned(),
        description: profile.description.to_owned(),
        modes: profile.modes.to_vec(),
        salt_length: profile.salt_length,
    };
    device::Families { profiles: PROFILES.iter().map(family).collect() }
}

fn profile_named(name: &str) -> Result<&'static Profile, CommandError> {
    Profile::named(name).ok_or_else(|| {
        let shown: String = name.chars().take(80).collect();
        let known: Vec<_> = Profile::names().collect();
        CommandError::invalid_params(
            format!("there is no profile `{shown}`"),
            format!("profiles: {}", known.join(", ")),
        )
    })
}

fn clock_without_seed() -> CommandError {
    CommandError::invalid_params(
        "a clock was given without a seed",
        "give a seed too: only a seeded phone has a clock of its own",
    )
}

fn folder_error(error: &FolderError) -> CommandError {
    CommandError::environment(error.to_string(), error.remedy())
}
