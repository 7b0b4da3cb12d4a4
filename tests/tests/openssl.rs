//! OpenSSL verifies what the phones sign: a second implementation that shares no code with this one.
#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use soter_tests::{Key, Program, State, openssl};
use soter_wire::{CertificateChain, ExportBlob, PROFILES, base64};
use tempfile::TempDir;

/// A phone family, its salt length, and another one.
const FAMILIES: [(&str, u16, u16); PROFILES.len()] = [
    ("trustonic", 20, 32),
    ("qsee", 20, 32),
    ("ios", 20, 32),
    ("ios-touch-id", 20, 32),
    ("itrustee", 32, 20),
];

struct Desk {
    state: State,
    profile: &'static str,
    files: TempDir,
}

impl Desk {
    fn new(profile: &'static str) -> Self {
        Self { state: State::new(), profile, files: TempDir::new().unwrap() }
    }

    fn run(&self, arguments: &[&str]) -> Value {
        self.state.program(arguments).arguments(["--profile", self.profile]).run().exits(0).json()
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.files.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn export(&self, arguments: &[&str]) -> ExportBlob {
        let reply = self.run(arguments);
        ExportBlob::decode(&base64::decode(reply["exportData"].as_str().unwrap()).unwrap()).unwrap()
    }

    /// The app's ASK and AuthKey, and its keys as listed.
    fn demo_app(&self) -> (ExportBlob, ExportBlob, Vec<Key>) {
        self.run(&["tee", "generateAppSecureKey", "10115"]);
        let ask = self.export(&["tee", "getAppSecureKey", "10115"]);
        self.run(&["tee", "generateAuthKey", "10115", "Wechat_demo"]);
        let auth_key = self.export(&["tee", "getAuthKey", "10115", "Wechat_demo"]);
        let keys = Key::read_all(&self.run(&["keys", "--json"]));
        (ask, auth_key, keys)
    }

    fn key_file(&self, keys: &[Key], kind: &str) -> PathBuf {
        self.file(&format!("{kind}.pem"), Key::only(keys, kind).pem.as_bytes())
    }

    /// Asserts that OpenSSL accepts a signature at this salt length only, and of these bytes only.
    fn assert_signed(&self, key: &Path, text: &[u8], signature: &[u8], salt: u16, other_salt: u16) {
        let text_file = self.file("text", text);
        let signature_file = self.file("signature", signature);
        assert!(openssl::verifies_pss(key, &text_file, &signature_file, salt), "{}", self.profile);
        assert!(!openssl::verifies_pss(key, &text_file, &signature_file, other_salt), "{}", self.profile);
        assert!(!openssl::verifies_pkcs1(key, &text_file, &signature_file), "{}", self.profile);
        let mut changed = text.to_vec();
        changed[10] ^= 1;
        let changed = self.file("changed", &changed);
        assert!(!openssl::verifies_pss(key, &changed, &signature_file, salt), "{}", self.profile);
    }
}

#[test]
fn verify_takes_a_key_in_every_form_that_openssl_writes() {
    if !openssl::is_available() {
        return;
    }
    let desk = Desk::new("trustonic");
    let callback = desk.run(&["auth", "--challenge", "order-42", "--touch", "1"]);
    let text = desk.file("result.json", callback["resultJSON"].as_str().unwrap().as_bytes());
    let signature = desk.file("signature", callback["resultJSONSignature"].as_str().unwrap().as_bytes());
    let key = desk.key_file(&Key::read_all(&desk.run(&["keys", "--json"])), "authkey");
    let key = key.to_str().unwrap();
    let path = |name: &str| desk.files.path().join(name).to_str().unwrap().to_owned();
    let (ca, ca_key) = (path("ca.pem"), path("ca.key"));
    let write = |name: &str, arguments: &[&str]| {
        let out = path(name);
        openssl::run(&[arguments, &["-out", &out]].concat());
        out
    };
    write(
        "ca.pem",
        &["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", &ca_key, "-subj", "/CN=test"],
    );
    let for_key = ["x509", "-new", "-force_pubkey", key, "-subj", "/CN=key", "-CA", &ca, "-CAkey", &ca_key];
    let certificate = write("certificate.pem", &for_key);
    let forms = [
        write("public.pem", &["pkey", "-pubin", "-in", key]),
        write("public.der", &["pkey", "-pubin", "-in", key, "-outform", "DER"]),
        write("public.b64", &["base64", "-in", &path("public.der")]),
        write("pkcs1.pem", &["rsa", "-pubin", "-in", key, "-RSAPublicKey_out"]),
        write("pkcs1.der", &["rsa", "-pubin", "-in", key, "-RSAPublicKey_out", "-outform", "DER"]),
        write("certificate.der", &["x509", "-in", &certificate, "-outform", "DER"]),
        certificate,
    ];
    for form in forms {
        let verify = Program::new(["verify", "--key", &form, "--json"]).arguments([&text]);
        let finished = verify.arguments(["--signature"]).arguments([&signature]).run().exits(0);
        assert!(finished.stdout.starts_with("valid: "), "{form}: {finished}");
    }
}

#[test]
fn openssl_accepts_the_results_of_every_family_at_its_salt_length() {
    if !openssl::is_available() {
        return;
    }
    for (profile, salt, other_salt) in FAMILIES {
        let desk = Desk::new(profile);
        let callback = desk.run(&["auth", "--challenge", "order \"42\" / 😀", "--touch", "1"]);
        let keys = Key::read_all(&desk.run(&["keys", "--json"]));
        let key = desk.key_file(&keys, "authkey");
        let signature = base64::decode(callback["resultJSONSignature"].as_str().unwrap()).unwrap();
        let text = callback["resultJSON"].as_str().unwrap();
        desk.assert_signed(&key, text.as_bytes(), &signature, salt, other_salt);
    }
}

#[test]
fn openssl_accepts_exported_auth_keys_with_the_ask_and_exported_asks_with_the_attk() {
    if !openssl::is_available() {
        return;
    }
    for (profile, salt, other_salt) in FAMILIES {
        let desk = Desk::new(profile);
        let (ask, auth_key, keys) = desk.demo_app();
        let ask_file = desk.key_file(&keys, "ask");
        desk.assert_signed(&ask_file, &auth_key.json, &auth_key.signature, salt, other_salt);
        if profile == "itrustee" {
            assert!(ask.signature.is_empty(), "a chain contains its own signatures");
        } else {
            let attk_file = desk.key_file(&keys, "attk");
            desk.assert_signed(&attk_file, &ask.json, &ask.signature, salt, other_salt);
        }
    }
}

#[test]
fn openssl_accepts_each_raw_signature_of_the_certificate_chain() {
    if !openssl::is_available() {
        return;
    }
    for malformed_crl in ["off", "on"] {
        assert_each_raw_signature_of_the_chain(malformed_crl);
    }
}

fn assert_each_raw_signature_of_the_chain(malformed_crl: &str) {
    let desk = Desk::new("itrustee");
    desk.run(&["device", "set", "malformedCrl", malformed_crl, "--json"]);
    let (ask, _, keys) = desk.demo_app();
    let chain = CertificateChain::decode(&ask.json).unwrap();
    let files: Vec<_> = chain
        .certificates
        .iter()
        .enumerate()
        .map(|(place, der)| desk.file(&format!("certificate-{place}.der"), der))
        .collect();
    assert_eq!(files.len(), 4);
    let public_key = |certificate: &Path| {
        openssl::run(&["x509", "-inform", "DER", "-in", certificate.to_str().unwrap(), "-noout", "-pubkey"])
    };
    for (place, certificate) in files.iter().enumerate() {
        // The root signs itself.
        let issuer = files.get(place + 1).unwrap_or(certificate);
        let key = desk.file("issuer.pem", &public_key(issuer));
        let (signed, signature) = (desk.files.path().join("tbs"), desk.files.path().join("raw-signature"));
        // A certificate is a sequence of what is signed, the algorithm, and the signature.
        let out = |offset: &str, file: &Path| {
            openssl::run(&[
                "asn1parse",
                "-inform",
                "DER",
                "-in",
                certificate.to_str().unwrap(),
                "-strparse",
                offset,
                "-noout",
                "-out",
                file.to_str().unwrap(),
            ]);
        };
        out("4", &signed);
        let listing = openssl::run(&["asn1parse", "-inform", "DER", "-in", certificate.to_str().unwrap()]);
        let listing = String::from_utf8(listing).unwrap();
        let last = listing.lines().rfind(|line| line.contains("BIT STRING")).unwrap();
        out(last.trim().split(':').next().unwrap(), &signature);
        assert!(openssl::verifies_pkcs1(&key, &signed, &signature), "certificate {place}");
    }
    assert_eq!(public_key(&files[0]), Key::only(&keys, "ask").pem.as_bytes());
    assert_eq!(public_key(&files[1]), Key::only(&keys, "attk").pem.as_bytes());
    let names =
        openssl::run(&["x509", "-inform", "DER", "-in", files[3].to_str().unwrap(), "-noout", "-subject"]);
    assert!(String::from_utf8_lossy(&names).contains("EMULATED"), "{}", String::from_utf8_lossy(&names));
    let leaf = openssl::run(&["asn1parse", "-inform", "DER", "-in", files[0].to_str().unwrap()]);
    let leaf = String::from_utf8(leaf).unwrap();
    // Of an extension: its name, and the content of its OCTET STRING.
    let value = |name: &str| {
        let (_, after) = leaf.split_once(&format!(":{name}\n"))?;
        Some(after.lines().next()?.rsplit_once("[HEX DUMP]:")?.1.to_owned())
    };
    assert_eq!(value("X509v3 Key Usage").as_deref(), Some("03020000"), "{leaf}");
    let malformed = (malformed_crl == "on").then_some("00");
    assert_eq!(value("X509v3 CRL Distribution Points").as_deref(), malformed, "{leaf}");
    let attestation = value("1.3.6.1.4.1.11129.2.1.17").unwrap();
    // Tencent's client takes the last brace of each kind in the whole extension.
    let bytes: Vec<_> = (0..attestation.len() / 2)
        .map(|at| u8::from_str_radix(&attestation[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    let last = |brace: u8| bytes.iter().rposition(|byte| *byte == brace).unwrap();
    let json: Value = serde_json::from_slice(&bytes[last(b'{')..=last(b'}')]).unwrap();
    assert_eq!((&json["uid"], &json["rsa_pss_saltlen"]), (&"10115".into(), &32.into()), "{json}");
}

#[test]
fn openssl_accepts_what_the_manifest_of_a_vector_set_says() {
    if !openssl::is_available() {
        return;
    }
    for (profile, ..) in FAMILIES {
        let folder = TempDir::new().unwrap();
        let set = folder.path().join("set");
        let _ = Program::new(["vectors", "--profile", profile, "--seed", "a set"])
            .arguments([&set])
            .run()
            .exits(0);
        let manifest: Value = serde_json::from_slice(&fs::read(set.join("manifest.json")).unwrap()).unwrap();
        let signatures = manifest["checks"].as_array().unwrap();
        assert!(signatures.len() >= 6, "{profile}: {}", signatures.len());
        for entry in signatures {
            let file = |member: &str| {
                set.join(entry[member].as_str().unwrap_or_else(|| panic!("{member}: {entry}")))
            };
            let salt = u16::try_from(entry["saltLength"].as_u64().unwrap()).unwrap();
            let (key, json, signature) = (file("key"), file("json"), file("signature"));
            assert!(openssl::verifies_pss(&key, &json, &signature, salt), "{profile}: {entry}");
            let _ = Program::new(["verify", "--salt", &salt.to_string(), "--key"])
                .arguments([key.as_os_str(), "--json".as_ref(), json.as_os_str()])
                .arguments(["--signature".as_ref(), signature.as_os_str()])
                .run()
                .exits(0);
        }
    }
}
