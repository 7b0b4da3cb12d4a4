//! Attacks while WeChat's servers fail, which an application must not take for a success.

use crate::entry::{Attack, Expected, Holds, Layer};
use crate::kind::Kind;
use crate::outage::{Failure, Outage};
use crate::steps::{Before, Envelope, Forgery, Script, Shape};

/// A result with a flipped bit in its signature, while WeChat's servers fail.
const fn forged_during(before: &'static [Before], outage: Outage) -> Script {
    let forgery =
        Forgery { signature: Shape::BitFlipped, envelope: Envelope::During(outage), ..Forgery::HONEST };
    Script::Send(before, forgery)
}

/// The same, while verify_signature fails.
const fn forged_while(failure: Failure) -> Script {
    forged_during(&[], Outage::Verdicts(failure))
}

/// The same, while there is no access token.
const fn forged_without_token(failure: Failure) -> Script {
    forged_during(&[], Outage::Tokens(failure))
}

const NO_ANSWER_FIX: &str = "Give the request to WeChat a timeout of a few seconds, and refuse when it is over, or answer that the payment is still open. Nothing that a catch block returns may be a yes.";
const VALUE_FIX: &str = "Compare is_ok with the boolean true and nothing else: not its text, not whether it is there, not whether it is different from false.";
const QUOTA_FIX: &str = "An answer with an errcode other than 0 is not a verdict: refuse, and ask again later. Look at errcode yourself: isSuccessful() of node-easywechat 3.6.2 is true for every errcode.";
const KNOWN_FIX: &str = "A verdict is about one result. What WeChat said of an earlier one says nothing about this one: refuse as long as WeChat cannot be asked.";
const TOKEN_FIX: &str = "Without an access token there is no verdict: refuse. After 40001, fetch another token and repeat the request once or twice, never without a limit. wechat-api 1.35.1 repeats it with the same dead token, and isSuccessful() of node-easywechat 3.6.2 is true for every errcode, so look at errcode yourself.";

const BASE: Attack = Attack {
    id: "",
    layer: Layer::Application,
    kind: Kind::FailsOpen,
    title: "",
    holds: Holds::Network,
    making: "",
    expected: Expected::MustRefuse(&[]),
    meaning: "The application fails open: anybody who waits for an outage, or causes one, pays without a touch.",
    fix: "Act on is_ok being true, and on nothing else: an error, an exception or a missing member is a no, or a later.",
    profile: "trustonic",
    script: Script::Send(&[], Forgery::HONEST),
};

pub(super) static ATTACKS: &[Attack] = &[
    Attack {
        id: "SOTER-OUTAGE-01",
        title: "a forgery while WeChat answers 502",
        making: "A result with a flipped bit in its signature, while verify_signature answers with a proxy's page and status 502.",
        script: forged_while(Failure::BadGateway),
        ..BASE
    },
    Attack {
        id: "SOTER-OUTAGE-02",
        title: "a forgery while WeChat answers with a system error",
        making: "A result with a flipped bit in its signature, while verify_signature answers errcode -1.",
        script: forged_while(Failure::Errcode(-1)),
        ..BASE
    },
    Attack {
        id: "SOTER-OUTAGE-03",
        title: "a forgery while WeChat answers without a verdict",
        making: "A result with a flipped bit in its signature, while verify_signature answers errcode 0 without is_ok.",
        script: forged_while(Failure::NoVerdict),
        ..BASE
    },
    Attack {
        id: "SOTER-OUTAGE-04",
        title: "a forgery while WeChat's answers break off",
        making: "A result with a flipped bit in its signature, while verify_signature breaks off in the middle of its answer.",
        script: forged_while(Failure::BreaksOff),
        ..BASE
    },
    Attack {
        id: "SOTER-OUTAGE-05",
        title: "a forgery while WeChat does not answer in time",
        making: "A result with a flipped bit in its signature, while verify_signature gives no answer until the application, or the audit's --timeout, gives up. An application that does not answer either has accepted nothing.",
        fix: NO_ANSWER_FIX,
        script: forged_while(Failure::NoAnswer),
        ..BASE
    },
    Attack {
        id: "SOTER-OUTAGE-06",
        title: "a forgery while WeChat's answers are empty",
        making: "A result with a flipped bit in its signature, while verify_signature answers with status 200 and no body.",
        script: forged_while(Failure::Empty),
        ..BASE
    },
    Attack {
        id: "SOTER-OUTAGE-07",
        title: "a forgery while a page stands in for WeChat",
        making: "A result with a flipped bit in its signature, while verify_signature answers with an HTML page and status 200, as a proxy or a captive portal does.",
        script: forged_while(Failure::Html),
        ..BASE
    },
    Attack {
        id: "SOTER-OUTAGE-08",
        title: "a forgery while WeChat's answers are half a JSON text",
        making: "A result with a flipped bit in its signature, while verify_signature answers with status 200 and a JSON text that ends before the value of is_ok. For HTTP the answer is complete.",
        script: forged_while(Failure::HalfJson),
        ..BASE
    },
    Attack {
        id: "SOTER-OUTAGE-09",
        title: "a forgery while is_ok is the text false",
        making: "A result with a flipped bit in its signature, while verify_signature answers errcode 0 with \"false\" as a text for is_ok. In most languages a text that is not empty counts as true.",
        fix: VALUE_FIX,
        script: forged_while(Failure::IsOk("\"false\"")),
        ..BASE
    },
    Attack {
        id: "SOTER-OUTAGE-10",
        title: "a forgery while is_ok is 0",
        making: "A result with a flipped bit in its signature, while verify_signature answers errcode 0 with the number 0 for is_ok.",
        fix: VALUE_FIX,
        script: forged_while(Failure::IsOk("0")),
        ..BASE
    },
    Attack {
        id: "SOTER-OUTAGE-11",
        title: "a forgery while is_ok is null",
        making: "A result with a flipped bit in its signature, while verify_signature answers errcode 0 with null for is_ok.",
        fix: VALUE_FIX,
        script: forged_while(Failure::IsOk("null")),
        ..BASE
    },
    Attack {
        id: "SOTER-OUTAGE-12",
        title: "a forgery while the calls of the day are used up",
        making: "A result with a flipped bit in its signature, while verify_signature answers errcode 45009: the app has used up its calls of the day.",
        meaning: "The application fails open: anybody who sends enough requests uses up the calls of the day, and pays without a touch until midnight.",
        fix: QUOTA_FIX,
        script: forged_while(Failure::Errcode(45009)),
        ..BASE
    },
    Attack {
        id: "SOTER-OUTAGE-13",
        title: "a forgery while WeChat says that calls come too often",
        making: "A result with a flipped bit in its signature, while verify_signature answers errcode 45011: the app calls too often in a minute.",
        meaning: "The application fails open: anybody who sends enough requests in a minute pays without a touch.",
        fix: QUOTA_FIX,
        script: forged_while(Failure::Errcode(45011)),
        ..BASE
    },
    Attack {
        id: "SOTER-OUTAGE-14",
        title: "a forgery while WeChat refuses every access token",
        making: "A result with a flipped bit in its signature, while verify_signature answers errcode 40001 to every access token, new ones too.",
        fix: TOKEN_FIX,
        script: forged_while(Failure::Errcode(40001)),
        ..BASE
    },
    Attack {
        id: "SOTER-OUTAGE-15",
        title: "a forgery while the calls for access tokens are used up",
        making: "A result with a flipped bit in its signature, while verify_signature refuses the access token, and requests for another one are answered with errcode 45009.",
        fix: TOKEN_FIX,
        script: forged_without_token(Failure::Errcode(45009)),
        ..BASE
    },
    Attack {
        id: "SOTER-OUTAGE-16",
        title: "a forgery while requests for access tokens get 502",
        making: "A result with a flipped bit in its signature, while verify_signature refuses the access token, and requests for another one are answered with a proxy's page and status 502.",
        fix: TOKEN_FIX,
        script: forged_without_token(Failure::BadGateway),
        ..BASE
    },
    Attack {
        id: "SOTER-OUTAGE-17",
        title: "a forgery while WeChat gives no access token for the app secret",
        making: "A result with a flipped bit in its signature, while verify_signature refuses the access token, and requests for another one are answered with errcode 40001, as after a change of the app secret.",
        fix: TOKEN_FIX,
        script: forged_without_token(Failure::Errcode(40001)),
        ..BASE
    },
    Attack {
        id: "SOTER-OUTAGE-18",
        title: "a forgery of somebody who has paid before, while WeChat answers 502",
        making: "An honest result is accepted. Then a result with a flipped bit in its signature follows, while verify_signature answers with a proxy's page and status 502.",
        meaning: "In an outage the application trusts everybody who has paid before: a stolen session is enough then, without a touch.",
        fix: KNOWN_FIX,
        script: forged_during(&[Before::Pay], Outage::Verdicts(Failure::BadGateway)),
        ..BASE
    },
    Attack {
        id: "SOTER-OUTAGE-19",
        title: "a forgery of somebody who has paid before, while there is no access token",
        making: "An honest result is accepted. Then a result with a flipped bit in its signature follows, while verify_signature refuses the access token, and requests for another one are answered with errcode 45009.",
        meaning: "In an outage the application trusts everybody who has paid before: a stolen session is enough then, without a touch.",
        fix: KNOWN_FIX,
        script: forged_during(&[Before::Pay], Outage::Tokens(Failure::Errcode(45009))),
        ..BASE
    },
];
