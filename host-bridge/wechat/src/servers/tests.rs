//! What the servers do beyond HTTP.

use crate::accounts::{DEFAULT_APPID, DEFAULT_USER};
use crate::test_phone::{OPENID, TestPhone};
use crate::test_servers::wechat;

#[tokio::test]
async fn a_reset_forgets_devices_sessions_and_tokens_and_keeps_accounts() {
    let wechat = wechat();
    let mut phone = TestPhone::new("trustonic");
    phone.upload(&wechat, OPENID).await;
    wechat.login(DEFAULT_USER, DEFAULT_APPID).unwrap();
    assert!(wechat.check_session(DEFAULT_USER, DEFAULT_APPID).unwrap());
    wechat.reset().await.unwrap();
    assert!(!wechat.check_session(DEFAULT_USER, DEFAULT_APPID).unwrap());
    assert!(wechat.ledger.read(|state| state.attk(&phone.cpu_id).is_none()));
    // The same phone may start again.
    phone.counter = 0;
    phone.upload(&wechat, OPENID).await;
    assert_eq!(wechat.openid(DEFAULT_USER, DEFAULT_APPID).unwrap(), OPENID);
}

#[test]
fn who_is_not_there_is_told_with_who_is() {
    let error = wechat().login("nobody", DEFAULT_APPID).unwrap_err();
    assert!(
        error.to_string().contains("nobody") && error.next().unwrap().contains(DEFAULT_USER),
        "{error:?}"
    );
    let error = wechat().login(DEFAULT_USER, "wx0").unwrap_err();
    let next = error.next().unwrap();
    assert!(next.contains(DEFAULT_APPID) && next.contains("--config"), "{error:?}");
}
