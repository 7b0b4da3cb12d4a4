//! What a mini program's callback receives from `wx.startSoterAuthentication`.

use serde_json::Value;
use soter_wire::{PublicKey, ResultJson, SignatureError, base64};

/// The five members of the callback object, as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// `errCode`.
    pub err_code: i64,
    /// `authMode`.
    pub auth_mode: String,
    /// `resultJSON`.
    pub result_json: String,
    /// `resultJSONSignature`.
    pub signature: String,
    /// `errMsg`.
    pub err_msg: String,
}

impl Callback {
    /// The object's members, in the order of the documentation.
    pub const MEMBERS: [&str; 5] = ["errCode", "authMode", "resultJSON", "resultJSONSignature", "errMsg"];

    /// Whether this is a callback object, and not the answer to another command.
    pub fn is(answer: &Value) -> bool {
        answer.get("errCode").is_some()
    }

    /// Reads the object, which must have exactly [`MEMBERS`](Self::MEMBERS). In a failure, the signed members are empty.
    #[track_caller]
    pub fn read(answer: &Value) -> Self {
        let members = answer.as_object().unwrap_or_else(|| panic!("{answer} is not an object"));
        let names: Vec<_> = members.keys().map(String::as_str).collect();
        assert_eq!(names, Self::MEMBERS, "{answer}");
        let text = |name: &str| {
            answer[name].as_str().unwrap_or_else(|| panic!("{name} is not a string: {answer}")).to_owned()
        };
        let callback = Self {
            err_code: answer["errCode"]
                .as_i64()
                .unwrap_or_else(|| panic!("errCode is not a number: {answer}")),
            auth_mode: text("authMode"),
            result_json: text("resultJSON"),
            signature: text("resultJSONSignature"),
            err_msg: text("errMsg"),
        };
        if callback.err_code == 0 {
            assert_eq!(callback.err_msg, "startSoterAuthentication:ok");
        } else {
            let signed = [&callback.auth_mode, &callback.result_json, &callback.signature];
            assert!(signed.iter().all(|member| member.is_empty()), "a failure with signed members: {answer}");
            assert!(callback.err_msg.starts_with("startSoterAuthentication:fail"), "{answer}");
        }
        callback
    }

    /// The signed text, read strictly.
    #[track_caller]
    pub fn result(&self) -> ResultJson {
        ResultJson::decode(self.result_json.as_bytes())
            .unwrap_or_else(|error| panic!("`{}` is not a result: {error}", self.result_json))
    }

    /// The counter in the signed text.
    #[track_caller]
    pub fn counter(&self) -> u64 {
        self.result().counter
    }

    /// The signature's bytes.
    #[track_caller]
    pub fn signature_bytes(&self) -> Vec<u8> {
        base64::decode(&self.signature).unwrap_or_else(|error| panic!("`{}`: {error}", self.signature))
    }

    /// Checks the signature at the salt length that the text names, else 20.
    ///
    /// # Errors
    /// The signature is not this key's over this text.
    #[track_caller]
    pub fn verify(&self, key: &PublicKey) -> Result<(), SignatureError> {
        key.verify(self.result().scheme(), self.result_json.as_bytes(), &self.signature_bytes())
    }
}
