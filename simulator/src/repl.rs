//! The REPL: a sequence of commands on one desk, typed at a terminal or read from a pipe.

mod banner;
mod completion;
mod editor;
mod help;
mod lines;
mod pipe;
mod plain_terminal;
mod scenario;
mod session;
mod terminal;
mod watcher;

use std::io::{self, IsTerminal};

use soter_bridge::protocol::Service;
use tokio::runtime::Runtime;
use tracing::debug;

use crate::front::Exit;

pub(crate) use self::banner::BannerInfo;
pub(crate) use self::scenario::run as run_scenario;
pub(crate) use self::session::Session;

/// Reads commands and carries them out until the input ends or `exit` is read.
pub(crate) fn run<S: Service>(runtime: &Runtime, session: Session<S>, info: &BannerInfo) -> Exit {
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        match terminal::open(runtime, &session, info) {
            Ok((editor, watcher)) => terminal::run(runtime, session, editor, watcher, info),
            Err(error) => {
                debug!(%error, "this terminal cannot edit lines");
                plain_terminal::run(runtime, session, info, io::stdin().lock())
            }
        }
    } else {
        pipe::run(runtime, session, io::stdin().lock())
    }
}
