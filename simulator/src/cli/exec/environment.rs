//! The environment of a command: where its servers are, and what a cloud function finds in WeChat's cloud.
//!
//! `wx-server-sdk` and `@cloudbase/node-sdk` take all of this from variables. It harms no other program, so that it is always
//! there. `TENCENTCLOUD_RUNENV` has the value with which DevTools debugs cloud functions on a developer's computer.

use std::env;
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;

use serde_json::json;
use soter_bridge::CertificateAuthority;
use soter_bridge::protocol::{CommandError, Service, device};
use soter_sim::Desk;
use soter_text::{text, tr};
use soter_wechat::{App, CLOUD_ENVIRONMENT, CLOUD_SOURCE, WeChat, WeChatPath};
use tempfile::TempDir;
use tracing::debug;

use crate::cli::preload::Preload;
use crate::cli::proxies;
use crate::cli::trust::TrustFiles;
use crate::front::Console;

/// What the SDKs send, and the servers do not look at. So what a person has set is kept. CI sets secrets that a build may not
/// see to nothing.
const FREE: [(&str, &str); 6] = [
    ("SCF_NAMESPACE", CLOUD_ENVIRONMENT),
    ("TCB_ENV", CLOUD_ENVIRONMENT),
    ("TCB_SOURCE", CLOUD_SOURCE),
    ("TENCENTCLOUD_REGION", "ap-shanghai"),
    ("TENCENTCLOUD_SECRETID", "emulated"),
    ("TENCENTCLOUD_SECRETKEY", "emulated"),
];

/// The one variable of a context that not every user has.
pub(super) const UNIONID: &str = "WX_UNIONID";

/// The variables, and the files that they name.
#[derive(Debug)]
pub(in crate::cli) struct Environment {
    variables: Vec<(&'static str, OsString)>,
    folder: Option<TempDir>,
}

/// The servers that a command asks.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct ServerInfo<'a> {
    pub(in crate::cli) wechat: &'a WeChat,
    pub(in crate::cli) url: &'a str,
    /// Where clients on this computer connect.
    pub(in crate::cli) address: SocketAddr,
    /// The authority of its TLS, if it has TLS.
    pub(in crate::cli) authority: Option<&'a CertificateAuthority>,
}

/// The user of a phone; `None`: of the selected one.
///
/// # Errors
/// Those of `device.show` for a phone that is named.
pub(super) async fn user_of_phone(
    desk: &Desk,
    phone: Option<&str>,
    console: &mut Console,
) -> Result<String, CommandError> {
    match desk.request(phone, device::Show {}).await {
        Ok(shown) => Ok(shown.user.name),
        // A command may not need it, and a phone that cannot be used says why itself.
        Err(error) if phone.is_none() => {
            console.remark(&tr!("{what}; a cloud function's user is the first one", what = error.what));
            Ok(desk.wechat().accounts().first_user().name.clone())
        }
        Err(error) => Err(error),
    }
}

impl Environment {
    /// The environment for a server's first mini program and a user.
    ///
    /// # Errors
    /// Those of WeChat's servers if they do not have the user. `Environment` if the servers have TLS and a file for it cannot be
    /// written.
    pub(in crate::cli) fn prepare(
        server: &ServerInfo<'_>,
        user: &str,
        console: &mut Console,
    ) -> Result<Self, CommandError> {
        let ServerInfo { wechat, url, address, authority } = *server;
        let app = wechat.accounts().first_app();
        let mut variables: Vec<(&str, OsString)> = vec![
            ("SOTER_SIM_URL", url.into()),
            ("SOTER_SIM_WS", format!("{}/ws", url.replacen("http://", "ws://", 1)).into()),
            ("SOTER_SIM_APPID", app.appid.clone().into()),
            ("SOTER_SIM_SECRET", app.secret.expose().into()),
        ];
        variables.extend(caller_context(wechat, user, app)?);
        let cloud = json!({"URL": format!("{url}{}", WeChatPath::CloudCalls.path())});
        variables.extend([
            ("TCB_CONTEXT_CNFG", cloud.to_string().into()),
            ("TENCENTCLOUD_RUNENV", "WX_LOCAL_SCF".into()),
        ]);
        let missing =
            FREE.into_iter().filter(|(name, _)| env::var_os(name).is_none_or(|value| value.is_empty()));
        variables.extend(missing.map(|(name, value)| (name, value.into())));
        if proxies::are_set() {
            variables.extend(proxies::exceptions());
        }
        let folder = match (private_folder(), authority) {
            (Ok(folder), authority) => {
                let server = address.to_string();
                if let Some(authority) = authority {
                    let trust = TrustFiles::write(folder.path(), authority.der())?;
                    trust.remarks.iter().for_each(|remark| console.remark(remark));
                    variables.extend(trust.variables(&server));
                }
                let preload = Preload::write(folder.path(), &server, authority.is_some())?;
                variables.push(preload.variable());
                Some(folder)
            }
            (Err(error), Some(_)) => {
                return Err(CommandError::environment(
                    text!("no temporary folder can be made: {error}", error = error),
                    text!("name another one in TMPDIR (TEMP on Windows), or free some space"),
                ));
            }
            (Err(error), None) => {
                console.remark(&tr!("no temporary folder can be made ({error}), so wx-server-sdk before 2.4 does not reach this server; TMPDIR can name a folder", error = error));
                None
            }
        };
        Ok(Self { variables, folder })
    }

    /// The variables to set.
    pub(in crate::cli) fn variables(&self) -> impl Iterator<Item = (&'static str, &OsString)> {
        self.variables.iter().map(|(name, value)| (*name, value))
    }

    /// Removes the files.
    pub(in crate::cli) fn remove(self) {
        if let Some(Err(error)) = self.folder.map(TempDir::close) {
            // The system's own cleaning removes it later.
            debug!(%error, "the temporary files are not removed");
        }
    }
}

/// What `cloud.getWXContext()` of a cloud function gives: the user who calls it, and the mini program.
///
/// # Errors
/// Those of WeChat's servers if they do not have the user.
pub(super) fn caller_context(
    wechat: &WeChat,
    user: &str,
    app: &App,
) -> Result<Vec<(&'static str, OsString)>, CommandError> {
    let mut context = vec![
        ("WX_OPENID", wechat.openid(user, &app.appid)?),
        ("WX_APPID", app.appid.clone()),
        ("WX_API_TOKEN", wechat.cloud_api_token(app).expose().to_owned()),
    ];
    context.extend(wechat.unionid(user, &app.appid)?.map(|unionid| (UNIONID, unionid)));
    let keys: Vec<_> = context.iter().map(|(name, _)| *name).collect();
    let keys = ("WX_CONTEXT_KEYS", keys.join(",").into());
    Ok(context.into_iter().map(|(name, value)| (name, value.into())).chain([keys]).collect())
}

/// A new folder for this user alone: a file there is run in the processes of the command.
fn private_folder() -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("soter-sim-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir()
}
