//! Keys that WeChat on the phone makes when they are needed, and uploads to its servers before they are used.

use soter_bridge::protocol::CommandError;
use soter_tee::{KeyPath, TeeError};
use soter_wechat::{KeyOwner, UploadRefused};
use soter_wire::{ExportBlob, PublicKey};

use super::state::{Phone, PhoneState};
use super::wechat::Caller;

/// The maximum number of uploads before one authentication: device, ASK and AuthKey, and each again in case another
/// front end interferes.
pub(super) const MAX_UPLOADS: usize = 6;

/// What must be uploaded before WeChat can use its keys.
pub(super) enum NextUpload {
    /// Nothing: WeChat's servers know every key.
    Nothing,
    /// This must be uploaded.
    Upload(Upload),
    /// A key is missing, and the TEE cannot make or export it.
    NoKey(TeeError),
}

/// Something that WeChat's servers do not have.
pub(super) enum Upload {
    /// The device itself, with what its factory reports.
    Device { cpu_id: String, attk: PublicKey },
    /// WeChat's ASK.
    Ask(ExportBlob),
    /// The AuthKey of a mini program and its user.
    AuthKey(ExportBlob, Caller),
}

/// Why there is no next upload.
enum Failure {
    /// The TEE cannot make or export a key.
    NoKey(TeeError),
    /// The phone does not switch on.
    Environment(CommandError),
}

impl From<TeeError> for Failure {
    fn from(error: TeeError) -> Self {
        Self::NoKey(error)
    }
}

impl From<CommandError> for Failure {
    fn from(error: CommandError) -> Self {
        Self::Environment(error)
    }
}

impl Phone {
    /// Makes the next key that is missing. Returns the next thing that WeChat's servers do not have.
    ///
    /// # Errors
    /// `UnknownDevice` if the phone was removed, `Environment` if it does not switch on.
    pub(super) fn next_upload(
        &self,
        state: &mut PhoneState,
        caller: &Caller,
    ) -> Result<NextUpload, CommandError> {
        match self.next_missing_upload(state, caller) {
            Ok(None) => Ok(NextUpload::Nothing),
            Ok(Some(upload)) => Ok(NextUpload::Upload(upload)),
            Err(Failure::NoKey(error)) => Ok(NextUpload::NoKey(error)),
            Err(Failure::Environment(error)) => Err(error),
        }
    }

    fn next_missing_upload(
        &self,
        state: &mut PhoneState,
        caller: &Caller,
    ) -> Result<Option<Upload>, Failure> {
        let (uid, name) = (state.record.wechat_uid(), caller.auth_key_name());
        if !self.tee(state)?.has_app_secure_key(uid) {
            self.generate_app_secure_key(state, uid)??;
        }
        let tee = self.tee(state)?;
        let (cpu_id, own_uid) = (tee.cpu_id(), tee.uid(uid));
        let attk = tee.public_key(&KeyPath::Attk)?;
        let ask = tee.public_key(&KeyPath::Ask { uid })?;
        let owner = KeyOwner { cpu_id: &cpu_id, uid: &own_uid, appid: &caller.appid, openid: &caller.openid };
        let missing = self.context.wechat.missing_uploads(owner, &ask, None);
        if missing.device {
            return Ok(Some(Upload::Device { cpu_id, attk }));
        }
        if missing.ask {
            let export =
                self.with_counter_event(state, "getAppSecureKey", |tee| tee.app_secure_key(uid))??;
            return Ok(Some(Upload::Ask(export)));
        }
        let auth_key = self.valid_auth_key(state, uid, &name)?;
        if self.context.wechat.missing_uploads(owner, &ask, Some(&auth_key)).auth_key {
            let export = self.with_counter_event(state, "getAuthKey", |tee| tee.auth_key(uid, &name))??;
            return Ok(Some(Upload::AuthKey(export, caller.clone())));
        }
        Ok(None)
    }

    /// The AuthKey of this name. Makes the key if it does not exist, and replaces it if an enrolment made it invalid.
    fn valid_auth_key(&self, state: &mut PhoneState, uid: u32, name: &str) -> Result<PublicKey, Failure> {
        let tee = self.tee(state)?;
        if !tee.has_valid_auth_key(uid, name) {
            if tee.has_auth_key(uid, name) {
                tee.remove_auth_key(uid, name)?;
            }
            self.generate_auth_key(state, uid, name)??;
        }
        let path = KeyPath::AuthKey { uid, name: name.to_owned() };
        Ok(self.tee(state)?.public_key(&path)?)
    }

    /// Uploads the keys that the phone already has to WeChat's servers, if those do not have them. Makes no keys.
    ///
    /// # Errors
    /// `InvalidParams` if WeChat's servers do not know the phone's user. `UnknownDevice` if the phone was removed.
    /// `Environment` if it does not switch on, or the servers' ledger fails.
    pub(crate) async fn upload_existing_keys(&self) -> Result<(), CommandError> {
        for _ in 0..MAX_UPLOADS {
            let upload = match self.next_upload_of_existing_keys()? {
                NextUpload::Upload(upload) => upload,
                // A key that cannot be exported now is exported when it is needed, and a failure is reported then.
                NextUpload::Nothing | NextUpload::NoKey(_) => return Ok(()),
            };
            if self.upload(upload).await?.is_some() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn next_upload_of_existing_keys(&self) -> Result<NextUpload, CommandError> {
        let mut state = self.state();
        let uid = state.record.wechat_uid();
        let caller = self.caller(&state, None)?;
        let tee = self.tee(&mut state)?;
        if !tee.has_app_secure_key(uid) || !tee.has_valid_auth_key(uid, &caller.auth_key_name()) {
            return Ok(NextUpload::Nothing);
        }
        self.next_upload(&mut state, &caller)
    }

    /// Uploads something to WeChat's servers. Returns the reason if they refuse it.
    ///
    /// # Errors
    /// `Environment` if the servers' ledger fails.
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
