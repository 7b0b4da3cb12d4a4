//! Formats phones, and who is enrolled on them.

use soter_bridge::protocol::biometric::{Enrolment, Enrolments, LockoutState};
use soter_bridge::protocol::device::{Device, Devices, Families, Summary};
use soter_bridge::protocol::sensor::SensorMode;
use soter_bridge::visible;
use soter_text::{Text, text, tr, translated};
use soter_wire::{Mode, Profile};

use super::layout::{labelled_lines, table};
use crate::front::paint::Paint;
use crate::front::troubles::troubles;
use crate::grammar::format_timestamp;

/// A list of phones; a star marks the selected one.
pub(super) fn list(devices: &Devices, paint: Paint) -> String {
    let last = devices.devices.last().filter(|_| devices.more);
    let more = last.map_or_else(String::new, |last| {
        format!("\n{}", tr!("there are more: device list --after {name}", name = last.name))
    });
    let rows: Vec<_> = devices
        .devices
        .iter()
        .map(|phone| {
            let star = if phone.name == devices.selected { "*" } else { " " };
            let seeded = if phone.seeded { tr!("seeded") } else { String::new() };
            vec![star.to_owned(), phone.name.clone(), phone.profile.clone(), seeded]
        })
        .collect();
    let table = table(&rows, |_, column, cell| match column {
        0 => paint.good(cell),
        1 => paint.name(cell),
        _ => cell.to_owned(),
    });
    table + &more
}

/// The families of phones.
pub(super) fn families(families: &Families, paint: Paint) -> String {
    let rows: Vec<_> = families
        .profiles
        .iter()
        .map(|family| {
            let modes: Vec<_> = family.modes.iter().map(|mode| mode.name()).collect();
            vec![family.name.clone(), modes.join(","), family.description.localized().into_owned()]
        })
        .collect();
    table(&rows, |_, column, cell| if column == 0 { paint.name(cell) } else { cell.to_owned() })
}

/// One phone in a few words.
pub(super) fn summary(phone: &Summary, paint: Paint) -> String {
    let name = paint.name(&phone.name);
    if phone.seeded {
        tr!("{name} ({profile}, seeded)", name = name, profile = phone.profile)
    } else {
        tr!("{name} ({profile})", name = name, profile = phone.profile)
    }
}

/// The details of one phone.
pub(super) fn phone(phone: &Device, paint: Paint) -> String {
    let selected = if phone.selected { tr!(", selected") } else { String::new() };
    let seeded = if phone.seeded { tr!(", seeded: its clock stands still") } else { String::new() };
    let profile = match Profile::named(&phone.profile) {
        Some(row) => format!("{} ({})", phone.profile, translated(row.description)),
        None => phone.profile.clone(),
    };
    let apps: Vec<_> =
        phone.apps.iter().map(|app| format!("{} {}", app.uid, visible(&app.package))).collect();
    let mut entries = vec![
        (tr!("profile"), profile),
        ("cpu_id".to_owned(), visible(&phone.cpu_id).into_owned()),
        (tr!("counter"), phone.counter.to_string()),
        (tr!("clock"), format_timestamp(phone.clock)),
        (tr!("apps"), apps.join(", ")),
        (
            tr!("user"),
            tr!(
                "{name}, {openid} in mini program {appid}",
                name = visible(&phone.user.name),
                openid = visible(&phone.user.openid),
                appid = visible(&phone.user.appid),
            ),
        ),
        (tr!("enrolled"), enrolled(&phone.biometrics.enrolments)),
    ];
    entries.extend(phone.biometrics.lockouts.iter().map(|state| (tr!("lockout"), lockout(state))));
    entries.push((tr!("touches"), sensor_mode(&phone.sensor)));
    let troubles = troubles(&phone.settings);
    entries.extend(
        troubles.iter().map(|trouble| (tr!("trouble"), visible(&trouble.text().localized()).into_owned())),
    );
    let head = format!("{}{selected}{seeded}", paint.name(&phone.name));
    format!("{head}\n{}", labelled_lines(&entries, paint))
}

/// The sensor mode, in the words of the command that sets it.
pub(super) fn sensor_mode(mode: &SensorMode) -> String {
    match mode {
        SensorMode::Ask => tr!("ask (a person touches at the dialog)"),
        SensorMode::Auto => tr!("auto (the first finger or face, at once)"),
        SensorMode::Script(script) => format!("script {script}"),
    }
}

/// A finger or face with its number.
pub(super) fn enrolment(enrolment: &Enrolment) -> String {
    let fid = visible(&enrolment.fid);
    tr!("{touched} (fid {fid})", touched = touched(enrolment), fid = fid)
}

/// What touches the sensor, with its number.
pub(in crate::front) fn touched(enrolment: &Enrolment) -> Text {
    let number = enrolment.number;
    match enrolment.mode {
        Mode::FingerPrint => text!("finger {number}", number = number),
        Mode::Facial => text!("face {number}", number = number),
        Mode::Speech => text!("voice {number}", number = number),
    }
}

/// What is enrolled and what is locked.
pub(super) fn enrolments(enrolments: &Enrolments, paint: Paint) -> String {
    let mut entries = vec![(tr!("enrolled"), enrolled(&enrolments.enrolments))];
    entries.extend(enrolments.lockouts.iter().map(|state| (tr!("lockout"), lockout(state))));
    labelled_lines(&entries, paint)
}

fn enrolled(enrolments: &[Enrolment]) -> String {
    if enrolments.is_empty() {
        tr!("nothing")
    } else {
        enrolments.iter().map(enrolment).collect::<Vec<_>>().join(", ")
    }
}

fn lockout(state: &LockoutState) -> String {
    let failures = match state.failed_attempts {
        1 => text!("1 failure"),
        attempts => text!("{attempts} failures", attempts = attempts),
    };
    let mode = state.mode.name();
    match (state.permanent, state.remaining_ms) {
        (true, _) => {
            tr!("{mode}: {failures}, locked until `biometric unlock`", mode = mode, failures = failures)
        }
        (false, Some(remaining)) => tr!(
            "{mode}: {failures}, locked for {seconds} s, or until `biometric unlock`",
            mode = mode,
            failures = failures,
            seconds = remaining.div_ceil(1_000)
        ),
        (false, None) => tr!("{mode}: {failures}", mode = mode, failures = failures),
    }
}
