//! Attacks on what surrounds a result: logins, access tokens, HTTP, and failures that look like successes.

use soter_wechat::Reason;

use crate::entry::{Attack, Expected, Holds, Layer};
use crate::kind::Kind;
use crate::steps::{Code, Envelope, Forgery, Made, Script};

const fn with_envelope(envelope: Envelope) -> Script {
    Script::Send(&[], Forgery { envelope, ..Forgery::HONEST })
}

const BASE: Attack = Attack {
    id: "",
    layer: Layer::Verifier,
    kind: Kind::ConfusesIdentities,
    title: "",
    holds: Holds::Network,
    making: "",
    expected: Expected::MustRefuse(&[]),
    meaning: "",
    fix: "",
    profile: "trustonic",
    script: Script::Send(&[], Forgery::HONEST),
};

const CODE: Attack = Attack {
    kind: Kind::OutlivesLifetime,
    meaning: "A login code that was seen once, in a log or on its way, opens the account again.",
    fix: "Give the code to jscode2session each time, and let an answer with an errcode end the login; keep no table of codes.",
    ..BASE
};

const TOKEN: Attack = Attack {
    kind: Kind::ConfusesIdentities,
    meaning: "verify_signature answers anybody who asks, so results of one mini program are good in another.",
    fix: "Check the access token of each request: that it was given out, to which app, and until when.",
    ..BASE
};

const OPENID: Attack = Attack {
    kind: Kind::ConfusesIdentities,
    expected: Expected::MustRefuse(&[Reason::Errcode(40003)]),
    meaning: "What is not an openid is not compared, or matches any: every user's result is good for every other.",
    fix: "Require a string, and look for exactly that openid.",
    ..BASE
};

pub(super) static ATTACKS: &[Attack] = &[
    Attack {
        id: "SOTER-PROTOCOL-01",
        title: "a login code used twice",
        making: "A code of wx.login is used, which works, and then used again.",
        expected: Expected::MustRefuse(&[Reason::Errcode(40163), Reason::Errcode(40029)]),
        script: Script::Login(Code::Twice),
        ..CODE
    },
    Attack {
        id: "SOTER-PROTOCOL-02",
        title: "a login code that has expired",
        making: "A code of wx.login is used for the first time after more than five minutes.",
        expected: Expected::MustRefuse(&[Reason::Errcode(40029)]),
        script: Script::Login(Code::Expired),
        ..CODE
    },
    Attack {
        id: "SOTER-PROTOCOL-03",
        title: "a login code of another mini program",
        making: "A code of wx.login that was made in another mini program is used here.",
        expected: Expected::MustRefuse(&[Reason::Errcode(40029)]),
        meaning: "Anybody who runs another mini program logs in here as its users.",
        script: Script::Login(Code::OfAnotherApp),
        ..CODE
    },
    Attack {
        id: "SOTER-PROTOCOL-04",
        kind: Kind::OutlivesLifetime,
        title: "an access token that has expired",
        making: "An honest result, asked about with a stable access token that a forced refresh has ended.",
        expected: Expected::MustRefuse(&[Reason::Errcode(42001), Reason::Errcode(40001)]),
        script: with_envelope(Envelope::ExpiredToken),
        ..TOKEN
    },
    Attack {
        id: "SOTER-PROTOCOL-05",
        title: "the access token of another mini program",
        making: "An honest result, asked about with the access token of another mini program.",
        expected: Expected::MustRefuse(&[Reason::OtherAppsResult, Reason::Errcode(40003)]),
        script: with_envelope(Envelope::OtherAppsToken),
        ..TOKEN
    },
    Attack {
        id: "SOTER-PROTOCOL-06",
        title: "no access token",
        making: "An honest result, asked about without an access token.",
        expected: Expected::MustRefuse(&[Reason::Errcode(41001)]),
        script: with_envelope(Envelope::NoToken),
        ..TOKEN
    },
    Attack {
        id: "SOTER-PROTOCOL-07",
        title: "an access token that nobody has given out",
        making: "An honest result, asked about with a made-up access token.",
        expected: Expected::MustRefuse(&[Reason::Errcode(40001)]),
        script: with_envelope(Envelope::Token("emulated_made_up")),
        ..TOKEN
    },
    Attack {
        id: "SOTER-PROTOCOL-08",
        title: "GET instead of POST",
        making: "An honest result in the body of a GET request.",
        expected: Expected::MustRefuse(&[Reason::Errcode(43002)]),
        meaning: "A link or an image can spend a result, and proxies may repeat or keep the request.",
        fix: "Accept POST alone for what changes something.",
        script: with_envelope(Envelope::Get),
        ..BASE
    },
    Attack {
        id: "SOTER-PROTOCOL-09",
        title: "a failure dressed up as a success",
        making: "The callback of a touch that was not recognised (errCode 90009), with its empty text and signature, sent as if it were a success.",
        expected: Expected::MustRefuse(&[Reason::SignatureLength, Reason::BadSignatureEncoding]),
        meaning: "The server believes the mini program's word that the touch was good.",
        fix: "Act on a result that was verified, never on errCode or on the request having come at all.",
        script: Script::Send(&[], Forgery { made: Made::Failed, ..Forgery::HONEST }),
        ..BASE
    },
    Attack {
        id: "SOTER-PROTOCOL-10",
        title: "no openid",
        making: "An honest result, asked about without an openid.",
        script: with_envelope(Envelope::Member("openid", None)),
        ..OPENID
    },
    Attack {
        id: "SOTER-PROTOCOL-11",
        title: "true for an openid",
        making: "An honest result, asked about with `true` for the openid.",
        script: with_envelope(Envelope::Member("openid", Some("true"))),
        ..OPENID
    },
    Attack {
        id: "SOTER-PROTOCOL-12",
        title: "a condition for an openid",
        making: "An honest result, asked about with the openid {\"$ne\":\"\"}, which document databases read as: any.",
        script: with_envelope(Envelope::Member("openid", Some(r#"{"$ne":""}"#))),
        ..OPENID
    },
    Attack {
        id: "SOTER-PROTOCOL-13",
        title: "a wildcard for an openid",
        making: "An honest result, asked about with the openid `%`, which LIKE reads as: any.",
        script: with_envelope(Envelope::Member("openid", Some(r#""%""#))),
        ..OPENID
    },
    Attack {
        id: "SOTER-PROTOCOL-14",
        title: "an empty openid",
        making: "An honest result, asked about with an empty openid.",
        script: with_envelope(Envelope::Member("openid", Some(r#""""#))),
        ..OPENID
    },
    Attack {
        id: "SOTER-PROTOCOL-15",
        title: "an empty access token",
        making: "An honest result, asked about with an empty access token.",
        expected: Expected::MustRefuse(&[Reason::Errcode(41001), Reason::Errcode(40001)]),
        script: with_envelope(Envelope::Token("")),
        ..TOKEN
    },
];
