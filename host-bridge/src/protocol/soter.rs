//! The 13 commands of the trusted app, named and numbered as the Android SDK's `ISoterService`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

macro_rules! parameters {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)+ }
    };
}

parameters! {
    /// Makes the app's ASK; an existing one, with its AuthKeys, is replaced.
    GenerateAppSecureKey {
        /// The app's Android uid.
        uid: u32,
    }
}
parameters! {
    /// Exports the app's ASK, signed by the ATTK.
    GetAppSecureKey {
        /// The app's Android uid.
        uid: u32,
    }
}
parameters! {
    /// Asks whether the app has an ASK.
    HasAskAlready {
        /// The app's Android uid.
        uid: u32,
    }
}
parameters! {
    /// Makes an AuthKey; an existing one of that name is replaced.
    GenerateAuthKey {
        /// The app's Android uid.
        uid: u32,
        /// The key's name.
        kname: String,
    }
}
parameters! {
    /// Exports an AuthKey, signed by the app's ASK.
    GetAuthKey {
        /// The app's Android uid.
        uid: u32,
        /// The key's name.
        kname: String,
    }
}
parameters! {
    /// Asks whether an AuthKey of that name exists, valid or not.
    HasAuthKey {
        /// The app's Android uid.
        uid: u32,
        /// The key's name.
        kname: String,
    }
}
parameters! {
    /// Removes an AuthKey.
    RemoveAuthKey {
        /// The app's Android uid.
        uid: u32,
        /// The key's name.
        kname: String,
    }
}
parameters! {
    /// Removes the app's AuthKeys and its ASK.
    RemoveAllAuthKey {
        /// The app's Android uid.
        uid: u32,
    }
}
parameters! {
    /// Opens a signing session, which a matching touch arms and `finishSign` uses up.
    InitSigh {
        /// The app's Android uid.
        uid: u32,
        /// The AuthKey's name.
        kname: String,
        /// What is to be signed.
        challenge: String,
    }
}
parameters! {
    /// Signs in a session that a matching touch has armed. The session ends, whatever the answer.
    FinishSign {
        /// The session that `initSigh` answered.
        session: u64,
    }
}
parameters! {
    /// Asks for a hardware parameter.
    GetExtraParam {
        /// `fingerprint_type` or `fingerprint_hardware_position`.
        key: String,
    }
}
no_parameters! {
    /// Asks for the `cpu_id`.
    GetDeviceId
}
no_parameters! {
    /// Asks for the SOTER version.
    GetVersion
}

/// The trusted app's answer to any of its commands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    /// 0 for success, else a code of the SDK.
    pub result_code: i32,
    /// Exported bytes in standard Base64: an export blob, or the `cpu_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export_data: Option<String>,
    /// The signing session that was opened; at most 2^53 - 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<u64>,
    /// The value of a command that answers a boolean, a number or a parameter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

impl Reply {
    /// A bare result code.
    pub fn code(result_code: i32) -> Self {
        Self { result_code, export_data: None, session: None, value: None }
    }

    /// Success with exported bytes in Base64.
    pub fn exported(base64: String) -> Self {
        Self { export_data: Some(base64), ..Self::code(0) }
    }

    /// Success with a signing session.
    pub fn opened(session: u64) -> Self {
        Self { session: Some(session), ..Self::code(0) }
    }

    /// Success with a value.
    pub fn value(value: impl Into<Value>) -> Self {
        Self { value: Some(value.into()), ..Self::code(0) }
    }
}
