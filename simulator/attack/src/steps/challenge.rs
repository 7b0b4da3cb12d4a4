//! What is signed in place of an issued challenge, as data.

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
    /// The issued one with lower and upper case swapped.
    OtherCase,
    /// The issued one with a space at the end.
    Padded,
    /// The issued one with a letter in front.
    Prefixed,
    /// The issued one with another line at the end.
    SecondLine,
    /// The issued one with a NUL and more text at the end.
    BehindNul,
    /// The issued one without its last character.
    CutShort,
    /// This text, whatever was issued.
    Text(&'static str),
    /// The issued one with another character in its middle.
    MiddleChanged,
    /// The issued one with this text in place of its middle character, which replaces `{}` in the text.
    MiddleIs(&'static str),
    /// The issued one with this text in its middle.
    MiddleHas(&'static str),
    /// The issued one without its spaces.
    WithoutSpaces,
    /// The issued one in another normal form of Unicode.
    OtherNormalForm,
    /// The issued one, which is a number, written in another way.
    SameNumber(Number),
    /// The issued one with all characters replaced except these.
    OnlyKept(Kept),
    /// The issued one, which has several fields, with another value in the field with this number, from 0. Numbers come
    /// first and become smaller, as an amount that is made smaller.
    FieldChanged(usize),
    /// Quotation marks, braces and backslashes. A verifier accepts any challenge.
    Quotes,
    /// Chinese characters, an emoji and a line separator. A verifier accepts any challenge.
    Unicode,
}

/// How a number is written that has the same value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// With this text in front.
    After(&'static str),
    /// With this text behind it.
    Before(&'static str),
    /// In hexadecimal notation.
    Hexadecimal,
    /// Its first 18 digits, and an exponent in place of the others. A double does not tell it from the number itself.
    Scientific,
}

/// The characters of a challenge that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// This many at the beginning.
    First(usize),
    /// The first half.
    FirstHalf,
    /// This many at the end.
    Last(usize),
    /// The last half.
    LastHalf,
}
