//! `wx.getUserInfo` and `wx.getUserProfile`: the user's data, signed and encrypted with the session's key.

use aws_lc_rs::cipher::{AES_128, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use aws_lc_rs::iv::FixedLength;
use serde_json::{Value, json};
use soter_text::text;
use soter_wire::base64;

use crate::error::WeChatError;
use crate::random::{random_bytes, random_text};

/// The maximum length of each text of a user's data, in characters.
const MAX_TEXT: usize = 512;
/// The avatar of anonymous data: a grey figure.
const ANONYMOUS_AVATAR: &str = "https://thirdwx.qlogo.cn/mmopen/vi_32/POgEwh4mIHO4nibH0KlMECNjjGxQUq24ZEaGT4poC6icRiccVGKSyXwibcPq4BWmiaIGuG1icwxaQX6grC9VemZoJ8rg/132";

/// A user's data as `wx.getUserInfo` gives them. In JSON, they are `userInfo` and, as text, `rawData`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserData {
    /// The name that others see.
    pub nick_name: String,
    /// 0 unknown, 1 male, 2 female.
    pub gender: u8,
    /// The language of the places: `en`, `zh_CN` or `zh_TW`.
    pub language: String,
    /// The city.
    pub city: String,
    /// The province.
    pub province: String,
    /// The country.
    pub country: String,
    /// The avatar's address.
    pub avatar_url: String,
}

impl UserData {
    /// What WeChat gives instead of the user's own data since 2021 (`wx.getUserInfo`) and 2022 (`wx.getUserProfile`).
    pub fn anonymous() -> Self {
        Self {
            nick_name: "微信用户".to_owned(),
            gender: 0,
            language: String::new(),
            city: String::new(),
            province: String::new(),
            country: String::new(),
            avatar_url: ANONYMOUS_AVATAR.to_owned(),
        }
    }

    /// The data as JSON text, byte for byte as it is signed.
    pub fn raw_data(&self) -> String {
        self.to_json().to_string()
    }

    /// The data as JSON.
    pub fn to_json(&self) -> Value {
        let Self { nick_name, gender, language, city, province, country, avatar_url } = self;
        json!({
            "nickName": nick_name, "gender": gender, "language": language, "city": city, "province": province,
            "country": country, "avatarUrl": avatar_url
        })
    }

    /// Checks that a user can have these data.
    ///
    /// # Errors
    /// [`WeChatError::UserData`] if the gender is not 0, 1 or 2, or a text is too long or has a control character.
    pub fn check(&self) -> Result<(), WeChatError> {
        let Self { nick_name, gender, language, city, province, country, avatar_url } = self;
        if *gender > 2 {
            return Err(WeChatError::UserData {
                what: text!("{gender} is not a gender", gender = gender),
                next: text!("0 is unknown, 1 male, 2 female"),
            });
        }
        for (name, text) in [
            ("nickName", nick_name),
            ("language", language),
            ("city", city),
            ("province", province),
            ("country", country),
            ("avatarUrl", avatar_url),
        ] {
            let length = text.chars().count();
            if length > MAX_TEXT || text.chars().any(char::is_control) {
                return Err(WeChatError::UserData {
                    what: text!(
                        "the {name} of a user has {length} characters, or one that is not printable",
                        name = name,
                        length = length
                    ),
                    next: text!("give at most {most} printable characters", most = MAX_TEXT),
                });
            }
        }
        Ok(())
    }
}

/// What identifies a user: only the encrypted data contain it.
pub(crate) struct Identity<'a> {
    pub(crate) openid: &'a str,
    pub(crate) unionid: Option<&'a str>,
}

/// What `wx.getUserInfo` gives in addition to the data if the user has logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Hex of SHA-1 over `rawData` and the session key.
    pub signature: String,
    /// AES-128-CBC with PKCS#7 padding over the data with `watermark`, and with `openId` and `unionId` if the call gives them;
    /// Base64.
    pub encrypted_data: String,
    /// The initialisation vector, Base64.
    pub iv: String,
    /// The id by which a cloud function could get the same data. Modelled: nothing takes it.
    pub cloud_id: String,
}

/// Signs and encrypts a user's data with a session key. `wx.getUserProfile` gives no identity.
pub(crate) fn credentials(
    data: &UserData,
    identity: Option<&Identity<'_>>,
    appid: &str,
    session_key: &str,
    unix_seconds: u64,
) -> Result<Credentials, WeChatError> {
    let mut private = serde_json::Map::new();
    if let Some(identity) = identity {
        private.insert("openId".to_owned(), json!(identity.openid));
    }
    if let Value::Object(public) = data.to_json() {
        private.extend(public);
    }
    if let Some(unionid) = identity.and_then(|identity| identity.unionid) {
        private.insert("unionId".to_owned(), json!(unionid));
    }
    private.insert("watermark".to_owned(), json!({"timestamp": unix_seconds, "appid": appid}));
    let iv = random_bytes::<16>();
    let encrypted = encrypt(Value::Object(private).to_string().as_bytes(), session_key, iv)?;
    Ok(Credentials {
        signature: user_data_signature(&data.raw_data(), session_key),
        encrypted_data: base64::encode(&encrypted),
        iv: base64::encode(&iv),
        cloud_id: format!("emulated_{}", random_text(48)),
    })
}

/// The `signature` of `wx.getUserInfo`: hex of SHA-1 over `rawData` and the session's key, which is the text that
/// `jscode2session` gives.
pub fn user_data_signature(raw_data: &str, session_key: &str) -> String {
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

    use super::*;

    const SESSION_KEY: &str = "HyVFkGl5F5OQWJZZaNzBBg==";

    fn decrypted(credentials: &Credentials) -> Value {
        let key = UnboundCipherKey::new(&AES_128, &base64::decode(SESSION_KEY).unwrap()).unwrap();
        let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).unwrap();
        let mut data = base64::decode(&credentials.encrypted_data).unwrap();
        let iv: [u8; 16] = base64::decode(&credentials.iv).unwrap().try_into().unwrap();
        let text = key.decrypt(&mut data, DecryptionContext::Iv128(FixedLength::from(iv))).unwrap();
        serde_json::from_slice(text).unwrap()
    }

    #[test]
    fn the_encrypted_data_contain_the_user_and_a_watermark() {
        let identity = Identity { openid: "o", unionid: Some("u") };
        let data = UserData { nick_name: "张三".to_owned(), ..UserData::anonymous() };
        let given = credentials(&data, Some(&identity), "wx", SESSION_KEY, 1_700_000_000).unwrap();
        let user = decrypted(&given);
        assert_eq!(
            (&user["openId"], &user["unionId"], &user["nickName"]),
            (&json!("o"), &json!("u"), &json!("张三"))
        );
        assert_eq!(user["watermark"], json!({"timestamp": 1_700_000_000, "appid": "wx"}));
        assert_eq!(given.signature, user_data_signature(&data.raw_data(), SESSION_KEY));
    }

    #[test]
    fn without_an_identity_the_encrypted_data_have_neither_openid_nor_unionid() {
        let given = credentials(&UserData::anonymous(), None, "wx", SESSION_KEY, 1).unwrap();
        let mut expected = UserData::anonymous().to_json();
        expected["watermark"] = json!({"timestamp": 1, "appid": "wx"});
        assert_eq!(decrypted(&given), expected);
    }

    #[test]
    fn data_that_no_user_has_are_refused() {
        let good = UserData::anonymous();
        assert_eq!(good.check(), Ok(()));
        for bad in [
            UserData { gender: 3, ..good.clone() },
            UserData { city: "x".repeat(513), ..good.clone() },
            UserData { nick_name: "a\nb".to_owned(), ..good.clone() },
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }
}
