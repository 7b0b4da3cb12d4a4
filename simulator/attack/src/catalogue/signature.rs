//! Attacks with an invalid signature, one of another scheme, or one by another key.

use soter_bridge::protocol::danger::{Hash, Padding};
use soter_wechat::Reason;
use soter_wire::SaltLength;

use crate::entry::{Attack, Expected, Holds, Layer};
use crate::kind::Kind;
use crate::software_key::{Flaw, Scheme};
use crate::steps::{Before, Edit, Envelope, Forgery, Made, Script, Shape, Signer, Variant};

/// An honest result whose signature is changed.
const fn with_shape(signature: Shape) -> Script {
    Script::Send(&[], Forgery { signature, ..Forgery::HONEST })
}

const fn with_envelope(envelope: Envelope) -> Script {
    Script::Send(&[], Forgery { envelope, ..Forgery::HONEST })
}

/// The phone's own text, signed in software.
const fn signed_with(key: Signer, edits: &'static [Edit], scheme: Scheme) -> Script {
    Script::Send(&[], Forgery { made: Made::InSoftware { key, edits, scheme }, ..Forgery::HONEST })
}

/// The phone's own text in a scheme, as one of several.
const fn variant(name: &'static str, scheme: Scheme) -> Variant {
    variant_with(name, &[], scheme)
}

/// The same with changes of the text.
const fn variant_with(name: &'static str, edits: &'static [Edit], scheme: Scheme) -> Variant {
    let made = Made::InSoftware { key: Signer::AuthKey, edits, scheme };
    Variant { name, forgery: Forgery { made, ..Forgery::HONEST } }
}

const fn with_salt(salt_length: u16) -> Scheme {
    Scheme { salt_length, ..Scheme::STANDARD }
}

const BASE: Attack = Attack {
    id: "",
    layer: Layer::Verifier,
    kind: Kind::AcceptsForgery,
    title: "",
    holds: Holds::Network,
    making: "",
    expected: Expected::MustRefuse(&[Reason::WrongSignature]),
    meaning: "The signature is not checked, so anybody can write results without a phone.",
    fix: "Verify RSASSA-PSS over the exact bytes of resultJSON with the AuthKey of its cpu_id and uid; to ask WeChat, act on is_ok alone.",
    profile: "trustonic",
    script: Script::Send(&[], Forgery::HONEST),
};

const LENGTH: Attack = Attack {
    expected: Expected::MustRefuse(&[Reason::SignatureLength]),
    meaning: "Signatures of any length reach the RSA operation: encodings other than the one form multiply, and with them ways around a list of used signatures.",
    fix: "Require exactly 256 bytes before anything else.",
    ..BASE
};

const PARAMETERS: Attack = Attack {
    holds: Holds::RootedPhone,
    expected: Expected::MustRefuse(&[Reason::WrongSaltLength]),
    meaning: "The verifier takes whatever parameters a signature happens to have: weaker forms pass, and what the key was enrolled for does not bind it.",
    fix: "Fix padding, hashes and salt length when the AuthKey is uploaded (SHA-256 throughout; salt 20, Huawei 32), and verify with exactly these.",
    ..BASE
};

const FOREIGN_KEY: Attack = Attack {
    holds: Holds::AnotherPhone,
    meaning: "A key other than the user's AuthKey vouches for the user.",
    fix: "Look the AuthKey up by cpu_id and uid, and check that it is of this mini program and this user; never take a key from the message.",
    ..BASE
};

const BASE64_VARIANT: Attack = Attack {
    holds: Holds::Nothing,
    meaning: "Nothing: the signature is the same. Phones write standard Base64 with padding on one line, and a strict server insists on it.",
    fix: "There is nothing to fix.",
    ..BASE
};

pub(super) static ATTACKS: &[Attack] = &[
    Attack {
        id: "SOTER-SIGNATURE-01",
        title: "one bit of the signature flipped",
        making: "An honest result; the lowest bit of the signature's last byte is flipped.",
        script: with_shape(Shape::BitFlipped),
        ..BASE
    },
    Attack {
        id: "SOTER-SIGNATURE-02",
        title: "an empty signature",
        making: "An honest result's text with an empty string for its signature.",
        expected: Expected::MustRefuse(&[Reason::SignatureLength, Reason::BadSignatureEncoding]),
        meaning: "A missing signature skips the check, so anybody can write results without a phone.",
        script: with_shape(Shape::Empty),
        ..BASE
    },
    Attack {
        id: "SOTER-SIGNATURE-03",
        title: "a signature without its last byte",
        making: "An honest result; the last of the 256 bytes is cut off.",
        script: with_shape(Shape::Truncated),
        ..LENGTH
    },
    Attack {
        id: "SOTER-SIGNATURE-04",
        title: "a signature with a byte more",
        making: "An honest result; a zero byte follows the 256.",
        script: with_shape(Shape::OverLong),
        ..LENGTH
    },
    Attack {
        id: "SOTER-SIGNATURE-05",
        title: "the signature plus the modulus, in 257 bytes",
        making: "An honest result; the key's modulus is added to the signature, which is the same number to anybody who does not compare first.",
        fix: "Require 256 bytes and a number below the modulus (RFC 8017, 5.2.2); any maintained library does.",
        script: with_shape(Shape::PlusModulus),
        ..LENGTH
    },
    Attack {
        id: "SOTER-SIGNATURE-06",
        title: "a signature with a leading zero byte",
        making: "An honest result; a zero byte precedes the 256.",
        script: with_shape(Shape::LeadingZero),
        ..LENGTH
    },
    Attack {
        id: "SOTER-SIGNATURE-07",
        title: "a signature of zeros",
        making: "An honest result's text with 256 zero bytes for its signature.",
        script: with_shape(Shape::Zeros),
        ..BASE
    },
    Attack {
        id: "SOTER-SIGNATURE-08",
        title: "PKCS#1 v1.5 instead of PSS",
        making: "The phone's text, signed with its AuthKey by the older padding.",
        expected: Expected::MustRefuse(&[Reason::Pkcs1InsteadOfPss]),
        script: signed_with(Signer::AuthKey, &[], Scheme { padding: Padding::Pkcs1, ..Scheme::STANDARD }),
        ..PARAMETERS
    },
    Attack {
        id: "SOTER-SIGNATURE-09",
        title: "SHA-1 instead of SHA-256",
        making: "The phone's text, signed with its AuthKey by PSS with SHA-1 for text and mask.",
        expected: Expected::MustRefuse(&[Reason::WrongSignature]),
        script: signed_with(
            Signer::AuthKey,
            &[],
            Scheme { hash: Hash::Sha1, mgf1: Hash::Sha1, ..Scheme::STANDARD },
        ),
        ..PARAMETERS
    },
    Attack {
        id: "SOTER-SIGNATURE-10",
        title: "MGF1 with SHA-1",
        making: "The phone's text, signed with its AuthKey by PSS with SHA-256 for the text and SHA-1 for the mask.",
        expected: Expected::MustRefuse(&[Reason::WrongSignature]),
        script: signed_with(Signer::AuthKey, &[], Scheme { mgf1: Hash::Sha1, ..Scheme::STANDARD }),
        ..PARAMETERS
    },
    Attack {
        id: "SOTER-SIGNATURE-11",
        title: "a signature without salt",
        making: "The phone's text, signed with its AuthKey by PSS with an empty salt.",
        script: signed_with(Signer::AuthKey, &[], with_salt(0)),
        ..PARAMETERS
    },
    Attack {
        id: "SOTER-SIGNATURE-12",
        title: "a signature without salt, and the text says so",
        making: "The phone's text with rsa_pss_saltlen 0 added, signed with its AuthKey by PSS with an empty salt.",
        script: signed_with(Signer::AuthKey, &[Edit::With("rsa_pss_saltlen", "0")], with_salt(0)),
        ..PARAMETERS
    },
    Attack {
        id: "SOTER-SIGNATURE-13",
        title: "salt 32 where 20 is due",
        making: "The phone's text, signed with its AuthKey by PSS with a salt of 32 bytes; the key was uploaded with 20.",
        script: signed_with(Signer::AuthKey, &[], with_salt(32)),
        ..PARAMETERS
    },
    Attack {
        id: "SOTER-SIGNATURE-14",
        title: "salt 32 where 20 is due, and the text says so",
        making: "The phone's text with rsa_pss_saltlen 32 added, signed with its AuthKey by PSS with 32 bytes; the key was uploaded with 20.",
        script: signed_with(Signer::AuthKey, &[Edit::With("rsa_pss_saltlen", "32")], with_salt(32)),
        ..PARAMETERS
    },
    Attack {
        id: "SOTER-SIGNATURE-15",
        title: "salt 20 where 32 is due",
        making: "A Huawei phone's text, which says 32, signed with its AuthKey by PSS with a salt of 20 bytes.",
        profile: "itrustee",
        script: signed_with(Signer::AuthKey, &[], with_salt(20)),
        ..PARAMETERS
    },
    Attack {
        id: "SOTER-SIGNATURE-16",
        title: "salt 20 where 32 is due, and the text says nothing",
        making: "A Huawei phone's text without rsa_pss_saltlen, signed with its AuthKey by PSS with a salt of 20 bytes.",
        profile: "itrustee",
        script: signed_with(Signer::AuthKey, &[Edit::Without("rsa_pss_saltlen")], with_salt(20)),
        ..PARAMETERS
    },
    Attack {
        id: "SOTER-SIGNATURE-17",
        title: "the AuthKey of another user on the same phone",
        making: "The phone's text, signed with the AuthKey that the same phone made for another user of the mini program.",
        expected: Expected::MustRefuse(&[Reason::OtherUsersResult]),
        script: signed_with(Signer::AnotherAuthKey, &[], Scheme::STANDARD),
        ..FOREIGN_KEY
    },
    Attack {
        id: "SOTER-SIGNATURE-18",
        title: "the ASK instead of the AuthKey",
        making: "The phone's text, signed with its ASK, which signs AuthKeys and no results.",
        expected: Expected::MustRefuse(&[Reason::WrongKey]),
        script: signed_with(Signer::Ask, &[], Scheme::STANDARD),
        ..FOREIGN_KEY
    },
    Attack {
        id: "SOTER-SIGNATURE-19",
        title: "the AuthKey of another phone",
        making: "The phone's text, signed with the AuthKey of another user's phone, which the target knows as well.",
        expected: Expected::MustRefuse(&[Reason::WrongKey, Reason::WrongSignature]),
        script: signed_with(Signer::OthersAuthKey, &[], Scheme::STANDARD),
        ..FOREIGN_KEY
    },
    Attack {
        id: "SOTER-SIGNATURE-20",
        kind: Kind::BelievesRequest,
        title: "the attacker's own key, brought along in the text",
        making: "The phone's text with the attacker's pub_key added, signed with the attacker's own key.",
        expected: Expected::MustRefuse(&[Reason::WrongSignature]),
        script: signed_with(Signer::Attacker, &[Edit::WithAttackersKey], Scheme::STANDARD),
        ..FOREIGN_KEY
    },
    Attack {
        id: "SOTER-SIGNATURE-21",
        title: "URL-safe Base64",
        making: "An honest result; the signature is written with `-` and `_`.",
        expected: Expected::MayRefuse(&[Reason::Base64UrlSafe]),
        script: with_shape(Shape::UrlSafe),
        ..BASE64_VARIANT
    },
    Attack {
        id: "SOTER-SIGNATURE-22",
        title: "Base64 without padding",
        making: "An honest result; the signature is written without its `=` at the end.",
        expected: Expected::MayRefuse(&[Reason::Base64Unpadded]),
        script: with_shape(Shape::Unpadded),
        ..BASE64_VARIANT
    },
    Attack {
        id: "SOTER-SIGNATURE-23",
        title: "Base64 in lines",
        making: "An honest result; the signature is written in lines of 76 characters.",
        expected: Expected::MayRefuse(&[Reason::Base64Wrapped]),
        script: with_shape(Shape::Wrapped),
        ..BASE64_VARIANT
    },
    Attack {
        id: "SOTER-SIGNATURE-24",
        kind: Kind::RefusesHonest,
        title: "an honest result of a phone whose salt has 32 bytes",
        holds: Holds::Nothing,
        making: "An honest result of a Huawei phone, signed by PSS with 32 bytes of salt, as its text and its uploaded key say.",
        expected: Expected::MustAccept,
        meaning: "Every Huawei phone is turned away: the salt is taken for 20 bytes throughout.",
        fix: "Keep the salt length that the AuthKey was uploaded with (rsa_pss_saltlen of its export, else 20), and verify with it.",
        profile: "itrustee",
        ..BASE
    },
    Attack {
        id: "SOTER-SIGNATURE-25",
        title: "PSS with another trailer byte",
        making: "The phone's text, signed with its AuthKey by PSS whose last byte is 0xcc instead of 0xbc.",
        expected: Expected::MustRefuse(&[Reason::WrongSignature]),
        fix: "Check the whole encoding (RFC 8017, 9.1.2); any maintained library does.",
        script: signed_with(Signer::AuthKey, &[], Scheme { flaw: Some(Flaw::Trailer), ..Scheme::STANDARD }),
        ..PARAMETERS
    },
    Attack {
        id: "SOTER-SIGNATURE-26",
        title: "PSS with padding that is not zero",
        making: "The phone's text, signed with its AuthKey by PSS with a byte before the salt's mark that is not zero.",
        expected: Expected::MustRefuse(&[Reason::WrongSignature]),
        fix: "Check the whole encoding (RFC 8017, 9.1.2); any maintained library does.",
        script: signed_with(Signer::AuthKey, &[], Scheme { flaw: Some(Flaw::Padding), ..Scheme::STANDARD }),
        ..PARAMETERS
    },
    Attack {
        id: "SOTER-SIGNATURE-27",
        title: "a signature that is not Base64",
        making: "An honest result's text with `no Base64!` for its signature.",
        expected: Expected::MustRefuse(&[Reason::BadSignatureEncoding]),
        meaning: "What cannot be read skips the check, so anybody can write results without a phone.",
        fix: "Refuse what cannot be decoded; an exception on the way to the verdict is a no.",
        script: with_shape(Shape::NotBase64),
        ..BASE
    },
    Attack {
        id: "SOTER-SIGNATURE-28",
        title: "no signature at all",
        making: "An honest result, asked about without json_signature.",
        expected: Expected::MustRefuse(&[Reason::BadSignatureEncoding]),
        meaning: "A missing signature skips the check, so anybody can write results without a phone.",
        script: with_envelope(Envelope::Member("json_signature", None)),
        ..BASE
    },
    Attack {
        id: "SOTER-SIGNATURE-29",
        title: "true for a signature",
        making: "An honest result, asked about with `true` for its json_signature.",
        expected: Expected::MustRefuse(&[Reason::BadSignatureEncoding]),
        meaning: "What is not a text skips the check, or compares as equal: anybody can write results without a phone.",
        fix: "Require a string, and compare without conversions.",
        script: with_envelope(Envelope::Member("json_signature", Some("true"))),
        ..BASE
    },
    Attack {
        id: "SOTER-SIGNATURE-30",
        kind: Kind::RemembersAcceptance,
        title: "a forged signature right after a good one",
        making: "An honest result is accepted; in the next one, for a new order, one bit of the signature is flipped.",
        meaning: "The answer to an earlier question is kept for the user or the phone, and given again without a check.",
        fix: "Ask, and verify, for each result; keep no answers.",
        script: Script::Send(&[Before::Pay], Forgery { signature: Shape::BitFlipped, ..Forgery::HONEST }),
        ..BASE
    },
    Attack {
        id: "SOTER-SIGNATURE-31",
        title: "null for a signature",
        making: "An honest result, asked about with `null` for its json_signature.",
        expected: Expected::MustRefuse(&[Reason::BadSignatureEncoding]),
        meaning: "A missing signature skips the check, so anybody can write results without a phone.",
        script: with_envelope(Envelope::Member("json_signature", Some("null"))),
        ..BASE
    },
    Attack {
        id: "SOTER-SIGNATURE-32",
        title: "SHA-384 or SHA-512 instead of SHA-256",
        making: "The phone's text, signed with its AuthKey by PSS with SHA-384 or SHA-512 for text and mask.",
        expected: Expected::MustRefuse(&[Reason::WrongSignature]),
        script: Script::SendEach(
            &[],
            &[
                variant("SHA-384", Scheme { hash: Hash::Sha384, mgf1: Hash::Sha384, ..Scheme::STANDARD }),
                variant("SHA-512", Scheme { hash: Hash::Sha512, mgf1: Hash::Sha512, ..Scheme::STANDARD }),
            ],
        ),
        ..PARAMETERS
    },
    Attack {
        id: "SOTER-SIGNATURE-33",
        title: "MGF1 with SHA-384 or SHA-512",
        making: "The phone's text, signed with its AuthKey by PSS with SHA-256 for the text and SHA-384 or SHA-512 for the mask.",
        expected: Expected::MustRefuse(&[Reason::WrongSignature]),
        script: Script::SendEach(
            &[],
            &[
                variant("SHA-384", Scheme { mgf1: Hash::Sha384, ..Scheme::STANDARD }),
                variant("SHA-512", Scheme { mgf1: Hash::Sha512, ..Scheme::STANDARD }),
            ],
        ),
        ..PARAMETERS
    },
    Attack {
        id: "SOTER-SIGNATURE-34",
        title: "a longer salt than any phone's",
        making: "The phone's text, signed with its AuthKey by PSS with a salt of 64 bytes or of 222, the longest that fits; the key was uploaded with 20.",
        script: Script::SendEach(
            &[],
            &[variant("64 bytes", with_salt(64)), variant("222 bytes", with_salt(SaltLength::MAX.get()))],
        ),
        ..PARAMETERS
    },
    Attack {
        id: "SOTER-SIGNATURE-35",
        title: "a longer salt than any phone's, and the text says so",
        making: "The phone's text with rsa_pss_saltlen 64 or 222 added, signed with its AuthKey by PSS with a salt of this length; the key was uploaded with 20.",
        script: Script::SendEach(
            &[],
            &[
                variant_with("64 bytes", &[Edit::With("rsa_pss_saltlen", "64")], with_salt(64)),
                variant_with(
                    "222 bytes",
                    &[Edit::With("rsa_pss_saltlen", "222")],
                    with_salt(SaltLength::MAX.get()),
                ),
            ],
        ),
        ..PARAMETERS
    },
];
