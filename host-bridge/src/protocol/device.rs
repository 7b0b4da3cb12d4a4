//! The phones on the desk, and their settings.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use soter_text::Text;
use soter_wire::{Mode, SignatureScheme};

use super::biometric::Enrolments;
use super::patch::Patch;
use super::secret_text::SeedText;
use super::sensor::SensorMode;

/// Puts another phone on the desk. It is not selected by that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Create {
    /// 1 to 64 of `a`-`z`, `0`-`9` and `-`, starting with a letter or digit.
    pub name: String,
    /// The phone family; absent: `trustonic`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Makes keys, ids, counters, salts and clock reproducible. Anyone who knows it knows the keys. Absent: the seed of the
    /// whole desk, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<SeedText>,
    /// Where a seeded phone's clock stands, in milliseconds since 1970; absent: 2020-01-01T00:00:00Z.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<u64>,
}

/// Lists phones on the desk: those that are not of the fleet sorted by name, then the fleet's by number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Only phones whose names begin with this text; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Only phones after the one of this name in the order of the list; absent: from the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// How many at most, from 1 to 1,000; absent: 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub limit: Option<u32>,
}

/// The usual number of phones in a list.
pub const LIST_LIMIT: u32 = 100;
/// The maximum number of phones in a list.
pub const MAX_LIST_LIMIT: u32 = 1000;

no_parameters! {
    /// Lists the families of phones that [`Create`] can make.
    Profiles
}
no_parameters! {
    /// Shows one phone.
    Show
}
no_parameters! {
    /// Factory-resets one phone: apps' keys, enrolments (one new finger remains) and settings go; `cpu_id`,
    /// ATTK and counter stay.
    ResetNormalWorld
}

/// Makes a phone the one that commands without a device go to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Select {
    /// Its name.
    pub name: String,
}

/// Takes a phone off the desk. Its keys are gone for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Remove {
    /// Its name.
    pub name: String,
}

/// Answer of [`Remove`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Removed {
    /// The phone that is gone.
    pub removed: String,
    /// The phone that is selected now.
    pub selected: String,
}

/// Changes a phone's settings. A member that is absent leaves its setting alone, `null` sets it back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Set {
    /// Whether the phone supports SOTER; `false`: 90001.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub support: Patch<bool>,
    /// Whether the user grants the permission; `false`: 90002.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub permission: Patch<bool>,
    /// The supported modes; `[]` is a real answer; set back: the profile's.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[schemars(with = "Option<Vec<super::mode_name::ModeName>>")]
    pub modes: Patch<Vec<Mode>>,
    /// Every authentication fails with 90007 and this text.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub internal_error: Patch<String>,
    /// 90011 although something is enrolled.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub report_not_enrolled: Patch<bool>,
    /// A face's result says `fingerPrint`.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub report_face_as_finger: Patch<bool>,
    /// `true`: the leaf certificate of an exported ASK has the malformed CRL distribution points of real phones, which
    /// strict parsers refuse. Only families whose ASK is a certificate chain accept `true`.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub malformed_crl: Patch<bool>,
    /// The next authentication fails with this code, once.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub fail_next: Patch<i32>,
    /// Every `wx.login` fails in this way.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub login_failure: Patch<LoginFailure>,
    /// Whether the user lets mini programs have their data; `false`: `getUserInfo:fail auth deny`.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub user_info_permission: Patch<bool>,
    /// Whether mini programs get anonymous data in place of the user's own, as from WeChat since 2021.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub anonymous_user: Patch<bool>,
    /// The user's own data on this phone, where they differ from those that WeChat's servers are configured with.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub user_data: Patch<Box<UserData>>,
    /// What happens to an authentication that is asked for during another one.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub second_call: Patch<SecondCall>,
    /// Milliseconds between the match and the answer; a phone takes about 500.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub latency: Patch<u64>,
    /// A seeded phone's clock in milliseconds since 1970. It stands still until it is set.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub clock: Patch<u64>,
    /// The WeChat user who is logged in; set back: the first one of WeChat's servers, or of a fleet's phone, its own.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub user: Patch<String>,
    /// `true`: a system upgrade happens now, which gives the phone another `cpu_id`.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub system_upgrade: Patch<bool>,
}

/// What a phone does with an authentication that is asked for while another one is not over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SecondCall {
    /// It fails at once with 90007, as the SDK's task pool refuses it on Android. For iOS this is modelled.
    #[default]
    Refuse,
    /// It waits until the other one is over. No phone does this; it is for tests that share a phone.
    Queue,
}

/// How `wx.login` fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum LoginFailure {
    /// `login:fail`, at once.
    Fail,
    /// `login:fail timeout`, after the call's `timeout`, or at once if it gives none (modelled).
    Timeout,
}

/// What a user says about themselves. What is absent is as configured with `[[user]]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserData {
    /// The name that others see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nick_name: Option<String>,
    /// 0 unknown, 1 male, 2 female.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 2))]
    pub gender: Option<u8>,
    /// The language of the places.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The city.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// The province.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub province: Option<String>,
    /// The country.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The avatar's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<String>,
}

impl UserData {
    /// The names of its members.
    pub const NAMES: [&str; 7] =
        ["nickName", "gender", "language", "city", "province", "country", "avatarUrl"];
}

fn default_true() -> bool {
    true
}

/// A phone's settings as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, and any set of them is a phone"
)]
pub struct Settings {
    /// See [`Set::support`].
    pub support: bool,
    /// See [`Set::permission`].
    pub permission: bool,
    /// See [`Set::modes`]; `null`: the profile's.
    #[schemars(with = "Option<Vec<super::mode_name::ModeName>>")]
    pub modes: Option<Vec<Mode>>,
    /// See [`Set::internal_error`].
    pub internal_error: Option<String>,
    /// See [`Set::report_not_enrolled`].
    pub report_not_enrolled: bool,
    /// See [`Set::report_face_as_finger`].
    pub report_face_as_finger: bool,
    /// See [`Set::malformed_crl`].
    #[serde(default)]
    pub malformed_crl: bool,
    /// See [`Set::fail_next`].
    pub fail_next: Option<i32>,
    /// See [`Set::login_failure`].
    #[serde(default)]
    pub login_failure: Option<LoginFailure>,
    /// See [`Set::user_info_permission`].
    #[serde(default = "default_true")]
    pub user_info_permission: bool,
    /// See [`Set::anonymous_user`].
    #[serde(default = "default_true")]
    pub anonymous_user: bool,
    /// See [`Set::user_data`].
    #[serde(default)]
    pub user_data: Option<Box<UserData>>,
    /// See [`Set::second_call`].
    #[serde(default)]
    pub second_call: SecondCall,
    /// See [`Set::latency`].
    pub latency: u64,
    /// See [`Set::user`]; `null`: set back.
    #[serde(default)]
    pub user: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            support: true,
            permission: true,
            modes: None,
            internal_error: None,
            report_not_enrolled: false,
            report_face_as_finger: false,
            malformed_crl: false,
            fail_next: None,
            login_failure: None,
            user_info_permission: true,
            anonymous_user: true,
            user_data: None,
            second_call: SecondCall::default(),
            latency: 0,
            user: None,
        }
    }
}

/// Phones on the desk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Devices {
    /// In the order of [`List`].
    pub devices: Vec<Summary>,
    /// The one that commands without a device go to.
    pub selected: String,
    /// Whether there are more. The list goes on `after` the last of these.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
}

/// A phone in a list. Making the list touches no phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Its name.
    pub name: String,
    /// Its phone family.
    pub profile: String,
    /// Whether it is reproducible from a seed.
    pub seeded: bool,
    /// Who touches its sensor.
    pub sensor: SensorMode,
    /// Whether it belongs to the fleet, from which no phone is removed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fleet: bool,
    /// Whether a dialog on its screen waits for a person.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waits: bool,
}

/// Answer of [`Profiles`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Families {
    /// The usual one first.
    pub profiles: Vec<Family>,
}

/// A family of phones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Family {
    /// The profile's name.
    pub name: String,
    /// One line for people: whose phones these are.
    pub description: Text,
    /// Ways to authenticate, the usual one first.
    #[schemars(with = "Vec<super::mode_name::ModeName>")]
    pub modes: Vec<Mode>,
    /// How its signatures are made; in JSON, their salt length.
    #[serde(rename = "saltLength")]
    #[schemars(with = "u16", description = "The salt length of its signatures, in bytes.")]
    pub scheme: SignatureScheme,
}

/// All about one phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// Its name.
    pub name: String,
    /// Its phone family.
    pub profile: String,
    /// Whether it is reproducible from a seed.
    pub seeded: bool,
    /// Whether it is the one that commands without a device go to.
    pub selected: bool,
    /// Its identity in results.
    pub cpu_id: String,
    /// The last counter value that was used up; 0 for none.
    pub counter: u64,
    /// Its clock, in milliseconds since 1970.
    pub clock: u64,
    /// The apps on it.
    pub apps: Vec<App>,
    /// The WeChat user who is logged in.
    pub user: User,
    /// Fingers, faces and lockouts.
    pub biometrics: Enrolments,
    /// Who touches its sensor.
    pub sensor: SensorMode,
    /// Its settings.
    pub settings: Settings,
    /// The dialog on its screen, if one waits there for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialog: Option<Dialog>,
}

/// A dialog that wants a touch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Dialog {
    /// Its number, unique in this process.
    pub number: u64,
    /// The sensors that it listens to.
    #[schemars(with = "Vec<super::mode_name::ModeName>")]
    pub modes: Vec<Mode>,
    /// What it is for.
    #[serde(flatten)]
    pub purpose: Purpose,
}

/// What a dialog is for, with what it shows. In JSON, `kind` says which one it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Purpose {
    /// The dialog of `wx.startSoterAuthentication`.
    Authentication {
        /// Its text.
        auth_content: String,
        /// What will be signed.
        challenge: String,
    },
    /// The payment sheet of `wx.requestPayment`. The phone does not know what is paid.
    Payment {
        /// The id of the order at WeChat Pay.
        prepay_id: String,
    },
}

/// An installed app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// Its package name.
    pub package: String,
    /// Its Android uid.
    pub uid: u32,
}

/// The WeChat user of a phone, and the mini program that calls unless another one is named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The user's name on WeChat's servers.
    pub name: String,
    /// The mini program's appid.
    pub appid: String,
    /// The user's openid in that mini program.
    pub openid: String,
    /// The user's unionid, if the mini program gets one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unionid: Option<String>,
}
