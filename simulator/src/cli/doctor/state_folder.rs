//! The state folder: whether it is there, whether it can be read and written, and who uses it.

use std::fs;
use std::io::ErrorKind;

use soter_bridge::protocol::CommandError;
use soter_sim::store::{FileAction, FolderError, StateFolder};
use soter_sim::{Desk, State};
use soter_text::text;

use super::observation::Observation;
use crate::cli::setup;
use crate::grammar::Options;

/// What was found.
pub(super) struct StateFolderCheck {
    /// What it means.
    pub(super) observation: Observation,
    /// Copies of its phones, if nobody else uses it and it can be read; or the server that uses it; or the one on the usual port
    /// if there is no folder.
    pub(super) source: Option<Source>,
}

/// Where the switches of phones and servers are read.
pub(super) enum Source {
    /// Copies of the phones of a state folder that nobody uses.
    Desk(Desk),
    /// A running server with this address.
    Server(String),
}

impl StateFolderCheck {
    /// Looks at the folder of these options. `server` is the address of a soter-sim that was found.
    pub(super) fn of(options: &Options, server: Option<String>) -> Self {
        let of_server =
            |what| Self { observation: Observation::good("state", what), source: server.map(Source::Server) };
        let failed = |error| Self { observation: Observation::failed("state", error), source: None };
        let folder = match setup::state(options) {
            Ok(State::Folder(folder)) => folder,
            Ok(State::Ephemeral) => {
                return of_server(text!("nothing is kept: every command has a new phone"));
            }
            Err(error) => return failed(error),
        };
        let path = folder.display();
        // What the first command would find, if there are no phones yet.
        let without_phones = |what| match StateFolder::check_may_be_made(&folder) {
            Ok(()) => of_server(what),
            Err(error) => failed(error.into()),
        };
        match fs::read_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return without_phones(text!(
                    "the state folder {path} does not exist yet: the first command makes it",
                    path = path
                ));
            }
            Err(source) => {
                return failed(FolderError::File { action: FileAction::Read, path: folder, source }.into());
            }
            Ok(_) if !StateFolder::exists_at(&folder) => {
                return without_phones(text!(
                    "the state folder {path} has no phones yet: the first command makes one",
                    path = path
                ));
            }
            Ok(_) => {}
        }
        let opened = match StateFolder::open_unchanged(&folder) {
            Ok(opened) => opened,
            Err(error) => return Self::of_error(error),
        };
        let write_access = opened.check_write_access();
        match Desk::copy_of(opened, setup::desk_options(State::Folder(folder.clone()), options)) {
            Ok(desk) => Self {
                observation: match write_access {
                    Ok(()) => Observation::good(
                        "state",
                        text!("the state folder {path} can be read and written", path = path),
                    ),
                    Err(error) => Observation::failed("state", error.into()),
                },
                source: Some(Source::Desk(desk)),
            },
            Err(error) => failed(error),
        }
    }

    /// A folder that cannot be opened. One that a server uses is not a problem: commands reach its phones through the server.
    fn of_error(error: FolderError) -> Self {
        let url = match &error {
            FolderError::InUse { owner: Some(owner), .. } => owner.url.clone(),
            _ => None,
        };
        let observation = match &url {
            Some(url) => Observation::note(
                "state",
                error.text(),
                text!("add --connect {url} to commands for its phones", url = url),
            ),
            None => Observation::failed("state", CommandError::from(error)),
        };
        Self { observation, source: url.map(Source::Server) }
    }
}
