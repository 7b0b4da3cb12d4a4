//! How a desk is opened: folder, ledger, servers, fleet and phones, in this order.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, OnceLock};

use soter_bridge::protocol::CommandError;
use soter_tee::Seed;
use soter_text::text;
use soter_wechat::journal::Journal;
use soter_wechat::{
    Clock, EmbeddedLedger, LedgerError, Observer, PostgresLedger, ServerLedger, SqliteStore, WeChat,
    WeChatOptions,
};
use soter_wire::{PROFILES, Profile};

use super::document::{Document, StoredPhones, first_phone_name};
use super::fleet::{Fleet, FleetOptions};
use super::holdings::AttackerHoldings;
use super::options::{DeskOptions, State};
use super::phones::Phones;
use super::refusals::{clock_without_seed, find_profile};
use super::{Desk, Inner};
use crate::phone::{Events, KeyStock, NewKeys, PhoneContext, Place, Record};
use crate::store::{DeviceName, StateFolder};

impl Desk {
    /// Opens a desk: locks the state folder, and loads the phones that are stored there, or creates a new one. Phones
    /// stay switched off until a command needs them.
    ///
    /// # Errors
    /// `InvalidParams` if there is no such profile, a clock is given without a seed or is too late, the stored phone has
    /// another profile or seed, or another fleet is stored. `Environment` if the folder is locked, damaged or cannot be
    /// written. Nothing was changed, except that removals that had begun may have been completed.
    pub fn open(options: DeskOptions) -> Result<Self, CommandError> {
        let place = match &options.state {
            State::Ephemeral => Place::Memory,
            State::Folder(path) => Place::Folder(Arc::new(StateFolder::open(path)?)),
        };
        Self::open_in(place, options)
    }

    /// Opens a desk in memory with copies of the phones of a folder, which does not change. The folder's ledger is checked; that
    /// of this desk is empty and its own. `state` and `shared_ledger` in the options do not count.
    ///
    /// # Errors
    /// `InvalidParams` if there is no such profile, a clock is given without a seed or is too late, the stored phone has
    /// another profile or seed, or another fleet is stored. `Environment` if the folder or its ledger is damaged or cannot be
    /// read.
    pub fn copy_of(folder: StateFolder, options: DeskOptions) -> Result<Self, CommandError> {
        SqliteStore::check(&folder.ledger_path())?;
        Self::open_in(Place::CopyOf(Arc::new(folder)), DeskOptions { shared_ledger: None, ..options })
    }

    fn open_in(place: Place, options: DeskOptions) -> Result<Self, CommandError> {
        let DeskOptions {
            state: _,
            profile,
            seed,
            clock,
            key_stock,
            wechat,
            shared_ledger,
            sensor,
            fleet,
            allow_reset,
            servers_clock,
        } = options;
        let profile = profile.as_deref().map(find_profile).transpose()?;
        let seed = seed.map(|seed| Seed::from_text(seed.expose()));
        if clock.is_some() && seed.is_none() {
            return Err(clock_without_seed());
        }
        let stored = place.source();
        let document = stored.map(StateFolder::load_document::<Document>).transpose()?.flatten();
        let stored_fleet = document.as_ref().and_then(|document| document.fleet.clone());
        let is_new_fleet = document.is_some() && stored_fleet.is_none();
        let fleet = FleetOptions { size: fleet, profile, seed: seed.clone(), clock, sensor: sensor.clone() };
        let fleet = Fleet::new(stored_fleet, fleet)?;
        if is_new_fleet && let (Some(fleet), Some(stored)) = (&fleet, stored) {
            check_names(fleet, &stored.record_names()?)?;
        }
        let is_ledger_shared = shared_ledger.is_some();
        let generation = document.as_ref().map_or(0, |document| document.ledger_generation);
        let (ledger, generation) = open_ledger(shared_ledger, place.folder(), generation)?;
        let events = Events::new();
        let journal = Arc::new(Journal::new());
        let accounts = wechat.accounts.with_fleet(fleet.as_ref().map_or(0, Fleet::size));
        let wechat = WeChatOptions { accounts, ..wechat };
        let wechat = Arc::new(wechat_servers(wechat, ledger, servers_clock, &journal, &events)?);
        let keys = if key_stock > 0 { NewKeys::Stock(KeyStock::new(key_stock)) } else { NewKeys::Generated };
        let context = PhoneContext { place, events, wechat, user: None, keys };

        let is_outdated = is_outdated(document.as_ref(), fleet.as_ref());
        let stored = match &context.place {
            Place::Folder(folder) => StoredPhones::load(document, folder, fleet.as_ref(), &context)?,
            Place::CopyOf(original) => StoredPhones::copy(document, original, fleet.as_ref(), &context)?,
            Place::Memory => None,
        };
        let is_new = stored.is_none();
        let first_profile = profile.unwrap_or(&PROFILES[0]);
        let stored = stored.map_or_else(|| one_phone(first_profile), Ok)?;
        let inner = Inner {
            phones: Mutex::new(Phones::new(stored, fleet, &context)?),
            context,
            seed,
            clock,
            journal,
            first_profile,
            sensor,
            allow_reset,
            holdings: AttackerHoldings::default(),
            cloud_functions: Mutex::default(),
            attack_keys: OnceLock::new(),
            ledger_generation: AtomicU32::new(generation),
            is_ledger_shared,
            uncertain: Mutex::default(),
            change_lock: Mutex::new(()),
        };
        let desk = Self { inner: Arc::new(inner) };
        desk.prepare_selected(is_new, profile, is_outdated)?;
        Ok(desk)
    }

    /// Checks that the selected phone is as the options say. The phone of a new desk is made so, and stored.
    fn prepare_selected(
        &self,
        is_new: bool,
        profile: Option<&'static Profile>,
        is_outdated: bool,
    ) -> Result<(), CommandError> {
        let selected = self.phone(None)?;
        if let Some(seed) = &self.inner.seed {
            if is_new {
                selected.make_reproducible(seed, self.inner.clock)?;
            } else {
                selected.check_seed(seed)?;
            }
        }
        if let Some(profile) = profile
            && selected.profile().name != profile.name
        {
            return Err(CommandError::invalid_params(
                text!(
                    "device `{device}` is a `{stored}` phone, not `{requested}`",
                    device = selected.name(),
                    stored = selected.profile().name,
                    requested = profile.name
                ),
                text!(
                    "leave --profile out, choose another folder with --state, or create a device of that profile"
                ),
            ));
        }
        let change = self.begin_change();
        if is_new {
            return change.save(|_| {}).and_then(|()| change.save_new(&selected)).inspect_err(|_| {
                self.discard_files(selected.name());
            });
        }
        if is_outdated { change.save(|_| {}) } else { Ok(()) }
    }
}

/// Whether the document of a folder with phones must be written: its records are in files now, its removals are done and must
/// not be repeated, or it does not name the fleet.
fn is_outdated(document: Option<&Document>, fleet: Option<&Fleet>) -> bool {
    let Some(document) = document else { return fleet.is_some() };
    !document.phones.is_empty()
        || !document.removing.is_empty()
        || document.fleet.as_ref() != fleet.map(Fleet::stored)
}

/// Refuses a new fleet if a device that is not of it has the name of one of its phones.
fn check_names(fleet: &Fleet, names: &[DeviceName]) -> Result<(), CommandError> {
    match names.iter().find(|name| fleet.has(name)) {
        None => Ok(()),
        Some(name) => Err(CommandError::invalid_params(
            text!("device `{name}` is not of the fleet, and has the name of one of its phones", name = name),
            text!("remove it first, or choose another folder with --state"),
        )),
    }
}

/// The phone of a new desk.
fn one_phone(profile: &Profile) -> Result<StoredPhones, CommandError> {
    let name = first_phone_name()?;
    let records = BTreeMap::from([(name.clone(), Record::new(profile))]);
    Ok(StoredPhones { selected: name, records })
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

fn wechat_servers(
    mut options: WeChatOptions,
    ledger: ServerLedger,
    clock: Arc<dyn Clock>,
    journal: &Arc<Journal>,
    events: &Events,
) -> Result<WeChat, CommandError> {
    let root = soter_tee::emulated_root_key()
        .ok_or_else(|| CommandError::defect("the emulated root does not read"))?;
    options.trusted_roots.push(root);
    let events = events.clone();
    let observer: Observer = Arc::new(move |event| events.send_of_servers(event));
    Ok(WeChat::new(options, ledger, clock, Arc::clone(journal), observer))
}
