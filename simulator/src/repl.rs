//! The REPL: a sequence of commands on one desk, typed at a terminal or read from a pipe.

mod banner;
mod completion;
mod editor;
mod help;
mod lines;
mod pipe;
mod scenario;
mod session;
mod terminal;
mod watcher;

use std::io::{self, IsTerminal};

use soter_bridge::protocol::Service;
use tokio::runtime::Runtime;

use crate::front::Exit;

pub(crate) use self::banner::BannerInfo;
pub(crate) use self::scenario::run as run_scenario;
pub(crate) use self::session::Session;

/// Reads commands and carries them out until the input ends or `exit` is read.
pub(crate) fn run<S: Service>(runtime: &Runtime, session: Session<S>, info: &BannerInfo) -> Exit {
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        terminal::run(runtime, session, info)
    } else {
        pipe::run(runtime, session, io::stdin().lock())
    }
}
