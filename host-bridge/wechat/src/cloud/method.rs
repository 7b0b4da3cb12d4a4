//! The methods that cloud functions can call, and who may call them.

use std::collections::BTreeSet;

use crate::paths::WeChatPath;

macro_rules! methods {
    ($($variant:ident = $name:literal;)+) => {
        /// A method of `cloud.openapi` that is emulated. Each is a path of api.weixin.qq.com as well. WeChat's documentation
        /// lists which paths are such methods.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum CloudMethod {
            $(#[doc = concat!("`", $name, "`.")] $variant,)+
        }

        impl CloudMethod {
            /// Every method.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its name, as config.json lists it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The path that answers the same.
            pub(crate) fn path(self) -> WeChatPath {
                match self { $(Self::$variant => WeChatPath::$variant,)+ }
            }
        }
    };
}

methods! {
    PhoneNumber = "phonenumber.getPhoneNumber";
    VerifySignature = "soter.verifySignature";
}

impl CloudMethod {
    /// The method of this name, which `@cloudbase/node-sdk` may send with a slash before it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let name = name.strip_prefix('/').unwrap_or(name);
        Self::ALL.iter().copied().find(|method| method.name() == name)
    }
}

/// The methods that a cloud function may call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CloudPermissions {
    /// All of them. WeChat permits none that config.json does not name; this is for functions without a folder that is known.
    #[default]
    All,
    /// Those that config.json names in `permissions.openapi`.
    Listed(BTreeSet<String>),
}

impl CloudPermissions {
    pub(crate) fn permits(&self, method: CloudMethod) -> bool {
        match self {
            Self::All => true,
            Self::Listed(names) => names.contains(method.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Errcode;

    #[test]
    fn the_advice_about_an_unknown_call_names_every_method() {
        let advice = Errcode::CLOUD_CALL_UNKNOWN.verdict().detail;
        for method in CloudMethod::ALL {
            assert!(advice.english().contains(method.name()), "{}: {advice:?}", method.name());
        }
    }
}
