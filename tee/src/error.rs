//! Why a command of the TEE fails, or a device does not start.

use soter_text::{Text, text};
use soter_wire::result_code;

use crate::environment::RandomnessError;
use crate::private_key::KeyError;
use crate::storage::StorageError;

/// Why a command failed. Unless a variant says otherwise, nothing has changed, except that a counter value may have been
/// spent, and that a signing session ends with every attempt to sign.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.text().english())]
#[non_exhaustive]
pub enum TeeError {
    /// The app has the maximum number of AuthKeys, and the caller must remove some first; or a seeded device has made keys
    /// under the maximum number of names.
    AuthKeysFull {
        /// The maximum number.
        limit: usize,
    },
    /// A later enrolment made the AuthKey invalid. The caller must remove it and make a new one.
    AuthKeyInvalidated {
        /// The key's name.
        name: String,
    },
    /// There is no AuthKey of this name.
    AuthKeyNotFound {
        /// The key's name.
        name: String,
    },
    /// The maximum number of apps have an ASK. The caller must remove some first.
    AppsFull {
        /// The maximum number.
        limit: usize,
    },
    /// The calendar clock is outside the range of certificates (1970 to 9999).
    Clock {
        /// The clock, in milliseconds since 1970.
        unix_millis: u64,
    },
    /// The counter has reached its maximum. The device never signs again.
    CounterExhausted {
        /// The last value.
        last: u64,
    },
    /// The state or a certificate cannot be encoded: a bug in the TEE.
    Encoding,
    /// The maximum number of fingers and faces is enrolled. The caller must remove some first.
    EnrolmentsFull {
        /// The maximum number.
        limit: usize,
    },
    /// A cryptographic library failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The app has no ASK. The caller must make one first.
    NoAsk {
        /// The app.
        uid: u32,
    },
    /// No finger or face has this number.
    NoEnrolment {
        /// The number.
        number: u32,
    },
    /// The signing session does not exist, or was used, was cancelled or has expired.
    NoSession {
        /// The session.
        session: u64,
    },
    /// The caller asked for a signature before a matching touch. The session has ended.
    NotTouched {
        /// The session.
        session: u64,
    },
    /// A parameter is empty or too long.
    ParameterLength {
        /// The parameter.
        parameter: &'static str,
        /// Its length, in bytes.
        bytes: usize,
        /// The maximum length, in bytes.
        limit: usize,
    },
    /// The operating system gave no random bytes.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
    /// The session does not listen to this sensor. Nothing was compared or counted.
    SensorNotListening,
    /// The maximum number of signing sessions is open. The caller must finish or cancel some first.
    SessionsFull {
        /// How many are open.
        open: usize,
    },
    /// Storage failed. It has the state from before the command.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Storage failed, and failed again when the state from before the command was written back. Only a restart shows which of
    /// the two it has. Every command that can fail with [`Storage`](Self::Storage) can fail with this.
    StorageInDoubt(StorageError),
    /// The phone has no such parameter.
    UnknownParameter {
        /// The parameter.
        key: String,
    },
}

impl TeeError {
    /// What happened, in one line.
    pub fn text(&self) -> Text {
        match self {
            Self::AuthKeysFull { limit } => {
                text!("no more AuthKeys fit: the limit is {limit}", limit = limit)
            }
            Self::AuthKeyInvalidated { name } => {
                text!("AuthKey `{name}` became invalid when a new finger or face was enrolled", name = name)
            }
            Self::AuthKeyNotFound { name } => text!("there is no AuthKey `{name}`", name = name),
            Self::AppsFull { limit } => text!("{limit} apps have an ASK, and no more fit", limit = limit),
            Self::Clock { unix_millis } => text!(
                "the clock stands at {unix_millis} ms, which no certificate can say",
                unix_millis = unix_millis
            ),
            Self::CounterExhausted { last } => text!("the counter is exhausted at {last}", last = last),
            Self::Encoding => text!("the state does not encode"),
            Self::EnrolmentsFull { limit } => {
                text!("{limit} fingers and faces are enrolled, and no more fit", limit = limit)
            }
            Self::Key(error) => error.text(),
            Self::NoAsk { uid } => text!("app {uid} has no ASK", uid = uid),
            Self::NoEnrolment { number } => text!("no finger or face has number {number}", number = number),
            Self::NoSession { session } => text!(
                "there is no signing session {session}: it was used, cancelled, has expired, or never was",
                session = session
            ),
            Self::NotTouched { session } => text!(
                "nobody has touched the sensor in signing session {session}; it has ended",
                session = session
            ),
            Self::ParameterLength { parameter, bytes, limit } => text!(
                "{parameter} has {bytes} bytes; 1 to {limit} are allowed",
                parameter = parameter,
                bytes = bytes,
                limit = limit
            ),
            Self::Randomness(error) => error.text(),
            Self::SensorNotListening => text!("the signing session does not listen to that sensor"),
            Self::SessionsFull { open } => {
                text!("{open} signing sessions are open, and no more fit", open = open)
            }
            Self::Storage(error) => error.text(),
            Self::StorageInDoubt(error) => {
                text!("{error}, and storage may have a change that was refused", error = error.text())
            }
            Self::UnknownParameter { key } => text!("the phone has no parameter `{key}`", key = key),
        }
    }

    /// The SDK's code for this error; `None` if the phone's environment failed, for which phones have no code.
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
            Self::Clock { .. }
            | Self::Encoding
            | Self::Key(_)
            | Self::Randomness(_)
            | Self::Storage(_)
            | Self::StorageInDoubt(_) => None,
        }
    }
}

/// A part of a stored device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DevicePart {
    /// The key that the sealed state is encrypted with.
    RootKey,
    /// Both slots of the RPMB.
    Rpmb,
    /// The state, encrypted.
    SealedState,
}

/// Why a device's TEE does not start. Nothing in storage has changed, except that a write that a crash had interrupted may
/// be complete.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.text().english())]
#[non_exhaustive]
pub enum OpenError {
    /// The device belongs to a phone family other than the requested one.
    OtherProfile {
        /// The device.
        device: String,
        /// Its phone family.
        stored: String,
        /// The requested phone family.
        requested: String,
    },
    /// The device was made with another seed, or without one.
    OtherSeed {
        /// The device.
        device: String,
    },
    /// A part of the device is missing or has the wrong size.
    Missing {
        /// The device.
        device: String,
        /// Which part.
        part: DevicePart,
    },
    /// The sealed state was changed, or does not belong to this root key.
    NotAuthentic {
        /// The device.
        device: String,
    },
    /// Both RPMB slots are damaged.
    RpmbDamaged {
        /// The device.
        device: String,
    },
    /// The RPMB is more than one write behind the sealed state: an old copy was put back.
    RpmbRolledBack {
        /// The device.
        device: String,
        /// The sealed state's version.
        storage: u64,
        /// The version in RPMB.
        rpmb: u64,
    },
    /// The sealed state is older than the RPMB says: an old copy was put back.
    StorageRolledBack {
        /// The device.
        device: String,
        /// The sealed state's version.
        storage: u64,
        /// The version in RPMB.
        rpmb: u64,
    },
    /// The sealed state has a format that this version does not know.
    UnknownFormat {
        /// The device.
        device: String,
        /// Its format.
        format: u32,
    },
    /// The device belongs to a phone family that this version does not know.
    UnknownProfile {
        /// The device.
        device: String,
        /// Its phone family.
        stored: String,
    },
    /// Making the device, reading its storage, or catching up after a crash failed.
    #[error(transparent)]
    Tee(#[from] TeeError),
}

impl OpenError {
    /// What happened, in one line.
    pub fn text(&self) -> Text {
        match self {
            Self::OtherProfile { device, stored, requested } => text!(
                "device `{device}` is a `{stored}` phone, not `{requested}`",
                device = device,
                stored = stored,
                requested = requested
            ),
            Self::OtherSeed { device } => {
                text!("device `{device}` was made with another seed, or without one", device = device)
            }
            Self::Missing { device, part } => text!(
                "the {part} of device `{device}` is missing or has the wrong size",
                part = part.text(),
                device = device
            ),
            Self::NotAuthentic { device } => text!(
                "the sealed state of device `{device}` is damaged, or its root key is another one",
                device = device
            ),
            Self::RpmbDamaged { device } => {
                text!("both RPMB slots of device `{device}` are damaged", device = device)
            }
            Self::RpmbRolledBack { device, storage, rpmb } => text!(
                "the RPMB of device `{device}` is at version {rpmb}, its sealed state at {storage}: an older copy of the RPMB was put back",
                device = device,
                rpmb = rpmb,
                storage = storage
            ),
            Self::StorageRolledBack { device, storage, rpmb } => text!(
                "the sealed state of device `{device}` is at version {storage}, its RPMB at {rpmb}: an older copy of the state was put back",
                device = device,
                storage = storage,
                rpmb = rpmb
            ),
            Self::UnknownFormat { device, format } => text!(
                "the sealed state of device `{device}` has format {format}; this version knows format 1",
                device = device,
                format = format
            ),
            Self::UnknownProfile { device, stored } => text!(
                "device `{device}` is a `{stored}` phone, which this version does not know",
                device = device,
                stored = stored
            ),
            Self::Tee(error) => error.text(),
        }
    }
}

impl From<StorageError> for OpenError {
    fn from(error: StorageError) -> Self {
        Self::Tee(error.into())
    }
}

impl OpenError {
    /// What to do next, in one line.
    pub fn remedy(&self) -> Text {
        match self {
            Self::OtherProfile { .. } => {
                text!(
                    "leave the profile out, choose another state folder, or create a device of that profile"
                )
            }
            Self::OtherSeed { .. } => {
                text!("give the seed that the device was made with, or none; or choose another state folder")
            }
            Self::Missing { .. } | Self::NotAuthentic { .. } | Self::RpmbDamaged { .. } => {
                text!(
                    "put back a complete copy of the device's folder, or remove the device: its keys cannot be recovered"
                )
            }
            Self::StorageRolledBack { .. } | Self::RpmbRolledBack { .. } => {
                text!(
                    "put back the files that belong together, or remove the device: a phone refuses its keys from now on"
                )
            }
            Self::UnknownFormat { .. } | Self::UnknownProfile { .. } => {
                text!("use the version of soter-sim that wrote it, or remove the device")
            }
            Self::Tee(TeeError::Storage(_) | TeeError::StorageInDoubt(_)) => {
                text!("check the folder's rights and the free space, then try again")
            }
            Self::Tee(_) => text!("try again; if it stays, please report it"),
        }
    }
}

impl DevicePart {
    /// Its name.
    pub fn text(self) -> Text {
        match self {
            Self::RootKey => text!("root key"),
            Self::Rpmb => Text::verbatim("RPMB"),
            Self::SealedState => text!("sealed state"),
        }
    }
}
