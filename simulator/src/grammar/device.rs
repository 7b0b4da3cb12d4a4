//! `device`: the phones on the desk, and their troubles.

use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use soter_bridge::protocol::device::{LoginFailure, SecondCall};
use soter_bridge::protocol::{CommandError, Patch, SeedText, device};
use soter_text::text;
use soter_wechat::Secret;
use soter_wire::{Mode, Profile, shortened};

use super::prepared_call::PreparedCall;
use super::timestamp::parse_timestamp;
use super::wrong_value::WrongValue;

/// `device …`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Device {
    /// Put another phone on the desk
    Create {
        /// 1 to 64 of a-z, 0-9 and `-`, starting with a letter or digit
        #[arg(value_name = "NAME")]
        name: String,
        /// The phone family
        #[arg(long, value_name = "PROFILE", value_parser = PossibleValuesParser::new(Profile::names()))]
        profile: Option<String>,
        /// Makes keys, ids and counters reproducible; anyone who knows it knows the keys
        #[arg(long, value_name = "TEXT")]
        seed: Option<Secret>,
        /// Where a seeded phone's clock stands: 2020-01-01T00:00:00Z or Unix milliseconds
        #[arg(long, value_name = "TIME", requires = "seed", value_parser = parse_timestamp)]
        clock: Option<u64>,
    },
    /// The phones on the desk
    List {
        /// Only those whose names begin with this
        #[arg(value_name = "PREFIX")]
        prefix: Option<String>,
        /// Only those after this one in the list
        #[arg(long, value_name = "DEVICE")]
        after: Option<String>,
        /// How many at most [default: 100]
        #[arg(long, value_name = "NUMBER")]
        limit: Option<u32>,
    },
    /// The families of phones that can be put on the desk
    Profiles,
    /// Make a phone the one that commands go to
    Select {
        /// Its name
        #[arg(value_name = "DEVICE")]
        name: String,
    },
    /// All about one phone
    Show {
        /// Its name; left out: the selected one
        #[arg(value_name = "DEVICE")]
        name: Option<String>,
    },
    /// Switch a phone's troubles on and off
    #[command(subcommand)]
    Set(Setting),
    /// Take a phone off the desk; its keys are gone for good
    Remove {
        /// Its name
        #[arg(value_name = "DEVICE")]
        name: String,
    },
    /// Factory-reset a phone: apps' keys, fingers and settings go; cpu_id, ATTK and counter stay
    Reset {
        /// Its name; left out: the selected one
        #[arg(value_name = "DEVICE")]
        name: Option<String>,
    },
}

/// `device set SETTING VALUE`; the value `default` sets a setting back.
#[derive(Clone, Debug, Subcommand)]
#[command(rename_all = "camelCase")]
pub(crate) enum Setting {
    /// Whether the phone supports SOTER; off: 90001
    Support {
        /// on, off or default
        #[arg(value_name = "SWITCH", value_parser = switch_patch())]
        value: Patch<bool>,
    },
    /// Whether the user grants the permission; off: 90002
    Permission {
        /// on, off or default
        #[arg(value_name = "SWITCH", value_parser = switch_patch())]
        value: Patch<bool>,
    },
    /// Which modes the phone supports
    Modes {
        /// Comma-separated modes, `none`, or `default` for the profile's
        #[arg(value_name = "MODES", value_parser = parse_modes)]
        value: Patch<Vec<Mode>>,
    },
    /// Every authentication fails with 90007 and this text
    #[command(alias = "internal-error")]
    InternalError {
        /// The text, or `default` for no such failure
        #[arg(value_name = "TEXT", num_args = 1.., required = true)]
        words: Vec<String>,
    },
    /// 90011 although something is enrolled
    #[command(alias = "report-not-enrolled")]
    ReportNotEnrolled {
        /// on, off or default
        #[arg(value_name = "SWITCH", value_parser = switch_patch())]
        value: Patch<bool>,
    },
    /// A face's result says `fingerPrint`
    #[command(alias = "report-face-as-finger")]
    ReportFaceAsFinger {
        /// on, off or default
        #[arg(value_name = "SWITCH", value_parser = switch_patch())]
        value: Patch<bool>,
    },
    /// Leaf certificates of ASKs get the malformed CRL distribution points of real phones
    #[command(alias = "malformed-crl")]
    MalformedCrl {
        /// on, off or default
        #[arg(value_name = "SWITCH", value_parser = switch_patch())]
        value: Patch<bool>,
    },
    /// The next authentication fails with this code, once
    #[command(alias = "fail-next")]
    FailNext {
        /// A code of the wx call, or default
        #[arg(value_name = "CODE", value_parser = parse_number::<i32>, allow_negative_numbers = true)]
        value: Patch<i32>,
    },
    /// Every wx.login fails in this way
    #[command(alias = "login-failure")]
    LoginFailure {
        /// fail, timeout or default
        #[arg(value_name = "FAILURE", value_parser = login_failure())]
        value: Patch<LoginFailure>,
    },
    /// Whether the user lets mini programs have their data; off: auth deny
    #[command(alias = "user-info-permission")]
    UserInfoPermission {
        /// on, off or default
        #[arg(value_name = "SWITCH", value_parser = switch_patch())]
        value: Patch<bool>,
    },
    /// Whether wx.getUserInfo gives anonymous data, as since 2021; off: the user's own
    #[command(alias = "anonymous-user")]
    AnonymousUser {
        /// on, off or default
        #[arg(value_name = "SWITCH", value_parser = switch_patch())]
        value: Patch<bool>,
    },
    /// What the user says about themselves, where it differs from the configuration
    #[command(alias = "user-data")]
    UserData {
        /// nickName=…, gender=0|1|2, language=…, city=…, province=…, country=…, avatarUrl=…, or default
        #[arg(value_name = "DATA", num_args = 1.., required = true)]
        words: Vec<String>,
    },
    /// What a second authentication gets while one is not over: 90007 at once, as on phones, or its turn
    #[command(alias = "second-call")]
    SecondCall {
        /// refuse, queue or default
        #[arg(value_name = "ANSWER", value_parser = second_call())]
        value: Patch<SecondCall>,
    },
    /// How long the answer takes after the match; a phone takes about 500
    Latency {
        /// Milliseconds, or default
        #[arg(value_name = "MILLISECONDS", value_parser = parse_number::<u64>)]
        value: Patch<u64>,
    },
    /// Where a seeded phone's clock stands
    Clock {
        /// 2020-01-01T00:00:00Z or Unix milliseconds, or default
        #[arg(value_name = "TIME", value_parser = parse_clock)]
        value: Patch<u64>,
    },
    /// The WeChat user who is logged in
    User {
        /// A user's name, or default
        #[arg(value_name = "NAME", value_parser = parse_name)]
        value: Patch<String>,
    },
    /// A system upgrade happens now: the phone gets another cpu_id
    #[command(alias = "system-upgrade")]
    SystemUpgrade,
}

impl Device {
    /// The protocol call for this command.
    ///
    /// # Errors
    /// `InvalidParams` if a user's data are not written as pairs.
    pub(super) fn prepared_call(self) -> Result<PreparedCall, CommandError> {
        Ok(match self {
            Self::Create { name, profile, seed, clock } => {
                PreparedCall::new(device::Create { name, profile, seed: seed.map(SeedText), clock })
            }
            Self::List { prefix, after, limit } => PreparedCall::new(device::List { prefix, after, limit }),
            Self::Profiles => PreparedCall::new(device::Profiles {}),
            Self::Select { name } => PreparedCall::new(device::Select { name }),
            Self::Show { name } => PreparedCall::new(device::Show {}).for_device(name.as_deref()),
            Self::Set(setting) => PreparedCall::new(setting.patch()?),
            Self::Remove { name } => PreparedCall::new(device::Remove { name }),
            Self::Reset { name } => {
                PreparedCall::new(device::ResetNormalWorld {}).for_device(name.as_deref())
            }
        })
    }
}

impl Setting {
    fn patch(self) -> Result<device::Set, CommandError> {
        let keep = device::Set::default();
        Ok(match self {
            Self::Support { value } => device::Set { support: value, ..keep },
            Self::Permission { value } => device::Set { permission: value, ..keep },
            Self::Modes { value } => device::Set { modes: value, ..keep },
            Self::InternalError { words } => {
                let internal_error = match words.join(" ") {
                    text if text == DEFAULT => Patch::Reset,
                    text => Patch::Set(text),
                };
                device::Set { internal_error, ..keep }
            }
            Self::ReportNotEnrolled { value } => device::Set { report_not_enrolled: value, ..keep },
            Self::ReportFaceAsFinger { value } => device::Set { report_face_as_finger: value, ..keep },
            Self::MalformedCrl { value } => device::Set { malformed_crl: value, ..keep },
            Self::FailNext { value } => device::Set { fail_next: value, ..keep },
            Self::LoginFailure { value } => device::Set { login_failure: value, ..keep },
            Self::UserInfoPermission { value } => device::Set { user_info_permission: value, ..keep },
            Self::AnonymousUser { value } => device::Set { anonymous_user: value, ..keep },
            Self::UserData { words } => device::Set { user_data: parse_user_data(&words)?, ..keep },
            Self::SecondCall { value } => device::Set { second_call: value, ..keep },
            Self::Latency { value } => device::Set { latency: value, ..keep },
            Self::Clock { value } => device::Set { clock: value, ..keep },
            Self::User { value } => device::Set { user: value, ..keep },
            Self::SystemUpgrade => device::Set { system_upgrade: Patch::Set(true), ..keep },
        })
    }
}

/// The word that resets a setting.
pub(super) const DEFAULT: &str = "default";

/// Parses `on` or `off`.
pub(super) fn switch() -> impl TypedValueParser<Value = bool> {
    PossibleValuesParser::new(["on", "off"]).map(|text| text == "on")
}

/// Parses `on`, `off` or `default`.
pub(super) fn switch_patch() -> impl TypedValueParser<Value = Patch<bool>> {
    PossibleValuesParser::new(["on", "off", DEFAULT]).map(|text| match text.as_str() {
        "on" => Patch::Set(true),
        "off" => Patch::Set(false),
        _ => Patch::Reset,
    })
}

/// Parses `fail`, `timeout` or `default`.
fn login_failure() -> impl TypedValueParser<Value = Patch<LoginFailure>> {
    PossibleValuesParser::new(["fail", "timeout", DEFAULT]).map(|text| match text.as_str() {
        "fail" => Patch::Set(LoginFailure::Fail),
        "timeout" => Patch::Set(LoginFailure::Timeout),
        _ => Patch::Reset,
    })
}

/// Parses a user's data as pairs, or `default`.
///
/// # Errors
/// `InvalidParams` if a word is not a pair with a known name, or the gender is not a number.
fn parse_user_data(words: &[String]) -> Result<Patch<Box<device::UserData>>, CommandError> {
    if words == [DEFAULT] {
        return Ok(Patch::Reset);
    }
    let names = device::UserData::NAMES;
    let mut data = device::UserData::default();
    for word in words {
        let fail = || {
            let shown = shortened(word, 80);
            CommandError::invalid_params(
                text!("`{shown}` does not belong to a user's data", shown = shown),
                text!(
                    "write NAME=VALUE with one of {names}, and a gender of 0, 1 or 2",
                    names = names.join(", ")
                ),
            )
        };
        let (name, value) = word.split_once('=').ok_or_else(fail)?;
        let text = Some(value.to_owned());
        match name {
            "nickName" => data.nick_name = text,
            "gender" => data.gender = Some(value.parse().map_err(|_| fail())?),
            "language" => data.language = text,
            "city" => data.city = text,
            "province" => data.province = text,
            "country" => data.country = text,
            "avatarUrl" => data.avatar_url = text,
            _ => return Err(fail()),
        }
    }
    Ok(Patch::Set(Box::new(data)))
}

/// Parses `refuse`, `queue` or `default`.
fn second_call() -> impl TypedValueParser<Value = Patch<SecondCall>> {
    PossibleValuesParser::new(["refuse", "queue", DEFAULT]).map(|text| match text.as_str() {
        "refuse" => Patch::Set(SecondCall::Refuse),
        "queue" => Patch::Set(SecondCall::Queue),
        _ => Patch::Reset,
    })
}

/// Parses one mode.
pub(super) fn mode() -> impl TypedValueParser<Value = Mode> {
    PossibleValuesParser::new(Mode::ALL.map(Mode::name))
        .try_map(|text| text.parse::<Mode>().map_err(|error| WrongValue::from(error.text())))
}

fn parse_modes(text: &str) -> Result<Patch<Vec<Mode>>, WrongValue> {
    match text {
        DEFAULT => Ok(Patch::Reset),
        "none" | "" => Ok(Patch::Set(Vec::new())),
        names => names
            .split(',')
            .map(|name| name.trim().parse::<Mode>().map_err(|error| WrongValue::from(error.text())))
            .collect::<Result<_, _>>()
            .map(Patch::Set),
    }
}

pub(super) fn parse_number<T>(text: &str) -> Result<Patch<T>, WrongValue>
where
    T: std::str::FromStr<Err = std::num::ParseIntError>,
{
    match text {
        DEFAULT => Ok(Patch::Reset),
        number => number.parse().map(Patch::Set).map_err(|_| {
            WrongValue::from(text!("expected a whole number that is not too large; `default` sets it back"))
        }),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "clap wants parsers that may fail")]
fn parse_name(text: &str) -> Result<Patch<String>, WrongValue> {
    Ok(if text == DEFAULT { Patch::Reset } else { Patch::Set(text.to_owned()) })
}

fn parse_clock(text: &str) -> Result<Patch<u64>, WrongValue> {
    match text {
        DEFAULT => Ok(Patch::Reset),
        timestamp => parse_timestamp(timestamp).map(Patch::Set),
    }
}
