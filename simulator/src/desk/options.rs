//! The options of a desk.

use std::path::PathBuf;
use std::sync::Arc;

use directories::ProjectDirs;
use soter_bridge::protocol::sensor::SensorMode;
use soter_wechat::{Clock, PostgresLedger, Secret, SystemClock, WeChatOptions};

/// The options of a desk.
#[derive(Clone, Debug)]
pub struct DeskOptions {
    /// The place of the phones.
    pub state: State,
    /// The first phone's family. A stored phone must be of this family.
    pub profile: Option<String>,
    /// Makes the first phone reproducible, and all that are created without their own seed. A stored phone must have
    /// been made with this seed.
    pub seed: Option<Secret>,
    /// The time at which new seeded phones' clocks stand, in milliseconds since 1970.
    pub clock: Option<u64>,
    /// The number of random keys that a thread makes in advance; 0: each is made when it is needed.
    pub key_stock: usize,
    /// WeChat's servers: their mini programs and users, and how they behave.
    pub wechat: WeChatOptions,
    /// A ledger that other servers share. `None`: the ledger is in the state folder or in memory, as the phones are.
    pub shared_ledger: Option<PostgresLedger>,
    /// The sensor mode of phones that are created, and of the new one after a reset.
    pub sensor: Option<SensorMode>,
    /// The number of phones of a fleet, from 1 to [`soter_wechat::MAX_FLEET`]; `None`: the one that is stored, if any.
    pub fleet: Option<u32>,
    /// Whether `desk.reset` may empty a folder.
    pub allow_reset: bool,
    /// The clock of WeChat's servers.
    pub servers_clock: Arc<dyn Clock>,
}

impl DeskOptions {
    /// The usual options, with the phones in this place.
    pub fn new(state: State) -> Self {
        Self {
            state,
            profile: None,
            seed: None,
            clock: None,
            key_stock: 0,
            wechat: WeChatOptions::default(),
            shared_ledger: None,
            sensor: None,
            fleet: None,
            allow_reset: false,
            servers_clock: Arc::new(SystemClock),
        }
    }
}

/// The place of the phones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// In memory: they are lost when the process ends.
    Ephemeral,
    /// In a folder, which this process locks.
    Folder(PathBuf),
}

/// The platform's folder for a program's data, or `None` if the platform names none.
pub fn default_state_folder() -> Option<PathBuf> {
    ProjectDirs::from("", "", "soter-sim").map(|folders| folders.data_dir().to_owned())
}
