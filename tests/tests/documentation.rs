//! The examples of WeChat's documentation, value by value.

#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use aws_lc_rs::cipher::{AES_128, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use serde_json::{Value, json};
use soter_tests::{Backend, Server, try_rpc};
use soter_wechat::user_data_signature;
use soter_wire::{Profile, ResultFacts, ResultField, ResultJson, base64};

/// The example of 用户数据的签名验证和加解密: what is signed, with which key, and the signature.
const RAW_DATA: &str = r#"{"nickName":"Band","gender":1,"language":"zh_CN","city":"Guangzhou","province":"Guangdong","country":"CN","avatarUrl":"http://wx.qlogo.cn/mmopen/vi_32/1vZvI39NWFQ9XM4LtQpFrQJ1xlgZxx3w7bQxKARol6503Iuswjjn6nIGBiaycAjAtpujxyzYsrztuuICqIM5ibXQ/0"}"#;
const SESSION_KEY: &str = "HyVFkGl5F5OQWJZZaNzBBg==";
const SIGNATURE: &str = "75e81ceda165f4ffa64f4068af58c64b8f54b88c";

/// The user of that example, as the configuration file has them.
const BAND: &str = "
[[user]]
name = 'band'
nickname = 'Band'
gender = 1
language = 'zh_CN'
city = 'Guangzhou'
province = 'Guangdong'
country = 'CN'
avatarUrl = 'http://wx.qlogo.cn/mmopen/vi_32/1vZvI39NWFQ9XM4LtQpFrQJ1xlgZxx3w7bQxKARol6503Iuswjjn6nIGBiaycAjAtpujxyzYsrztuuICqIM5ibXQ/0'
";

/// Logs in, and returns the answer of `jscode2session`.
fn session(server: &Server) -> Value {
    let code = server.rpc("wx.login", &json!({}))["code"].as_str().unwrap().to_owned();
    let path = format!(
        "/sns/jscode2session?appid={}&secret={}&js_code={code}&grant_type=authorization_code",
        Backend::APPID,
        Backend::SECRET
    );
    serde_json::from_str(&server.http("GET", &path, "").1).unwrap()
}

/// What a backend decrypts.
fn decrypted(info: &Value, session_key: &str) -> Value {
    let bytes = |name: &str| base64::decode(info[name].as_str().unwrap()).unwrap();
    let key = UnboundCipherKey::new(&AES_128, &base64::decode(session_key).unwrap()).unwrap();
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).unwrap();
    let iv: [u8; 16] = bytes("iv").try_into().unwrap();
    let mut data = bytes("encryptedData");
    let text = key.decrypt(&mut data, DecryptionContext::Iv128(FixedLength::from(iv))).unwrap();
    serde_json::from_slice(text).unwrap()
}

#[test]
fn the_signature_of_the_user_data_is_the_documented_one() {
    assert_eq!(user_data_signature(RAW_DATA, SESSION_KEY), SIGNATURE);
}

#[test]
fn the_documented_user_has_the_documented_raw_data_signed_and_encrypted_with_the_key_of_the_login() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("accounts.toml");
    std::fs::write(&config, BAND).unwrap();
    let server = Server::ephemeral(&["--config", config.to_str().unwrap()]);
    server.rpc("device.set", &json!({"anonymousUser": false}));
    let session = session(&server);
    let key = session["session_key"].as_str().unwrap();
    let info = server.rpc("wx.getUserInfo", &json!({}));
    assert_eq!(info["rawData"], RAW_DATA);
    assert_eq!(info["userInfo"], serde_json::from_str::<Value>(RAW_DATA).unwrap());
    assert_eq!(info["signature"], user_data_signature(RAW_DATA, key));
    let user = decrypted(&info, key);
    // As documented: `openId`, the data, `unionId`, and a watermark with `appid` and `timestamp`.
    assert_eq!((&user["openId"], &user["unionId"]), (&session["openid"], &session["unionid"]));
    assert_eq!((&user["nickName"], &user["city"]), (&json!("Band"), &json!("Guangzhou")));
    assert_eq!(user["watermark"]["appid"], Backend::APPID);
    assert!(user["watermark"]["timestamp"].is_u64(), "{user}");
    // wx.getUserProfile: the encrypted data have neither openId nor unionId.
    let profile = server.rpc("wx.getUserProfile", &json!({"desc": "用于完善会员资料"}));
    assert_eq!((&profile["rawData"], &profile["signature"]), (&info["rawData"], &info["signature"]));
    let profile = decrypted(&profile, key);
    assert_eq!((profile.get("openId"), profile.get("unionId")), (None, None));
    assert_eq!(
        (&profile["nickName"], &profile["watermark"]["appid"]),
        (&json!("Band"), &json!(Backend::APPID))
    );
}

#[test]
fn the_documented_result_is_written_and_read() {
    const RESULT: &str = r#"{"raw":"msg","fid":"2","counter":123,"tee_n":"TEE Name","tee_v":"TEE Version","fp_n":"Fingerprint Sensor Name","fp_v":"Fingerprint Sensor Version","cpu_id":"CPU Id","uid":"21"}"#;
    let phone = Profile {
        result: &[
            ResultField::Raw,
            ResultField::Fid,
            ResultField::Counter,
            ResultField::Fixed { name: "tee_n", value: "TEE Name" },
            ResultField::Fixed { name: "tee_v", value: "TEE Version" },
            ResultField::Fixed { name: "fp_n", value: "Fingerprint Sensor Name" },
            ResultField::Fixed { name: "fp_v", value: "Fingerprint Sensor Version" },
            ResultField::CpuId,
            ResultField::Uid,
        ],
        ..*Profile::named("trustonic").unwrap()
    };
    let facts = ResultFacts { raw: "msg", fid: "2", counter: 123, cpu_id: "CPU Id", uid: "21" };
    assert_eq!(facts.encode(&phone), RESULT);
    let read = ResultJson::decode(RESULT.as_bytes()).unwrap();
    assert_eq!(
        (read.raw.as_str(), read.fid.as_deref(), read.counter, read.cpu_id.as_str(), read.uid.as_str()),
        ("msg", Some("2"), 123, "CPU Id", "21")
    );
}

#[test]
fn the_calls_of_the_documentation_have_the_documented_members() {
    let server = Server::ephemeral(&["--touch", "auto"]);
    let members = |answer: Value| answer.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let support = server.rpc("wx.checkIsSupportSoterAuthentication", &json!({}));
    assert_eq!(members(support), ["supportMode", "errMsg"]);
    let enrolled = server.rpc("wx.checkIsSoterEnrolledInDevice", &json!({"checkAuthMode": "fingerPrint"}));
    assert_eq!(members(enrolled), ["isEnrolled", "errMsg"]);
    // The documentation's own example of a call.
    let request =
        json!({"requestAuthModes": ["fingerPrint"], "challenge": "123456", "authContent": "请用指纹解锁"});
    let signed = server.rpc("wx.startSoterAuthentication", &request);
    assert_eq!((&signed["errCode"], &signed["authMode"]), (&json!(0), &json!("fingerPrint")));
    let five = ["errCode", "authMode", "resultJSON", "resultJSONSignature", "errMsg"];
    assert_eq!(members(signed), five);
    server.rpc("device.set", &json!({"failNext": 90008}));
    let cancelled = try_rpc(&server.url, "wx.startSoterAuthentication", &request).unwrap()["result"].take();
    assert_eq!(cancelled["errMsg"], "startSoterAuthentication:fail cancel");
    assert_eq!(members(cancelled), five);
}
