//! The desk: all phones of one process, and the command protocol over them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use document::first_phone_name;
use holdings::AttackerHoldings;
use phones::Phones;
use soter_attack::KeySource;
use soter_bridge::page;
use soter_bridge::protocol::sensor::SensorMode;
use soter_bridge::protocol::{CommandError, ErrorKind, Event, desk, device};
use soter_bridge::server::Services;
use soter_tee::Seed;
use soter_text::{Text, text};
use soter_wechat::journal::Journal;
use soter_wechat::{WeChat, routes};
use soter_wire::{Profile, shortened};
use tokio::sync::broadcast;
use tracing::{info, warn};
use uncertain_files::UncertainFiles;

use crate::phone::{Phone, PhoneContext, Record};
use crate::store::StateFolder;

mod attacks;
mod change;
mod cloud_functions;
mod danger;
mod devices;
mod document;
mod fleet;
mod fleet_calls;
mod function_calls;
mod holdings;
mod journal_pages;
mod opening;
mod options;
mod phones;
mod refusals;
mod service;
mod switches;
mod uncertain_files;

pub use cloud_functions::{CloudFunctionCall, CloudFunctionEnd, CloudFunctions, RunningFunction};
pub use options::{DeskOptions, State, default_state_folder};

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
    /// What runs cloud functions, if something does.
    cloud_functions: Mutex<Option<Arc<dyn CloudFunctions>>>,
    /// The source of keys for attacks, created with the first attack.
    attack_keys: OnceLock<KeySource>,
    /// The generation that the ledger of WeChat's servers must have; each reset begins a new one.
    ledger_generation: AtomicU32,
    /// Whether other servers share the ledger. The generation is then not about it, but about the one in the folder.
    is_ledger_shared: bool,
    /// The files of the folder that may differ from memory, after a write that failed or a removal.
    uncertain: Mutex<UncertainFiles>,
    /// Held while the list of phones or its document changes, so that each change is complete before the next one.
    change_lock: Mutex<()>,
}

impl Desk {
    /// Switches every phone off in an orderly way: counter values that were reserved and not used are given back. Phones of a
    /// fleet skip these values, because to write thousands of phones takes too long for the end of a process. A second call
    /// does nothing; a phone that is used afterwards is switched on again.
    ///
    /// # Errors
    /// [`ErrorKind::Environment`] if storage fails for a phone. Its unused counter values are skipped; the other
    /// phones are off.
    pub fn close(&self) -> Result<(), CommandError> {
        let phones: Vec<_> = self.phones().own().cloned().collect();
        let mut result = Ok(());
        for phone in phones {
            result = result.and(phone.switch_off());
        }
        self.finish_all_commands();
        result
    }

    /// WeChat's servers, to which the phones upload their keys.
    pub fn wechat(&self) -> &Arc<WeChat> {
        &self.inner.context.wechat
    }

    /// The events of which the person who started the program should know, from now on: those of [`Event::is_problem`]. A
    /// receiver that does not read loses the oldest.
    pub fn problems(&self) -> broadcast::Receiver<Event> {
        self.inner.context.events.subscribe_to_problems()
    }

    /// The journal of calls from outside.
    pub fn journal(&self) -> &Arc<Journal> {
        &self.inner.journal
    }

    /// Lets the phones that were used before upload their keys to WeChat's servers, in case the servers have lost
    /// them. A phone that cannot do it now does it, or reports why not, when it is used; so does each phone of a fleet.
    pub async fn upload_existing_keys(&self) {
        let used = self.phones().iter().filter(|phone| phone.is_used()).count();
        // A ledger of this process that knows as many phones has lost none, and to switch on thousands takes long.
        if !self.inner.is_ledger_shared && self.wechat().device_count().await.is_ok_and(|known| known >= used)
        {
            return;
        }
        let phones: Vec<_> = self.phones().own().cloned().collect();
        for phone in phones.into_iter().filter(|phone| phone.is_used()) {
            if let Err(error) = phone.upload_existing_keys().await {
                warn!(phone = %phone.name(), "the phone's keys are not uploaded yet: {}", error.what.english());
            }
        }
    }

    /// Sends a notice for people to all subscribers of events.
    fn send_notice(&self, text: Text) {
        self.inner.context.emit(Event::Notice { text });
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
            notices: Arc::new(move |notice| desk.send_notice(notice)),
            health: Arc::new(move || wechat.failure().map_or(Ok(()), |error| Err(error.into()))),
            attacker,
        }
    }

    /// The state folder, if there is one.
    pub fn state_folder(&self) -> Option<&std::path::Path> {
        self.inner.context.place.folder().map(StateFolder::path)
    }

    /// Writes this process's address into the lock holder's note, for other processes that find the folder locked.
    ///
    /// # Errors
    /// [`ErrorKind::Environment`] if the lock holder's note cannot be replaced.
    pub fn set_url(&self, url: &str) -> Result<(), CommandError> {
        match self.inner.context.place.folder() {
            Some(folder) => Ok(folder.set_url(url)?),
            None => Ok(()),
        }
    }

    fn phones(&self) -> MutexGuard<'_, Phones> {
        self.inner.phones.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The phone of this name, or the selected one.
    fn phone(&self, name: Option<&str>) -> Result<Arc<Phone>, CommandError> {
        let mut phones = self.phones();
        let parsed = match name {
            None => Some(phones.selected.clone()),
            Some(name) => name.parse().ok(),
        };
        let phone = match &parsed {
            Some(name) => phones.get_or_make(name, &self.inner.context)?,
            None => None,
        };
        phone.ok_or_else(|| {
            let own = phones.own().take(10).map(|phone| phone.name().to_string());
            let more = (phones.own().len() > 10).then(|| "…".to_owned());
            let fleet = phones.fleet.as_ref().map(|fleet| fleet.names());
            let own: Vec<_> = own.chain(more).collect();
            let next = match fleet {
                Some(fleet) if own.is_empty() => text!("devices: {known}", known = fleet),
                Some(fleet) => text!("devices: {known}, {fleet}", known = own.join(", "), fleet = fleet),
                None => text!("devices: {known}", known = own.join(", ")),
            };
            let shown = shortened(name.unwrap_or_else(|| phones.selected.as_str()), 80);
            CommandError::new(
                ErrorKind::UnknownDevice,
                text!("there is no device `{name}`", name = shown),
                next,
            )
        })
    }

    /// Replaces all phones by a new one, and empties the servers. Calls that wait end as if their phone had been
    /// removed.
    async fn reset(&self) -> Result<desk::WasReset, CommandError> {
        if self.inner.context.place.folder().is_some() && !self.inner.allow_reset {
            return Err(CommandError::invalid_params(
                text!("a reset would remove the phones of this state folder for good"),
                text!("start with --allow-reset if that is wanted, or use --ephemeral"),
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
            change.save(|document| {
                document.phones = BTreeMap::from([(name.clone(), phone.record())]);
                document.removing.extend(self.phones().iter().map(|phone| phone.name().clone()));
                document.selected = name.clone();
                document.ledger_generation = generation;
            })?;
            self.inner.ledger_generation.store(generation, Ordering::Relaxed);
            let mut phones = self.phones();
            let removed = phones.remove_all();
            // The old phones must write nothing more before a new one of the same name is used.
            for phone in &removed {
                phone.discard();
            }
            change.plan_removals(removed.iter().map(|phone| phone.name().clone()));
            phones.selected = name.clone();
            phones.insert(Arc::clone(&phone));
            (removed, generation)
        };
        info!(removed = removed.len(), "all phones are replaced by a new one");
        self.inner.holdings.clear();
        self.begin_change().finish_removals();
        if !self.inner.is_ledger_shared
            && let Err(error) = self.wechat().reset(generation).await
        {
            warn!("the ledger is emptied when it can be written again: {}", error.what.english());
        }
        if self.inner.seed.is_some()
            && let Err(error) = phone.power_on()
        {
            warn!(phone = %phone.name(), "the phone is made when it is used: {}", error.what.english());
        }
        Ok(desk::WasReset { device: name.to_string() })
    }

    fn describe(&self, phone: &Phone) -> Result<device::Device, CommandError> {
        let selected = self.phones().selected == *phone.name();
        phone.describe(selected)
    }
}

/// The generation of a ledger after one that had this generation.
fn next_generation(generation: u32) -> Result<u32, CommandError> {
    generation.checked_add(1).ok_or_else(|| {
        CommandError::environment(
            text!("the ledger was emptied 4294967295 times, and its generation cannot grow any more"),
            text!("choose another state folder with --state, or another namespace with --ledger-namespace"),
        )
    })
}

#[cfg(test)]
mod tests;
