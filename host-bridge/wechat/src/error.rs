//! Errors of WeChat's servers, for calls of the phone and for the configuration.

use crate::codes::{CODES, CodeSource};
use crate::ledger::error::LedgerError;
use crate::paths::WeChatPath;
use crate::sessions::switches::{MAX_CLOCK_OFFSET_MS, MAX_DELAY_MS};
use soter_text::{Text, text};

/// WeChat's servers reject a call or their configuration. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeChatError {
    /// The configured accounts are not usable: one of them has the wrong shape, or two contradict each other.
    #[error("the accounts: {what}")]
    Accounts {
        /// One line: what is wrong.
        what: String,
        /// One line: what to do next.
        next: &'static str,
    },
    /// The servers' clock would be more than ten years ahead.
    #[error("the clock of WeChat's servers would be more than {} days ahead", MAX_CLOCK_OFFSET_MS / 86_400_000)]
    ClockTooFar,
    /// An answer would be delayed for more than ten minutes.
    #[error("answers would be delayed for more than {MAX_DELAY_MS} ms")]
    DelayTooLong,
    /// The cryptographic library cannot encrypt a user's data: a defect of the program.
    #[error("a user's data cannot be encrypted: {0}")]
    Encryption(String),
    /// The ledger, which may keep codes and sessions, cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// There is no mini program with this appid.
    #[error("there is no mini program `{appid}`")]
    UnknownApp {
        /// The requested appid, shortened.
        appid: String,
        /// Some that exist.
        known: Vec<String>,
    },
    /// Calls of this path are this program's own, or are for several of the real servers' paths, and do not fail on demand.
    #[error("calls of {} do not fail on demand", path.path())]
    NoFailures {
        /// The path.
        path: WeChatPath,
    },
    /// WeChat's servers have no such errcode, or it means success.
    #[error("WeChat's servers do not fail with errcode {errcode}")]
    UnknownErrcode {
        /// The code.
        errcode: i32,
    },
    /// There is no user of this name.
    #[error("there is no WeChat user `{name}`")]
    UnknownUser {
        /// The requested name, shortened.
        name: String,
        /// Some that exist.
        known: Vec<String>,
    },
    /// No user can have these data.
    #[error("{what}")]
    UserData {
        /// One line: what is wrong.
        what: String,
        /// One line: what to do next.
        next: String,
    },
}

impl WeChatError {
    /// One line: what to do next. `None` for a defect of the program.
    pub fn next(&self) -> Option<Text> {
        match self {
            Self::Accounts { next, .. } => Some((*next).into()),
            Self::ClockTooFar => Some(text!("move it less far, or set it back")),
            Self::DelayTooLong => Some(text!("choose at most {most}", most = MAX_DELAY_MS)),
            Self::Encryption(_) => None,
            Self::Ledger(error) => Some(error.next.clone()),
            Self::UnknownApp { known, .. } => Some(text!(
                "apps: {known}; add yours to the file that --config names",
                known = known.join(", ")
            )),
            Self::NoFailures { .. } => Some(text!(
                "name a path of api.weixin.qq.com, which fails for cloud functions as well, or none for all of them"
            )),
            Self::UnknownErrcode { .. } => {
                let known = CODES.iter().filter(|code| code.source == CodeSource::Backend && code.code != 0);
                let numbers: Vec<_> = known.map(|code| code.code.to_string()).collect();
                Some(text!("choose one of {numbers}", numbers = numbers.join(", ")))
            }
            Self::UserData { next, .. } => Some(next.clone().into()),
            Self::UnknownUser { known, .. } => Some(text!("users: {known}", known = known.join(", "))),
        }
    }
}
