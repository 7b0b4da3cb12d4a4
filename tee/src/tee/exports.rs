//! Exports of keys: the public half, signed by the key of the level above.

use soter_wire::{AskForm, AttestationChallenge, ExportBlob, KeyFacts, PublicKey, device_name};

use super::{KeyPath, Tee};
use crate::attestation::{ChainContent, CrlDistributionPoints, certificate_chain};
use crate::error::TeeError;

impl Tee {
    /// Exports an app's ASK: its JSON signed by the ATTK, or its certificate chain without a signature.
    ///
    /// # Errors
    /// [`TeeError::NoAsk`] if the app has no ASK, [`TeeError::CounterExhausted`] if no counter value is left,
    /// [`TeeError::Key`] if a key cannot be parsed or does not sign, [`TeeError::Clock`] if the chain's validity is
    /// out of range. [`TeeError::Storage`], [`TeeError::Randomness`] or [`TeeError::Encoding`] if the new state
    /// cannot be stored or the chain cannot be encoded.
    pub fn app_secure_key(&mut self, uid: u32) -> Result<ExportBlob, TeeError> {
        self.app_secure_key_with(uid, CrlDistributionPoints::default())
    }

    /// [`app_secure_key`](Self::app_secure_key) with these CRL distribution points in the leaf of a certificate chain; an
    /// ASK in another form has no certificates.
    ///
    /// # Errors
    /// Those of [`app_secure_key`](Self::app_secure_key).
    pub fn app_secure_key_with(
        &mut self,
        uid: u32,
        crl: CrlDistributionPoints,
    ) -> Result<ExportBlob, TeeError> {
        let made_at = self.app(uid)?.made_at;
        let public = self.public_key(&KeyPath::Ask { uid })?;
        let counter = self.vault.spend_counter()?;
        match self.profile.ask {
            AskForm::Json => self.export_key(&public, uid, counter, &KeyPath::Attk),
            AskForm::CertificateChain => self.export_chain(&public, uid, counter, made_at, crl),
        }
    }

    /// Exports an AuthKey, signed by the app's ASK.
    ///
    /// # Errors
    /// [`TeeError::NoAsk`] or [`TeeError::AuthKeyNotFound`] if there is no such AuthKey,
    /// [`TeeError::AuthKeyInvalidated`] if it is invalid, [`TeeError::CounterExhausted`] if no counter value is left,
    /// [`TeeError::Key`] if a key cannot be parsed or does not sign. [`TeeError::Storage`], [`TeeError::Randomness`]
    /// or [`TeeError::Encoding`] if the new state cannot be stored.
    pub fn auth_key(&mut self, uid: u32, name: &str) -> Result<ExportBlob, TeeError> {
        self.check_auth_key(uid, name)?;
        let public = self.public_key(&KeyPath::AuthKey { uid, name: name.to_owned() })?;
        let counter = self.vault.spend_counter()?;
        self.export_key(&public, uid, counter, &KeyPath::Ask { uid })
    }

    fn export_key(
        &mut self,
        public: &PublicKey,
        uid: u32,
        counter: u64,
        signer: &KeyPath,
    ) -> Result<ExportBlob, TeeError> {
        let cpu_id = self.cpu_id();
        let facts = KeyFacts { public_key: public, cpu_id: &cpu_id, counter, uid: &self.uid(uid) };
        let json = facts.encode(self.profile).into_bytes();
        let signature = self.sign(signer, &json, counter)?;
        Ok(ExportBlob { json, signature })
    }

    fn export_chain(
        &mut self,
        ask: &PublicKey,
        uid: u32,
        counter: u64,
        ask_made_at: u64,
        crl: CrlDistributionPoints,
    ) -> Result<ExportBlob, TeeError> {
        let cpu_id = self.cpu_id();
        let state = self.vault.state();
        let serial = state.identity.derive("device certificate serial", &[]);
        let mut device_serial = [0; 8];
        device_serial.copy_from_slice(&serial[..8]);
        let content = ChainContent {
            ask,
            ask_made_at,
            challenge: AttestationChallenge {
                cpu_id: cpu_id.clone(),
                counter,
                uid: self.uid(uid),
                named_scheme: Some(self.profile.scheme),
            },
            crl,
            device_name: device_name(&cpu_id),
            device_serial,
            device_made_at: state.made_at,
        };
        let chain = certificate_chain(&self.private_key(&KeyPath::Attk)?, &content)?;
        Ok(ExportBlob { json: chain.encode().into_bytes(), signature: Vec::new() })
    }
}
