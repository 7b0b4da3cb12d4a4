//! What WeChat's client uploads before a user's first authentication: the ASK, then the AuthKey.

use soter_wire::{CertificateChain, ExportBlob, KeyJson, PublicKey, SignatureScheme, shortened};

use crate::ledger::change::{AuthKey, Change};
use crate::ledger::ledger_state::LedgerState;
use crate::ledger::store::LedgerError;
use crate::reasons::Reason;
use crate::servers::WeChat;

/// Why an upload was not accepted. Nothing changed, except possibly after [`UploadRefused::Ledger`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UploadRefused {
    /// The device was never registered by its factory.
    #[error("device {cpu_id} was never registered by its factory")]
    UnknownDevice {
        /// The device.
        cpu_id: String,
    },
    /// Another ATTK is registered for the device.
    #[error("another ATTK is registered for device {cpu_id}")]
    OtherAttk {
        /// The device.
        cpu_id: String,
    },
    /// No ASK was uploaded for the app.
    #[error("no ASK was uploaded for uid {uid} on device {cpu_id}")]
    NoAsk {
        /// The device.
        cpu_id: String,
        /// The app on it.
        uid: String,
    },
    /// The certificate chain does not hold.
    #[error("the certificate chain does not hold: {0}")]
    BrokenChain(String),
    /// The export cannot be read.
    #[error("the export cannot be read: {0}")]
    Unreadable(String),
    /// The export is not signed by the key that must sign it.
    #[error("the {kind} export is not signed by {signer}")]
    NotSigned {
        /// `ASK` or `AuthKey`.
        kind: &'static str,
        /// The key that should have signed.
        signer: &'static str,
    },
    /// The chain's root is not one of those that are trusted.
    #[error("the chain ends at the root `{root}`, which is not trusted")]
    UntrustedRoot {
        /// Its common name.
        root: String,
    },
    /// The counter is not greater than all earlier ones.
    #[error("counter {counter} is not greater than {highest}, the highest of this device so far")]
    Counter {
        /// The export's counter.
        counter: u64,
        /// The highest so far.
        highest: u64,
    },
    /// The ledger's store failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl UploadRefused {
    /// The reason that is reported for it.
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::UnknownDevice { .. } => Reason::UnknownDevice,
            Self::BrokenChain(_) | Self::UntrustedRoot { .. } => Reason::BrokenChain,
            Self::Counter { .. } => Reason::CounterRolledBack,
            Self::Unreadable(_) => Reason::MalformedJson,
            Self::OtherAttk { .. } | Self::NoAsk { .. } | Self::NotSigned { .. } => Reason::WrongSignature,
            Self::Ledger(_) => Reason::LedgerUnavailable,
        }
    }
}

/// What WeChat's servers lack before they can judge a user's results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingUploads {
    /// The device is not registered.
    pub device: bool,
    /// The app's ASK is not known, or another one is.
    pub ask: bool,
    /// The user's AuthKey is not known, or another one is, or the device has none yet.
    pub auth_key: bool,
}

/// An app on a device, and the mini program and user for which it acts.
#[derive(Clone, Copy, Debug)]
pub struct KeyOwner<'a> {
    /// The device.
    pub cpu_id: &'a str,
    /// The app on it, as in exports.
    pub uid: &'a str,
    /// The mini program.
    pub appid: &'a str,
    /// Its user.
    pub openid: &'a str,
}

/// Everything that a device uploads before a user's first authentication.
#[derive(Clone, Copy, Debug)]
pub struct DeviceKeys<'a> {
    /// The device.
    pub cpu_id: &'a str,
    /// Its ATTK.
    pub attk: &'a PublicKey,
    /// The app's exported ASK.
    pub ask: &'a ExportBlob,
    /// The user's exported AuthKey.
    pub auth_key: &'a ExportBlob,
    /// The mini program.
    pub appid: &'a str,
    /// Its user.
    pub openid: &'a str,
}

/// The contents of a verified export of an ASK.
struct Ask {
    cpu_id: String,
    uid: String,
    counter: u64,
    key: PublicKey,
    scheme: SignatureScheme,
}

impl WeChat {
    /// Registers a device and its ATTK, as the factory does with Tencent. Registering it again changes nothing.
    ///
    /// # Errors
    /// [`UploadRefused::OtherAttk`] if another ATTK is registered for the device, [`UploadRefused::Ledger`] if the
    /// ledger fails.
    pub async fn register_device(&self, cpu_id: &str, attk: &PublicKey) -> Result<(), UploadRefused> {
        Ok(self.ledger.change(|state| registration_changes(state, cpu_id, attk))??.durable().await?)
    }

    /// Accepts everything that a device uploads, or nothing: the ATTK, an ASK that the ATTK vouches for, and an
    /// AuthKey that the ASK signed.
    ///
    /// # Errors
    /// Any [`UploadRefused`]: `UnknownDevice` if the ASK names another device, `NoAsk` if the AuthKey names another
    /// device or app than the ASK, `Counter` if the AuthKey's counter is not greater than the ASK's, and others as
    /// documented there.
    pub async fn upload_device(&self, device: DeviceKeys<'_>) -> Result<(), UploadRefused> {
        let DeviceKeys { cpu_id, attk, ask, auth_key, appid, openid } = device;
        let find_attk =
            |named: &str| if named == cpu_id { Ok(attk.clone()) } else { Err(unknown_device(named)) };
        let ask = self.verify_ask_export(&ask.json, &ask.signature, find_attk)?;
        let export = decode_export(&auth_key.json)?;
        if (&export.cpu_id, &export.uid) != (&ask.cpu_id, &ask.uid) {
            return Err(UploadRefused::NoAsk { cpu_id: export.cpu_id, uid: export.uid });
        }
        check_auth_key(&auth_key.json, &auth_key.signature, &ask.key, ask.scheme)?;
        if export.counter <= ask.counter {
            return Err(UploadRefused::Counter { counter: export.counter, highest: ask.counter });
        }
        let accept = |state: &mut LedgerState| {
            let mut changes = registration_changes(state, cpu_id, attk)?;
            let is_known = changes.is_empty();
            if is_known {
                spend_counter(state, cpu_id, ask.counter)?;
            }
            let Ask { cpu_id, uid, key, scheme, .. } = ask;
            changes.extend([
                Change::Counter { cpu_id: cpu_id.clone(), highest: export.counter },
                Change::Ask { cpu_id: cpu_id.clone(), uid: uid.clone(), key, scheme },
                Change::AuthKey { cpu_id, uid, key: auth_key_entry(&export, appid, openid) },
            ]);
            Ok::<_, UploadRefused>(changes)
        };
        Ok(self.ledger.change(accept)??.durable().await?)
    }

    /// What must be uploaded before results of this owner can be judged. `auth_key` is `None` while the device has no
    /// AuthKey for the owner; it is then reported as lacking. The call is cheap.
    pub fn missing_uploads(
        &self,
        owner: KeyOwner<'_>,
        ask: &PublicKey,
        auth_key: Option<&PublicKey>,
    ) -> MissingUploads {
        let KeyOwner { cpu_id, uid, appid, openid } = owner;
        self.ledger.read(|state| MissingUploads {
            device: state.attk(cpu_id).is_none(),
            ask: state.ask(cpu_id, uid).is_none_or(|(known, _)| known != ask),
            auth_key: !state.auth_keys(cpu_id, uid).iter().any(|known| {
                !known.retired
                    && Some(&known.key) == auth_key
                    && known.appid == appid
                    && known.openid == openid
            }),
        })
    }

    /// Accepts an exported ASK: JSON with a signature by the ATTK, or a certificate chain with an empty signature.
    ///
    /// # Errors
    /// [`UploadRefused`]: `UnknownDevice`, `Unreadable`, `NotSigned`, `BrokenChain`, `UntrustedRoot`, `Counter` or
    /// `Ledger`.
    pub async fn upload_ask(&self, json: &[u8], signature: &[u8]) -> Result<(), UploadRefused> {
        let ask = self.verify_ask_export(json, signature, |cpu_id| self.registered_attk(cpu_id))?;
        let accept = |state: &mut LedgerState| {
            let counter = spend_counter(state, &ask.cpu_id, ask.counter)?;
            let Ask { cpu_id, uid, key, scheme, .. } = ask;
            Ok::<_, UploadRefused>(vec![counter, Change::Ask { cpu_id, uid, key, scheme }])
        };
        Ok(self.ledger.change(accept)??.durable().await?)
    }

    /// Accepts an exported AuthKey for a mini program and its user. Its signature scheme is fixed from now on.
    ///
    /// # Errors
    /// [`UploadRefused`]: `Unreadable`, `NoAsk`, `NotSigned`, `Counter` or `Ledger`. It is `NoAsk` also if another
    /// ASK is uploaded meanwhile.
    pub async fn upload_auth_key(
        &self,
        json: &[u8],
        signature: &[u8],
        appid: &str,
        openid: &str,
    ) -> Result<(), UploadRefused> {
        let export = decode_export(json)?;
        let ask = self
            .ledger
            .read(|state| state.ask(&export.cpu_id, &export.uid).map(|(key, scheme)| (key.clone(), scheme)));
        let KeyJson { cpu_id, uid, .. } = &export;
        let Some((ask, scheme)) = ask else {
            return Err(UploadRefused::NoAsk { cpu_id: cpu_id.clone(), uid: uid.clone() });
        };
        check_auth_key(json, signature, &ask, scheme)?;
        let accept = |state: &mut LedgerState| {
            // Another ASK may have been uploaded meanwhile.
            if state.ask(cpu_id, uid).is_none_or(|(known, _)| *known != ask) {
                return Err(UploadRefused::NoAsk { cpu_id: cpu_id.clone(), uid: uid.clone() });
            }
            let counter = spend_counter(state, cpu_id, export.counter)?;
            let key = auth_key_entry(&export, appid, openid);
            Ok(vec![counter, Change::AuthKey { cpu_id: cpu_id.clone(), uid: uid.clone(), key }])
        };
        Ok(self.ledger.change(accept)??.durable().await?)
    }

    /// Checks that an exported ASK is a registered device's, for `verify_ask`.
    pub(crate) fn check_ask(&self, json: &[u8], signature: &[u8]) -> Result<(), UploadRefused> {
        self.verify_ask_export(json, signature, |cpu_id| self.registered_attk(cpu_id)).map(|_| ())
    }

    /// Verifies an exported ASK against the device's ATTK, which `find_attk` looks up.
    fn verify_ask_export(
        &self,
        json: &[u8],
        signature: &[u8],
        find_attk: impl FnOnce(&str) -> Result<PublicKey, UploadRefused>,
    ) -> Result<Ask, UploadRefused> {
        if signature.is_empty() {
            return self.verify_ask_chain(json, find_attk);
        }
        let export = decode_export(json)?;
        let attk = find_attk(&export.cpu_id)?;
        let scheme = export.scheme();
        attk.verify(scheme, json, signature)
            .map_err(|_| UploadRefused::NotSigned { kind: "ASK", signer: "the device's ATTK" })?;
        let KeyJson { public_key, cpu_id, counter, uid, .. } = export;
        Ok(Ask { cpu_id, uid, counter, key: public_key, scheme })
    }

    fn verify_ask_chain(
        &self,
        json: &[u8],
        find_attk: impl FnOnce(&str) -> Result<PublicKey, UploadRefused>,
    ) -> Result<Ask, UploadRefused> {
        let unreadable = |error: &dyn std::fmt::Display| UploadRefused::Unreadable(error.to_string());
        let chain = CertificateChain::decode(json).map_err(|error| unreadable(&error))?;
        let facts = chain.verify().map_err(|error| UploadRefused::BrokenChain(error.to_string()))?;
        if !self.options.trusted_roots.contains(&facts.root) {
            return Err(UploadRefused::UntrustedRoot { root: facts.root_common_name });
        }
        let scheme = facts.challenge.scheme();
        let attk = find_attk(&facts.challenge.cpu_id)?;
        if attk != facts.device_key {
            return Err(UploadRefused::NotSigned { kind: "ASK", signer: "the device's ATTK" });
        }
        let soter_wire::AttestationChallenge { cpu_id, counter, uid, .. } = facts.challenge;
        Ok(Ask { cpu_id, uid, counter, key: facts.ask, scheme })
    }

    fn registered_attk(&self, cpu_id: &str) -> Result<PublicKey, UploadRefused> {
        self.ledger.read(|state| state.attk(cpu_id).cloned()).ok_or_else(|| unknown_device(cpu_id))
    }
}

/// The change that registers a device; none if it is registered already.
fn registration_changes(
    state: &LedgerState,
    cpu_id: &str,
    attk: &PublicKey,
) -> Result<Vec<Change>, UploadRefused> {
    match state.attk(cpu_id) {
        Some(known) if known == attk => Ok(Vec::new()),
        Some(_) => Err(UploadRefused::OtherAttk { cpu_id: cpu_id.to_owned() }),
        None => Ok(vec![Change::Device { cpu_id: cpu_id.to_owned(), attk: attk.clone() }]),
    }
}

fn decode_export(json: &[u8]) -> Result<KeyJson, UploadRefused> {
    KeyJson::decode(json).map_err(|error| UploadRefused::Unreadable(error.to_string()))
}

fn check_auth_key(
    json: &[u8],
    signature: &[u8],
    ask: &PublicKey,
    scheme: SignatureScheme,
) -> Result<(), UploadRefused> {
    ask.verify(scheme, json, signature)
        .map_err(|_| UploadRefused::NotSigned { kind: "AuthKey", signer: "the app's ASK" })
}

/// An exported AuthKey as the ledger keeps it for its user.
fn auth_key_entry(export: &KeyJson, appid: &str, openid: &str) -> AuthKey {
    AuthKey {
        key: export.public_key.clone(),
        appid: appid.to_owned(),
        openid: openid.to_owned(),
        scheme: export.scheme(),
        retired: false,
    }
}

fn unknown_device(cpu_id: &str) -> UploadRefused {
    UploadRefused::UnknownDevice { cpu_id: shortened(cpu_id, 64).to_owned() }
}

fn spend_counter(state: &mut LedgerState, cpu_id: &str, counter: u64) -> Result<Change, UploadRefused> {
    state
        .spend(cpu_id, counter, false)
        .map_err(|spent| UploadRefused::Counter { counter, highest: spent.highest })
}
