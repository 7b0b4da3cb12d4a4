//! Tokens, sessions and phone numbers.

use aws_lc_rs::hmac;

use super::*;

const LOGIN: &str = "grant_type=authorization_code";
const TOKEN: &str = "grant_type=client_credential";

/// What backends send as `signature`: HMAC-SHA256 over the empty text.
fn signature(key: &[u8]) -> String {
    signature_over(b"", key)
}

fn signature_over(text: &[u8], key: &[u8]) -> String {
    base16ct::lower::encode_string(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref())
}

#[test]
fn the_documentations_signature_comes_from_the_base64_text_of_its_session_key() {
    let signature = signature_over(br#"{"foo":"bar"}"#, b"o0q0otL8aEzpcZL/FT9WsQ==");
    assert!(signature.starts_with("654571f7") && signature.ends_with("dbe432aa0b"), "{signature}");
}

impl Backend {
    /// Logs in, and returns the session's key.
    pub(super) async fn session_key(&self) -> String {
        let code = self.wechat.login(DEFAULT_USER, DEFAULT_APPID).await.unwrap();
        let credentials = format!("appid={DEFAULT_APPID}&secret={SECRET}");
        let path = format!("/sns/jscode2session?{LOGIN}&{credentials}&js_code={code}");
        self.get(&path).await.json["session_key"].as_str().unwrap().to_owned()
    }

    /// Calls a path of a session with these parameters, in the query or as JSON.
    async fn of_session(&self, path: &str, parameters: [(&str, &str); 3], as_json: bool) -> Answered {
        let token = self.token().await;
        let path = format!("{path}?access_token={token}");
        if as_json {
            let members = parameters.iter().map(|(name, text)| ((*name).to_owned(), json!(text)));
            return self.post(&path, Value::Object(members.collect())).await;
        }
        let query: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        self.get(&format!("{path}&{query}")).await
    }
}

#[tokio::test]
async fn tokens_and_sessions_are_given_by_get_and_post_from_the_query_or_a_form() {
    let backend = Backend::new(ReplyStyle::Plain);
    let credentials = format!("appid={DEFAULT_APPID}&secret={SECRET}");
    for (query, form) in [
        (format!("{TOKEN}&{credentials}"), String::new()),
        (String::new(), format!("{TOKEN}&{credentials}")),
        (TOKEN.to_owned(), credentials.clone()),
        (format!("{TOKEN}&{credentials}"), "appid=wx0&secret=another&grant_type=x".to_owned()),
        (TOKEN.to_owned(), format!("{credentials}&secret=the+first+one+counts")),
    ] {
        let answer = backend.send("POST", &format!("/cgi-bin/token?{query}"), form).await;
        let token = answer.json["access_token"].as_str().unwrap_or_else(|| panic!("{}", answer.text));
        assert!((150..=512).contains(&token.len()));
    }
    let code = backend.wechat.login(DEFAULT_USER, DEFAULT_APPID).await.unwrap();
    let form = format!("{LOGIN}&{credentials}&js_code={code}");
    assert_eq!(backend.send("POST", "/sns/jscode2session", form.clone()).await.json["openid"], OPENID);
    assert_errcode(&backend.send("POST", "/sns/jscode2session", form).await, 40163, "code been used");
    let large = "x".repeat(MAX_BODY_BYTES + 1);
    assert_errcode(&backend.send("POST", "/cgi-bin/token", large).await, 45002, "content size out of limit");
    assert_errcode(&backend.send("POST", "/sns/jscode2session", "").await, 41002, "appid missing");
}

#[tokio::test]
async fn a_body_that_is_no_form_is_named_as_the_cause_and_not_recorded() {
    let backend = Backend::new(ReplyStyle::Plain);
    let body = json!({"grant_type": "client_credential", "appid": DEFAULT_APPID, "secret": SECRET});
    assert_errcode(&backend.post("/cgi-bin/token", body.clone()).await, 40002, "invalid grant_type");
    assert_errcode(&backend.post("/sns/jscode2session", body).await, 41002, "appid missing");
    let multipart =
        format!("--x\r\nContent-Disposition: form-data; name=\"secret\"\r\n\r\n{SECRET}\r\n--x--");
    assert_errcode(&backend.send("POST", "/sns/jscode2session", multipart).await, 41002, "appid missing");
    for entry in backend.wechat.journal().after(0, 9) {
        let detail = &entry.verdict.as_ref().unwrap().detail;
        assert!(detail.english().contains("The body is not a form"), "{detail:?}");
        assert!(!serde_json::to_string(&*entry).unwrap().contains(SECRET));
    }
}

#[tokio::test]
async fn a_token_that_was_replaced_is_not_called_expired() {
    let backend = Backend::new(ReplyStyle::Plain);
    let invalid = codes::backend_code(40001).unwrap().name;
    let check =
        async |token: &str, name: &str| backend.get(&format!("/cgi-bin/getcallbackip?{name}={token}")).await;
    let (old, new) = (backend.token().await, backend.token().await);
    for name in ["access_token", "cloudbase_access_token"] {
        assert_eq!(check(&old, name).await.text, r#"{"ip_list":["127.0.0.1"]}"#);
    }
    backend.clock.advance(Duration::from_mins(5));
    let replaced = check(&old, "access_token").await;
    assert_errcode(&replaced, 40001, invalid);
    let entries = backend.wechat.journal().after(0, 9);
    assert!(
        entries.last().unwrap().verdict.as_ref().unwrap().detail.english().contains("has replaced this one")
    );
    backend.clock.advance(Duration::from_mins(115));
    assert_errcode(&check(&new, "access_token").await, 42001, "access_token expired");
    assert_errcode(&check(&old, "access_token").await, 40001, invalid);
}

#[tokio::test]
async fn a_session_key_is_checked_by_its_base64_text() {
    let backend = Backend::new(ReplyStyle::Plain);
    let key = backend.session_key().await;
    let good = signature(key.as_bytes());
    let method = ("sig_method", "hmac_sha256");
    for as_json in [false, true] {
        let check = |parameters| backend.of_session("/wxa/checksession", parameters, as_json);
        let answer = check([("openid", OPENID), ("signature", &good), method]).await;
        assert_eq!(answer.text, r#"{"errcode":0,"errmsg":"ok"}"#);
        let upper = good.to_ascii_uppercase();
        let decoded = signature(&base64::decode(&key).unwrap());
        for (wrong, why) in [
            (decoded.as_str(), "decoded session_key"),
            (upper.as_str(), "upper case"),
            ("00", "present session_key"),
            ("no hex", "present session_key"),
            ("", "no signature"),
        ] {
            let answer = check([("openid", OPENID), ("signature", wrong), method]).await;
            assert_errcode(&answer, 87009, "invalid signature");
            let entries = backend.wechat.journal().after(0, 99);
            let detail = &entries.last().unwrap().verdict.as_ref().unwrap().detail;
            assert!(detail.english().contains(why), "{wrong}: {detail:?}");
        }
        let answer = check([("openid", OPENID), ("signature", &good), ("sig_method", "sha1")]).await;
        assert_errcode(&answer, 87008, "invalid sig_method");
        let answer = check([("openid", "oNobody"), ("signature", &good), method]).await;
        assert_errcode(&answer, 40003, "invalid openid");
    }
    assert_errcode(&backend.get("/wxa/checksession").await, 41001, "access_token missing");
    backend.session_key().await;
    let answer =
        backend.of_session("/wxa/checksession", [("openid", OPENID), ("signature", &good), method], true);
    assert_errcode(&answer.await, 87009, "invalid signature");
}

#[tokio::test]
async fn a_session_key_is_replaced_and_the_old_one_is_dead() {
    let backend = Backend::new(ReplyStyle::Plain);
    let old = signature(backend.session_key().await.as_bytes());
    let parameters =
        |signature| [("openid", OPENID), ("signature", signature), ("sig_method", "hmac_sha256")];
    let reset = |signature| backend.of_session("/wxa/resetusersessionkey", parameters(signature), false);
    let answer = reset(&old).await.json;
    assert_eq!((&answer["errcode"], &answer["openid"]), (&json!(0), &json!(OPENID)));
    assert_errcode(&reset(&old).await, 87009, "invalid signature");
    let new = signature(answer["session_key"].as_str().unwrap().as_bytes());
    let check = |signature| backend.of_session("/wxa/checksession", parameters(signature), false);
    assert_eq!(check(&new).await.json["errcode"], 0);
    let written: Vec<_> =
        backend.wechat.journal().after(0, 99).iter().map(|entry| entry.answer.text().to_owned()).collect();
    assert!(!written.concat().contains(answer["session_key"].as_str().unwrap()));
}

#[tokio::test]
async fn a_phone_number_is_given_once_for_the_code_of_its_own_call() {
    let backend = Backend::new(ReplyStyle::Plain);
    let path = format!("/wxa/business/getuserphonenumber?access_token={}", backend.token().await);
    let code = backend.wechat.phone_code(DEFAULT_USER, DEFAULT_APPID).await.unwrap();
    let answer = backend.post(&path, json!({"code": code, "openid": OPENID})).await.json;
    assert_eq!(
        answer["phone_info"],
        json!({
            "phoneNumber": "13800138000", "purePhoneNumber": "13800138000", "countryCode": "86",
            "watermark": {"timestamp": NOON / 1000, "appid": DEFAULT_APPID},
        })
    );
    let login = backend.wechat.login(DEFAULT_USER, DEFAULT_APPID).await.unwrap();
    for (body, errcode, message, why) in [
        (json!({"code": code}), 40029, "invalid code", "used before"),
        (json!({"code": login}), 40029, "invalid code", "from wx.login"),
        (json!({"code": "guess"}), 40029, "invalid code", ""),
        (json!({}), 41008, "missing code", ""),
    ] {
        assert_errcode(&backend.post(&path, body).await, errcode, message);
        let entries = backend.wechat.journal().after(0, 99);
        assert!(entries.last().unwrap().verdict.as_ref().unwrap().detail.english().contains(why), "{why}");
    }
    let code = backend.wechat.phone_code(DEFAULT_USER, DEFAULT_APPID).await.unwrap();
    let other = json!({"code": code, "openid": "oAnother"});
    assert_errcode(&backend.post(&path, other).await, 40003, "invalid openid");
    let right = backend.post(&path, json!({"code": code, "openid": OPENID})).await;
    assert_eq!(right.json["errcode"], 0, "the wrong user has not used the code");
    let code = backend.wechat.phone_code(DEFAULT_USER, DEFAULT_APPID).await.unwrap();
    let exchange =
        format!("/sns/jscode2session?{LOGIN}&appid={DEFAULT_APPID}&secret={SECRET}&js_code={code}");
    assert_errcode(&backend.get(&exchange).await, 40029, "invalid code");
}
