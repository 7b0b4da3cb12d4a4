//! Operations of the servers that do not go through HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::accounts::{DEFAULT_APPID, DEFAULT_USER};
use crate::clock::Clock;
use crate::journal::Journal;
use crate::ledger::embedded::EmbeddedLedger;
use crate::servers::{WeChat, WeChatOptions};
use crate::test_phone::{OPENID, TestPhone};
use crate::test_servers::{NOON, wechat};

#[tokio::test]
async fn a_reset_forgets_devices_sessions_and_tokens_and_keeps_accounts() {
    let wechat = wechat();
    let mut phone = TestPhone::new("trustonic");
    phone.upload(&wechat, OPENID).await;
    wechat.login(DEFAULT_USER, DEFAULT_APPID).await.unwrap();
    assert!(wechat.check_session(DEFAULT_USER, DEFAULT_APPID).await.unwrap());
    wechat.reset(1).await.unwrap();
    assert!(!wechat.check_session(DEFAULT_USER, DEFAULT_APPID).await.unwrap());
    assert!(wechat.ledger.app_keys(&phone.cpu_id, "").await.unwrap().is_none());
    // The same phone can upload its keys again, with counters from the start.
    phone.counter = 0;
    phone.upload(&wechat, OPENID).await;
    assert_eq!(wechat.openid(DEFAULT_USER, DEFAULT_APPID).unwrap(), OPENID);
}

/// A calendar that somebody sets, next to a steady clock that stands still.
#[derive(Clone, Debug)]
struct SetCalendar(Arc<AtomicU64>);

impl Clock for SetCalendar {
    fn unix_millis(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn steady_millis(&self) -> u64 {
        0
    }
}

#[tokio::test]
async fn neither_tokens_nor_codes_nor_sessions_expire_when_the_calendar_is_set() {
    let calendar = SetCalendar(Arc::new(AtomicU64::new(NOON)));
    let wechat = WeChat::new(
        WeChatOptions::default(),
        EmbeddedLedger::in_memory(),
        Arc::new(calendar.clone()),
        Arc::new(Journal::new()),
        Arc::new(|_| {}),
    );
    let code = wechat.login(DEFAULT_USER, DEFAULT_APPID).await.unwrap();
    let token = wechat.sessions.plain_token(DEFAULT_APPID).await.unwrap().token;
    for time in [NOON + 366 * 86_400_000, 0, NOON] {
        calendar.0.store(time, Ordering::Relaxed);
        assert_eq!(wechat.now(), time);
        assert!(wechat.check_session(DEFAULT_USER, DEFAULT_APPID).await.unwrap());
        assert!(wechat.sessions.check_token(token.expose()).await.unwrap().1.is_ok());
    }
    calendar.0.store(NOON + 366 * 86_400_000, Ordering::Relaxed);
    assert!(wechat.sessions.exchange(DEFAULT_APPID, &code).await.unwrap().is_ok());
}

#[tokio::test]
async fn the_error_for_an_unknown_user_or_app_names_the_known_ones() {
    let error = wechat().login("nobody", DEFAULT_APPID).await.unwrap_err();
    assert!(
        error.to_string().contains("nobody") && error.next().unwrap().english().contains(DEFAULT_USER),
        "{error:?}"
    );
    let error = wechat().login(DEFAULT_USER, "wx0").await.unwrap_err();
    let next = error.next().unwrap();
    assert!(next.english().contains(DEFAULT_APPID) && next.english().contains("--config"), "{error:?}");
}
