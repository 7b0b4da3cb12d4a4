//! Records the set, using only the command protocol, as any client can.

use serde_json::Value;
use soter_bridge::protocol::device::{self, Device};
use soter_bridge::protocol::keys::{self, Key, KeyKind};
use soter_bridge::protocol::sensor::TouchSensor;
use soter_bridge::protocol::soter::{self, Reply};
use soter_bridge::protocol::verify::VerifySignature;
use soter_bridge::protocol::wx::StartSoterAuthentication;
use soter_bridge::protocol::{Command, CommandError, Service, Touch, TouchScript};
use soter_text::{Text, text};
use soter_wire::{ExportBlob, SignatureScheme};

/// The app that sends the trusted app's commands itself, as an Android app does.
const DEMO_UID: u32 = 10115;
/// Its AuthKey.
const DEMO_KEY: &str = "demo";
/// WeChat's package on the phone.
const WECHAT_PACKAGE: &str = "com.tencent.mm";

/// The challenges to sign, each with a name for its files.
fn challenges() -> [(&'static str, String); 6] {
    [
        ("plain", "order-42".to_owned()),
        ("quotes", r#"say "yes" \ and / no"#.to_owned()),
        ("emoji", "支付 42 元 😀".to_owned()),
        ("controls", "line one\nline two\ttabbed\u{1}\u{7f}".to_owned()),
        ("separators", "a\u{2028}b\u{2029}c".to_owned()),
        ("longest", "0123456789".chars().cycle().take(511).collect()),
    ]
}

/// The files of the set, and which key verifies which of them.
#[derive(Debug)]
pub(super) struct VectorSet {
    /// The phone that signed.
    pub(super) phone: Device,
    /// The files, in a good order for reading.
    pub(super) files: Vec<VectorFile>,
    /// The signatures.
    pub(super) checks: Vec<Check>,
    /// The links of ASKs in the form of a certificate chain: each certificate and the next one, which signed it.
    pub(super) links: Vec<Link>,
}

/// One file.
#[derive(Debug)]
pub(super) struct VectorFile {
    pub(super) name: String,
    /// What it holds.
    pub(super) description: Text,
    pub(super) bytes: Vec<u8>,
}

/// One signature of one text.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) json: String,
    pub(super) signature: String,
    pub(super) signature_base64: String,
    pub(super) key: String,
    pub(super) scheme: SignatureScheme,
}

/// One certificate and its issuer.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) certificate: String,
    pub(super) issuer: String,
}

/// Makes keys and results on a new phone and collects them. `device` names the phone; `None` is the selected one.
/// Every signature has been verified when this returns.
///
/// # Errors
/// Those of [`Service::call`]. `Internal` if the phone refuses or a signature does not verify.
pub(super) async fn record<S: Service>(service: &S, device: Option<&str>) -> Result<VectorSet, CommandError> {
    let phone = service.request(device, device::Show {}).await?;
    let set = VectorSet { phone, files: Vec::new(), checks: Vec::new(), links: Vec::new() };
    let mut recorder = Recorder { service, device, set };
    recorder.record_native_app().await?;
    recorder.record_mini_program().await?;
    Ok(recorder.set)
}

struct Recorder<'a, S> {
    service: &'a S,
    device: Option<&'a str>,
    set: VectorSet,
}

impl<S: Service> Recorder<'_, S> {
    /// Records an Android app that uses the SDK: its own ASK and AuthKey, and results that are signed in sessions.
    async fn record_native_app(&mut self) -> Result<(), CommandError> {
        self.request_ok(soter::GenerateAppSecureKey { uid: DEMO_UID }).await?;
        let ask = self.request_export(soter::GetAppSecureKey { uid: DEMO_UID }).await?;
        self.request_ok(soter::GenerateAuthKey { uid: DEMO_UID, kname: DEMO_KEY.to_owned() }).await?;
        let auth_key =
            self.request_export(soter::GetAuthKey { uid: DEMO_UID, kname: DEMO_KEY.to_owned() }).await?;
        let keys = self.keys().await?;
        self.add_file(
            "attk.pem",
            text!("public key of the device, ATTK"),
            find_key(&keys, KeyKind::Attk)?.public_key.as_bytes(),
        );
        self.record_app_keys("app", &keys, &ask, &auth_key).await?;
        let finger = self.finger();
        for (name, challenge) in challenges() {
            let init = soter::InitSigh { uid: DEMO_UID, kname: DEMO_KEY.to_owned(), challenge };
            let session = self
                .request_ok(init)
                .await?
                .session
                .ok_or_else(|| CommandError::defect("initSigh answered no session"))?;
            self.service.request(self.device, TouchSensor { touch: finger }).await?;
            let result = self.request_export(soter::FinishSign { session }).await?;
            let name = format!("app_result_{name}");
            self.add_export_file(&name, text!("result as finishSign exports it"), &result);
            self.add_signed(&name, text!("result, the signed bytes"), &result, "app_auth_key.pem").await?;
        }
        Ok(())
    }

    /// Records a mini program: WeChat makes ASK and AuthKey, and the callback gets text and signature.
    async fn record_mini_program(&mut self) -> Result<(), CommandError> {
        let before = self.keys().await?;
        let mut callbacks = Vec::new();
        for (name, challenge) in challenges() {
            let mode = self
                .set
                .phone
                .biometrics
                .enrolments
                .first()
                .map_or("fingerPrint", |enrolment| enrolment.mode.name());
            let request = StartSoterAuthentication {
                request_auth_modes: Some(vec![mode.to_owned()]),
                challenge: Some(challenge),
                auth_content: None,
                appid: None,
                touch: Some(TouchScript(vec![self.finger()])),
            };
            let callback = self.service.request(self.device, request).await?;
            if callback.err_code != 0 {
                return Err(CommandError::defect(format!("the phone refused: {}", callback.err_msg)));
            }
            callbacks.push((name, callback));
        }
        let mut keys = self.keys().await?;
        keys.retain(|key| before.iter().all(|known| known.fingerprint != key.fingerprint));
        let uid = self
            .set
            .phone
            .apps
            .iter()
            .find(|app| app.package == WECHAT_PACKAGE)
            .map(|app| app.uid)
            .ok_or_else(|| CommandError::defect("WeChat is not on the phone"))?;
        let kname = find_key(&keys, KeyKind::AuthKey)?.name.clone().unwrap_or_default();
        let ask = self.request_export(soter::GetAppSecureKey { uid }).await?;
        let auth_key = self.request_export(soter::GetAuthKey { uid, kname }).await?;
        self.record_app_keys("wechat", &keys, &ask, &auth_key).await?;
        for (name, callback) in callbacks {
            let object = serde_json::to_vec(&callback)
                .map_err(|error| CommandError::defect(format!("the callback does not serialise: {error}")))?;
            let name = format!("wechat_result_{name}");
            self.add_file(
                &format!("{name}.callback.json"),
                text!("what the callback of wx.startSoterAuthentication gets"),
                &object,
            );
            let signature = decode_base64(&callback.result_json_signature)?;
            let result = ExportBlob { json: callback.result_json.into_bytes(), signature };
            self.add_signed(&name, text!("result, the signed bytes"), &result, "wechat_auth_key.pem").await?;
        }
        Ok(())
    }

    /// Adds the two keys of an app and their exports.
    async fn record_app_keys(
        &mut self,
        app: &str,
        keys: &[Key],
        ask: &ExportBlob,
        auth_key: &ExportBlob,
    ) -> Result<(), CommandError> {
        let ask_pem = format!("{app}_ask.pem");
        self.add_file(
            &ask_pem,
            text!("public key of the ASK"),
            find_key(keys, KeyKind::Ask)?.public_key.as_bytes(),
        );
        self.add_export_file(&format!("{app}_ask"), text!("ASK as getAppSecureKey exports it"), ask);
        if ask.signature.is_empty() {
            self.add_chain(app, ask)?;
        } else {
            self.add_signed(&format!("{app}_ask"), text!("ASK, the signed bytes"), ask, "attk.pem").await?;
        }
        let public_key = &find_key(keys, KeyKind::AuthKey)?.public_key;
        self.add_file(
            &format!("{app}_auth_key.pem"),
            text!("public key of the AuthKey"),
            public_key.as_bytes(),
        );
        self.add_export_file(&format!("{app}_auth_key"), text!("AuthKey as getAuthKey exports it"), auth_key);
        self.add_signed(&format!("{app}_auth_key"), text!("AuthKey, the signed bytes"), auth_key, &ask_pem)
            .await
    }

    /// Adds an ASK that is a certificate chain: the JSON, and each certificate.
    fn add_chain(&mut self, app: &str, ask: &ExportBlob) -> Result<(), CommandError> {
        self.add_file(&format!("{app}_ask.json"), text!("ASK as a certificate chain"), &ask.json);
        let chain: Value = serde_json::from_slice(&ask.json)
            .map_err(|error| CommandError::defect(format!("the chain does not read: {error}")))?;
        let certificates = chain.get("certs").and_then(Value::as_array).cloned().unwrap_or_default();
        let names: Vec<_> =
            (1..=certificates.len()).map(|number| format!("{app}_certificate_{number}.pem")).collect();
        for (certificate, name) in certificates.iter().zip(&names) {
            self.add_file(
                name,
                text!("certificate of the chain, the leaf first"),
                certificate.as_str().unwrap_or_default().as_bytes(),
            );
        }
        // The root certificate is self-signed.
        let issuers = names.iter().skip(1).chain(names.last());
        self.set.links.extend(
            names.iter().zip(issuers).map(|(certificate, issuer)| Link {
                certificate: certificate.clone(),
                issuer: issuer.clone(),
            }),
        );
        Ok(())
    }

    /// Adds a text and its signature, verified with a key that is one of the files.
    async fn add_signed(
        &mut self,
        name: &str,
        description: Text,
        blob: &ExportBlob,
        key: &str,
    ) -> Result<(), CommandError> {
        let json = String::from_utf8(blob.json.clone())
            .map_err(|_| CommandError::defect(format!("{name} is not UTF-8")))?;
        let base64 = soter_wire::base64::encode(&blob.signature);
        let public_key = self
            .set
            .files
            .iter()
            .find(|file| file.name == key)
            .map(|file| String::from_utf8_lossy(&file.bytes).into_owned())
            .unwrap_or_default();
        let check = VerifySignature { key: public_key, json, signature: base64.clone(), salt: None };
        let verdict = self.service.request(self.device, check).await?;
        let (true, Some(scheme)) = (verdict.valid, verdict.scheme) else {
            return Err(CommandError::defect(format!(
                "{name} does not verify: {}",
                verdict.detail.english()
            )));
        };
        let [json, signature, signature_base64] =
            ["json", "sig", "sig.b64"].map(|ending| format!("{name}.{ending}"));
        self.add_file(&json, description, &blob.json);
        self.add_file(&signature, text!("its signature, raw"), &blob.signature);
        self.add_file(&signature_base64, text!("its signature in Base64"), base64.as_bytes());
        self.set.checks.push(Check { json, signature, signature_base64, key: key.to_owned(), scheme });
        Ok(())
    }

    fn add_export_file(&mut self, name: &str, description: Text, blob: &ExportBlob) {
        self.add_file(&format!("{name}.export"), description, &blob.encode());
    }

    fn add_file(&mut self, name: &str, description: Text, bytes: &[u8]) {
        self.set.files.push(VectorFile { name: name.to_owned(), description, bytes: bytes.to_vec() });
    }

    fn finger(&self) -> Touch {
        Touch::Enrolled(self.set.phone.biometrics.enrolments.first().map_or(1, |enrolment| enrolment.number))
    }

    async fn keys(&self) -> Result<Vec<Key>, CommandError> {
        Ok(self.service.request(self.device, keys::List {}).await?.keys)
    }

    /// Sends a command to the trusted app that must succeed.
    async fn request_ok<C: Command<Response = Reply>>(&self, command: C) -> Result<Reply, CommandError> {
        let reply = self.service.request(self.device, command).await?;
        if reply.result_code == 0 {
            Ok(reply)
        } else {
            Err(CommandError::defect(format!("{} answered {}", C::METHOD, reply.result_code)))
        }
    }

    async fn request_export<C: Command<Response = Reply>>(
        &self,
        command: C,
    ) -> Result<ExportBlob, CommandError> {
        let base64 = self.request_ok(command).await?.export_data.unwrap_or_default();
        ExportBlob::decode(&decode_base64(&base64)?)
            .map_err(|error| CommandError::defect(format!("{} exported no blob: {error}", C::METHOD)))
    }
}

fn find_key(keys: &[Key], kind: KeyKind) -> Result<&Key, CommandError> {
    keys.iter()
        .find(|key| key.kind == kind)
        .ok_or_else(|| CommandError::defect(format!("there is no {kind:?} on the phone")))
}

fn decode_base64(base64: &str) -> Result<Vec<u8>, CommandError> {
    soter_wire::base64::decode(base64)
        .map_err(|error| CommandError::defect(format!("the phone's Base64 does not decode: {error}")))
}
