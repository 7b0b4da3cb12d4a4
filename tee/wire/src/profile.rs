//! One table row for each phone family. Code checks the row's fields, never its name.

use std::fmt;

use crate::cpu_id::CpuIdShape;
use crate::mode::Mode;
use crate::signature_scheme::{SaltLength, SignatureScheme};

/// How one phone family writes, signs and behaves.
///
/// The rows are in [`PROFILES`]. A copy with other values is a valid profile too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Short name, as given on command lines.
    pub name: &'static str,
    /// One line for users: which phones these are.
    pub description: &'static str,
    /// How well the result format is known.
    pub status: Status,
    /// Authentication modes, the usual one first.
    pub modes: &'static [Mode],
    /// Members of the result JSON, in order.
    pub result: &'static [ResultField],
    /// How every signature is made. A scheme other than the default must be named in the result JSON and the key
    /// JSON, otherwise no reader knows it.
    pub scheme: SignatureScheme,
    /// How the ASK JSON and the AuthKey JSON are written.
    pub key_json: KeyJsonLayout,
    /// How the ASK is exported.
    pub ask: AskForm,
    /// Shape of the device's identity.
    pub cpu_id: CpuIdShape,
    /// Shape of an app's identity on the device.
    pub uid: UidShape,
    /// What happens after touches that do not match.
    pub matcher: MatcherPolicy,
}

/// How well something is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not known. We chose the value, and the stricter one where there was a choice.
    Modelled,
    /// Seen in public posts only.
    Posted,
    /// Read in a primary source or checked against captured data.
    Verified,
}

/// One member of the result JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultField {
    /// `counter`, a number.
    Counter,
    /// `cpu_id`, a string.
    CpuId,
    /// `fid`, a string: the finger that matched.
    Fid,
    /// A string that is the same in every result of the family.
    Fixed {
        /// Name of the member.
        name: &'static str,
        /// Its value.
        value: &'static str,
    },
    /// `raw`, a string: the challenge.
    Raw,
    /// `rsa_pss_saltlen`, a number.
    SaltLength,
    /// `uid`, a string.
    Uid,
}

/// How the JSON of an exported key is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyJsonLayout {
    /// Columns of the Base64 lines inside `pub_key`; `None` puts the whole body on one line.
    pub line_width: Option<usize>,
    /// Whether line ends inside `pub_key` are raw LF bytes, as Huawei writes them, instead of `\n` escapes.
    pub raw_line_feeds: bool,
    /// Whether `/` is written `\/`.
    pub escape_slash: bool,
    /// Whether `rsa_pss_saltlen` follows at the end.
    pub salt_length_field: bool,
}

/// How an ASK is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskForm {
    /// `{"certs":[leaf, device, CA, root]}`, with an empty signature.
    CertificateChain,
    /// JSON signed by the device root key.
    Json,
}

/// Shape of `uid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UidShape {
    /// The Android uid of the app, in decimal digits.
    Decimal,
    /// 32 lower-case hexadecimal digits, as iOS writes it.
    LowerHex32,
}

/// What happens after touches that do not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatcherPolicy {
    /// Failures in a row after which the sensor is locked for a time; `None` if it is never locked for a time.
    pub timed_lockout_after: Option<u32>,
    /// Duration of that lockout, in seconds.
    pub timed_lockout_seconds: u64,
    /// Failures in a row after which the sensor stays locked until the PIN is entered.
    pub permanent_lockout_after: u32,
    /// Failures after which one dialog closes by itself; `None` if it stays open.
    pub tries_per_dialog: Option<u32>,
}

impl Profile {
    /// The row with this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PROFILES.iter().find(|profile| profile.name == name)
    }

    /// The names of all rows, the default first.
    pub fn names() -> impl Iterator<Item = &'static str> {
        PROFILES.iter().map(|profile| profile.name)
    }

    /// Whether results say which finger matched.
    pub fn has_fid(&self) -> bool {
        self.result.contains(&ResultField::Fid)
    }
}

impl Status {
    /// The mark used in the documentation: `[R]` read, `[P]` posted, `[?]` not known.
    pub fn mark(self) -> &'static str {
        match self {
            Self::Modelled => "[?]",
            Self::Posted => "[P]",
            Self::Verified => "[R]",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Modelled => "modelled",
            Self::Posted => "posted",
            Self::Verified => "verified",
        })
    }
}

/// Every phone family; the first is the default.
///
/// Values that could be mistaken for those of a real phone say that they are emulated. What is modelled: the names in
/// `qsee`, whose real results are not public; `facial` in `itrustee`; the salt length, the key JSON and the lockout
/// of `ios` and `ios-touch-id`, which export no key to apps although WeChat needs one to upload.
pub static PROFILES: &[Profile] = &[TRUSTONIC, ITRUSTEE, QSEE, IOS, IOS_TOUCH_ID];

const TRUSTONIC: Profile = Profile {
    name: "trustonic",
    description: "MediaTek phones with Trustonic's TEE and an FPC sensor",
    status: Status::Verified,
    modes: &[Mode::FingerPrint],
    result: &[
        ResultField::Raw,
        ResultField::Fid,
        ResultField::Counter,
        ResultField::Fixed { name: "tee_n", value: "t-base-Mediatek-Armv8-Android-302A-V012-emulated" },
        ResultField::Fixed { name: "tee_v", value: "10010" },
        ResultField::Fixed { name: "fp_n", value: "FPC" },
        ResultField::Fixed { name: "fp_v", value: "6516" },
        ResultField::CpuId,
        ResultField::Uid,
    ],
    scheme: SignatureScheme::RsaPss { salt_length: SaltLength::DEFAULT },
    key_json: WRAPPED_KEY_JSON,
    ask: AskForm::Json,
    cpu_id: CpuIdShape::LowerHex(40),
    uid: UidShape::Decimal,
    matcher: ANDROID_MATCHER,
};

const ITRUSTEE: Profile = Profile {
    name: "itrustee",
    description: "Huawei and Honor phones with the iTrustee TEE",
    status: Status::Verified,
    modes: &[Mode::FingerPrint, Mode::Facial],
    result: &[
        ResultField::Fixed { name: "bo_t", value: "1" },
        ResultField::Raw,
        ResultField::Fid,
        ResultField::Counter,
        ResultField::Fixed { name: "tee_n", value: "hwteeos" },
        ResultField::Fixed { name: "tee_v", value: "version_1.0" },
        ResultField::Fixed { name: "fp_n", value: "fpc_goodix" },
        ResultField::Fixed { name: "fp_v", value: "goodix_1.0" },
        ResultField::SaltLength,
        ResultField::CpuId,
        ResultField::Uid,
        ResultField::Fixed { name: "fc_n", value: "hwbioalgo" },
        ResultField::Fixed { name: "fc_v", value: "bioalgo_1.0" },
    ],
    scheme: SignatureScheme::RsaPss { salt_length: SaltLength::HUAWEI },
    key_json: KeyJsonLayout {
        line_width: None,
        raw_line_feeds: true,
        escape_slash: false,
        salt_length_field: true,
    },
    ask: AskForm::CertificateChain,
    cpu_id: CpuIdShape::BoardUuid { prefix: "HUAWEI_EMULATED_" },
    uid: UidShape::Decimal,
    matcher: ANDROID_MATCHER,
};

const QSEE: Profile = Profile {
    name: "qsee",
    description: "Qualcomm phones with the QSEE TEE (the result format is modelled)",
    status: Status::Modelled,
    modes: &[Mode::FingerPrint],
    result: &[
        ResultField::Raw,
        ResultField::Fid,
        ResultField::Counter,
        ResultField::Fixed { name: "tee_n", value: "QSEE emulated" },
        ResultField::Fixed { name: "tee_v", value: "4.0" },
        ResultField::Fixed { name: "fp_n", value: "QFP" },
        ResultField::Fixed { name: "fp_v", value: "1.0" },
        ResultField::CpuId,
        ResultField::Uid,
    ],
    scheme: SignatureScheme::RsaPss { salt_length: SaltLength::DEFAULT },
    key_json: WRAPPED_KEY_JSON,
    ask: AskForm::Json,
    cpu_id: CpuIdShape::LowerHex(32),
    uid: UidShape::Decimal,
    matcher: ANDROID_MATCHER,
};

const IOS: Profile = Profile {
    name: "ios",
    description: "iPhones with Face ID",
    status: Status::Posted,
    modes: &[Mode::Facial],
    result: &[ResultField::Raw, ResultField::Counter, ResultField::Uid, ResultField::CpuId],
    scheme: SignatureScheme::RsaPss { salt_length: SaltLength::DEFAULT },
    key_json: WRAPPED_KEY_JSON,
    ask: AskForm::Json,
    cpu_id: CpuIdShape::UpperUuid,
    uid: UidShape::LowerHex32,
    matcher: MatcherPolicy {
        timed_lockout_after: None,
        timed_lockout_seconds: 0,
        permanent_lockout_after: 5,
        tries_per_dialog: Some(3),
    },
};

/// No iPhone has both Touch ID and Face ID.
const IOS_TOUCH_ID: Profile = Profile {
    name: "ios-touch-id",
    description: "Older iPhones, with Touch ID",
    modes: &[Mode::FingerPrint],
    ..IOS
};

/// The key JSON of MediaTek's phones: PEM lines of 64 columns, `\n` and `\/` escapes.
const WRAPPED_KEY_JSON: KeyJsonLayout = KeyJsonLayout {
    line_width: Some(64),
    raw_line_feeds: false,
    escape_slash: true,
    salt_length_field: false,
};

/// Android's lockout: 30 seconds after 5 failures, until the PIN after 20.
const ANDROID_MATCHER: MatcherPolicy = MatcherPolicy {
    timed_lockout_after: Some(5),
    timed_lockout_seconds: 30,
    permanent_lockout_after: 20,
    tries_per_dialog: None,
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_profile_is_found_by_its_name_and_trustonic_is_the_default() {
        for profile in PROFILES {
            assert_eq!(Profile::named(profile.name), Some(profile));
        }
        assert_eq!(
            Profile::names().collect::<Vec<_>>(),
            ["trustonic", "itrustee", "qsee", "ios", "ios-touch-id"]
        );
        assert_eq!(Profile::named("Trustonic"), None);
    }

    #[test]
    fn every_result_has_the_four_members_that_readers_require_and_none_twice() {
        for profile in PROFILES {
            let distinct: BTreeSet<_> = profile.result.iter().map(|field| format!("{field:?}")).collect();
            assert_eq!(distinct.len(), profile.result.len(), "{}", profile.name);
            for field in [ResultField::Raw, ResultField::Counter, ResultField::CpuId, ResultField::Uid] {
                assert!(profile.result.contains(&field), "{} lacks {field:?}", profile.name);
            }
        }
    }

    #[test]
    fn a_salt_length_other_than_the_default_is_written_into_result_and_key() {
        for profile in PROFILES {
            let differs = profile.scheme != SignatureScheme::default();
            assert_eq!(profile.result.contains(&ResultField::SaltLength), differs, "{}", profile.name);
            assert_eq!(profile.key_json.salt_length_field, differs, "{}", profile.name);
        }
    }

    #[test]
    fn only_results_of_iphones_have_no_fid() {
        let without_fid: Vec<_> = PROFILES.iter().filter(|profile| !profile.has_fid()).collect();
        assert_eq!(without_fid, [&IOS, &IOS_TOUCH_ID]);
    }

    #[test]
    fn an_iphone_has_one_mode() {
        assert_eq!((IOS.modes, IOS_TOUCH_ID.modes), (&[Mode::Facial][..], &[Mode::FingerPrint][..]));
    }

    #[test]
    fn every_status_has_its_mark() {
        let marks = [Status::Modelled, Status::Posted, Status::Verified].map(Status::mark);
        assert_eq!(marks, ["[?]", "[P]", "[R]"]);
    }
}
