//! Backends for the tests of this room, and what they do beyond HTTP.

use std::sync::Arc;

use super::test_phone::OPENID;
use super::*;

pub(super) const NOON: u64 = 1_700_000_000_000;

pub(super) fn with(options: WeChatOptions, ledger: Ledger, clock: &SetClock) -> WeChat {
    let (events, _) = broadcast::channel(16);
    WeChat::new(options, ledger, Arc::new(clock.clone()), Arc::new(Journal::new()), events)
}

pub(super) fn wechat() -> WeChat {
    with(WeChatOptions::default(), Ledger::in_memory(), &SetClock::at(NOON))
}

pub(super) fn with_replays_accepted() -> WeChat {
    let options = WeChatOptions { replays: Replays::Accept, ..WeChatOptions::default() };
    with(options, Ledger::in_memory(), &SetClock::at(NOON))
}

#[tokio::test]
async fn a_reset_forgets_devices_sessions_and_tokens_and_keeps_accounts() {
    let wechat = wechat();
    let mut phone = test_phone::TestPhone::new("trustonic");
    phone.upload(&wechat, OPENID).await;
    wechat.login(DEFAULT_USER, DEFAULT_APPID).unwrap();
    assert!(wechat.check_session(DEFAULT_USER, DEFAULT_APPID).unwrap());
    wechat.reset().await.unwrap();
    assert!(!wechat.check_session(DEFAULT_USER, DEFAULT_APPID).unwrap());
    assert!(wechat.ledger.read(|book| book.attk(&phone.cpu_id).is_none()));
    // The same phone may begin anew.
    phone.counter = 0;
    phone.upload(&wechat, OPENID).await;
    assert_eq!(wechat.openid(DEFAULT_USER, DEFAULT_APPID).unwrap(), OPENID);
}

#[test]
fn who_is_not_there_is_told_with_who_is() {
    let error = wechat().login("nobody", DEFAULT_APPID).unwrap_err();
    assert!(error.what.contains("nobody") && error.next.contains(DEFAULT_USER), "{error:?}");
    let error = wechat().login(DEFAULT_USER, "wx0").unwrap_err();
    assert!(error.next.contains(DEFAULT_APPID) && error.next.contains("--config"), "{error:?}");
}
