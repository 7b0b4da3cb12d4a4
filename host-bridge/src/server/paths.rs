//! The server's own paths. WeChat's servers and the page have theirs.

use soter_wechat::OWN_PREFIX;

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
    CaCertificate = "/sim/ca.pem": "the certificate of the CA for https://api.weixin.qq.com, with `--tls`";
    Health = "/health": "that the server runs, and its version; 503 if its ledger cannot be written";
    Journal = "/sim/journal": "every call with verdict and reason, in pages (`?after=` the `last` of the page before)";
    Reset = "/sim/reset": "new phones between tests, by POST";
}

/// Whether a path belongs to the real servers, emulated here or not: it has two parts or more, and does not begin as this
/// server's own or as those that browsers ask for by themselves (RFC 8615).
pub(super) fn is_wechat_path(path: &str) -> bool {
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
        for path in
            ["/", "", "/healthz", "/wxa", "/ws/", "/rpc/x", "/sim/x", "/page/x.js", "/.well-known/x", "*"]
        {
            assert!(!is_wechat_path(path), "{path}");
        }
    }
}
