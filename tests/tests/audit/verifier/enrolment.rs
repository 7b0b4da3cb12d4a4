//! How a verifier enrolls the keys of a phone.

use serde_json::Value;
use soter_wire::{CertificateChain, KeyJson, PublicKey, SignatureScheme, base64};

use super::super::careless_pss::AnyKey;
use super::enrolled_key::EnrolledKey;
use super::{Ask, AuthKey, Kept, Verifier, Weakness};

/// An exported key as it was read.
struct Export {
    key: EnrolledKey,
    cpu_id: String,
    uid: String,
    counter: u64,
    scheme: SignatureScheme,
}

/// Which of a phone's keys.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Ask,
    AuthKey,
}

impl Verifier {
    /// Enrolls a device with its keys; `None` if it refuses them.
    pub(super) fn enroll(&self, body: &Value) -> Option<()> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let cpu_id = text(&body["cpu_id"])?;
        let (appid, openid) = (text(&body["appid"])?, text(&body["openid"])?);
        let attk = PublicKey::from_pem(body["attk"].as_str()?).ok()?;
        let [ask_json, auth_key_json] = ["ask", "auth_key"].map(|name| text(&body[name]["json"]));
        let [ask_signature, auth_key_signature] =
            ["ask", "auth_key"].map(|name| base64::decode(body[name]["signature"].as_str()?).ok());
        let (ask_json, auth_key_json) = (ask_json?, auth_key_json?);
        let mut kept = self.kept();
        let known = kept.attks.entry(cpu_id.clone()).or_insert_with(|| attk.clone()).clone();
        let ask = self.verified_ask(&known, &ask_json, &ask_signature?)?;
        let auth_key = self.export(Level::AuthKey, &auth_key_json)?;
        if ask.cpu_id != cpu_id {
            return None;
        }
        if !self.is(Weakness::AuthKeyNotVerified)
            && !self.is_signed(&kept, &ask, &auth_key, &auth_key_json, &auth_key_signature?)
        {
            return None;
        }
        let (is_other_phone, is_other_app) = (auth_key.cpu_id != ask.cpu_id, auth_key.uid != ask.uid);
        let (takes_other_phones, takes_other_apps) = self.takes_keys_of_others();
        if (is_other_phone && !takes_other_phones) || (is_other_app && !takes_other_apps) {
            return None;
        }
        if !self.takes_counters(&kept, &cpu_id, ask.counter, auth_key.counter)
            || (self.is(Weakness::UploadsOnce) && !kept.exports.insert(auth_key_json))
        {
            return None;
        }
        let is_anothers =
            |old: &AuthKey| old.key == auth_key.key && (&old.appid, &old.openid) != (&appid, &openid);
        let may_be_anothers = matches!(
            self.weakness,
            Weakness::KeyMovesToOther | Weakness::KeyOfSeveral | Weakness::UsersOfPhone
        );
        if kept.keys.iter().any(is_anothers) && !may_be_anothers {
            return None;
        }
        kept.uploads.insert(cpu_id.clone(), (ask.counter, auth_key.counter));
        kept.asks.insert((ask.cpu_id, ask.uid), Ask { key: ask.key, scheme: ask.scheme });
        let key = AuthKey {
            scheme: auth_key.scheme,
            key: auth_key.key,
            appid,
            openid,
            cpu_id: auth_key.cpu_id,
            uid: auth_key.uid,
            retired: false,
        };
        let same_owner = |old: &&mut AuthKey| {
            (&old.cpu_id, &old.openid) == (&key.cpu_id, &key.openid) && old.key != key.key
        };
        kept.keys.iter_mut().filter(same_owner).for_each(|old| old.retired = true);
        let moves = self.is(Weakness::KeyMovesToOther);
        kept.keys.retain(|old| {
            (&old.cpu_id, &old.key) != (&key.cpu_id, &key.key) || (!moves && old.openid != key.openid)
        });
        kept.keys.push(key);
        Some(())
    }

    fn verified_ask(&self, attk: &PublicKey, json: &str, signature: &[u8]) -> Option<Export> {
        if !signature.is_empty() {
            let export = self.export(Level::Ask, json)?;
            let is_signed = attk.verify(export.scheme, json.as_bytes(), signature).is_ok();
            return (is_signed || self.is(Weakness::AskNotVerified)).then_some(export);
        }
        let chain = CertificateChain::decode(json.as_bytes()).ok()?.verify().ok()?;
        let trusted = soter_tee::emulated_root_key().unwrap();
        if chain.device_key != *attk || (chain.root != trusted && !self.is(Weakness::AnyRoot)) {
            return None;
        }
        Some(Export {
            scheme: chain.challenge.scheme(),
            key: EnrolledKey::Usual(chain.ask.clone()),
            cpu_id: chain.challenge.cpu_id,
            uid: chain.challenge.uid,
            counter: chain.challenge.counter,
        })
    }

    /// Whether the ASK that has to sign an AuthKey has signed it.
    fn is_signed(&self, kept: &Kept, ask: &Export, auth_key: &Export, json: &str, signature: &[u8]) -> bool {
        let by = |key: &EnrolledKey, scheme| key.verifies(scheme, json.as_bytes(), signature);
        match self.weakness {
            Weakness::AnyKnownAsk => {
                by(&ask.key, ask.scheme) || kept.asks.values().any(|known| by(&known.key, known.scheme))
            }
            Weakness::AskOfAuthKey => {
                let known = kept.asks.get(&(auth_key.cpu_id.clone(), auth_key.uid.clone()));
                by(&ask.key, ask.scheme) || known.is_some_and(|known| by(&known.key, known.scheme))
            }
            _ => by(&ask.key, ask.scheme),
        }
    }

    /// Whether an AuthKey may name another phone, or another app, than its ASK.
    fn takes_keys_of_others(&self) -> (bool, bool) {
        match self.weakness {
            Weakness::AuthKeyOfAnyPhone | Weakness::AskOfAuthKey => (true, false),
            Weakness::AuthKeyOfAnyApp => (false, true),
            Weakness::AuthKeyOfAnybody | Weakness::AnyKnownAsk => (true, true),
            _ => (false, false),
        }
    }

    /// Whether the counters of an ASK and an AuthKey may be those of an upload.
    fn takes_counters(&self, kept: &Kept, cpu_id: &str, ask: u64, auth_key: u64) -> bool {
        let uploaded = kept.uploads.get(cpu_id).map_or(0, |(ask, auth_key)| *ask.max(auth_key));
        let accepted = kept.results.get(cpu_id).copied().unwrap_or_default();
        let highest = uploaded.max(accepted);
        match self.weakness {
            Weakness::UploadCountersIgnored | Weakness::UploadsOnce => true,
            Weakness::UploadsInOrder => auth_key > ask,
            Weakness::UploadsAmongThemselves => ask > uploaded && auth_key > ask,
            Weakness::UploadedAskAlone => ask > highest,
            Weakness::UploadedAuthKeyAlone => auth_key > highest,
            _ => ask > highest && auth_key > ask,
        }
    }

    /// Reads an export; `None` if it is not one, or its key is too weak.
    fn export(&self, level: Level, json: &str) -> Option<Export> {
        if let Ok(usual) = KeyJson::decode(json.as_bytes()) {
            let scheme = usual.scheme();
            let KeyJson { public_key, cpu_id, counter, uid, .. } = usual;
            return Some(Export { key: EnrolledKey::Usual(public_key), cpu_id, uid, counter, scheme });
        }
        let members: Value = serde_json::from_str(json).ok()?;
        let text = |name: &str| members[name].as_str().map(str::to_owned);
        let key = AnyKey::from_pem(&text("pub_key")?)?;
        self.takes(level, &key).then_some(())?;
        Some(Export {
            key: EnrolledKey::Weak(key),
            cpu_id: text("cpu_id")?,
            uid: text("uid")?,
            counter: members["counter"].as_u64()?,
            scheme: serde_json::from_value(members["rsa_pss_saltlen"].clone()).unwrap_or_default(),
        })
    }

    /// Whether a key that no phone has is strong enough.
    fn takes(&self, level: Level, key: &AnyKey) -> bool {
        match self.weakness {
            Weakness::AnyAuthKey => level == Level::AuthKey,
            Weakness::AnyAsk => level == Level::Ask,
            Weakness::AnyExponent => key.bits() == 2048,
            Weakness::ExponentAbove1 => key.bits() == 2048 && !key.has_exponent(1),
            Weakness::ShortKeys => key.bits() >= 1024 && key.has_exponent(65537),
            _ => false,
        }
    }
}
