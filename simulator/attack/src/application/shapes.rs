//! Descriptions to begin with, for the usual shapes of applications.

/// The shape of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// JSON, and a token in a header.
    Session,
    /// Pages and forms, with a cookie.
    Cookie,
    /// Requests that are signed with the client's key.
    Signed,
    /// Payments that are processed after the answer.
    Async,
    /// Signatures that the application checks itself.
    Verifier,
}

impl Shape {
    /// All shapes. The first one is the usual one.
    pub const ALL: [Self; 5] = [Self::Session, Self::Cookie, Self::Signed, Self::Async, Self::Verifier];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Cookie => "cookie",
            Self::Signed => "signed",
            Self::Async => "async",
            Self::Verifier => "verifier",
        }
    }

    /// The shape with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| shape.name() == name)
    }

    /// One line: what such an application is like.
    pub fn summary(self) -> &'static str {
        match self {
            Self::Session => "JSON; a login gives a token, which later requests send",
            Self::Cookie => "pages and forms; a cookie is the session, and answers redirect",
            Self::Signed => "requests are signed: an HMAC or hash over sorted parameters, timestamp, nonce",
            Self::Async => "a result is answered with 202; the payment shows later, in a state and a balance",
            Self::Verifier => {
                "checks signatures itself, as the server of an Android app; phones upload their keys"
            }
        }
    }

    /// A commented description.
    pub fn description(self) -> &'static str {
        match self {
            Self::Session => include_str!("initial/session.toml"),
            Self::Cookie => include_str!("initial/cookie.toml"),
            Self::Signed => include_str!("initial/signed.toml"),
            Self::Async => include_str!("initial/async.toml"),
            Self::Verifier => include_str!("initial/verifier.toml"),
        }
    }
}
