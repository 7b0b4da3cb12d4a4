//! What users switch on at the servers, and what a backend then sees.

use super::*;
use crate::sessions::Expiry;
use crate::sessions::switches::{ClockChange, Failure, SwitchChanges};
use crate::user_info::UserData;

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
    let data = UserData::anonymous();
    let credentials = backend.wechat.credentials(DEFAULT_USER, DEFAULT_APPID, &data, true).await;
    assert_eq!(credentials, Ok(None), "the session is over, and none is begun");
    assert!(!backend.wechat.check_session(DEFAULT_USER, DEFAULT_APPID).await.unwrap());
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
    assert!(entries[0].verdict.as_ref().unwrap().detail.english().contains("switched on by a user"));

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
    for number in 0..10 {
        backend.fail(FAILURE).await;
        assert_errcode(&backend.ips(&token).await, 45009, "reach max api daily quota limit");
        let cleared = match number % 4 {
            0 => backend.post(&with_token, body.clone()).await,
            1 => backend.post("/cgi-bin/clear_quota/v2", with_secret.clone()).await,
            2 => {
                let form = format!("appid={DEFAULT_APPID}&appsecret={SECRET}");
                backend.send("POST", "/cgi-bin/clear_quota/v2", form).await
            }
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
    for switch in [
        SwitchChanges { silent: Some(true), ..SwitchChanges::default() },
        SwitchChanges { silent: Some(false), delay: Some(600_000), ..SwitchChanges::default() },
    ] {
        backend.switch(switch).await;
        for path in ["/cgi-bin/getcallbackip", "/wxa/not_emulated"] {
            let gives_up = tokio::time::timeout(Duration::from_millis(200), backend.get(path)).await;
            assert!(gives_up.is_err(), "there is an answer");
            let entries = backend.wechat.journal().after(0, 99);
            let last = entries.last().unwrap();
            assert_eq!((last.call.as_str(), last.answer.value()), (&*format!("GET {path}"), Value::Null));
            let verdict = last.verdict.as_ref().unwrap();
            assert_eq!(verdict.reason, Reason::NoAnswer);
            assert!(
                verdict.detail.english().starts_with("the client gave up after "),
                "{}",
                verdict.detail.english()
            );
        }
    }
}

#[tokio::test]
async fn a_call_that_waits_is_answered_as_soon_as_that_is_switched_off_and_only_so_many_wait() {
    let backend = Backend::new(ReplyStyle::Plain);
    let token = backend.token().await;
    backend.switch(SwitchChanges { silent: Some(true), ..SwitchChanges::default() }).await;
    let waiting = futures_util::future::join_all((0..MAX_WAITING).map(|_| backend.ips(&token)));
    tokio::pin!(waiting);
    assert!(tokio::time::timeout(Duration::from_millis(100), &mut waiting).await.is_err());
    let one_more = backend.ips(&token).await;
    assert_errcode(&one_more, -1, "system error");
    // What has changed meanwhile counts.
    let expiry = Expiry::Tokens { appid: DEFAULT_APPID.to_owned() };
    backend.wechat.expire(&expiry).await.unwrap();
    backend.switch(SwitchChanges { silent: Some(false), ..SwitchChanges::default() }).await;
    for answer in waiting.await {
        assert_errcode(&answer, 42001, "access_token expired");
    }
}

#[tokio::test]
async fn a_clock_that_goes_back_ends_what_would_live_too_long() {
    let backend = Backend::new(ReplyStyle::Plain);
    let move_clock = |clock| backend.switch(SwitchChanges { clock: Some(clock), ..SwitchChanges::default() });
    move_clock(ClockChange::Forward(86_400_000)).await;
    let token = backend.token().await;
    backend.wechat.login(DEFAULT_USER, DEFAULT_APPID).await.unwrap();
    move_clock(ClockChange::Ahead(86_400_000)).await;
    assert_eq!(backend.ips(&token).await.text, r#"{"ip_list":["127.0.0.1"]}"#);
    move_clock(ClockChange::Ahead(0)).await;
    assert_errcode(&backend.ips(&token).await, 40001, codes::backend_code(40001).unwrap().name);
    assert!(!backend.wechat.check_session(DEFAULT_USER, DEFAULT_APPID).await.unwrap());
    let stable = json!({"grant_type": "client_credential", "appid": DEFAULT_APPID, "secret": SECRET});
    assert_eq!(backend.post("/cgi-bin/stable_token", stable).await.json["expires_in"], 7200);
}

#[tokio::test]
async fn servers_that_begin_with_a_clock_ahead_have_it_after_a_reset_too() {
    let clock = SetClock::at(NOON);
    let options = WeChatOptions { clock_ahead: Some(7), ..WeChatOptions::default() };
    let wechat = with(options, EmbeddedLedger::in_memory(), &clock);
    wechat.begin().await.unwrap();
    let changes =
        SwitchChanges { clock: Some(ClockChange::Ahead(5)), silent: Some(true), ..SwitchChanges::default() };
    wechat.change_switches(changes).await.unwrap();
    wechat.reset(1).await.unwrap();
    let switches = wechat.switches().await.unwrap();
    assert_eq!((switches.clock_offset, switches.silent), (7, false));
}

#[tokio::test]
async fn nothing_secret_of_a_request_is_in_the_journal() {
    let backend = Backend::new(ReplyStyle::Plain);
    let token = backend.token().await;
    for path in [
        format!("/cgi-bin/getcallbackip?cloudbase_access_token={token}"),
        format!("/cgi-bin/component/api_component_token?component_access_token={token}&corpsecret={token}"),
        format!("/cgi-bin/anything?%7B%22secret%22:%22{token}%22%7D"),
        format!("/wxa/checksession?sig_method=hmac_sha256&signature={token}"),
    ] {
        backend.get(&path).await;
        backend.post("/wxa/resetusersessionkey", json!({"signature": token, "number": 1})).await;
    }
    for entry in backend.wechat.journal().after(0, 99) {
        let text = serde_json::to_string(&*entry).unwrap();
        assert!(!text.contains(&token), "{text}");
    }
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
    backend.wechat.login(DEFAULT_USER, DEFAULT_APPID).await.unwrap();
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
        (
            SwitchChanges {
                failure: Some(Some(Failure { path: Some(WeChatPath::Devices), ..FAILURE })),
                ..SwitchChanges::default()
            },
            "/sim/devices do not fail",
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
