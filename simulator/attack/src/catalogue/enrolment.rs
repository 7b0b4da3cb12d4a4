//! Attacks on which keys a server enrols: weak ones, old ones, and those of others.

use soter_wechat::Reason;

use crate::entry::{Attack, Expected, Holds, Layer};
use crate::kind::Kind;
use crate::software_key::Scheme;
use crate::steps::{Before, Claim, CounterIs, Edit, Forgery, Made, Script, Signer, Uploaded, WeakForm, Who};

/// The phone's own text, changed, and signed with this key.
const fn signed_with(key: Signer, edits: &'static [Edit]) -> Forgery {
    Forgery { made: Made::InSoftware { key, edits, scheme: Scheme::STANDARD }, ..Forgery::HONEST }
}

/// A weak AuthKey is uploaded, and signs a result.
const fn weak_auth_key(form: WeakForm) -> Script {
    Script::Upload(&[], Uploaded::WeakAuthKey(form), signed_with(Signer::Weak, &[]))
}

/// A weak ASK is uploaded with an AuthKey that it has signed, and the phone signs a result with that.
const fn weak_ask(form: WeakForm) -> Script {
    Script::Upload(&[], Uploaded::WeakAsk(form), Forgery::HONEST)
}

/// A result that is signed with the key that the phone has replaced, and whose counter is high.
const WITH_OLD_KEY: Forgery = signed_with(Signer::OldAuthKey, &[Edit::Counter(CounterIs::Above(1000))]);

/// The owner's phone signs for the other user, in that user's login.
const OWNERS_TOUCH_FOR_OTHER: Forgery =
    Forgery { login: Who::Other, claims: Claim::Who(Who::Other), ..Forgery::HONEST };

/// The other user's phone signs for the owner, in the owner's login.
const OTHERS_TOUCH_FOR_OWNER: Forgery = Forgery { made: Made::ByPhone(Who::Other), ..Forgery::HONEST };

const WEAK: Attack = Attack {
    id: "",
    layer: Layer::Verifier,
    kind: Kind::TakesWeakKeys,
    title: "",
    holds: Holds::RootedPhone,
    making: "",
    expected: Expected::MustRefuse(&[Reason::MalformedJson]),
    meaning: "Keys of any strength are enrolled. An attacker who breaks a weak one signs in the name of its phone.",
    fix: "At each upload, require of ASK and AuthKey an RSA key of exactly 2048 bits with the public exponent 65537, as every TEE makes them.",
    profile: "trustonic",
    script: Script::Send(&[], Forgery::HONEST),
};

const SHORT: Attack = Attack {
    meaning: "The length of keys is not checked. RSA-1024 has not been safe for years: an attacker who factors such a key signs in the name of its phone.",
    ..WEAK
};

const EXPONENT_3: Attack = Attack {
    meaning: "The public exponent is not checked. With the exponent 3, small mistakes of a verifier become forgeries, as has happened to many.",
    ..WEAK
};

const EXPONENT_1: Attack = Attack {
    meaning: "The public exponent is not checked. With the exponent 1 a signature is the padded text itself: anybody who has the public key signs.",
    ..WEAK
};

const OLD: Attack = Attack {
    kind: Kind::KeepsKeysCarelessly,
    expected: Expected::MustRefuse(&[Reason::CounterRolledBack]),
    meaning: "An upload that was recorded brings a key back that the phone has given up: anybody who got hold of that key has the access again.",
    fix: "Compare the counters of uploads, too: that of the ASK with the highest of its cpu_id, and that of the AuthKey with that of the ASK, in one atomic step with recording them.",
    ..WEAK
};

const OTHERS: Attack = Attack {
    kind: Kind::ConfusesIdentities,
    holds: Holds::RootedPhone,
    expected: Expected::MustRefuse(&[Reason::WrongSignature]),
    ..WEAK
};

pub(super) static ATTACKS: &[Attack] = &[
    Attack {
        id: "SOTER-ENROLL-01",
        title: "an AuthKey of 1024 bits",
        making: "An AuthKey of 1024 bits is uploaded in an export that the phone's ASK has signed; it signs a result.",
        script: weak_auth_key(WeakForm::Short),
        ..SHORT
    },
    Attack {
        id: "SOTER-ENROLL-02",
        title: "an ASK of 1024 bits",
        making: "An ASK of 1024 bits is uploaded in an export that the phone's ATTK has signed, with an AuthKey that this ASK has signed; that AuthKey signs a result.",
        script: weak_ask(WeakForm::Short),
        ..SHORT
    },
    Attack {
        id: "SOTER-ENROLL-03",
        title: "an AuthKey with the public exponent 3",
        making: "An AuthKey with the public exponent 3 is uploaded in an export that the phone's ASK has signed; it signs a result.",
        script: weak_auth_key(WeakForm::Exponent3),
        ..EXPONENT_3
    },
    Attack {
        id: "SOTER-ENROLL-04",
        title: "an ASK with the public exponent 3",
        making: "An ASK with the public exponent 3 is uploaded in an export that the phone's ATTK has signed, with an AuthKey that this ASK has signed; that AuthKey signs a result.",
        script: weak_ask(WeakForm::Exponent3),
        ..EXPONENT_3
    },
    Attack {
        id: "SOTER-ENROLL-05",
        title: "an AuthKey with the public exponent 1",
        making: "An AuthKey with the public exponent 1 is uploaded in an export that the phone's ASK has signed; it signs a result.",
        script: weak_auth_key(WeakForm::Exponent1),
        ..EXPONENT_1
    },
    Attack {
        id: "SOTER-ENROLL-06",
        title: "an ASK with the public exponent 1",
        making: "An ASK with the public exponent 1 is uploaded in an export that the phone's ATTK has signed, with an AuthKey that this ASK has signed; that AuthKey signs a result.",
        script: weak_ask(WeakForm::Exponent1),
        ..EXPONENT_1
    },
    Attack {
        id: "SOTER-ENROLL-07",
        title: "the upload of an AuthKey that was replaced, once more",
        making: "The client makes a new AuthKey and uploads it, after which the old one is refused; then the first upload is sent once more, and the old AuthKey signs a result with a high counter.",
        script: Script::Upload(
            &[Before::Pay, Before::RenewKey, Before::Try(WITH_OLD_KEY)],
            Uploaded::FirstAgain,
            WITH_OLD_KEY,
        ),
        ..OLD
    },
    Attack {
        id: "SOTER-ENROLL-08",
        title: "the upload of an ASK that was replaced, once more",
        making: "The client makes a new ASK and a new AuthKey under it and uploads both, after which the old AuthKey is refused; then the first upload is sent once more, and the old AuthKey signs a result with a high counter.",
        script: Script::Upload(
            &[Before::Pay, Before::RenewAsk, Before::Try(WITH_OLD_KEY)],
            Uploaded::FirstAgain,
            WITH_OLD_KEY,
        ),
        ..OLD
    },
    Attack {
        id: "SOTER-ENROLL-09",
        kind: Kind::ConfusesIdentities,
        title: "a known AuthKey, uploaded for another user as well",
        making: "The owner's phone exports its known AuthKey once more, which takes no finger; it is uploaded in another user's login, and a touch of the owner signs that user's order.",
        expected: Expected::MustRefuse(&[Reason::OtherUsersResult]),
        meaning: "A key belongs to two users. Malware on a phone exports its key without a touch, and from then on the owner's touches pay for the attacker.",
        fix: "Keep the user with each AuthKey, and refuse one that belongs to another user: a phone makes a key of its own for each.",
        script: Script::Upload(
            &[Before::Try(OWNERS_TOUCH_FOR_OTHER)],
            Uploaded::KnownKeyForOther,
            OWNERS_TOUCH_FOR_OTHER,
        ),
        ..OTHERS
    },
    Attack {
        id: "SOTER-ENROLL-10",
        title: "a new AuthKey of a phone that was set back",
        making: "A result with the counter 1000 is accepted. Then the phone, whose own counter is far lower, as after a roll-back, makes a new AuthKey and uploads it, and that signs a text with the counter 1001.",
        meaning: "The counters of uploads are not compared with those of results: a phone that was rolled back or cloned gets a new key, and with that it needs its old state no more.",
        script: Script::Upload(
            &[Before::PayAt(1000)],
            Uploaded::NewKey,
            signed_with(Signer::AuthKey, &[Edit::Counter(CounterIs::Next)]),
        ),
        ..OLD
    },
    Attack {
        id: "SOTER-ENROLL-11",
        title: "an AuthKey that was exported before its ASK",
        making: "The phone makes a new AuthKey and exports it, then it exports its ASK; both are uploaded together, and the AuthKey signs a result.",
        expected: Expected::ShouldRefuse(
            &[Reason::CounterRolledBack],
            "The counter of the AuthKey is lower than that of the ASK. Alone this gives an attacker nothing, but exports of different times can be combined: compare all counters of an upload in turn",
        ),
        meaning: "The counters of an upload are not compared with each other, so exports of different times can be combined.",
        script: Script::Upload(&[], Uploaded::AuthKeyBeforeAsk, Forgery::HONEST),
        ..OLD
    },
    Attack {
        id: "SOTER-ENROLL-12",
        title: "an AuthKey that names another phone than its ASK",
        making: "A new AuthKey is uploaded whose export names the `cpu_id` of another user's phone and is signed by the owner's ASK; it signs a text with that `cpu_id`.",
        meaning: "One ASK vouches for keys of all phones: with the ASK of a single rooted phone, an attacker enrols keys for any phone and moves its counter.",
        fix: "Compare cpu_id and uid of the AuthKey's export with those of the ASK that has signed it.",
        script: Script::Upload(
            &[],
            Uploaded::NamesOthersPhone,
            signed_with(Signer::AuthKey, &[Edit::OthersCpuId, Edit::Counter(CounterIs::Above(1000))]),
        ),
        ..OTHERS
    },
    Attack {
        id: "SOTER-ENROLL-13",
        title: "an AuthKey that names another app than its ASK",
        making: "A new AuthKey is uploaded whose export names another `uid` and is signed by the owner's ASK; it signs a text with that `uid`.",
        meaning: "The ASK of one app vouches for keys of all apps on the phone, so a leaked ASK of any app is enough.",
        fix: "Compare cpu_id and uid of the AuthKey's export with those of the ASK that has signed it.",
        script: Script::Upload(
            &[],
            Uploaded::NamesOtherApp("10999"),
            signed_with(Signer::AuthKey, &[Edit::Text("uid", "10999")]),
        ),
        ..OTHERS
    },
    Attack {
        id: "SOTER-ENROLL-14",
        title: "the AuthKey of another user's phone under the own ASK",
        making: "In the owner's login, the ASK of the owner's phone is uploaded with a new AuthKey of another user's phone, which that phone's ASK has signed; a touch on that phone signs the owner's order.",
        meaning: "Any known ASK may have signed an AuthKey, so a login is enough to bind it to a finger of another phone.",
        fix: "Verify the AuthKey's export with the ASK that is uploaded with it or was uploaded last, and compare cpu_id and uid of both.",
        script: Script::Upload(
            &[Before::Try(OTHERS_TOUCH_FOR_OWNER)],
            Uploaded::OthersAuthKey,
            OTHERS_TOUCH_FOR_OWNER,
        ),
        ..OTHERS
    },
];
