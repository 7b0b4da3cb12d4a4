//! Attacks on the comparison of what was signed with what was to be signed.

use crate::entry::{Attack, Expected, Holds, Layer};
use crate::kind::Kind;
use crate::software_key::Scheme;
use crate::steps::{Challenge, Edit, Forgery, Kept, Made, Number, Script, Signer, Variant};

/// An honest phone's result for a challenge other than the issued one.
const fn with_challenge(challenge: Challenge) -> Script {
    Script::Send(&[], Forgery { challenge, ..Forgery::HONEST })
}

const fn variant(name: &'static str, challenge: Challenge) -> Variant {
    Variant { name, forgery: Forgery { challenge, ..Forgery::HONEST } }
}

const BASE: Attack = Attack {
    id: "",
    layer: Layer::Application,
    kind: Kind::ComparesCarelessly,
    title: "",
    holds: Holds::AnotherPhone,
    making: "",
    expected: Expected::MustRefuse(&[]),
    meaning: "The challenge is compared too kindly: texts that only look like it, or share a part with it, count as consent to the order.",
    fix: "Compare `raw` with the challenge exactly, byte for byte: no change of case, no trimming, no normalisation, no prefix.",
    profile: "trustonic",
    script: Script::Send(&[], Forgery::HONEST),
};

const PATTERN: Attack = Attack {
    meaning: "What was signed is taken for a pattern, by LIKE in a database, a regular expression or a search with wildcards. A touch for such a text pays any order.",
    fix: "Compare `raw` with the order's challenge for equality, and never put it where a pattern or a template is expected.",
    ..BASE
};

const PART: Attack = Attack {
    meaning: "Only a part of the challenge is compared, so a touch for another order that shares this part counts as consent.",
    fix: "Compare all of `raw` with all of the challenge: check that a column, a hash or a parser does not cut either of them short.",
    ..BASE
};

pub(super) static ATTACKS: &[Attack] = &[
    Attack {
        id: "SOTER-JSON-20",
        title: "a challenge that looks like the issued one",
        making: "The user's phone signs the issued challenge with full-width forms in place of its letters and digits.",
        script: with_challenge(Challenge::LookAlike),
        ..BASE
    },
    Attack {
        id: "SOTER-JSON-21",
        title: "the issued challenge in the other case",
        making: "The user's phone signs the issued challenge with capital letters for small ones and the reverse.",
        script: with_challenge(Challenge::OtherCase),
        ..BASE
    },
    Attack {
        id: "SOTER-JSON-22",
        title: "the issued challenge with a space behind it",
        making: "The user's phone signs the issued challenge and a space.",
        script: with_challenge(Challenge::Padded),
        ..BASE
    },
    Attack {
        id: "SOTER-JSON-23",
        title: "the issued challenge without its last character",
        making: "The user's phone signs all but the last character of the issued challenge.",
        script: with_challenge(Challenge::CutShort),
        ..BASE
    },
    Attack {
        id: "SOTER-JSON-26",
        title: "the issued challenge with a letter before it",
        making: "The user's phone signs the letter x and the issued challenge.",
        script: with_challenge(Challenge::Prefixed),
        ..BASE
    },
    Attack {
        id: "SOTER-JSON-27",
        title: "the issued challenge with another line behind it",
        making: "The user's phone signs the issued challenge, a line end and more text.",
        script: with_challenge(Challenge::SecondLine),
        ..BASE
    },
    Attack {
        id: "SOTER-JSON-28",
        title: "the issued challenge with a NUL and more behind it",
        making: "The user's phone signs the issued challenge, U+0000, where C strings end, and more text.",
        script: with_challenge(Challenge::BehindNul),
        ..BASE
    },
    Attack {
        id: "SOTER-JSON-30",
        title: "a pattern that matches any text",
        making: "The user's phone signs `.*`, `%` or `*` in place of the issued challenge.",
        script: Script::SendEach(
            &[],
            &[
                variant("`.*`, a regular expression", Challenge::Text(".*")),
                variant("`%`, a pattern of LIKE", Challenge::Text("%")),
                variant("`*`, a wildcard of file names", Challenge::Text("*")),
            ],
        ),
        ..PATTERN
    },
    Attack {
        id: "SOTER-JSON-31",
        title: "the issued challenge with a pattern for one character",
        making: "The user's phone signs the issued challenge with `_`, `.`, `?` or a class such as `[a]` in place of a character in its middle.",
        script: Script::SendEach(
            &[],
            &[
                variant("`_`, a pattern of LIKE", Challenge::MiddleIs("_")),
                variant("`.`, a regular expression", Challenge::MiddleIs(".")),
                variant("`?`, a wildcard of file names", Challenge::MiddleIs("?")),
                variant("a class of one character", Challenge::MiddleIs("[{}]")),
            ],
        ),
        ..PATTERN
    },
    Attack {
        id: "SOTER-JSON-32",
        title: "a template that becomes the challenge",
        making: "The user's phone signs a placeholder in place of the issued challenge: `{{challenge}}`, `${challenge}`, `{challenge}`, `%s` or `{}`.",
        meaning: "What was signed is taken for a template, and the server itself puts the challenge into it before it compares.",
        script: Script::SendEach(
            &[],
            &[
                variant("`{{challenge}}`", Challenge::Text("{{challenge}}")),
                variant("`${challenge}`", Challenge::Text("${challenge}")),
                variant("`{challenge}`", Challenge::Text("{challenge}")),
                variant("`%s`", Challenge::Text("%s")),
                variant("`{}`", Challenge::Text("{}")),
            ],
        ),
        ..PATTERN
    },
    Attack {
        id: "SOTER-JSON-33",
        title: "only the beginning of the challenge",
        making: "The user's phone signs a text as long as the issued challenge. Only its first half, or only its first 8 or 16 characters, are right.",
        script: Script::SendEach(
            &[],
            &[
                variant("the first half", Challenge::OnlyKept(Kept::FirstHalf)),
                variant("the first 8 characters", Challenge::OnlyKept(Kept::First(8))),
                variant("the first 16 characters", Challenge::OnlyKept(Kept::First(16))),
            ],
        ),
        ..PART
    },
    Attack {
        id: "SOTER-JSON-34",
        title: "only the end of the challenge",
        making: "The user's phone signs a text as long as the issued challenge. Only its last half, or only its last 8 or 16 characters, are right.",
        script: Script::SendEach(
            &[],
            &[
                variant("the last half", Challenge::OnlyKept(Kept::LastHalf)),
                variant("the last 8 characters", Challenge::OnlyKept(Kept::Last(8))),
                variant("the last 16 characters", Challenge::OnlyKept(Kept::Last(16))),
            ],
        ),
        ..PART
    },
    Attack {
        id: "SOTER-JSON-35",
        title: "the issued challenge with another character in its middle",
        making: "The user's phone signs the issued challenge with one letter or digit in its middle replaced by the next one.",
        script: with_challenge(Challenge::MiddleChanged),
        ..PART
    },
    Attack {
        id: "SOTER-JSON-36",
        title: "the issued challenge with other spaces in it",
        making: "The user's phone signs the issued challenge with a space or an invisible character in its middle, or without its spaces.",
        script: Script::SendEach(
            &[],
            &[
                variant("a space in its middle", Challenge::MiddleHas(" ")),
                variant("a soft hyphen (U+00AD) in its middle", Challenge::MiddleHas("\u{ad}")),
                variant("a space of no width (U+200B) in its middle", Challenge::MiddleHas("\u{200b}")),
                variant("without its spaces", Challenge::WithoutSpaces),
            ],
        ),
        ..BASE
    },
    Attack {
        id: "SOTER-JSON-37",
        title: "the issued challenge in another normal form of Unicode",
        making: "The user's phone signs the issued challenge with letters and their accents as two characters each instead of one (NFD), or the reverse (NFC).",
        script: with_challenge(Challenge::OtherNormalForm),
        ..BASE
    },
    Attack {
        id: "SOTER-JSON-38",
        title: "the issued number in another notation",
        making: "The challenge has digits alone. The user's phone signs a text of the same numeric value: with leading zeros, a plus sign, `.0`, an exponent, or in hexadecimal notation.",
        meaning: "Challenges are compared as numbers, as PHP does with == and databases do with numeric columns. Long numbers are rounded for that, so a touch for another order counts as consent to this one.",
        fix: "Compare `raw` with the challenge as strings: === in PHP and JavaScript, a text column in the database.",
        script: Script::SendEach(
            &[],
            &[
                variant("the first digits and an exponent", Challenge::SameNumber(Number::Scientific)),
                variant("with leading zeros", Challenge::SameNumber(Number::After("00"))),
                variant("with a plus sign", Challenge::SameNumber(Number::After("+"))),
                variant("with `.0` behind it", Challenge::SameNumber(Number::Before(".0"))),
                variant("with `e0` behind it", Challenge::SameNumber(Number::Before("e0"))),
                variant("in hexadecimal notation", Challenge::SameNumber(Number::Hexadecimal)),
            ],
        ),
        ..BASE
    },
    Attack {
        id: "SOTER-JSON-39",
        title: "a challenge of several fields, one of them changed",
        making: "The issued challenge has several fields, for example number, amount and a random part. The user's phone signs it with another value in one of them, numbers made smaller; each field has its turn, at most eight.",
        meaning: "The fields of the challenge are compared one by one, and one is left out: if it is the amount, the touch for one cent pays any price.",
        fix: "Keep the whole challenge with the order, and compare `raw` with it as one string.",
        script: Script::SendEach(
            &[],
            &[
                variant("the first field", Challenge::FieldChanged(0)),
                variant("the second field", Challenge::FieldChanged(1)),
                variant("the third field", Challenge::FieldChanged(2)),
                variant("the fourth field", Challenge::FieldChanged(3)),
                variant("the fifth field", Challenge::FieldChanged(4)),
                variant("the sixth field", Challenge::FieldChanged(5)),
                variant("the seventh field", Challenge::FieldChanged(6)),
                variant("the eighth field", Challenge::FieldChanged(7)),
            ],
        ),
        ..BASE
    },
    Attack {
        id: "SOTER-JSON-40",
        title: "an empty challenge",
        holds: Holds::RootedPhone,
        making: "The phone's text with an empty `raw`, signed with its AuthKey.",
        meaning: "An empty text is a part of every challenge, or counts as one that need not be compared: a result without consent pays.",
        script: Script::Send(
            &[],
            Forgery {
                made: Made::InSoftware {
                    key: Signer::AuthKey,
                    edits: &[Edit::Text("raw", "")],
                    scheme: Scheme::STANDARD,
                },
                ..Forgery::HONEST
            },
        ),
        ..BASE
    },
    Attack {
        id: "SOTER-JSON-41",
        title: "a pattern that is found in any text",
        making: "The user's phone signs `^`, `.`, `a*`, `|` or `()` in place of the issued challenge: regular expressions that every text contains.",
        script: Script::SendEach(
            &[],
            &[
                variant("`^`, the beginning of a text", Challenge::Text("^")),
                variant("`.`, any character", Challenge::Text(".")),
                variant("`a*`, also no character", Challenge::Text("a*")),
                variant("`|`, nothing or nothing", Challenge::Text("|")),
                variant("`()`, an empty group", Challenge::Text("()")),
            ],
        ),
        ..PATTERN
    },
];
