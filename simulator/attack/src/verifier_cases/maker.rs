//! An honest phone whose keys are known, and what is made with them that must be refused.

use serde_json::Value;
use soter_bridge::protocol::CommandError;
use soter_wire::{CertificateChain, ExportBlob, KeyFacts, KeyJson, Profile, PublicKey, SaltLength};

use super::case::Evidence;
use crate::attacked_phone::{AttackedPhone, Upload};
use crate::forge::forge_enrolment;
use crate::keys::KeySupply;
use crate::software_key::{Scheme, SoftwareKey};
use crate::steps::{Edit, Enrolment, WeakForm};
use crate::text::{EditContext, apply_edits};
use crate::weak_key::WeakKey;

/// The challenge of the honest result.
const CHALLENGE: &str = "order-42";

/// An honest phone, and the keys of others.
pub(super) struct Maker {
    profile: &'static Profile,
    pub(super) phone: AttackedPhone,
    upload: Upload,
    pub(super) honest: Evidence,
    pub(super) scheme: Scheme,
    pub(super) ask: SoftwareKey,
    pub(super) auth_key: SoftwareKey,
    pub(super) stranger: SoftwareKey,
    pub(super) others_cpu_id: String,
    supply: KeySupply,
}

impl Maker {
    /// A phone of this family, and its honest keys and result.
    pub(super) fn new(profile: &'static Profile, supply: &KeySupply) -> Result<Self, CommandError> {
        let openid = "oOwner";
        let mut phone = AttackedPhone::new(supply, profile, openid)?;
        let others_cpu_id = AttackedPhone::new(supply, profile, "oOther")?.cpu_id();
        let (attk, ask, auth_key) = (phone.attk()?, phone.ask()?, phone.auth_key(openid)?);
        let scheme = Scheme::from_signature_scheme(profile.scheme);
        let mut upload = phone.upload()?;
        // Signed once more, because the secure world's salts are random, and a seed must give the same bytes.
        if !upload.ask.signature.is_empty() {
            upload.ask.signature = attk.sign(&upload.ask.json, scheme)?;
        }
        upload.auth_key.signature = ask.sign(&upload.auth_key.json, scheme)?;
        let highest_counter = decode_key(&upload.auth_key.json)?.counter;
        let result = signed(&phone.authenticate(CHALLENGE)?.json, &auth_key, scheme)?;
        let honest = Evidence {
            attk: upload.attk.clone(),
            ask_facts: ask_facts(&upload.ask)?,
            ask: upload.ask.clone(),
            auth_key: upload.auth_key.clone(),
            result,
            challenge: CHALLENGE.to_owned(),
            highest_counter,
        };
        let (stranger, supply) = (supply.key()?, supply.clone());
        Ok(Self { profile, phone, upload, honest, scheme, ask, auth_key, stranger, others_cpu_id, supply })
    }

    /// An ASK of a stranger in place of the phone's, and the AuthKey's export signed by it.
    pub(super) fn with_changed_ask(&self) -> Result<Evidence, CommandError> {
        let honest = &self.honest;
        if honest.ask.signature.is_empty() {
            let forged = forge_enrolment(self.upload.clone(), Enrolment::LeafOfNobody, &self.supply)?;
            let leaf = decode_chain(&forged.ask)?.certificates.into_iter().next().unwrap_or_default();
            let public_key = PublicKey::from_certificate_der(&leaf)
                .map_err(|_| CommandError::defect("a forged leaf does not read"))?;
            let ask_facts = KeyJson { public_key, ..honest.ask_facts.clone() };
            return Ok(Evidence { ask: forged.ask, ask_facts, auth_key: forged.auth_key, ..honest.clone() });
        }
        let ask_facts = KeyJson { public_key: self.stranger.public().clone(), ..honest.ask_facts.clone() };
        let json = facts(&ask_facts).encode(self.profile).into_bytes();
        Ok(Evidence {
            ask: ExportBlob { json, signature: honest.ask.signature.clone() },
            ask_facts,
            auth_key: signed(text(&honest.auth_key.json)?, &self.stranger, self.scheme)?,
            ..honest.clone()
        })
    }

    /// The AuthKey in an export that says this, signed by the ASK, and a result with these edits.
    pub(super) fn with_auth_key(
        &self,
        facts: &KeyFacts<'_>,
        edits: &[Edit],
    ) -> Result<Evidence, CommandError> {
        let result = self.edit(text(&self.honest.result.json)?, edits)?;
        Ok(Evidence {
            auth_key: signed(&facts.encode(self.profile), &self.ask, self.scheme)?,
            result: signed(&result, &self.auth_key, self.scheme)?,
            ..self.honest.clone()
        })
    }

    /// A weak key as AuthKey, which the ASK has signed and which has signed the result.
    pub(super) fn with_weak_key(&self, form: WeakForm) -> Result<Evidence, CommandError> {
        let weak_key = WeakKey::generate(form, &self.supply)?;
        let honest = text(&self.honest.auth_key.json)?;
        let rest = honest
            .split_once(",\"cpu_id\"")
            .map(|(_, rest)| rest)
            .ok_or_else(|| CommandError::defect("a phone's export names no cpu_id"))?;
        let json = format!("{{\"pub_key\":{},\"cpu_id\"{rest}", Value::from(weak_key.public_pem()?));
        let result = self.honest.result.json.clone();
        Ok(Evidence {
            auth_key: signed(&json, &self.ask, self.scheme)?,
            result: ExportBlob { signature: weak_key.sign(&result, self.scheme)?, json: result },
            ..self.honest.clone()
        })
    }

    /// The salt length of phones that this one does not use.
    pub(super) fn other_salt(&self) -> Scheme {
        let huawei = SaltLength::HUAWEI.get();
        let other = if self.scheme.salt_length == huawei { SaltLength::DEFAULT.get() } else { huawei };
        Scheme { salt_length: other, ..self.scheme }
    }

    /// A text with these edits.
    pub(super) fn edit(&self, text: &str, edits: &[Edit]) -> Result<String, CommandError> {
        let context = EditContext {
            accepted_counter: self.honest.highest_counter,
            challenge: CHALLENGE,
            owner_cpu_id: &self.honest.ask_facts.cpu_id,
            other_cpu_id: &self.others_cpu_id,
            attackers_key: "",
        };
        apply_edits(text, edits, context)
    }
}

/// A text with its signature by this key.
pub(super) fn signed(json: &str, key: &SoftwareKey, scheme: Scheme) -> Result<ExportBlob, CommandError> {
    Ok(ExportBlob { json: json.as_bytes().to_vec(), signature: key.sign(json.as_bytes(), scheme)? })
}

/// What an exported ASK says, in either of its forms.
fn ask_facts(ask: &ExportBlob) -> Result<KeyJson, CommandError> {
    if !ask.signature.is_empty() {
        return decode_key(&ask.json);
    }
    let chain = decode_chain(ask)?.verify();
    let facts = chain.map_err(|_| CommandError::defect("a phone's certificate chain does not verify"))?;
    let challenge = facts.challenge;
    Ok(KeyJson {
        public_key: facts.ask,
        cpu_id: challenge.cpu_id,
        counter: challenge.counter,
        uid: challenge.uid,
        named_scheme: challenge.named_scheme,
    })
}

fn decode_chain(ask: &ExportBlob) -> Result<CertificateChain, CommandError> {
    CertificateChain::decode(&ask.json)
        .map_err(|_| CommandError::defect("a phone's certificate chain does not read"))
}

pub(super) fn decode_key(json: &[u8]) -> Result<KeyJson, CommandError> {
    KeyJson::decode(json).map_err(|_| CommandError::defect("a phone's export does not decode"))
}

pub(super) fn facts(key: &KeyJson) -> KeyFacts<'_> {
    KeyFacts { public_key: &key.public_key, cpu_id: &key.cpu_id, counter: key.counter, uid: &key.uid }
}

pub(super) fn text(bytes: &[u8]) -> Result<&str, CommandError> {
    std::str::from_utf8(bytes).map_err(|_| CommandError::defect("a phone's text is not UTF-8"))
}
