//! Errors of WeChat's servers, for calls of the phone and for the configuration.

use crate::codes::{CODES, CodeSource};
use crate::ledger::error::LedgerError;
use crate::paths::WeChatPath;
use crate::sessions::switches::{MAX_CLOCK_OFFSET_MS, MAX_DELAY_MS};
use soter_text::{Text, text};

/// WeChat's servers reject a call or their configuration. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text().english())]
pub enum WeChatError {
    /// The configured accounts are not usable: one of them has the wrong shape, or two contradict each other.
    Accounts {
        /// One line: what is wrong.
        what: Text,
        /// One line: what to do next.
        next: Text,
    },
    /// The servers' clock would be more than ten years ahead.
    ClockTooFar,
    /// An answer would be delayed for more than ten minutes.
    DelayTooLong,
    /// The cryptographic library cannot encrypt a user's data: a defect of the program.
    Encryption(String),
    /// The ledger, which may keep codes and sessions, cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// There is no mini program with this appid.
    UnknownApp {
        /// The requested appid, shortened.
        appid: String,
        /// Some that exist.
        known: Vec<String>,
    },
    /// Calls of this path are this program's own, or are for several of the real servers' paths, and do not fail on demand.
    NoFailures {
        /// The path.
        path: WeChatPath,
    },
    /// WeChat's servers have no such errcode, or it means success.
    UnknownErrcode {
        /// The code.
        errcode: i32,
    },
    /// There is no user of this name.
    UnknownUser {
        /// The requested name, shortened.
        name: String,
        /// Some that exist.
        known: Vec<String>,
    },
    /// No user can have these data.
    UserData {
        /// One line: what is wrong.
        what: Text,
        /// One line: what to do next.
        next: Text,
    },
}

impl WeChatError {
    /// One line: what happened.
    pub fn text(&self) -> Text {
        match self {
            Self::Accounts { what, .. } => text!("the accounts: {what}", what = what),
            Self::ClockTooFar => text!(
                "the clock of WeChat's servers would be more than {days} days ahead",
                days = MAX_CLOCK_OFFSET_MS / 86_400_000
            ),
            Self::DelayTooLong => {
                text!("answers would be delayed for more than {most} ms", most = MAX_DELAY_MS)
            }
            Self::Encryption(error) => text!("a user's data cannot be encrypted: {error}", error = error),
            Self::Ledger(error) => error.what.clone(),
            Self::UnknownApp { appid, .. } => text!("there is no mini program `{appid}`", appid = appid),
            Self::NoFailures { path } => {
                text!("calls of {path} do not fail on demand", path = path.path())
            }
            Self::UnknownErrcode { errcode } => {
                text!("WeChat's servers do not fail with errcode {errcode}", errcode = errcode)
            }
            Self::UnknownUser { name, .. } => text!("there is no WeChat user `{name}`", name = name),
            Self::UserData { what, .. } => what.clone(),
        }
    }

    /// One line: what to do next. `None` for a defect of the program.
    pub fn next(&self) -> Option<Text> {
        match self {
            Self::Accounts { next, .. } | Self::UserData { next, .. } => Some(next.clone()),
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
            Self::UnknownUser { known, .. } => Some(text!("users: {known}", known = known.join(", "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;
    use crate::upload::UploadRefused;

    #[test]
    fn an_error_of_the_ledger_is_told_once() {
        let ledger = LedgerError {
            what: Text::verbatim("it is full"),
            next: Text::verbatim("make room"),
            may_pass: true,
        };
        let errors: [Box<dyn Error>; 2] =
            [Box::new(WeChatError::from(ledger.clone())), Box::new(UploadRefused::from(ledger))];
        for error in errors {
            assert_eq!(error.to_string(), "it is full");
            assert!(error.source().is_none());
        }
    }
}
