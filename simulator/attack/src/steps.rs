//! What an attack is made of, as data: steps that a [`play`](crate::play()) carries out against any target.

mod challenge;
mod uploaded;

use std::time::Duration;

pub(crate) use self::challenge::{Challenge, Kept, Number};
pub(crate) use self::uploaded::{Uploaded, WeakForm};
use crate::disclosure::Disclosed;
use crate::outage::Outage;
use crate::predictability::Predictable;
use crate::software_key::Scheme;

/// What happens before the forged input is sent.
#[derive(Clone, Copy, Debug)]
pub enum Before {
    /// An honest result is sent for its own order, and accepted. It is recorded.
    Pay,
    /// The same with a counter that the phone has not reached yet, signed with its AuthKey in software.
    PayAt(u64),
    /// An honest result is made for its own order and not sent. It is recorded.
    Record,
    /// The phone is switched off, and its flash and RPMB are copied.
    CopyPhone,
    /// The copy is put back onto the phone.
    RestoreCopy,
    /// The phone is duplicated: from here on there are two phones with the same state.
    Duplicate,
    /// This many other users, each with a phone of their own, send one honest result each.
    OthersPay(usize),
    /// The user gets a second phone, whose keys are uploaded as well.
    SecondPhone,
    /// The target is restarted, and the user logs in again.
    Restart,
    /// The user's login ends.
    Logout,
    /// Another finger is enrolled; the client makes a new AuthKey and uploads it.
    EnrollFinger,
    /// The client makes a new AuthKey in place of the old one and uploads it.
    RenewKey,
    /// The client makes a new ASK in place of the old one, and a new AuthKey under it, and uploads both.
    RenewAsk,
    /// Another forgery is sent, which the target refuses.
    Try(Forgery),
    /// Time passes on the clocks of the target and of WeChat's servers.
    PassTime(Duration),
    /// The user logs in again.
    LogInAgain,
}

/// The input to be judged, described by its differences from an honest one.
#[derive(Clone, Copy, Debug)]
pub struct Forgery {
    /// Where the signed text comes from.
    pub made: Made,
    /// What is signed.
    pub challenge: Challenge,
    /// Changes of the text after it was signed.
    pub tampered: &'static [Edit],
    /// Changes of the signature after it was made.
    pub signature: Shape,
    /// The user's order for which it is sent.
    pub order: OrderOf,
    /// In whose login it is sent.
    pub login: Who,
    /// The user whom the input itself names.
    pub claims: Claim,
    /// How it is sent.
    pub envelope: Envelope,
}

impl Forgery {
    /// The honest input, from which each attack deviates.
    pub const HONEST: Self = Self {
        made: Made::ByPhone(Who::Owner),
        challenge: Challenge::Issued,
        tampered: &[],
        signature: Shape::AsMade,
        order: OrderOf::New,
        login: Who::Owner,
        claims: Claim::Who(Who::Owner),
        envelope: Envelope::Usual,
    };

    /// The user whose order it is sent for, if the order is new.
    pub(super) fn payer(&self) -> Who {
        if self.order == OrderOf::Owners { Who::Owner } else { self.login }
    }
}

/// Where a signed text comes from.
#[derive(Clone, Copy, Debug)]
pub enum Made {
    /// A phone makes it, after a touch.
    ByPhone(Who),
    /// The owner's second phone makes it: a duplicate, or a different phone.
    BySecondPhone,
    /// The same, once its counter is higher than the highest that was accepted.
    BySecondPhoneAhead,
    /// The owner's phone makes it; it is changed, and signed again in software.
    InSoftware {
        /// Whose key signs.
        key: Signer,
        /// Changes of the text before it is signed.
        edits: &'static [Edit],
        /// How it is signed.
        scheme: Scheme,
    },
    /// It was recorded in an earlier step.
    Recorded(Record),
    /// The callback of an authentication that failed: no text and no signature.
    Failed,
}

/// Which of the recorded results is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// The oldest.
    First,
    /// The newest.
    Last,
}

/// One of the two people in an attack. Each has their own phone and login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The user whose money is at stake.
    Owner,
    /// Another user of the same mini program.
    Other,
}

/// The user whom an input names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// This user, by the openid in the mini program.
    Who(Who),
    /// The owner, by an openid of another mini program.
    OwnerElsewhere,
    /// The owner, by the openid with lower and upper case swapped.
    OwnerInOtherCase,
    /// The other user in the application's own request, and the owner to a verifier and everywhere else.
    OtherByRequest,
}

/// A private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer {
    /// The owner's AuthKey for this mini program.
    AuthKey,
    /// The AuthKey that the owner's phone had before it made a new one.
    OldAuthKey,
    /// The AuthKey of another user of the mini program on the owner's phone, which was uploaded.
    AnotherAuthKey,
    /// The owner's AuthKey for the other mini program, on the same phone, which was uploaded.
    OtherAppsAuthKey,
    /// The ASK of the owner's phone.
    Ask,
    /// The AuthKey of the other user's phone.
    OthersAuthKey,
    /// A key that the attacker has made.
    Attacker,
    /// The weak AuthKey that was uploaded.
    Weak,
}

/// A change of a JSON text.
#[derive(Clone, Copy, Debug)]
pub enum Edit {
    /// The counter is written in this way.
    Counter(CounterIs),
    /// A second counter follows, whose name has a capital letter. The first is the highest that was accepted, the
    /// second the phone's own.
    CounterInCapitals,
    /// A second counter follows, whose name has an escape. The first is the highest that was accepted, the second the
    /// phone's own.
    CounterEscaped,
    /// The `cpu_id` is written in capital letters.
    CpuIdInCapitals,
    /// The `cpu_id` occurs twice: first that of the other user's phone, then the phone's own.
    CpuIdTwice,
    /// The challenge occurs twice: first another one, then the signed one.
    RawTwice,
    /// The counter occurs twice.
    CounterTwice {
        /// Whether the one that is too low comes first.
        low_first: bool,
    },
    /// The string that is a member's value gets these texts in front and behind.
    Around(&'static str, &'static str, &'static str),
    /// A member is added at the beginning, as a JSON literal.
    First(&'static str, &'static str),
    /// A member gets this string as its value.
    Text(&'static str, &'static str),
    /// `raw` is the challenge of the order for which it is sent.
    OrdersRaw,
    /// `cpu_id` is that of the other user's phone.
    OthersCpuId,
    /// `cpu_id` is that of the owner's phone.
    OwnersCpuId,
    /// A member is left out.
    Without(&'static str),
    /// A member is added at the end, as a JSON literal.
    With(&'static str, &'static str),
    /// The attacker's public key is added at the end.
    WithAttackersKey,
    /// The challenge is written without escapes, followed by a quotation mark and a higher counter.
    Injected,
    /// Half of a surrogate pair follows the challenge.
    LoneSurrogate,
    /// The members are in another order.
    Reordered,
    /// Spaces follow commas and colons.
    Spaced,
    /// A letter is written as an escape.
    Escaped,
    /// A byte order mark is put in front.
    ByteOrderMark,
    /// CR LF follows the text.
    LineEnd,
    /// The text is encoded as UTF-16, and its bytes are read as characters.
    Utf16,
    /// A NUL follows the text.
    Nul,
}

/// How a counter is written.
#[derive(Clone, Copy, Debug)]
pub enum CounterIs {
    /// The highest counter that was accepted.
    Equal,
    /// Lower than the highest that was accepted, by this much.
    Below(u64),
    /// One more than the highest that was accepted.
    Next,
    /// Higher than the phone's own, by this much.
    Above(u64),
    /// This number.
    Exactly(u64),
    /// This text, which need not be JSON.
    Literal(&'static str),
    /// The phone's own, with a minus sign.
    Negative,
    /// The phone's own plus one half.
    Fraction,
    /// The phone's own with an exponent.
    Exponent,
    /// The phone's own in quotation marks.
    Quoted,
    /// The phone's own with two leading zeros.
    LeadingZeros,
    /// `null`.
    Null,
}

/// How a signature is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// It is not changed.
    AsMade,
    /// One bit is flipped.
    BitFlipped,
    /// In its place stands that of the oldest recorded result.
    OfRecorded,
    /// In its place stands that of the oldest recorded result, with one bit flipped at its end.
    OfRecordedBitFlipped,
    /// It is empty.
    Empty,
    /// The last byte is cut off.
    Truncated,
    /// A byte is appended.
    OverLong,
    /// The key's modulus is added, which gives the same number to a careless verifier.
    PlusModulus,
    /// A zero byte is put in front.
    LeadingZero,
    /// Every byte is zero.
    Zeros,
    /// It is not Base64.
    NotBase64,
    /// Base64 in the URL-safe alphabet.
    UrlSafe,
    /// Base64 without its padding.
    Unpadded,
    /// Base64 in lines of 76 characters.
    Wrapped,
}

/// The order for which an input is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderOf {
    /// A new one of the user who is logged in.
    New,
    /// A new one of the owner, even if another user is logged in.
    Owners,
    /// The one for which the recorded result was made.
    Recorded,
    /// The one for which the oldest recorded result was made.
    FirstRecorded,
}

/// How an input is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Envelope {
    /// In the normal way.
    Usual,
    /// `json_string` is an object instead of a string.
    ObjectForString,
    /// With GET.
    Get,
    /// With an access token that has expired.
    ExpiredToken,
    /// With the access token of another mini program.
    OtherAppsToken,
    /// Without an access token.
    NoToken,
    /// With this access token, which was never issued.
    Token(&'static str),
    /// With this JSON as the value of a member of `verify_signature`'s body, or without the member.
    Member(&'static str, Option<&'static str>),
    /// While WeChat's servers fail in this way.
    During(Outage),
    /// With the results of one order, on several connections at once.
    AtOnce,
    /// With one result, for its own order and for others, on several connections at once.
    OneTouchAtOnce,
    /// Several of the kind, one after the other, each over a new connection.
    NewConnections,
    /// With more in it than the mini program sends.
    Added(Addition, Place),
}

/// What is added to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addition {
    /// The other user, by all the names that the target may know a user by.
    OtherUser,
    /// That the result is verified already.
    Verified,
    /// Another amount, by the usual names of amounts.
    Amount,
}

/// Where in a request something is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the JSON object or the form that is the body.
    Body,
    /// In the query of the address.
    Query,
    /// In headers.
    Headers,
    /// In cookies.
    Cookies,
}

/// How a login is misused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misuse {
    /// What identifies the user in its token is replaced by what identifies another user, under the old signature.
    OthersIdentity,
    /// The same in a JSON Web Token, which says that it is not signed.
    UnsignedToken,
    /// The token of the next user is computed from it.
    NextToken,
    /// The cookies that a user had before the login are used after it.
    CookiesFromBefore,
    /// Cookies that the attacker has made up and put into the user's browser before the login are used after it.
    ChosenCookies,
    /// It is used after this time.
    Kept(Duration),
}

/// What is observed in all answers of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observation {
    /// A secret.
    Disclosed(Disclosed),
    /// Challenges that can be known in advance.
    Predictable(Predictable),
}

/// How the uploaded keys of a phone are forged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enrolment {
    /// The ASK is signed by a key that no factory put into a device.
    AskOfNobody,
    /// The AuthKey is signed by a key other than the app's ASK.
    AuthKeyOfForeignAsk,
    /// The certificates lead to the attacker's own root.
    ForeignRoot,
    /// The device's certificate is not signed by the CA.
    BrokenChain,
    /// The ASK is the attacker's, and its certificate is not signed by the device.
    LeafOfNobody,
    /// The CA's certificate has the attacker's key and the root's old signature.
    CaOfNobody,
}

/// How far the clock moves forward so that a login code expires: a code is valid for five minutes.
pub(super) const AFTER_CODE_EXPIRY: Duration = Duration::from_secs(301);

/// A login code that nobody has given out.
pub(super) const GARBAGE_CODE: &str = "0000000000000000000000000000000000";

/// How a login code is misused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// It is not misused.
    Fresh,
    /// It is a text that WeChat has not given out.
    Garbage,
    /// It is used twice.
    Twice,
    /// It is used after more than five minutes.
    Expired,
    /// It belongs to another mini program.
    OfAnotherApp,
}

impl Script {
    /// Whether WeChat's servers fail during it, so that an application may fail, too.
    pub(super) fn has_outage(&self) -> bool {
        matches!(self, Self::Send(_, Forgery { envelope: Envelope::During(_), .. }))
    }

    /// Whether the clocks move during it.
    pub(super) fn passes_time(&self) -> bool {
        matches!(self, Self::Session(Misuse::Kept(_)))
            || self.before().iter().any(|step| matches!(step, Before::PassTime(_)))
    }

    /// The steps before the input that is judged.
    pub(super) fn before(&self) -> &'static [Before] {
        match self {
            Self::Send(before, _) | Self::SendEach(before, _) | Self::Upload(before, ..) => before,
            Self::Enroll(_) | Self::Login(_) | Self::Session(_) | Self::Observe(_) => &[],
        }
    }

    /// On how many fresh phones it is played at most.
    pub(super) fn rounds(&self) -> usize {
        match self {
            Self::SendEach(_, variants) => variants.len(),
            Self::Send(..)
            | Self::Enroll(_)
            | Self::Upload(..)
            | Self::Login(_)
            | Self::Session(_)
            | Self::Observe(_) => 1,
        }
    }
}

/// One of several inputs that are the same attack.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// In which way it differs from the others.
    pub name: &'static str,
    /// The input.
    pub forgery: Forgery,
}

/// The kind of attack, and its steps.
#[derive(Clone, Copy, Debug)]
pub enum Script {
    /// Steps are carried out, and then an input is sent.
    Send(&'static [Before], Forgery),
    /// The same with each of these inputs, on a fresh phone each, until the target does the wrong thing. Where one of them
    /// does not apply to a target, those after it do not apply either.
    SendEach(&'static [Before], &'static [Variant]),
    /// A phone's keys are uploaded, and an honest result is sent.
    Enroll(Enrolment),
    /// Steps are carried out, and then keys are uploaded. If the target takes them, an input is sent that they sign.
    Upload(&'static [Before], Uploaded, Forgery),
    /// A user logs in.
    Login(Code),
    /// An order is opened and paid in a login that is misused.
    Session(Misuse),
    /// All answers so far are judged.
    Observe(Observation),
}
