//! What people write in TOML: the accounts of `--config`, and the description of an application for `audit`. Any text is
//! read or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use soter_attack::Application;
use soter_bridge::toml_file;
use soter_wechat::{AccountList, Accounts};

fuzz_target!(|text: &str| {
    if let Err(error) = toml_file::parse::<AccountList>(text).map(Accounts::new) {
        assert!((1..=1 + text.matches('\n').count()).contains(&error.line), "{error}");
    }
    if let Err(error) = Application::read(text) {
        assert!(!error.what.english().is_empty() && !error.next.english().is_empty());
    }
});
