//! Why a server answered as it did: a stable name for each reason, what it means, and what to do about it.
//!
//! The names appear in verdicts, in the journal and in the header `x-soter-sim-reason`. WeChat itself never says why.

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};
use soter_text::{Text, ToValue, Value};

use crate::codes;

macro_rules! reasons {
    ($($variant:ident = $name:literal: $meaning:literal, $advice:literal;)+) => {
        /// Why a result, a signature, an upload or a payment was accepted or refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason {
            $(#[doc = $meaning] $variant,)+
            /// WeChat's servers answered with this `errcode`, or its cloud with this code, before anything was judged.
            Errcode(i32),
        }

        impl Reason {
            /// Every reason that has a name of its own, in the order of the names.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable name: `valid`, `counter-replayed`, … or `errcode-40001`.
            pub fn name(self) -> Cow<'static, str> {
                match self {
                    $(Self::$variant => Cow::Borrowed($name),)+
                    // The minus sign of -1 is the hyphen.
                    Self::Errcode(code @ ..0) => Cow::Owned(format!("errcode{code}")),
                    Self::Errcode(code) => Cow::Owned(format!("errcode-{code}")),
                }
            }

            /// One line in English: what it means.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $meaning,)+
                    Self::Errcode(code) => codes::server_code(code).map_or("", |code| code.meaning),
                }
            }

            /// One or two sentences in English: what to do.
            pub fn advice(self) -> &'static str {
                match self {
                    $(Self::$variant => $advice,)+
                    Self::Errcode(code) => codes::server_code(code).map_or("", |code| code.advice),
                }
            }
        }
    };
}

reasons! {
    BadKey = "bad-key": "The key cannot be read.",
        "Give it in one of the forms that the detail names.";
    BadSignatureEncoding = "bad-signature-encoding": "The signature is neither 256 raw bytes nor Base64.",
        "Send resultJSONSignature as the string that the mini program got: standard Base64, 344 characters.";
    Base64PlusLost = "base64-plus-lost": "Spaces stand where the Base64 text had `+`.",
        "Encode `+` as %2B in forms and addresses, or send the signature in a JSON body.";
    Base64Unpadded = "base64-unpadded": "The Base64 text lacks its `=` at the end.",
        "Send resultJSONSignature unchanged; some Base64 libraries strip the padding.";
    Base64UrlSafe = "base64-url-safe": "The Base64 text uses `-` and `_`.",
        "Use the standard alphabet (`+` and `/`): send resultJSONSignature unchanged.";
    Base64Wrapped = "base64-wrapped": "The Base64 text has line breaks or spaces in it or around it.",
        "Write it on one line: some encoders break lines after 64 or 76 characters.";
    BrokenChain = "broken-chain": "The certificate chain does not hold.",
        "Check the order (leaf, device, CA, root) and that no certificate was replaced.";
    CallbackObject = "callback-object": "The whole callback object stands in place of its resultJSON.",
        "Send the string in its resultJSON, and the one in its resultJSONSignature with it.";
    CloudActionNotEmulated = "cloud-action-not-emulated": "A cloud function asked WeChat's cloud for something that is not emulated.",
        "Emulated are two calls of cloud.openapi and of callWxOpenApi: soter.verifySignature and phonenumber.getPhoneNumber. Replace others in your tests.";
    CloudRequestMalformed = "cloud-request-malformed": "A request to WeChat's cloud is not one that its SDKs make.",
        "Send it with wx-server-sdk or @cloudbase/node-sdk.";
    CloudTokenInvalid = "cloud-token-invalid": "A cloud function's call has no token of these servers, or one of another mini program.",
        "Run the function below `soter-sim exec`, which sets WX_API_TOKEN, and do not change this variable.";
    CounterAsString = "counter-as-string": "The counter is a string; phones write a number.",
        "Send resultJSON unchanged: some parser, form or database between phone and server turned the number into text.";
    CounterReplayed = "counter-replayed": "A result with this very counter was accepted before: a replay.",
        "Ask the user to authenticate again with a fresh challenge. Look for a request that is sent twice.";
    CounterRolledBack = "counter-rolled-back": "The counter is lower than one that this device has shown before.",
        "Two requests of one phone may have overtaken each other, or the phone was rolled back or cloned: refuse, and ask for a new authentication.";
    DuplicateKey = "duplicate-key": "A name occurs twice in one JSON object, so parsers disagree about its value.",
        "No phone writes that: treat it as a forgery.";
    HtmlEscaped = "html-escaped": "The text or its signature is escaped for HTML: &quot; stands where a quote was.",
        "Send it unchanged: not by way of a page or a template, and past filters that escape all input.";
    JsonNotAString = "json-not-a-string": "json_string is not a string: resultJSON was parsed before it was sent.",
        "Send the text of resultJSON as one JSON string, escaped, exactly as the mini program got it.";
    LedgerUnavailable = "ledger-unavailable": "The servers cannot store what they decide, so they accept nothing.",
        "The detail, the log and /health say what failed. Nothing is lost: repeat the request when the ledger works again.";
    LineEndsChanged = "line-ends-changed": "Line feeds of the signed text were lost or added, or became CR LF.",
        "Keep the text as it is, byte for byte: no text mode, no trimming, no copying line by line.";
    MalformedJson = "malformed-json": "json_string is not JSON.",
        "Send the text of resultJSON unchanged; look for truncation, escaping or character-set conversion on its way.";
    MissingField = "missing-field": "A member that every result has is missing.",
        "Send resultJSON itself, not a part of it or a wrapper around it.";
    NoAnswer = "no-answer": "A backend got no answer, because a user has made the servers slow or silent.",
        "Look at what the backend did then: it must accept nothing. `servers set delay default` or `servers set silent off` ends it.";
    NoAuthKey = "no-auth-key": "The device is known, but no AuthKey was uploaded for this uid.",
        "The result is of an app on the phone whose keys WeChat never got; in a mini program that is a forged uid.";
    OtherAppsResult = "other-apps-result": "The key that signed belongs to another mini program.",
        "Use the access_token of the mini program in which the user authenticated.";
    OtherUsersResult = "other-users-result": "The key that signed belongs to another user.",
        "Send the openid of the user who authenticated, from jscode2session of the same login, not one that the client names.";
    PaySignNotChecked = "pay-sign-not-checked": "paySign was not checked: the configuration has no merchant for this mini program.",
        "To have it checked, write merchant_key or merchant_public_key into the file that --config names.";
    PaySignValid = "pay-sign-valid": "paySign belongs to what was sent, and the payment was made.",
        "Nothing to do. Your server learns from WeChat Pay's notification that it was paid, and must not believe the mini program.";
    PaySignWrong = "pay-sign-wrong": "paySign does not belong to what the mini program sent.",
        "The detail says which part of the signature's input was wrong, if a usual mistake explains it. The server must sign exactly what it hands to the mini program.";
    PaymentNotConfirmed = "payment-not-confirmed": "The parameters are good, but the payment sheet ended without a matching touch.",
        "The detail says why. If the user has cancelled, it is not an error: let them try again.";
    PaymentParameter = "payment-parameter": "A parameter of wx.requestPayment is missing, or has a value that the call does not take.",
        "Pass the five members that your server made unchanged, each as a string.";
    Pkcs1InsteadOfPss = "pkcs1-instead-of-pss": "The signature has the padding PKCS#1 v1.5; SOTER signs with PSS.",
        "The signature was not made by a phone's TEE.";
    Reserialised = "reserialised": "The text was changed after it had been signed, in a way that was found.",
        "Pass resultJSON on as the string that it is; never parse and write it again, and mind line ends and escapes.";
    RetiredKey = "retired-key": "The key that signed was replaced by a newer one.",
        "The phone has made a new AuthKey since (after an enrolment, for example): ask the user to authenticate again.";
    SaltOutOfRange = "salt-out-of-range": "A salt length above 222, which no signature can have.",
        "Phones use 20 or 32.";
    SignatureLength = "signature-length": "The signature has another length than 256 bytes.",
        "Send resultJSONSignature whole and unchanged.";
    TooLong = "too-long": "The text is longer than any result.",
        "Send resultJSON alone.";
    TooMany = "too-many": "More devices or keys than are kept.",
        "Start over with POST /sim/reset, or with another state folder.";
    UnknownDevice = "unknown-device": "No device with this cpu_id has ever uploaded a key.",
        "The result is of another backend's phone, or its cpu_id was changed; a system upgrade can change the cpu_id, too.";
    UrlEncoded = "url-encoded": "The text or its signature is URL-encoded: %22 stands where a quote was.",
        "Decode it once where the request is read, or send it in a JSON body.";
    Valid = "valid": "Nothing is wrong.", "Check the challenge and, if replays matter to you, the counter.";
    ValidReplay = "valid-replay": "The signature holds, but the counter is not new; replays are accepted as told.",
        "Your own server has to refuse this: by a challenge that is used once, or by the counter.";
    WrongKey = "wrong-key": "The signature was made with another key that is known here.",
        "Check that cpu_id and uid are those of the result, and that nobody mixes the results of two users.";
    WrongSaltLength = "wrong-salt-length": "The signature, or what the result says of it, has another salt length than its key.",
        "A key's salt length is fixed when it is uploaded (20, Huawei: 32); the message must not choose it.";
    WrongSignature = "wrong-signature": "Other bytes, another key or a forgery: these cannot be told apart.",
        "Compare the bytes that the mini program got with those that arrive, byte for byte.";
    WrongType = "wrong-type": "A member has another type, or a number another form, than phones write.",
        "Send resultJSON unchanged; some parsers turn integers into doubles.";
}

impl Reason {
    /// The reason with this name of its own; `None` also for an `errcode`, which [`codes`] explains.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.name() == name)
    }

    /// [`meaning`](Self::meaning) in both languages.
    pub fn meaning_text(self) -> Text {
        Text::whole(self.meaning())
    }

    /// [`advice`](Self::advice) in both languages.
    pub fn advice_text(self) -> Text {
        Text::whole(self.advice())
    }

    /// Whether it is a reason to answer yes.
    pub fn is_ok(self) -> bool {
        matches!(self, Self::Valid | Self::ValidReplay | Self::PaySignValid | Self::PaySignNotChecked)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.name())
    }
}

/// The name is the same in every language.
impl ToValue for Reason {
    fn to_value(&self) -> Value {
        self.name().to_value()
    }
}

/// Serialised as its name.
impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order_and_fit_into_a_header() {
        assert!(Reason::ALL.is_sorted_by(|one, next| one.name() < next.name()));
        for reason in Reason::ALL {
            let name = reason.name();
            assert!(
                name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            );
            assert_eq!(Reason::named(&name), Some(*reason));
        }
    }

    #[test]
    fn an_errcode_is_a_reason_with_its_number() {
        assert_eq!(Reason::Errcode(40001).name(), "errcode-40001");
        assert_eq!(Reason::Errcode(-1).name(), "errcode-1");
        assert!(Reason::Errcode(40001).advice().contains("token"));
        assert_eq!(Reason::named("errcode-40001"), None);
    }
}
