//! Attacks on where a server keeps its counters, for how long, and where it reads them.

use soter_wechat::Reason;

use super::counter::{BASE, signed_in_software};
use crate::entry::{Attack, Expected};
use crate::kind::Kind;
use crate::software_key::Scheme;
use crate::steps::{Before, Claim, CounterIs, Edit, Envelope, Forgery, Made, Script, Signer, Variant};

const fn variant(name: &'static str, edits: &'static [Edit]) -> Variant {
    Variant { name, forgery: signed_in_software(edits) }
}

/// The highest counter that was accepted.
const SPENT: Edit = Edit::Counter(CounterIs::Equal);

pub(super) static ATTACKS: &[Attack] = &[
    Attack {
        id: "SOTER-COUNTER-28",
        title: "a spent counter with another finger",
        making: "An honest result is accepted; then a fresh text with the counter of that result and another `fid` is signed with the phone's AuthKey.",
        meaning: "Counters are kept for each finger, so a phone that was rolled back goes on with another finger.",
        fix: "Keep the highest counter by cpu_id alone; it is the device's, whatever finger, user, app or key.",
        script: Script::Send(&[Before::Pay], signed_in_software(&[Edit::Text("fid", "7"), SPENT])),
        ..BASE
    },
    Attack {
        id: "SOTER-COUNTER-29",
        kind: Kind::ConfusesIdentities,
        title: "a spent counter under another spelling of the device",
        making: "An honest result is accepted; then a fresh text with the counter of that result, and with a space or a zero next to its `cpu_id` or `uid`, is signed with the phone's AuthKey.",
        expected: Expected::MustRefuse(&[Reason::UnknownDevice, Reason::NoAuthKey, Reason::WrongKey]),
        meaning: "Keys are looked up without regard to spaces or leading zeros, as some databases do, and counters with: one phone has as many counters as spellings.",
        fix: "Compare cpu_id and uid exactly everywhere, and trim neither.",
        script: Script::SendEach(
            &[Before::Pay],
            &[
                variant("a space behind cpu_id", &[Edit::Around("cpu_id", "", " "), SPENT]),
                variant("a space before cpu_id", &[Edit::Around("cpu_id", " ", ""), SPENT]),
                variant("a zero before cpu_id", &[Edit::Around("cpu_id", "0", ""), SPENT]),
                variant("a space behind uid", &[Edit::Around("uid", "", " "), SPENT]),
                variant("a zero before uid", &[Edit::Around("uid", "0", ""), SPENT]),
            ],
        ),
        ..BASE
    },
    Attack {
        id: "SOTER-COUNTER-30",
        title: "a counter far below the highest",
        making: "A result with the counter 1,000,000 is accepted; then the phone's own text, whose counter is still small, is signed with its AuthKey.",
        meaning: "A counter that is far too low is taken for a new beginning, as of a phone that was reset or a number that overflowed: a phone that was rolled back far enough is accepted.",
        fix: "Require a greater counter, however far below the other one is. A phone that was reset uploads new keys and has another ASK.",
        script: Script::Send(&[Before::PayAt(1_000_000)], signed_in_software(&[])),
        ..BASE
    },
    Attack {
        id: "SOTER-COUNTER-31",
        title: "a spent counter after 25 other phones",
        making: "An honest result is accepted, then one of each of 25 other users' phones; then a fresh text with the counter of the first result is signed with the first phone's AuthKey.",
        meaning: "Only the counters of the last phones are kept: anybody who waits for a while, or pays with a few phones in between, can go back to an old state.",
        fix: "Keep the highest counter of each cpu_id for good, in a table and not in a cache.",
        script: Script::Send(&[Before::Pay, Before::OthersPay(25)], signed_in_software(&[SPENT])),
        ..BASE
    },
    Attack {
        id: "SOTER-COUNTER-32",
        title: "a spent counter, and a higher number where a search finds it",
        making: "An honest result is accepted; then a fresh text with the counter of that result, and with a member before it in which the word counter is followed by 999999, is signed with the phone's AuthKey.",
        meaning: "The counter is searched in the text instead of read from the parsed JSON: what stands first wins, and the challenge may be such a place, too.",
        fix: "Parse the JSON, and take the member `counter` of the outermost object.",
        script: Script::SendEach(
            &[Before::Pay],
            &[
                variant("in a text", &[SPENT, Edit::First("x", r#""\"counter\":999999""#)]),
                variant("in a name that ends in counter", &[SPENT, Edit::First("xcounter", "999999")]),
                variant("in an inner object", &[SPENT, Edit::First("x", r#"{"counter":999999}"#)]),
            ],
        ),
        ..BASE
    },
    Attack {
        id: "SOTER-COUNTER-33",
        kind: Kind::RacesItself,
        title: "one counter for eight orders at once",
        making: "After an honest result, eight texts for eight orders with one and the same new counter are signed with the phone's AuthKey, and arrive at the same instant, ten times over.",
        expected: Expected::MustRefuse(&[Reason::CounterReplayed]),
        meaning: "The counter is compared, then something is waited for, then it is recorded: a phone and its clone pay at the same moment.",
        fix: "Compare and record in one atomic step: UPDATE … SET highest = ? WHERE highest < ?, and act on the number of rows.",
        script: Script::Send(
            &[Before::Pay],
            Forgery { envelope: Envelope::AtOnce, ..signed_in_software(&[Edit::Counter(CounterIs::Next)]) },
        ),
        ..BASE
    },
    Attack {
        id: "SOTER-COUNTER-34",
        kind: Kind::ParsesLoosely,
        title: "a counter that is not a number, or infinite",
        making: "After an honest result, the phone's text with NaN, Infinity, -Infinity or 1e400 for its counter, signed with its AuthKey.",
        expected: Expected::unlike_any_tee(&[Reason::MalformedJson, Reason::WrongType]),
        meaning: "The parser takes more than JSON allows, or more than a double holds. Every comparison with NaN is false, so a check for a counter that is too low lets it pass; and after infinity no honest counter is high enough.",
        fix: "Read the counter strictly: an integer literal from 0 to 2^63 - 1, nothing else.",
        script: Script::SendEach(
            &[Before::Pay],
            &[
                variant("NaN", &[Edit::Counter(CounterIs::Literal("NaN"))]),
                variant("Infinity", &[Edit::Counter(CounterIs::Literal("Infinity"))]),
                variant("-Infinity", &[Edit::Counter(CounterIs::Literal("-Infinity"))]),
                variant(
                    "1e400, which is infinite as a double",
                    &[Edit::Counter(CounterIs::Literal("1e400"))],
                ),
            ],
        ),
        ..BASE
    },
    Attack {
        id: "SOTER-COUNTER-35",
        kind: Kind::ParsesLoosely,
        title: "a counter that does not fit into 64 bits",
        making: "After an honest result, the phone's text with 2^63, 2^64 or 10^30 for its counter, signed with its AuthKey.",
        expected: Expected::unlike_any_tee(&[Reason::MalformedJson, Reason::WrongType]),
        meaning: "The counter is read as a number that is too large for the ledger. Where it is kept, it becomes negative, small, or the largest number there is.",
        fix: "Read the counter strictly: an integer literal from 0 to 2^63 - 1, nothing else.",
        script: Script::SendEach(
            &[Before::Pay],
            &[
                variant("2^63", &[Edit::Counter(CounterIs::Literal("9223372036854775808"))]),
                variant("2^64", &[Edit::Counter(CounterIs::Literal("18446744073709551616"))]),
                variant("10^30", &[Edit::Counter(CounterIs::Literal("1000000000000000000000000000000"))]),
            ],
        ),
        ..BASE
    },
    Attack {
        id: "SOTER-COUNTER-36",
        title: "a counter a little below the highest that was never shown",
        making: "A result with the counter 10,000 is accepted; then a fresh text with a counter that is lower by 10, or by 100, and that no result had, is signed with the phone's AuthKey.",
        meaning: "Counters are accepted out of order, within a window or with a tolerance: a phone that was rolled back or cloned goes on between the numbers of the other one.",
        fix: "Require a counter that is greater than the highest one, without a window. A result that comes late is refused, and the user tries again.",
        script: Script::SendEach(
            &[Before::PayAt(10_000)],
            &[
                variant("lower by 10", &[Edit::Counter(CounterIs::Below(10))]),
                variant("lower by 100", &[Edit::Counter(CounterIs::Below(100))]),
            ],
        ),
        ..BASE
    },
    Attack {
        id: "SOTER-COUNTER-37",
        title: "a spent counter over eight new connections",
        making: "An honest result is accepted; then eight fresh texts for new orders with the counter of that result are signed with the phone's AuthKey, and each is sent over a new connection.",
        meaning: "Each process of the server keeps counters of its own. New connections are spread over the processes, and one that has not seen the phone's last result accepts its old counter.",
        fix: "Keep the highest counters where all processes of the server share them: in the database, not in variables.",
        script: Script::Send(
            &[Before::Pay],
            Forgery { envelope: Envelope::NewConnections, ..signed_in_software(&[SPENT]) },
        ),
        ..BASE
    },
    Attack {
        id: "SOTER-COUNTER-38",
        title: "a spent counter in another mini program of the same phone",
        making: "An honest result is accepted; then the same phone's AuthKey of another mini program signs a fresh text with the counter of that result, which is sent with that mini program's access token.",
        meaning: "Counters are kept by mini program, so a phone that was rolled back goes on in another one.",
        fix: "Keep the highest counter by cpu_id alone; it is the device's, whatever user, app or key.",
        script: Script::Send(
            &[Before::Pay],
            Forgery {
                made: Made::InSoftware {
                    key: Signer::OtherAppsAuthKey,
                    edits: &[SPENT],
                    scheme: Scheme::STANDARD,
                },
                claims: Claim::OwnerElsewhere,
                envelope: Envelope::OtherAppsToken,
                ..Forgery::HONEST
            },
        ),
        ..BASE
    },
];
