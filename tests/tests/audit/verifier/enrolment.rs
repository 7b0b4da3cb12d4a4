//! How a verifier enrolls the keys of a phone.

use serde_json::Value;
use soter_wire::{CertificateChain, KeyJson, PublicKey, base64};

use super::{Ask, AuthKey, Verifier, Weakness};

impl Verifier {
    /// Enrolls a device with its keys; `None` if it refuses them.
    pub(super) fn enroll(&self, body: &Value) -> Option<()> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let (cpu_id, uid) = (text(&body["cpu_id"])?, text(&body["uid"])?);
        let attk = PublicKey::from_pem(body["attk"].as_str()?).ok()?;
        let [ask, auth_key] = ["ask", "auth_key"].map(|name| &body[name]);
        let ask_json = text(&ask["json"])?;
        let ask_signature = base64::decode(ask["signature"].as_str()?).ok()?;
        let mut kept = self.kept();
        let known = kept.attks.entry(cpu_id.clone()).or_insert_with(|| attk.clone()).clone();
        let ask = if ask_signature.is_empty() {
            let chain = CertificateChain::decode(ask_json.as_bytes()).ok()?.verify().ok()?;
            let trusted = soter_tee::emulated_root_key().unwrap();
            if chain.device_key != known || (chain.root != trusted && !self.is(Weakness::AnyRoot)) {
                return None;
            }
            Ask { key: chain.ask.clone(), scheme: chain.challenge.scheme() }
        } else {
            let export = KeyJson::decode(ask_json.as_bytes()).ok()?;
            let scheme = export.scheme();
            if !self.is(Weakness::AskNotVerified) {
                known.verify(scheme, ask_json.as_bytes(), &ask_signature).ok()?;
            }
            Ask { key: export.public_key, scheme }
        };
        let json = text(&auth_key["json"])?;
        let signature = base64::decode(auth_key["signature"].as_str()?).ok()?;
        let export = KeyJson::decode(json.as_bytes()).ok()?;
        if !self.is(Weakness::AuthKeyNotVerified) {
            ask.key.verify(ask.scheme, json.as_bytes(), &signature).ok()?;
        }
        kept.asks.insert((cpu_id.clone(), uid.clone()), ask);
        let key = AuthKey {
            scheme: export.scheme(),
            key: export.public_key,
            appid: text(&body["appid"])?,
            openid: text(&body["openid"])?,
            cpu_id,
            uid,
            retired: false,
        };
        let same_owner = |old: &&mut AuthKey| {
            (&old.cpu_id, &old.openid) == (&key.cpu_id, &key.openid) && old.key != key.key
        };
        kept.keys.iter_mut().filter(same_owner).for_each(|old| old.retired = true);
        kept.keys.retain(|old| (&old.cpu_id, &old.openid, &old.key) != (&key.cpu_id, &key.openid, &key.key));
        kept.keys.push(key);
        Some(())
    }
}
