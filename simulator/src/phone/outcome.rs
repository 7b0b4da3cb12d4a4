//! How a call to `wx.startSoterAuthentication` ends.

use soter_bridge::protocol::CommandError;
use soter_bridge::protocol::wx::SoterAuthentication;
use soter_tee::Lockout;
use soter_wechat::codes::wx::{self, message};

/// How a call ended, or the failure of the phone's environment.
pub(super) type Outcome = Result<Ended, CommandError>;

/// The end of a call to `wx.startSoterAuthentication`.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    /// The answer that the mini program receives.
    pub(super) answer: Box<SoterAuthentication>,
    /// Why it failed, in more words than the mini program receives; may be empty.
    pub(super) reason: String,
}

impl Ended {
    /// A failure; `text` is what follows `startSoterAuthentication:`.
    pub(super) fn failed(err_code: i32, text: &str, reason: impl Into<String>) -> Self {
        let answer = SoterAuthentication {
            err_code,
            auth_mode: String::new(),
            result_json: String::new(),
            result_json_signature: String::new(),
            err_msg: format!("startSoterAuthentication:{text}"),
        };
        Self { answer: Box::new(answer), reason: reason.into() }
    }

    /// 90007 with this text.
    pub(super) fn internal_error(text: &str, reason: impl Into<String>) -> Self {
        Self::failed(wx::INTERNAL_ERROR, &format!("fail {text}"), reason)
    }

    /// 90007 with a text that was set with `device set internalError`.
    pub(super) fn configured_internal_error(text: &str) -> Self {
        Self::internal_error(text, "switched on by `device set internalError`")
    }

    pub(super) fn cancelled() -> Self {
        Self::failed(wx::CANCELLED, message::CANCEL, "")
    }

    /// The sensor is locked.
    pub(super) fn frozen(lockout: Lockout) -> Self {
        let reason = match lockout {
            Lockout::Timed { remaining_ms } => format!("locked for {} s more", remaining_ms.div_ceil(1000)),
            Lockout::Permanent => "locked until the PIN is entered: `biometric unlock`".to_owned(),
        };
        Self::failed(wx::FROZEN, message::FROZEN, reason)
    }
}
