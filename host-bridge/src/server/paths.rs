//! The server's own paths. WeChat's servers and the page have theirs.

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
    Health = "/health": "that the server runs, and its version; 503 if its ledger cannot be written";
    Journal = "/sim/journal": "every call with verdict and reason, in pages (`?after=` the `last` of the page before)";
    Reset = "/sim/reset": "new phones between tests, by POST";
}
