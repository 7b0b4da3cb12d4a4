//! Every code that a developer meets around SOTER: what it means, and what to do about it.
//!
//! One number may mean different things in different places: 90001 is a phone without SOTER in the answer of a `wx`
//! call, and unreadable XML in that of the backend's `is_support`. So each [`Code`] names its [`CodeSource`].

mod backend;
mod before_2020;
mod cloud_call;
mod code;
mod harmony_kit;
mod sdk;
mod wrapper;
pub mod wx;

pub use code::{Code, CodeSource};

/// Every known code, by place; within a place by number, 0 first.
pub static CODES: &[Code] = &concatenate();

/// The meanings of a number, one for each place that uses it; none if no place uses it.
pub fn explain(code: i32) -> impl Iterator<Item = &'static Code> {
    CODES.iter().filter(move |known| known.code == code)
}

/// What an `errcode` of WeChat's own servers means.
pub(crate) fn backend_code(code: i32) -> Option<&'static Code> {
    explain(code).find(|known| matches!(known.source, CodeSource::Backend | CodeSource::BackendDevice))
}

/// What a number in an answer of WeChat's own servers or of its cloud means.
pub(crate) fn server_code(code: i32) -> Option<&'static Code> {
    explain(code).find(|known| known.source.is_of_servers())
}

const TABLES: [&[Code]; 9] = [
    wx::TABLE,
    sdk::TABLE,
    before_2020::TABLE,
    sdk::REPORTS,
    wrapper::TABLE,
    sdk::BIOMETRIC,
    backend::TABLE,
    cloud_call::TABLE,
    harmony_kit::TABLE,
];

const CODE_COUNT: usize = {
    let mut length = 0;
    let mut table = 0;
    while table < TABLES.len() {
        length += TABLES[table].len();
        table += 1;
    }
    length
};

/// All tables in one, at compile time.
const fn concatenate() -> [Code; CODE_COUNT] {
    let mut codes = [TABLES[0][0]; CODE_COUNT];
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
