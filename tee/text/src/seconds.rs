//! Durations for people.

use std::time::Duration;

use crate::text;
use crate::text::Text;

/// The duration in seconds.
pub fn seconds(duration: Duration) -> Text {
    text!("{seconds} s", seconds = duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    #[test]
    fn a_duration_is_shown_in_seconds_in_both_languages() {
        for (milliseconds, english, chinese) in
            [(5000, "5 s", "5 秒"), (100, "0.1 s", "0.1 秒"), (90_500, "90.5 s", "90.5 秒")]
        {
            let text = seconds(Duration::from_millis(milliseconds));
            assert_eq!(text.english(), english);
            assert_eq!(text.in_language(Language::Chinese), chinese);
        }
    }
}
