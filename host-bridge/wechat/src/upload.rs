//! What WeChat's client uploads before a user's first authentication: the ASK, then the AuthKey.

use soter_text::{Text, text};
use soter_wire::{
    AttestationChallenge, CertificateChain, ChainFacts, ExportBlob, KeyJson, PublicKey, SignatureScheme,
    shortened,
};

use crate::ledger::change::AuthKey;
use crate::ledger::error::LedgerError;
use crate::ledger::key_upload::{AskUpload, AuthKeyUpload, KeyUpload, NotAccepted};
use crate::reasons::Reason;
use crate::servers::WeChat;

/// Why an upload was not accepted. Nothing changed, except possibly after [`UploadRefused::Ledger`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text().english())]
#[non_exhaustive]
pub enum UploadRefused {
    /// The device was never registered by its factory.
    UnknownDevice {
        /// The device.
        cpu_id: String,
    },
    /// Another ATTK is registered for the device.
    OtherAttk {
        /// The device.
        cpu_id: String,
    },
    /// No ASK was uploaded for the app.
    NoAsk {
        /// The device.
        cpu_id: String,
        /// The app on it.
        uid: String,
    },
    /// The certificate chain does not hold.
    BrokenChain(Text),
    /// The export cannot be read.
    Unreadable(Text),
    /// The export is not signed by the key that must sign it.
    NotSigned {
        /// Of which key it is.
        kind: ExportKind,
    },
    /// The chain's root is not one of those that are trusted.
    UntrustedRoot {
        /// Its common name.
        root: String,
    },
    /// The counter is not greater than all earlier ones.
    Counter {
        /// The export's counter.
        counter: u64,
        /// The highest so far.
        highest: u64,
    },
    /// The AuthKey belongs to another user, or to a user of another mini program.
    OtherOwner {
        /// The device.
        cpu_id: String,
    },
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl UploadRefused {
    /// One line: what is wrong.
    pub fn text(&self) -> Text {
        match self {
            Self::UnknownDevice { cpu_id } => {
                text!("device {cpu_id} was never registered by its factory", cpu_id = cpu_id)
            }
            Self::OtherAttk { cpu_id } => {
                text!("another ATTK is registered for device {cpu_id}", cpu_id = cpu_id)
            }
            Self::NoAsk { cpu_id, uid } => {
                text!("no ASK was uploaded for uid {uid} on device {cpu_id}", uid = uid, cpu_id = cpu_id)
            }
            Self::BrokenChain(error) => {
                text!("the certificate chain does not hold: {error}", error = error)
            }
            Self::Unreadable(error) => text!("the export cannot be read: {error}", error = error),
            Self::NotSigned { kind: ExportKind::Ask } => {
                text!("the ASK export is not signed by the device's ATTK")
            }
            Self::NotSigned { kind: ExportKind::AuthKey } => {
                text!("the AuthKey export is not signed by the app's ASK")
            }
            Self::UntrustedRoot { root } => {
                text!("the chain ends at the root `{root}`, which is not trusted", root = root)
            }
            Self::Counter { counter, highest } => text!(
                "counter {counter} is not greater than {highest}, the highest of this device so far",
                counter = counter,
                highest = highest
            ),
            Self::OtherOwner { cpu_id } => {
                text!("this AuthKey of device {cpu_id} belongs to another user", cpu_id = cpu_id)
            }
            Self::Ledger(error) => error.what.clone(),
        }
    }

    /// The reason that is reported for it.
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::UnknownDevice { .. } => Reason::UnknownDevice,
            Self::BrokenChain(_) | Self::UntrustedRoot { .. } => Reason::BrokenChain,
            Self::Counter { .. } => Reason::CounterRolledBack,
            Self::Unreadable(_) => Reason::MalformedJson,
            Self::OtherAttk { .. } | Self::NoAsk { .. } | Self::NotSigned { .. } => Reason::WrongSignature,
            Self::OtherOwner { .. } => Reason::OtherUsersResult,
            Self::Ledger(_) => Reason::LedgerUnavailable,
        }
    }
}

/// Of which key an export is, and so which key has to sign it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportKind {
    /// An ASK, signed by the device's ATTK.
    Ask,
    /// An AuthKey, signed by the app's ASK.
    AuthKey,
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

/// An exported ASK that can be read.
enum AskExport<'a> {
    /// JSON, and the signature that must be the ATTK's.
    Signed { export: KeyJson, json: &'a [u8], signature: &'a [u8] },
    /// A certificate chain that holds up to a trusted root.
    Chain(ChainFacts),
}

/// A verified ASK, and its device.
struct Ask {
    cpu_id: String,
    upload: AskUpload,
}

impl WeChat {
    /// Registers a device and its ATTK, as the factory does with Tencent. Registering it again changes nothing.
    ///
    /// # Errors
    /// [`UploadRefused::OtherAttk`] if another ATTK is registered for the device, [`UploadRefused::Ledger`] if the
    /// ledger fails.
    pub async fn register_device(&self, cpu_id: &str, attk: &PublicKey) -> Result<(), UploadRefused> {
        let cpu_id = cpu_id.to_owned();
        self.accept(KeyUpload { cpu_id, attk: Some(attk.clone()), ask: None, auth_key: None }).await
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
        let ask = self.decode_ask(&ask.json, &ask.signature)?;
        if ask.cpu_id() != cpu_id {
            return Err(unknown_device(ask.cpu_id()));
        }
        let ask = ask.verify(attk)?;
        let export = decode_export(&auth_key.json)?;
        if (&export.cpu_id, &export.uid) != (&ask.cpu_id, &ask.upload.uid) {
            return Err(UploadRefused::NoAsk { cpu_id: export.cpu_id, uid: export.uid });
        }
        check_auth_key(&auth_key.json, &auth_key.signature, &ask.upload.key, ask.upload.scheme)?;
        if export.counter <= ask.upload.counter {
            return Err(UploadRefused::Counter { counter: export.counter, highest: ask.upload.counter });
        }
        let auth_key = auth_key_upload(&export, &ask.upload.key, appid, openid);
        self.accept(KeyUpload {
            cpu_id: cpu_id.to_owned(),
            attk: Some(attk.clone()),
            ask: Some(ask.upload),
            auth_key: Some(auth_key),
        })
        .await
    }

    /// What must be uploaded before results of this owner can be judged. `auth_key` is `None` while the device has no
    /// AuthKey for the owner; it is then reported as lacking.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger cannot be used.
    pub async fn missing_uploads(
        &self,
        owner: KeyOwner<'_>,
        ask: &PublicKey,
        auth_key: Option<&PublicKey>,
    ) -> Result<MissingUploads, LedgerError> {
        let KeyOwner { cpu_id, uid, appid, openid } = owner;
        let Some(known) = self.ledger.app_keys(cpu_id, uid).await? else {
            return Ok(MissingUploads { device: true, ask: true, auth_key: true });
        };
        let is_in_force = |known: &AuthKey| {
            !known.retired && Some(&known.key) == auth_key && known.appid == appid && known.openid == openid
        };
        Ok(MissingUploads {
            device: false,
            ask: known.ask.is_none_or(|(known, _)| known != *ask),
            auth_key: !known.auth_keys.iter().any(is_in_force),
        })
    }

    /// Accepts an exported ASK: JSON with a signature by the ATTK, or a certificate chain with an empty signature.
    ///
    /// # Errors
    /// [`UploadRefused`]: `UnknownDevice`, `Unreadable`, `NotSigned`, `BrokenChain`, `UntrustedRoot`, `Counter` or
    /// `Ledger`.
    pub async fn upload_ask(&self, json: &[u8], signature: &[u8]) -> Result<(), UploadRefused> {
        let Ask { cpu_id, upload } = self.verify_registered_ask(json, signature).await?;
        self.accept(KeyUpload { cpu_id, attk: None, ask: Some(upload), auth_key: None }).await
    }

    /// Accepts an exported AuthKey for a mini program and its user. Its signature scheme is fixed from now on.
    ///
    /// # Errors
    /// [`UploadRefused`]: `Unreadable`, `NoAsk`, `NotSigned`, `Counter`, `OtherOwner` or `Ledger`. It is `NoAsk` also if
    /// another ASK is uploaded meanwhile.
    pub async fn upload_auth_key(
        &self,
        json: &[u8],
        signature: &[u8],
        appid: &str,
        openid: &str,
    ) -> Result<(), UploadRefused> {
        let export = decode_export(json)?;
        let KeyJson { cpu_id, uid, .. } = &export;
        let known = self.ledger.app_keys(cpu_id, uid).await?.and_then(|keys| keys.ask);
        let Some((ask, scheme)) = known else {
            return Err(UploadRefused::NoAsk { cpu_id: cpu_id.clone(), uid: uid.clone() });
        };
        check_auth_key(json, signature, &ask, scheme)?;
        let auth_key = Some(auth_key_upload(&export, &ask, appid, openid));
        self.accept(KeyUpload { cpu_id: export.cpu_id, attk: None, ask: None, auth_key }).await
    }

    /// Lets the ledger accept keys whose signatures are verified.
    async fn accept(&self, upload: KeyUpload) -> Result<(), UploadRefused> {
        let cpu_id = upload.cpu_id.clone();
        let uid = upload.auth_key.as_ref().map(|key| key.uid.clone()).unwrap_or_default();
        self.ledger.accept(upload).await?.map_err(|refused| match refused {
            NotAccepted::UnknownDevice => unknown_device(&cpu_id),
            NotAccepted::OtherAttk => UploadRefused::OtherAttk { cpu_id },
            // Another one may have been uploaded since the signature was verified.
            NotAccepted::OtherAsk => UploadRefused::NoAsk { cpu_id, uid },
            NotAccepted::OtherOwner => UploadRefused::OtherOwner { cpu_id },
            NotAccepted::Counter { counter, highest } => UploadRefused::Counter { counter, highest },
        })
    }

    /// Checks that an exported ASK is a registered device's, for `verify_ask`.
    pub(crate) async fn check_ask(&self, json: &[u8], signature: &[u8]) -> Result<(), UploadRefused> {
        self.verify_registered_ask(json, signature).await.map(drop)
    }

    /// Verifies an exported ASK against the ATTK that is registered for its device.
    async fn verify_registered_ask(&self, json: &[u8], signature: &[u8]) -> Result<Ask, UploadRefused> {
        let ask = self.decode_ask(json, signature)?;
        match self.ledger.app_keys(ask.cpu_id(), ask.uid()).await? {
            Some(known) => ask.verify(&known.attk),
            None => Err(unknown_device(ask.cpu_id())),
        }
    }

    /// Reads an exported ASK: JSON with a signature, or a certificate chain with an empty signature.
    fn decode_ask<'a>(&self, json: &'a [u8], signature: &'a [u8]) -> Result<AskExport<'a>, UploadRefused> {
        if !signature.is_empty() {
            return Ok(AskExport::Signed { export: decode_export(json)?, json, signature });
        }
        let chain =
            CertificateChain::decode(json).map_err(|error| UploadRefused::Unreadable(error.text()))?;
        let facts = chain.verify().map_err(|error| UploadRefused::BrokenChain(error.text()))?;
        if !self.options.trusted_roots.contains(&facts.root) {
            return Err(UploadRefused::UntrustedRoot { root: facts.root_common_name });
        }
        Ok(AskExport::Chain(facts))
    }
}

impl AskExport<'_> {
    /// The device that it names.
    fn cpu_id(&self) -> &str {
        match self {
            Self::Signed { export, .. } => &export.cpu_id,
            Self::Chain(facts) => &facts.challenge.cpu_id,
        }
    }

    /// The app that it names.
    fn uid(&self) -> &str {
        match self {
            Self::Signed { export, .. } => &export.uid,
            Self::Chain(facts) => &facts.challenge.uid,
        }
    }

    /// Checks that this ATTK vouches for the ASK.
    fn verify(self, attk: &PublicKey) -> Result<Ask, UploadRefused> {
        let not_signed = || UploadRefused::NotSigned { kind: ExportKind::Ask };
        match self {
            Self::Signed { export, json, signature } => {
                let scheme = export.scheme();
                attk.verify_once(scheme, json, signature).map_err(|_| not_signed())?;
                let KeyJson { public_key, cpu_id, counter, uid, .. } = export;
                Ok(Ask { cpu_id, upload: AskUpload { uid, counter, key: public_key, scheme } })
            }
            Self::Chain(facts) => {
                if *attk != facts.device_key {
                    return Err(not_signed());
                }
                let scheme = facts.challenge.scheme();
                let AttestationChallenge { cpu_id, counter, uid, .. } = facts.challenge;
                Ok(Ask { cpu_id, upload: AskUpload { uid, counter, key: facts.ask, scheme } })
            }
        }
    }
}

fn decode_export(json: &[u8]) -> Result<KeyJson, UploadRefused> {
    KeyJson::decode(json).map_err(|error| UploadRefused::Unreadable(error.text()))
}

fn check_auth_key(
    json: &[u8],
    signature: &[u8],
    ask: &PublicKey,
    scheme: SignatureScheme,
) -> Result<(), UploadRefused> {
    ask.verify_once(scheme, json, signature)
        .map_err(|_| UploadRefused::NotSigned { kind: ExportKind::AuthKey })
}

/// An exported AuthKey that this ASK signed, for a mini program's user.
fn auth_key_upload(export: &KeyJson, ask: &PublicKey, appid: &str, openid: &str) -> AuthKeyUpload {
    let key = AuthKey {
        key: export.public_key.clone(),
        appid: appid.to_owned(),
        openid: openid.to_owned(),
        scheme: export.scheme(),
        retired: false,
    };
    AuthKeyUpload { uid: export.uid.clone(), counter: export.counter, ask: ask.clone(), key }
}

fn unknown_device(cpu_id: &str) -> UploadRefused {
    UploadRefused::UnknownDevice { cpu_id: shortened(cpu_id, 64).to_owned() }
}
