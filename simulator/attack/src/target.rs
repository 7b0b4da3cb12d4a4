//! What an attack is played against.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use soter_bridge::protocol::CommandError;
use soter_wire::json::encode_string;

use crate::handset::Upload;
use crate::steps::{Claim, Code, Envelope, Who};
use crate::text::in_other_case;

/// Whether a target checks signatures, or asks somebody who does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// It has WeChat's contract: `verify_signature`.
    Verifier,
    /// It is a mini program's own server: it issues challenges, and asks WeChat about results.
    Application,
}

impl Form {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Verifier => "verifier",
        }
    }
}

/// Whatever an attack is played against.
pub trait Target: Send + Sync {
    /// Which of the two it is.
    fn form(&self) -> Form;

    /// Whether a result that is sent says for which order it is; else the target finds that by its challenge.
    fn names_orders(&self) -> bool {
        true
    }

    /// Whether a result that is sent names its challenge beside the signed one.
    fn names_challenges(&self) -> bool {
        false
    }

    /// Whether a result that is sent says whose login it comes from.
    fn names_senders(&self, _: &Visit) -> bool {
        true
    }

    /// The people of an attack, under names that are new to the target.
    ///
    /// # Errors
    /// [`Trouble`].
    fn user(&self, name: &str) -> Result<User, Trouble>;

    /// Brings a phone's keys to whoever checks its signatures.
    ///
    /// # Errors
    /// [`Trouble`].
    fn enroll(&self, upload: &Upload) -> impl Future<Output = Result<Answer, Trouble>> + Send;

    /// A user logs in.
    ///
    /// # Errors
    /// [`Trouble`].
    fn visit(&self, user: &User) -> impl Future<Output = Result<Visit, Trouble>> + Send;

    /// A user's login ends.
    ///
    /// # Errors
    /// [`Trouble`].
    fn leave(&self, visit: &mut Visit) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Begins an order. An application issues its challenge; to a verifier, which issues none, it is the proposed one.
    ///
    /// # Errors
    /// [`Trouble`].
    fn order(&self, visit: &mut Visit, proposed: &str)
    -> impl Future<Output = Result<Order, Trouble>> + Send;

    /// Sends an input. Several of the same order may be on their way at once.
    ///
    /// # Errors
    /// [`Trouble`].
    fn send(
        &self,
        visit: &Visit,
        order: &Order,
        input: &Input,
    ) -> impl Future<Output = Result<Answer, Trouble>> + Send;

    /// Logs in with a code that is good no more, and tells whether that worked.
    ///
    /// # Errors
    /// [`Trouble`].
    fn login(&self, user: &User, code: Code) -> impl Future<Output = Result<Answer, Trouble>> + Send;

    /// Restarts the target, and waits until it is there again.
    ///
    /// # Errors
    /// [`Trouble`].
    fn restart(&self) -> impl Future<Output = Result<(), Trouble>> + Send;
}

/// Someone who authenticates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name on WeChat's servers.
    pub name: String,
    /// The user in the mini program.
    pub openid: String,
    /// The same person in another mini program.
    pub openid_elsewhere: String,
}

/// Someone who is logged in.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Who.
    pub user: User,
    /// What the target has given out that goes into later requests, by the names that templates use.
    pub values: BTreeMap<String, String>,
    /// Its cookies.
    pub cookies: Cookies,
}

/// Cookies by their names. Any answer may renew them. Clones are the same cookies.
#[derive(Clone, Debug, Default)]
pub struct Cookies(Arc<Mutex<BTreeMap<String, String>>>);

impl Cookies {
    /// Keeps one, or another one in its place.
    pub fn keep(&self, name: &str, value: &str) {
        self.kept().insert(name.to_owned(), value.to_owned());
    }

    /// Forgets all.
    pub fn clear(&self) {
        self.kept().clear();
    }

    /// Names and values.
    pub fn all(&self) -> Vec<(String, String)> {
        self.kept().clone().into_iter().collect()
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl User {
    /// Someone whom only the audit knows, for targets that take anybody's openid.
    pub(super) fn made_up(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            openid: format!("oEmulatedAudit{name}"),
            openid_elsewhere: format!("oEmulatedOther{name}"),
        }
    }
}

impl Visit {
    /// A visit that begins.
    pub fn of(user: &User) -> Self {
        Self { user: user.clone(), values: BTreeMap::new(), cookies: Cookies::default() }
    }
}

/// An order that waits for its result.
#[derive(Clone, Debug)]
pub struct Order {
    /// What is to be signed.
    pub challenge: String,
    /// What the target has given out with it, by the names that templates use.
    pub values: BTreeMap<String, String>,
}

impl Order {
    /// An order over a challenge that the target did not choose.
    pub(super) fn over(challenge: &str) -> Self {
        Self { challenge: challenge.to_owned(), values: BTreeMap::new() }
    }
}

/// What is sent in place of an honest result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// `resultJSON`.
    pub json: String,
    /// `resultJSONSignature`.
    pub signature: String,
    /// The user who is said to have authenticated, where a verifier asks.
    pub openid: String,
    /// The same in an application's own request.
    pub requested_openid: String,
    /// How it is sent.
    pub envelope: Envelope,
}

impl Input {
    /// The text as it goes into a JSON body: a string, or the object that must not be there.
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
            Self::OwnerElsewhere => [owner.openid_elsewhere.clone(), owner.openid_elsewhere.clone()],
            Self::OwnerInOtherCase => [in_other_case(&owner.openid), in_other_case(&owner.openid)],
            Self::OtherByRequest => [owner.openid.clone(), other],
        }
    }
}

/// What a target made of an input.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Whether it was accepted.
    pub accepted: bool,
    /// The HTTP status.
    pub status: u16,
    /// Why not, where the target says it in a header.
    pub reason: Option<String>,
    /// What went over the wire.
    pub exchange: Exchange,
}

/// A request and its answer, without credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exchange {
    /// The request as HTTP/1.1 has it.
    pub request: String,
    /// The answer as HTTP/1.1 has it.
    pub response: String,
    /// A command that sends the same request.
    pub curl: String,
}

/// Why something could not be asked of a target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The attack does not apply to this target, or needs something that was not given.
    #[error("{0}")]
    DoesNotApply(String),
    /// The target cannot be reached, breaks off, takes too long, or answers what nobody can understand.
    #[error("{0}")]
    Broken(String),
}

impl Trouble {
    /// The attack does not apply, for this reason.
    pub fn does_not_apply(why: impl Into<String>) -> Self {
        Self::DoesNotApply(why.into())
    }

    /// The target is broken in this way.
    pub fn broken(how: impl Into<String>) -> Self {
        Self::Broken(how.into())
    }
}

impl From<CommandError> for Trouble {
    fn from(error: CommandError) -> Self {
        Self::broken(error.what)
    }
}
