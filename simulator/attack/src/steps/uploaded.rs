//! Keys that are uploaded and should be refused, as data.

/// What is uploaded for an attack, after honest keys were uploaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uploaded {
    /// The first upload of the owner's phone, once more.
    FirstAgain,
    /// The known AuthKey of the owner's phone, exported once more, in the other user's login.
    KnownKeyForOther,
    /// A new AuthKey of the owner's phone, whose own counter is lower than the highest that was accepted.
    NewKey,
    /// A new AuthKey of the owner's phone, exported before the ASK with which it is uploaded.
    AuthKeyBeforeAsk,
    /// A new AuthKey of the other user's phone with the ASK of the owner's phone.
    OthersAuthKey,
    /// A new AuthKey of the owner's phone, whose export names the `cpu_id` of the other user's phone.
    NamesOthersPhone,
    /// A new AuthKey of the owner's phone, whose export names this `uid`.
    NamesOtherApp(&'static str),
    /// A weak AuthKey, which the phone's ASK has signed.
    WeakAuthKey(WeakForm),
    /// A weak ASK, which the phone's ATTK has signed, with a new AuthKey that the weak ASK has signed.
    WeakAsk(WeakForm),
}

/// In which way an RSA key is weak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeakForm {
    /// Its modulus has 1024 bits.
    Short,
    /// Its public exponent is 3.
    Exponent3,
    /// Its public exponent is 1, so that a signature is the padded text itself, which anybody can make.
    Exponent1,
}
