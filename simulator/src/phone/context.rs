//! What all phones of a desk share.

use std::sync::Arc;

use soter_bridge::protocol::Event;
use soter_wechat::WeChat;
use tokio::sync::broadcast;
use tracing::debug;

use super::new_keys::NewKeys;
use crate::store::StateFolder;

/// What all phones of a desk share.
#[derive(Clone, Debug)]
pub(crate) struct PhoneContext {
    /// The folder in which phones are stored; `None`: they are in memory.
    pub(crate) folder: Option<Arc<StateFolder>>,
    /// The folder whose phones are copied into memory when they are used; it does not change.
    pub(crate) original: Option<Arc<StateFolder>>,
    /// The channel to which events are sent.
    pub(crate) events: broadcast::Sender<Event>,
    /// WeChat's servers, to which the client on the phone connects.
    pub(crate) wechat: Arc<WeChat>,
    /// The user who is logged in on a new phone; `None`: the first one of WeChat's servers.
    pub(crate) user: Option<String>,
    /// The source of new keys.
    pub(crate) keys: NewKeys,
}

impl PhoneContext {
    /// Logs an event and sends it to all subscribers. Events never contain a secret.
    pub(crate) fn emit(&self, event: Event) {
        debug!(?event);
        // It is not an error if nobody is subscribed.
        let _ = self.events.send(event);
    }
}
