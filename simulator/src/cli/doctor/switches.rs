//! What is switched on, on a phone and on WeChat's servers, that makes calls fail or differ.

use soter_bridge::protocol::Service;
use soter_bridge::protocol::device::{self, Device};
use soter_bridge::protocol::sensor::SensorMode;
use soter_bridge::protocol::servers::{self, Switches};
use soter_text::{Text, text};

use super::observation::Observation;
use super::target::Target;
use crate::front::{failing, troubles};
use crate::grammar::format_duration;

/// What a phone and WeChat's servers have switched on: the phone of this name, or the selected one. The target is where that is,
/// for the commands that end it.
pub(super) async fn observe(desk: &impl Service, name: Option<&str>, target: &Target) -> Vec<Observation> {
    let mut observations = match desk.request(name, device::Show {}).await {
        Ok(phone) => of_phone(&phone, target),
        Err(error) => vec![Observation::failed("phone", error)],
    };
    match desk.request(None, servers::Show {}).await {
        Ok(switches) => observations.extend(of_servers(&switches, target)),
        Err(error) => observations.push(Observation::failed("servers", error)),
    }
    observations
}

/// What makes calls of this phone fail, or differ from those of a new one.
fn of_phone(phone: &Device, target: &Target) -> Vec<Observation> {
    let name = &phone.name;
    // The command for this phone, which may not be the selected one.
    let in_repl =
        |words: &str| if phone.selected { words.to_owned() } else { format!("{words} --device {name}") };
    let command = |words: &str| target.command_line(&in_repl(words));
    let mut found: Vec<(Text, Text)> = troubles(&phone.settings)
        .iter()
        .map(|trouble| {
            (
                text!("phone {name}: {what}", name = name, what = trouble.text()),
                text!(
                    "`{command}` sets it back",
                    command = command(&format!("device set {} default", trouble.setting))
                ),
            )
        })
        .collect();
    if let Some(dialog) = &phone.dialog {
        found.push((
            text!("phone {name}: dialog {number} waits for a touch", name = name, number = dialog.number),
            text!(
                "touch the sensor on the page, or close the dialog there; in the REPL, `{touch}` and `{cancel}` do so",
                touch = in_repl("touch 1"),
                cancel = in_repl("cancel")
            ),
        ));
    }
    let mut lockouts = phone.biometrics.lockouts.iter();
    if lockouts.any(|lockout| lockout.permanent || lockout.remaining_ms.is_some()) {
        found.push((
            text!("phone {name}: a sensor is locked after too many wrong touches: 90010", name = name),
            text!("`{command}` enters the PIN", command = command("biometric unlock")),
        ));
    }
    if phone.biometrics.enrolments.is_empty() {
        found.push((
            text!("phone {name}: nothing is enrolled: 90011", name = name),
            text!("`{command}` enrols what the phone's sensor takes", command = command("biometric enroll")),
        ));
    }
    if phone.sensor != SensorMode::default() {
        found.push((
            text!("phone {name}: the sensor does not wait for a person", name = name),
            text!("`{command}` lets a person touch", command = command("sensor ask")),
        ));
    }
    if found.is_empty() {
        let what = text!(
            "phone {name} ({profile}, user {user}): nothing is switched on that makes calls fail",
            name = phone.name,
            profile = phone.profile,
            user = phone.user.name
        );
        return vec![Observation::good("phone", what)];
    }
    found.into_iter().map(|(what, next)| Observation::note("phone", what, next)).collect()
}

/// What WeChat's servers have switched on.
fn of_servers(switches: &Switches, target: &Target) -> Vec<Observation> {
    let Switches { clock, login_renews_key, failure, delay, silent } = switches;
    let command = |words: &str| target.command_line(words);
    let ends = |setting: &str| {
        text!("`{command}` ends that", command = command(&format!("servers set {setting} default")))
    };
    let mut found = Vec::new();
    if clock.ahead > 0 {
        found.push((
            text!(
                "the clock of WeChat's servers is {ahead} ahead: codes, sessions and tokens may have expired",
                ahead = format_duration(clock.ahead)
            ),
            text!("`{command}` sets it back, which ends all of them", command = command("clock default")),
        ));
    }
    if let Some(failure) = failure {
        found.push((text!("WeChat's servers: calls {fail}", fail = failing(failure)), ends("failure")));
    }
    if *delay > 0 {
        found.push((text!("WeChat's servers answer {delay} ms later", delay = delay), ends("delay")));
    }
    if *silent {
        found.push((text!("WeChat's servers do not answer backends at all"), ends("silent")));
    }
    if !login_renews_key {
        found.push((
            text!("each wx.login keeps the session_key"),
            text!(
                "`{command}` gives another one again",
                command = command("servers set loginRenewsKey default")
            ),
        ));
    }
    if found.is_empty() {
        let what = text!("WeChat's servers: nothing is switched on that makes calls fail");
        return vec![Observation::good("servers", what)];
    }
    found.into_iter().map(|(what, next)| Observation::note("servers", what, next)).collect()
}
