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
use soter_text::{tr, translated};
use soter_wechat::codes::{Code, CodeSource};

use super::lines::labelled;
use super::paint::Paint;

pub(super) use self::authentication::authentication;
pub(crate) use self::events::event_line;
pub(super) use self::layout::object;
pub(super) use self::payment::payment;
pub(super) use self::phones::touched;
pub(crate) use self::servers::failing;

/// Any answer of the protocol except those of an authentication and of a payment.
pub(super) fn response(response: &Response, paint: Paint) -> String {
    // What is copied has no line ends of the terminal: `return`.
    let text = match response {
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
        | Response::DangerSign(_) => return object(response, paint),
        Response::DeskReset(reset) => {
            tr!("everything is new; {device} is on the desk", device = paint.name(&reset.device))
        }
        Response::DeskClock(clock) => servers::clock(*clock),
        Response::DeskJournal(page) => journal::page(page, paint),
        Response::ServersShow(switches) | Response::ServersSet(switches) => {
            servers::switches(switches, paint)
        }
        Response::ServersExpire(ended) => tr!("ended: {ended}", ended = ended.ended),
        Response::DeviceCreate(summary) => tr!("created {phone}", phone = phones::summary(summary, paint)),
        Response::DeviceSelect(summary) => tr!("selected {phone}", phone = phones::summary(summary, paint)),
        Response::DeviceShow(phone)
        | Response::DeviceSet(phone)
        | Response::DangerSetClock(phone)
        | Response::DeviceResetNormalWorld(phone) => phones::phone(phone, paint),
        Response::DeviceList(list) => phones::list(list, paint),
        Response::DeviceProfiles(families) => phones::families(families, paint),
        Response::DeviceRemove(removed) => {
            tr!(
                "{name} is gone; {selected} is selected",
                name = paint.name(&removed.removed),
                selected = paint.name(&removed.selected)
            )
        }
        Response::SensorSetMode(sensor) => tr!("touches: {mode}", mode = phones::sensor_mode(&sensor.mode)),
        Response::SensorTouch(judged) => replies::judged(judged, paint),
        Response::SensorCancel(_) => tr!("cancelled"),
        Response::BiometricEnroll(enrolment) => {
            tr!("enrolled {enrolment}", enrolment = phones::enrolment(enrolment))
        }
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
        | Response::GetExtraParam(reply) => return replies::reply(reply, paint),
        Response::KeysList(keys) => replies::keys(keys, paint),
        Response::VerifySignature(verdict) => replies::verdict(verdict, paint),
        Response::DangerSnapshot(copied) => attackers::copied(copied, paint),
        Response::DangerRestore(copied) => attackers::put_back(copied, paint),
        Response::DangerClone(summary) => {
            tr!("duplicated as {phone}", phone = phones::summary(summary, paint))
        }
        Response::AttackList(attacks) => attackers::list(attacks, paint),
        Response::AttackShow(attack) => attackers::attack(attack, paint),
        Response::AttackForge(forged) => return attackers::forged(forged, paint),
        Response::AttackRun(ran) => return attackers::ran(ran, paint),
    };
    paint.wrapped(&text)
}

/// Codes, each in three or four lines.
pub(super) fn codes(codes: &[&'static Code], paint: Paint) -> String {
    let entry = |code: &&'static Code| {
        let label = tr!("what to do:");
        let head = format!(
            "{}  {}  {}",
            paint.strong(&code.code.to_string()),
            code.name,
            paint.dim(&format!("({})", code.source.text().localized()))
        );
        let advice = labelled(&label, |label| paint.dim(label), translated(code.advice));
        let mut lines = vec![head, format!("  {}", translated(code.meaning)), format!("  {advice}")];
        if code.source == CodeSource::WxCall {
            lines.extend(authentication::advice_here(code.code).map(|advice| {
                let label = tr!("here:");
                format!("  {}", labelled(&label, |label| paint.dim(label), &advice))
            }));
        }
        lines.join("\n")
    };
    paint.wrapped(&codes.iter().map(entry).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests;
