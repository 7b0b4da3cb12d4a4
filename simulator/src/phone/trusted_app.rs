//! The 13 commands of the trusted app, as an Android app sends them through `ISoterService`.

use soter_bridge::protocol::keys::KeyKind;
use soter_bridge::protocol::soter::{self, Reply};
use soter_bridge::protocol::{Command, CommandError, Event};
use soter_bridge::run_cpu_bound;
use soter_tee::{ExtraParameter, MAX_SESSIONS, Signed, Tee, TeeError};
use soter_wire::{PublicKey, base64, result_code};

use super::state::{Phone, PhoneState};

/// The result of a command.
type Answer = Result<Reply, TeeError>;

/// A phone's trusted app, as apps see it: one method for each of its commands.
#[derive(Debug)]
pub(crate) struct TrustedApp<'a> {
    phone: &'a Phone,
}

impl TrustedApp<'_> {
    pub(crate) fn generate_app_secure_key(
        &self,
        command: &soter::GenerateAppSecureKey,
    ) -> Result<Reply, CommandError> {
        let mut state = self.phone.state();
        let answer = self.phone.generate_app_secure_key(&mut state, command.uid)?;
        self.reply(soter::GenerateAppSecureKey::METHOD, answer)
    }

    pub(crate) fn get_app_secure_key(&self, command: &soter::GetAppSecureKey) -> Result<Reply, CommandError> {
        let mut state = self.phone.state();
        let crl = state.record.crl_distribution_points();
        let export = |tee: &mut Tee| tee.app_secure_key_with(command.uid, crl);
        let export = self.phone.with_counter_event(&mut state, "getAppSecureKey", export)?;
        self.reply(soter::GetAppSecureKey::METHOD, export.map(|blob| export_reply(&blob.encode())))
    }

    pub(crate) fn has_ask_already(&self, command: &soter::HasAskAlready) -> Result<Reply, CommandError> {
        let mut state = self.phone.state();
        Ok(Reply::value(self.phone.tee(&mut state)?.has_app_secure_key(command.uid)))
    }

    pub(crate) fn generate_auth_key(&self, command: &soter::GenerateAuthKey) -> Result<Reply, CommandError> {
        let mut state = self.phone.state();
        let answer = self.phone.generate_auth_key(&mut state, command.uid, &command.kname)?;
        self.reply(soter::GenerateAuthKey::METHOD, answer)
    }

    pub(crate) fn get_auth_key(&self, command: &soter::GetAuthKey) -> Result<Reply, CommandError> {
        let mut state = self.phone.state();
        let export = |tee: &mut Tee| tee.auth_key(command.uid, &command.kname);
        let export = self.phone.with_counter_event(&mut state, "getAuthKey", export)?;
        self.reply(soter::GetAuthKey::METHOD, export.map(|blob| export_reply(&blob.encode())))
    }

    pub(crate) fn has_auth_key(&self, command: &soter::HasAuthKey) -> Result<Reply, CommandError> {
        let mut state = self.phone.state();
        Ok(Reply::value(self.phone.tee(&mut state)?.has_auth_key(command.uid, &command.kname)))
    }

    pub(crate) fn remove_auth_key(&self, command: &soter::RemoveAuthKey) -> Result<Reply, CommandError> {
        let mut state = self.phone.state();
        let removed = self.phone.tee(&mut state)?.remove_auth_key(command.uid, &command.kname);
        self.removal_reply(soter::RemoveAuthKey::METHOD, removed, result_code::REMOVE_AUTH_KEY_FAILED)
    }

    pub(crate) fn remove_all_auth_key(
        &self,
        command: &soter::RemoveAllAuthKey,
    ) -> Result<Reply, CommandError> {
        let mut state = self.phone.state();
        let removed = self.phone.tee(&mut state)?.remove_all_auth_keys(command.uid);
        self.removal_reply(soter::RemoveAllAuthKey::METHOD, removed, result_code::REMOVE_ASK_FAILED)
    }

    pub(crate) fn init_sigh(&self, command: &soter::InitSigh) -> Result<Reply, CommandError> {
        let modes = self.phone.profile.modes;
        let mut state = self.phone.state();
        let tee = self.phone.tee(&mut state)?;
        let opened = tee.init_sign(command.uid, &command.kname, &command.challenge, modes);
        if let Ok(session) = opened {
            // The TEE does not report expired sessions, so the list is limited to as many as can be open; the oldest
            // is removed.
            if state.app_sessions.len() >= MAX_SESSIONS {
                state.app_sessions.remove(0);
            }
            state.app_sessions.push(session);
        }
        self.reply(soter::InitSigh::METHOD, opened.map(Reply::opened))
    }

    pub(crate) fn finish_sign(&self, command: &soter::FinishSign) -> Result<Reply, CommandError> {
        let mut state = self.phone.state();
        self.phone.apply_automatic_touches(&mut state, command.session)?;
        state.app_sessions.retain(|session| *session != command.session);
        let finish = |tee: &mut Tee| tee.finish_sign(command.session);
        let signed = self.phone.with_counter_event(&mut state, "finishSign", finish)?;
        if let Ok(signed) = &signed {
            self.phone.emit_signed(signed);
        }
        self.reply(soter::FinishSign::METHOD, signed.map(|signed| export_reply(&signed.export.encode())))
    }

    pub(crate) fn get_device_id(&self) -> Result<Reply, CommandError> {
        let mut state = self.phone.state();
        Ok(export_reply(self.phone.tee(&mut state)?.cpu_id().as_bytes()))
    }

    pub(crate) fn get_version(&self) -> Result<Reply, CommandError> {
        let mut state = self.phone.state();
        Ok(Reply::value(self.phone.tee(&mut state)?.version()))
    }

    pub(crate) fn get_extra_param(&self, command: &soter::GetExtraParam) -> Result<Reply, CommandError> {
        let mut state = self.phone.state();
        let parameter = self.phone.tee(&mut state)?.extra_parameter(&command.key).map(|value| match value {
            ExtraParameter::Number(number) => Reply::value(number),
            ExtraParameter::Rectangle(sides) => Reply::value(sides.to_vec()),
        });
        self.reply(soter::GetExtraParam::METHOD, parameter)
    }

    /// Converts the result: a refusal becomes the SDK's code, a failure of the phone's environment an error.
    fn reply(&self, method: &str, answer: Answer) -> Result<Reply, CommandError> {
        let error = match answer {
            Ok(reply) => return Ok(reply),
            Err(error) => error,
        };
        let Some(code) = error.result_code() else { return Err(self.phone.tee_error(&error)) };
        self.emit_refused(method, code, &error);
        Ok(Reply::code(code))
    }

    /// As [`reply`](Self::reply), but a removal has one code for everything that does not exist. Modelled.
    fn removal_reply(
        &self,
        method: &str,
        removed: Result<(), TeeError>,
        failed: i32,
    ) -> Result<Reply, CommandError> {
        match removed {
            Err(error @ (TeeError::NoAsk { .. } | TeeError::AuthKeyNotFound { .. })) => {
                self.emit_refused(method, failed, &error);
                Ok(Reply::code(failed))
            }
            other => self.reply(method, other.map(|()| Reply::code(result_code::OK))),
        }
    }

    fn emit_refused(&self, method: &str, code: i32, error: &TeeError) {
        self.phone.emit(Event::Refused {
            device: self.phone.name.to_string(),
            method: method.to_owned(),
            code,
            message: code.to_string(),
            reason: error.text(),
        });
    }
}

impl Phone {
    /// The trusted app of this phone.
    pub(crate) fn trusted_app(&self) -> TrustedApp<'_> {
        TrustedApp { phone: self }
    }

    pub(super) fn generate_app_secure_key(
        &self,
        state: &mut PhoneState,
        uid: u32,
    ) -> Result<Answer, CommandError> {
        let generate = |tee: &mut Tee| run_cpu_bound(|| tee.generate_app_secure_key(uid));
        let generated = self.with_counter_event(state, "generateAppSecureKey", generate)?;
        if let Ok(key) = &generated {
            self.emit_key_made(state, KeyKind::Ask, uid, None, key)?;
        }
        Ok(generated.map(|_| Reply::code(result_code::OK)))
    }

    pub(super) fn generate_auth_key(
        &self,
        state: &mut PhoneState,
        uid: u32,
        name: &str,
    ) -> Result<Answer, CommandError> {
        let generate = |tee: &mut Tee| run_cpu_bound(|| tee.generate_auth_key(uid, name));
        let generated = self.with_counter_event(state, "generateAuthKey", generate)?;
        if let Ok(key) = &generated {
            self.emit_key_made(state, KeyKind::AuthKey, uid, Some(name), key)?;
        }
        Ok(generated.map(|_| Reply::code(result_code::OK)))
    }

    pub(super) fn emit_signed(&self, signed: &Signed) {
        self.emit(Event::Signed {
            device: self.name.to_string(),
            uid: signed.uid.clone(),
            key_name: signed.key_name.clone(),
            fingerprint: signed.key_fingerprint.clone(),
            counter: signed.counter,
            scheme: self.profile.scheme,
        });
    }

    fn emit_key_made(
        &self,
        state: &mut PhoneState,
        kind: KeyKind,
        uid: u32,
        name: Option<&str>,
        key: &PublicKey,
    ) -> Result<(), CommandError> {
        let uid = self.tee(state)?.uid(uid);
        let device = self.name.to_string();
        let fingerprint = key.fingerprint();
        self.emit(Event::KeyMade { device, kind, uid, name: name.map(str::to_owned), fingerprint });
        Ok(())
    }
}

fn export_reply(bytes: &[u8]) -> Reply {
    Reply::exported(base64::encode(bytes))
}
