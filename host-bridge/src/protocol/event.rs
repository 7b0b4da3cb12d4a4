//! Events of the phones, for front ends to show and journals to keep.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use soter_text::{Text, text};
use soter_wire::{Mode, SignatureScheme};

use super::device::Purpose;
use super::keys::KeyKind;
use super::sensor::Judgement;
use super::touch::Touch;

/// Something that happened on a device. Never contains a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Event {
    /// A dialog opened and waits for a person (`ask`), or for the sensor's script.
    PromptShown {
        /// The device's name.
        device: String,
        /// The dialog's number, unique in this process.
        dialog: u64,
        /// The sensors that it listens to.
        #[schemars(with = "Vec<super::mode_name::ModeName>")]
        modes: Vec<Mode>,
        /// What it is for.
        #[serde(flatten)]
        purpose: Purpose,
        /// Whether it waits for a person.
        waits: bool,
    },
    /// The dialog closed.
    PromptClosed {
        /// The device's name.
        device: String,
        /// The dialog's number.
        dialog: u64,
        /// The call's `errCode`; absent for a payment, which has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        err_code: Option<i32>,
    },
    /// A call of `wx.requestPayment` was answered.
    PaymentEnded {
        /// The device's name.
        device: String,
        /// The order's id; absent if `package` has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prepay_id: Option<String>,
        /// Whether the mini program was told `requestPayment:ok`.
        is_ok: bool,
        /// What the mini program was told.
        err_msg: String,
        /// The stable name of the reason; see [`reasons`](soter_wechat::reasons).
        reason: String,
        /// One line for people.
        detail: Text,
    },
    /// A touch was judged.
    Touched {
        /// The device's name.
        device: String,
        /// What was presented.
        touch: Touch,
        /// The judgement.
        judgement: Judgement,
        /// Failures left until the next lockout, after a failure.
        attempts_left: Option<u32>,
    },
    /// A counter value was used up.
    CounterSpent {
        /// The device's name.
        device: String,
        /// Whose counter.
        cpu_id: String,
        /// The value.
        counter: u64,
        /// What for: `generateAppSecureKey`, `finishSign`, …
        operation: String,
    },
    /// A key was made.
    KeyMade {
        /// The device's name.
        device: String,
        /// ASK or AuthKey.
        kind: KeyKind,
        /// The app's uid as in exports.
        uid: String,
        /// The AuthKey's name.
        name: Option<String>,
        /// SHA-256 of the SubjectPublicKeyInfo, hex.
        fingerprint: String,
    },
    /// A result was signed.
    Signed {
        /// The device's name.
        device: String,
        /// The app's uid as in the result.
        uid: String,
        /// The AuthKey's name.
        key_name: String,
        /// SHA-256 of its SubjectPublicKeyInfo, hex.
        fingerprint: String,
        /// The counter in the result.
        counter: u64,
        /// How it was signed; in JSON, the salt length.
        #[serde(rename = "saltLength")]
        #[schemars(with = "u16", description = "The PSS salt length.")]
        scheme: SignatureScheme,
    },
    /// A backend asked `verify_signature` about a result.
    SignatureJudged {
        /// The mini program.
        appid: String,
        /// The user who is said to have authenticated.
        openid: String,
        /// What the backend was told.
        is_ok: bool,
        /// The stable name of the reason; see [`reasons`](soter_wechat::reasons).
        reason: String,
        /// One line for people.
        detail: Text,
    },
    /// A phone, its fingers or its settings were changed, or the phones on the desk. Clients that show them read them again.
    Changed {
        /// The device's name; after `desk.reset` that of the new one.
        device: String,
        /// The method that changed it, for example `device.set`.
        method: String,
    },
    /// The ledger of WeChat's servers cannot be written: until `ledgerRecovered`, neither results nor keys are accepted.
    LedgerFailed {
        /// One line: what happened.
        error: Text,
        /// One line: what to do next.
        next: Text,
    },
    /// The ledger of WeChat's servers works again.
    LedgerRecovered {},
    /// Something that the person at the server should know, such as the flag that would have let a client in.
    Notice {
        /// One line.
        text: Text,
    },
    /// A wx call or a TEE command was answered with a code other than success.
    Refused {
        /// The device's name.
        device: String,
        /// The method, for example `wx.startSoterAuthentication`.
        method: String,
        /// The code, for example 90010 or 1005.
        code: i32,
        /// What the caller was told.
        message: String,
        /// Why, in more words than the caller gets; empty if there are none.
        reason: Text,
    },
}

impl Event {
    /// The device on which it happened; `None` for events of servers.
    pub fn device(&self) -> Option<&str> {
        match self {
            Self::LedgerFailed { .. }
            | Self::LedgerRecovered {}
            | Self::Notice { .. }
            | Self::SignatureJudged { .. } => None,
            Self::Changed { device, .. }
            | Self::PromptShown { device, .. }
            | Self::PromptClosed { device, .. }
            | Self::PaymentEnded { device, .. }
            | Self::Touched { device, .. }
            | Self::CounterSpent { device, .. }
            | Self::KeyMade { device, .. }
            | Self::Signed { device, .. }
            | Self::Refused { device, .. } => Some(device),
        }
    }

    /// Whether the person who started the program should know of it: something was refused, or does not work.
    pub fn is_problem(&self) -> bool {
        match self {
            Self::LedgerFailed { .. }
            | Self::LedgerRecovered {}
            | Self::Notice { .. }
            | Self::Refused { .. } => true,
            Self::PaymentEnded { is_ok, .. } | Self::SignatureJudged { is_ok, .. } => !is_ok,
            Self::Changed { .. }
            | Self::PromptShown { .. }
            | Self::PromptClosed { .. }
            | Self::Touched { .. }
            | Self::CounterSpent { .. }
            | Self::KeyMade { .. }
            | Self::Signed { .. } => false,
        }
    }
}

impl From<soter_wechat::Event<'_>> for Event {
    fn from(event: soter_wechat::Event<'_>) -> Self {
        match event {
            soter_wechat::Event::CloudCallRefused { verdict } => Self::Notice {
                text: text!(
                    "a cloud function's call is refused: {reason}; {detail}",
                    reason = verdict.reason.name(),
                    detail = verdict.detail
                ),
            },
            soter_wechat::Event::SignatureJudged { appid, openid, verdict } => Self::SignatureJudged {
                appid: appid.to_owned(),
                openid: openid.to_owned(),
                is_ok: verdict.is_ok(),
                reason: verdict.reason.name().into_owned(),
                detail: verdict.detail.clone(),
            },
            soter_wechat::Event::LedgerFailed { error } => {
                Self::LedgerFailed { error: error.what.clone(), next: error.next.clone() }
            }
            soter_wechat::Event::LedgerRecovered => Self::LedgerRecovered {},
        }
    }
}
