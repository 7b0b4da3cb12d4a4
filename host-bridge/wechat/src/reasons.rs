//! Every reason for which a signature is refused: its stable name, what it means, and what to do about it.
//!
//! The names stand in verdicts, in the journal and in the header `x-soter-sim-reason`. WeChat itself never says why.

/// One reason, explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The stable name.
    pub name: &'static str,
    /// One line: what it means.
    pub meaning: &'static str,
    /// One or two sentences: what to do.
    pub advice: &'static str,
}

macro_rules! reasons {
    ($($constant:ident = $name:literal: $meaning:literal, $advice:literal;)+) => {
        $(#[doc = $meaning] pub const $constant: &str = $name;)+

        /// All of them, in alphabetical order.
        pub static REASONS: &[Reason] = &[$(Reason { name: $name, meaning: $meaning, advice: $advice },)+];
    };
}

reasons! {
    BAD_KEY = "bad-key": "The key cannot be read.",
        "Give a PEM public key, the JSON of an ASK or AuthKey, or that of a certificate chain.";
    BAD_SIGNATURE_ENCODING = "bad-signature-encoding": "The signature is neither 256 raw bytes nor Base64.",
        "Send resultJSONSignature as the string that the mini program got: standard Base64, 344 characters.";
    BASE64_PLUS_LOST = "base64-plus-lost": "Spaces stand where the Base64 text had `+`.",
        "Encode `+` as %2B in forms and addresses, or send the signature in a JSON body.";
    BASE64_UNPADDED = "base64-unpadded": "The Base64 text lacks its `=` at the end.",
        "Send resultJSONSignature unchanged; some Base64 libraries strip the padding.";
    BASE64_URL_SAFE = "base64-url-safe": "The Base64 text uses `-` and `_`.",
        "Use the standard alphabet (`+` and `/`): send resultJSONSignature unchanged.";
    BASE64_WRAPPED = "base64-wrapped": "The Base64 text has line breaks or spaces inside.",
        "Write it on one line: some encoders break lines after 64 or 76 characters.";
    BROKEN_CHAIN = "broken-chain": "The certificate chain does not hold.",
        "Check the order (leaf, device, CA, root) and that no certificate was replaced.";
    COUNTER_REPLAYED = "counter-replayed": "A result with this very counter was accepted before: a replay.",
        "Ask the user to authenticate again with a fresh challenge. Look for a request that is sent twice.";
    COUNTER_ROLLED_BACK = "counter-rolled-back": "The counter is lower than one that this device has shown before.",
        "An older result came after a newer one, or the phone was rolled back or cloned: refuse, and ask for a new authentication.";
    DUPLICATE_KEY = "duplicate-key": "A name occurs twice in one JSON object, so parsers disagree about its value.",
        "No phone writes that: treat it as a forgery.";
    JSON_NOT_A_STRING = "json-not-a-string": "json_string is not a string: resultJSON was parsed before it was sent.",
        "Send the text of resultJSON as one JSON string, escaped, exactly as the mini program got it.";
    MALFORMED_JSON = "malformed-json": "json_string is not JSON.",
        "Send the text of resultJSON unchanged; look for truncation, escaping or character-set conversion on its way.";
    MISSING_FIELD = "missing-field": "A member that every result has is missing.",
        "Send resultJSON itself, not a part of it or a wrapper around it.";
    NO_AUTH_KEY = "no-auth-key": "The device is known, but no AuthKey was uploaded for this uid.",
        "The result is of an app on the phone whose keys WeChat never got; in a mini program that is a forged uid.";
    OTHER_APPS_RESULT = "other-apps-result": "The key that signed belongs to another mini program.",
        "Use the access_token of the mini program in which the user authenticated.";
    OTHER_USERS_RESULT = "other-users-result": "The key that signed belongs to another user.",
        "Send the openid of the user who authenticated, from jscode2session of the same login, not one that the client names.";
    PKCS1_INSTEAD_OF_PSS = "pkcs1-instead-of-pss": "The signature has the padding PKCS#1 v1.5; SOTER signs with PSS.",
        "The signature was not made by a phone's TEE.";
    RESERIALISED = "reserialised": "The text was changed after it had been signed, in a way that was found.",
        "Pass resultJSON on as the string that it is; never parse and write it again, and mind line ends and escapes.";
    RETIRED_KEY = "retired-key": "The key that signed was replaced by a newer one.",
        "The phone has made a new AuthKey since (after an enrolment, for example): ask the user to authenticate again.";
    SALT_OUT_OF_RANGE = "salt-out-of-range": "A salt length above 222, which no signature can have.",
        "Phones use 20 or 32.";
    SIGNATURE_LENGTH = "signature-length": "The signature has another length than 256 bytes.",
        "Send resultJSONSignature whole and unchanged.";
    TOO_LONG = "too-long": "The text is longer than any result.",
        "Send resultJSON alone.";
    TOO_MANY = "too-many": "More devices or keys than are kept.",
        "Begin anew with POST /sim/reset, or with another state folder.";
    UNKNOWN_DEVICE = "unknown-device": "No device with this cpu_id has ever uploaded a key.",
        "The result is of another backend's phone, or its cpu_id was changed; a system upgrade can change the cpu_id, too.";
    VALID = "valid": "Nothing is wrong.", "Check the challenge and, if replays matter to you, the counter.";
    VALID_REPLAY = "valid-replay": "The signature holds, but the counter is not new; replays are accepted as told.",
        "Your own server has to refuse this: by a challenge that is used once, or by the counter.";
    WRONG_KEY = "wrong-key": "The signature was made with another key that is known here.",
        "Check that cpu_id and uid are those of the result, and that nobody mixes the results of two users.";
    WRONG_SALT_LENGTH = "wrong-salt-length": "The signature, or what the result says of it, has another salt length than its key.",
        "A key's salt length is fixed when it is uploaded (20, Huawei: 32); the message must not choose it.";
    WRONG_SIGNATURE = "wrong-signature": "Other bytes, another key or a forgery: these cannot be told apart.",
        "Compare the bytes that the mini program got with those that arrive, byte for byte.";
    WRONG_TYPE = "wrong-type": "A member has another type, or a number another form, than phones write.",
        "Send resultJSON unchanged; some parsers turn integers into doubles or strings.";
}

/// The reason with this name.
pub fn explain(name: &str) -> Option<&'static Reason> {
    REASONS.iter().find(|reason| reason.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order_and_fit_into_a_header() {
        assert!(REASONS.is_sorted_by(|one, next| one.name < next.name));
        for reason in REASONS {
            assert!(
                reason
                    .name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            );
            assert_eq!(explain(reason.name), Some(reason));
        }
    }
}
