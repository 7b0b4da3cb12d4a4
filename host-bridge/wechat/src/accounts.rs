//! Mini programs and WeChat users.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use soter_text::{Text, text};
use soter_wire::{PublicKey, shortened};

use crate::error::WeChatError;
use crate::journal::mask;
use crate::secret::Secret;
use crate::user_info::UserData;

pub use fleet::{FLEET_NAME_DIGITS, FLEET_NAME_PREFIX, MAX_FLEET, fleet_name, fleet_number};

mod fleet;

/// The mini program that always exists.
pub const DEFAULT_APPID: &str = "wxemulated00000001";
/// Its secret. It is public, and gives access to nothing but an emulator.
pub(crate) const DEFAULT_SECRET: &str = "emulated0000secret0000emulated00";
/// The user who always exists.
pub const DEFAULT_USER: &str = "user";
/// The openid of that user in that mini program.
pub(crate) const DEFAULT_OPENID: &str = "oEmulatedUser000000000000001";
/// Prefix of generated openids.
const GENERATED_OPENID_PREFIX: &str = "oEmulated";
/// Maximum number of mini programs, and of users, that a configuration may have.
const MAX_ACCOUNTS: usize = 10_000;

/// A mini program, as WeChat's console shows it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// 18 characters that start with `wx`.
    pub appid: String,
    /// The secret that `/cgi-bin/token` requires.
    pub secret: Secret,
    /// Whether the app may use `verify_signature`; if not, the answer is 48001.
    #[serde(default = "default_true")]
    pub soter: bool,
    /// Whether `jscode2session` returns a `unionid`.
    #[serde(default = "default_true")]
    pub unionid: bool,
    /// The API key of the merchant who is paid with `wx.requestPayment`: checks a `paySign` of the types MD5 and HMAC-SHA256.
    #[serde(default)]
    pub merchant_key: Option<Secret>,
    /// The PEM of the merchant's RSA public key: checks a `paySign` of the type RSA (APIv3).
    #[serde(default)]
    pub merchant_public_key: Option<String>,
}

impl App {
    /// A mini program without a merchant.
    pub fn new(appid: &str, secret: impl Into<Secret>) -> Self {
        Self {
            appid: appid.to_owned(),
            secret: secret.into(),
            soter: true,
            unionid: true,
            merchant_key: None,
            merchant_public_key: None,
        }
    }

    /// The secret as it may be printed: unchanged if it is the emulator's own, which is documented; else masked.
    pub fn printable_secret(&self) -> String {
        if self.secret.is(DEFAULT_SECRET) { DEFAULT_SECRET.to_owned() } else { mask(self.secret.expose()) }
    }
}

/// A WeChat user.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The name that phones use: 1 to 64 characters.
    pub name: String,
    /// The `nickName` of `wx.getUserInfo`; absent: the name.
    #[serde(default)]
    pub nickname: Option<String>,
    /// Their openids by appid. A missing one is generated from the appid and the name.
    #[serde(default)]
    pub openids: BTreeMap<String, String>,
    /// Their unionid; absent: one is generated from the name.
    #[serde(default)]
    pub unionid: Option<String>,
    /// Their phone number without the country's code: 5 to 15 digits. Absent: one is generated from the name.
    #[serde(default)]
    pub phone: Option<String>,
    /// Their gender: 0 unknown, 1 male, 2 female.
    #[serde(default)]
    pub gender: u8,
    /// The city where they live.
    #[serde(default)]
    pub city: String,
    /// Their province.
    #[serde(default)]
    pub province: String,
    /// Their country.
    #[serde(default)]
    pub country: String,
    /// Their avatar's address; empty: they have none.
    #[serde(default, rename = "avatarUrl")]
    pub avatar_url: String,
    /// The language in which their places are written; absent: `en`, as documented for `lang`.
    #[serde(default)]
    pub language: Option<String>,
}

impl User {
    /// A user whose other data are made from the name.
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// What the user says about themselves.
    pub fn data(&self) -> UserData {
        UserData {
            nick_name: self.nickname.as_ref().unwrap_or(&self.name).clone(),
            gender: self.gender,
            language: self.language.clone().unwrap_or_else(|| "en".to_owned()),
            city: self.city.clone(),
            province: self.province.clone(),
            country: self.country.clone(),
            avatar_url: self.avatar_url.clone(),
        }
    }
}

/// Accounts as a configuration file lists them: `[[app]]` and `[[user]]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountList {
    /// Mini programs; the first is the one that phones call for by default.
    #[serde(default)]
    pub app: Vec<App>,
    /// Users; the first is logged in on new phones.
    #[serde(default)]
    pub user: Vec<User>,
}

/// Mini programs and users, checked.
#[derive(Clone, Debug)]
pub struct Accounts {
    apps: BTreeMap<String, App>,
    users: BTreeMap<String, User>,
    first_app: App,
    first_user: User,
    /// The number of users of a fleet, who are not listed.
    fleet: u32,
}

impl Default for Accounts {
    fn default() -> Self {
        Self {
            apps: BTreeMap::from([(DEFAULT_APPID.to_owned(), default_app())]),
            users: BTreeMap::from([(DEFAULT_USER.to_owned(), default_user())]),
            first_app: default_app(),
            first_user: default_user(),
            fleet: 0,
        }
    }
}

impl Accounts {
    /// The listed accounts in addition to the default ones. A listed one replaces the default of its appid or name.
    ///
    /// # Errors
    /// [`WeChatError::Accounts`] if there are more than 10,000 apps or users, an appid, name or openid has the wrong
    /// form, a secret is empty, a merchant's key is not one, an appid or name is listed twice, two users have the same openid
    /// or unionid, or an openid is for an app that does not exist. [`WeChatError::UserData`] if a user's other data have the
    /// wrong form.
    pub fn new(list: AccountList) -> Result<Self, WeChatError> {
        let mut accounts = Self::default();
        if list.app.len() > MAX_ACCOUNTS || list.user.len() > MAX_ACCOUNTS {
            return Err(accounts_error(
                text!("more than {most} apps or users", most = MAX_ACCOUNTS),
                text!("list fewer"),
            ));
        }
        if let Some(first) = list.app.first() {
            accounts.first_app = first.clone();
        }
        if let Some(first) = list.user.first() {
            accounts.first_user = first.clone();
        }
        let mut seen = BTreeSet::new();
        for app in list.app {
            check_app(&app)?;
            if !seen.insert(app.appid.clone()) {
                return Err(accounts_error(
                    text!("the app {appid} is there twice", appid = app.appid),
                    text!("list each once"),
                ));
            }
            accounts.apps.insert(app.appid.clone(), app);
        }
        seen.clear();
        for user in list.user {
            let name = user.name.clone();
            if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
                return Err(accounts_error(
                    text!("a user's name is empty, longer than 64 characters or not printable"),
                    text!("use shorter names"),
                ));
            }
            if !seen.insert(name.clone()) {
                return Err(accounts_error(
                    text!("the user {name} is there twice", name = name),
                    text!("list each once"),
                ));
            }
            let is_number = |phone: &String| {
                (5..=15).contains(&phone.len()) && phone.bytes().all(|byte| byte.is_ascii_digit())
            };
            if !user.phone.as_ref().is_none_or(is_number) {
                return Err(accounts_error(
                    text!("the phone number of {name} must have 5 to 15 digits", name = name),
                    text!("write it without spaces and without the country's code"),
                ));
            }
            user.data().check()?;
            accounts.users.insert(name, user);
        }
        accounts.check_openids()?;
        Ok(accounts)
    }

    /// Checks every unionid, but only the openids that were given: generated ones differ from one another, and to
    /// generate all of them for many apps and users would take minutes.
    fn check_openids(&self) -> Result<(), WeChatError> {
        let (mut by_openid, mut by_unionid) = (BTreeMap::new(), BTreeMap::new());
        for user in self.users.values() {
            let name = &user.name;
            if let Some(other) = by_unionid.insert(unionid(user), name) {
                return Err(accounts_error(
                    text!("{other} and {name} have the same unionid", other = other, name = name),
                    text!("give each their own"),
                ));
            }
            for (appid, openid) in &user.openids {
                if !self.apps.contains_key(appid) {
                    let shown = shortened(appid, 40);
                    return Err(accounts_error(
                        text!(
                            "{name} has an openid in {shown}, and there is no such app",
                            name = name,
                            shown = shown
                        ),
                        text!("list the app as well, or correct the appid"),
                    ));
                }
                if openid.is_empty()
                    || openid.len() > 128
                    || !openid.bytes().all(|byte| byte.is_ascii_graphic())
                {
                    return Err(accounts_error(
                        text!("an openid of {name} must have 1 to 128 printable characters", name = name),
                        text!("choose another"),
                    ));
                }
                if openid.starts_with(GENERATED_OPENID_PREFIX) && *openid != generated_openid(user, appid) {
                    return Err(accounts_error(
                        text!(
                            "an openid of {name} begins with {prefix}, which is reserved for generated openids",
                            name = name,
                            prefix = GENERATED_OPENID_PREFIX
                        ),
                        text!("choose another"),
                    ));
                }
                if let Some(other) = by_openid.insert((appid, openid), name) {
                    return Err(accounts_error(
                        text!(
                            "{other} and {name} have the same openid in {appid}",
                            other = other,
                            name = name,
                            appid = appid
                        ),
                        text!("give each their own"),
                    ));
                }
            }
        }
        Ok(())
    }

    /// The mini program with this appid.
    pub fn app(&self, appid: &str) -> Option<&App> {
        self.apps.get(appid)
    }

    /// These accounts and the users of a fleet of this many phones, at most [`MAX_FLEET`]. A listed user who has the name of
    /// one of them replaces them. They take no memory.
    #[must_use]
    pub fn with_fleet(self, size: u32) -> Self {
        Self { fleet: size.min(MAX_FLEET), ..self }
    }

    /// The user with this name.
    pub fn user(&self, name: &str) -> Option<Cow<'_, User>> {
        let listed = self.users.get(name).map(Cow::Borrowed);
        let is_of_fleet = || fleet_number(name).is_some_and(|number| number < self.fleet);
        listed.or_else(|| is_of_fleet().then(|| Cow::Owned(User::named(name))))
    }

    /// The mini program that phones call for by default.
    pub fn first_app(&self) -> &App {
        &self.first_app
    }

    /// The user who is logged in on new phones.
    pub fn first_user(&self) -> &User {
        &self.first_user
    }

    /// Every mini program.
    pub fn apps(&self) -> impl Iterator<Item = &App> {
        self.apps.values()
    }

    /// Every user who is listed, and the default one.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }

    /// The user who has this openid in the mini program.
    pub(crate) fn user_of_openid(&self, appid: &str, given: &str) -> Option<Cow<'_, User>> {
        let of_fleet = fleet::number_of_openid(given, appid).filter(|&number| number < self.fleet);
        match of_fleet {
            Some(number) => self.user(&fleet_name(number)).filter(|user| openid(user, appid) == given),
            None => self.users.values().find(|user| openid(user, appid) == given).map(Cow::Borrowed),
        }
    }
}

/// The user's openid in a mini program: the configured one, or 28 characters, as real ones have.
pub(crate) fn openid(user: &User, appid: &str) -> String {
    user.openids.get(appid).cloned().unwrap_or_else(|| generated_openid(user, appid))
}

/// The openid that is generated if none is given.
fn generated_openid(user: &User, appid: &str) -> String {
    if (appid, user.name.as_str()) == (DEFAULT_APPID, DEFAULT_USER) {
        return DEFAULT_OPENID.to_owned();
    }
    match fleet_number(&user.name) {
        Some(number) => fleet::openid(number, appid),
        None => generated_id(GENERATED_OPENID_PREFIX, &["openid", appid, &user.name]),
    }
}

/// The user's id over all mini programs of one company.
pub(crate) fn unionid(user: &User) -> String {
    user.unionid.clone().unwrap_or_else(|| generated_id("uEmulated", &["unionid", &user.name]))
}

/// The user's phone number: the configured one, or one that looks like a Chinese mobile number.
pub(crate) fn phone_number(user: &User) -> String {
    let generated = || {
        let number = match fleet_number(&user.name) {
            Some(number) => number,
            None if user.name == DEFAULT_USER => 138_000,
            None => {
                let digest = Sha256::digest(["phone", &user.name].join("\0"));
                digest.iter().take(4).fold(0, |number, byte| number << 8 | u32::from(*byte)) % 100_000_000
            }
        };
        format!("138{number:08}")
    };
    user.phone.clone().unwrap_or_else(generated)
}

fn generated_id(prefix: &str, parts: &[&str]) -> String {
    let digest = Sha256::digest(parts.join("\0"));
    let text = soter_wire::base64::encode(&digest).replace(['+', '/'], "_");
    format!("{prefix}{}", shortened(&text, 28 - prefix.len()))
}

fn check_app(app: &App) -> Result<(), WeChatError> {
    let is_appid = app.appid.len() == 18
        && app.appid.starts_with("wx")
        && app.appid.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if !is_appid {
        let shown = shortened(&app.appid, 40);
        return Err(accounts_error(
            text!("`{shown}` is not an appid", shown = shown),
            text!("18 characters, `wx` and then a-z or 0-9"),
        ));
    }
    if app.secret.expose().is_empty() {
        return Err(accounts_error(
            text!("the secret of {appid} is empty", appid = app.appid),
            text!("give it one"),
        ));
    }
    let is_key = |key: &Secret| {
        let key = key.expose();
        !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if !app.merchant_key.as_ref().is_none_or(is_key) {
        return Err(accounts_error(
            text!(
                "the merchant_key of {appid} is empty, or not printable ASCII without spaces",
                appid = app.appid
            ),
            text!(
                "write the API key as the merchant platform has it, or leave it out: paySign is not checked then"
            ),
        ));
    }
    merchant_public_key(app).map(drop)
}

/// The merchant's RSA public key.
///
/// # Errors
/// [`WeChatError::Accounts`] if the PEM cannot be read.
pub(crate) fn merchant_public_key(app: &App) -> Result<Option<PublicKey>, WeChatError> {
    let Some(pem) = &app.merchant_public_key else { return Ok(None) };
    PublicKey::from_pem(pem.trim()).map(Some).map_err(|error| {
        accounts_error(
            text!("the merchant_public_key of {appid}: {error}", appid = app.appid, error = error.text()),
            text!(
                "write what `openssl x509 -in apiclient_cert.pem -noout -pubkey` prints, between three quotes"
            ),
        )
    })
}

fn accounts_error(what: Text, next: Text) -> WeChatError {
    WeChatError::Accounts { what, next }
}

fn default_app() -> App {
    App::new(DEFAULT_APPID, DEFAULT_SECRET)
}

fn default_user() -> User {
    User::named(DEFAULT_USER)
}

fn default_true() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Accounts {
        fn has_openid(&self, appid: &str, given: &str) -> bool {
            self.user_of_openid(appid, given).is_some()
        }
    }

    fn list(json: serde_json::Value) -> Result<Accounts, WeChatError> {
        Accounts::new(serde_json::from_value(json).unwrap())
    }

    #[test]
    fn a_default_app_and_user_always_exist_and_the_first_listed_ones_are_used() {
        let accounts = list(serde_json::json!({
            "app": [{"appid": "wx0123456789abcdef", "secret": "s"}], "user": [{"name": "zhang"}]
        }))
        .unwrap();
        assert_eq!(accounts.first_app().appid, "wx0123456789abcdef");
        assert_eq!(accounts.first_user().name, "zhang");
        assert!(accounts.app(DEFAULT_APPID).is_some() && accounts.user(DEFAULT_USER).is_some());
        assert_eq!(Accounts::default().first_app().appid.len(), 18);
    }

    #[test]
    fn only_the_emulators_own_secret_is_printed() {
        assert_eq!(Accounts::default().first_app().printable_secret(), DEFAULT_SECRET);
        let app = serde_json::json!({"appid": DEFAULT_APPID, "secret": "0123456789abcdef0123456789abcdef"});
        let accounts = list(serde_json::json!({"app": [app]})).unwrap();
        assert_eq!(accounts.first_app().printable_secret(), "***cdef");
    }

    #[test]
    fn a_user_has_a_different_openid_in_each_app_and_one_unionid() {
        let accounts = Accounts::default();
        let user = accounts.first_user();
        let openids = [DEFAULT_APPID, "wx0123456789abcdef"].map(|appid| openid(user, appid));
        assert_ne!(openids[0], openids[1]);
        assert!(openids.iter().chain([&unionid(user)]).all(|id| id.len() == 28), "{openids:?}");
    }

    #[test]
    fn a_fleets_users_are_known_by_name_and_openid_up_to_its_size() {
        let accounts = Accounts::default().with_fleet(100_000);
        let last = accounts.user("fleet-099999").unwrap();
        assert!(accounts.has_openid(DEFAULT_APPID, &openid(&last, DEFAULT_APPID)));
        assert!(accounts.user("fleet-100000").is_none() && accounts.user("fleet-1").is_none());
        assert!(!accounts.has_openid(DEFAULT_APPID, &openid(&User::named("fleet-100000"), DEFAULT_APPID)));
        assert!(accounts.has_openid(DEFAULT_APPID, DEFAULT_OPENID));
    }

    #[test]
    fn a_listed_user_replaces_the_fleets_user_of_that_name() {
        let user = serde_json::json!({"name": "fleet-000001", "openids": {DEFAULT_APPID: "own"}});
        let accounts = list(serde_json::json!({"user": [user]})).unwrap().with_fleet(10);
        assert_eq!(openid(&accounts.user("fleet-000001").unwrap(), DEFAULT_APPID), "own");
        assert!(accounts.has_openid(DEFAULT_APPID, "own"));
        let generated = openid(&User::named("fleet-000001"), DEFAULT_APPID);
        assert!(!accounts.has_openid(DEFAULT_APPID, &generated));
        let listed = list(serde_json::json!({"user": [{"name": "fleet-000001"}]})).unwrap().with_fleet(10);
        assert!(listed.has_openid(DEFAULT_APPID, &generated));
    }

    #[test]
    fn invalid_accounts_are_refused() {
        for bad in [
            serde_json::json!({"app": [{"appid": "wx1", "secret": "s"}]}),
            serde_json::json!({"app": [{"appid": "wx0123456789abcdef", "secret": ""}]}),
            serde_json::json!({"app": [{"appid": "wx0123456789abcdef", "secret": "s", "merchant_key": ""}]}),
            serde_json::json!({"app": [{"appid": "wx0123456789abcdef", "secret": "s", "merchant_key": "a b"}]}),
            serde_json::json!({"app": [
                {"appid": "wx0123456789abcdef", "secret": "s", "merchant_public_key": "-----BEGIN PUBLIC KEY-----"}
            ]}),
            serde_json::json!({"user": [{"name": "a"}, {"name": "a"}]}),
            serde_json::json!({"user": [{"name": ""}]}),
            serde_json::json!({"user": [{"name": "a", "gender": 3}]}),
            serde_json::json!({"user": [{"name": "a", "city": "\n"}]}),
            serde_json::json!({"user": [{"name": "a", "openids": {"wx0123456789abcdef": "o"}}]}),
            serde_json::json!({"user": [{"name": "a", "openids": {DEFAULT_APPID: DEFAULT_OPENID}}]}),
            serde_json::json!({"user": [{"name": "a", "openids": {DEFAULT_APPID: "o\n"}}]}),
            serde_json::json!({"user": [{"name": "a", "unionid": "u"}, {"name": "b", "unionid": "u"}]}),
            serde_json::json!({"user": [
                {"name": "a", "openids": {"wxemulated00000001": "same"}},
                {"name": "b", "openids": {"wxemulated00000001": "same"}}
            ]}),
        ] {
            assert!(list(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_maximum_number_of_apps_and_users_is_read_within_half_a_minute() {
        let app = |number| serde_json::json!({"appid": format!("wx{number:016}"), "secret": "s"});
        let user = |number| serde_json::json!({"name": format!("user {number}")});
        let begun = std::time::Instant::now();
        let accounts = list(serde_json::json!({
            "app": (0..MAX_ACCOUNTS).map(app).collect::<Vec<_>>(),
            "user": (0..MAX_ACCOUNTS).map(user).collect::<Vec<_>>(),
        }));
        assert_eq!(accounts.unwrap().users().count(), MAX_ACCOUNTS + 1);
        assert!(begun.elapsed() < std::time::Duration::from_secs(30), "{:?}", begun.elapsed());
    }
}
