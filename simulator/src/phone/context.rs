//! What all phones of a desk share.

use std::sync::Arc;

use soter_bridge::protocol::Event;
use soter_wechat::WeChat;
use tracing::debug;

use super::events::Events;
use super::new_keys::NewKeys;
use crate::store::StateFolder;

/// What all phones of a desk share.
#[derive(Clone, Debug)]
pub(crate) struct PhoneContext {
    /// Where the phones are.
    pub(crate) place: Place,
    /// Where events are sent.
    pub(crate) events: Events,
    /// WeChat's servers, to which the client on the phone connects.
    pub(crate) wechat: Arc<WeChat>,
    /// The user who is logged in on a new phone; `None`: the first one of WeChat's servers.
    pub(crate) user: Option<String>,
    /// The source of new keys.
    pub(crate) keys: NewKeys,
}

/// Where the phones of a desk are.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// In memory.
    Memory,
    /// In this folder.
    Folder(Arc<StateFolder>),
    /// In memory, as copies of those of this folder, which does not change. Each is copied when it is used.
    CopyOf(Arc<StateFolder>),
}

impl Place {
    /// The folder in which the phones are stored.
    pub(crate) fn folder(&self) -> Option<&StateFolder> {
        match self {
            Self::Folder(folder) => Some(folder),
            Self::Memory | Self::CopyOf(_) => None,
        }
    }

    /// The folder whose phones are copied.
    pub(crate) fn original(&self) -> Option<&StateFolder> {
        match self {
            Self::CopyOf(original) => Some(original),
            Self::Memory | Self::Folder(_) => None,
        }
    }

    /// The folder that the phones are read from.
    pub(crate) fn source(&self) -> Option<&StateFolder> {
        self.folder().or_else(|| self.original())
    }
}

impl PhoneContext {
    /// Logs an event and sends it to all subscribers. Events never contain a secret.
    pub(crate) fn emit(&self, event: Event) {
        debug!(?event);
        self.events.send(event);
    }
}
