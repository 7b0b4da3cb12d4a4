//! The server's own paths. WeChat's servers and the page have theirs.

use soter_wechat::{OWN_PREFIX, WeChatPath, is_api_host, is_cloud_host};

use crate::page;

macro_rules! paths {
    ($($variant:ident = $path:literal: $purpose:literal;)+) => {
        /// A path that the server answers itself.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ServerPath {
            $(#[doc = concat!("`", $path, "`: ", $purpose, ".")] $variant,)+
        }

        impl ServerPath {
            /// Every path, in the order in which they are listed for people.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The path itself.
            pub fn path(self) -> &'static str {
                match self { $(Self::$variant => $path,)+ }
            }

            /// What it is for: a few words for people, without a full stop.
            pub fn purpose(self) -> &'static str {
                match self { $(Self::$variant => $purpose,)+ }
            }
        }
    };
}

paths! {
    WebSocket = "/ws": "JSON-RPC 2.0 on a connection that stays open, with events";
    Rpc = "/rpc": "JSON-RPC 2.0 by POST: every command of the phone; `rpc.discover` describes them (OpenRPC)";
    CaCertificate = "/sim/ca.pem": "the certificate of the CA that vouches for api.weixin.qq.com, with `--tls`";
    Health = "/health": "that the server runs, and its version; 503 if its ledger cannot be written";
    Journal = "/sim/journal": "every call with verdict and reason, in pages (`?after=` the `last` of the page before)";
    OpenApi = "/sim/openapi.json": "WeChat's paths as an OpenAPI document, for Postman, mock servers and generated clients";
    Reset = "/sim/reset": "new phones between tests, by POST";
}

/// Whether a path belongs to the real servers, emulated here or not: it is the one of WeChat's cloud, or it has two parts or
/// more, and does not begin as this server's own or as those that browsers ask for by themselves (RFC 8615).
pub(super) fn is_wechat_path(path: &str) -> bool {
    is_cloud_path(path) || is_api_path(path)
}

/// Whether a path belongs to the real servers, and the host with this name in lower case is one of them that has it.
pub(super) fn is_at_wechat_host(path: &str, name: &str) -> bool {
    if is_cloud_path(path) { is_cloud_host(name) } else { is_api_path(path) && is_api_host(name) }
}

fn is_cloud_path(path: &str) -> bool {
    path == WeChatPath::CloudCalls.path()
}

fn is_api_path(path: &str) -> bool {
    let is_below =
        |own: &ServerPath| path.strip_prefix(own.path()).is_some_and(|below| below.starts_with('/'));
    path.strip_prefix('/').is_some_and(|path| path.contains('/'))
        && !ServerPath::ALL.iter().any(is_below)
        && ![OWN_PREFIX, page::FOLDER, WELL_KNOWN].iter().any(|own| path.starts_with(own))
}

/// What browsers ask every server for.
pub(super) const WELL_KNOWN: &str = "/.well-known/";

#[cfg(test)]
mod tests {
    use soter_wechat::WeChatPath;

    use super::*;

    #[test]
    fn each_real_host_has_its_own_paths() {
        for (path, name, is_let_in) in [
            ("/cgi-bin/token", "api.weixin.qq.com", true),
            ("/cgi-bin/token", "tcb-open.tencentyun.com", false),
            ("/admin", "api.weixin.qq.com", false),
            ("/admin", "tcb-open.tencentcloudapi.com", true),
            ("/admin", "tcb-open.tencentyun.com", true),
            ("/admin", "ap-shanghai.tcb-api.tencentcloudapi.com", true),
            ("/admin", "env.internal.ap-shanghai.tcb-api.tencentcloudapi.com", true),
            ("/admin", "tcb-api.tencentcloudapi.com", false),
            ("/admin", ".tcb-api.tencentcloudapi.com", false),
            ("/admin", "eviltcb-api.tencentcloudapi.com", false),
            ("/admin", "a.tcb-open.tencentyun.com", false),
            ("/admin", "tcb-open.tencentyun.com.evil.test", false),
            ("/admin/x", "tcb-open.tencentyun.com", false),
            ("/health", "tcb-open.tencentyun.com", false),
        ] {
            assert_eq!(is_at_wechat_host(path, name), is_let_in, "{path} {name}");
        }
    }

    #[test]
    fn paths_are_the_servers_own_or_those_of_the_real_servers() {
        for path in ServerPath::ALL {
            assert!(!is_wechat_path(path.path()), "{}", path.path());
        }
        for path in WeChatPath::ALL.iter().map(|path| path.path()) {
            assert_ne!(is_wechat_path(path), path.starts_with(OWN_PREFIX), "{path}");
        }
        for path in ["/wxa/img_sec_check", "/cgi-bin/user/info", "/a/b", "/wxa/", "//cgi-bin/token"] {
            assert!(is_wechat_path(path), "{path}");
        }
        for path in [
            "/",
            "",
            "/healthz",
            "/wxa",
            "/administrator",
            "/ws/",
            "/rpc/x",
            "/sim/x",
            "/page/x.js",
            "/.well-known/x",
            "*",
        ] {
            assert!(!is_wechat_path(path), "{path}");
        }
    }
}
