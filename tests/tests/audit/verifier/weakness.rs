//! What a verifier of these tests is careless about.

/// The weakness of a verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weakness {
    /// No weakness.
    None,
    /// No weakness, but it reads signatures in any form of Base64.
    Tolerant,
    /// No weakness, but it is sometimes busy, and its access tokens expire early.
    Busy,
    /// No weakness, but a restart makes it forget its phones, which have to enrol again.
    KeysInMemory,
    AllInMemory,
    /// ASKs of any strength.
    AnyAsk,
    /// AuthKeys of any strength.
    AnyAuthKey,
    /// Keys of 2048 bits with any public exponent.
    AnyExponent,
    /// PSS with any hash, which is that of the mask as well.
    AnyHash,
    /// PSS with any two hashes.
    AnyHashes,
    AnyKey,
    /// Any ASK that is known may have signed an AuthKey.
    AnyKnownAsk,
    /// PSS with any hash for the mask.
    AnyMask,
    AnyRoot,
    AnySalt,
    AppIgnored,
    AskNotVerified,
    /// The ASK that has to sign an AuthKey is found by what the AuthKey's export says.
    AskOfAuthKey,
    AuthKeyNotVerified,
    /// The `uid` of an AuthKey need not be that of its ASK.
    AuthKeyOfAnyApp,
    /// The `cpu_id` of an AuthKey need not be that of its ASK.
    AuthKeyOfAnyPhone,
    /// Neither need be.
    AuthKeyOfAnybody,
    Base64FailsOpen,
    BreaksOnMalformedJson,
    CheckThenWrite,
    CodeNotSingleUse,
    CounterByKey,
    /// Each process counts for itself. Connections are spread over four processes.
    CounterByProcess,
    CounterByUser,
    CounterAsDouble,
    CounterAsText,
    CounterBeforeSignature,
    CounterByDeviceAndApp,
    CounterByDeviceAndUser,
    CounterIn32Bits,
    CounterInMemory,
    CounterLenient,
    CounterMayBeMissing,
    /// NaN and infinities are numbers, as in Python's parser, and numbers beyond doubles are infinite.
    CounterNotANumber,
    CounterNotChecked,
    CounterPlusOne,
    /// A counter that is too large becomes the largest that fits.
    CounterSaturates,
    /// A lower counter is accepted once, if it is lower by at most 64.
    CounterWindow,
    /// A lower counter is accepted if it is lower by 8 to 64, as of results that come late.
    CounterLate,
    /// Only the low 64 bits of a counter are kept.
    CounterWraps,
    CounterZeroIsNone,
    DeviceInAnyCase,
    DeviceTrimmed,
    EqualCounter,
    /// Keys of 2048 bits with any public exponent except 1.
    ExponentAbove1,
    FirstKeyWins,
    GetAccepted,
    KeyFromMessage,
    /// A known key that is uploaded for another user is theirs from then on.
    KeyMovesToOther,
    /// A known key that is uploaded for another user belongs to both.
    KeyOfSeveral,
    LastCounterEvenIfRefused,
    LastCounterOnly,
    LastKeyWins,
    LocksUp,
    NamesInAnyCase,
    OpenidIgnored,
    OpenidInAnyCase,
    OpenidIsPattern,
    OpenidOptional,
    PaddingNotChecked,
    Pkcs1Accepted,
    RefusesTemporarily,
    Reserialises,
    RaceBreaksOff,
    RetiredKeys,
    SaltAlways20,
    SaltAtLeast20,
    SaltFromMessage,
    /// Keys of at least 1024 bits.
    ShortKeys,
    SignatureIgnored,
    SignatureOptional,
    SignatureNotRequired,
    SignatureRemembered,
    SpentBeforeOpenid,
    StoredAsDouble,
    StoredIn32Bits,
    TokenIgnored,
    TrimsText,
    UploadCountersIgnored,
    /// The counter of an ASK is compared, and that of its AuthKey is not.
    UploadedAskAlone,
    /// The counter of an AuthKey is compared, and that of its ASK is not.
    UploadedAuthKeyAlone,
    /// The counters of uploads are compared with those of earlier uploads, and not with those of results.
    UploadsAmongThemselves,
    /// The counter of an AuthKey is compared with that of its ASK alone.
    UploadsInOrder,
    /// Each export is taken once, whatever its counter is.
    UploadsOnce,
    /// Any key of a phone is good for all users who have uploaded one from it.
    UsersOfPhone,
}
