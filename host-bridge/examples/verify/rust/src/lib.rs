//! What the two recipes share: everything but the library that verifies. `Verifier` is the part that is for your server.

use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;

/// A public key, with the salt length of its signatures.
pub trait Verifier: Sized {
    /// Reads PEM; `None` if the key does not have 2048 bits and the exponent 65537.
    fn read(pem: &str, salt_length: u16) -> Option<Self>;
    /// Whether this key signed this text, with exactly this salt length.
    fn is_signed(&self, text: &[u8], signature: &[u8]) -> bool;
}

/// What your server keeps of an ASK that WeChat's `verify_ask` has confirmed, and of an AuthKey.
pub struct Key<V> {
    pub verifier: V,
    pub salt_length: u64,
    pub cpu_id: String,
    pub uid: String,
    pub counter: u64,
}

fn require(condition: bool, check: &'static str) -> Result<(), &'static str> {
    condition.then_some(()).ok_or(check)
}

/// The salt length that a text names. A value that is not a length stays one that no phone has.
fn salt_length(said: &Value) -> u64 {
    said.get("rsa_pss_saltlen").map_or(20, |length| length.as_u64().unwrap_or(0))
}

/// At upload. The error is the check that refuses.
pub fn accept_auth_key<V: Verifier>(
    ask: &Key<V>,
    text: &[u8],
    signature: &[u8],
) -> Result<Key<V>, &'static str> {
    require(ask.verifier.is_signed(text, signature), "auth-key-signature")?;
    // Huawei's exports have line feeds inside a string, which JSON does not allow.
    let text = String::from_utf8_lossy(text).replace('\n', "\\n");
    let export: Value = serde_json::from_str(&text).map_err(|_| "unreadable")?;
    let salt_length = salt_length(&export);
    let pem = export["pub_key"].as_str().unwrap_or_default();
    let salt = u16::try_from(salt_length).ok().filter(|length| [20, 32].contains(length));
    let verifier = salt.and_then(|salt| V::read(pem, salt)).ok_or("auth-key-strength")?;
    require(export["cpu_id"] == *ask.cpu_id && export["uid"] == *ask.uid, "auth-key-owner")?;
    let counter =
        export["counter"].as_u64().filter(|counter| *counter > ask.counter).ok_or("auth-key-counter")?;
    Ok(Key { verifier, salt_length, cpu_id: ask.cpu_id.clone(), uid: ask.uid.clone(), counter })
}

/// At each authentication. Returns the counter, now the highest of the device: compare and keep it in one atomic step. The error is
/// the check that refuses.
pub fn check_result<V: Verifier>(
    auth_key: &Key<V>,
    text: &[u8],
    signature: &[u8],
    challenge: &str,
    highest_counter: u64,
) -> Result<u64, &'static str> {
    // The bytes as they came, and the salt length of the key, not that of the message.
    require(auth_key.verifier.is_signed(text, signature), "result-signature")?;
    let result: Value = serde_json::from_slice(text).map_err(|_| "unreadable")?;
    require(salt_length(&result) == auth_key.salt_length, "result-salt")?;
    require(result["cpu_id"] == *auth_key.cpu_id && result["uid"] == *auth_key.uid, "result-owner")?;
    require(result["raw"] == *challenge, "challenge")?;
    result["counter"].as_u64().filter(|counter| *counter > highest_counter).ok_or("counter")
}

// ----- The cases of `soter-sim vectors DIR`.

/// The version of a library in Cargo.lock.
fn version(library: &str) -> &'static str {
    let rest = include_str!("../Cargo.lock").split_once(&format!("name = \"{library}\"\nversion = \""));
    rest.and_then(|(_, rest)| rest.split('"').next()).unwrap()
}

/// Judges all cases of the folder on the command line.
pub fn run<V: Verifier>(library: &str) -> ExitCode {
    let folder = std::env::args().nth(1).expect("a folder");
    let read = |name: &Value| std::fs::read(Path::new(&folder).join(name.as_str().unwrap())).unwrap();
    let judge = |case: &Value| {
        let ask = &case["ask"];
        require(ask["verified"] == true, "ask")?;
        let salt_length = ask["saltLength"].as_u64().unwrap();
        let pem = String::from_utf8(read(&ask["key"])).unwrap();
        let known = Key {
            verifier: V::read(&pem, u16::try_from(salt_length).unwrap()).unwrap(),
            salt_length,
            cpu_id: ask["cpuId"].as_str().unwrap().to_owned(),
            uid: ask["uid"].as_str().unwrap().to_owned(),
            counter: ask["counter"].as_u64().unwrap(),
        };
        let [auth_key, result] =
            [&case["authKey"], &case["result"]].map(|part| [read(&part["json"]), read(&part["signature"])]);
        let auth_key = accept_auth_key(&known, &auth_key[0], &auth_key[1])?;
        let challenge = case["challenge"].as_str().unwrap();
        check_result(&auth_key, &result[0], &result[1], challenge, case["highestCounter"].as_u64().unwrap())
    };
    println!("library: {library} {}", version(library));
    let manifest: Value = serde_json::from_slice(&read(&"manifest.json".into())).unwrap();
    let mut as_expected = true;
    for case in manifest["cases"].as_array().unwrap() {
        let check = judge(case).err();
        println!("{}: {}", case["name"].as_str().unwrap(), check.unwrap_or("accepted"));
        as_expected &= case["refusedBy"].as_str() == check;
    }
    if as_expected { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
