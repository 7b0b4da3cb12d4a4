//! An attack: what it is, and how a correct server handles it.

use std::fmt;

use crate::kind::Kind;
use crate::steps::Script;
use soter_wechat::Reason;

/// An attack of the catalogue.
#[derive(Debug)]
pub struct Attack {
    /// The stable name, such as `SOTER-REPLAY-01`.
    pub id: &'static str,
    /// Who has to detect it.
    pub layer: Layer,
    /// The kind of weakness that it abuses.
    pub kind: Kind,
    /// One line: what the attacker tries.
    pub title: &'static str,
    /// What the attacker has.
    pub holds: Holds,
    /// How the input is made, and with which key.
    pub making: &'static str,
    /// What a correct server does.
    pub expected: Expected,
    /// What it means if the target does something else.
    pub meaning: &'static str,
    /// How to fix that.
    pub fix: &'static str,
    /// The family of the phone that is attacked.
    pub profile: &'static str,
    /// The steps.
    pub script: Script,
}

/// Who has to detect an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// The server that checks challenge, session and order: a mini program's own.
    Application,
    /// The server that checks the signature: WeChat's, or another one with the same contract.
    Verifier,
}

/// What an attacker has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Another phone of the same user, or of another one.
    AnotherPhone,
    /// Nothing but the network: what anybody can send.
    Network,
    /// A result that was recorded in transit.
    RecordedResult,
    /// A rooted phone, whose text and signature can be changed, or whose keys have leaked.
    RootedPhone,
    /// A copy of a phone's storage.
    StolenBackup,
    /// Nothing: an honest phone or program may send it.
    Nothing,
}

/// What a correct server does with an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It may refuse or accept: both are correct. The reasons are those of this project's own server, if it refuses.
    MayRefuse(&'static [Reason]),
    /// It accepts.
    MustAccept,
    /// It refuses. The reasons are those of this project's own server; any of them is right.
    MustRefuse(&'static [Reason]),
}

impl Attack {
    /// How many users it takes at most.
    pub fn users(&self) -> usize {
        /// The owner and another one.
        const USERS_OF_ROUND: usize = 2;
        self.script.rounds() * USERS_OF_ROUND
    }
}

impl Expected {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::MayRefuse(_) => "may-refuse",
            Self::MustAccept => "must-accept",
            Self::MustRefuse(_) => "must-refuse",
        }
    }

    /// The reasons with which this project's own server refuses.
    pub fn reasons(self) -> &'static [Reason] {
        match self {
            Self::MayRefuse(reasons) | Self::MustRefuse(reasons) => reasons,
            Self::MustAccept => &[],
        }
    }
}

impl Layer {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Verifier => "verifier",
        }
    }
}

impl fmt::Display for Holds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::AnotherPhone => "another phone",
            Self::Network => "only the network",
            Self::Nothing => "nothing: an honest phone may send this",
            Self::RecordedResult => "a recorded result",
            Self::RootedPhone => "a rooted phone",
            Self::StolenBackup => "a stolen backup",
        })
    }
}
