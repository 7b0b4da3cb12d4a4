//! The file that Node loads before a program, so that SDKs with a host built in reach the servers.
//!
//! Many of them ignore proxies. Those of WeChat's cloud before 2.4 do not, but a proxy would catch every other request of the
//! program as well.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Serialize;
use soter_bridge::protocol::CommandError;
use soter_text::{Text, text};
use soter_wechat::{API_HOSTS, CLOUD_HOSTS};

use crate::files::write_file;

const NODE_OPTIONS: &str = "NODE_OPTIONS";
const SCRIPT: &str = include_str!("preload/redirect.cjs");
const SCRIPT_NAME: &str = "redirect.cjs";
const ROUTES_NAME: &str = "redirect.json";
/// What SDKs ask to learn whether they run in Tencent's cloud. The servers refuse that, which means no.
const METADATA_HOST: &str = "metadata.tencentyun.com";
const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;

/// What the script reads.
#[derive(Serialize)]
struct Redirections<'a> {
    routes: &'a [Route<'a>],
}

/// Connections to these hosts and this port go elsewhere. A host that begins with `*.` stands for all names with its end.
#[derive(Serialize)]
struct Route<'a> {
    hosts: &'a [&'a str],
    port: u16,
    to: &'a Target<'a>,
}

#[derive(Serialize)]
struct Target<'a> {
    host: &'a str,
    port: u16,
}

/// The files.
#[derive(Debug)]
pub(super) struct Preload {
    script: PathBuf,
}

impl Preload {
    /// Writes the files into the folder of this absolute path, for servers at this address, a host with a port. With TLS, they
    /// are also reached by https.
    ///
    /// # Errors
    /// `Environment` if a file cannot be written.
    pub(super) fn write(folder: &Path, server: &str, has_tls: bool) -> Result<Self, CommandError> {
        let (host, port) = server.rsplit_once(':').unwrap_or((server, ""));
        let to = Target { host: host.trim_matches(['[', ']']), port: port.parse().unwrap_or(HTTP_PORT) };
        // A service in WeChat Cloud Run asks WeChat's API in the clear.
        let clear: Vec<_> = CLOUD_HOSTS.into_iter().chain([METADATA_HOST]).chain(API_HOSTS).collect();
        let clear = Route { hosts: &clear, port: HTTP_PORT, to: &to };
        let tls = Route { hosts: &API_HOSTS, port: HTTPS_PORT, to: &to };
        let routes = if has_tls { &[clear, tls][..] } else { &[clear] };
        let routes = serde_json::to_vec(&Redirections { routes })
            .map_err(|error| CommandError::defect(format!("the redirections do not serialise: {error}")))?;
        write_file(&folder.join(ROUTES_NAME), &routes)?;
        let script = folder.join(SCRIPT_NAME);
        write_file(&script, SCRIPT.as_bytes())?;
        Ok(Self { script })
    }

    /// The files, each with what it is for.
    pub(super) fn list() -> [(PathBuf, Text); 2] {
        [
            (SCRIPT_NAME.into(), text!("leads the connections of Node programs to the server")),
            (ROUTES_NAME.into(), text!("which connections these are")),
        ]
    }

    /// The variable that makes Node load the script, after what a person has told Node.
    pub(super) fn variable(&self) -> (&'static str, OsString) {
        (NODE_OPTIONS, self.options(env::var_os(NODE_OPTIONS)))
    }

    fn options(&self, present: Option<OsString>) -> OsString {
        let mut options = present.unwrap_or_default();
        if !options.is_empty() {
            options.push(" ");
        }
        options.push("--require ");
        options.push(quoted(&self.script));
        options
    }
}

/// A path as a part of `NODE_OPTIONS`: spaces separate, and between double quotes a backslash takes the next character as it is.
/// Node 10 knows no quotes, so that a path without spaces has none. A path that is not UTF-8 is left as it is.
fn quoted(path: &Path) -> OsString {
    match path.to_str() {
        Some(path) if path.contains([' ', '"']) => {
            format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\"")).into()
        }
        _ => path.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_spaces_is_quoted_and_backslashes_are_doubled_there_alone() {
        for (path, expected) in [
            ("/tmp/a/redirect.cjs", "/tmp/a/redirect.cjs"),
            (r"C:\Temp\redirect.cjs", r"C:\Temp\redirect.cjs"),
            (r"C:\Users\A B\redirect.cjs", r#""C:\\Users\\A B\\redirect.cjs""#),
            (r#"/tmp/a"b/redirect.cjs"#, r#""/tmp/a\"b/redirect.cjs""#),
        ] {
            assert_eq!(quoted(Path::new(path)), expected);
        }
    }

    #[test]
    fn what_node_has_been_told_is_kept() {
        let preload = Preload { script: "/tmp/redirect.cjs".into() };
        assert_eq!(preload.options(None), "--require /tmp/redirect.cjs");
        let both = preload.options(Some("--trace-warnings".into()));
        assert_eq!(both, "--trace-warnings --require /tmp/redirect.cjs");
    }

    #[test]
    fn connections_for_https_lead_to_the_servers_only_with_tls() {
        let folder = tempfile::tempdir().unwrap();
        for has_tls in [false, true] {
            Preload::write(folder.path(), "[::1]:8777", has_tls).unwrap();
            let routes = std::fs::read_to_string(folder.path().join(ROUTES_NAME)).unwrap();
            assert_eq!(routes.contains("443"), has_tls, "{routes}");
            assert!(routes.contains(CLOUD_HOSTS[0]), "{routes}");
            assert!(routes.contains(r#""to":{"host":"::1","port":8777}"#), "{routes}");
        }
    }
}
