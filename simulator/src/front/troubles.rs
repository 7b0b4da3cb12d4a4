//! The settings of a phone that are not as on a new one, as `device set` takes them, and what each does.

use soter_bridge::protocol::device::{LoginFailure, SecondCall, Settings, UserData};
use soter_text::{Text, text};

/// A setting that is not as on a new phone: `device set SETTING VALUE` makes it so.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    /// The name of the setting.
    pub(crate) setting: &'static str,
    /// Its value, as it is typed.
    pub(crate) value: String,
    /// What it does.
    effect: Text,
}

impl Trouble {
    fn new(setting: &'static str, value: impl Into<String>, effect: Text) -> Self {
        Self { setting, value: value.into(), effect }
    }

    /// The setting, its value, and what it does, in one line.
    pub(crate) fn text(&self) -> Text {
        text!("{setting} {value}: {effect}", setting = self.setting, value = self.value, effect = self.effect)
    }
}

/// The settings that are not as on a new phone.
pub(crate) fn troubles(settings: &Settings) -> Vec<Trouble> {
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
        anonymous_user,
        user_data,
        second_call,
        latency,
        // It is shown with the phone, and makes nothing fail.
        user: _,
    } = settings;
    let mut found = Vec::new();
    let mut add = |setting, value: &str, effect| found.push(Trouble::new(setting, value, effect));
    if !support {
        add("support", "off", text!("SOTER is not supported (90001)"));
    }
    if !permission {
        add("permission", "off", text!("the user does not grant the permission (90002)"));
    }
    if let Some(modes) = modes {
        let names: Vec<_> = modes.iter().map(|mode| mode.name()).collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(",") };
        add("modes", &names, text!("the supported modes, in place of those of its family"));
    }
    if let Some(message) = internal_error {
        let message = shell_words::quote(message);
        add("internalError", &message, text!("every authentication fails with 90007 and this text"));
    }
    if *report_not_enrolled {
        add("reportNotEnrolled", "on", text!("the phone says that nothing is enrolled (90011)"));
    }
    if *report_face_as_finger {
        add("reportFaceAsFinger", "on", text!("a face's result says fingerPrint"));
    }
    if *malformed_crl {
        add("malformedCrl", "on", text!("strict parsers refuse the leaf certificate"));
    }
    if let Some(code) = fail_next {
        add("failNext", &code.to_string(), text!("the next authentication fails with this code, once"));
    }
    match login_failure {
        None => {}
        Some(LoginFailure::Fail) => add("loginFailure", "fail", text!("every wx.login fails")),
        Some(LoginFailure::Timeout) => add("loginFailure", "timeout", text!("every wx.login times out")),
    }
    if !user_info_permission {
        let effect = text!("mini programs do not get the user's data (auth deny)");
        add("userInfoPermission", "off", effect);
    }
    if !anonymous_user {
        add("anonymousUser", "off", text!("wx.getUserInfo gives the user's own data"));
    }
    if let Some(words) = user_data.as_deref().map(words_of).filter(|words| !words.is_empty()) {
        add("userData", &words, text!("these of the user's data differ from the configuration"));
    }
    match second_call {
        SecondCall::Refuse => {}
        SecondCall::Queue => {
            add("secondCall", "queue", text!("a second authentication waits; real phones refuse it"));
        }
    }
    if *latency > 0 {
        let effect = text!("answers come this many milliseconds later");
        add("latency", &latency.to_string(), effect);
    }
    found
}

/// A user's data, as `device set userData` takes them.
fn words_of(data: &UserData) -> String {
    let UserData { nick_name, gender, language, city, province, country, avatar_url } = data;
    let gender = gender.map(|gender| gender.to_string());
    let pairs = UserData::NAMES
        .into_iter()
        .zip([nick_name, &gender, language, city, province, country, avatar_url])
        .filter_map(|(name, value)| value.as_ref().map(|value| format!("{name}={value}")));
    shell_words::join(pairs)
}

#[cfg(test)]
mod tests {
    use soter_bridge::protocol::device::Set;
    use soter_bridge::protocol::{Patch, Request};
    use soter_wire::Mode;

    use super::*;
    use crate::grammar::{Job, LineCommand, parse_line};

    /// What `device set` sends.
    fn set(words: &str) -> Set {
        let line = parse_line(&format!("device set {words}")).unwrap().unwrap();
        let LineCommand::Shared(command) = line.command else { panic!("{words}") };
        let Job::Call(call) = command.job().unwrap() else { panic!("{words}") };
        let Request::DeviceSet(set) = call.call.request else { panic!("{words}") };
        set
    }

    #[test]
    fn a_trouble_is_made_and_ended_by_the_words_that_are_shown() {
        let data = UserData {
            nick_name: Some("Li 'L' Lei".to_owned()),
            gender: Some(1),
            city: Some(String::new()),
            ..UserData::default()
        };
        let settings = Settings {
            support: false,
            permission: false,
            modes: Some(vec![Mode::Facial, Mode::FingerPrint]),
            internal_error: Some("authenticate error: it's  late".to_owned()),
            report_not_enrolled: true,
            report_face_as_finger: true,
            malformed_crl: true,
            fail_next: Some(90009),
            login_failure: Some(LoginFailure::Timeout),
            user_info_permission: false,
            anonymous_user: false,
            user_data: Some(Box::new(data)),
            second_call: SecondCall::Queue,
            latency: 500,
            user: None,
        };
        let all = troubles(&settings);
        assert_eq!(all.len(), 14);
        let expected = serde_json::to_value(&settings).unwrap();
        for Trouble { setting, value, .. } in &all {
            let sent = serde_json::to_value(set(&format!("{setting} {value}"))).unwrap();
            assert_eq!(sent[setting], expected[setting], "{setting} {value}");
            let reset = serde_json::to_value(set(&format!("{setting} default"))).unwrap();
            assert!(reset[setting].is_null() && reset.get(setting).is_some(), "{setting}: {reset}");
        }
        assert!(troubles(&Settings::default()).is_empty());
        let no_modes = Settings { modes: Some(Vec::new()), ..Settings::default() };
        assert_eq!(troubles(&no_modes)[0].value, "none");
        assert_eq!(set("modes none").modes, Patch::Set(Vec::new()));
    }
}
