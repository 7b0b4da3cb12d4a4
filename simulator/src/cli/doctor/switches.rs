//! What is switched on, on a phone and on WeChat's servers, that makes calls fail or differ.

use soter_bridge::protocol::device::{self, Device, SecondCall, Settings};
use soter_bridge::protocol::sensor::SensorMode;
use soter_bridge::protocol::servers::{self, Switches};
use soter_bridge::protocol::{CommandError, Service};
use soter_text::{Text, text};

use super::observation::Observation;
use crate::grammar::format_duration;

/// What a phone and WeChat's servers have switched on: the phone of this name, or the selected one.
pub(super) async fn observe(desk: &impl Service, name: Option<&str>) -> Vec<Observation> {
    match look(desk, name).await {
        Ok(observations) => observations,
        Err(error) => vec![("phone", error).into()],
    }
}

async fn look(desk: &impl Service, name: Option<&str>) -> Result<Vec<Observation>, CommandError> {
    let phone = desk.request(name, device::Show {}).await?;
    let switches = desk.request(None, servers::Show {}).await?;
    let mut observations = of_phone(&phone);
    if observations.is_empty() {
        let what = text!(
            "phone {name} ({profile}, user {user}): nothing is switched on that makes calls fail",
            name = phone.name,
            profile = phone.profile,
            user = phone.user.name
        );
        observations.push(Observation::good("phone", what));
    }
    observations.extend(of_servers(&switches));
    Ok(observations)
}

/// What makes calls of this phone fail, or differ from those of a new one.
fn of_phone(phone: &Device) -> Vec<Observation> {
    let name = &phone.name;
    let mut found: Vec<(Text, Text)> = of_settings(&phone.settings)
        .into_iter()
        .map(|(setting, what)| {
            (
                text!("phone {name}: {what}", name = name, what = what),
                text!("`device set {setting} default` sets it back", setting = setting),
            )
        })
        .collect();
    if let Some(dialog) = &phone.dialog {
        found.push((
            text!("phone {name}: dialog {number} waits for a touch", name = name, number = dialog.number),
            text!("touch the sensor on the page or with `touch 1`, or close the dialog with `cancel`"),
        ));
    }
    let mut lockouts = phone.biometrics.lockouts.iter();
    if lockouts.any(|lockout| lockout.permanent || lockout.remaining_ms.is_some()) {
        found.push((
            text!("phone {name}: a sensor is locked after too many wrong touches: 90010", name = name),
            text!("`biometric unlock` enters the PIN"),
        ));
    }
    if phone.biometrics.enrolments.is_empty() {
        found.push((
            text!("phone {name}: nothing is enrolled: 90011", name = name),
            text!("`biometric enroll` adds a finger"),
        ));
    }
    if phone.sensor != SensorMode::default() {
        found.push((
            text!("phone {name}: the sensor does not wait for a person", name = name),
            text!("`sensor ask` lets a person touch"),
        ));
    }
    found.into_iter().map(|(what, next)| Observation::note("phone", what, next)).collect()
}

/// The settings that are not as on a new phone: the name of each, and what it does.
fn of_settings(settings: &Settings) -> Vec<(&'static str, Text)> {
    // A setting that is added does not compile until it is here.
    let Settings {
        support,
        permission,
        modes,
        internal_error,
        report_not_enrolled,
        report_face_as_finger,
        malformed_crl,
        fail_next,
        login_failure,
        user_info_permission,
        anonymous_user: _,
        user_data: _,
        second_call,
        latency,
        user: _,
    } = settings;
    let switched_on = [
        ("support", !support, text!("it does not support SOTER: 90001")),
        ("permission", !permission, text!("the user does not grant the permission: 90002")),
        ("reportNotEnrolled", *report_not_enrolled, text!("it says that nothing is enrolled: 90011")),
        ("reportFaceAsFinger", *report_face_as_finger, text!("a face's result says fingerPrint")),
        (
            "malformedCrl",
            *malformed_crl,
            text!("certificates have CRL distribution points that strict parsers refuse"),
        ),
        ("userInfoPermission", !user_info_permission, text!("mini programs do not get the user's data")),
        (
            "secondCall",
            *second_call != SecondCall::default(),
            text!("a second authentication waits, which it does on no real phone"),
        ),
        ("latency", *latency > 0, text!("answers come {latency} ms later", latency = latency)),
        ("loginFailure", login_failure.is_some(), text!("every wx.login fails")),
        ("modes", modes.is_some(), text!("the supported modes are not those of its family")),
    ];
    let mut found: Vec<_> =
        switched_on.into_iter().filter(|(_, is_on, _)| *is_on).map(|(name, _, what)| (name, what)).collect();
    if let Some(message) = internal_error {
        let what = text!("every authentication fails with 90007: {message}", message = message);
        found.push(("internalError", what));
    }
    if let Some(code) = fail_next {
        found.push(("failNext", text!("the next authentication fails with {code}", code = code)));
    }
    found
}

/// What WeChat's servers have switched on.
fn of_servers(switches: &Switches) -> Vec<Observation> {
    let Switches { clock, login_renews_key, failure, delay, silent } = switches;
    let mut found = Vec::new();
    if clock.ahead > 0 {
        found.push((
            text!(
                "the clock of WeChat's servers is {ahead} ahead: codes, sessions and tokens may have expired",
                ahead = format_duration(clock.ahead)
            ),
            text!("`clock default` sets it back, which ends all of them"),
        ));
    }
    if let Some(failure) = failure {
        found.push((
            text!("WeChat's servers fail with errcode {errcode}", errcode = failure.errcode),
            text!("`servers set failure default` ends that"),
        ));
    }
    if *delay > 0 {
        found.push((
            text!("WeChat's servers answer {delay} ms later", delay = delay),
            text!("`servers set delay default` ends that"),
        ));
    }
    if *silent {
        found.push((
            text!("WeChat's servers do not answer backends at all"),
            text!("`servers set silent default` ends that"),
        ));
    }
    if !login_renews_key {
        found.push((
            text!("each wx.login keeps the session_key"),
            text!("`servers set loginRenewsKey default` gives another one again"),
        ));
    }
    if found.is_empty() {
        let what = text!("WeChat's servers: nothing is switched on that makes calls fail");
        return vec![Observation::good("servers", what)];
    }
    found.into_iter().map(|(what, next)| Observation::note("servers", what, next)).collect()
}
