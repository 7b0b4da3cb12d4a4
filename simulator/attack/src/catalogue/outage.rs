//! Attacks while WeChat's servers fail, which an application must not take for a success.

use crate::entry::{Attack, Expected, Holds, Layer};
use crate::kind::Kind;
use crate::outage::Outage;
use crate::steps::{Envelope, Forgery, Script, Shape};

/// A result with a flipped bit in its signature, while WeChat's servers fail.
const fn forged_during_outage(outage: Outage) -> Script {
    let forgery =
        Forgery { signature: Shape::BitFlipped, envelope: Envelope::During(outage), ..Forgery::HONEST };
    Script::Send(&[], forgery)
}

const BASE: Attack = Attack {
    id: "",
    layer: Layer::Application,
    kind: Kind::FailsOpen,
    title: "",
    holds: Holds::Network,
    making: "",
    expected: Expected::MustRefuse(&[]),
    meaning: "The application fails open: whoever waits for an outage, or causes one, pays without a touch.",
    fix: "Act on is_ok being true, and on nothing else: an error, an exception or a missing member is a no, or a later.",
    profile: "trustonic",
    script: Script::Send(&[], Forgery::HONEST),
};

pub(super) static ATTACKS: &[Attack] = &[
    Attack {
        id: "SOTER-OUTAGE-01",
        title: "a forgery while WeChat answers 502",
        making: "A result with a flipped bit in its signature, while verify_signature answers with a proxy's page and status 502.",
        script: forged_during_outage(Outage::BadGateway),
        ..BASE
    },
    Attack {
        id: "SOTER-OUTAGE-02",
        title: "a forgery while WeChat answers with a system error",
        making: "A result with a flipped bit in its signature, while verify_signature answers errcode -1.",
        script: forged_during_outage(Outage::SystemError),
        ..BASE
    },
    Attack {
        id: "SOTER-OUTAGE-03",
        title: "a forgery while WeChat answers without a verdict",
        making: "A result with a flipped bit in its signature, while verify_signature answers errcode 0 without is_ok.",
        script: forged_during_outage(Outage::NoVerdict),
        ..BASE
    },
    Attack {
        id: "SOTER-OUTAGE-04",
        title: "a forgery while WeChat's answers break off",
        making: "A result with a flipped bit in its signature, while verify_signature breaks off in the middle of its answer.",
        script: forged_during_outage(Outage::BreaksOff),
        ..BASE
    },
];
