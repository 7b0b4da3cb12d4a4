//! Points in time as people write them: RFC 3339, or milliseconds since 1970.

/// Milliseconds of a day.
const DAY_MS: u64 = 86_400_000;

/// The end of year 9999, the last that RFC 3339 can write.
const LAST_MS: u64 = 253_402_300_799_999;

/// Parses `2020-01-01T00:00:00Z` (with fractions down to the millisecond and any offset), or milliseconds since 1970
/// in plain digits.
///
/// # Errors
/// A message for the user, if the text has neither form, or the moment is before 1970 or after 9999.
pub(crate) fn parse_moment(text: &str) -> Result<u64, String> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return match text.parse() {
            Ok(moment) if moment <= LAST_MS => Ok(moment),
            _ => Err(format!("at most {LAST_MS} milliseconds, the end of year 9999")),
        };
    }
    let moment = rfc3339(text)
        .ok_or_else(|| "expected a time such as 2020-01-01T00:00:00Z, or Unix milliseconds".to_owned())?;
    match u64::try_from(moment) {
        Ok(moment) if moment <= LAST_MS => Ok(moment),
        _ => Err("expected a time from 1970 to 9999".to_owned()),
    }
}

/// Formats milliseconds since 1970 as RFC 3339 in UTC. The fraction is left out if it is zero.
pub(crate) fn format_moment(moment: u64) -> String {
    let (days, in_day) = (moment / DAY_MS, moment % DAY_MS);
    let (year, month, day) = date_of(days);
    let (seconds, fraction) = (in_day / 1_000, in_day % 1_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:03}") };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// Milliseconds since 1970; negative before.
fn rfc3339(text: &str) -> Option<i64> {
    let (date, rest) = text.split_at_checked(10)?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (time, rest) = rest.split_at_checked(8)?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    let (fraction, rest) = fraction(rest)?;
    let offset_minutes = offset(rest)?;
    if !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let minutes = (days_since_1970(year, month, day) * 24 + hour) * 60 + minute - offset_minutes;
    Some((minutes * 60 + second) * 1_000 + fraction)
}

/// Parses numbers with exactly these digit counts, with a separator between them.
fn numbers(text: &str, separator: char, digits: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(separator);
    let mut values = [0; 3];
    for (value, digits) in values.iter_mut().zip(digits) {
        *value = number(parts.next()?, digits)?;
    }
    parts.next().is_none().then_some(values)
}

fn number(text: &str, digits: usize) -> Option<i64> {
    let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// The fraction of a second in milliseconds, rounded down, and what follows it.
fn fraction(text: &str) -> Option<(i64, &str)> {
    let Some(digits) = text.strip_prefix('.') else { return Some((0, text)) };
    let end = digits.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    let (digits, rest) = digits.split_at_checked(end)?;
    let milliseconds: String = digits.chars().chain("000".chars()).take(3).collect();
    if digits.is_empty() { None } else { Some((number(&milliseconds, 3)?, rest)) }
}

/// Minutes east of UTC.
fn offset(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let (sign, text) = match text.split_at_checked(1)? {
        ("+", text) => (1, text),
        ("-", text) => (-1, text),
        _ => return None,
    };
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 60 + minutes))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days of the proleptic Gregorian calendar, counted in years that begin in March so that leap days come last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
}

/// The inverse of [`days_since_1970`], for days from 1970 on.
fn date_of(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_read_in_both_forms() {
        for (text, moment) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2020-01-01T00:00:00Z", 1_577_836_800_000),
            ("2020-01-01T08:00:00+08:00", 1_577_836_800_000),
            ("2019-12-31T19:30:00.5-04:30", 1_577_836_800_500),
            ("2024-02-29T23:59:59.1239Z", 1_709_251_199_123),
            ("1577836800000", 1_577_836_800_000),
            ("9999-12-31T23:59:59.999Z", LAST_MS),
        ] {
            assert_eq!(parse_moment(text), Ok(moment), "{text}");
        }
    }

    #[test]
    fn text_that_is_no_time_is_refused() {
        for text in [
            "",
            "now",
            "2020-01-01",
            "2020-01-01T00:00:00",
            "2020-13-01T00:00:00Z",
            "2021-02-29T00:00:00Z",
            "2020-01-01T24:00:00Z",
            "2020-01-01T00:00:00.Z",
            "2020-01-01T00:00:00+8",
            "1969-12-31T23:59:59Z",
            "-1",
            "99999999999999999999999",
            "２020-01-01T00:00:00Z",
        ] {
            assert!(parse_moment(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(moment in 0..=LAST_MS) {
            prop_assert_eq!(parse_moment(&format_moment(moment)), Ok(moment));
        }

        #[test]
        fn any_text_is_answered(text in ".{0,40}") {
            let _ = parse_moment(&text);
        }
    }
}
