//! The state folder: whether it is there, whether it can be read, and who uses it.

use soter_bridge::protocol::CommandError;
use soter_sim::store::{FolderError, StateFolder};
use soter_sim::{Desk, State};
use soter_text::text;

use super::observation::Observation;
use crate::cli::setup;
use crate::grammar::Options;

/// What was found.
pub(super) struct StateFolderCheck {
    /// What it means.
    pub(super) observation: Observation,
    /// The desk in it, if nobody else uses it and it can be opened.
    pub(super) desk: Option<Desk>,
    /// The address of the server that uses it, or of the one on the usual port if there is no folder.
    pub(super) server: Option<String>,
}

impl StateFolderCheck {
    /// Looks at the folder of these options. `server` is the address of a soter-sim that was found.
    pub(super) fn of(options: &Options, server: Option<String>) -> Self {
        let only = |observation, server| Self { observation, desk: None, server };
        let folder = match setup::state(options) {
            Ok(State::Folder(folder)) => folder,
            Ok(State::Ephemeral) => {
                let what = text!("nothing is kept: every command has a new phone");
                return only(Observation::good("state", what), server);
            }
            Err(error) => return only(Observation::from(("state", error)), server),
        };
        let path = folder.display();
        if !StateFolder::exists_at(&folder) {
            let what =
                text!("the state folder {path} does not exist yet: the first command makes it", path = path);
            return only(Observation::good("state", what), server);
        }
        match StateFolder::open(&folder) {
            // Its lock is given back at once, for the desk.
            Ok(opened) => drop(opened),
            Err(FolderError::InUse { owner, .. }) => {
                let url = owner.as_ref().and_then(|owner| owner.url.clone());
                let holder = owner.map_or_else(|| text!("another process"), |owner| owner.text());
                return match url {
                    Some(url) => only(
                        Observation::note(
                            "state",
                            text!(
                                "the state folder {path} is used by {holder}",
                                path = path,
                                holder = holder
                            ),
                            text!("add --connect {url} to commands for its phones", url = url),
                        ),
                        Some(url),
                    ),
                    None => only(
                        Observation::problem(
                            "state",
                            text!(
                                "the state folder {path} is used by {holder}",
                                path = path,
                                holder = holder
                            ),
                            text!("wait until it ends, or choose another folder with --state"),
                        ),
                        None,
                    ),
                };
            }
            Err(error) => return only(Observation::from(("state", CommandError::from(error))), None),
        }
        match setup::open(State::Folder(folder.clone()), options) {
            Ok(desk) => Self {
                observation: Observation::good(
                    "state",
                    text!("the state folder {path} can be read and written", path = path),
                ),
                desk: Some(desk),
                server: None,
            },
            Err(error) => only(Observation::from(("state", error)), None),
        }
    }
}
