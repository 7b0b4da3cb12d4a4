//! The lines of code to write instead, by the kind of weakness.

use crate::kind::Kind;

/// What to write instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Remedy {
    AnswerWithoutSecrets,
    AskEachTime,
    AtomicCounter,
    CompareExactly,
    ConstantLifetime,
    EnrollNewKeys,
    FailClosed,
    ParseOnce,
    RandomChallenge,
    ServeHonest,
    SessionOpenid,
    UseOnce,
    VerifyExactBytes,
}

/// A language, and the code in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) language: Language,
    pub(super) text: &'static str,
}

/// The languages of most backends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Node,
    Python,
    Java,
    Go,
}

impl Language {
    /// Its name for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Node => "Node",
            Self::Python => "Python",
            Self::Java => "Java",
            Self::Go => "Go",
        }
    }

    /// Its name in JSON, and behind the fences of Markdown.
    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::Node => "javascript",
            Self::Python => "python",
            Self::Java => "java",
            Self::Go => "go",
        }
    }
}

impl Kind {
    /// What to write instead.
    pub(super) fn remedy(self) -> Remedy {
        match self {
            Self::AcceptsForgery => Remedy::VerifyExactBytes,
            Self::AcceptsReplay | Self::RacesItself => Remedy::UseOnce,
            Self::BelievesRequest | Self::ConfusesIdentities => Remedy::SessionOpenid,
            Self::ComparesCarelessly => Remedy::CompareExactly,
            Self::CountsCarelessly => Remedy::AtomicCounter,
            Self::Discloses => Remedy::AnswerWithoutSecrets,
            Self::FailsOpen => Remedy::FailClosed,
            Self::KeepsKeysCarelessly | Self::TakesWeakKeys => Remedy::EnrollNewKeys,
            Self::OutlivesLifetime => Remedy::ConstantLifetime,
            Self::ParsesLoosely => Remedy::ParseOnce,
            Self::PredictsChallenges => Remedy::RandomChallenge,
            Self::RefusesHonest => Remedy::ServeHonest,
            Self::RemembersAcceptance => Remedy::AskEachTime,
        }
    }

    /// What the weakness is about, for a developer who knows nothing of signatures yet.
    pub(super) fn background(self) -> &'static str {
        match self {
            Self::AcceptsForgery => {
                "After a touch, the phone signs a text, `resultJSON`, with a key that cannot leave its secure hardware (by RSA with the padding PSS, to which random bytes, the salt, belong). The signature is the only proof that the owner has touched: a server that accepts a text without the right signature over exactly its bytes accepts what anybody writes."
            }
            Self::AcceptsReplay => {
                "A result stays well signed for ever. Anybody who has seen one can send it again, so a server has to know which ones it has used up: by the challenge, which belongs to one order, and by the counter, which rises with each signature of a phone."
            }
            Self::BelievesRequest => {
                "Everything in a request is written by the sender, who may be an attacker: user, amount, verdict. Only what the server itself has stored, and what a verified signature covers, can be relied on."
            }
            Self::ComparesCarelessly => {
                "The signed text has a member `raw`: the challenge that the phone was given. It ties a touch to one order, but only if the server compares it with that order's own challenge, whole and exactly."
            }
            Self::ConfusesIdentities => {
                "A signature says which phone has signed (`cpu_id`), not whose order is paid. The server has to tie session, user, phone and order together itself; otherwise one person's touch pays in another one's name."
            }
            Self::CountsCarelessly => {
                "Each signature of a phone has a `counter` that is higher than the one before. A copied or restored phone, or a result that was sent before, shows by a counter that is not higher than the highest one so far: of this phone, for ever, whatever user or finger."
            }
            Self::Discloses => {
                "Keys, tokens and other people's identifiers are worth as much as a login. What a client does not need for its next step does not belong in an answer, a header, a cookie or an error text."
            }
            Self::FailsOpen => {
                "The server asks WeChat whether a signature holds. That can fail: no answer, an error, half an answer. A server that takes anything but a clear yes for a yes can be paid with forgeries whenever WeChat is down, and an attacker can wait for that or bring it about."
            }
            Self::KeepsKeysCarelessly => {
                "A server that checks signatures itself keeps a key for each phone and user. A phone makes a new one after a new finger or a loss, and the old one is worth nothing from then on. The old upload is still well signed: only the server knows that it was used up, by the key itself and by the counter in it."
            }
            Self::OutlivesLifetime => {
                "A challenge, a session and a login code are good for a short time, so that one which is stolen or forgotten is worth little. The time counts from when it was made, on the server's own clock."
            }
            Self::ParsesLoosely => {
                "If one part of a system reads a text in another way than the next one, an attacker writes a text that suits both: one checks the first of two equal names, and the other uses the second."
            }
            Self::PredictsChallenges => {
                "An attacker who can guess a challenge lets the owner sign it in advance, for something harmless, and uses the signature later for an order. So challenges are random, long, and never repeated."
            }
            Self::RacesItself => {
                "Two requests at the same moment both see that an order is open, and both pay it, unless looking and changing are one step that the database carries out as a whole."
            }
            Self::RefusesHonest => {
                "This is not an attack: an honest phone may send it. A server that refuses it turns people away, and lets an attacker do so on purpose."
            }
            Self::RemembersAcceptance => {
                "A verdict is about one text, one signature and one user together. If a server remembers a yes under a part of them, an attacker gets that yes for another text, after one honest payment."
            }
            Self::TakesWeakKeys => {
                "Phones make RSA keys of 2,048 bits with the exponent 65537. A shorter key can be computed from its public half, and with a tiny exponent signatures can be forged where a check is careless. The form of a key says nothing about who has made it, but an odd form says that no phone has."
            }
        }
    }
}

/// The files of a remedy.
macro_rules! codes {
    ($file:literal) => {
        [
            Code { language: Language::Node, text: include_str!(concat!("code/", $file, ".mjs")) },
            Code { language: Language::Python, text: include_str!(concat!("code/", $file, ".py")) },
            Code { language: Language::Java, text: include_str!(concat!("code/", $file, ".java")) },
            Code { language: Language::Go, text: include_str!(concat!("code/", $file, ".go")) },
        ]
    };
}

impl Remedy {
    /// Its name in JSON.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::AnswerWithoutSecrets => "answer-without-secrets",
            Self::AskEachTime => "ask-each-time",
            Self::AtomicCounter => "atomic-counter",
            Self::CompareExactly => "compare-exactly",
            Self::ConstantLifetime => "constant-lifetime",
            Self::EnrollNewKeys => "enroll-new-keys",
            Self::FailClosed => "fail-closed",
            Self::ParseOnce => "parse-once",
            Self::RandomChallenge => "random-challenge",
            Self::ServeHonest => "serve-honest",
            Self::SessionOpenid => "session-openid",
            Self::UseOnce => "use-once",
            Self::VerifyExactBytes => "verify-exact-bytes",
        }
    }

    /// One line: what the code does.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::AnswerWithoutSecrets => "answer with named values, never with whole records",
            Self::AskEachTime => "judge each result, and key what is kept by all that was judged",
            Self::AtomicCounter => "spend the counter in one UPDATE … WHERE highest < ?",
            Self::CompareExactly => "compare `raw` with the order's challenge, as strings, exactly",
            Self::ConstantLifetime => "let challenges and sessions end a fixed time after they were made",
            Self::EnrollNewKeys => "enroll only strong keys that are new, with a higher counter",
            Self::FailClosed => "accept only an is_ok that is true",
            Self::ParseOnce => "parse the verified text once, and refuse names that occur twice",
            Self::RandomChallenge => "make a challenge of 16 random bytes",
            Self::ServeHonest => "accept every counter that is greater, in 64 bits",
            Self::SessionOpenid => "take openid, amount and challenge from session and order",
            Self::UseOnce => "take the order in one UPDATE … WHERE state = 'open'",
            Self::VerifyExactBytes => "verify the signature over the exact bytes of resultJSON",
        }
    }

    /// The code, in each language.
    pub(super) fn code(self) -> [Code; 4] {
        match self {
            Self::AnswerWithoutSecrets => codes!("answer-without-secrets"),
            Self::AskEachTime => codes!("ask-each-time"),
            Self::AtomicCounter => codes!("atomic-counter"),
            Self::CompareExactly => codes!("compare-exactly"),
            Self::ConstantLifetime => codes!("constant-lifetime"),
            Self::EnrollNewKeys => codes!("enroll-new-keys"),
            Self::FailClosed => codes!("fail-closed"),
            Self::ParseOnce => codes!("parse-once"),
            Self::RandomChallenge => codes!("random-challenge"),
            Self::ServeHonest => codes!("serve-honest"),
            Self::SessionOpenid => codes!("session-openid"),
            Self::UseOnce => codes!("use-once"),
            Self::VerifyExactBytes => codes!("verify-exact-bytes"),
        }
    }
}

#[cfg(test)]
mod tests;
