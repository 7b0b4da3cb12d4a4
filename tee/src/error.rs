//! Why the TEE refuses.

use soter_wire::result_code;

use crate::environment::RandomnessError;
use crate::private_key::KeyError;
use crate::storage::StorageError;

/// Why the TEE did not do what it was told. Unless said otherwise, nothing changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TeeError {
    /// The app already has as many AuthKeys as fit: the caller's, who removes some.
    #[error("the app has {limit} AuthKeys, and no more fit")]
    AuthKeysFull {
        /// How many fit.
        limit: usize,
    },
    /// The AuthKey became invalid by an enrolment: the user's doing; the caller removes it and makes it anew.
    #[error("AuthKey `{name}` became invalid when a new finger or face was enrolled")]
    AuthKeyInvalidated {
        /// The key's name.
        name: String,
    },
    /// There is no such AuthKey: the caller's.
    #[error("there is no AuthKey `{name}`")]
    AuthKeyNotFound {
        /// The key's name.
        name: String,
    },
    /// As many apps as fit have an ASK: the caller's, who removes some.
    #[error("{limit} apps have an ASK, and no more fit")]
    AppsFull {
        /// How many fit.
        limit: usize,
    },
    /// The calendar clock is outside what a certificate can say (1970 to 9999).
    #[error("the clock stands at {unix_millis} ms, which no certificate can say")]
    Clock {
        /// Where it stands.
        unix_millis: u64,
    },
    /// The counter has reached its end. The device signs nothing any more, ever.
    #[error("the counter is exhausted at {last}")]
    CounterExhausted {
        /// The last value.
        last: u64,
    },
    /// The state does not encode: a defect of the TEE.
    #[error("the state does not encode")]
    Encoding,
    /// As many fingers and faces as fit are enrolled: the caller's, who removes some.
    #[error("{limit} fingers and faces are enrolled, and no more fit")]
    EnrolmentsFull {
        /// How many fit.
        limit: usize,
    },
    /// A cryptographic library failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The app has no ASK: the caller's, who makes one first.
    #[error("app {uid} has no ASK")]
    NoAsk {
        /// The app.
        uid: u32,
    },
    /// No finger or face has this number: the caller's.
    #[error("no finger or face has number {number}")]
    NoEnrolment {
        /// The number.
        number: u32,
    },
    /// The signing session does not exist, was used, cancelled or has expired: the caller's.
    #[error("there is no signing session {session}: it was used, cancelled, has expired, or never was")]
    NoSession {
        /// The session.
        session: u64,
    },
    /// Signing was asked for before anyone touched the sensor: the caller's. The session has ended.
    #[error("nobody has touched the sensor in signing session {session}; it has ended")]
    NotTouched {
        /// The session.
        session: u64,
    },
    /// A parameter is empty or too long: the caller's.
    #[error("{parameter} has {bytes} bytes; 1 to {limit} are allowed")]
    ParameterLength {
        /// Which one.
        parameter: &'static str,
        /// Its length.
        bytes: usize,
        /// The longest.
        limit: usize,
    },
    /// The operating system gave no random bytes.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
    /// The sensor is not one that the session listens to: the caller's. Nothing was compared or counted.
    #[error("the signing session does not listen to that sensor")]
    SensorNotListening,
    /// As many signing sessions as fit are open: the caller's, who finishes or cancels some.
    #[error("{open} signing sessions are open, and no more fit")]
    SessionsFull {
        /// How many are open.
        open: usize,
    },
    /// Storage failed. What was durable before still is; whether this change is will show after a restart.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The phone has no such parameter.
    #[error("the phone has no parameter `{key}`")]
    UnknownParameter {
        /// The parameter.
        key: String,
    },
}

impl TeeError {
    /// The SDK's code for this, or `None` if the phone's environment failed, which no phone reports by a code.
    pub fn result_code(&self) -> Option<i32> {
        match self {
            Self::ParameterLength { .. } => Some(result_code::PARAMETER),
            Self::UnknownParameter { .. } => Some(result_code::NOT_SUPPORTED),
            Self::NoAsk { .. } => Some(result_code::NO_ASK),
            Self::AppsFull { .. } => Some(result_code::ASK_GENERATION_FAILED),
            Self::AuthKeysFull { .. } => Some(result_code::AUTH_KEY_GENERATION_FAILED),
            Self::AuthKeyInvalidated { .. } => Some(result_code::AUTH_KEY_EXPIRED),
            Self::AuthKeyNotFound { .. } => Some(result_code::AUTH_KEY_NOT_FOUND),
            Self::SessionsFull { .. } => Some(result_code::INIT_SIGN_FAILED),
            Self::NotTouched { .. } => Some(result_code::AUTHENTICATION_FAILED),
            Self::NoSession { .. } => Some(result_code::SIGN_FAILED),
            Self::CounterExhausted { .. }
            | Self::EnrolmentsFull { .. }
            | Self::NoEnrolment { .. }
            | Self::SensorNotListening => Some(result_code::UNKNOWN),
            Self::Clock { .. } | Self::Encoding | Self::Key(_) | Self::Randomness(_) | Self::Storage(_) => {
                None
            }
        }
    }
}

/// Why a device's TEE does not start. Nothing in storage was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The device belongs to another phone family: the caller's.
    #[error("device `{device}` is a `{stored}` phone, not `{wanted}`")]
    OtherProfile {
        /// The device.
        device: String,
        /// What it is.
        stored: String,
        /// What was asked for.
        wanted: String,
    },
    /// The device was made with another seed, or without one: the caller's.
    #[error("device `{device}` was made with another seed, or without one")]
    OtherSeed {
        /// The device.
        device: String,
    },
    /// A part of the device is missing.
    #[error("the {part} of device `{device}` is missing or has the wrong size")]
    Missing {
        /// The device.
        device: String,
        /// Which part: `root key`, `sealed state` or `RPMB`.
        part: &'static str,
    },
    /// The sealed state was changed, or does not belong to this root key.
    #[error("the sealed state of device `{device}` is damaged, or its root key is another one")]
    NotAuthentic {
        /// The device.
        device: String,
    },
    /// Both RPMB slots are damaged.
    #[error("both RPMB slots of device `{device}` are damaged")]
    RpmbDamaged {
        /// The device.
        device: String,
    },
    /// The RPMB is more than one write behind the sealed state: an old copy was put back.
    #[error(
        "the RPMB of device `{device}` is at version {rpmb}, its sealed state at {storage}: an older copy of the RPMB was put back"
    )]
    RpmbRolledBack {
        /// The device.
        device: String,
        /// The sealed state's version.
        storage: u64,
        /// The version in RPMB.
        rpmb: u64,
    },
    /// The sealed state is older than the RPMB says: an old copy was put back.
    #[error(
        "the sealed state of device `{device}` is at version {storage}, its RPMB at {rpmb}: an older copy of the state was put back"
    )]
    StorageRolledBack {
        /// The device.
        device: String,
        /// The sealed state's version.
        storage: u64,
        /// The version in RPMB.
        rpmb: u64,
    },
    /// The sealed state is of a format that this version does not know.
    #[error("the sealed state of device `{device}` has format {format}; this version knows format 1")]
    UnknownFormat {
        /// The device.
        device: String,
        /// Its format.
        format: u32,
    },
    /// The device belongs to a phone family that this version does not know.
    #[error("device `{device}` is a `{stored}` phone, which this version does not know")]
    UnknownProfile {
        /// The device.
        device: String,
        /// What it is.
        stored: String,
    },
    /// Making the device, or catching up after a crash, failed.
    #[error(transparent)]
    Tee(#[from] TeeError),
}

impl From<StorageError> for OpenError {
    fn from(error: StorageError) -> Self {
        Self::Tee(error.into())
    }
}

impl OpenError {
    /// One line: what to do next.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::OtherProfile { .. } => {
                "leave the profile out, choose another state folder, or create a device of that profile"
            }
            Self::OtherSeed { .. } => {
                "give the seed that the device was made with, or none; or choose another state folder"
            }
            Self::Missing { .. } | Self::NotAuthentic { .. } | Self::RpmbDamaged { .. } => {
                "put back a complete copy of the device's folder, or remove the device: its keys cannot be recovered"
            }
            Self::StorageRolledBack { .. } | Self::RpmbRolledBack { .. } => {
                "put back the files that belong together, or remove the device: a phone refuses its keys from now on"
            }
            Self::UnknownFormat { .. } | Self::UnknownProfile { .. } => {
                "use the version of soter-sim that wrote it, or remove the device"
            }
            Self::Tee(TeeError::Storage(_)) => "check the folder's rights and the free space, then try again",
            Self::Tee(_) => "try again; if it stays, please report it",
        }
    }
}
