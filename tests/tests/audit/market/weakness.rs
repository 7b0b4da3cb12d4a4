//! What a market of these tests is careless about.

/// The weakness of a market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weakness {
    /// No weakness. The login is a random text in a header.
    None,
    /// No weakness. The login is in a cookie, which is new after each login.
    Cookies,
    /// No weakness. The login is a JSON Web Token whose signature is verified.
    Token,
    /// No weakness. Names of users in requests are compared with the session, and refused if they differ.
    RefusesOtherNames,
    /// No weakness. A user who has an open order gets its challenge again.
    SameOpenOrder,
    /// No weakness. Challenges have the order, the time and a counter in them, and enough that is random.
    LongChallenges,
    /// No weakness. Answers have the own openid, and links with many numbers.
    Talkative,
    /// No weakness. A payment that is refused is answered with 200, and the answer says so.
    RefusesWith200,

    AccountOfBody,
    AccountOfCookie,
    AccountOfQuery,
    AmountOfBody,
    AmountOfQuery,
    OpenidOfHeader,
    VerifiedByBody,
    VerifiedByHeader,
    VerifiedByQuery,

    AnonymousCookieKept,
    ChosenCookieKept,
    EncodedOpenidIsToken,
    NumberInToken,
    OpenidIsToken,
    TokenCounts,
    TokenNotSigned,
    TokenNotVerified,

    ChallengeCounts,
    ChallengeIsHashOfOrder,
    ChallengeIsHashOfTime,
    ChallengeIsTime,
    ChallengeIsTimeAndNumber,
    ChallengeShort,
    SameChallengeForAll,

    TellsErrorsOfWeChat,
    TellsOthers,
    TellsSecretInHeader,
    TellsSessionKey,
    TellsStack,
    TellsToken,

    ChallengeWithoutEnd,
    ChallengeRenewedByLogin,
    LoginWithoutEnd,
    LoginLongerThanMonth,
    NothingEnds,
    /// The same, and its clock is moved once: it cannot be put back.
    ClockIsMovedOnce,
    /// No weakness, but its clock cannot be moved.
    ClockIsNotMoved,
}
