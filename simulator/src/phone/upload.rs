//! Keys that WeChat on the phone makes when they are needed, and uploads to its servers before they are used.

use soter_bridge::protocol::CommandError;
use soter_tee::{KeyPath, Tee, TeeError};
use soter_text::{Text, text};
use soter_wechat::{KeyOwner, MissingUploads, UploadRefused};
use soter_wire::{ExportBlob, PublicKey};

use super::state::{Phone, PhoneState};
use super::wechat::Caller;

/// How often WeChat's servers are asked before one authentication: for device, ASK and AuthKey, for each again in case another
/// front end interferes, and once more to learn that nothing is missing.
pub(super) const MAX_PASSES: usize = 7;

/// The keys that WeChat on the phone has for a mini program and its user.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CallerKeys {
    caller: Caller,
    cpu_id: String,
    /// The number of WeChat's app on the phone, and its form in exports.
    uid: u32,
    own_uid: String,
    attk: PublicKey,
    ask: PublicKey,
    /// `None` if there is no AuthKey, or an enrolment made it invalid.
    auth_key: Option<PublicKey>,
}

/// What must be uploaded before WeChat can use its keys.
pub(super) enum NextUpload {
    /// Nothing: WeChat's servers know every key.
    Nothing,
    /// This must be uploaded.
    Upload(Upload),
    /// The phone has other keys than those for which the servers were asked.
    KeysChanged,
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

/// Separates the TEE's refusals from failures of the phone's environment.
fn separate<T>(result: Result<T, Failure>) -> Result<Result<T, TeeError>, CommandError> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Failure::NoKey(error)) => Ok(Err(error)),
        Err(Failure::Environment(error)) => Err(error),
    }
}

impl Phone {
    /// The keys for a caller. An ASK that does not exist is made; the AuthKey is made later, when the servers know the ASK.
    ///
    /// # Errors
    /// As the inner result, why the TEE cannot make or read a key. `UnknownDevice` if the phone was removed, `Environment` if
    /// it does not switch on.
    pub(super) fn caller_keys(
        &self,
        state: &mut PhoneState,
        caller: Caller,
    ) -> Result<Result<CallerKeys, TeeError>, CommandError> {
        separate(self.read_caller_keys(state, caller))
    }

    fn read_caller_keys(&self, state: &mut PhoneState, caller: Caller) -> Result<CallerKeys, Failure> {
        let (uid, name) = (state.record.wechat_uid(), caller.auth_key_name());
        if !self.tee(state)?.has_app_secure_key(uid) {
            self.generate_app_secure_key(state, uid)??;
        }
        let tee = self.tee(state)?;
        let auth_key = if tee.has_valid_auth_key(uid, &name) {
            Some(tee.public_key(&KeyPath::AuthKey { uid, name })?)
        } else {
            None
        };
        Ok(CallerKeys {
            caller,
            cpu_id: tee.cpu_id(),
            uid,
            own_uid: tee.uid(uid),
            attk: tee.public_key(&KeyPath::Attk)?,
            ask: tee.public_key(&KeyPath::Ask { uid })?,
            auth_key,
        })
    }

    /// Asks WeChat's servers which of these keys they lack. Call this without the phone's lock.
    ///
    /// # Errors
    /// `Environment` if the servers' ledger fails.
    pub(super) async fn missing_uploads(&self, keys: &CallerKeys) -> Result<MissingUploads, CommandError> {
        let CallerKeys { caller, cpu_id, own_uid, ask, auth_key, .. } = keys;
        let owner = KeyOwner { cpu_id, uid: own_uid, appid: &caller.appid, openid: &caller.openid };
        Ok(self.context.wechat.missing_uploads(owner, ask, auth_key.as_ref()).await?)
    }

    /// The next thing that WeChat's servers do not have, if the phone still has these keys for the caller. If that is an AuthKey
    /// which does not exist, it is made.
    ///
    /// # Errors
    /// `UnknownDevice` if the phone was removed, `Environment` if it does not switch on.
    pub(super) fn next_upload(
        &self,
        state: &mut PhoneState,
        caller: Caller,
        keys: &CallerKeys,
        missing: MissingUploads,
    ) -> Result<NextUpload, CommandError> {
        Ok(match separate(self.export_next(state, caller, keys, missing))? {
            Ok(next) => next,
            Err(error) => NextUpload::NoKey(error),
        })
    }

    fn export_next(
        &self,
        state: &mut PhoneState,
        caller: Caller,
        keys: &CallerKeys,
        missing: MissingUploads,
    ) -> Result<NextUpload, Failure> {
        if self.read_caller_keys(state, caller)? != *keys {
            return Ok(NextUpload::KeysChanged);
        }
        let CallerKeys { caller, cpu_id, uid, attk, .. } = keys;
        let upload = if missing.device {
            Upload::Device { cpu_id: cpu_id.clone(), attk: attk.clone() }
        } else if missing.ask {
            let crl = state.record.crl_distribution_points();
            let export = |tee: &mut Tee| tee.app_secure_key_with(*uid, crl);
            Upload::Ask(self.with_counter_event(state, "getAppSecureKey", export)??)
        } else if missing.auth_key {
            let name = caller.auth_key_name();
            self.make_valid_auth_key(state, *uid, &name)?;
            let export = self.with_counter_event(state, "getAuthKey", |tee| tee.auth_key(*uid, &name))??;
            Upload::AuthKey(export, caller.clone())
        } else {
            return Ok(NextUpload::Nothing);
        };
        Ok(NextUpload::Upload(upload))
    }

    /// Makes the AuthKey of this name if it does not exist, and replaces it if an enrolment made it invalid.
    fn make_valid_auth_key(&self, state: &mut PhoneState, uid: u32, name: &str) -> Result<(), Failure> {
        let tee = self.tee(state)?;
        if !tee.has_valid_auth_key(uid, name) {
            if tee.has_auth_key(uid, name) {
                tee.remove_auth_key(uid, name)?;
            }
            self.generate_auth_key(state, uid, name)??;
        }
        Ok(())
    }

    /// Uploads the keys that the phone already has to WeChat's servers, if those do not have them. Makes no keys.
    ///
    /// # Errors
    /// `InvalidParams` if WeChat's servers do not know the phone's user. `UnknownDevice` if the phone was removed.
    /// `Environment` if it does not switch on, or the servers' ledger fails.
    pub(crate) async fn upload_existing_keys(&self) -> Result<(), CommandError> {
        for _ in 0..MAX_PASSES {
            let Some(keys) = self.existing_keys()? else { return Ok(()) };
            let missing = self.missing_uploads(&keys).await?;
            let next = {
                let mut state = self.state();
                let caller = self.caller(&state, None)?;
                self.next_upload(&mut state, caller, &keys, missing)?
            };
            let upload = match next {
                NextUpload::Upload(upload) => upload,
                NextUpload::KeysChanged => continue,
                // A key that cannot be exported now is exported when it is needed, and a failure is reported then.
                NextUpload::Nothing | NextUpload::NoKey(_) => return Ok(()),
            };
            if self.upload(upload).await?.is_some() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The keys for the phone's user and the first mini program, if all of them exist.
    fn existing_keys(&self) -> Result<Option<CallerKeys>, CommandError> {
        let mut state = self.state();
        let uid = state.record.wechat_uid();
        let caller = self.caller(&state, None)?;
        if !self.tee(&mut state)?.has_app_secure_key(uid) {
            return Ok(None);
        }
        let keys = self.caller_keys(&mut state, caller)?;
        Ok(keys.ok().filter(|keys| keys.auth_key.is_some()))
    }

    /// Uploads something to WeChat's servers. Returns the reason if they refuse it.
    ///
    /// # Errors
    /// `Environment` if the servers' ledger fails.
    pub(super) async fn upload(&self, upload: Upload) -> Result<Option<Text>, CommandError> {
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
            Err(refused) => Ok(Some(text!(
                "WeChat's servers refuse the phone's key: {refused}",
                refused = refused.text()
            ))),
        }
    }
}
