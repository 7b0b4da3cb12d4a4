//! A phone for tests of WeChat's servers: keys and signatures by aws-lc, formats by soter-wire.

use std::sync::LazyLock;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaPssSaltLength, RsaSignatureEncoding,
};
use soter_wire::{KeyFacts, Profile, PublicKey, ResultFacts, SaltLength, SignatureScheme, base64};

use crate::accounts::DEFAULT_APPID;
use crate::servers::WeChat;

/// Keys cost tens of milliseconds each, so tests share them.
static KEYS: LazyLock<Vec<KeyPair>> =
    LazyLock::new(|| (0..6).map(|_| KeyPair::generate(KeySize::Rsa2048).unwrap()).collect());

/// The default user in the default mini program.
pub(crate) const OPENID: &str = "oEmulatedUser000000000000001";

/// One phone with one user.
#[derive(Clone, Debug)]
pub(crate) struct TestPhone {
    pub(crate) cpu_id: String,
    pub(crate) uid: String,
    pub(crate) counter: u64,
    pub(crate) profile: &'static Profile,
    /// Indices of the shared keys.
    pub(crate) attk: usize,
    pub(crate) ask: usize,
    pub(crate) auth_key: usize,
}

pub(crate) fn public(key: usize) -> PublicKey {
    let spki: PublicKeyX509Der<'_> = KEYS[key].public_key().as_der().unwrap();
    PublicKey::from_spki_der(spki.as_ref()).unwrap()
}

fn sign_as(key: usize, text: &str, encoding: &'static dyn RsaEncoding) -> Vec<u8> {
    let mut signature = vec![0; 256];
    KEYS[key].sign(encoding, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    signature
}

pub(crate) fn sign(key: usize, text: &str, scheme: SignatureScheme) -> Vec<u8> {
    /// By salt length.
    static PSS: LazyLock<Vec<RsaSignatureEncoding>> = LazyLock::new(|| {
        let encoding = |length| RSA_PSS_SHA256.with_pss_salt_length(RsaPssSaltLength::Custom(length));
        (0..=SaltLength::MAX.get()).map(encoding).collect()
    });
    let SignatureScheme::RsaPss { salt_length } = scheme;
    sign_as(key, text, &PSS[usize::from(salt_length.get())])
}

pub(crate) fn pss(salt_length: u16) -> SignatureScheme {
    SignatureScheme::rsa_pss(salt_length).unwrap()
}

pub(crate) fn sign_pkcs1(key: usize, text: &str) -> Vec<u8> {
    sign_as(key, text, &RSA_PKCS1_SHA256)
}

impl TestPhone {
    pub(crate) fn new(profile: &str) -> Self {
        Self {
            cpu_id: "0123456789abcdef0123456789abcdef01234567".to_owned(),
            uid: "10102".to_owned(),
            counter: 0,
            profile: Profile::named(profile).unwrap(),
            attk: 0,
            ask: 1,
            auth_key: 2,
        }
    }

    fn next_counter(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    fn export(&mut self, exported: usize, signer: usize) -> (String, Vec<u8>) {
        let counter = self.next_counter();
        let (cpu_id, uid) = (&self.cpu_id, &self.uid);
        let json = KeyFacts { public_key: &public(exported), cpu_id, counter, uid }.encode(self.profile);
        let signature = sign(signer, &json, self.profile.scheme);
        (json, signature)
    }

    pub(crate) fn export_ask(&mut self) -> (String, Vec<u8>) {
        self.export(self.ask, self.attk)
    }

    pub(crate) fn export_auth_key(&mut self) -> (String, Vec<u8>) {
        self.export(self.auth_key, self.ask)
    }

    /// Registers the device and uploads its keys for a user.
    pub(crate) async fn upload(&mut self, wechat: &WeChat, openid: &str) {
        wechat.register_device(&self.cpu_id, &public(self.attk)).await.unwrap();
        let (json, signature) = self.export_ask();
        wechat.upload_ask(json.as_bytes(), &signature).await.unwrap();
        let (json, signature) = self.export_auth_key();
        wechat.upload_auth_key(json.as_bytes(), &signature, DEFAULT_APPID, openid).await.unwrap();
    }

    /// A result's text, with the next counter.
    pub(crate) fn result(&mut self) -> String {
        let counter = self.next_counter();
        self.result_at(counter)
    }

    pub(crate) fn result_at(&self, counter: u64) -> String {
        let (cpu_id, uid) = (&self.cpu_id, &self.uid);
        ResultFacts { raw: "order/42", fid: "2313170", counter, cpu_id, uid }.encode(self.profile)
    }

    /// The AuthKey's signature over a text, in Base64.
    pub(crate) fn signature(&self, text: &str) -> String {
        base64::encode(&sign(self.auth_key, text, self.profile.scheme))
    }
}
