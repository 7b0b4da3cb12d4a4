//! What an attack is made of, as data: steps that a [`play`](crate::play()) carries out against any target.

use std::time::Duration;

use crate::outage::Outage;
use crate::software_key::Scheme;

/// What happens before the forged input is sent.
#[derive(Clone, Copy, Debug)]
pub enum Before {
    /// An honest result is sent for an order of its own, and accepted. It is recorded.
    Pay,
    /// The same with a counter that the phone has not reached yet, signed with its AuthKey in software.
    PayAt(u64),
    /// An honest result is made for an order of its own and kept back. It is recorded.
    Record,
    /// The phone is switched off, and its flash and RPMB are copied.
    CopyPhone,
    /// The copy is put back onto the phone.
    PutBack,
    /// From here on there are two phones with one state.
    Duplicate,
    /// The user gets another phone beside the first, whose keys are uploaded as well.
    SecondPhone,
    /// The target is restarted, and the user logs in again.
    Restart,
    /// The user's login ends.
    Logout,
    /// Another finger is enrolled; the client makes a new AuthKey and uploads it.
    EnrollFinger,
    /// The client makes a new AuthKey in place of the old one and uploads it.
    RenewKey,
    /// Another forgery is sent, which the target refuses.
    Try(Forgery),
}

/// The input that is judged, as it differs from an honest one.
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
    /// For which of the user's orders it is sent.
    pub order: OrderOf,
    /// In whose login it is sent.
    pub login: Who,
    /// Whom the input itself says it is from.
    pub claims: Claim,
    /// How it is sent.
    pub envelope: Envelope,
}

impl Forgery {
    /// No forgery at all: each attack deviates from it.
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
}

/// Where a signed text comes from.
#[derive(Clone, Copy, Debug)]
pub enum Made {
    /// A phone makes it, after a touch.
    ByPhone(Who),
    /// The owner's second phone makes it: a duplicate, or another one.
    BySecondPhone,
    /// The owner's phone makes it; it is changed, and signed again in software.
    InSoftware {
        /// Whose key signs.
        key: Signer,
        /// Changes of the text before it is signed.
        edits: &'static [Edit],
        /// How it is signed.
        scheme: Scheme,
    },
    /// It was recorded before.
    Recorded(Record),
    /// The callback of an authentication that failed: no text and no signature.
    Failed,
}

/// Which of the recorded results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// The oldest.
    First,
    /// The newest.
    Last,
}

/// One of the two people in an attack. Each has a phone of their own and a login of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The one whose money it is.
    Owner,
    /// Another user of the same mini program.
    Other,
}

/// Whom the input says it is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// This user, by the openid in the mini program.
    Who(Who),
    /// The owner, by an openid that is of another mini program.
    OwnerElsewhere,
    /// The owner, by the openid with small letters for capitals and capitals for small ones.
    OwnerInOtherCase,
    /// In the application's own request, the other user; to a verifier, as everywhere, the owner.
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
    /// The ASK of the owner's phone.
    Ask,
    /// The AuthKey of the other user's phone.
    OthersAuthKey,
    /// A key that the attacker has made.
    Attacker,
}

/// What is signed in place of the challenge that the target issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// It is signed as issued.
    Issued,
    /// One that the target has never issued.
    NeverIssued,
    /// One that the target has never issued, which the request names as well.
    BroughtAlong,
    /// The issued one with look-alikes of its letters and digits.
    LookAlike,
    /// The issued one with small letters for capitals and capitals for small ones.
    OtherCase,
    /// The issued one with a space behind it.
    Padded,
    /// The issued one with a letter before it.
    Prefixed,
    /// The issued one with another line behind it.
    SecondLine,
    /// The issued one with a NUL and more text behind it.
    BehindNul,
    /// The issued one without its last character.
    CutShort,
    /// One of quotation marks, braces and backslashes; a verifier does not care which challenge it is.
    Quotes,
    /// One of Chinese characters, an emoji and a line separator; as with `Quotes`.
    Unicode,
}

/// A change of a JSON text.
#[derive(Clone, Copy, Debug)]
pub enum Edit {
    /// The counter is written so.
    Counter(CounterIs),
    /// A second counter with a capital letter follows: the phone's own, after the highest that was accepted.
    CounterInCapitals,
    /// A second counter with an escape in its name follows: the phone's own, after the highest that was accepted.
    CounterEscaped,
    /// The `cpu_id` is written in capital letters.
    CpuIdInCapitals,
    /// The `cpu_id` stands there twice: first that of the other user's phone, then the own one.
    CpuIdTwice,
    /// The challenge stands there twice: first another one, then the own one.
    RawTwice,
    /// The counter stands there twice.
    CounterTwice {
        /// Whether the one that is too low comes first.
        low_first: bool,
    },
    /// A member has this string instead.
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
    /// The challenge is written without escapes and goes on with a quotation mark and a higher counter.
    Injected,
    /// A half of a surrogate pair stands behind the challenge.
    LoneSurrogate,
    /// The members are in another order.
    Reordered,
    /// Spaces follow commas and colons.
    Spaced,
    /// A letter is written as an escape.
    Escaped,
    /// A byte order mark stands before it.
    ByteOrderMark,
    /// CR LF stands behind it.
    LineEnd,
    /// It is UTF-16, read as bytes.
    Utf16,
    /// A NUL stands behind it.
    Nul,
}

/// How a counter is written.
#[derive(Clone, Copy, Debug)]
pub enum CounterIs {
    /// As the highest that was accepted.
    Equal,
    /// So much below the highest that was accepted.
    Below(u64),
    /// So much above the phone's own.
    Above(u64),
    /// This number.
    Exactly(u64),
    /// The phone's own, with a minus sign.
    Negative,
    /// The phone's own and a half.
    Fraction,
    /// The phone's own with an exponent.
    Exponent,
    /// The phone's own in quotation marks.
    Quoted,
    /// The phone's own behind two zeros.
    LeadingZeros,
    /// `null`.
    Null,
}

/// What becomes of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Nothing.
    AsMade,
    /// One bit is flipped.
    BitFlipped,
    /// There is none.
    Empty,
    /// The last byte is cut off.
    Truncated,
    /// A byte follows.
    OverLong,
    /// The key's modulus is added, which gives the same number to a careless verifier.
    PlusModulus,
    /// A zero byte precedes.
    LeadingZero,
    /// Every byte is zero.
    Zeros,
    /// It is no Base64.
    NotBase64,
    /// Base64 in the URL-safe alphabet.
    UrlSafe,
    /// Base64 without its padding.
    Unpadded,
    /// Base64 in lines of 76 characters.
    Wrapped,
}

/// For which order an input is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderOf {
    /// A new one of whoever is logged in.
    New,
    /// A new one of the owner's, whoever is logged in.
    Owners,
    /// The one for which the recorded result was made.
    Recorded,
    /// The one for which the oldest recorded result was made.
    FirstRecorded,
}

/// How an input is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Envelope {
    /// As it should be.
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
    /// With this access token, which nobody has given out.
    Token(&'static str),
    /// With this JSON in the place of a member of `verify_signature`'s body, or without the member.
    Member(&'static str, Option<&'static str>),
    /// While WeChat's servers fail in this way.
    During(Outage),
    /// With the results of one order, on several connections at once.
    AtOnce,
}

/// How the keys of a phone are brought to the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enrolment {
    /// The ASK is signed by a key that no factory has put into the device.
    AskOfNobody,
    /// The AuthKey is signed by another key than the app's ASK.
    AuthKeyOfForeignAsk,
    /// The certificates lead to a root of the attacker's own.
    ForeignRoot,
    /// The device's certificate is not signed by the CA.
    BrokenChain,
    /// The ASK is the attacker's, and its certificate is not signed by the device.
    LeafOfNobody,
    /// The CA's certificate has a key of the attacker's and the root's old signature.
    CaOfNobody,
}

/// How far a clock is set on, so that a login code expires: a code lasts five minutes.
pub(super) const PAST_A_CODE: Duration = Duration::from_secs(301);

/// What is done with a login code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// It is used twice.
    Twice,
    /// It is used after more than five minutes.
    Expired,
    /// It is of another mini program.
    OfAnotherApp,
}

impl Script {
    /// Whether WeChat's servers fail in it, so that an application may well fail, too.
    pub(super) fn has_outage(&self) -> bool {
        matches!(self, Self::Send(_, Forgery { envelope: Envelope::During(_), .. }))
    }
}

/// What a play does.
#[derive(Clone, Copy, Debug)]
pub enum Script {
    /// Something happens, and then an input is sent.
    Send(&'static [Before], Forgery),
    /// A phone's keys are uploaded, and an honest result is sent.
    Enroll(Enrolment),
    /// Someone logs in.
    Login(Code),
}
