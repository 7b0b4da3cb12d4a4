//! Attacks that send a genuine result again, or for another order or user.

use soter_wechat::Reason;

use crate::entry::{Attack, Expected, Holds, Layer};
use crate::kind::Kind;
use crate::steps::{Before, Challenge, Claim, Envelope, Forgery, Made, OrderOf, Record, Script, Shape, Who};

const REPLAYED: Forgery =
    Forgery { made: Made::Recorded(Record::Last), order: OrderOf::Recorded, ..Forgery::HONEST };

const BASE: Attack = Attack {
    id: "",
    layer: Layer::Verifier,
    kind: Kind::AcceptsReplay,
    title: "",
    holds: Holds::RecordedResult,
    making: "",
    expected: Expected::MustRefuse(&[Reason::CounterReplayed]),
    meaning: "Anybody who records one payment can repeat it.",
    fix: "Use each challenge once: take it out of storage in the same step that checks it. Keep the highest counter of each cpu_id and require a greater one.",
    profile: "trustonic",
    script: Script::Send(&[], REPLAYED),
};

pub(super) static ATTACKS: &[Attack] = &[
    Attack {
        id: "SOTER-REPLAY-01",
        title: "the same result twice",
        making: "An honest result, which was accepted, is sent again byte for byte; nothing is signed again.",
        script: Script::Send(&[Before::Pay], REPLAYED),
        ..BASE
    },
    Attack {
        id: "SOTER-REPLAY-02",
        kind: Kind::RacesItself,
        title: "the same result on several connections at once",
        making: "An honest result is sent on eight connections at the same instant, ten times over; nothing is signed again.",
        meaning: "The check and its record are two steps, and what arrives between them is accepted as well.",
        fix: "Check and record in one atomic step: a conditional UPDATE, a unique index, a compare-and-set. A SELECT before the UPDATE is not enough.",
        script: Script::Send(&[Before::Record], Forgery { envelope: Envelope::AtOnce, ..REPLAYED }),
        ..BASE
    },
    Attack {
        id: "SOTER-REPLAY-03",
        title: "the same result after a restart of the backend",
        making: "An honest result is accepted, the target is restarted, and the result is sent again byte for byte.",
        meaning: "What was used lives in memory alone, so a restart or a second server forgets it.",
        fix: "Store used challenges and the highest counters where they outlive the process, before the answer leaves.",
        script: Script::Send(&[Before::Pay, Before::Restart], REPLAYED),
        ..BASE
    },
    Attack {
        id: "SOTER-REPLAY-04",
        title: "an older result after newer ones",
        making: "Three honest results are accepted in turn; then the first is sent again byte for byte.",
        meaning: "Only the newest result is remembered, so older recordings can be repeated.",
        fix: "Require a counter greater than the highest seen for the cpu_id; do not just compare with the last one.",
        script: Script::Send(
            &[Before::Pay, Before::Pay, Before::Pay],
            Forgery { made: Made::Recorded(Record::First), ..REPLAYED },
        ),
        ..BASE
    },
    Attack {
        id: "SOTER-REPLAY-05",
        title: "a result that was kept back, after a newer one",
        making: "An honest result is recorded and kept back, a newer one is accepted, then the older one is sent for its own order.",
        expected: Expected::MustRefuse(&[Reason::CounterRolledBack]),
        meaning: "The counter is not compared with the highest one: results out of order are accepted, as from a phone that was rolled back.",
        fix: "Keep the highest counter of each cpu_id and require a greater one.",
        script: Script::Send(
            &[Before::Record, Before::Pay],
            Forgery { made: Made::Recorded(Record::First), ..REPLAYED },
        ),
        ..BASE
    },
    Attack {
        id: "SOTER-REPLAY-06",
        kind: Kind::ComparesCarelessly,
        layer: Layer::Application,
        title: "a result for another order of the same user",
        making: "The user authenticates for one order; the result is sent for another one, whose challenge is a different one.",
        expected: Expected::MustRefuse(&[]),
        meaning: "The touch for a small order pays a large one: the challenge in the result is not compared with the order's.",
        fix: "Compare `raw` of the verified result with the challenge of exactly this order, as strings, before anything happens.",
        script: Script::Send(&[Before::Record], Forgery { order: OrderOf::New, ..REPLAYED }),
        ..BASE
    },
    Attack {
        id: "SOTER-REPLAY-07",
        kind: Kind::ComparesCarelessly,
        layer: Layer::Application,
        title: "a result over a challenge that was never issued",
        holds: Holds::AnotherPhone,
        making: "The user's own phone signs a challenge of the attacker's choice; the result is sent for an order.",
        expected: Expected::MustRefuse(&[]),
        meaning: "A touch for anything at all, days ago or in another mini program's name, counts as consent to this order.",
        fix: "Compare `raw` of the verified result with the challenge that was issued for this order.",
        script: Script::Send(&[], Forgery { challenge: Challenge::NeverIssued, ..Forgery::HONEST }),
        ..BASE
    },
    Attack {
        id: "SOTER-REPLAY-08",
        kind: Kind::OutlivesLifetime,
        layer: Layer::Application,
        title: "a result after the login ended",
        making: "The user authenticates, the login ends, and only then the honest result is sent.",
        expected: Expected::MustRefuse(&[]),
        meaning: "Orders outlive the login in which they were placed, so a stolen result needs no session.",
        fix: "Bind each order to its session, and check the session when the result comes.",
        script: Script::Send(&[Before::Record, Before::Logout], REPLAYED),
        ..BASE
    },
    Attack {
        id: "SOTER-REPLAY-09",
        kind: Kind::ConfusesIdentities,
        layer: Layer::Application,
        title: "a result in another user's login",
        making: "The owner's honest result, recorded and kept back, is sent in the login of another user for that user's order.",
        expected: Expected::MustRefuse(&[Reason::OtherUsersResult]),
        meaning: "One user's touch pays another user's order.",
        fix: "Ask verify_signature with the openid of the session, and compare the challenge with that session's order.",
        script: Script::Send(
            &[Before::Record],
            Forgery { order: OrderOf::New, login: Who::Other, claims: Claim::Who(Who::Other), ..REPLAYED },
        ),
        ..BASE
    },
    Attack {
        id: "SOTER-REPLAY-10",
        title: "the same result with its signature written in another way",
        making: "An honest result, which was accepted, is sent again; its signature lacks the padding of Base64.",
        expected: Expected::MustRefuse(&[Reason::Base64Unpadded, Reason::CounterReplayed]),
        meaning: "Replays are recognised by the text of the signature, which has many spellings.",
        fix: "Recognise replays by challenge and counter, not by the bytes of the request.",
        script: Script::Send(&[Before::Pay], Forgery { signature: Shape::Unpadded, ..REPLAYED }),
        ..BASE
    },
    Attack {
        id: "SOTER-REPLAY-11",
        kind: Kind::ConfusesIdentities,
        layer: Layer::Application,
        title: "a result for its own order, in another user's login",
        making: "The owner's honest result, recorded and kept back, is sent for the owner's order in the login of another user.",
        expected: Expected::MustRefuse(&[Reason::OtherUsersResult]),
        meaning: "Anybody who knows the number of an order acts on it: sessions are checked to be there, not to be the right one.",
        fix: "Look orders up among those of the session's user; ask verify_signature with the openid of the session.",
        script: Script::Send(
            &[Before::Record],
            Forgery { login: Who::Other, claims: Claim::Who(Who::Other), ..REPLAYED },
        ),
        ..BASE
    },
    Attack {
        id: "SOTER-REPLAY-12",
        layer: Layer::Application,
        title: "a fresh result over a challenge that was used",
        holds: Holds::AnotherPhone,
        making: "An honest result is accepted; then the user's phone signs the same challenge once more, with a new counter, for the same order.",
        expected: Expected::MustRefuse(&[]),
        meaning: "A challenge lives on after its use: what the user consented to once happens again.",
        fix: "Use each challenge once: take it out of storage, or mark its order as paid, in the same step that checks it.",
        script: Script::Send(&[Before::Pay], Forgery { order: OrderOf::Recorded, ..Forgery::HONEST }),
        ..BASE
    },
    Attack {
        id: "SOTER-REPLAY-13",
        title: "the newest result, after an older one was refused",
        making: "Three honest results are accepted in turn, the first is sent again, which is refused; then the third is sent again byte for byte.",
        meaning: "A refused result leaves its counter behind as the last one, and lets newer ones pass again.",
        fix: "Write the counter only where it is greater: UPDATE … SET highest = ? WHERE highest < ?, and act on the number of rows.",
        script: Script::Send(
            &[
                Before::Pay,
                Before::Pay,
                Before::Pay,
                Before::Try(Forgery { made: Made::Recorded(Record::First), ..REPLAYED }),
            ],
            REPLAYED,
        ),
        ..BASE
    },
    Attack {
        id: "SOTER-REPLAY-14",
        title: "the same result twice, with a huge counter",
        making: "A result with the counter 10^12 is accepted, and sent again byte for byte.",
        meaning: "The counter is kept in a type that is too narrow: what is remembered is smaller than what was seen.",
        fix: "Keep the counter in 64 bits, and let the database refuse what does not fit instead of cutting it off.",
        script: Script::Send(&[Before::PayAt(1_000_000_000_000)], REPLAYED),
        ..BASE
    },
    Attack {
        id: "SOTER-REPLAY-15",
        title: "the same result twice, with a counter beyond doubles",
        making: "A result with the counter 2^53 + 1 is accepted, and sent again byte for byte.",
        meaning: "The counter is kept as a double: what is remembered is smaller than what was seen.",
        fix: "Keep the counter as a 64-bit integer, from the parser to the column.",
        script: Script::Send(&[Before::PayAt((1 << 53) + 1)], REPLAYED),
        ..BASE
    },
    Attack {
        id: "SOTER-REPLAY-16",
        kind: Kind::BelievesRequest,
        layer: Layer::Application,
        title: "a challenge of the attacker's choice, named in the request as well",
        holds: Holds::AnotherPhone,
        making: "The user's own phone signs a challenge that was never issued; the request for the order names the same challenge.",
        expected: Expected::MustRefuse(&[]),
        meaning: "The signed challenge is compared with the one of the request, so anybody who writes both is right.",
        fix: "Compare `raw` with the challenge that the server keeps for this order; let requests name the order alone.",
        script: Script::Send(&[], Forgery { challenge: Challenge::BroughtAlong, ..Forgery::HONEST }),
        ..BASE
    },
    Attack {
        id: "SOTER-REPLAY-17",
        kind: Kind::ComparesCarelessly,
        layer: Layer::Application,
        title: "a result for a newer order, sent for an older one",
        making: "The user places two orders and authenticates for the newer one; the result is sent for the older one.",
        expected: Expected::MustRefuse(&[]),
        meaning: "Only the newest challenge of a session is kept, so its result pays any order of that session.",
        fix: "Keep the challenge with its order, and compare `raw` with that one.",
        script: Script::Send(
            &[Before::Record, Before::Record],
            Forgery { order: OrderOf::FirstRecorded, ..REPLAYED },
        ),
        ..BASE
    },
    Attack {
        id: "SOTER-REPLAY-18",
        kind: Kind::RacesItself,
        layer: Layer::Application,
        title: "eight touches for one order at once",
        holds: Holds::AnotherPhone,
        making: "The user's phone signs the challenge of one order eight times, and all eight results arrive at the same instant, ten times over.",
        expected: Expected::MustRefuse(&[]),
        meaning: "The order is looked at, then something is waited for, then it is marked as paid: what arrives between is paid as well.",
        fix: "Take the order out of what can be paid in one atomic step, before or in the transaction that pays it.",
        script: Script::Send(
            &[Before::Record],
            Forgery { order: OrderOf::Recorded, envelope: Envelope::AtOnce, ..Forgery::HONEST },
        ),
        ..BASE
    },
    Attack {
        id: "SOTER-REPLAY-19",
        kind: Kind::RacesItself,
        layer: Layer::Application,
        title: "one touch for eight orders at once",
        holds: Holds::AnotherPhone,
        making: "The user's phone signs the challenge of one order, and the result arrives for this order and for seven others of the same user at the same instant, ten times over.",
        expected: Expected::MustRefuse(&[]),
        meaning: "The challenge is looked up without its order, then something is waited for, then it is used up: one touch pays for what arrives between.",
        fix: "Keep the challenge with its order, compare it with `raw` there, and use it up in one atomic step before anything is waited for.",
        script: Script::Send(&[], Forgery { envelope: Envelope::OneTouchAtOnce, ..Forgery::HONEST }),
        ..BASE
    },
];
