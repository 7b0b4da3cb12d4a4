//! A phone's troubles, which can be switched on and off.

use soter_bridge::protocol::device::{Set, Settings};
use soter_bridge::protocol::{CommandError, Patch};
use soter_text::text;
use soter_wechat::UserData;
use soter_wechat::codes::wx::{self, message};
use soter_wire::{AskForm, PROFILES, shortened};

use super::clock::{SEEDED_CLOCK_MS, check_clock};
use super::record::Record;
use super::state::Phone;
use super::user_data::changed_data;

/// The maximum latency, in milliseconds.
const MAX_LATENCY_MS: u64 = 60_000;

/// The codes that `failNext` accepts.
const FAILURE_CODES: [i32; 10] = [
    wx::NOT_SUPPORTED,
    wx::NOT_GRANTED,
    wx::MODE_NOT_SUPPORTED,
    wx::CHALLENGE_REFUSED,
    wx::AUTH_CONTENT_TOO_LONG,
    wx::INTERNAL_ERROR,
    wx::CANCELLED,
    wx::NOT_RECOGNISED,
    wx::FROZEN,
    wx::NOT_ENROLLED,
];

/// The texts of 90007, as `errMsg` has them.
const INTERNAL_ERROR_TEXTS: [&str; 4] = [
    message::KEY_UPDATE_ERROR,
    message::KEY_GENERATE_FAILED,
    message::KEY_NOT_RETRIEVED,
    message::START_FAILED,
];

impl Phone {
    /// Checks that everything can be set.
    ///
    /// # Errors
    /// `InvalidParams` if a value is not permitted or means nothing on a phone of this family, the user does not exist, or a
    /// clock is given for a phone that shows the computer's time.
    pub(crate) fn check_settings(&self, set: &Set) -> Result<(), CommandError> {
        check(set)?;
        if set.malformed_crl == Patch::Set(true) && self.profile.ask != AskForm::CertificateChain {
            let families: Vec<_> = PROFILES
                .iter()
                .filter(|profile| profile.ask == AskForm::CertificateChain)
                .map(|profile| profile.name)
                .collect();
            return Err(CommandError::invalid_params(
                text!(
                    "device `{name}` is a `{profile}` phone, whose ASK has no certificates",
                    name = self.name,
                    profile = self.profile.name
                ),
                text!("create a device of one of these families: {families}", families = families.join(", ")),
            ));
        }
        if let Patch::Set(user) = &set.user {
            self.context.wechat.openid(user, &self.context.wechat.accounts().first_app().appid)?;
        }
        if let Patch::Set(changed) = &set.user_data {
            // The members that are not changed were checked with the configuration.
            changed_data(UserData::anonymous(), changed).check()?;
        }
        if !set.clock.is_keep() && !self.state().record.seeded {
            return Err(CommandError::invalid_params(
                text!(
                    "device `{name}` has no clock of its own: it shows the computer's time",
                    name = self.name
                ),
                text!("create a device with a seed to set its clock"),
            ));
        }
        Ok(())
    }

    /// Sets what [`check_settings`](Self::check_settings) has checked.
    ///
    /// # Errors
    /// `UnknownDevice` or `Environment` if the system is to be upgraded and the secure world fails. Nothing has changed.
    pub(crate) fn set(&self, set: &Set) -> Result<(), CommandError> {
        let mut state = self.state();
        if set.system_upgrade == Patch::Set(true) {
            self.tee(&mut state)?.system_upgrade().map_err(|error| self.tee_error(&error))?;
        }
        state.record.set(set);
        state.clock.set(state.record.clock);
        Ok(())
    }
}

impl Record {
    /// Sets the values that are given.
    pub(crate) fn set(&mut self, set: &Set) {
        let default = Settings::default();
        let set = set.clone();
        if !set.clock.is_keep() {
            self.clock = Some(set.clock.apply(SEEDED_CLOCK_MS, SEEDED_CLOCK_MS));
        }
        let current = std::mem::take(&mut self.settings);
        self.settings = Settings {
            support: set.support.apply(current.support, default.support),
            permission: set.permission.apply(current.permission, default.permission),
            modes: apply_optional(set.modes, current.modes),
            internal_error: apply_optional(set.internal_error, current.internal_error),
            report_not_enrolled: set
                .report_not_enrolled
                .apply(current.report_not_enrolled, default.report_not_enrolled),
            report_face_as_finger: set
                .report_face_as_finger
                .apply(current.report_face_as_finger, default.report_face_as_finger),
            malformed_crl: set.malformed_crl.apply(current.malformed_crl, default.malformed_crl),
            fail_next: apply_optional(set.fail_next, current.fail_next),
            login_failure: apply_optional(set.login_failure, current.login_failure),
            user_info_permission: set
                .user_info_permission
                .apply(current.user_info_permission, default.user_info_permission),
            anonymous_user: set.anonymous_user.apply(current.anonymous_user, default.anonymous_user),
            user_data: apply_optional(set.user_data, current.user_data),
            second_call: set.second_call.apply(current.second_call, default.second_call),
            latency: set.latency.apply(current.latency, default.latency),
            user: apply_optional(set.user, current.user),
        };
    }
}

/// Checks all values before any is set.
fn check(set: &Set) -> Result<(), CommandError> {
    if let Patch::Set(code) = set.fail_next
        && !FAILURE_CODES.contains(&code)
    {
        let known: Vec<_> = FAILURE_CODES.iter().map(ToString::to_string).collect();
        return Err(CommandError::invalid_params(
            text!("no authentication fails with {code}", code = code),
            text!("codes: {known}", known = known.join(", ")),
        ));
    }
    if let Patch::Set(text) = &set.internal_error
        && !is_internal_error(text)
    {
        let known: Vec<_> =
            INTERNAL_ERROR_TEXTS.iter().filter_map(|text| text.strip_prefix("fail ")).collect();
        let shown = shortened(text, 80);
        return Err(CommandError::invalid_params(
            text!("90007 never says `{shown}`", shown = shown),
            text!("texts: {known}, authenticate error: <text of the SDK>", known = known.join(", ")),
        ));
    }
    if let Patch::Set(latency) = set.latency
        && latency > MAX_LATENCY_MS
    {
        return Err(CommandError::invalid_params(
            text!("a latency of {latency} ms is too long", latency = latency),
            text!("give at most {most} ms; phones take about 500", most = MAX_LATENCY_MS),
        ));
    }
    if let Patch::Set(clock) = set.clock {
        check_clock(clock)?;
    }
    Ok(())
}

fn is_internal_error(text: &str) -> bool {
    let message = format!("fail {text}");
    INTERNAL_ERROR_TEXTS.contains(&message.as_str())
        || message
            .strip_prefix(message::AUTHENTICATE_ERROR)
            .is_some_and(|text| (1..=200).contains(&text.len()))
}

/// A setting that is absent by default.
fn apply_optional<T>(patch: Patch<T>, current: Option<T>) -> Option<T> {
    match patch {
        Patch::Keep => current,
        Patch::Reset => None,
        Patch::Set(value) => Some(value),
    }
}
