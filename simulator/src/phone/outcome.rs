//! How a call that shows a dialog ends: an authentication or a payment.

use soter_bridge::protocol::CommandError;
use soter_bridge::protocol::wx::SoterAuthentication;
use soter_tee::Lockout;
use soter_text::{Text, text};
use soter_wechat::codes::wx::{self, message};
use soter_wire::Mode;

/// How a call ended, or the failure of the phone's environment.
pub(super) type Outcome = Result<Ended, CommandError>;

/// The end of a call.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    /// The `errCode` of an authentication. A payment has none; 0 stands for success there, too.
    pub(super) err_code: i32,
    /// What follows the call's name and `:` in `errMsg`.
    pub(super) text: String,
    /// What was signed, after the success of an authentication.
    pub(super) signed: Option<Box<SignedResult>>,
    /// Why it failed, in more words than the mini program receives; may be empty.
    pub(super) reason: Text,
}

/// A signed result, as the mini program receives it.
#[derive(Clone, Debug)]
pub(super) struct SignedResult {
    /// The mode that matched.
    pub(super) auth_mode: Mode,
    /// The signed text.
    pub(super) result_json: String,
    /// The signature in Base64.
    pub(super) signature: String,
}

/// Why a call ends before a touch.
pub(super) enum Stop {
    /// The call ends so for the mini program.
    Refused(Ended),
    /// The phone's environment failed.
    Failed(CommandError),
}

impl From<Ended> for Stop {
    fn from(ended: Ended) -> Self {
        Self::Refused(ended)
    }
}

impl From<CommandError> for Stop {
    fn from(error: CommandError) -> Self {
        Self::Failed(error)
    }
}

impl Stop {
    /// A refusal as the end of the call.
    pub(super) fn into_outcome(self) -> Outcome {
        match self {
            Self::Refused(ended) => Ok(ended),
            Self::Failed(error) => Err(error),
        }
    }
}

impl Ended {
    /// A failure; `text` is what follows the call's name and `:`.
    pub(super) fn failed(err_code: i32, text: &str, reason: Text) -> Self {
        Self { err_code, text: text.to_owned(), signed: None, reason }
    }

    /// 90007 with this text.
    pub(super) fn internal_error(text: &str, reason: Text) -> Self {
        Self::failed(wx::INTERNAL_ERROR, &format!("fail {text}"), reason)
    }

    /// 90007 with a text that was set with `device set internalError`.
    pub(super) fn configured_internal_error(text: &str) -> Self {
        Self::internal_error(text, text!("switched on by `device set internalError`"))
    }

    pub(super) fn cancelled() -> Self {
        Self::failed(wx::CANCELLED, message::CANCEL, Text::default())
    }

    /// The sensor is locked.
    pub(super) fn frozen(lockout: Lockout) -> Self {
        let reason = match lockout {
            Lockout::Timed { remaining_ms } => {
                text!("locked for {seconds} s more", seconds = remaining_ms.div_ceil(1000))
            }
            Lockout::Permanent => text!("locked until the PIN is entered: `biometric unlock`"),
        };
        Self::failed(wx::FROZEN, message::FROZEN, reason)
    }

    /// Success: a touch has confirmed it, and this was signed, if anything.
    pub(super) fn succeeded(signed: Option<SignedResult>) -> Self {
        let signed = signed.map(Box::new);
        Self { err_code: wx::OK, text: message::OK.to_owned(), signed, reason: Text::default() }
    }

    pub(super) fn is_ok(&self) -> bool {
        self.err_code == wx::OK
    }

    /// What the callbacks of `wx.startSoterAuthentication` receive.
    pub(super) fn into_authentication(self) -> SoterAuthentication {
        let (auth_mode, result_json, result_json_signature) = match self.signed {
            Some(signed) => (signed.auth_mode.name().to_owned(), signed.result_json, signed.signature),
            None => Default::default(),
        };
        SoterAuthentication {
            err_code: self.err_code,
            auth_mode,
            result_json,
            result_json_signature,
            err_msg: format!("startSoterAuthentication:{}", self.text),
        }
    }
}
