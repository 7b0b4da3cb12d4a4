//! `servers` and `clock`: what users switch on at WeChat's servers.

use clap::Subcommand;
use soter_bridge::protocol::servers::{Expire, Expired, Failure, Set, Show};
use soter_bridge::protocol::{CommandError, Patch, desk};
use soter_text::text;
use soter_wechat::WeChatPath;

use super::device::{DEFAULT, parse_number, switch_patch};
use super::prepared_call::PreparedCall;
use super::timestamp::parse_duration;
use super::wrong_value::WrongValue;

/// `servers …`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Servers {
    /// What is switched on
    Show,
    /// Switch what backends meet on and off
    #[command(subcommand)]
    Set(Switch),
    /// End something before its time
    Expire {
        /// The session or the unused codes of the phone's user, or the mini program's access tokens: after their two hours
        /// (42001) or replaced by a newer one (40001)
        #[arg(value_name = "WHAT", value_parser = ["session", "code", "token", "tokenReplaced"])]
        what: String,
        /// The mini program; left out: the first one of WeChat's servers
        #[arg(long, value_name = "APPID")]
        app: Option<String>,
    },
}

/// `servers set SWITCH VALUE`; the value `default` sets a switch back.
#[derive(Clone, Debug, Subcommand)]
#[command(rename_all = "camelCase")]
pub(crate) enum Switch {
    /// Calls of backends fail with this errcode
    Failure {
        /// Such as -1 (busy), 45009 (daily quota), 45011 (too often) or 48001 (no permission); or default
        #[arg(value_name = "ERRCODE", value_parser = parse_number::<i32>, allow_negative_numbers = true)]
        errcode: Patch<i32>,
        /// How many calls [default: all, until it is switched off]
        #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
        times: Option<u32>,
        /// The path whose calls fail, for example /cgi-bin/soter/verify_signature [default: all]
        #[arg(long, value_name = "PATH", value_parser = parse_path)]
        path: Option<WeChatPath>,
    },
    /// Each answer to a backend comes late
    Delay {
        /// Milliseconds, at most 600000, or default
        #[arg(value_name = "MILLISECONDS", value_parser = parse_number::<u64>)]
        value: Patch<u64>,
    },
    /// Backends get no answer at all
    Silent {
        /// on, off or default
        #[arg(value_name = "SWITCH", value_parser = switch_patch())]
        value: Patch<bool>,
    },
    /// Whether each login gives the session another key; usually on
    #[command(alias = "login-renews-key")]
    LoginRenewsKey {
        /// on, off or default
        #[arg(value_name = "SWITCH", value_parser = switch_patch())]
        value: Patch<bool>,
    },
}

impl Servers {
    /// The protocol call for this command.
    ///
    /// # Errors
    /// `InvalidParams` if a failure that is switched off has details.
    pub(super) fn prepared_call(self) -> Result<PreparedCall, CommandError> {
        Ok(match self {
            Self::Show => PreparedCall::new(Show {}),
            Self::Set(switch) => PreparedCall::new(switch.changes()?),
            Self::Expire { what, app } => {
                let what = match what.as_str() {
                    "session" => Expired::Session,
                    "code" => Expired::Code,
                    "token" => Expired::Token,
                    _ => Expired::TokenReplaced,
                };
                PreparedCall::new(Expire { what, appid: app })
            }
        })
    }
}

impl Switch {
    fn changes(self) -> Result<Set, CommandError> {
        let keep = Set::default();
        Ok(match self {
            Self::Failure { errcode: Patch::Reset, times: None, path: None } => {
                Set { failure: Patch::Reset, ..keep }
            }
            Self::Failure { errcode: Patch::Reset, .. } => {
                return Err(CommandError::invalid_params(
                    text!("a failure that is switched off has no times and no path"),
                    text!("leave --times and --path out, or give an errcode"),
                ));
            }
            Self::Failure { errcode, times, path } => {
                let failure = match errcode {
                    Patch::Set(errcode) => Patch::Set(Failure { errcode, times, path }),
                    Patch::Keep | Patch::Reset => Patch::Keep,
                };
                Set { failure, ..keep }
            }
            Self::Delay { value } => Set { delay: value, ..keep },
            Self::Silent { value } => Set { silent: value, ..keep },
            Self::LoginRenewsKey { value } => Set { login_renews_key: value, ..keep },
        })
    }
}

/// How the clock of WeChat's servers is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClockMove {
    /// So many milliseconds forward.
    Forward(u64),
    /// Back to the computer's clock.
    Default,
}

impl ClockMove {
    /// The command that moves the clock so.
    pub(super) fn request(self) -> desk::Clock {
        match self {
            Self::Forward(by) => desk::Clock { forward: Some(by), ahead: None },
            Self::Default => desk::Clock { forward: None, ahead: Some(0) },
        }
    }
}

/// Parses `+2h`, `+1d12h` or `default`.
pub(super) fn parse_clock_move(text: &str) -> Result<ClockMove, WrongValue> {
    match text.strip_prefix('+') {
        _ if text == DEFAULT => Ok(ClockMove::Default),
        Some(duration) => parse_duration(duration).map(ClockMove::Forward),
        None => Err(WrongValue::from(text!(
            "expected a move forward, such as +2h, +5m or +1d12h; `default` takes the clock back"
        ))),
    }
}

fn parse_path(text: &str) -> Result<WeChatPath, WrongValue> {
    WeChatPath::try_from(text.to_owned()).map_err(|error| WrongValue::from(error.text()))
}
