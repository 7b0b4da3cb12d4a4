//! One attack: what it is, and what a correct server makes of it.

use std::fmt;

use crate::steps::Script;
use soter_wechat::Reason;

/// An attack of the catalogue.
#[derive(Debug)]
pub struct Attack {
    /// The stable name, such as `SOTER-REPLAY-01`.
    pub id: &'static str,
    /// Who has to notice.
    pub layer: Layer,
    /// One line: what is tried.
    pub title: &'static str,
    /// What the attacker has.
    pub holds: Holds,
    /// How the input is made, and with whose key.
    pub making: &'static str,
    /// What a correct server does.
    pub expected: Expected,
    /// What it means if the target does something else.
    pub meaning: &'static str,
    /// How to mend that.
    pub fix: &'static str,
    /// The family of the phone that is attacked.
    pub profile: &'static str,
    /// The steps.
    pub script: Script,
}

/// Who has to notice an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Whoever checks challenge, session and order: a mini program's own server.
    Application,
    /// Whoever checks the signature: WeChat's servers, or one's own with the same contract.
    Verifier,
}

/// What an attacker has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Another phone of the same user, or of another one.
    AnotherPhone,
    /// Nothing but the network: what anybody can send.
    Network,
    /// A result that was recorded on its way.
    RecordedResult,
    /// A rooted phone, whose text and signature can be changed, or whose keys have leaked.
    RootedPhone,
    /// A copy of a phone's storage.
    StolenBackup,
    /// Nothing: it is what an honest phone or program may send.
    Nothing,
}

/// What a correct server does with an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It may refuse or accept: both are correct. The reasons are those of this project's own server, if it refuses.
    MayRefuse(&'static [Reason]),
    /// It accepts.
    MustAccept,
    /// It refuses. The reasons are those of this project's own server, any of which will do.
    MustRefuse(&'static [Reason]),
}

impl Expected {
    /// The word for it.
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
    /// The word for it.
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
