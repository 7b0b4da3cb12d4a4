//! Operations of the servers that do not go through HTTP.

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
    // The same phone can upload its keys again, with counters from the start.
    phone.counter = 0;
    phone.upload(&wechat, OPENID).await;
    assert_eq!(wechat.openid(DEFAULT_USER, DEFAULT_APPID).unwrap(), OPENID);
}

#[test]
fn the_error_for_an_unknown_user_or_app_names_the_known_ones() {
    let error = wechat().login("nobody", DEFAULT_APPID).unwrap_err();
    assert!(
        error.to_string().contains("nobody") && error.next().unwrap().contains(DEFAULT_USER),
        "{error:?}"
    );
    let error = wechat().login(DEFAULT_USER, "wx0").unwrap_err();
    let next = error.next().unwrap();
    assert!(next.contains(DEFAULT_APPID) && next.contains("--config"), "{error:?}");
}
