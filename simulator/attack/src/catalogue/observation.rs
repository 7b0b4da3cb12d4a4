//! What all answers of a run show: secrets, and challenges that can be known in advance. They stand last, so that there are
//! many answers to be judged.

use crate::disclosure::Disclosed;
use crate::entry::{Attack, Expected};
use crate::kind::Kind;
use crate::predictability::Predictable;
use crate::steps::{Observation, Script};

const DISCLOSURE: Attack = Attack {
    kind: Kind::Discloses,
    expected: Expected::MustRefuse(&[]),
    making: "All answers of the audit are looked through, with their headers and cookies, also those to logins with strange codes and during outages of WeChat.",
    fix: "Answer with what the client needs, member by member, and never with an answer or an error of WeChat's or of a library. Log errors, and answer with a number that leads to the log.",
    ..Attack::BASE
};

const CHALLENGE: Attack = Attack {
    kind: Kind::PredictsChallenges,
    expected: Expected::MustRefuse(&[]),
    making: "All challenges of the audit are compared: with one another, with the clock, and with hashes of what anybody knows.",
    meaning: "Results can be signed before there is an order, under any pretext, and pay it later.",
    fix: "Put at least 16 bytes of a cryptographic random generator into each challenge: crypto.randomBytes, secrets.token_hex, SecureRandom, crypto/rand.",
    ..Attack::BASE
};

const fn disclosed(what: Disclosed) -> Script {
    Script::Observe(Observation::Disclosed(what))
}

const fn predictable(how: Predictable) -> Script {
    Script::Observe(Observation::Predictable(how))
}

pub(super) static ATTACKS: &[Attack] = &[
    Attack {
        id: "SOTER-DISCLOSURE-01",
        title: "the mini program's secret in an answer",
        meaning: "With the secret anybody gets access tokens, and asks and commands WeChat in the mini program's name.",
        script: disclosed(Disclosed::AppSecret),
        ..DISCLOSURE
    },
    Attack {
        id: "SOTER-DISCLOSURE-02",
        title: "an access token in an answer",
        meaning: "With an access token anybody asks and commands WeChat in the mini program's name, for up to two hours.",
        script: disclosed(Disclosed::AccessToken),
        ..DISCLOSURE
    },
    Attack {
        id: "SOTER-DISCLOSURE-03",
        title: "a session_key in an answer",
        meaning: "With the session_key of a login, data about the user such as the phone number can be forged and decrypted. WeChat's documentation says that it must not leave the server.",
        script: disclosed(Disclosed::SessionKey),
        ..DISCLOSURE
    },
    Attack {
        id: "SOTER-DISCLOSURE-04",
        title: "another user's openid in an answer",
        meaning: "A user who sees the openids of others can name them: in requests, to a careless verifier, in tokens that are made of them.",
        script: disclosed(Disclosed::OthersOpenid),
        ..DISCLOSURE
    },
    Attack {
        id: "SOTER-DISCLOSURE-05",
        title: "a stack trace in an answer",
        meaning: "A stack trace tells paths, versions and code, from which an attacker learns what to try next.",
        expected: Expected::ShouldRefuse(
            &[],
            "Some frameworks send stack traces in development alone, Express for example unless NODE_ENV is production: audit what runs in production",
        ),
        script: disclosed(Disclosed::StackTrace),
        ..DISCLOSURE
    },
    Attack {
        id: "SOTER-CHALLENGE-01",
        title: "one challenge for two users",
        meaning: "The result of one user's touch fits another order: what was confirmed for one is paid by the other.",
        script: predictable(Predictable::Repeated),
        ..CHALLENGE
    },
    Attack {
        id: "SOTER-CHALLENGE-02",
        title: "challenges so short that all can be tried",
        script: predictable(Predictable::Short),
        ..CHALLENGE
    },
    Attack {
        id: "SOTER-CHALLENGE-03",
        title: "challenges that count up",
        script: predictable(Predictable::Counting),
        ..CHALLENGE
    },
    Attack {
        id: "SOTER-CHALLENGE-04",
        title: "challenges made of the time",
        script: predictable(Predictable::TimeBased),
        ..CHALLENGE
    },
    Attack {
        id: "SOTER-CHALLENGE-05",
        title: "challenges that are hashes of what anybody knows",
        script: predictable(Predictable::Hash),
        ..CHALLENGE
    },
];
