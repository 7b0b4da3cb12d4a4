//! The targets of attacks.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cookie_store::{Cookie, CookieStore};
use reqwest::Url;
use serde_json::Value;
use soter_bridge::protocol::CommandError;
use soter_text::{Text, text};
use soter_wire::json::encode_string;

use crate::attacked_phone::Upload;
use crate::steps::{Claim, Code, Envelope, Observation, Who};
use crate::text::swap_case;

/// Whether a target checks signatures itself, or asks a verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// It has WeChat's contract: `verify_signature`.
    Verifier,
    /// It is a mini program's own server: it issues challenges, and asks WeChat about results.
    Application,
}

impl Form {
    /// Its name in machine output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Verifier => "verifier",
        }
    }

    /// Its name for people.
    pub fn label(self) -> Text {
        match self {
            Self::Application => text!("application"),
            Self::Verifier => text!("verifier"),
        }
    }
}

/// A target of attacks.
pub trait Target: Send + Sync {
    /// Whether it is a verifier or an application.
    fn form(&self) -> Form;

    /// Whether a request with a result names its order; if not, the target finds the order by the challenge.
    fn identifies_orders(&self) -> bool {
        true
    }

    /// Whether a request with a result names its challenge in addition to the signed one.
    fn sends_challenges(&self) -> bool {
        false
    }

    /// Whether a request with a result names its login.
    fn identifies_senders(&self, _: &Visit) -> bool {
        true
    }

    /// A new user for an attack, whose name is new to the target.
    ///
    /// # Errors
    /// [`TargetError::Broken`] if all users are taken.
    fn user(&self, name: &str) -> Result<User, TargetError>;

    /// Whether it is the target that checks the keys of phones; if not, the audit's WeChat servers do.
    fn checks_keys(&self) -> bool {
        true
    }

    /// Brings a phone's keys, in this login, to the server that verifies its signatures.
    ///
    /// # Errors
    /// [`TargetError::Broken`] if the server cannot be asked, or takes no keys at this address.
    fn enroll(
        &self,
        visit: &Visit,
        upload: &Upload,
    ) -> impl Future<Output = Result<Answer, TargetError>> + Send;

    /// Brings a phone's keys for another mini program to the server that verifies its signatures.
    ///
    /// # Errors
    /// [`TargetError::DoesNotApply`] if the target serves one mini program alone, or no other one is known.
    /// [`TargetError::Broken`] as of [`enroll`](Self::enroll).
    fn enroll_in_other_app(
        &self,
        _upload: &Upload,
    ) -> impl Future<Output = Result<Answer, TargetError>> + Send {
        async { Err(TargetError::does_not_apply(text!("only a verifier serves several mini programs"))) }
    }

    /// Logs a user in.
    ///
    /// # Errors
    /// [`TargetError::Broken`] if the target cannot be asked, or refuses the login.
    fn start_visit(&self, user: &User) -> impl Future<Output = Result<Visit, TargetError>> + Send;

    /// Logs a user out.
    ///
    /// # Errors
    /// [`TargetError::DoesNotApply`] if the target has no logins. [`TargetError::Broken`] if it cannot be asked, or refuses
    /// the logout.
    fn end_visit(&self, visit: &mut Visit) -> impl Future<Output = Result<(), TargetError>> + Send;

    /// Opens an order. An application issues its challenge; a verifier issues none, so the proposed one is used.
    ///
    /// # Errors
    /// [`TargetError::Broken`] if the target cannot be asked, or its answer has no valid challenge.
    fn order(
        &self,
        visit: &mut Visit,
        proposed: &str,
    ) -> impl Future<Output = Result<Order, TargetError>> + Send;

    /// Sends an input. Several inputs for the same order may be sent concurrently.
    ///
    /// # Errors
    /// [`TargetError::DoesNotApply`] if the input has no meaning for this target. [`TargetError::Broken`] if the target
    /// cannot be asked, or gives no verdict.
    fn send(
        &self,
        visit: &Visit,
        order: &Order,
        input: &Input,
    ) -> impl Future<Output = Result<Answer, TargetError>> + Send;

    /// Logs in with a code that must be refused. The answer says whether it was accepted.
    ///
    /// # Errors
    /// [`TargetError::DoesNotApply`] if the target has no logins, or there is no such code. [`TargetError::Broken`] if it
    /// cannot be asked.
    fn login(&self, user: &User, code: Code) -> impl Future<Output = Result<Answer, TargetError>> + Send;

    /// Restarts the target, and waits until it answers again.
    ///
    /// # Errors
    /// [`TargetError::DoesNotApply`] if there is no way to restart it. [`TargetError::Broken`] if the restart fails.
    fn restart(&self) -> impl Future<Output = Result<(), TargetError>> + Send;

    /// Logs a user in with cookies that the client has already.
    ///
    /// # Errors
    /// As of [`start_visit`](Self::start_visit).
    fn start_visit_with(
        &self,
        user: &User,
        _cookies: Cookies,
    ) -> impl Future<Output = Result<Visit, TargetError>> + Send {
        self.start_visit(user)
    }

    /// The cookies that the target gives a client whose login it refuses.
    ///
    /// # Errors
    /// [`TargetError::DoesNotApply`] if the target has no logins. [`TargetError::Broken`] if it cannot be asked.
    fn cookies_before_login(&self) -> impl Future<Output = Result<Cookies, TargetError>> + Send {
        async { Err(TargetError::does_not_apply(text!("the target has no logins"))) }
    }

    /// Sends the request with a result, without login, order and result. It must be refused.
    ///
    /// # Errors
    /// [`TargetError::DoesNotApply`] if the target is not an application. [`TargetError::Broken`] if it cannot be asked.
    fn send_nothing(&self) -> impl Future<Output = Result<Answer, TargetError>> + Send {
        async { Err(TargetError::does_not_apply(text!("only an application has logins and orders"))) }
    }

    /// The openids about which the target has asked WeChat with this text of a result. They show in whose name it was paid.
    fn openids_asked(&self, _json: &str) -> BTreeSet<String> {
        BTreeSet::new()
    }

    /// What the target tells in this login about the effect of payments, such as the balance; empty if nothing is known.
    ///
    /// # Errors
    /// [`TargetError::Broken`] if the target cannot be asked.
    fn effects(
        &self,
        _visit: &Visit,
    ) -> impl Future<Output = Result<BTreeMap<String, String>, TargetError>> + Send {
        async { Ok(BTreeMap::new()) }
    }

    /// Lets time pass for the target, on its own clock and on that of WeChat's servers. A target whose clock cannot be
    /// moved is given a few seconds.
    ///
    /// # Errors
    /// [`TargetError::DoesNotApply`] if the target has no challenges and logins that could expire. [`TargetError::Broken`] if
    /// its clock does not move.
    fn pass_time(&self, _by: Duration) -> impl Future<Output = Result<TimePassed, TargetError>> + Send {
        async { Err(TargetError::does_not_apply(text!("only an application has challenges and logins"))) }
    }

    /// Puts the target's own clock back after [`pass_time`](Self::pass_time).
    ///
    /// # Errors
    /// [`TargetError::Broken`] if that fails.
    fn end_passed_time(&self) -> impl Future<Output = Result<(), TargetError>> + Send {
        async { Ok(()) }
    }

    /// Sends what makes careless targets tell too much, and asks for some challenges, unless that was done before.
    ///
    /// # Errors
    /// [`TargetError::DoesNotApply`] if the target is not an application. [`TargetError::Broken`] if it cannot be asked.
    fn provoke(&self) -> impl Future<Output = Result<(), TargetError>> + Send {
        async {
            Err(TargetError::does_not_apply(text!("only an application knows secrets and issues challenges")))
        }
    }

    /// Whether something was observed in any of the target's answers so far, and what.
    fn observed(&self, _what: Observation) -> Option<Observed> {
        None
    }
}

/// How time has passed for a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimePassed {
    /// Its clock was moved.
    Moved,
    /// Its clock cannot be moved, and this was waited.
    Waited(Duration),
}

/// What was observed.
#[derive(Clone, Debug)]
pub struct Observed {
    /// What it is, in one line.
    pub what: Text,
    /// The first answer that shows it, if one does.
    pub exchange: Option<Exchange>,
}

/// A user who authenticates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name on WeChat's servers.
    pub name: String,
    /// The openid in the mini program.
    pub openid: String,
    /// The same user's openid in another mini program.
    pub other_app_openid: String,
}

/// A user who is logged in, if the target has logins.
#[derive(Clone)]
pub struct Visit {
    /// The user.
    pub user: User,
    /// Values from the target's answers that later requests use, by their names in templates.
    pub values: BTreeMap<String, String>,
    /// The session's cookies.
    pub cookies: Cookies,
    /// By what the target's answer to the login calls the user: names such as `userId`, and their values.
    pub identity: BTreeMap<String, Value>,
}

impl fmt::Debug for Visit {
    /// Without the values, which may be tokens.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Visit").field("user", &self.user).finish_non_exhaustive()
    }
}

/// The cookies of one login, kept as RFC 6265 says. Any answer may change them. Clones share the same cookies.
#[derive(Clone, Default)]
pub struct Cookies(Arc<Mutex<CookieStore>>);

impl fmt::Debug for Cookies {
    /// Without the cookies, which are as good as a login.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Cookies").finish_non_exhaustive()
    }
}

impl Cookies {
    /// Carries out one `Set-Cookie` header of an answer from this address. As in browsers, a header that is not understood
    /// or not permitted changes nothing.
    pub fn set(&self, header: &str, url: &Url) {
        // An expired cookie is an error as well, after it has removed the one that it replaces.
        let _ = self.store().parse(header, url);
    }

    /// Removes all cookies.
    pub fn clear(&self) {
        self.store().clear();
    }

    /// The `Cookie` header of a request to this address, unless no cookie belongs there. The cookies with the longest paths
    /// come first.
    pub fn header(&self, url: &Url) -> Option<String> {
        let store = self.store();
        let mut cookies = store.matches(url);
        cookies.sort_by_key(|cookie| Reverse(cookie.path.len()));
        let pairs: Vec<_> =
            cookies.iter().map(|cookie| format!("{}={}", cookie.name(), cookie.value())).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// The value of the cookie with this name, if there is one. Of several, that of the longest path.
    pub fn value(&self, name: &str) -> Option<String> {
        let store = self.store();
        let named = store.iter_unexpired().filter(|cookie| cookie.name() == name);
        named.max_by_key(|cookie| cookie.path.len()).map(|cookie| cookie.value().to_owned())
    }

    /// Other cookies with the same names and attributes, whose values are made from the name and the value of each.
    #[must_use]
    pub fn map(&self, mut value: impl FnMut(&str, &str) -> String) -> Self {
        let store = self.store();
        let changed = store.iter_unexpired().filter_map(|cookie| {
            let mut raw = (**cookie).clone();
            let new_value = value(cookie.name(), cookie.value());
            raw.set_value(new_value);
            raw.set_path(cookie.path.to_string());
            // The address from which it came; a cookie for all hosts of a domain may come from the domain's own.
            let host = cookie.domain.as_cow()?;
            let url = Url::parse(&format!("https://{host}{}", &*cookie.path)).ok()?;
            Cookie::try_from_raw_cookie(&raw, &url)
                .ok()
                .map(|cookie| Ok::<_, Infallible>(cookie.into_owned()))
        });
        let Ok(changed) = CookieStore::from_cookies(changed, false);
        Self(Arc::new(Mutex::new(changed)))
    }

    /// The names and values of all cookies that are valid.
    pub fn pairs(&self) -> Vec<(String, String)> {
        let store = self.store();
        store.iter_unexpired().map(|cookie| (cookie.name().to_owned(), cookie.value().to_owned())).collect()
    }

    /// The names of all cookies that have not expired.
    pub fn names(&self) -> Vec<String> {
        self.store().iter_unexpired().map(|cookie| cookie.name().to_owned()).collect()
    }

    /// The values of all cookies, those of expired ones too.
    pub fn values(&self) -> Vec<String> {
        self.store().iter_any().map(|cookie| cookie.value().to_owned()).collect()
    }

    fn store(&self) -> MutexGuard<'_, CookieStore> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl User {
    /// A user whom only the audit knows, for targets that accept any openid.
    pub(super) fn made_up(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            openid: format!("oEmulatedAudit{name}"),
            other_app_openid: format!("oEmulatedOther{name}"),
        }
    }
}

impl Visit {
    /// A new visit, without values and cookies.
    pub fn new(user: &User) -> Self {
        Self {
            user: user.clone(),
            values: BTreeMap::new(),
            cookies: Cookies::default(),
            identity: BTreeMap::new(),
        }
    }
}

/// An order that waits for a result.
#[derive(Clone, Debug)]
pub struct Order {
    /// The challenge to be signed.
    pub challenge: String,
    /// Values from the target's answer, by their names in templates.
    pub values: BTreeMap<String, String>,
    /// Whether a result was accepted for it.
    pub is_paid: bool,
    /// Whether several results are sent for it at the same moment.
    pub is_shared: bool,
}

impl Order {
    /// An order for a challenge that the target did not choose.
    pub(super) fn new(challenge: &str) -> Self {
        Self { challenge: challenge.to_owned(), values: BTreeMap::new(), is_paid: false, is_shared: false }
    }
}

/// What is sent instead of an honest result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// `resultJSON`.
    pub json: String,
    /// `resultJSONSignature`.
    pub signature: String,
    /// The openid that a verifier gets: the user who is said to have authenticated.
    pub openid: String,
    /// The openid in an application's own request.
    pub requested_openid: String,
    /// How it is sent.
    pub envelope: Envelope,
    /// Names and values that are added to the request, as [`Envelope::Added`] says.
    pub added: Vec<(String, Value)>,
}

impl Input {
    /// The text as a member of a JSON body: a string, or the object that must not be there.
    pub fn json_member(&self) -> String {
        if self.envelope == Envelope::ObjectForString {
            return self.json.clone();
        }
        let mut literal = String::new();
        encode_string(&self.json, &mut literal, false);
        literal
    }
}

impl Claim {
    /// The openids that an input names: to a verifier, and in an application's own request.
    pub(super) fn openids(self, owner: &User, other: Option<&User>) -> [String; 2] {
        let other = other.map_or_else(String::new, |other| other.openid.clone());
        match self {
            Self::Who(Who::Owner) => [owner.openid.clone(), owner.openid.clone()],
            Self::Who(Who::Other) => [other.clone(), other],
            Self::OwnerElsewhere => [owner.other_app_openid.clone(), owner.other_app_openid.clone()],
            Self::OwnerInOtherCase => [swap_case(&owner.openid), swap_case(&owner.openid)],
            Self::OtherByRequest => [owner.openid.clone(), other],
        }
    }
}

/// A target's answer to an input.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Whether it was accepted.
    pub accepted: bool,
    /// The HTTP status.
    pub status: u16,
    /// Why the target refused, if that is known.
    pub reason: Option<Text>,
    /// Why it cannot be told for certain whether it was accepted a second time; `None`: it can be told.
    pub doubt: Option<Text>,
    /// What it has done to somebody else, in one line, which is a failure whatever the answer says.
    pub harm: Option<Text>,
    /// What went over the wire.
    pub exchange: Exchange,
}

impl Answer {
    /// An answer in which something was observed. Nothing was to be accepted or refused.
    pub(super) fn observed(exchange: Exchange) -> Self {
        Self { accepted: false, status: 200, reason: None, doubt: None, harm: None, exchange }
    }
}

/// A request and its answer, without credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exchange {
    /// The request in the format of HTTP/1.1.
    pub request: String,
    /// The answer in the format of HTTP/1.1.
    pub response: String,
    /// A command that sends the same request.
    pub curl: String,
}

/// Why a target cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The attack does not apply to this target, or needs an option that was not given.
    #[error("{}", .0.english())]
    DoesNotApply(Text),
    /// The target cannot be reached, closes the connection, or gives an answer that cannot be understood.
    #[error("{}", .0.english())]
    Broken(Text),
    /// The target does not answer in time.
    #[error("{}", .0.english())]
    TimedOut(Text),
}

impl TargetError {
    /// Why, in one line.
    pub fn text(&self) -> &Text {
        let (Self::DoesNotApply(why) | Self::Broken(why) | Self::TimedOut(why)) = self;
        why
    }

    /// The attack does not apply, for this reason.
    pub fn does_not_apply(reason: Text) -> Self {
        Self::DoesNotApply(reason)
    }

    /// The target is broken in this way.
    pub fn broken(reason: Text) -> Self {
        Self::Broken(reason)
    }
}

impl From<CommandError> for TargetError {
    fn from(error: CommandError) -> Self {
        Self::broken(error.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_go_to_their_host_whatever_its_kind() {
        for base in
            ["http://127.0.0.1:3000", "http://[::1]:3000", "http://localhost", "https://shop.test:8443"]
        {
            let url = Url::parse(&format!("{base}/pay/now?order=1")).unwrap();
            let cookies = Cookies::default();
            for header in ["short=1; Path=/", "long=a=b; Path=/pay/now; Secure", "own=2"] {
                cookies.set(header, &url);
            }
            assert_eq!(cookies.header(&url).as_deref(), Some("long=a=b; own=2; short=1"), "{base}");
            assert_eq!(cookies.header(&Url::parse("http://other.test/pay/now").unwrap()), None, "{base}");
            assert_eq!(cookies.values().len(), 3);
            cookies.clone().clear();
            assert_eq!(cookies.header(&url), None);
        }
    }

    #[test]
    fn cookies_with_other_values_go_where_the_first_ones_go() {
        for base in ["http://127.0.0.1:3000", "http://[::1]:3000", "https://shop.test:8443"] {
            let url = Url::parse(&format!("{base}/pay/now")).unwrap();
            let cookies = Cookies::default();
            for header in ["sid=1; Path=/; HttpOnly", "own=2", "all=3; Domain=shop.test; Path=/"] {
                cookies.set(header, &url);
            }
            let changed = cookies.map(|name, value| format!("{name}{value}"));
            let expected = cookies.header(&url).unwrap().replace('=', "=+");
            let expected =
                expected.replace("own=+", "own=own").replace("sid=+", "sid=sid").replace("all=+", "all=all");
            assert_eq!(changed.header(&url), Some(expected), "{base}");
            assert_eq!(changed.header(&Url::parse("http://other.test/pay/now").unwrap()), None);
        }
    }

    #[test]
    fn a_secure_cookie_crosses_the_network_with_tls_alone() {
        let cookies = Cookies::default();
        cookies
            .set("sid=1; Path=/; Domain=shop.test; Secure", &Url::parse("https://shop.test/login").unwrap());
        for (url, expected) in [
            ("https://shop.test/pay", Some("sid=1")),
            ("https://a.shop.test/", Some("sid=1")),
            ("http://shop.test/pay", None),
        ] {
            assert_eq!(cookies.header(&Url::parse(url).unwrap()).as_deref(), expected, "{url}");
        }
    }
}
