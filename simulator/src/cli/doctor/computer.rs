//! The program, and the computer that it runs on: version, language, clock, proxies.

use std::env;
use std::time::SystemTime;

use soter_text::{Language, locale, text};

use super::observation::Observation;
use crate::cli::proxies;
use crate::grammar::format_timestamp;

/// 2026-01-01T00:00:00Z in milliseconds: this program is not older.
const EARLIEST: u64 = 1_767_225_600_000;
/// Ten years later.
const LATEST: u64 = EARLIEST + 10 * 365 * 24 * 3600 * 1000;

/// What is seen without phones and servers; with the language, if a person reads it.
pub(super) fn observe(with_language: bool) -> Vec<Observation> {
    let version = text!(
        "soter-sim {version} for {system} on {processor}",
        version = env!("CARGO_PKG_VERSION"),
        system = env::consts::OS,
        processor = env::consts::ARCH
    );
    let language = with_language.then(|| of_language(Language::of_process(), &locale().unwrap_or_default()));
    let observations =
        [Some(Observation::good("version", version)), language, Some(of_clock(now())), of_proxies()];
    observations.into_iter().flatten().collect()
}

fn of_language(language: Language, locale: &str) -> Observation {
    let tag = language.tag();
    if Language::from_tag(locale) == Some(language) {
        return Observation::good(
            "language",
            text!("the language is {language}, as the locale {locale} says", language = tag, locale = locale),
        );
    }
    // The locale of programs that do not ask for one.
    if ["", "C", "POSIX"].contains(&locale.split('.').next().unwrap_or_default()) {
        let what = text!("the language is {language}, and the locale names none", language = tag);
        return Observation::good("language", what);
    }
    Observation::note(
        "language",
        text!("the language is {language}, and the locale is `{locale}`", language = tag, locale = locale),
        text!("--lang zh-CN or --lang en chooses one, SOTER_SIM_LANG for every command"),
    )
}

/// Milliseconds since 1970 on this computer.
fn now() -> u64 {
    let elapsed = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

fn of_clock(now: u64) -> Observation {
    let time = format_timestamp(now);
    if (EARLIEST..LATEST).contains(&now) {
        return Observation::good("clock", text!("the computer's clock says {time}", time = time));
    }
    Observation::problem(
        "clock",
        text!(
            "the computer's clock says {time}, which cannot be: codes, tokens and certificates seem to have expired",
            time = time
        ),
        text!("set the computer's date and time"),
    )
}

/// A proxy that may also be asked for this computer's own servers.
fn of_proxies() -> Option<Observation> {
    proxies::may_hide_this_computer().then(|| {
        Observation::note(
            "proxy",
            text!("a proxy is set (HTTP_PROXY or another variable), and NO_PROXY does not name 127.0.0.1: programs may ask it for soter-sim"),
            text!("put 127.0.0.1,localhost into NO_PROXY, or start the program with `soter-sim exec -- PROGRAM`"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::observation::Severity;

    #[test]
    fn only_a_locale_of_another_language_is_noted() {
        for (language, locale, expected) in [
            (Language::English, "en_GB.UTF-8", Severity::Good),
            (Language::Chinese, "zh_CN.UTF-8", Severity::Good),
            (Language::English, "C.UTF-8", Severity::Good),
            (Language::Chinese, "POSIX", Severity::Good),
            (Language::English, "", Severity::Good),
            (Language::English, "zh_CN.UTF-8", Severity::Note),
            (Language::English, "de_DE.UTF-8", Severity::Note),
        ] {
            assert_eq!(of_language(language, locale).severity, expected, "{locale}");
        }
    }

    #[test]
    fn a_clock_that_cannot_be_right_is_a_problem() {
        for (now, expected) in [
            (0, Severity::Problem),
            (EARLIEST - 1, Severity::Problem),
            (EARLIEST, Severity::Good),
            (LATEST, Severity::Problem),
        ] {
            assert_eq!(of_clock(now).severity, expected, "{now}");
        }
    }
}
