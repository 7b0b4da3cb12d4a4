//! The 13 commands of the trusted app, as an Android app sends them through `ISoterService`.

use soter_bridge::long_work;
use soter_bridge::protocol::keys::KeyKind;
use soter_bridge::protocol::soter::Reply;
use soter_bridge::protocol::{CommandError, Event, Request, Response};
use soter_tee::{ExtraParameter, MAX_SESSIONS, Signed, Tee, TeeError, result_code};
use soter_wire::{PublicKey, base64};

use super::{Inside, Phone};

/// What a command gives when it succeeds.
type Answer = Result<Reply, TeeError>;

impl Phone {
    pub(crate) fn trusted_app(&self, request: Request) -> Result<Response, CommandError> {
        let method = request.method();
        let mut inside = self.inside();
        let inside = &mut inside;
        Ok(match request {
            Request::GenerateAppSecureKey(command) => {
                let answer = self.generate_app_secure_key(inside, command.uid)?;
                Response::GenerateAppSecureKey(self.reply(method, answer)?)
            }
            Request::GetAppSecureKey(command) => {
                let export =
                    self.spending(inside, "getAppSecureKey", |tee| tee.app_secure_key(command.uid))?;
                Response::GetAppSecureKey(self.reply(method, export.map(|blob| exported(&blob.encode())))?)
            }
            Request::HasAskAlready(command) => {
                let has = self.tee(inside)?.has_app_secure_key(command.uid);
                Response::HasAskAlready(Reply::value(has))
            }
            Request::GenerateAuthKey(command) => {
                let answer = self.generate_auth_key(inside, command.uid, &command.kname)?;
                Response::GenerateAuthKey(self.reply(method, answer)?)
            }
            Request::GetAuthKey(command) => {
                let export =
                    self.spending(inside, "getAuthKey", |tee| tee.auth_key(command.uid, &command.kname))?;
                Response::GetAuthKey(self.reply(method, export.map(|blob| exported(&blob.encode())))?)
            }
            Request::HasAuthKey(command) => {
                let has = self.tee(inside)?.has_auth_key(command.uid, &command.kname);
                Response::HasAuthKey(Reply::value(has))
            }
            Request::RemoveAuthKey(command) => {
                let removed = self.tee(inside)?.remove_auth_key(command.uid, &command.kname);
                let removed = removed.map(|()| Reply::code(result_code::OK));
                Response::RemoveAuthKey(self.removal(method, removed, result_code::REMOVE_AUTH_KEY_FAILED)?)
            }
            Request::RemoveAllAuthKey(command) => {
                let removed = self.tee(inside)?.remove_all_auth_keys(command.uid);
                let removed = removed.map(|()| Reply::code(result_code::OK));
                Response::RemoveAllAuthKey(self.removal(method, removed, result_code::REMOVE_ASK_FAILED)?)
            }
            Request::InitSigh(command) => {
                let modes = self.profile.modes;
                let opened =
                    self.tee(inside)?.init_sign(command.uid, &command.kname, &command.challenge, modes);
                if let Ok(session) = opened {
                    // Sessions that expired are not told; more than can be open are not worth remembering.
                    if inside.app_sessions.len() >= MAX_SESSIONS {
                        inside.app_sessions.remove(0);
                    }
                    inside.app_sessions.push(session);
                }
                Response::InitSigh(self.reply(method, opened.map(Reply::opened))?)
            }
            Request::FinishSign(command) => {
                self.touch_by_itself(inside, command.session)?;
                inside.app_sessions.retain(|session| *session != command.session);
                let signed = self.spending(inside, "finishSign", |tee| tee.finish_sign(command.session))?;
                if let Ok(signed) = &signed {
                    self.tell_signed(signed);
                }
                Response::FinishSign(
                    self.reply(method, signed.map(|signed| exported(&signed.export.encode())))?,
                )
            }
            Request::GetDeviceId(_) => Response::GetDeviceId(exported(self.tee(inside)?.cpu_id().as_bytes())),
            Request::GetVersion(_) => Response::GetVersion(Reply::value(self.tee(inside)?.version())),
            Request::GetExtraParam(command) => {
                let parameter = self.tee(inside)?.extra_parameter(&command.key).map(|value| match value {
                    ExtraParameter::Number(number) => Reply::value(number),
                    ExtraParameter::Rectangle(sides) => Reply::value(sides.to_vec()),
                });
                Response::GetExtraParam(self.reply(method, parameter)?)
            }
            other => {
                return Err(CommandError::internal(format!(
                    "`{}` is no command of the trusted app",
                    other.method()
                )));
            }
        })
    }

    pub(super) fn generate_app_secure_key(
        &self,
        inside: &mut Inside,
        uid: u32,
    ) -> Result<Answer, CommandError> {
        let generate = |tee: &mut Tee| long_work(|| tee.generate_app_secure_key(uid));
        let made = self.spending(inside, "generateAppSecureKey", generate)?;
        if let Ok(key) = &made {
            self.tell_made(inside, KeyKind::Ask, uid, None, key)?;
        }
        Ok(made.map(|_| Reply::code(result_code::OK)))
    }

    pub(super) fn generate_auth_key(
        &self,
        inside: &mut Inside,
        uid: u32,
        name: &str,
    ) -> Result<Answer, CommandError> {
        let generate = |tee: &mut Tee| long_work(|| tee.generate_auth_key(uid, name));
        let made = self.spending(inside, "generateAuthKey", generate)?;
        if let Ok(key) = &made {
            self.tell_made(inside, KeyKind::AuthKey, uid, Some(name), key)?;
        }
        Ok(made.map(|_| Reply::code(result_code::OK)))
    }

    pub(super) fn tell_signed(&self, signed: &Signed) {
        self.emit(Event::Signed {
            device: self.name.to_string(),
            uid: signed.uid.clone(),
            key_name: signed.key_name.clone(),
            fingerprint: signed.key_fingerprint.clone(),
            counter: signed.counter,
            scheme: self.profile.scheme,
        });
    }

    fn tell_made(
        &self,
        inside: &mut Inside,
        kind: KeyKind,
        uid: u32,
        name: Option<&str>,
        key: &PublicKey,
    ) -> Result<(), CommandError> {
        let uid = self.tee(inside)?.uid(uid);
        let device = self.name.to_string();
        let fingerprint = key.fingerprint();
        self.emit(Event::KeyMade { device, kind, uid, name: name.map(str::to_owned), fingerprint });
        Ok(())
    }

    /// A refusal as the SDK's code; a failure of the phone's surroundings as an error.
    fn reply(&self, method: &str, answer: Answer) -> Result<Reply, CommandError> {
        let error = match answer {
            Ok(reply) => return Ok(reply),
            Err(error) => error,
        };
        let Some(code) = error.result_code() else { return Err(self.tee_error(&error)) };
        self.tell_refused(method, code, &error);
        Ok(Reply::code(code))
    }

    /// As [`reply`](Self::reply), but a removal has one code for whatever was not there. Modelled.
    fn removal(&self, method: &str, answer: Answer, failed: i32) -> Result<Reply, CommandError> {
        match answer {
            Err(error @ (TeeError::NoAsk { .. } | TeeError::AuthKeyNotFound { .. })) => {
                self.tell_refused(method, failed, &error);
                Ok(Reply::code(failed))
            }
            other => self.reply(method, other),
        }
    }

    fn tell_refused(&self, method: &str, code: i32, error: &TeeError) {
        self.emit(Event::Refused {
            device: self.name.to_string(),
            method: method.to_owned(),
            code,
            message: code.to_string(),
            reason: error.to_string(),
        });
    }
}

fn exported(bytes: &[u8]) -> Reply {
    Reply::exported(base64::encode(bytes))
}
