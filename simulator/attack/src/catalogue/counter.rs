//! Attacks on the device's counter, which must grow, and which servers parse in different ways.

use soter_wechat::Reason;

use crate::entry::{Attack, Expected, Holds, Layer, Policy, Refuses, Tell};
use crate::kind::Kind;
use crate::software_key::Scheme;
use crate::steps::{
    Before, Claim, CounterIs, Edit, Forgery, Made, OrderOf, Record, Script, Shape, Signer, Who,
};

/// The phone's own text, changed and signed again with the phone's own AuthKey.
pub(super) const fn signed_in_software(edits: &'static [Edit]) -> Forgery {
    Forgery {
        made: Made::InSoftware { key: Signer::AuthKey, edits, scheme: Scheme::STANDARD },
        ..Forgery::HONEST
    }
}

/// The same, after an honest result was accepted.
const fn after_payment(edits: &'static [Edit]) -> Script {
    Script::Send(&[Before::Pay], signed_in_software(edits))
}

/// The last recorded result, sent for its own order.
const RECORDED: Forgery =
    Forgery { made: Made::Recorded(Record::Last), order: OrderOf::Recorded, ..Forgery::HONEST };

/// An attack on the counter that lets a phone with an old state through.
pub(super) const BASE: Attack = Attack {
    id: "",
    layer: Layer::Verifier,
    kind: Kind::CountsCarelessly,
    title: "",
    holds: Holds::RootedPhone,
    making: "",
    expected: Expected::MustRefuse(&[Reason::CounterReplayed, Reason::CounterRolledBack]),
    meaning: "A phone that was rolled back or cloned is not noticed: two phones can sign in the name of one.",
    fix: "Keep the highest counter of each cpu_id and require a greater one, in one atomic step with recording it.",
    profile: "trustonic",
    script: Script::Send(&[], Forgery::HONEST),
};

const WRONG_TYPE: Attack = Attack {
    kind: Kind::ParsesLoosely,
    expected: Expected::MustRefuse(&[Reason::WrongType]),
    meaning: "The counter is read in a form that no phone writes, so parsers between phone and ledger may disagree about its value.",
    fix: "Read the counter strictly: an integer literal from 0 to 2^63 - 1, nothing else.",
    ..BASE
};

const HONEST: Attack = Attack {
    kind: Kind::RefusesHonest,
    holds: Holds::Nothing,
    expected: Expected::MustAccept,
    meaning: "Honest users are turned away.",
    ..BASE
};

pub(super) static ATTACKS: &[Attack] = &[
    Attack {
        id: "SOTER-COUNTER-01",
        title: "a counter equal to the highest",
        making: "A fresh text with the counter of the result that was just accepted, signed with the phone's AuthKey.",
        script: after_payment(&[Edit::Counter(CounterIs::Equal)]),
        ..BASE
    },
    Attack {
        id: "SOTER-COUNTER-02",
        title: "a counter lower than the highest",
        making: "A fresh text with a counter two below the one that was just accepted, signed with the phone's AuthKey.",
        script: Script::Send(
            &[Before::Pay, Before::Pay, Before::Pay],
            signed_in_software(&[Edit::Counter(CounterIs::Below(2))]),
        ),
        ..BASE
    },
    Attack {
        id: "SOTER-COUNTER-03",
        title: "a phone that was restored from a backup",
        holds: Holds::StolenBackup,
        making: "The phone's flash and RPMB are copied, two honest results are accepted, the copy is put back, and the phone signs a fresh challenge with its own key.",
        script: Script::Send(
            &[Before::CopyPhone, Before::Pay, Before::Pay, Before::RestoreCopy],
            Forgery::HONEST,
        ),
        ..BASE
    },
    Attack {
        id: "SOTER-COUNTER-04",
        title: "a cloned phone: two phones, one state, interleaved",
        holds: Holds::StolenBackup,
        making: "The phone is duplicated; the original pays twice, then the duplicate signs a fresh challenge with the same AuthKey.",
        script: Script::Send(
            &[Before::Duplicate, Before::Pay, Before::Pay],
            Forgery { made: Made::BySecondPhone, ..Forgery::HONEST },
        ),
        ..BASE
    },
    Attack {
        id: "SOTER-COUNTER-05",
        title: "a restored phone after a restart of the backend",
        holds: Holds::StolenBackup,
        making: "As with a restored phone, but the target is restarted before the copy is put back; the phone signs a fresh challenge with its own key.",
        meaning: "The highest counters live in memory alone: a restart forgives every roll-back.",
        fix: "Store the highest counter of each cpu_id where it outlives the process, before the answer leaves.",
        script: Script::Send(
            &[Before::CopyPhone, Before::Pay, Before::Pay, Before::Restart, Before::RestoreCopy],
            Forgery::HONEST,
        ),
        ..BASE
    },
    Attack {
        id: "SOTER-COUNTER-06",
        title: "a negative counter",
        making: "The phone's text with a minus sign before the counter, signed with its AuthKey.",
        script: after_payment(&[Edit::Counter(CounterIs::Negative)]),
        ..WRONG_TYPE
    },
    Attack {
        id: "SOTER-COUNTER-07",
        title: "a counter with a fraction",
        making: "The phone's text with `.5` behind the counter, signed with its AuthKey.",
        script: after_payment(&[Edit::Counter(CounterIs::Fraction)]),
        ..WRONG_TYPE
    },
    Attack {
        id: "SOTER-COUNTER-08",
        title: "a counter with an exponent",
        making: "The phone's text with `e0` behind the counter, signed with its AuthKey.",
        expected: Expected::unlike_any_tee(&[Reason::WrongType]),
        script: after_payment(&[Edit::Counter(CounterIs::Exponent)]),
        ..WRONG_TYPE
    },
    Attack {
        id: "SOTER-COUNTER-09",
        title: "a counter that is a string",
        making: "The phone's text with quotation marks around the counter, signed with its AuthKey.",
        expected: Expected::unlike_any_tee(&[Reason::CounterAsString]),
        meaning: "Strings compare by letters (\"9\" is greater than \"10\"), or slip past a check of numbers.",
        script: after_payment(&[Edit::Counter(CounterIs::Quoted)]),
        ..WRONG_TYPE
    },
    Attack {
        id: "SOTER-COUNTER-10",
        title: "no counter",
        making: "The phone's text without its counter, signed with its AuthKey.",
        expected: Expected::MustRefuse(&[Reason::MissingField]),
        meaning: "A missing counter skips the check: every replay is possible.",
        fix: "Refuse a result that lacks raw, counter, cpu_id or uid.",
        script: after_payment(&[Edit::Without("counter")]),
        ..BASE
    },
    Attack {
        id: "SOTER-COUNTER-11",
        title: "two counters, the good one last",
        making: "The phone's text with the counter twice, first a spent one and then its own, signed with its AuthKey.",
        expected: Expected::unlike_any_tee(&[Reason::DuplicateKey]),
        meaning: "Parsers disagree about doubled names; here the last one wins, elsewhere the first: a replay passes where two parsers work together.",
        fix: "Refuse objects with doubled names, or use a parser that does.",
        script: after_payment(&[Edit::CounterTwice { low_first: true }]),
        ..BASE
    },
    Attack {
        id: "SOTER-COUNTER-12",
        title: "two counters, the good one first",
        making: "The phone's text with the counter twice, first its own and then a spent one, signed with its AuthKey.",
        expected: Expected::unlike_any_tee(&[Reason::DuplicateKey]),
        meaning: "Parsers disagree about doubled names; here the first one wins, elsewhere the last: a replay passes where two parsers work together.",
        fix: "Refuse objects with doubled names, or use a parser that does.",
        script: after_payment(&[Edit::CounterTwice { low_first: false }]),
        ..BASE
    },
    Attack {
        id: "SOTER-COUNTER-13",
        title: "a gap in the counter",
        making: "An honest result whose counter is 100 above the last one, as after other apps have used the TEE.",
        fix: "Require greater, not plus one: every SOTER operation on the phone counts, also those of other apps.",
        script: after_payment(&[Edit::Counter(CounterIs::Above(100))]),
        ..HONEST
    },
    Attack {
        id: "SOTER-COUNTER-14",
        title: "a huge jump of the counter",
        making: "An honest result whose counter is 10^12.",
        expected: Expected::ShouldAccept(Policy {
            sentence: "A jump to 2,000,000,000 is refused as well: a limit for jumps is a policy that a careful server may have. Other apps on the phone count, too, so let the limit be far above a day's use",
            refuses: Refuses::Judged,
            tells: &[Tell {
                forgery: signed_in_software(&[Edit::Counter(CounterIs::Exactly(2_000_000_000))]),
                accepts: false,
                otherwise: "A jump to 2,000,000,000 is accepted, so the counter is kept in 32 bits",
            }],
        }),
        fix: "Keep the counter in 64 bits: a 32-bit column or type overflows.",
        script: after_payment(&[Edit::Counter(CounterIs::Exactly(1_000_000_000_000))]),
        ..HONEST
    },
    Attack {
        id: "SOTER-COUNTER-15",
        title: "the counter 2^53 and then 2^53 + 1",
        making: "An honest result with the counter 9007199254740992 and then one with 9007199254740993.",
        expected: Expected::ShouldAccept(Policy {
            sentence: "A server that takes safe integers alone has a policy that a careful server may have: no phone reaches 2^53 by counting",
            refuses: Refuses::ChosenCounter,
            tells: &[],
        }),
        meaning: "The counter is read as a double, for which both are the same number: near that value replays pass, or honest users are turned away.",
        fix: "Read the counter as a 64-bit integer: in JavaScript from the text with BigInt, not with JSON.parse alone.",
        script: Script::Send(
            &[Before::PayAt(1 << 53)],
            signed_in_software(&[Edit::Counter(CounterIs::Exactly((1 << 53) + 1))]),
        ),
        ..HONEST
    },
    Attack {
        id: "SOTER-COUNTER-16",
        title: "the next honest result of the same phone",
        making: "Two honest results of one phone, one after the other, each for an order of its own.",
        fix: "Use up the challenge and the counter of a result, not the phone or the user.",
        script: Script::Send(&[Before::Pay], Forgery { made: Made::ByPhone(Who::Owner), ..Forgery::HONEST }),
        ..HONEST
    },
    Attack {
        id: "SOTER-COUNTER-17",
        title: "two counters, the good one with a capital letter",
        making: "The phone's text with a spent counter and after it `Counter`, its own, signed with its AuthKey.",
        expected: Expected::unlike_any_tee(&[Reason::CounterReplayed, Reason::CounterRolledBack]),
        meaning: "The parser takes names without regard to case, as Go's does, and the last one wins: a replay passes where two parsers work together.",
        fix: "Compare the names of members exactly, or refuse names that differ in case alone.",
        script: after_payment(&[Edit::CounterInCapitals]),
        ..BASE
    },
    Attack {
        id: "SOTER-COUNTER-18",
        title: "two counters, the good one with an escape in its name",
        making: "The phone's text with a spent counter and after it a name that reads `counter` once its escape is undone, signed with its AuthKey.",
        expected: Expected::unlike_any_tee(&[Reason::DuplicateKey]),
        meaning: "Doubled names are searched in the text instead of in what it means, so one of them slips through.",
        fix: "Undo escapes first, and refuse objects with doubled names then.",
        script: after_payment(&[Edit::CounterEscaped]),
        ..BASE
    },
    Attack {
        id: "SOTER-COUNTER-19",
        title: "a spent counter under a new AuthKey",
        making: "An honest result is accepted, the client makes and uploads a new AuthKey, and that signs a fresh text with the counter of the first result.",
        meaning: "Counters are kept by key and forgotten with it: anybody who makes a phone renew its key starts from zero.",
        fix: "Keep the highest counter by cpu_id alone; it is the device's, whatever app or key.",
        script: Script::Send(
            &[Before::Pay, Before::RenewKey],
            signed_in_software(&[Edit::Counter(CounterIs::Equal)]),
        ),
        ..BASE
    },
    Attack {
        id: "SOTER-COUNTER-20",
        title: "a second phone of the same user, whose counter is lower",
        making: "Three honest results of the user's first phone, then one of another phone of the same user, new and with a lower counter.",
        expected: Expected::ShouldAccept(Policy {
            sentence: "The first phone is still served: one phone for each user is a policy that a careful server may have",
            refuses: Refuses::Judged,
            tells: &[
                Tell {
                    forgery: Forgery { made: Made::BySecondPhoneAhead, ..Forgery::HONEST },
                    accepts: false,
                    otherwise: "With a higher counter the second phone is accepted, so the counters of two phones are taken for one",
                },
                Tell {
                    forgery: Forgery::HONEST,
                    accepts: true,
                    otherwise: "The first phone is not served any more either",
                },
            ],
        }),
        fix: "Keep counters by cpu_id, not by user: each phone counts for itself.",
        script: Script::Send(
            &[Before::Pay, Before::Pay, Before::Pay, Before::SecondPhone],
            Forgery { made: Made::BySecondPhone, ..Forgery::HONEST },
        ),
        ..HONEST
    },
    Attack {
        id: "SOTER-COUNTER-21",
        title: "an honest result after a forged one with a huge counter",
        making: "Another user sends a result of their own with the owner's `cpu_id` and the counter 10^12 put in, which is refused; then the owner's phone pays.",
        meaning: "A forgery leaves something behind: with one request without a valid signature, anybody locks an honest user out.",
        fix: "Record a counter only once the signature is verified, and let no forgery count against the user in whose name it comes.",
        script: Script::Send(
            &[Before::Try(Forgery {
                made: Made::ByPhone(Who::Other),
                tampered: &[Edit::OwnersCpuId, Edit::Counter(CounterIs::Exactly(1_000_000_000_000))],
                login: Who::Other,
                claims: Claim::Who(Who::Other),
                ..Forgery::HONEST
            })],
            Forgery::HONEST,
        ),
        ..HONEST
    },
    Attack {
        id: "SOTER-COUNTER-22",
        title: "a spent counter in the name of another user of the same phone",
        making: "An honest result of the owner is accepted; then the same phone's AuthKey of another user signs a fresh text with the counter of that result.",
        meaning: "Counters are kept by user, so a phone that was rolled back goes on under another name.",
        fix: "Keep the highest counter by cpu_id alone; it is the device's, whatever user, app or key.",
        script: Script::Send(
            &[Before::Pay],
            Forgery {
                made: Made::InSoftware {
                    key: Signer::AnotherAuthKey,
                    edits: &[Edit::Counter(CounterIs::Equal)],
                    scheme: Scheme::STANDARD,
                },
                login: Who::Other,
                claims: Claim::Who(Who::Other),
                ..Forgery::HONEST
            },
        ),
        ..BASE
    },
    Attack {
        id: "SOTER-COUNTER-23",
        title: "a counter with leading zeros",
        making: "The phone's text with two zeros before the counter, which JSON does not allow, signed with its AuthKey.",
        expected: Expected::unlike_any_tee(&[Reason::MalformedJson, Reason::WrongType]),
        script: after_payment(&[Edit::Counter(CounterIs::LeadingZeros)]),
        ..WRONG_TYPE
    },
    Attack {
        id: "SOTER-COUNTER-24",
        title: "a counter of zero",
        making: "A fresh text with the counter 0 after an honest result was accepted, signed with the phone's AuthKey.",
        meaning: "Zero is taken for no counter at all, as languages do whose zero is false, and the check is skipped.",
        fix: "Ask whether the counter is there, not whether it is true.",
        script: after_payment(&[Edit::Counter(CounterIs::Exactly(0))]),
        ..BASE
    },
    Attack {
        id: "SOTER-COUNTER-25",
        title: "a counter of null",
        making: "The phone's text with `null` for its counter, signed with its AuthKey.",
        script: after_payment(&[Edit::Counter(CounterIs::Null)]),
        ..WRONG_TYPE
    },
    Attack {
        id: "SOTER-COUNTER-26",
        title: "a counter with one more digit",
        making: "An honest result with the counter 99999 and then one with 100000.",
        fix: "Compare counters as numbers: as texts, 100000 is less than 99999.",
        script: Script::Send(
            &[Before::PayAt(99_999)],
            signed_in_software(&[Edit::Counter(CounterIs::Exactly(100_000))]),
        ),
        ..HONEST
    },
    Attack {
        id: "SOTER-COUNTER-27",
        title: "an honest result after forged copies of it",
        making: "A result is recorded and kept back; copies with a flipped bit and in another name are refused; then the result itself is sent for the first time.",
        meaning: "A copy that is refused uses up the honest one: anybody who sees a result on its way can spoil it.",
        fix: "Spend a counter, or remember an answer, only once signature, app and user are verified.",
        script: Script::Send(
            &[
                Before::Record,
                Before::Try(Forgery { signature: Shape::BitFlipped, ..RECORDED }),
                Before::Try(Forgery { claims: Claim::OwnerElsewhere, ..RECORDED }),
            ],
            RECORDED,
        ),
        ..HONEST
    },
];
