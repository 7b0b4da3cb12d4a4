//! Answers and events as a person reads them.

mod attackers;
mod authentication;
mod events;
mod phones;
mod replies;

use serde::Serialize;
use serde_json::Value;
use soter_bridge::protocol::Response;
use soter_bridge::visible;
use soter_wechat::codes::Code;

use super::Paint;

pub(super) use self::authentication::authentication;
pub(crate) use self::events::event_line;

/// Any answer of the protocol but an authentication's.
pub(super) fn response(response: &Response, paint: Paint) -> String {
    match response {
        Response::CheckIsSupportSoterAuthentication(_)
        | Response::CheckIsSoterEnrolledInDevice(_)
        | Response::StartSoterAuthentication(_)
        | Response::Login(_)
        | Response::CheckSession(_)
        | Response::GetUserInfo(_)
        | Response::DangerSign(_) => object(response, paint),
        Response::DeskReset(reset) => {
            format!("everything is new; {} is on the desk", paint.name(&reset.device))
        }
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

/// An object as it is, one member a line.
pub(super) fn object(object: &impl Serialize, paint: Paint) -> String {
    match serde_json::to_value(object) {
        Ok(Value::Object(members)) if !members.is_empty() => {
            let lines: Vec<_> = members
                .iter()
                .map(|(name, value)| {
                    let name = paint.name(&visible(&Value::from(name.as_str()).to_string()));
                    format!("  {name}: {}", visible(&value.to_string()))
                })
                .collect();
            format!("{{\n{}\n}}", lines.join(",\n"))
        }
        Ok(value) => visible(&value.to_string()).into_owned(),
        Err(error) => format!("(not to be shown: {error})"),
    }
}

/// Codes, each in three lines.
pub(super) fn codes(codes: &[&'static Code], paint: Paint) -> String {
    let entry = |code: &&'static Code| {
        format!(
            "{}  {}  {}\n  {}\n  {} {}",
            paint.strong(&code.code.to_string()),
            code.name,
            paint.dim(&format!("({})", code.place)),
            code.meaning,
            paint.dim("what to do:"),
            code.advice
        )
    };
    codes.iter().map(entry).collect::<Vec<_>>().join("\n")
}

/// Aligned columns with two spaces between them. Cells are given without colours; `paint_cell` adds them after the
/// widths are known.
fn table(rows: &[Vec<String>], paint_cell: impl Fn(usize, usize, &str) -> String) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let widths: Vec<_> = (0..columns)
        .map(|column| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let line = |(index, row): (usize, &Vec<String>)| {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            line.push_str(&paint_cell(index, column, cell));
            if column + 1 < row.len() {
                line.push_str(&" ".repeat(width.saturating_sub(cell.chars().count()) + 2));
            }
        }
        line.trim_end().to_owned()
    };
    rows.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
}

/// Labelled facts, one a line, the labels aligned.
fn facts(facts: &[(&str, String)], paint: Paint) -> String {
    let width = facts.iter().map(|(label, _)| label.len()).max().unwrap_or_default();
    let line =
        |(label, fact): &(&str, String)| format!("  {}  {fact}", paint.dim(&format!("{label:width$}")));
    facts.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The beginning of a fingerprint, enough for people to tell keys apart.
fn short(fingerprint: &str) -> &str {
    fingerprint.get(..16).unwrap_or(fingerprint)
}

#[cfg(test)]
mod tests;
