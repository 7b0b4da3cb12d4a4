//! Every path of WeChat's servers: its text, its method, and its purpose.
//!
//! This is the only table of paths. The router does not compile without a handler for each of them; the guard of a
//! server, the advice for an unknown path, and README follow the table.

use soter_text::{Text, text};

/// The method that a path takes, and where its parameters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathMethod {
    /// GET, with all parameters in the query. The body is ignored.
    Get,
    /// GET with a query, or POST with a query, a form or both. The query takes precedence. WeChat documents GET alone; public
    /// programs in six languages use POST as well.
    GetOrForm,
    /// GET with a query, or POST with a JSON body.
    GetOrJson,
    /// POST, with a JSON body.
    Post,
    /// POST, with a query, a form or a JSON body.
    PostAny,
}

/// Whose path it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathOwner {
    /// The project's own.
    SoterSim,
    /// The hosts of api.weixin.qq.com.
    Api,
    /// The hosts of WeChat's cloud.
    Cloud,
}

/// Literals as a sentence lists them: `a, b and c`.
macro_rules! listed {
    ($last:literal) => { $last };
    ($one:literal, $last:literal) => { concat!($one, " and ", $last) };
    ($one:literal, $($more:literal),+) => { concat!($one, ", ", listed!($($more),+)) };
}

/// The table's paths have no leading slash. The order is that of lists for people: the project's own, those of
/// api.weixin.qq.com, and that of WeChat's cloud.
macro_rules! paths {
    (
        own { $($first:ident = $first_method:ident $first_path:literal: $first_purpose:literal;)* }
        wechats { $($real:ident = $real_method:ident $real_path:literal: $real_purpose:literal;)+ }
        clouds { $($cloud:ident = $cloud_method:ident $cloud_path:literal: $cloud_purpose:literal;)+ }
    ) => {
        paths! { @table
            $($first = SoterSim $first_method $first_path: $first_purpose;)*
            $($real = Api $real_method $real_path: $real_purpose;)+
            $($cloud = Cloud $cloud_method $cloud_path: $cloud_purpose;)+
        }

        /// What to do about 40066, the answer of the real servers to a path that they do not have.
        pub(crate) const INVALID_URL_ADVICE: &str =
            concat!("Check the path. Emulated are ", listed!($($real_path),+), ".");
    };
    (@table $($variant:ident = $owner:ident $method:ident $path:literal: $purpose:literal;)+) => {
        /// A path of WeChat's servers. Serialised, it is its text, from its first slash on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(into = "&'static str", try_from = "String")]
        pub enum WeChatPath {
            $(#[doc = concat!("`/", $path, "`: ", $purpose, ".")] $variant,)+
        }

        impl WeChatPath {
            /// Every path, in the order in which they are listed for people.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The path itself, from its first slash on.
            pub fn path(self) -> &'static str {
                match self { $(Self::$variant => concat!("/", $path),)+ }
            }

            /// The method that it takes.
            pub(crate) fn method(self) -> PathMethod {
                match self { $(Self::$variant => PathMethod::$method,)+ }
            }

            /// Whose it is.
            pub(crate) fn owner(self) -> PathOwner {
                match self { $(Self::$variant => PathOwner::$owner,)+ }
            }

            /// Its name in code, such as `VerifySignature`.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant),)+ }
            }

            /// What it is for: a few words for people, without a full stop.
            pub fn purpose(self) -> &'static str {
                match self { $(Self::$variant => $purpose,)+ }
            }
        }
    };
}

impl From<WeChatPath> for &'static str {
    fn from(path: WeChatPath) -> Self {
        path.path()
    }
}

/// A text is not a path of WeChat's servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text().english())]
pub struct UnknownPath;

impl UnknownPath {
    /// What happened, in one line.
    pub fn text(&self) -> Text {
        let paths: Vec<_> = WeChatPath::ALL.iter().map(|path| path.path()).collect();
        text!("not a path of WeChat's servers that is emulated; paths: {paths}", paths = paths.join(", "))
    }
}

impl TryFrom<String> for WeChatPath {
    type Error = UnknownPath;

    fn try_from(text: String) -> Result<Self, UnknownPath> {
        Self::ALL.iter().copied().find(|path| path.path() == text).ok_or(UnknownPath)
    }
}

paths! {
    own {
        Devices = Post "sim/devices": "takes the keys of an audit's phones";
    }
    wechats {
        Token = GetOrForm "cgi-bin/token": "access tokens, as WeChat gives them";
        StableToken = Post "cgi-bin/stable_token": "access tokens that stay the same until they expire";
        CodeToSession = GetOrForm "sns/jscode2session": "the user of a code from `wx.login`";
        CheckSession = GetOrJson "wxa/checksession": "whether the `session_key` of a user is still valid";
        ResetSessionKey = GetOrJson "wxa/resetusersessionkey": "another `session_key` for a user";
        PhoneNumber = Post "wxa/business/getuserphonenumber": "the phone number of a code from `wx.getPhoneNumber`";
        VerifySignature = Post "cgi-bin/soter/verify_signature": "whether a result is good: `is_ok`";
        IsSupport = Post "cgi-bin/soter_3rdapp/is_support": "whether a phone supports SOTER, for Android apps with Tencent's SDK";
        VerifyAsk = Post "cgi-bin/soter_3rdapp/verify_ask": "whether an ASK is a known phone's, for Android apps with Tencent's SDK";
        ClearQuota = Post "cgi-bin/clear_quota": "the end of quota errors (45009, 45011)";
        ClearQuotaBySecret = PostAny "cgi-bin/clear_quota/v2": "the same with `appsecret` instead of a token";
        CallbackIps = Get "cgi-bin/getcallbackip": "the addresses of WeChat's servers";
        ApiIps = Get "cgi-bin/get_api_domain_ip": "the addresses of api.weixin.qq.com";
    }
    clouds {
        CloudCalls = Post "admin": "calls of cloud functions: `wx-server-sdk` and `@cloudbase/node-sdk`";
    }
}

/// What the project's own paths begin with. The real servers have all others.
pub const OWN_PREFIX: &str = "/sim/";
/// What the paths of sessions begin with. Their answers are not declared as JSON.
pub(crate) const SESSION_PREFIX: &str = "/sns/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_for_an_unknown_path_names_the_paths_of_the_real_servers() {
        let paths = WeChatPath::ALL.iter().map(|path| &path.path()[1..]);
        let real: Vec<_> = paths.filter(|path| !path.starts_with("sim/") && *path != "admin").collect();
        let (last, others) = real.split_last().unwrap();
        assert_eq!(
            INVALID_URL_ADVICE,
            format!("Check the path. Emulated are {} and {last}.", others.join(", "))
        );
    }
}
