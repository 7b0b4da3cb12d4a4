//! WeChat's servers for the tests of this crate.

use std::sync::Arc;

use crate::clock::SetClock;
use crate::journal::Journal;
use crate::ledger::embedded::EmbeddedLedger;
use crate::servers::{Replays, ServerLedger, WeChat, WeChatOptions};

pub(crate) const NOON: u64 = 1_700_000_000_000;

pub(crate) fn with(options: WeChatOptions, ledger: impl Into<ServerLedger>, clock: &SetClock) -> WeChat {
    WeChat::new(options, ledger, Arc::new(clock.clone()), Arc::new(Journal::new()), Arc::new(|_| {}))
}

pub(crate) fn wechat() -> WeChat {
    with(WeChatOptions::default(), EmbeddedLedger::in_memory(), &SetClock::at(NOON))
}

pub(crate) fn with_replays_accepted() -> WeChat {
    let options = WeChatOptions { replays: Replays::Accept, ..WeChatOptions::default() };
    with(options, EmbeddedLedger::in_memory(), &SetClock::at(NOON))
}
