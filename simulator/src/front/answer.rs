//! The answer to a command, for machines and for people.

use serde_json::{Value, json};
use soter_bridge::protocol::wx::FunctionCalled;
use soter_bridge::protocol::{CommandError, Response};
use soter_text::{Text, text};
use soter_wechat::codes::Code;

use super::authentication::Authentication;
use super::paint::Paint;
use super::payment::Payment;
use super::render;

/// The answer to a command.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// An authentication, with more facts than the callback's object has.
    Authentication(Authentication),
    /// A payment, with more facts than the callback's object has.
    Payment(Payment),
    /// Entries of the list of codes.
    Codes(Vec<&'static Code>),
    /// Any other answer of the protocol.
    Response(Response),
    /// An answer of the protocol, shown as it is.
    Verbatim(Response),
}

impl Answer {
    /// Remarks for the user, in the user's language. They do not change the answer.
    pub(crate) fn remarks(&self) -> Vec<String> {
        let localized = |remarks: &[Text]| remarks.iter().map(|text| text.localized().into_owned()).collect();
        match self {
            Self::Authentication(authentication) => localized(&authentication.remarks),
            Self::Payment(payment) => localized(&payment.remarks),
            Self::Response(Response::VerifySignature(verdict)) => localized(&verdict.remarks),
            Self::Codes(_) | Self::Response(_) | Self::Verbatim(_) => Vec::new(),
        }
    }

    /// Whether the answer is negative: an `errCode`, a result code, or a signature that does not verify.
    pub(crate) fn is_negative(&self) -> bool {
        match self {
            Self::Authentication(authentication) => authentication.callback.err_code != 0,
            Self::Payment(payment) => is_failure(&payment.result.err_msg),
            Self::Codes(_) => false,
            Self::Response(response) | Self::Verbatim(response) => {
                let (Kind::OfPhone { is_negative } | Kind::OfSimulator { is_negative }) =
                    Kind::from_response(response);
                is_negative
            }
        }
    }

    /// Whether scripts rely on this answer, so that it is always JSON: the callback's object, the trusted app's
    /// answers, and the protocol's own.
    pub(crate) fn is_always_json(&self) -> bool {
        match self {
            Self::Authentication(_) | Self::Payment(_) | Self::Verbatim(_) => true,
            Self::Codes(_) => false,
            Self::Response(response) => matches!(Kind::from_response(response), Kind::OfPhone { .. }),
        }
    }

    /// The answer as one line of JSON.
    ///
    /// # Errors
    /// `Internal` if the answer cannot be serialised: a defect of the program.
    pub(crate) fn to_json(&self) -> Result<String, CommandError> {
        let line = match self {
            Self::Authentication(authentication) => serde_json::to_string(&authentication.callback),
            Self::Payment(payment) => serde_json::to_string(&payment.result),
            Self::Codes(codes) => {
                serde_json::to_string(&codes.iter().copied().map(code_json).collect::<Vec<_>>())
            }
            // Scripts iterate over the keys, so the answer is only their list.
            Self::Response(Response::KeysList(keys)) => serde_json::to_string(&keys.keys),
            Self::Response(response) | Self::Verbatim(response) => serde_json::to_string(response),
        };
        line.map_err(|error| {
            CommandError::internal(text!("the answer does not serialise: {error}", error = error.to_string()))
        })
    }

    /// The answer as lines for a person, without the last line end.
    pub(crate) fn to_text(&self, paint: Paint) -> String {
        match self {
            Self::Authentication(authentication) => render::authentication(authentication, paint),
            Self::Payment(payment) => render::payment(payment, paint),
            Self::Codes(codes) => render::codes(codes, paint),
            Self::Response(response) => render::response(response, paint),
            Self::Verbatim(response) => render::object(response, paint),
        }
    }
}

/// Who gives the answer, and whether it is negative.
enum Kind {
    /// The phone: the answer to a wx call or of the trusted app.
    OfPhone { is_negative: bool },
    /// The simulator itself.
    OfSimulator { is_negative: bool },
}

impl Kind {
    fn from_response(response: &Response) -> Self {
        let phone = |is_negative| Self::OfPhone { is_negative };
        let simulator = |is_negative| Self::OfSimulator { is_negative };
        match response {
            Response::StartSoterAuthentication(answer) => phone(answer.err_code != 0),
            Response::CheckIsSupportSoterAuthentication(answer) => phone(is_failure(&answer.err_msg)),
            Response::CheckIsSoterEnrolledInDevice(answer) => phone(is_failure(&answer.err_msg)),
            Response::Login(answer) => phone(is_failure(&answer.err_msg)),
            Response::GetPhoneNumber(answer) => phone(is_failure(&answer.err_msg)),
            Response::CheckSession(answer) => phone(is_failure(&answer.err_msg)),
            Response::GetUserInfo(answer) | Response::GetUserProfile(answer) => {
                phone(is_failure(&answer.err_msg))
            }
            Response::WxRefusal(answer) => phone(is_failure(&answer.err_msg)),
            Response::CallFunction(answer) => phone(matches!(answer, FunctionCalled::Failed { .. })),
            Response::RequestPayment(answer) => phone(is_failure(&answer.err_msg)),
            Response::GenerateAppSecureKey(reply)
            | Response::GetAppSecureKey(reply)
            | Response::HasAskAlready(reply)
            | Response::GenerateAuthKey(reply)
            | Response::GetAuthKey(reply)
            | Response::HasAuthKey(reply)
            | Response::RemoveAuthKey(reply)
            | Response::RemoveAllAuthKey(reply)
            | Response::InitSigh(reply)
            | Response::FinishSign(reply)
            | Response::GetDeviceId(reply)
            | Response::GetVersion(reply)
            | Response::GetExtraParam(reply) => phone(reply.result_code != 0),
            Response::VerifySignature(verdict) => simulator(!verdict.valid),
            Response::AttackRun(ran) => simulator(["FAIL", "ERROR"].contains(&ran.verdict.as_str())),
            Response::DeviceCreate(_)
            | Response::DeviceList(_)
            | Response::FleetNext(_)
            | Response::FleetRelease(_)
            | Response::FleetResults(_)
            | Response::DeviceProfiles(_)
            | Response::DeviceSelect(_)
            | Response::DeviceShow(_)
            | Response::DeviceSet(_)
            | Response::DeviceRemove(_)
            | Response::DeviceResetNormalWorld(_)
            | Response::DeskReset(_)
            | Response::DeskClock(_)
            | Response::DeskJournal(_)
            | Response::ServersShow(_)
            | Response::ServersSet(_)
            | Response::ServersExpire(_)
            | Response::SensorSetMode(_)
            | Response::SensorTouch(_)
            | Response::SensorCancel(_)
            | Response::BiometricEnroll(_)
            | Response::BiometricRemove(_)
            | Response::BiometricList(_)
            | Response::BiometricUnlock(_)
            | Response::KeysList(_)
            | Response::DangerSnapshot(_)
            | Response::DangerRestore(_)
            | Response::DangerClone(_)
            | Response::DangerSetClock(_)
            | Response::DangerSign(_)
            | Response::AttackList(_)
            | Response::AttackShow(_)
            | Response::AttackForge(_) => simulator(false),
        }
    }
}

/// Whether the `errMsg` of a wx call without `errCode` reports a failure.
fn is_failure(err_msg: &str) -> bool {
    err_msg.contains(":fail")
}

/// A code as JSON.
pub(crate) fn code_json(code: &Code) -> Value {
    json!({
        "code": code.code,
        "name": code.name,
        "place": code.source.to_string(),
        "meaning": code.meaning,
        "advice": code.advice,
    })
}
