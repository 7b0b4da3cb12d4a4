//! Attacks with results and keys of another user.

use soter_wechat::Reason;

use crate::entry::{Attack, Expected, Holds, Layer};
use crate::kind::Kind;
use crate::software_key::Scheme;
use crate::steps::{Before, Claim, CounterIs, Edit, Enrolment, Forgery, Made, OrderOf, Script, Signer, Who};

const fn forgery(made: Made) -> Forgery {
    Forgery { made, ..Forgery::HONEST }
}

const fn signed_in_software(key: Signer, edits: &'static [Edit]) -> Forgery {
    forgery(Made::InSoftware { key, edits, scheme: Scheme::STANDARD })
}

const BASE: Attack = Attack {
    id: "",
    layer: Layer::Verifier,
    kind: Kind::ConfusesIdentities,
    title: "",
    holds: Holds::AnotherPhone,
    making: "",
    expected: Expected::MustRefuse(&[Reason::OtherUsersResult]),
    meaning: "A touch of one person counts as another's.",
    fix: "Bind each AuthKey to mini program and user when it is uploaded, and check both; take the openid from the session.",
    profile: "trustonic",
    script: Script::Send(&[], Forgery::HONEST),
};

const WRONG_DEVICE_OR_APP: Attack = Attack {
    holds: Holds::RootedPhone,
    meaning: "The text names a device or an app whose key did not sign it: one phone's results pass as another's, with a counter of their own.",
    fix: "Look the AuthKey up by the cpu_id and uid of the text, and accept no other key.",
    ..BASE
};

const RETIRED_KEY: Attack = Attack {
    expected: Expected::MustRefuse(&[Reason::RetiredKey]),
    meaning: "Keys that the phone has given up go on working: anybody who got hold of one, or enrolled and removed a finger, keeps the access.",
    fix: "Retire the older AuthKey of the same user on the same phone when a newer one is uploaded.",
    ..WRONG_DEVICE_OR_APP
};

const FORGED_ENROLMENT: Attack = Attack {
    kind: Kind::AcceptsForgery,
    holds: Holds::Network,
    expected: Expected::MustRefuse(&[Reason::WrongSignature]),
    meaning: "Keys from outside any TEE are enrolled, and from then on everything that they sign is good.",
    fix: "Follow the chain at each upload: a device root that is known, the ASK signed by it, the AuthKey signed by the ASK.",
    ..BASE
};

pub(super) static ATTACKS: &[Attack] = &[
    Attack {
        id: "SOTER-IDENTITY-01",
        title: "another user's touch in the owner's name",
        making: "The phone of another user, with a key of its own that the target knows, signs the owner's challenge; it is sent with the owner's openid.",
        script: Script::Send(&[], forgery(Made::ByPhone(Who::Other))),
        ..BASE
    },
    Attack {
        id: "SOTER-IDENTITY-02",
        kind: Kind::BelievesRequest,
        layer: Layer::Application,
        title: "another user's touch, with that user's openid in the request",
        making: "The phone of another user signs the owner's challenge; in the owner's login, the request names the other user's openid.",
        expected: Expected::MustRefuse(&[]),
        meaning: "The openid is taken from the request: the user who is logged in can be paid for by anybody's finger.",
        fix: "Ask verify_signature with the openid that jscode2session gave for this session; ignore the one in the request, or refuse a different one.",
        script: Script::Send(
            &[],
            Forgery { claims: Claim::OtherByRequest, ..forgery(Made::ByPhone(Who::Other)) },
        ),
        ..BASE
    },
    Attack {
        id: "SOTER-IDENTITY-03",
        title: "the openid that the same person has in another mini program",
        making: "An honest result of the owner, sent with the owner's openid of another mini program.",
        expected: Expected::MustRefuse(&[Reason::Errcode(40003), Reason::OtherUsersResult]),
        meaning: "The openid is not checked against the key: any result is good for any user.",
        script: Script::Send(&[], Forgery { claims: Claim::OwnerElsewhere, ..Forgery::HONEST }),
        ..BASE
    },
    Attack {
        id: "SOTER-IDENTITY-04",
        title: "another uid",
        making: "The phone's text with another `uid`, signed with its AuthKey.",
        expected: Expected::MustRefuse(&[Reason::WrongKey, Reason::NoAuthKey]),
        script: Script::Send(&[], signed_in_software(Signer::AuthKey, &[Edit::Text("uid", "10999")])),
        ..WRONG_DEVICE_OR_APP
    },
    Attack {
        id: "SOTER-IDENTITY-05",
        title: "another uid under the old signature",
        holds: Holds::RecordedResult,
        making: "An honest result; `uid` is replaced, the signature stays.",
        expected: Expected::MustRefuse(&[Reason::NoAuthKey]),
        script: Script::Send(&[], Forgery { tampered: &[Edit::Text("uid", "10999")], ..Forgery::HONEST }),
        ..WRONG_DEVICE_OR_APP
    },
    Attack {
        id: "SOTER-IDENTITY-06",
        title: "the cpu_id of a phone that nobody has",
        making: "The phone's text with a made-up `cpu_id`, signed with its AuthKey.",
        expected: Expected::MustRefuse(&[Reason::UnknownDevice]),
        script: Script::Send(
            &[],
            signed_in_software(
                Signer::AuthKey,
                &[Edit::Text("cpu_id", "ffffffffffffffffffffffffffffffffffffffff")],
            ),
        ),
        ..WRONG_DEVICE_OR_APP
    },
    Attack {
        id: "SOTER-IDENTITY-07",
        title: "the cpu_id of another user's phone",
        making: "The phone's text with the `cpu_id` of another phone that the target knows, signed with its own AuthKey.",
        expected: Expected::MustRefuse(&[Reason::WrongKey, Reason::WrongSignature]),
        script: Script::Send(&[], signed_in_software(Signer::AuthKey, &[Edit::OthersCpuId])),
        ..WRONG_DEVICE_OR_APP
    },
    Attack {
        id: "SOTER-IDENTITY-08",
        title: "the cpu_id of another user's phone under the old signature",
        holds: Holds::RecordedResult,
        making: "An honest result; `cpu_id` is replaced by that of another phone, the signature stays.",
        expected: Expected::MustRefuse(&[Reason::WrongKey, Reason::WrongSignature]),
        script: Script::Send(&[], Forgery { tampered: &[Edit::OthersCpuId], ..Forgery::HONEST }),
        ..WRONG_DEVICE_OR_APP
    },
    Attack {
        id: "SOTER-IDENTITY-09",
        title: "an AuthKey that a new finger made invalid",
        making: "A finger is enrolled, the client uploads a new AuthKey, and the phone's next text is signed with the old one.",
        script: Script::Send(
            &[Before::Pay, Before::EnrollFinger],
            signed_in_software(Signer::OldAuthKey, &[]),
        ),
        ..RETIRED_KEY
    },
    Attack {
        id: "SOTER-IDENTITY-10",
        title: "an AuthKey that was replaced, and the old one used",
        making: "The client makes a new AuthKey and uploads it, and the phone's next text is signed with the old one.",
        script: Script::Send(&[Before::Pay, Before::RenewKey], signed_in_software(Signer::OldAuthKey, &[])),
        ..RETIRED_KEY
    },
    Attack {
        id: "SOTER-IDENTITY-11",
        title: "an ASK that no device root has signed",
        making: "A new phone's ASK is uploaded with a signature by the attacker's own key; its AuthKey signs a result.",
        script: Script::Enroll(Enrolment::AskOfNobody),
        ..FORGED_ENROLMENT
    },
    Attack {
        id: "SOTER-IDENTITY-12",
        title: "an AuthKey signed by a foreign ASK",
        making: "A new phone's AuthKey is uploaded with a signature by the attacker's own key instead of the app's ASK; it signs a result.",
        script: Script::Enroll(Enrolment::AuthKeyOfForeignAsk),
        ..FORGED_ENROLMENT
    },
    Attack {
        id: "SOTER-IDENTITY-13",
        title: "a certificate chain with a foreign root",
        making: "A Huawei phone's chain with CA and root of the attacker's own; every signature in it holds.",
        expected: Expected::MustRefuse(&[Reason::BrokenChain]),
        meaning: "Any root will do, so anybody can make phones.",
        fix: "Compare the root's public key with a list of those that you trust.",
        profile: "itrustee",
        script: Script::Enroll(Enrolment::ForeignRoot),
        ..FORGED_ENROLMENT
    },
    Attack {
        id: "SOTER-IDENTITY-14",
        title: "a certificate chain with a broken link",
        making: "A Huawei phone's chain whose device certificate is signed by the attacker instead of the CA.",
        expected: Expected::MustRefuse(&[Reason::BrokenChain]),
        fix: "Verify each certificate's signature with the key of the next one, up to a root that you trust.",
        profile: "itrustee",
        script: Script::Enroll(Enrolment::BrokenChain),
        ..FORGED_ENROLMENT
    },
    Attack {
        id: "SOTER-IDENTITY-15",
        title: "the own cpu_id in capital letters, with a spent counter",
        making: "After an honest result, the phone's text with its `cpu_id` in capital letters and the counter of that result, signed with its AuthKey.",
        expected: Expected::MustRefuse(&[Reason::UnknownDevice]),
        meaning: "Keys are looked up without regard to case, as some databases do, and counters with: one phone has as many counters as spellings.",
        fix: "Compare cpu_id exactly everywhere: in MySQL with a binary collation.",
        script: Script::Send(
            &[Before::Pay],
            signed_in_software(Signer::AuthKey, &[Edit::CpuIdInCapitals, Edit::Counter(CounterIs::Equal)]),
        ),
        ..WRONG_DEVICE_OR_APP
    },
    Attack {
        id: "SOTER-IDENTITY-16",
        title: "two devices in one text, the own one last",
        making: "The phone's text with the `cpu_id` of another user's phone before its own, signed with its AuthKey.",
        expected: Expected::unlike_any_tee(&[Reason::DuplicateKey]),
        fix: "Refuse objects with doubled names, or use a parser that does.",
        script: Script::Send(&[], signed_in_software(Signer::AuthKey, &[Edit::CpuIdTwice])),
        ..WRONG_DEVICE_OR_APP
    },
    Attack {
        id: "SOTER-IDENTITY-17",
        title: "the owner's openid in the other case",
        holds: Holds::Network,
        making: "An honest result of the owner, sent with the owner's openid whose capitals are small and whose small letters are capitals.",
        expected: Expected::MustRefuse(&[Reason::Errcode(40003), Reason::OtherUsersResult]),
        meaning: "Openids are compared without regard to case, as some databases do; two users may differ in nothing else.",
        fix: "Compare openids exactly: in MySQL with a binary collation.",
        script: Script::Send(&[], Forgery { claims: Claim::OwnerInOtherCase, ..Forgery::HONEST }),
        ..BASE
    },
    Attack {
        id: "SOTER-IDENTITY-18",
        layer: Layer::Application,
        title: "another user's touch, in that user's login, for the owner's order",
        making: "Another user, logged in as themselves, signs the challenge of the owner's order with their own phone and sends the result for it.",
        expected: Expected::MustRefuse(&[]),
        meaning: "Anybody who knows the number of an order acts on it, with a finger of their own.",
        fix: "Look orders up among those of the session's user.",
        script: Script::Send(
            &[],
            Forgery {
                order: OrderOf::Owners,
                login: Who::Other,
                claims: Claim::Who(Who::Other),
                ..forgery(Made::ByPhone(Who::Other))
            },
        ),
        ..BASE
    },
    Attack {
        id: "SOTER-IDENTITY-19",
        title: "no device in the text",
        making: "The phone's text without `cpu_id`, signed with its AuthKey.",
        expected: Expected::MustRefuse(&[Reason::MissingField]),
        fix: "Refuse a result that lacks raw, counter, cpu_id or uid.",
        script: Script::Send(&[], signed_in_software(Signer::AuthKey, &[Edit::Without("cpu_id")])),
        ..WRONG_DEVICE_OR_APP
    },
    Attack {
        id: "SOTER-IDENTITY-20",
        title: "no app in the text",
        making: "The phone's text without `uid`, signed with its AuthKey.",
        expected: Expected::MustRefuse(&[Reason::MissingField]),
        fix: "Refuse a result that lacks raw, counter, cpu_id or uid.",
        script: Script::Send(&[], signed_in_software(Signer::AuthKey, &[Edit::Without("uid")])),
        ..WRONG_DEVICE_OR_APP
    },
    Attack {
        id: "SOTER-IDENTITY-21",
        title: "a certificate chain whose leaf the device has not signed",
        making: "A Huawei phone's chain whose leaf has the attacker's ASK and signature; the AuthKey is signed by that ASK.",
        expected: Expected::MustRefuse(&[Reason::BrokenChain]),
        fix: "Verify the leaf, too: the device's certificate signs it, although it is not a CA's.",
        profile: "itrustee",
        script: Script::Enroll(Enrolment::LeafOfNobody),
        ..FORGED_ENROLMENT
    },
    Attack {
        id: "SOTER-IDENTITY-22",
        title: "a certificate chain whose CA the root has not signed",
        making: "A Huawei phone's chain with a key of the attacker's in the CA's certificate, under the root's old signature; the genuine root ends it.",
        expected: Expected::MustRefuse(&[Reason::BrokenChain]),
        fix: "Verify each certificate's signature with the key of the next one, up to a root that you trust.",
        profile: "itrustee",
        script: Script::Enroll(Enrolment::CaOfNobody),
        ..FORGED_ENROLMENT
    },
];
