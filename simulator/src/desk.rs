//! The desk: all phones of one process, and the command protocol over them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use holdings::AttackerHoldings;
use phones::Phones;
use records::{Records, first_phone_name};
use refusals::{clock_without_seed, find_profile};
use soter_attack::KeySource;
use soter_bridge::page;
use soter_bridge::protocol::sensor::SensorMode;
use soter_bridge::protocol::{CommandError, ErrorKind, Event, desk, device};
use soter_bridge::server::Services;
use soter_tee::Seed;
use soter_wechat::journal::Journal;
use soter_wechat::{
    Clock, EmbeddedLedger, LedgerError, Observer, PostgresLedger, ServerLedger, SqliteStore, WeChat,
    WeChatOptions, routes,
};
use soter_wire::{PROFILES, Profile, shortened};
use tokio::sync::broadcast;
use tracing::{info, warn};

use crate::phone::{KeyStock, Phone, PhoneContext, Record};
use crate::store::{DeviceName, StateFolder};

mod attacks;
mod change;
mod danger;
mod devices;
mod holdings;
mod options;
mod phones;
mod records;
mod refusals;
mod service;

pub use options::{DeskOptions, State, default_state_folder};

/// The number of events that a subscriber can lag behind before it loses the oldest.
const EVENT_BACKLOG: usize = 4096;

/// All phones of one process. Clones are the same desk.
#[derive(Clone, Debug)]
pub struct Desk {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    phones: Mutex<Phones>,
    context: PhoneContext,
    /// The seed of phones that are created without their own seed.
    seed: Option<Seed>,
    clock: Option<u64>,
    journal: Arc<Journal>,
    /// The family of the phone that a reset creates.
    first_profile: &'static Profile,
    sensor: Option<SensorMode>,
    allow_reset: bool,
    holdings: AttackerHoldings,
    /// The source of keys for attacks, created with the first attack.
    attack_keys: OnceLock<KeySource>,
    /// The generation that the ledger of WeChat's servers must have; each reset begins a new one.
    ledger_generation: AtomicU32,
    /// Whether other servers share the ledger. The generation is then not about it, but about the one in the folder.
    is_ledger_shared: bool,
    /// Whether the document on disk still lists phones whose files are removed. A new phone may have such a name.
    lists_removed: AtomicBool,
    /// Held while the list of phones or its document changes, so that each change is complete before the next one.
    change_lock: Mutex<()>,
}

impl Desk {
    /// Opens a desk: locks the state folder, and loads the phones that are stored there, or creates a new one. Phones
    /// stay switched off until a command needs them.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParams`] if there is no such profile, a clock is given without a seed or is too late, or
    /// the stored phone has another profile or seed. [`ErrorKind::Environment`] if the folder is locked, damaged or
    /// cannot be written. Nothing was changed.
    pub fn open(options: DeskOptions) -> Result<Self, CommandError> {
        let DeskOptions {
            state,
            profile,
            seed,
            clock,
            key_stock,
            wechat,
            shared_ledger,
            sensor,
            allow_reset,
            servers_clock,
        } = options;
        let profile = profile.as_deref().map(find_profile).transpose()?;
        let seed = seed.map(|seed| Seed::from_text(seed.expose()));
        if clock.is_some() && seed.is_none() {
            return Err(clock_without_seed());
        }
        let folder = match state {
            State::Ephemeral => None,
            State::Folder(path) => Some(Arc::new(StateFolder::open(&path)?)),
        };
        let document = folder.as_deref().map(StateFolder::load_document::<Records>).transpose()?.flatten();
        let is_ledger_shared = shared_ledger.is_some();
        let generation = document.as_ref().map_or(0, |document| document.ledger_generation);
        let (ledger, generation) = open_ledger(shared_ledger, folder.as_deref(), generation)?;
        let (events, _) = broadcast::channel(EVENT_BACKLOG);
        let journal = Arc::new(Journal::new());
        let wechat = Arc::new(wechat_servers(wechat, ledger, servers_clock, &journal, &events)?);
        let keys = (key_stock > 0).then(|| KeyStock::new(key_stock));
        let context = PhoneContext { folder, events, wechat, keys };

        // Removals are done now, and the next start must not repeat them.
        let is_done = document.as_ref().is_some_and(|document| !document.removing.is_empty());
        let stored = match &context.folder {
            Some(folder) => Records::complete(document, folder, &context)?,
            None => None,
        };
        let is_new = stored.is_none();
        let records = match stored {
            Some(records) => records,
            None => Records::with_phone(first_phone_name()?, Record::new(profile.unwrap_or(&PROFILES[0]))),
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
            holdings: AttackerHoldings::default(),
            attack_keys: OnceLock::new(),
            ledger_generation: AtomicU32::new(generation),
            is_ledger_shared,
            lists_removed: AtomicBool::new(false),
            change_lock: Mutex::new(()),
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
        if (is_new || is_done)
            && let Err(error) = desk.begin_change().save(|_| {})
        {
            if is_new {
                desk.discard_files(selected.name());
            }
            return Err(error);
        }
        Ok(desk)
    }

    /// Switches every phone off in an orderly way: counter values that were reserved and not used are given back. A
    /// second call does nothing; a phone that is used afterwards is switched on again.
    ///
    /// # Errors
    /// [`ErrorKind::Environment`] if storage fails for a phone. Its unused counter values are skipped; the other
    /// phones are off.
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

    /// The journal of calls from outside.
    pub fn journal(&self) -> &Arc<Journal> {
        &self.inner.journal
    }

    /// Lets the phones that were used before upload their keys to WeChat's servers, in case the servers have lost
    /// them. A phone that cannot do it now does it, or reports why not, when it is used.
    pub async fn upload_existing_keys(&self) {
        let phones: Vec<_> = self.phones().by_name.values().cloned().collect();
        for phone in phones.into_iter().filter(|phone| phone.is_used()) {
            if let Err(error) = phone.upload_existing_keys().await {
                warn!(phone = %phone.name(), "the phone's keys are not uploaded yet: {}", error.what);
            }
        }
    }

    /// Sends a notice for people to all subscribers of events.
    fn send_notice(&self, text: &str) {
        self.inner.context.emit(Event::Notice { text: text.to_owned() });
    }

    /// The services behind a server's port: this desk, its journal, WeChat's servers and the device page. With
    /// `attacker`, the attacker's methods are available, too.
    pub fn services(&self, attacker: bool) -> Services<Self> {
        let (desk, wechat) = (self.clone(), Arc::clone(self.wechat()));
        Services {
            service: Arc::new(self.clone()),
            journal: Arc::clone(self.journal()),
            wechat: routes(Arc::clone(self.wechat())),
            page: Some(page()),
            notices: Arc::new(move |notice: &str| desk.send_notice(notice)),
            health: Arc::new(move || wechat.failure().map_or(Ok(()), |error| Err(error.into()))),
            attacker,
        }
    }

    /// Writes this process's address into the lock holder's note, for other processes that find the folder locked.
    ///
    /// # Errors
    /// [`ErrorKind::Environment`] if the lock holder's note cannot be replaced.
    pub fn set_url(&self, url: &str) -> Result<(), CommandError> {
        match &self.inner.context.folder {
            Some(folder) => Ok(folder.set_url(url)?),
            None => Ok(()),
        }
    }

    fn phones(&self) -> MutexGuard<'_, Phones> {
        self.inner.phones.lock().unwrap_or_else(PoisonError::into_inner)
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
            let shown = shortened(name.unwrap_or_else(|| phones.selected.as_str()), 80);
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

    /// Replaces all phones by a new one, and empties the servers. Calls that wait end as if their phone had been
    /// removed.
    async fn reset(&self) -> Result<desk::WasReset, CommandError> {
        if self.inner.context.folder.is_some() && !self.inner.allow_reset {
            return Err(CommandError::invalid_params(
                "a reset would remove the phones of this state folder for good",
                "start with --allow-reset if that is wanted, or use --ephemeral",
            ));
        }
        let name = first_phone_name()?;
        let mut record = Record::new(self.inner.first_profile);
        if let Some(mode) = self.inner.sensor.clone() {
            record.set_sensor(mode);
        }
        let phone = Arc::new(Phone::new(name.clone(), record, self.inner.context.clone()));
        if let Some(seed) = &self.inner.seed {
            phone.plan_seed(seed, self.inner.clock)?;
        }
        // A shared ledger is emptied first: if that fails, nothing has changed. It cannot be emptied later, because other servers
        // may have gone on with it.
        if self.inner.is_ledger_shared {
            let generation = next_generation(self.wechat().generation().await?)?;
            self.wechat().reset(generation).await?;
        }
        let (removed, generation) = {
            let change = self.begin_change();
            let generation = next_generation(self.inner.ledger_generation.load(Ordering::Relaxed))?;
            // The new phone may have the name of an old one. The old files are removed later.
            change.save(|records| {
                let phones = BTreeMap::from([(name.clone(), phone.record())]);
                let old = std::mem::replace(&mut records.phones, phones);
                records.removing.extend(old.into_keys());
                records.selected = name.clone();
                records.ledger_generation = generation;
            })?;
            self.inner.ledger_generation.store(generation, Ordering::Relaxed);
            // The old phones must write nothing more before a new one of the same name is used.
            let removed: Vec<_> = self.phones().by_name.values().cloned().collect();
            for phone in &removed {
                phone.discard();
            }
            change.plan_removals(removed.iter().map(|phone| phone.name().clone()));
            let mut phones = self.phones();
            phones.selected = name.clone();
            phones.by_name = BTreeMap::from([(name.clone(), Arc::clone(&phone))]);
            (removed, generation)
        };
        info!(removed = removed.len(), "all phones are replaced by a new one");
        self.inner.holdings.clear();
        self.begin_change().finish_removals();
        if !self.inner.is_ledger_shared
            && let Err(error) = self.wechat().reset(generation).await
        {
            warn!("the ledger is emptied when it can be written again: {}", error.what);
        }
        if self.inner.seed.is_some()
            && let Err(error) = phone.switch_on_as_planned()
        {
            warn!(phone = %phone.name(), "the phone is made when it is used: {}", error.what);
        }
        Ok(desk::WasReset { device: name.to_string() })
    }

    fn describe(&self, phone: &Phone) -> Result<device::Device, CommandError> {
        let selected = self.phones().selected == *phone.name();
        phone.describe(selected)
    }
}

/// The ledger of WeChat's servers, and the generation of the one in the folder.
fn open_ledger(
    shared: Option<PostgresLedger>,
    folder: Option<&StateFolder>,
    generation: u32,
) -> Result<(ServerLedger, u32), LedgerError> {
    Ok(match (shared, folder) {
        (Some(shared), _) => (shared.into(), generation),
        (None, Some(folder)) => {
            // A reset that could not empty the ledger is completed here.
            let ledger = EmbeddedLedger::open(SqliteStore::open(&folder.ledger_path())?, generation)?;
            let generation = ledger.generation();
            (ledger.into(), generation)
        }
        (None, None) => (EmbeddedLedger::in_memory().into(), 0),
    })
}

/// The generation of a ledger after one that had this generation.
fn next_generation(generation: u32) -> Result<u32, CommandError> {
    generation.checked_add(1).ok_or_else(|| {
        CommandError::environment(
            "the ledger was emptied 4294967295 times, and its generation cannot grow any more",
            "choose another state folder with --state, or another namespace with --ledger-namespace",
        )
    })
}

fn wechat_servers(
    mut options: WeChatOptions,
    ledger: ServerLedger,
    clock: Arc<dyn Clock>,
    journal: &Arc<Journal>,
    events: &broadcast::Sender<Event>,
) -> Result<WeChat, CommandError> {
    let root = soter_tee::emulated_root_key()
        .ok_or_else(|| CommandError::internal("the emulated root does not read"))?;
    options.trusted_roots.push(root);
    let events = events.clone();
    let observer: Observer = Arc::new(move |event| {
        if events.receiver_count() > 0 {
            // It is not an error if the last subscriber has just gone.
            let _ = events.send(event.into());
        }
    });
    Ok(WeChat::new(options, ledger, clock, Arc::clone(journal), observer))
}
