//! How a desk is set up.

use std::path::PathBuf;
use std::sync::Arc;

use directories::ProjectDirs;
use soter_bridge::protocol::SeedText;
use soter_bridge::protocol::sensor::SensorMode;
use soter_wechat::{Clock, SystemClock, WeChatOptions};

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
