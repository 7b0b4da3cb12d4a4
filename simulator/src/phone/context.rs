//! What all phones of a desk share.

use std::sync::Arc;

use soter_bridge::protocol::Event;
use soter_wechat::WeChat;
use tokio::sync::broadcast;

use super::key_stock::KeyStock;
use crate::store::StateFolder;

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
