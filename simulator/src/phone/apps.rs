//! The apps on a phone.

use soter_bridge::protocol::device::App;

/// WeChat's package.
const WECHAT_PACKAGE: &str = "com.tencent.mm";
/// WeChat's Android uid. Modelled: a phone assigns uids from 10000 on as apps are installed.
pub(super) const WECHAT_UID: u32 = 10102;

/// The apps on a new phone: WeChat, and one for trying the trusted app's commands.
pub(super) fn new_apps() -> Vec<App> {
    [(WECHAT_PACKAGE, WECHAT_UID), ("com.example.soter.demo", 10115)]
        .map(|(package, uid)| App { package: package.to_owned(), uid })
        .to_vec()
}

/// The name of WeChat's AuthKey for a mini program and a user. Modelled.
pub(super) fn auth_key_name(appid: &str, openid: &str) -> String {
    format!("Wechat_{appid}_{openid}")
}

pub(super) fn wechat_uid(apps: &[App]) -> u32 {
    apps.iter().find(|app| app.package == WECHAT_PACKAGE).map_or(WECHAT_UID, |app| app.uid)
}
