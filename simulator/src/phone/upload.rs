//! Keys that WeChat on the phone makes when they are needed, and brings to its servers before they are used.

use soter_bridge::protocol::CommandError;
use soter_tee::{KeyPath, TeeError};
use soter_wechat::{KeyOwner, UploadRefused};
use soter_wire::{ExportBlob, PublicKey};

use super::wechat::{Caller, auth_key_name, wechat_uid};
use super::{Inside, Phone};

/// Uploads before one authentication: the device, its ASK, its AuthKey, and each once more in case that another
/// front end interferes.
pub(super) const MOST_UPLOADS: usize = 6;

/// Something that WeChat's servers lack.
pub(super) enum Upload {
    /// The device itself: what its factory tells.
    Device { cpu_id: String, attk: PublicKey },
    /// WeChat's ASK.
    Ask(ExportBlob),
    /// The AuthKey of a mini program and its user.
    AuthKey(ExportBlob, Caller),
}

impl Phone {
    /// Makes the next key that is missing, and gives the next thing that WeChat's servers lack; `None` when there is
    /// nothing more. An AuthKey that an enrolment made invalid is removed and made anew.
    pub(super) fn next_upload(
        &self,
        inside: &mut Inside,
        uid: u32,
        name: &str,
        caller: &Caller,
    ) -> Result<Result<Option<Upload>, TeeError>, CommandError> {
        // The keys' refusals are the TEE's; whatever else fails is the phone's surroundings.
        let mut steps = || -> Result<Result<Option<Upload>, TeeError>, CommandError> {
            if !self.tee(inside)?.has_app_secure_key(uid)
                && let Err(error) = self.generate_app_secure_key(inside, uid)?
            {
                return Ok(Err(error));
            }
            let (ask_path, key_path) =
                (KeyPath::Ask { uid }, KeyPath::AuthKey { uid, name: name.to_owned() });
            let tee = self.tee(inside)?;
            let (cpu_id, own_uid) = (tee.cpu_id(), tee.uid(uid));
            let (attk, ask) = match (tee.public_key(&KeyPath::Attk), tee.public_key(&ask_path)) {
                (Ok(attk), Ok(ask)) => (attk, ask),
                (Err(error), _) | (_, Err(error)) => return Ok(Err(error)),
            };
            let owner =
                KeyOwner { cpu_id: &cpu_id, uid: &own_uid, appid: &caller.appid, openid: &caller.openid };
            let lacks = self.context.wechat.lacks(owner, &ask, None);
            if lacks.device {
                return Ok(Ok(Some(Upload::Device { cpu_id, attk })));
            }
            if lacks.ask {
                let export = self.spending(inside, "getAppSecureKey", |tee| tee.app_secure_key(uid))?;
                return Ok(export.map(|export| Some(Upload::Ask(export))));
            }
            let tee = self.tee(inside)?;
            if !tee.has_valid_auth_key(uid, name) {
                if tee.has_auth_key(uid, name)
                    && let Err(error) = tee.remove_auth_key(uid, name)
                {
                    return Ok(Err(error));
                }
                if let Err(error) = self.generate_auth_key(inside, uid, name)? {
                    return Ok(Err(error));
                }
            }
            let auth_key = match self.tee(inside)?.public_key(&key_path) {
                Ok(auth_key) => auth_key,
                Err(error) => return Ok(Err(error)),
            };
            if self.context.wechat.lacks(owner, &ask, Some(&auth_key)).auth_key {
                let export = self.spending(inside, "getAuthKey", |tee| tee.auth_key(uid, name))?;
                return Ok(export.map(|export| Some(Upload::AuthKey(export, caller.clone()))));
            }
            Ok(Ok(None))
        };
        steps()
    }

    /// Brings the keys that the phone has already to WeChat's servers, if they lack them. Makes none.
    ///
    /// # Errors
    /// The phone does not switch on, or the servers' ledger fails.
    pub(crate) async fn offer_keys(&self) -> Result<(), CommandError> {
        for _ in 0..MOST_UPLOADS {
            let upload = {
                let mut inside = self.inside();
                let uid = wechat_uid(&inside);
                let caller = self.caller(&inside, None)?;
                let name = auth_key_name(&caller);
                let tee = self.tee(&mut inside)?;
                if !tee.has_app_secure_key(uid) || !tee.has_valid_auth_key(uid, &name) {
                    return Ok(());
                }
                match self.next_upload(&mut inside, uid, &name, &caller)? {
                    Ok(Some(upload)) => upload,
                    // What cannot be exported now is tried again when it is needed, and told then.
                    Ok(None) | Err(_) => return Ok(()),
                }
            };
            if self.upload(upload).await?.is_some() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Brings something to WeChat's servers. Gives the reason if they do not take it.
    ///
    /// # Errors
    /// The environment's: the servers' ledger fails.
    pub(super) async fn upload(&self, upload: Upload) -> Result<Option<String>, CommandError> {
        let wechat = &self.context.wechat;
        let accepted = match upload {
            Upload::Device { cpu_id, attk } => wechat.register_device(&cpu_id, &attk).await,
            Upload::Ask(ExportBlob { json, signature }) => wechat.upload_ask(&json, &signature).await,
            Upload::AuthKey(ExportBlob { json, signature }, caller) => {
                wechat.upload_auth_key(&json, &signature, &caller.appid, &caller.openid).await
            }
        };
        match accepted {
            Ok(()) => Ok(None),
            Err(UploadRefused::Ledger(error)) => Err(CommandError::environment(error.what, error.next)),
            Err(refused) => Ok(Some(format!("WeChat's servers refuse the phone's key: {refused}"))),
        }
    }
}
