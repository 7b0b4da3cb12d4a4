//! Points in time and durations as people write them: RFC 3339 or milliseconds since 1970, and `1d12h`.

use std::time::{Duration, UNIX_EPOCH};

use chrono::{DateTime, SecondsFormat, Utc};
use soter_text::text;

use super::wrong_value::WrongValue;

/// The end of year 9999, the last that RFC 3339 can write.
const MAX_UNIX_MS: u64 = 253_402_300_799_999;

/// Parses `2020-01-01T00:00:00Z` (with fractions down to the millisecond and any offset), or milliseconds since 1970
/// in plain digits.
///
/// # Errors
/// A message for the user, if the text has neither form, or the moment is before 1970 or after 9999.
pub(crate) fn parse_timestamp(text: &str) -> Result<u64, WrongValue> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return match text.parse() {
            Ok(timestamp) if timestamp <= MAX_UNIX_MS => Ok(timestamp),
            _ => Err(WrongValue::from(text!(
                "at most {most} milliseconds, the end of year 9999",
                most = MAX_UNIX_MS
            ))),
        };
    }
    let timestamp = rfc3339(text).ok_or_else(|| {
        WrongValue::from(text!("expected a time such as 2020-01-01T00:00:00Z, or Unix milliseconds"))
    })?;
    match u64::try_from(timestamp) {
        Ok(timestamp) if timestamp <= MAX_UNIX_MS => Ok(timestamp),
        _ => Err(WrongValue::from(text!("expected a time from 1970 to 9999"))),
    }
}

/// The units of durations, and their milliseconds.
const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Parses numbers with units, such as `90s`, `2h` or `1d12h`, and returns milliseconds.
///
/// # Errors
/// A message for the user, if the text has another form, or the duration is longer than 9,999 years.
pub(crate) fn parse_duration(text: &str) -> Result<u64, WrongValue> {
    let refuse = || {
        WrongValue::from(text!(
            "expected a duration such as 90s, 5m, 2h or 1d12h, of at most {most} ms",
            most = MAX_UNIX_MS
        ))
    };
    let (mut rest, mut total) = (text, 0_u64);
    while !rest.is_empty() {
        let end = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
        let (digits, after) = rest.split_at_checked(end).ok_or_else(refuse)?;
        let end = after.find(|character: char| !character.is_ascii_lowercase()).unwrap_or(after.len());
        let (name, after) = after.split_at_checked(end).ok_or_else(refuse)?;
        let unit = UNITS.iter().find(|(unit, _)| *unit == name).ok_or_else(refuse)?.1;
        let number: u64 = digits.parse().map_err(|_| refuse())?;
        total = number.checked_mul(unit).and_then(|part| total.checked_add(part)).ok_or_else(refuse)?;
        rest = after;
    }
    if text.is_empty() || total > MAX_UNIX_MS { Err(refuse()) } else { Ok(total) }
}

/// Formats milliseconds as [`parse_duration`] reads them.
pub(crate) fn format_duration(milliseconds: u64) -> String {
    let mut rest = milliseconds;
    let text: String = UNITS
        .iter()
        .rev()
        .filter_map(|(unit, length)| {
            let number = rest / length;
            rest %= length;
            (number > 0).then(|| format!("{number}{unit}"))
        })
        .collect();
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// Formats milliseconds since 1970 as RFC 3339 in UTC. The fraction is left out if it is zero. A moment after year 9999,
/// which RFC 3339 cannot write, stays a number of milliseconds.
pub(crate) fn format_timestamp(timestamp: u64) -> String {
    if timestamp > MAX_UNIX_MS {
        return timestamp.to_string();
    }
    DateTime::<Utc>::from(UNIX_EPOCH + Duration::from_millis(timestamp))
        .to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Milliseconds since 1970; negative before. Leap seconds are refused, and so is the minus sign U+2212 in offsets, which
/// `chrono` takes.
fn rfc3339(text: &str) -> Option<i64> {
    let time = DateTime::parse_from_rfc3339(text).ok().filter(|_| text.is_ascii())?;
    // `chrono` represents a leap second as second 59 with 1,000 milliseconds or more.
    (time.timestamp_subsec_millis() < 1_000).then(|| time.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refusal(text: &str) -> String {
        parse_timestamp(text).unwrap_err().to_string()
    }

    #[test]
    fn times_are_read_in_both_forms() {
        for (text, timestamp) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2020-01-01T00:00:00Z", 1_577_836_800_000),
            ("2020-01-01T08:00:00+08:00", 1_577_836_800_000),
            ("2019-12-31T19:30:00.5-04:30", 1_577_836_800_500),
            ("2024-02-29T23:59:59.1239Z", 1_709_251_199_123),
            ("2000-02-29t00:00:00z", 951_782_400_000),
            ("2020-01-01 00:00:00-00:00", 1_577_836_800_000),
            ("2020-01-01T23:59:00+23:59", 1_577_836_800_000),
            ("2020-01-01T00:00:00.0009999999999999999999Z", 1_577_836_800_000),
            ("1969-12-31T23:00:00.001-01:00", 1),
            ("1577836800000", 1_577_836_800_000),
            ("9999-12-31T23:59:59.999Z", MAX_UNIX_MS),
        ] {
            assert_eq!(parse_timestamp(text), Ok(timestamp), "{text}");
        }
    }

    #[test]
    fn text_that_is_not_a_time_is_refused() {
        for text in [
            "",
            "now",
            "2020-01-01",
            "2020-01-01T00:00:00",
            "2020-13-01T00:00:00Z",
            "2021-02-29T00:00:00Z",
            "2020-01-01T24:00:00Z",
            "2016-12-31T23:59:60Z",
            "2016-12-31T23:59:60.5Z",
            "2020-01-01T00:00:60Z",
            "2020-01-01T00:60:00Z",
            "2100-02-29T00:00:00Z",
            "2020-01-00T00:00:00Z",
            "2020-1-1T00:00:00Z",
            "20200-01-01T00:00:00Z",
            "+2020-01-01T00:00:00Z",
            "2020-01-01_00:00:00Z",
            "2020-01-01T00:00:00.Z",
            "2020-01-01T00:00:00,5Z",
            "2020-01-01T00:00:00 Z",
            "2020-01-01T00:00:00UTC",
            "2020-01-01T00:00:00Z ",
            " 2020-01-01T00:00:00Z",
            "2020-01-01T00:00:00+8",
            "2020-01-01T00:00:00+0800",
            "2020-01-01T00:00:00+08:60",
            "2020-01-01T00:00:00+24:00",
            "2020-01-01T00:00:00\u{2212}04:30",
            "-1",
            "２020-01-01T00:00:00Z",
        ] {
            let refused = "expected a time such as 2020-01-01T00:00:00Z, or Unix milliseconds";
            assert_eq!(refusal(text), refused, "{text}");
        }
    }

    #[test]
    fn times_before_1970_and_after_9999_are_refused() {
        for text in [
            "0000-01-01T00:00:00Z",
            "0000-02-29T00:00:00+23:59",
            "0001-01-01T00:00:00Z",
            "1969-12-31T23:59:59.999Z",
            "1970-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
            "9999-12-31T23:59:59.999-23:59",
        ] {
            assert_eq!(refusal(text), "expected a time from 1970 to 9999", "{text}");
        }
        for digits in ["253402300800000", "18446744073709551615", "99999999999999999999999"] {
            let refused = "at most 253402300799999 milliseconds, the end of year 9999";
            assert_eq!(refusal(digits), refused, "{digits}");
        }
    }

    #[test]
    fn times_are_written_in_utc_without_a_fraction_of_zero() {
        for (timestamp, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_709_251_199_120, "2024-02-29T23:59:59.120Z"),
            (4_107_542_400_001, "2100-03-01T00:00:00.001Z"),
            (MAX_UNIX_MS, "9999-12-31T23:59:59.999Z"),
            (MAX_UNIX_MS + 1, "253402300800000"),
            (u64::MAX, "18446744073709551615"),
        ] {
            assert_eq!(format_timestamp(timestamp), text);
        }
    }

    #[test]
    fn durations_are_numbers_with_units() {
        for (text, milliseconds) in [
            ("0s", 0),
            ("90s", 90_000),
            ("5m", 300_000),
            ("1d12h", 129_600_000),
            ("1h1ms", 3_600_001),
            ("2h2h", 14_400_000),
        ] {
            assert_eq!(parse_duration(text), Ok(milliseconds), "{text}");
        }
        for text in [
            "",
            "2",
            "h",
            "2H",
            "-2h",
            "+2h",
            "2 h",
            "1.5h",
            "2h3",
            "99999999999999999999d",
            "9999999999d",
            "２h",
            "2hä",
        ] {
            let refused = parse_duration(text).unwrap_err().to_string();
            assert!(refused.contains("such as 90s, 5m, 2h or 1d12h"), "{text}: {refused}");
        }
    }

    proptest! {
        #[test]
        fn a_written_duration_is_read_as_the_same_duration(milliseconds in 0..=MAX_UNIX_MS) {
            prop_assert_eq!(parse_duration(&format_duration(milliseconds)), Ok(milliseconds));
        }

        #[test]
        fn any_text_is_a_duration_or_refused(text in "([0-9]{0,3}[a-z]{0,2}){0,4}.{0,3}") {
            let _ = parse_duration(&text);
        }

        #[test]
        fn a_written_time_is_read_as_the_same_time(timestamp in 0..=MAX_UNIX_MS) {
            prop_assert_eq!(parse_timestamp(&format_timestamp(timestamp)), Ok(timestamp));
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in ".{0,40}") {
            let _ = parse_timestamp(&text);
        }
    }
}
