//! Every code that a developer meets around SOTER: what it means, and what to do about it.
//!
//! One number may mean different things in different places: 90001 is a phone without SOTER when a `wx` call
//! says it, and unreadable XML when the backend's `is_support` says it. So each [`Code`] names its [`Place`].

use std::fmt;

mod backend;
pub mod sdk;
mod wrapper;
pub mod wx;

/// One number in one place, explained.
///
/// Where a number comes with several texts, as 90007 does, each text has an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The number.
    pub code: i32,
    /// What it is called there: the SDK's constant, the text in `errMsg` or `errmsg`, or a few words if it has none.
    pub name: &'static str,
    /// Where one meets it.
    pub place: Place,
    /// One line: what has happened.
    pub meaning: &'static str,
    /// One or two sentences: what to do.
    pub advice: &'static str,
}

/// Where a code comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// `errcode` of `api.weixin.qq.com`, above all of `verify_signature`.
    Backend,
    /// `errcode` of the backend's interfaces about devices, `is_support` and `verify_ask`.
    BackendDevice,
    /// The lockout that soter-core reports for a finger sensor or a camera.
    Lockout,
    /// The TEE and soter-core, the lower layer of Tencent's SDK for Android.
    Sdk,
    /// soter-wrapper, the upper layer of Tencent's SDK for Android.
    SdkWrapper,
    /// `errCode` of a `wx` call in a mini program.
    WxCall,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Backend => "WeChat's backend, api.weixin.qq.com",
            Self::BackendDevice => "WeChat's backend, is_support and verify_ask",
            Self::Lockout => "biometric lockout",
            Self::Sdk => "TEE and SDK, soter-core",
            Self::SdkWrapper => "SDK, soter-wrapper",
            Self::WxCall => "wx call",
        })
    }
}

/// Every known code, by place; within a place by number, 0 first.
pub static CODES: &[Code] = &concatenated();

/// What a number means, in each place that uses it. Nothing for a number that no place uses.
pub fn explain(code: i32) -> impl Iterator<Item = &'static Code> {
    CODES.iter().filter(move |known| known.code == code)
}

/// What an `errcode` of WeChat's own servers means.
pub(crate) fn of_backend(code: i32) -> Option<&'static Code> {
    explain(code).find(|known| matches!(known.place, Place::Backend | Place::BackendDevice))
}

const TABLES: [&[Code]; 5] = [wx::TABLE, sdk::TABLE, sdk::LOCKOUTS, wrapper::TABLE, backend::TABLE];

const LENGTH: usize = {
    let mut length = 0;
    let mut table = 0;
    while table < TABLES.len() {
        length += TABLES[table].len();
        table += 1;
    }
    length
};

/// The tables in one, while compiling.
const fn concatenated() -> [Code; LENGTH] {
    let mut codes = [TABLES[0][0]; LENGTH];
    let mut filled = 0;
    let mut table = 0;
    while table < TABLES.len() {
        let mut row = 0;
        while row < TABLES[table].len() {
            codes[filled] = TABLES[table][row];
            filled += 1;
            row += 1;
        }
        table += 1;
    }
    codes
}

#[cfg(test)]
mod tests;
