//! Descriptions to begin with, for the usual shapes of applications.

use soter_text::Language;

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

    /// A commented description. What stands in it is the same in each language, apart from the comments.
    pub fn description_in(self, language: Language) -> &'static str {
        match language {
            Language::English => self.description(),
            Language::Chinese => match self {
                Self::Session => include_str!("initial/zh-CN/session.toml"),
                Self::Cookie => include_str!("initial/zh-CN/cookie.toml"),
                Self::Signed => include_str!("initial/zh-CN/signed.toml"),
                Self::Async => include_str!("initial/zh-CN/async.toml"),
                Self::Verifier => include_str!("initial/zh-CN/verifier.toml"),
            },
        }
    }

    /// A commented description, with comments in English.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines without their comments.
    fn settings(description: &str) -> Vec<&str> {
        let without_comment =
            |line| str::split_once(line, "# ").map_or(line, |(before, _)| before).trim_end();
        description.lines().map(without_comment).filter(|line| !matches!(*line, "" | "#")).collect()
    }

    #[test]
    fn the_descriptions_of_one_shape_differ_in_their_comments_alone() {
        for shape in Shape::ALL {
            let [english, chinese] = Language::ALL.map(|language| shape.description_in(language));
            assert_eq!(settings(english), settings(chinese), "{shape:?}");
            assert!(chinese.contains("你的应用"), "{shape:?}");
            // Settings that are commented out are the same.
            let has_words =
                |line: &&str| line.starts_with("# ") && !line.starts_with("# [") && !line.contains(" = ");
            let in_english: Vec<_> = english.lines().filter(has_words).collect();
            let untranslated: Vec<_> = chinese.lines().filter(|line| in_english.contains(line)).collect();
            assert_eq!(untranslated, [""; 0], "{shape:?}");
        }
    }
}
