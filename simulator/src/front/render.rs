//! Formats answers and events for people.

mod attackers;
mod authentication;
mod events;
mod journal;
mod layout;
mod payment;
mod phones;
mod replies;
mod servers;

use soter_bridge::protocol::Response;
use soter_wechat::codes::Code;

use super::paint::Paint;

pub(super) use self::authentication::authentication;
pub(crate) use self::events::event_line;
pub(super) use self::layout::object;
pub(super) use self::payment::payment;

/// Any answer of the protocol except those of an authentication and of a payment.
pub(super) fn response(response: &Response, paint: Paint) -> String {
    match response {
        Response::CheckIsSupportSoterAuthentication(_)
        | Response::CheckIsSoterEnrolledInDevice(_)
        | Response::StartSoterAuthentication(_)
        | Response::Login(_)
        | Response::GetPhoneNumber(_)
        | Response::CheckSession(_)
        | Response::GetUserInfo(_)
        | Response::GetUserProfile(_)
        | Response::WxRefusal(_)
        | Response::CallFunction(_)
        | Response::RequestPayment(_)
        | Response::FleetNext(_)
        | Response::FleetRelease(_)
        | Response::FleetResults(_)
        | Response::DangerSign(_) => object(response, paint),
        Response::DeskReset(reset) => {
            format!("everything is new; {} is on the desk", paint.name(&reset.device))
        }
        Response::DeskClock(clock) => servers::clock(*clock),
        Response::DeskJournal(page) => journal::page(page, paint),
        Response::ServersShow(switches) | Response::ServersSet(switches) => {
            servers::switches(switches, paint)
        }
        Response::ServersExpire(ended) => format!("ended: {}", ended.ended),
        Response::DeviceCreate(summary) => format!("created {}", phones::summary(summary, paint)),
        Response::DeviceSelect(summary) => format!("selected {}", phones::summary(summary, paint)),
        Response::DeviceShow(phone)
        | Response::DeviceSet(phone)
        | Response::DangerSetClock(phone)
        | Response::DeviceResetNormalWorld(phone) => phones::phone(phone, paint),
        Response::DeviceList(list) => phones::list(list, paint),
        Response::DeviceProfiles(families) => phones::families(families, paint),
        Response::DeviceRemove(removed) => {
            format!("{} is gone; {} is selected", paint.name(&removed.removed), paint.name(&removed.selected))
        }
        Response::SensorSetMode(sensor) => format!("touches: {}", phones::sensor_mode(&sensor.mode)),
        Response::SensorTouch(judged) => replies::judged(judged, paint),
        Response::SensorCancel(_) => "cancelled".to_owned(),
        Response::BiometricEnroll(enrolment) => format!("enrolled {}", phones::enrolment(enrolment)),
        Response::BiometricRemove(enrolments)
        | Response::BiometricList(enrolments)
        | Response::BiometricUnlock(enrolments) => phones::enrolments(enrolments, paint),
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
        | Response::GetExtraParam(reply) => replies::reply(reply, paint),
        Response::KeysList(keys) => replies::keys(keys, paint),
        Response::VerifySignature(verdict) => replies::verdict(verdict, paint),
        Response::DangerSnapshot(copied) => attackers::copied("copied", copied, paint),
        Response::DangerRestore(copied) => attackers::copied("put back", copied, paint),
        Response::DangerClone(summary) => format!("duplicated as {}", phones::summary(summary, paint)),
        Response::AttackList(attacks) => attackers::list(attacks, paint),
        Response::AttackShow(attack) => attackers::attack(attack, paint),
        Response::AttackForge(forged) => attackers::forged(forged, paint),
        Response::AttackRun(ran) => attackers::ran(ran, paint),
    }
}

/// Codes, each in three lines.
pub(super) fn codes(codes: &[&'static Code], paint: Paint) -> String {
    let entry = |code: &&'static Code| {
        format!(
            "{}  {}  {}\n  {}\n  {} {}",
            paint.strong(&code.code.to_string()),
            code.name,
            paint.dim(&format!("({})", code.source)),
            code.meaning,
            paint.dim("what to do:"),
            code.advice
        )
    };
    codes.iter().map(entry).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
