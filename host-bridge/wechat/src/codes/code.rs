//! One code: its number, where it occurs, and what it means.

use std::fmt;

use soter_text::Text;

/// One number in one place, explained.
///
/// Where a number comes with several texts, as 90007 does, each text has an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The number.
    pub code: i32,
    /// What it is called there: the SDK's constant, the text in `errMsg` or `errmsg`, or a few words if it has none.
    pub name: &'static str,
    /// Where it occurs.
    pub source: CodeSource,
    /// One line in English: what has happened.
    pub meaning: &'static str,
    /// One or two sentences in English: what to do.
    pub advice: &'static str,
}

/// Where a code comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CodeSource {
    /// `errcode` of `api.weixin.qq.com`, above all of `verify_signature`.
    Backend,
    /// `errcode` of the backend's interfaces about devices, `is_support` and `verify_ask`.
    BackendDevice,
    /// What soter-core reports of the sensor and the system's dialog: lockouts, and the dialog's other button.
    Biometric,
    /// `errCode` of a cloud call, in a cloud function with wx-server-sdk.
    CloudCall,
    /// The error of a call of HarmonyOS's Online Authentication Kit.
    HarmonyKit,
    /// The TEE and soter-core, the lower layer of Tencent's SDK for Android.
    Sdk,
    /// soter-wrapper before March 2020, which had other numbers.
    SdkBefore2020,
    /// The reports of soter-core about errors (`ISoterReporter`).
    SdkReport,
    /// soter-wrapper, the upper layer of Tencent's SDK for Android.
    SdkWrapper,
    /// `errCode` of a `wx` call in a mini program.
    WxCall,
}

impl Code {
    /// What has happened, in both languages.
    pub fn meaning_text(&self) -> Text {
        Text::whole(self.meaning)
    }

    /// What to do, in both languages.
    pub fn advice_text(&self) -> Text {
        Text::whole(self.advice)
    }
}

impl CodeSource {
    /// The place in English.
    const fn name(self) -> &'static str {
        match self {
            Self::Backend => "WeChat's backend, api.weixin.qq.com",
            Self::BackendDevice => "WeChat's backend, is_support and verify_ask",
            Self::Biometric => "sensor and system dialog, soter-core",
            Self::CloudCall => "cloud call, wx-server-sdk",
            Self::HarmonyKit => "HarmonyOS, Online Authentication Kit",
            Self::Sdk => "TEE and SDK, soter-core",
            Self::SdkBefore2020 => "SDK before 2020-03",
            Self::SdkReport => "SDK's error reports, soter-core",
            Self::SdkWrapper => "SDK, soter-wrapper",
            Self::WxCall => "wx call",
        }
    }

    /// Whether answers of WeChat's own servers and of its cloud have such codes. They become a
    /// [`Reason::Errcode`](crate::Reason::Errcode).
    pub fn is_of_servers(self) -> bool {
        matches!(self, Self::Backend | Self::BackendDevice | Self::CloudCall)
    }

    /// Whether answers of the trusted app, and of the SDK around it, have such codes: as `resultCode`.
    pub fn is_of_trusted_app(self) -> bool {
        matches!(self, Self::Sdk | Self::SdkWrapper)
    }

    /// The place in both languages.
    pub fn text(self) -> Text {
        Text::whole(self.name())
    }
}

/// The place in English.
impl fmt::Display for CodeSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}
