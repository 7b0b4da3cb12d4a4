//! Attacks on servers that remember a good verdict and give it again for something else.

use soter_wechat::Reason;

use crate::entry::{Attack, Expected, Holds, Layer};
use crate::kind::Kind;
use crate::steps::{Before, Claim, CounterIs, Edit, Forgery, Made, OrderOf, Record, Script, Shape, Who};

/// The oldest recorded result for its own order, whose counter is too low by now.
const KEPT_BACK: Forgery =
    Forgery { made: Made::Recorded(Record::First), order: OrderOf::Recorded, ..Forgery::HONEST };

/// A result with a good signature is refused for its counter, and its order stays open. Then its text is changed.
const fn changed_after_refusal(signature: Shape) -> Script {
    let forgery = Forgery { tampered: &[Edit::Counter(CounterIs::Above(1000))], signature, ..KEPT_BACK };
    Script::Send(&[Before::Record, Before::Pay, Before::Try(KEPT_BACK)], forgery)
}

/// A result of the other user, for that user's own order.
const OTHERS: Forgery = Forgery {
    made: Made::ByPhone(Who::Other),
    login: Who::Other,
    claims: Claim::Who(Who::Other),
    ..Forgery::HONEST
};

const BASE: Attack = Attack {
    id: "",
    layer: Layer::Verifier,
    kind: Kind::RemembersAcceptance,
    title: "",
    holds: Holds::RecordedResult,
    making: "",
    expected: Expected::MustRefuse(&[Reason::WrongSignature]),
    meaning: "",
    fix: "Verify, or ask WeChat, for each result. If an answer is kept for repeated requests, keep it under the openid, the whole text and the whole signature together.",
    profile: "trustonic",
    script: Script::Send(&[], Forgery::HONEST),
};

pub(super) static ATTACKS: &[Attack] = &[
    Attack {
        id: "SOTER-CACHE-01",
        title: "the signature of an earlier payment under a new text",
        making: "An honest result is accepted. Then the text of the next one, for a new order and with a higher counter, is sent with the signature of the first.",
        meaning: "A signature that was good once counts as good for every text: one recorded payment pays all later orders, without a touch.",
        script: Script::Send(&[Before::Pay], Forgery { signature: Shape::OfRecorded, ..Forgery::HONEST }),
        ..BASE
    },
    Attack {
        id: "SOTER-CACHE-02",
        title: "the signature of an earlier payment, changed at its end, under a new text",
        making: "An honest result is accepted. Then the text of the next one, for a new order, is sent with the signature of the first, in which one bit of the last byte is flipped.",
        meaning: "Earlier verdicts are found by the beginning of a signature, so whatever begins like a good one counts as good.",
        script: Script::Send(
            &[Before::Pay],
            Forgery { signature: Shape::OfRecordedBitFlipped, ..Forgery::HONEST },
        ),
        ..BASE
    },
    Attack {
        id: "SOTER-CACHE-03",
        title: "the signature of somebody else's payment under an own text",
        making: "The owner's honest result is accepted. Then another user sends a text of their own, for their own order, with the owner's signature.",
        meaning: "A signature that was good for one user counts as good for all: one recorded payment of anybody pays for everybody.",
        script: Script::Send(&[Before::Pay], Forgery { signature: Shape::OfRecorded, ..OTHERS }),
        ..BASE
    },
    Attack {
        id: "SOTER-CACHE-04",
        title: "a forgery that names a phone whose result was accepted",
        making: "The owner's honest result is accepted. Then another user sends a text for their own order that names the cpu_id of the owner's phone and a higher counter, with a signature in which one bit is flipped.",
        expected: Expected::MustRefuse(&[Reason::WrongSignature, Reason::NoAuthKey]),
        meaning: "Verdicts are kept by phone: anybody who names a phone that has paid needs no signature.",
        script: Script::Send(
            &[Before::Pay],
            Forgery {
                tampered: &[Edit::OwnersCpuId, Edit::Counter(CounterIs::Above(1000))],
                signature: Shape::BitFlipped,
                ..OTHERS
            },
        ),
        ..BASE
    },
    Attack {
        id: "SOTER-CACHE-05",
        title: "a higher counter in a text that was refused for its counter",
        making: "An honest result is kept back until a newer one is accepted. It is sent, and refused for its counter. Then it is sent for its own order once more, with a higher counter in its text and the same signature.",
        meaning: "The verdict on a signature is kept although the result was refused, and is given again for a changed text: an old recording becomes a payment.",
        script: changed_after_refusal(Shape::AsMade),
        ..BASE
    },
    Attack {
        id: "SOTER-CACHE-06",
        title: "a higher counter and another signature for a challenge that was once signed well",
        making: "An honest result is kept back until a newer one is accepted. It is sent, and refused for its counter. Then it is sent for its own order once more, with a higher counter in its text and one bit of its signature flipped.",
        meaning: "The verdict is kept by the challenge, by a part of the text or by a part of the signature, so what follows needs no signature at all.",
        script: changed_after_refusal(Shape::BitFlipped),
        ..BASE
    },
];
