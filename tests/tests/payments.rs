//! `wx.requestPayment` from outside: signatures that OpenSSL makes, the configuration, and what journal and log say.
#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use soter_tests::{Program, Server, openssl};
use soter_wire::base64;
use tempfile::TempDir;

const APPID: &str = "wx0123456789abcdef";
const KEY: &str = "192006250b4c09247ec02edce69f6a2d";
const TIME: &str = "1414561699";
const NONCE: &str = "5K8264ILTKCH16CQ2502SI8ZNMTM67VS";
const PACKAGE: &str = "prepay_id=wx201410272009395522657a690389285100";

/// A merchant with an RSA key that OpenSSL has made.
struct Merchant {
    folder: TempDir,
}

impl Merchant {
    fn new() -> Self {
        let merchant = Self { folder: TempDir::new().unwrap() };
        openssl::run(&["genrsa", "-out", &merchant.path("private.pem"), "2048"]);
        merchant
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// A file with this text.
    fn file(&self, name: &str, text: &str) -> String {
        fs::write(self.folder.path().join(name), text).unwrap();
        self.path(name)
    }

    /// The configuration file.
    fn config(&self) -> String {
        let public = openssl::run(&["rsa", "-in", &self.path("private.pem"), "-pubout"]);
        let public = String::from_utf8(public).unwrap();
        let app = format!("[[app]]\nappid = '{APPID}'\nsecret = 'the-apps-secret'\n");
        let keys = format!("merchant_key = '{KEY}'\nmerchant_public_key = \"\"\"\n{public}\"\"\"\n");
        self.file("accounts.toml", &(app + &keys))
    }

    /// The hexadecimal digits that `openssl dgst` prints after the last space.
    fn digest(&self, options: &[&str], text: &str) -> String {
        let text = self.file("text", text);
        let printed = openssl::run(&[&["dgst"], options, &[&text]].concat());
        let printed = String::from_utf8(printed).unwrap();
        printed.trim().rsplit(' ').next().unwrap().to_uppercase()
    }

    fn pay_sign(&self, sign_type: &str) -> String {
        let query = query(sign_type);
        match sign_type {
            "MD5" => self.digest(&["-md5"], &query),
            "HMAC-SHA256" => self.digest(&["-sha256", "-hmac", KEY], &query),
            _ => {
                let text = self.file("text", &format!("{APPID}\n{TIME}\n{NONCE}\n{PACKAGE}\n"));
                base64::encode(&openssl::run(&["dgst", "-sha256", "-sign", &self.path("private.pem"), &text]))
            }
        }
    }
}

fn query(sign_type: &str) -> String {
    format!(
        "appId={APPID}&nonceStr={NONCE}&package={PACKAGE}&signType={sign_type}&timeStamp={TIME}&key={KEY}"
    )
}

fn payment(sign_type: &str, pay_sign: &str) -> Value {
    json!({
        "timeStamp": TIME, "nonceStr": NONCE, "package": PACKAGE, "signType": sign_type, "paySign": pay_sign,
        "touch": "1",
    })
}

#[test]
fn what_openssl_signs_is_accepted_and_what_differs_is_explained_in_the_journal_alone() {
    if !openssl::is_available() {
        return;
    }
    let merchant = Merchant::new();
    let server = Server::ephemeral(&["--config", &merchant.config(), "--log", "debug"]);
    for sign_type in ["MD5", "HMAC-SHA256", "RSA"] {
        let answer = server.rpc("wx.requestPayment", &payment(sign_type, &merchant.pay_sign(sign_type)));
        assert_eq!(answer, json!({"errMsg": "requestPayment:ok"}), "{sign_type}");
    }
    let wrong = merchant.digest(&["-md5"], &query("MD5").replace("appId", "appid"));
    let answer = server.rpc("wx.requestPayment", &payment("MD5", &wrong));
    assert_eq!(answer, json!({"errMsg": "requestPayment:fail payment signature verification failed"}));
    let refused = server.connected(&["pay", "wx2014", "--pay-sign", &wrong, "--touch", "1"]).exits(1);
    assert_eq!(refused.json(), answer);

    let (_, journal) = server.http("GET", "/sim/journal", "");
    let entries: Value = serde_json::from_str(&journal).unwrap();
    let reasons: Vec<_> = entries["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["call"] == "wx.requestPayment")
        .map(|entry| entry["judgement"]["reason"].as_str().unwrap())
        .collect();
    assert_eq!(reasons[..4], ["pay-sign-valid", "pay-sign-valid", "pay-sign-valid", "pay-sign-wrong"]);
    assert!(journal.contains("`appId` is named `appid`"), "{journal}");
    let finished = server.running.end_by_signal();
    assert!(finished.stderr.contains("`appId` is named `appid`"), "{finished}");
    for secret in [KEY, "the-apps-secret"] {
        assert!(!journal.contains(secret) && !finished.stderr.contains(secret), "{secret}");
    }
}

#[test]
fn a_merchants_key_that_is_none_is_refused_at_the_start_and_not_quoted() {
    let folder = TempDir::new().unwrap();
    let config: PathBuf = folder.path().join("accounts.toml");
    let refused = |member: &str, config: &Path| {
        fs::write(config, format!("[[app]]\nappid = '{APPID}'\nsecret = 's'\n{member}\n")).unwrap();
        Program::new(["serve", "--ephemeral", "--config", config.to_str().unwrap()]).run().refuses(2)
    };
    for member in ["merchant_key = 'two words'", "merchant_key = 20250718", "merchant_public_key = 'words'"] {
        let refused = refused(member, &config);
        let name = member.split(' ').next().unwrap();
        assert!(refused.stderr.contains(name) || refused.stderr.contains("line 4"), "{refused}");
        assert!(!refused.stderr.contains("words") && !refused.stderr.contains("20250718"), "{refused}");
    }
}

#[test]
fn a_payment_in_a_pipe_waits_for_its_touch() {
    let lines = "pay wx2014\ntouch wrong\ntouch 1\npay wx2014\ncancel\n";
    let finished = Program::new(["repl", "--json", "--ephemeral", "--no-bridge"]).input(lines).run().exits(0);
    let answers: Vec<_> = finished.stdout.lines().filter(|line| line.contains("requestPayment")).collect();
    assert_eq!(answers, [r#"{"errMsg":"requestPayment:ok"}"#, r#"{"errMsg":"requestPayment:fail cancel"}"#]);
    let nobody = Program::new(["pay", "wx2014", "--ephemeral"]).run().refuses(2);
    assert!(nobody.stderr.contains("nobody can touch"), "{nobody}");
}
