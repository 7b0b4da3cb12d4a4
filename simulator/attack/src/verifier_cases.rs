//! Cases for anybody's verifier: a phone's keys and result, good ones and ones that must be refused, each with the check that
//! refuses it. Every refused case fails in one respect and is right in all others.

mod case;
mod maker;

use soter_bridge::protocol::CommandError;
use soter_bridge::protocol::danger::{Hash, Padding};
use soter_wire::{ExportBlob, KeyFacts, Profile, ResultJson, SaltLength, base64};

pub use self::case::{Evidence, VerifierCase, VerifierCheck};
use self::maker::{Maker, decode_key, facts, signed, text};
use crate::forge::reshape;
use crate::keys::KeySource;
use crate::software_key::{Scheme, SoftwareKey};
use crate::steps::{Edit, Shape, WeakForm};

/// A challenge that JSON escapes, and that has characters of two to four bytes.
const UNUSUAL_CHALLENGE: &str = "say \"yes\" \\ and / no: 支付 42 元 😀";
/// The uid of another app.
const OTHER_UID: &str = "10999";

/// Makes the cases for a family of phones. With a seed they are always the same.
///
/// # Errors
/// `Internal` if a phone or a key cannot be made: a defect. `Environment` if the operating system gives no random bytes.
pub fn verifier_cases(
    profile: &'static Profile,
    keys: &KeySource,
) -> Result<Vec<VerifierCase>, CommandError> {
    let mut maker = Maker::new(profile, &keys.supply("verifier cases"))?;
    let mut cases = maker.accepted()?;
    cases.extend(maker.uploads()?);
    cases.extend(maker.signatures()?);
    cases.extend(maker.texts()?);
    Ok(cases)
}

impl Maker {
    /// What must be accepted.
    fn accepted(&mut self) -> Result<Vec<VerifierCase>, CommandError> {
        let unusual = self.phone.authenticate(UNUSUAL_CHALLENGE)?.json;
        let unusual = signed(&unusual, &self.auth_key, self.scheme)?;
        Ok(vec![
            case("good", "an honest result", None, self.honest.clone()),
            case(
                "good-unusual-challenge",
                "an honest result whose challenge is escaped in JSON, with a gap before its counter",
                None,
                Evidence { result: unusual, challenge: UNUSUAL_CHALLENGE.to_owned(), ..self.honest.clone() },
            ),
        ])
    }

    /// ASKs and AuthKeys that must be refused; their AuthKey signed the result.
    fn uploads(&self) -> Result<Vec<VerifierCase>, CommandError> {
        use VerifierCheck::{Ask, AuthKeyCounter, AuthKeyOwner, AuthKeySignature};

        let key = decode_key(&self.honest.auth_key.json)?;
        let (counter, next) = (key.counter.to_string(), (key.counter + 1).to_string());
        let changed = text(&self.honest.auth_key.json)?.replacen(
            &format!("\"counter\":{counter}"),
            &format!("\"counter\":{next}"),
            1,
        );
        let changed = ExportBlob { json: changed.into_bytes(), ..self.honest.auth_key.clone() };
        let signed_by = |signer: &SoftwareKey, scheme| -> Result<Evidence, CommandError> {
            let auth_key = signed(text(&self.honest.auth_key.json)?, signer, scheme)?;
            Ok(Evidence { auth_key, ..self.honest.clone() })
        };
        let ask_counter = self.honest.ask_facts.counter;
        Ok(vec![
            case(
                "ask-changed",
                "the ASK's export with a stranger's key in it, which signed the AuthKey's export",
                Some(Ask),
                self.with_changed_ask()?,
            ),
            case(
                "auth-key-changed",
                "the AuthKey's export with another counter than was signed",
                Some(AuthKeySignature),
                Evidence { auth_key: changed, ..self.honest.clone() },
            ),
            case(
                "auth-key-of-another-ask",
                "the AuthKey's export, signed by another ASK",
                Some(AuthKeySignature),
                signed_by(&self.stranger, self.scheme)?,
            ),
            case(
                "auth-key-at-another-salt",
                "the AuthKey's export, signed by the ASK with another salt length than the ASK's",
                Some(AuthKeySignature),
                signed_by(&self.ask, self.other_salt())?,
            ),
            case(
                "auth-key-of-1024-bits",
                "an AuthKey of 1024 bits, which the ASK has signed",
                Some(VerifierCheck::AuthKeyStrength),
                self.with_weak_key(WeakForm::Short)?,
            ),
            case(
                "auth-key-with-exponent-3",
                "an AuthKey with the public exponent 3, which the ASK has signed",
                Some(VerifierCheck::AuthKeyStrength),
                self.with_weak_key(WeakForm::Exponent3)?,
            ),
            case(
                "auth-key-of-another-device",
                "an AuthKey that names another device than the ASK that signed it; its result does too",
                Some(AuthKeyOwner),
                self.with_auth_key(
                    &KeyFacts { cpu_id: &self.others_cpu_id, ..facts(&key) },
                    &[Edit::OthersCpuId],
                )?,
            ),
            case(
                "auth-key-of-another-app",
                "an AuthKey that names another app than the ASK that signed it; its result does too",
                Some(AuthKeyOwner),
                self.with_auth_key(
                    &KeyFacts { uid: OTHER_UID, ..facts(&key) },
                    &[Edit::Text("uid", OTHER_UID)],
                )?,
            ),
            case(
                "auth-key-older-than-ask",
                "an AuthKey whose counter is not greater than that of the ASK that signed it",
                Some(AuthKeyCounter),
                self.with_auth_key(&KeyFacts { counter: ask_counter, ..facts(&key) }, &[])?,
            ),
        ])
    }

    /// Results that are not signed as they must be.
    fn signatures(&self) -> Result<Vec<VerifierCase>, CommandError> {
        let refused = Some(VerifierCheck::ResultSignature);
        let json = text(&self.honest.result.json)?;
        let by_auth_key = |name, description, scheme| -> Result<VerifierCase, CommandError> {
            Ok(self.case_of_result(name, description, refused, signed(json, &self.auth_key, scheme)?))
        };
        let by_other = |name, description, key: &SoftwareKey| -> Result<VerifierCase, CommandError> {
            Ok(self.case_of_result(name, description, refused, signed(json, key, self.scheme)?))
        };
        let reshaped = |name, description, shape| -> Result<VerifierCase, CommandError> {
            let signature = base64::encode(&self.honest.result.signature);
            let signature = reshape(&signature, shape, self.auth_key.public())?;
            let signature = base64::decode(&signature)
                .map_err(|_| CommandError::defect("a changed signature is not Base64"))?;
            let result = ExportBlob { signature, ..self.honest.result.clone() };
            Ok(self.case_of_result(name, description, refused, result))
        };
        Ok(vec![
            by_auth_key(
                "result-at-another-salt",
                "signed with the other salt length that phones use",
                self.other_salt(),
            )?,
            by_auth_key(
                "result-without-salt",
                "signed with an empty salt",
                Scheme { salt_length: 0, ..self.scheme },
            )?,
            by_auth_key(
                "result-at-the-longest-salt",
                "signed with the longest salt that fits, 222 bytes",
                Scheme { salt_length: SaltLength::MAX.get(), ..self.scheme },
            )?,
            by_auth_key(
                "result-with-pkcs1",
                "signed with the padding PKCS#1 v1.5",
                Scheme { padding: Padding::Pkcs1, ..self.scheme },
            )?,
            by_auth_key(
                "result-with-sha1",
                "signed with SHA-1 for the text and in MGF1",
                Scheme { hash: Hash::Sha1, mgf1: Hash::Sha1, ..self.scheme },
            )?,
            by_auth_key(
                "result-with-mgf1-sha1",
                "signed with SHA-1 in MGF1",
                Scheme { mgf1: Hash::Sha1, ..self.scheme },
            )?,
            by_other("result-by-another-key", "signed by another AuthKey", &self.stranger)?,
            by_other("result-by-ask", "signed by the ASK", &self.ask)?,
            reshaped("result-signature-changed", "one bit of the signature is changed", Shape::BitFlipped)?,
            reshaped("result-signature-cut", "the signature without its last byte", Shape::Truncated)?,
            reshaped(
                "result-signature-longer",
                "the signature with a zero byte before it",
                Shape::LeadingZero,
            )?,
            reshaped("result-signature-empty", "an empty signature", Shape::Empty)?,
        ])
    }

    /// Results whose text is not what was signed, or does not say what it must.
    fn texts(&mut self) -> Result<Vec<VerifierCase>, CommandError> {
        use VerifierCheck::{Challenge, Counter, ResultOwner, ResultSalt, ResultSignature};

        let other_challenge =
            signed(&self.phone.authenticate("order-41")?.json, &self.auth_key, self.scheme)?;
        let counter = ResultJson::decode(&self.honest.result.json)
            .map_err(|_| CommandError::defect("a phone's result does not decode"))?
            .counter;
        let json = text(&self.honest.result.json)?;
        let unsigned = |text: String| ExportBlob { json: text.into_bytes(), ..self.honest.result.clone() };
        let edited = |edits: &[Edit], scheme| signed(&self.edit(json, edits)?, &self.auth_key, scheme);
        let names_other: &[Edit] = match SaltLength::new(self.scheme.salt_length) {
            Some(SaltLength::HUAWEI) => {
                &[Edit::Without("rsa_pss_saltlen"), Edit::With("rsa_pss_saltlen", "20")]
            }
            _ => &[Edit::With("rsa_pss_saltlen", "32")],
        };
        let highest = |name, description, highest_counter| {
            case(name, description, Some(Counter), Evidence { highest_counter, ..self.honest.clone() })
        };
        let of_result =
            |name, description, check, result| self.case_of_result(name, description, Some(check), result);
        let swapped = self.edit(text(&other_challenge.json)?, &[Edit::OrdersRaw])?;
        Ok(vec![
            of_result(
                "result-text-changed",
                "a result for another challenge, with this challenge put into its text",
                ResultSignature,
                ExportBlob { json: swapped.into_bytes(), ..other_challenge.clone() },
            ),
            of_result(
                "result-reserialised",
                "the same members, written with spaces",
                ResultSignature,
                unsigned(self.edit(json, &[Edit::Spaced])?),
            ),
            of_result(
                "result-line-end",
                "the text with a line end after it, as editors add it",
                ResultSignature,
                unsigned(self.edit(json, &[Edit::LineEnd])?),
            ),
            of_result(
                "result-chooses-its-salt",
                "the text names the other salt length that phones use, and is signed with it",
                ResultSignature,
                edited(names_other, self.other_salt())?,
            ),
            of_result(
                "result-names-another-salt",
                "the text names the other salt length that phones use, and is signed with the key's",
                ResultSalt,
                edited(names_other, self.scheme)?,
            ),
            of_result(
                "result-of-another-device",
                "a text that names another device, signed by the AuthKey",
                ResultOwner,
                edited(&[Edit::OthersCpuId], self.scheme)?,
            ),
            of_result(
                "result-of-another-app",
                "a text that names another app, signed by the AuthKey",
                ResultOwner,
                edited(&[Edit::Text("uid", OTHER_UID)], self.scheme)?,
            ),
            of_result(
                "result-for-another-challenge",
                "an honest result for another challenge",
                Challenge,
                other_challenge.clone(),
            ),
            highest("result-replayed", "an honest result that was accepted before", counter),
            highest("result-rolled-back", "an honest result after one with a higher counter", counter + 5),
        ])
    }

    fn case_of_result(
        &self,
        name: &'static str,
        description: &'static str,
        refused_by: Option<VerifierCheck>,
        result: ExportBlob,
    ) -> VerifierCase {
        case(name, description, refused_by, Evidence { result, ..self.honest.clone() })
    }
}

fn case(
    name: &'static str,
    description: &'static str,
    refused_by: Option<VerifierCheck>,
    evidence: Evidence,
) -> VerifierCase {
    VerifierCase { name, description, refused_by, evidence }
}
