//! What users switch on at the servers, and what a backend then sees.

use super::*;
use crate::sessions::Expiry;
use crate::sessions::switches::{ClockChange, SwitchChanges};

const FAILURE: Failure = Failure { errcode: 45009, times: None, path: None };

impl Backend {
    async fn switch(&self, changes: SwitchChanges) {
        self.wechat.change_switches(changes).await.unwrap();
    }

    async fn fail(&self, failure: Failure) {
        self.switch(SwitchChanges { failure: Some(Some(failure)), ..SwitchChanges::default() }).await;
    }

    async fn ips(&self, token: &str) -> Answered {
        self.get(&format!("/cgi-bin/getcallbackip?access_token={token}")).await
    }
}

#[tokio::test]
async fn a_moved_clock_expires_codes_sessions_and_tokens() {
    let backend = Backend::new(ReplyStyle::Plain);
    let token = backend.token().await;
    let code = backend.wechat.login(DEFAULT_USER, DEFAULT_APPID).await.unwrap();
    let forward = |by: Duration| {
        let clock = Some(ClockChange::Forward(by.as_millis().try_into().unwrap()));
        backend.switch(SwitchChanges { clock, ..SwitchChanges::default() })
    };
    let exchange = format!(
        "/sns/jscode2session?grant_type=authorization_code&appid={DEFAULT_APPID}&secret={SECRET}&js_code={code}"
    );
    forward(Duration::from_mins(5)).await;
    assert_errcode(&backend.get(&exchange).await, 40029, "invalid code");
    assert!(backend.wechat.check_session(DEFAULT_USER, DEFAULT_APPID).await.unwrap());
    assert_eq!(backend.ips(&token).await.text, r#"{"ip_list":["127.0.0.1"]}"#);
    forward(Duration::from_mins(115)).await;
    assert_errcode(&backend.ips(&token).await, 42001, "access_token expired");
    forward(Duration::from_hours(70)).await;
    assert!(!backend.wechat.check_session(DEFAULT_USER, DEFAULT_APPID).await.unwrap());
    assert_eq!(backend.wechat.time().await.unwrap(), NOON + 72 * 3_600_000);
    let info = backend.wechat.user_info(DEFAULT_USER, DEFAULT_APPID).await;
    assert!(info.is_ok());
}

#[tokio::test]
async fn calls_fail_as_told_and_say_so_in_the_journal() {
    let backend = Backend::new(ReplyStyle::Plain);
    let token = backend.token().await;
    backend.fail(Failure { times: Some(2), ..FAILURE }).await;
    for _ in 0..2 {
        assert_errcode(&backend.ips(&token).await, 45009, "reach max api daily quota limit");
    }
    assert_eq!(backend.ips(&token).await.text, r#"{"ip_list":["127.0.0.1"]}"#);
    let entries = backend.wechat.journal().after(1, 1);
    assert!(entries[0].verdict.as_ref().unwrap().detail.contains("switched on by a user"));

    backend.fail(Failure { errcode: -1, path: Some(WeChatPath::VerifySignature), times: None }).await;
    assert_eq!(backend.ips(&token).await.text, r#"{"ip_list":["127.0.0.1"]}"#);
    for _ in 0..3 {
        assert_errcode(&backend.verify(json!({})).await, -1, "system error");
    }
    backend.switch(SwitchChanges { failure: Some(None), ..SwitchChanges::default() }).await;
    assert_errcode(&backend.verify(json!({})).await, 40003, "invalid openid");
}

#[tokio::test]
async fn a_quota_is_cleared_with_a_token_or_a_secret() {
    let backend = Backend::new(ReplyStyle::Plain);
    let token = backend.token().await;
    let with_token = format!("/cgi-bin/clear_quota?access_token={token}");
    let body = json!({"appid": DEFAULT_APPID});
    let with_secret = json!({"appid": DEFAULT_APPID, "appsecret": SECRET});
    // A failure of another path lets these calls through.
    let of_ips = Failure { path: Some(WeChatPath::CallbackIps), ..FAILURE };
    for number in 0..10 {
        backend.fail(of_ips).await;
        assert_errcode(&backend.ips(&token).await, 45009, "reach max api daily quota limit");
        let cleared = match number % 3 {
            0 => backend.post(&with_token, body.clone()).await,
            1 => backend.post("/cgi-bin/clear_quota/v2", with_secret.clone()).await,
            _ => {
                let query = format!("/cgi-bin/clear_quota/v2?appid={DEFAULT_APPID}&appsecret={SECRET}");
                backend.send("POST", &query, "").await
            }
        };
        assert_eq!(cleared.text, r#"{"errcode":0,"errmsg":"ok"}"#);
        assert_eq!(backend.ips(&token).await.text, r#"{"ip_list":["127.0.0.1"]}"#);
    }
    let once_more = backend.post(&with_token, body).await;
    assert_errcode(&once_more, 48006, "forbid to clear quota because of reaching the limit");
    assert_errcode(&backend.post(&with_token, json!({})).await, 41002, "appid missing");
    assert_errcode(&backend.post(&with_token, json!({"appid": "wx0"})).await, 40013, "invalid appid");
    let no_secret = backend.post("/cgi-bin/clear_quota/v2", json!({"appid": DEFAULT_APPID})).await;
    assert_errcode(&no_secret, 41004, "appsecret missing");
}

#[tokio::test]
async fn answers_come_late_or_not_at_all_as_told() {
    let backend = Backend::new(ReplyStyle::Plain);
    let token = backend.token().await;
    backend.switch(SwitchChanges { delay: Some(300), ..SwitchChanges::default() }).await;
    let start = tokio::time::Instant::now();
    assert_eq!(backend.ips(&token).await.text, r#"{"ip_list":["127.0.0.1"]}"#);
    assert!(start.elapsed() >= Duration::from_millis(300));
    backend.switch(SwitchChanges { silent: Some(true), ..SwitchChanges::default() }).await;
    let answer = tokio::time::timeout(Duration::from_millis(300), backend.ips(&token)).await;
    assert!(answer.is_err(), "there is an answer");
    let entries = backend.wechat.journal().after(0, 99);
    let last = entries.last().unwrap();
    assert_eq!((last.call.as_str(), last.answer.value()), ("GET /cgi-bin/getcallbackip", Value::Null));
    backend.switch(SwitchChanges { silent: Some(false), delay: Some(0), ..SwitchChanges::default() }).await;
    assert_eq!(backend.ips(&token).await.text, r#"{"ip_list":["127.0.0.1"]}"#);
}

#[tokio::test]
async fn tokens_codes_and_sessions_end_when_a_user_says_so() {
    let backend = Backend::new(ReplyStyle::Plain);
    let (appid, user) = (DEFAULT_APPID.to_owned(), DEFAULT_USER.to_owned());
    for (expiry, errcode) in [
        (Expiry::Tokens { appid: appid.clone() }, 42001),
        (Expiry::ReplacedTokens { appid: appid.clone() }, 40001),
    ] {
        let token = backend.token().await;
        assert_eq!(backend.wechat.expire(&expiry).await.unwrap(), 1);
        let name = codes::backend_code(errcode).unwrap().name;
        assert_errcode(&backend.ips(&token).await, errcode, name);
    }
    backend.wechat.login(DEFAULT_USER, DEFAULT_APPID).await.unwrap();
    let expiry = Expiry::Session { appid: appid.clone(), user: user.clone() };
    assert_eq!(backend.wechat.expire(&expiry).await.unwrap(), 1);
    assert!(!backend.wechat.check_session(DEFAULT_USER, DEFAULT_APPID).await.unwrap());
    let codes = Expiry::Codes { appid: appid.clone(), user };
    assert_eq!(backend.wechat.expire(&codes).await.unwrap(), 1);
    for expiry in
        [Expiry::Session { appid, user: "nobody".to_owned() }, Expiry::Tokens { appid: "wx0".to_owned() }]
    {
        assert!(backend.wechat.expire(&expiry).await.is_err());
    }
}

#[tokio::test]
async fn a_switch_that_makes_no_sense_is_refused_and_changes_nothing() {
    let backend = Backend::new(ReplyStyle::Plain);
    for (changes, expected) in [
        (
            SwitchChanges {
                failure: Some(Some(Failure { errcode: 0, ..FAILURE })),
                ..SwitchChanges::default()
            },
            "errcode 0",
        ),
        (
            SwitchChanges {
                failure: Some(Some(Failure { errcode: 7, ..FAILURE })),
                ..SwitchChanges::default()
            },
            "errcode 7",
        ),
        (SwitchChanges { delay: Some(600_001), ..SwitchChanges::default() }, "600000 ms"),
        (
            SwitchChanges {
                clock: Some(ClockChange::Ahead(u64::MAX)),
                silent: Some(true),
                ..SwitchChanges::default()
            },
            "3650 days",
        ),
    ] {
        let error = backend.wechat.change_switches(changes).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.next().is_some());
    }
    assert_eq!(*backend.wechat.switches().await.unwrap(), Switches::default());
}
