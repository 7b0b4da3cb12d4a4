//! What an application of these tests is careless about.

use crate::comparison::Comparison;

/// The weakness of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weakness {
    /// No weakness.
    None,
    /// No weakness, but it normalises the Base64 of a signature before it calls WeChat.
    Tolerant,
    /// No weakness, but each answer sets a new cookie that the next request has to send.
    CookiesRenewed,
    /// No weakness, but it refuses every request of a session after it has refused a result of it.
    LocksOut,
    /// No weakness, but it issues no second order while one is open.
    OneOpenOrder,
    /// No weakness, but it asks WeChat once more, with a new access token, if there is no verdict.
    AsksAgain,
    /// No weakness: it remembers each verdict under the openid, the whole text and the whole signature.
    RemembersResult,
    AnswerIgnored,
    AnswerRemembered,
    AnybodysOrder,
    AnyOpenOrder,
    ChallengeCutShort,
    ChallengeInAnyCase,
    ChallengeLookAlike,
    ChallengeNotCompared,
    ChallengeOfRequest,
    ChallengeOfSession,
    ChallengeReusable,
    /// Any open challenge of the user is good for any of their orders, and is used up after a while.
    ChallengeSeenThenUsed,
    ChallengeTrimmed,
    ChallengeWithinText,
    CheckThenWrite,
    CodeRemembered,
    /// Weak or not, as the comparison is.
    Compares(Comparison),
    CounterAsDouble,
    CounterBeforeAsking,
    CounterByFinger,
    /// The number after the word counter, wherever that stands.
    CounterByPattern,
    CounterByUser,
    /// A counter that is far too low counts as a new beginning.
    CounterFarBelow,
    CounterInMemory,
    CounterNotChecked,
    EmptyIsGood,
    EqualCounter,
    /// No weakness, but it takes no counter that jumps by more than a million.
    JumpLimit,
    /// Only the last phones' counters are kept.
    LastPhones,
    /// No weakness, but a user pays with the first phone only.
    OnePhone,
    /// No weakness, but it takes safe integers only.
    SafeIntegers,
    FailsOpen,
    FailsOpenIfLate,
    FailsOpenWithoutToken,
    KnownUsersInOutages,
    LoginBelieved,
    LooksForRefusals,
    OpenidOfOrder,
    OpenidOfRequest,
    OrderByChallenge,
    OrderSeenThenPaid,
    OrdersReusable,
    QuotaIsGood,
    RemembersAnybodysSignature,
    RemembersChallenge,
    RemembersPhone,
    RemembersSignature,
    RemembersStartOfSignature,
    RemembersStartOfText,
    SessionNotChecked,
    StringsOrObjects,
    TextsAreTrue,
}
