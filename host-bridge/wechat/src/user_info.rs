//! `wx.getUserInfo`: the user's data, signed and encrypted with the session's key.

use aws_lc_rs::cipher::{AES_128, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use aws_lc_rs::iv::FixedLength;
use serde_json::json;
use soter_wire::base64;

use crate::error::WeChatError;
use crate::random::random_bytes;

/// What identifies a user: only the encrypted data contain it.
pub(crate) struct Identity<'a> {
    pub(crate) openid: &'a str,
    pub(crate) unionid: Option<&'a str>,
    pub(crate) appid: &'a str,
}

/// The user's data as `wx.getUserInfo` gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserInfo {
    /// The user's data as JSON text: what is signed.
    pub raw_data: String,
    /// Hex of SHA-1 over `raw_data` and the session key.
    pub signature: String,
    /// AES-128-CBC with PKCS#7 padding over the data with `openId`, `unionId` and `watermark`, Base64.
    pub encrypted_data: String,
    /// The initialisation vector, Base64.
    pub iv: String,
}

/// Signs and encrypts a user's data with a session key.
pub(crate) fn user_info(
    nickname: &str,
    identity: &Identity<'_>,
    session_key: &str,
    unix_seconds: u64,
) -> Result<UserInfo, WeChatError> {
    let public = json!({
        "nickName": nickname, "gender": 0, "language": "zh_CN", "city": "", "province": "", "country": "",
        "avatarUrl": ""
    });
    let raw_data = public.to_string();
    let mut private = json!({"openId": identity.openid});
    if let (Some(private), Some(public)) = (private.as_object_mut(), public.as_object()) {
        private.extend(public.clone());
        private.extend(identity.unionid.map(|unionid| ("unionId".to_owned(), json!(unionid))));
        private.insert("watermark".to_owned(), json!({"timestamp": unix_seconds, "appid": identity.appid}));
    }
    let iv = random_bytes::<16>();
    let encrypted = encrypt(private.to_string().as_bytes(), session_key, iv)?;
    Ok(UserInfo {
        signature: signature(&raw_data, session_key),
        raw_data,
        encrypted_data: base64::encode(&encrypted),
        iv: base64::encode(&iv),
    })
}

/// `hex(sha1(rawData + session_key))`.
fn signature(raw_data: &str, session_key: &str) -> String {
    let signed = format!("{raw_data}{session_key}");
    base16ct::lower::encode_string(digest(&SHA1_FOR_LEGACY_USE_ONLY, signed.as_bytes()).as_ref())
}

fn encrypt(text: &[u8], session_key: &str, iv: [u8; 16]) -> Result<Vec<u8>, WeChatError> {
    let fail = |what: &str| WeChatError::Encryption(what.to_owned());
    let key = base64::decode(session_key).map_err(|error| fail(&error.to_string()))?;
    let key = UnboundCipherKey::new(&AES_128, &key).map_err(|error| fail(&error.to_string()))?;
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).map_err(|error| fail(&error.to_string()))?;
    let mut data = text.to_vec();
    key.less_safe_encrypt(&mut data, EncryptionContext::Iv128(FixedLength::from(iv)))
        .map_err(|error| fail(&error.to_string()))?;
    Ok(data)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::cipher::{DecryptionContext, PaddedBlockDecryptingKey};
    use serde_json::Value;

    use super::*;

    const SESSION_KEY: &str = "HyVFkGl5F5OQWJZZaNzBBg==";

    #[test]
    fn the_documentations_example_gets_the_documented_signature() {
        let raw_data = r#"{"nickName":"Band","gender":1,"language":"zh_CN","city":"Guangzhou","province":"Guangdong","country":"CN","avatarUrl":"http://wx.qlogo.cn/mmopen/vi_32/1vZvI39NWFQ9XM4LtQpFrQJ1xlgZxx3w7bQxKARol6503Iuswjjn6nIGBiaycAjAtpujxyzYsrztuuICqIM5ibXQ/0"}"#;
        assert_eq!(signature(raw_data, SESSION_KEY), "75e81ceda165f4ffa64f4068af58c64b8f54b88c");
    }

    #[test]
    fn the_encrypted_data_contain_the_user_and_a_watermark() {
        let identity = Identity { openid: "o", unionid: Some("u"), appid: "wx" };
        let info = user_info("张三", &identity, SESSION_KEY, 1_700_000_000).unwrap();
        let key = UnboundCipherKey::new(&AES_128, &base64::decode(SESSION_KEY).unwrap()).unwrap();
        let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).unwrap();
        let mut data = base64::decode(&info.encrypted_data).unwrap();
        let iv: [u8; 16] = base64::decode(&info.iv).unwrap().try_into().unwrap();
        let text = key.decrypt(&mut data, DecryptionContext::Iv128(FixedLength::from(iv))).unwrap();
        let user: Value = serde_json::from_slice(text).unwrap();
        assert_eq!(
            (&user["openId"], &user["unionId"], &user["nickName"]),
            (&json!("o"), &json!("u"), &json!("张三"))
        );
        assert_eq!(user["watermark"], json!({"timestamp": 1_700_000_000, "appid": "wx"}));
        assert_eq!(info.signature, signature(&info.raw_data, SESSION_KEY));
    }
}
