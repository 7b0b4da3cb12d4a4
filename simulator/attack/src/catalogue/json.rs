//! Attacks on the signed text: changed in transit, or written so that parsers disagree.

use soter_wechat::Reason;

use crate::entry::{Attack, Expected, Holds, Layer};
use crate::kind::Kind;
use crate::software_key::Scheme;
use crate::steps::{Before, Challenge, CounterIs, Edit, Envelope, Forgery, Made, Record, Script, Signer};

/// An honest result whose text is changed after signing.
const fn tampered(tampered: &'static [Edit]) -> Script {
    Script::Send(&[], Forgery { tampered, ..Forgery::HONEST })
}

/// An honest phone's result for a challenge other than the issued one.
const fn with_challenge(challenge: Challenge) -> Script {
    Script::Send(&[], Forgery { challenge, ..Forgery::HONEST })
}

/// The phone's own text, changed and signed again with the phone's own AuthKey.
const fn signed_in_software(edits: &'static [Edit]) -> Script {
    Script::Send(
        &[],
        Forgery {
            made: Made::InSoftware { key: Signer::AuthKey, edits, scheme: Scheme::STANDARD },
            ..Forgery::HONEST
        },
    )
}

const CHANGED_FIELD: Attack = Attack {
    id: "",
    layer: Layer::Verifier,
    kind: Kind::AcceptsForgery,
    title: "",
    holds: Holds::RecordedResult,
    making: "",
    expected: Expected::MustRefuse(&[Reason::WrongSignature]),
    meaning: "The signature is not checked over the text that is used: what a phone signed can be rewritten.",
    fix: "Verify over the exact bytes of resultJSON as received, and read its members only from those bytes.",
    profile: "trustonic",
    script: Script::Send(&[], Forgery::HONEST),
};

const REWRITTEN: Attack = Attack {
    kind: Kind::ParsesLoosely,
    expected: Expected::MustRefuse(&[Reason::Reserialised]),
    meaning: "The text is parsed and written again before it is checked, or not checked at all: the bytes that are verified are not the ones that the phone signed.",
    fix: "Pass resultJSON on as the string that it is; never parse and write it again before the check.",
    ..CHANGED_FIELD
};

const OTHER_ENCODING: Attack = Attack {
    kind: Kind::ParsesLoosely,
    expected: Expected::MustRefuse(&[Reason::Reserialised, Reason::MalformedJson, Reason::WrongSignature]),
    meaning: "Bytes that the phone did not sign pass: something on the way normalises them, and what is checked differs from what is used.",
    fix: "Check the bytes as received: no trimming, no change of character set or line ends.",
    ..CHANGED_FIELD
};

pub(super) static ATTACKS: &[Attack] = &[
    Attack {
        id: "SOTER-JSON-01",
        title: "another challenge under the old signature",
        making: "An honest result; `raw` is replaced, the signature stays.",
        script: tampered(&[Edit::Text("raw", "transfer everything")]),
        ..CHANGED_FIELD
    },
    Attack {
        id: "SOTER-JSON-02",
        title: "a higher counter under the old signature",
        making: "An honest result; its counter is 1000 higher, the signature stays.",
        script: tampered(&[Edit::Counter(CounterIs::Above(1000))]),
        ..CHANGED_FIELD
    },
    Attack {
        id: "SOTER-JSON-03",
        title: "another finger under the old signature",
        making: "An honest result; `fid` is replaced, the signature stays.",
        script: tampered(&[Edit::Text("fid", "1")]),
        ..CHANGED_FIELD
    },
    Attack {
        id: "SOTER-JSON-04",
        title: "another TEE name under the old signature",
        making: "An honest result; `tee_n` is replaced, the signature stays.",
        script: tampered(&[Edit::Text("tee_n", "another")]),
        ..CHANGED_FIELD
    },
    Attack {
        id: "SOTER-JSON-05",
        title: "another TEE version under the old signature",
        making: "An honest result; `tee_v` is replaced, the signature stays.",
        script: tampered(&[Edit::Text("tee_v", "2")]),
        ..CHANGED_FIELD
    },
    Attack {
        id: "SOTER-JSON-06",
        title: "another sensor name under the old signature",
        making: "An honest result; `fp_n` is replaced, the signature stays.",
        script: tampered(&[Edit::Text("fp_n", "another")]),
        ..CHANGED_FIELD
    },
    Attack {
        id: "SOTER-JSON-07",
        title: "another sensor version under the old signature",
        making: "An honest result; `fp_v` is replaced, the signature stays.",
        script: tampered(&[Edit::Text("fp_v", "2")]),
        ..CHANGED_FIELD
    },
    Attack {
        id: "SOTER-JSON-08",
        title: "the challenge of another order under the old signature",
        making: "An honest result for one order; `raw` is replaced by the challenge of the order for which it is sent, the signature stays.",
        script: Script::Send(
            &[Before::Record],
            Forgery { made: Made::Recorded(Record::Last), tampered: &[Edit::OrdersRaw], ..Forgery::HONEST },
        ),
        ..CHANGED_FIELD
    },
    Attack {
        id: "SOTER-JSON-09",
        title: "members in another order",
        making: "An honest result, parsed and written again with its members in reverse order.",
        script: tampered(&[Edit::Reordered]),
        ..REWRITTEN
    },
    Attack {
        id: "SOTER-JSON-10",
        title: "spaces after commas and colons",
        making: "An honest result, parsed and written again with spaces, as some libraries do.",
        script: tampered(&[Edit::Spaced]),
        ..REWRITTEN
    },
    Attack {
        id: "SOTER-JSON-11",
        title: "an escape in place of a letter",
        making: "An honest result, parsed and written again with the challenge's first letter as \\uXXXX.",
        script: tampered(&[Edit::Escaped]),
        ..REWRITTEN
    },
    Attack {
        id: "SOTER-JSON-12",
        title: "an object instead of a string",
        making: "An honest result; its text stands in the request as an object, not as a string.",
        expected: Expected::MustRefuse(&[Reason::JsonNotAString]),
        meaning: "The target writes the object to text itself, and checks that instead of what the phone signed.",
        script: Script::Send(&[], Forgery { envelope: Envelope::ObjectForString, ..Forgery::HONEST }),
        ..REWRITTEN
    },
    Attack {
        id: "SOTER-JSON-13",
        title: "a byte order mark before the text",
        making: "An honest result with U+FEFF before its text.",
        script: tampered(&[Edit::ByteOrderMark]),
        ..OTHER_ENCODING
    },
    Attack {
        id: "SOTER-JSON-14",
        title: "a line end behind the text",
        making: "An honest result with CR LF behind its text.",
        expected: Expected::MustRefuse(&[Reason::LineEndsChanged]),
        script: tampered(&[Edit::LineEnd]),
        ..OTHER_ENCODING
    },
    Attack {
        id: "SOTER-JSON-15",
        title: "the text in UTF-16",
        making: "An honest result whose text is UTF-16, so that a zero stands behind each letter.",
        script: tampered(&[Edit::Utf16]),
        ..OTHER_ENCODING
    },
    Attack {
        id: "SOTER-JSON-16",
        title: "a NUL behind the text",
        making: "An honest result with U+0000 behind its text, where C strings end.",
        script: tampered(&[Edit::Nul]),
        ..OTHER_ENCODING
    },
    Attack {
        id: "SOTER-JSON-17",
        title: "half of a surrogate pair",
        holds: Holds::RootedPhone,
        making: "The phone's text with the escape \\ud800 behind the challenge, signed with its AuthKey.",
        expected: Expected::MayRefuse(&[Reason::MalformedJson]),
        meaning: "JSON's grammar allows the escape and leaves open what it means (RFC 8259, 8.2): two parsers read two challenges.",
        fix: "Refuse JSON whose strings are not valid Unicode, at the latest where the challenge is compared.",
        script: signed_in_software(&[Edit::LoneSurrogate]),
        ..CHANGED_FIELD
    },
    Attack {
        id: "SOTER-JSON-18",
        title: "a challenge that closes its string and brings members along",
        holds: Holds::RootedPhone,
        making: "The phone's text as a TEE that does not escape would write it: the challenge ends in a quotation mark, a second counter follows. Signed with its AuthKey.",
        expected: Expected::unlike_any_tee(&[Reason::DuplicateKey]),
        meaning: "Anybody who chooses challenges chooses counters: with doubled names, the injected one may win.",
        fix: "Refuse objects with doubled names.",
        script: signed_in_software(&[Edit::Injected]),
        ..CHANGED_FIELD
    },
    Attack {
        id: "SOTER-JSON-19",
        kind: Kind::RefusesHonest,
        title: "a challenge of quotation marks, braces and backslashes",
        holds: Holds::Nothing,
        making: "An honest phone signs a challenge that looks like JSON itself, escaped as it should be.",
        expected: Expected::MustAccept,
        meaning: "The text is searched instead of parsed, so a challenge can pretend to be a member.",
        fix: "Use a JSON parser, not a search for strings.",
        script: with_challenge(Challenge::Quotes),
        ..CHANGED_FIELD
    },
    Attack {
        id: "SOTER-JSON-24",
        title: "two challenges, the issued one last",
        holds: Holds::RootedPhone,
        making: "The phone's text with another challenge before the issued one, both under the name `raw`, signed with its AuthKey.",
        expected: Expected::unlike_any_tee(&[Reason::DuplicateKey]),
        meaning: "Parsers disagree about doubled names: what was shown to the user and what is compared are two challenges.",
        fix: "Refuse objects with doubled names, or use a parser that does.",
        script: signed_in_software(&[Edit::RawTwice]),
        ..CHANGED_FIELD
    },
    Attack {
        id: "SOTER-JSON-25",
        kind: Kind::RefusesHonest,
        title: "a challenge of Chinese characters, an emoji and a line separator",
        holds: Holds::Nothing,
        making: "An honest phone signs a challenge in UTF-8 of two, three and four bytes, with U+2028 and a slash.",
        expected: Expected::MustAccept,
        meaning: "The text's bytes are changed on the way, or read in another character set: honest users are turned away.",
        fix: "Take resultJSON as UTF-8 throughout, and do not write it out again.",
        script: with_challenge(Challenge::Unicode),
        ..CHANGED_FIELD
    },
    Attack {
        id: "SOTER-JSON-29",
        title: "no text at all",
        making: "An honest result, asked about without json_string.",
        expected: Expected::MustRefuse(&[Reason::JsonNotAString]),
        meaning: "A missing text skips the check, so anybody can be said to have authenticated.",
        fix: "Require a string; an exception on the way to the verdict is a no.",
        script: Script::Send(
            &[],
            Forgery { envelope: Envelope::Member("json_string", None), ..Forgery::HONEST },
        ),
        ..CHANGED_FIELD
    },
];
