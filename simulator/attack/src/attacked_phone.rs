//! A fresh emulated phone whose keys the attacker knows: its secure world does not reveal them, but its keys were
//! made outside and given to it.

use std::sync::{Arc, Mutex, PoisonError};

use soter_bridge::protocol::CommandError;
use soter_tee::{
    DeviceIdentity, Environment, KeyError, KeyPath, MemoryStorage, OpenError, Presented, PrivateKey,
    RandomnessError, Storage, Tee, TeeError,
};
use soter_wire::{ExportBlob, Mode, Profile, PublicKey, SignatureScheme, base64};

use crate::keys::KeySupply;
use crate::software_key::{Scheme, SoftwareKey};

/// WeChat's uid, as on every emulated phone.
const UID: u32 = 10102;
/// The device name under which the TEE of every phone seals its state.
const NAME: &str = "attacked";

/// The result of one authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signed {
    /// `resultJSON`.
    pub(super) json: String,
    /// `resultJSONSignature`.
    pub(super) signature: String,
}

/// What a phone's client uploads before the first authentication, and the user for whom it does.
#[derive(Clone, Debug)]
pub struct Upload {
    /// The device's `cpu_id`.
    pub cpu_id: String,
    /// WeChat's uid on the device, as in exports.
    pub uid: String,
    /// The public half of the ATTK, the device's root key.
    pub attk: PublicKey,
    /// The ASK's export.
    pub ask: ExportBlob,
    /// The AuthKey's export.
    pub auth_key: ExportBlob,
    /// The AuthKey's public half, PEM.
    pub public_key: String,
    /// The scheme of all its signatures.
    pub scheme: SignatureScheme,
    /// The user's openid in the mini program.
    pub openid: String,
}

/// The phone.
#[derive(Debug)]
pub(super) struct AttackedPhone {
    tee: Tee,
    profile: &'static Profile,
    storage: MemoryStorage,
    known: KnownKeys,
    openid: String,
}

/// The keys that were given to phones.
#[derive(Clone, Debug)]
struct KnownKeys {
    supply: KeySupply,
    family: &'static str,
    generated_keys: Arc<Mutex<Vec<SoftwareKey>>>,
}

struct PhoneEnvironment {
    storage: MemoryStorage,
    known: KnownKeys,
}

impl AttackedPhone {
    /// A phone of this family whose WeChat user has this openid, with an ASK and an AuthKey.
    pub(super) fn new(
        supply: &KeySupply,
        profile: &'static Profile,
        openid: &str,
    ) -> Result<Self, CommandError> {
        let known =
            KnownKeys { supply: supply.clone(), family: profile.name, generated_keys: Arc::default() };
        let storage = MemoryStorage::new();
        let tee = open_tee(storage.clone(), known.clone(), profile)?;
        let mut phone = Self { tee, profile, storage, known, openid: openid.to_owned() };
        phone.tee.generate_app_secure_key(UID).map_err(|error| phone_error(&error))?;
        phone.renew_key()?;
        Ok(phone)
    }

    pub(super) fn profile(&self) -> &'static Profile {
        self.profile
    }

    pub(super) fn cpu_id(&self) -> String {
        self.tee.cpu_id()
    }

    /// Carries out one authentication: a touch, and a signed result.
    pub(super) fn authenticate(&mut self, challenge: &str) -> Result<Signed, CommandError> {
        let mode = self.profile.modes.first().copied().unwrap_or(Mode::FingerPrint);
        let session = self
            .tee
            .init_sign(UID, &key_name(&self.openid), challenge, &[mode])
            .map_err(|error| phone_error(&error))?;
        self.tee
            .present(session, Presented { mode, enrolment: Some(1) })
            .map_err(|error| phone_error(&error))?;
        let ExportBlob { json, mut signature } =
            self.tee.finish_sign(session).map_err(|error| phone_error(&error))?.export;
        if self.known.supply.is_seeded() {
            // The secure world's salts are random. With a seed, the same attack must give the same bytes, so the text
            // is signed again.
            let openid = self.openid.clone();
            let scheme = Scheme::from_signature_scheme(self.profile.scheme);
            signature = self.auth_key(&openid)?.sign(&json, scheme)?;
        }
        let json =
            String::from_utf8(json).map_err(|_| CommandError::defect("a phone's result is not UTF-8"))?;
        Ok(Signed { json, signature: base64::encode(&signature) })
    }

    /// The keys that must be uploaded before results can be verified.
    pub(super) fn upload(&mut self) -> Result<Upload, CommandError> {
        let ask = self.tee.app_secure_key(UID).map_err(|error| phone_error(&error))?;
        let auth_key =
            self.tee.auth_key(UID, &key_name(&self.openid)).map_err(|error| phone_error(&error))?;
        Ok(Upload {
            cpu_id: self.tee.cpu_id(),
            uid: self.tee.uid(UID),
            attk: self.public_key(&KeyPath::Attk)?,
            ask,
            auth_key,
            public_key: self.public_key(&auth_key_path(&self.openid))?.to_pem(),
            scheme: self.profile.scheme,
            openid: self.openid.clone(),
        })
    }

    /// Makes an AuthKey for another user on this phone. Returns its upload.
    pub(super) fn upload_for(&mut self, openid: &str) -> Result<Upload, CommandError> {
        self.tee.generate_auth_key(UID, &key_name(openid)).map_err(|error| phone_error(&error))?;
        let own = self.upload()?;
        // The AuthKey is exported after the ASK, so that the counters rise in the order of the upload.
        let auth_key = self.tee.auth_key(UID, &key_name(openid)).map_err(|error| phone_error(&error))?;
        let public_key = self.public_key(&auth_key_path(openid))?.to_pem();
        Ok(Upload { auth_key, public_key, openid: openid.to_owned(), ..own })
    }

    /// The keys. The AuthKey is exported before the ASK.
    pub(super) fn upload_auth_key_first(&mut self) -> Result<Upload, CommandError> {
        let auth_key =
            self.tee.auth_key(UID, &key_name(&self.openid)).map_err(|error| phone_error(&error))?;
        Ok(Upload { auth_key, ..self.upload()? })
    }

    /// The device's root key.
    pub(super) fn attk(&mut self) -> Result<SoftwareKey, CommandError> {
        self.private_key(&KeyPath::Attk)
    }

    /// WeChat's ASK.
    pub(super) fn ask(&mut self) -> Result<SoftwareKey, CommandError> {
        self.private_key(&KeyPath::Ask { uid: UID })
    }

    /// The AuthKey of a user.
    pub(super) fn auth_key(&mut self, openid: &str) -> Result<SoftwareKey, CommandError> {
        self.private_key(&auth_key_path(openid))
    }

    /// Makes the user's AuthKey, and replaces an older one.
    pub(super) fn renew_key(&mut self) -> Result<(), CommandError> {
        self.tee
            .generate_auth_key(UID, &key_name(&self.openid))
            .map_err(|error| phone_error(&error))
            .map(|_| ())
    }

    /// Makes a new ASK in place of the old one, and the user's AuthKey under it.
    pub(super) fn renew_ask(&mut self) -> Result<(), CommandError> {
        self.tee.generate_app_secure_key(UID).map_err(|error| phone_error(&error))?;
        self.renew_key()
    }

    /// Enrols another finger, which makes every AuthKey invalid.
    pub(super) fn enroll_finger(&mut self) -> Result<(), CommandError> {
        self.tee.enroll(Mode::FingerPrint).map_err(|error| phone_error(&error)).map(|_| ())
    }

    /// Switches the phone off in an orderly way and copies its flash and RPMB.
    pub(super) fn copy_storage(&mut self) -> Result<MemoryStorage, CommandError> {
        self.tee.close().map_err(|error| phone_error(&error))?;
        Ok(self.storage.snapshot())
    }

    /// Puts a copy back, and switches the phone on.
    pub(super) fn restore(&mut self, copy: &MemoryStorage) -> Result<(), CommandError> {
        self.storage.tamper(|contents| *contents = copy.contents());
        self.tee = open_tee(self.storage.clone(), self.known.clone(), self.profile)?;
        Ok(())
    }

    /// Another phone with the same state.
    pub(super) fn duplicate(&mut self) -> Result<Self, CommandError> {
        let storage = self.copy_storage()?;
        let tee = open_tee(storage.clone(), self.known.clone(), self.profile)?;
        Ok(Self {
            tee,
            profile: self.profile,
            storage,
            known: self.known.clone(),
            openid: self.openid.clone(),
        })
    }

    fn public_key(&mut self, path: &KeyPath) -> Result<PublicKey, CommandError> {
        self.tee.public_key(path).map_err(|error| phone_error(&error))
    }

    fn private_key(&mut self, path: &KeyPath) -> Result<SoftwareKey, CommandError> {
        let public = self.public_key(path)?;
        let generated_keys = self.known.generated_keys.lock().unwrap_or_else(PoisonError::into_inner);
        generated_keys
            .iter()
            .find(|key| *key.public() == public)
            .cloned()
            .ok_or_else(|| CommandError::defect("a phone has a key that was not given to it"))
    }
}

impl Environment for PhoneEnvironment {
    fn random(&mut self, out: &mut [u8]) -> Result<(), RandomnessError> {
        self.known.supply.fill(out)
    }

    fn unix_millis(&self) -> u64 {
        /// 2024-01-01T00:00:00Z. The contents of certificates do not depend on the day of the attack.
        const CLOCK_UNIX_MS: u64 = 1_704_067_200_000;
        CLOCK_UNIX_MS
    }

    fn new_key(&mut self) -> Result<PrivateKey, KeyError> {
        let key = self.known.supply.key_for(self.known.family).map_err(|_| KeyError::NotMade)?;
        let private = PrivateKey::from_pkcs8(&key.expose_pkcs8().map_err(|_| KeyError::NotMade)?)?;
        self.known.generated_keys.lock().unwrap_or_else(PoisonError::into_inner).push(key);
        Ok(private)
    }

    fn storage(&mut self) -> &mut dyn Storage {
        &mut self.storage
    }
}

fn open_tee(
    storage: MemoryStorage,
    known: KnownKeys,
    profile: &'static Profile,
) -> Result<Tee, CommandError> {
    let identity = DeviceIdentity { name: NAME, profile: Some(profile), seed: None };
    Tee::open(Box::new(PhoneEnvironment { storage, known }), &identity)
        .map_err(|error: OpenError| CommandError::defect(error.to_string()))
}

fn key_name(openid: &str) -> String {
    format!("Wechat_{openid}")
}

fn auth_key_path(openid: &str) -> KeyPath {
    KeyPath::AuthKey { uid: UID, name: key_name(openid) }
}

fn phone_error(error: &TeeError) -> CommandError {
    CommandError::defect(format!("the attacked phone: {error}"))
}

#[cfg(test)]
mod tests {
    use soter_wire::{AskForm, KeyJson};

    use super::*;
    use crate::keys::KeySource;

    #[test]
    fn a_phone_with_an_unusual_salt_length_makes_valid_signatures() {
        let huawei = *Profile::named("itrustee").unwrap();
        let scheme = SignatureScheme::rsa_pss(24).unwrap();
        let profile: &'static Profile = Box::leak(Box::new(Profile { scheme, ask: AskForm::Json, ..huawei }));
        for source in [KeySource::random(), KeySource::seeded("salt")] {
            let mut phone = AttackedPhone::new(&source.supply("test"), profile, "oUser").unwrap();
            for mut phone in [phone.duplicate().unwrap(), phone] {
                let upload = phone.upload().unwrap();
                let signed = phone.authenticate("order-42").unwrap();

                assert_eq!(upload.scheme, scheme);
                let signature = base64::decode(&signed.signature).unwrap();
                let public_key = PublicKey::from_pem(&upload.public_key).unwrap();
                assert_eq!(public_key.verify(scheme, signed.json.as_bytes(), &signature), Ok(()));
                let ask = KeyJson::decode(&upload.ask.json).unwrap();
                assert_eq!(upload.attk.verify(ask.scheme(), &upload.ask.json, &upload.ask.signature), Ok(()));
                let ExportBlob { json, signature } = &upload.auth_key;
                assert_eq!(ask.public_key.verify(scheme, json, signature), Ok(()));
            }
        }
    }
}
