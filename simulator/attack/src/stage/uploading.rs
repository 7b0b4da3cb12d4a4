//! Uploads that should be refused.

use serde_json::{Map, Value};
use soter_bridge::protocol::CommandError;
use soter_bridge::run_cpu_bound;
use soter_wire::{ExportBlob, KeyJson};

use super::Stage;
use crate::attacked_phone::Upload;
use crate::play_end::PlayEnd;
use crate::software_key::{Scheme, SoftwareKey};
use crate::steps::{Uploaded, WeakForm, Who};
use crate::target::{Answer, Target};
use crate::weak_key::WeakKey;

impl<T: Target> Stage<'_, T> {
    /// Uploads keys that should be refused. Returns the target's answer.
    pub(crate) async fn upload(&mut self, uploaded: Uploaded) -> Result<Answer, PlayEnd> {
        let login = if uploaded == Uploaded::KnownKeyForOther { Who::Other } else { Who::Owner };
        // A refusal before it may have ended the login.
        let user = self.person(login).user.clone();
        self.person(login).visit = self.target.start_visit(&user).await?;
        let upload = self.make_upload(uploaded)?;
        Ok(self.target.enroll(self.visit(login), &upload).await?)
    }

    fn make_upload(&mut self, uploaded: Uploaded) -> Result<Upload, PlayEnd> {
        Ok(match uploaded {
            Uploaded::FirstAgain => self
                .first_upload
                .clone()
                .ok_or_else(|| CommandError::defect("the owner's phone has uploaded nothing"))?,
            Uploaded::KnownKeyForOther => {
                let openid = self.person(Who::Other).user.openid.clone();
                Upload { openid, ..self.owner.phone.upload()? }
            }
            Uploaded::NewKey => self.new_upload()?,
            Uploaded::AuthKeyBeforeAsk => {
                run_cpu_bound(|| self.owner.phone.renew_key())?;
                self.owner.phone.upload_auth_key_first()?
            }
            Uploaded::OthersAuthKey => {
                let own = self.owner.phone.upload()?;
                let auth_key = self.others_auth_key_after(&own)?;
                Upload { auth_key: auth_key.auth_key, public_key: auth_key.public_key, ..own }
            }
            Uploaded::NamesOthersPhone => {
                let cpu_id = self.person(Who::Other).phone.cpu_id();
                self.upload_that_names("cpu_id", cpu_id)?
            }
            Uploaded::NamesOtherApp(uid) => self.upload_that_names("uid", uid.to_owned())?,
            Uploaded::WeakAuthKey(form) => self.upload_with_weak_auth_key(form)?,
            Uploaded::WeakAsk(form) => self.upload_with_weak_ask(form)?,
        })
    }

    /// The upload of a new AuthKey of the owner's phone.
    fn new_upload(&mut self) -> Result<Upload, PlayEnd> {
        run_cpu_bound(|| self.owner.phone.renew_key())?;
        Ok(self.owner.phone.upload()?)
    }

    /// A new AuthKey of the other user's phone, exported with a counter that is higher than those of this upload.
    fn others_auth_key_after(&mut self, own: &Upload) -> Result<Upload, PlayEnd> {
        /// More exports than it takes to overtake a phone that was used a few times.
        const MAX_EXPORTS: usize = 50;
        let counter = |export: &ExportBlob| KeyJson::decode(&export.json).map_or(0, |key| key.counter);
        let own_counter = counter(&own.auth_key);
        let phone = &mut self.person(Who::Other).phone;
        run_cpu_bound(|| phone.renew_key())?;
        for _ in 0..MAX_EXPORTS {
            let others = phone.upload()?;
            if counter(&others.auth_key) > own_counter {
                return Ok(others);
            }
        }
        Err(CommandError::defect("the other phone does not overtake the owner's").into())
    }

    /// The upload of a new AuthKey whose export has another value in a member, signed by the phone's ASK.
    fn upload_that_names(&mut self, member: &str, value: String) -> Result<Upload, PlayEnd> {
        let upload = self.new_upload()?;
        let ask = self.owner.phone.ask()?;
        let auth_key = changed_export(&upload.auth_key, member, value, &ask, scheme(&upload))?;
        Ok(Upload { auth_key, ..upload })
    }

    fn upload_with_weak_auth_key(&mut self, form: WeakForm) -> Result<Upload, PlayEnd> {
        let upload = self.new_upload()?;
        let (weak_key, ask) = (self.make_weak_key(form)?, self.owner.phone.ask()?);
        let pem = weak_key.public_pem()?;
        let auth_key = changed_export(&upload.auth_key, "pub_key", pem.clone(), &ask, scheme(&upload))?;
        self.weak_key = Some(weak_key);
        Ok(Upload { auth_key, public_key: pem, ..upload })
    }

    fn upload_with_weak_ask(&mut self, form: WeakForm) -> Result<Upload, PlayEnd> {
        let upload = self.new_upload()?;
        let (weak_key, attk) = (self.make_weak_key(form)?, self.owner.phone.attk()?);
        let scheme = scheme(&upload);
        let ask = changed_export(&upload.ask, "pub_key", weak_key.public_pem()?, &attk, scheme)?;
        let json = upload.auth_key.json.clone();
        let signature = weak_key.sign(&json, scheme)?;
        Ok(Upload { ask, auth_key: ExportBlob { json, signature }, ..upload })
    }

    fn make_weak_key(&self, form: WeakForm) -> Result<WeakKey, PlayEnd> {
        Ok(run_cpu_bound(|| WeakKey::generate(form, &self.supply))?)
    }
}

fn scheme(upload: &Upload) -> Scheme {
    Scheme::from_signature_scheme(upload.scheme)
}

/// An export with another text in a member, signed again.
fn changed_export(
    export: &ExportBlob,
    member: &str,
    value: String,
    signer: &SoftwareKey,
    scheme: Scheme,
) -> Result<ExportBlob, CommandError> {
    let mut members: Map<String, Value> = serde_json::from_slice(&export.json)
        .map_err(|_| CommandError::defect("a phone's export is not a JSON object"))?;
    members.insert(member.to_owned(), value.into());
    let json = Value::Object(members).to_string().into_bytes();
    Ok(ExportBlob { signature: signer.sign(&json, scheme)?, json })
}
