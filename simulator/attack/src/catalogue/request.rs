//! Attacks on applications that believe what a request says about user, verdict or amount.

use crate::entry::{Attack, Expected};
use crate::steps::{Addition, Envelope, Forgery, Place, Script, Shape, Variant};

/// An attack on an application by what anybody can send.
pub(super) const BASE: Attack = Attack {
    meaning: "The sender of a request chooses who pays: one user confirms with their own finger, and another user is asked about or charged.",
    fix: "Take the user from the session alone. Do not read names of users from body, query, headers or cookies, and do not copy a request's members into objects of your own.",
    ..Attack::BASE
};

const fn other_user(place: Place) -> Script {
    Script::Send(&[], Forgery { envelope: Envelope::Added(Addition::OtherUser, place), ..Forgery::HONEST })
}

/// A signature of zeros, in a request that says that it is verified.
const fn verified(name: &'static str, place: Place) -> Variant {
    Variant { name, forgery: Forgery { envelope: Envelope::Added(Addition::Verified, place), ..ZEROS } }
}

/// A signature of zeros, in a request as it is.
const ZEROS: Forgery = Forgery { signature: Shape::Zeros, ..Forgery::HONEST };

const fn amount(place: Place) -> Script {
    Script::Send(&[], Forgery { envelope: Envelope::Added(Addition::Amount, place), ..Forgery::HONEST })
}

const AMOUNT: Attack = Attack {
    meaning: "The amount that is paid is what the request says, and not what the user has confirmed.",
    fix: "Take the amount from the order that the challenge was issued for. What a request to pay says about it counts for nothing.",
    ..BASE
};

pub(super) static ATTACKS: &[Attack] = &[
    Attack {
        id: "SOTER-REQUEST-01",
        title: "another user's names in the body",
        making: "An honest request to pay gets more members in its body: openid, userId and the like, and the names that the answer to a login has, with another user's values.",
        script: other_user(Place::Body),
        ..BASE
    },
    Attack {
        id: "SOTER-REQUEST-02",
        title: "another user's names in the query",
        making: "An honest request to pay gets a query with openid, userId and the like, with another user's values.",
        script: other_user(Place::Query),
        ..BASE
    },
    Attack {
        id: "SOTER-REQUEST-03",
        title: "another user's names in headers",
        making: "An honest request to pay gets headers such as X-User-Id, X-WX-OPENID and X-Forwarded-User, with another user's values.",
        meaning: "The headers of a proxy or of WeChat Cloud Run are believed from anybody: one user confirms, and another is asked about or charged.",
        fix: "Read such headers only where every request comes through the proxy that sets them, and let the proxy remove those of clients.",
        script: other_user(Place::Headers),
        ..BASE
    },
    Attack {
        id: "SOTER-REQUEST-04",
        title: "another user's names in cookies",
        making: "An honest request to pay gets cookies such as openid and userId, with another user's values.",
        script: other_user(Place::Cookies),
        ..BASE
    },
    Attack {
        id: "SOTER-REQUEST-05",
        title: "a request that says that it is verified",
        making: "A result with a signature of zeros is sent with verified, is_ok, success, authMode, debug and the like, in the body, in the query, in headers and in cookies.",
        expected: Expected::MustRefuse(&[]),
        meaning: "A request that says so counts as verified: nobody needs a finger.",
        fix: "Let nothing but WeChat's is_ok decide, in a variable that no request can set. Remove switches for tests from what runs in production.",
        script: Script::SendEach(
            &[],
            &[
                verified("in the query", Place::Query),
                verified("in headers", Place::Headers),
                verified("in cookies", Place::Cookies),
                verified("in the body", Place::Body),
            ],
        ),
        ..BASE
    },
    Attack {
        id: "SOTER-REQUEST-06",
        title: "another amount in the body",
        making: "After an honest payment, a request to pay gets members such as amount, price and fee in its body. What the payment changes is compared with what the honest one has changed.",
        script: amount(Place::Body),
        ..AMOUNT
    },
    Attack {
        id: "SOTER-REQUEST-07",
        title: "another amount in the query",
        making: "After an honest payment, a request to pay gets a query with amount, price, fee and the like. What the payment changes is compared with what the honest one has changed.",
        script: amount(Place::Query),
        ..AMOUNT
    },
];
