//! Attacks on logins: forged, foreseen and planted sessions.

use std::time::Duration;

use super::request;
use crate::entry::{Attack, Expected, Holds};
use crate::kind::Kind;
use crate::steps::{Before, Forgery, Made, Misuse, OrderOf, Record, Script};

/// A day, and a month.
const DAY: Duration = Duration::from_hours(24);
const MONTH: Duration = Duration::from_hours(31 * 24);

const BASE: Attack = Attack {
    meaning: "Anybody logs in as anybody: they see another user's orders, and open and pay some in that user's name.",
    fix: "Give each login a random token of at least 16 bytes that says nothing, and keep on the server whose it is; or sign tokens, and verify the signature before you read them.",
    ..request::BASE
};

const FIXATION: Attack = Attack {
    meaning: "Anybody who puts a cookie into a user's browser before the login, or shares a computer with them, has their login afterwards.",
    fix: "Make a new session with a new id at each login (session_regenerate_id(true), req.session.regenerate, request.changeSessionId), and take no id that the server has not made.",
    ..BASE
};

const LIFETIME: Attack = Attack {
    kind: Kind::OutlivesLifetime,
    expected: Expected::MustRefuse(&[]),
    holds: Holds::RecordedResult,
    ..BASE
};

pub(super) static ATTACKS: &[Attack] = &[
    Attack {
        id: "SOTER-SESSION-01",
        title: "one's own login with another user's name in it",
        making: "In the token of a login, or in its cookie, what says who has logged in is replaced by another user's: the openid, an id, the payload of a JSON Web Token. The signature in it stays the old one. An order is opened and paid with it.",
        script: Script::Session(Misuse::OthersIdentity),
        ..BASE
    },
    Attack {
        id: "SOTER-SESSION-02",
        title: "a JSON Web Token that says that it is not signed",
        making: "The token of a login gets another user's payload, the algorithm none, and no signature. An order is opened and paid with it.",
        fix: "Tell the library which algorithms are permitted, and let it verify. Never take the algorithm from the token.",
        script: Script::Session(Misuse::UnsignedToken),
        ..BASE
    },
    Attack {
        id: "SOTER-SESSION-03",
        title: "the token of the user who logs in next",
        making: "Two users log in one after the other, and their tokens are compared.",
        meaning: "Tokens count up: a user who logs in knows the tokens of those who log in before and afterwards.",
        script: Script::Session(Misuse::NextToken),
        ..BASE
    },
    Attack {
        id: "SOTER-SESSION-04",
        title: "cookies of before the login, after it",
        making: "A client gets cookies from a login that is refused. A user logs in with these cookies. Then an order is opened with the cookies of before.",
        script: Script::Session(Misuse::CookiesFromBefore),
        ..FIXATION
    },
    Attack {
        id: "SOTER-SESSION-05",
        title: "cookies that the attacker has chosen",
        making: "A user logs in with cookies that have the right names, and values that the attacker has made up. Then an order is opened with these cookies.",
        script: Script::Session(Misuse::ChosenCookies),
        ..FIXATION
    },
    Attack {
        id: "SOTER-LIFETIME-01",
        title: "a challenge of yesterday",
        making: "A result is made and held back. A day later, in a new login, it is sent for its order.",
        meaning: "A challenge has no end: a result that was signed under a pretext and held back pays when the attacker likes.",
        fix: "Keep with each challenge when it ends, some minutes after it was issued, and refuse later results.",
        script: Script::Send(
            &[Before::Record, Before::PassTime(DAY), Before::LogInAgain],
            Forgery { made: Made::Recorded(Record::Last), order: OrderOf::Recorded, ..Forgery::HONEST },
        ),
        ..LIFETIME
    },
    Attack {
        id: "SOTER-LIFETIME-02",
        title: "a login of last month",
        making: "A user logs in. A month later, an order is opened and paid in that login.",
        meaning: "A token that was stolen once is good for ever.",
        fix: "Keep with each login when it ends, and refuse it afterwards; some hours are usual where one pays.",
        holds: Holds::Network,
        script: Script::Session(Misuse::Kept(MONTH)),
        ..LIFETIME
    },
];
