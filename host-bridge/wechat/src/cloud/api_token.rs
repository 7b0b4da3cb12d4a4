//! `WX_API_TOKEN`: with this token the platform vouches for the mini program of a cloud function.
//!
//! WeChat's token is opaque. This one names the app and proves that its maker knows the app's secret, which is what an access
//! token needs as well. So it works at every server that has the app, and nobody can call with it who could not call without.
//! It does not expire, as WeChat gives a function another one for each run.

use aws_lc_rs::hmac::{self, HMAC_SHA256};

use crate::accounts::{Accounts, App};
use crate::secret::Secret;
use crate::servers::WeChat;

const PREFIX: &str = "emulated_";
/// What is signed before the appid, so that the signature is of use for nothing else.
const CONTEXT: &str = "soter-sim WX_API_TOKEN ";

impl WeChat {
    /// `WX_API_TOKEN` for the cloud functions of a mini program.
    pub fn cloud_api_token(&self, app: &App) -> Secret {
        let key = hmac::Key::new(HMAC_SHA256, app.secret.expose().as_bytes());
        let proof = hmac::sign(&key, format!("{CONTEXT}{}", app.appid).as_bytes());
        format!("{PREFIX}{}_{}", app.appid, base16ct::lower::encode_string(proof.as_ref())).into()
    }

    /// The mini program for which a token vouches.
    pub(crate) fn app_of_cloud(&self, token: &str) -> Option<&App> {
        let (appid, _) = token.strip_prefix(PREFIX)?.rsplit_once('_')?;
        let accounts: &Accounts = self.accounts();
        accounts.app(appid).filter(|app| self.cloud_api_token(app).is(token))
    }
}

#[cfg(test)]
mod tests {
    use crate::test_servers::wechat;
    use crate::{App, DEFAULT_APPID};

    #[test]
    fn a_token_names_its_app_and_needs_the_apps_secret() {
        let wechat = wechat();
        let app = wechat.accounts().first_app();
        let token = wechat.cloud_api_token(app);
        assert_eq!(wechat.app_of_cloud(token.expose()).unwrap().appid, DEFAULT_APPID);
        assert!(!token.expose().contains(app.secret.expose()));
        let other_secret = wechat.cloud_api_token(&App::new(DEFAULT_APPID, "guess"));
        let other_app = wechat.cloud_api_token(&App::new("wx0000000000000000", app.secret.clone()));
        for wrong in [other_secret.expose(), other_app.expose(), "", "emulated_", &token.expose()[..80]] {
            assert!(wechat.app_of_cloud(wrong).is_none(), "{wrong}");
        }
    }
}
