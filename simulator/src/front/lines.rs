//! Lines of a terminal: texts broken where the terminal ends, and labels before texts.

use soter_bridge::{line_breaks, visible_characters};
use textwrap::WrapAlgorithm;
use textwrap::core::display_width;
use unicode_width::UnicodeWidthChar;

/// A window narrower than this is treated as if it had this many columns.
const MIN_COLUMNS: usize = 20;

/// The text with line ends where these columns end. Words and numbers stay whole; Chinese breaks between any two
/// characters, except before a mark such as `，`. What goes on in the next line begins below the beginning of its column,
/// or of its line. A word that is longer than a line, such as an address, is left for the terminal to break, so that it can
/// be copied.
pub(super) fn wrapped(text: &str, columns: usize) -> String {
    let columns = columns.max(MIN_COLUMNS);
    let mut lines: Vec<String> = Vec::new();
    for line in text.split('\n') {
        if display_width(line) <= columns {
            lines.push(line.to_owned());
            continue;
        }
        let content = line.trim_start_matches(' ');
        let indent = &line[..line.len() - content.len()];
        let next_indent = " ".repeat(column_start(line, columns / 2));
        let options = line_breaks(columns)
            .initial_indent(indent)
            .subsequent_indent(&next_indent)
            .wrap_algorithm(WrapAlgorithm::FirstFit);
        lines.extend(textwrap::wrap(content, options).into_iter().map(std::borrow::Cow::into_owned));
    }
    lines.join("\n")
}

/// A label, and what it is about. Chinese colons bring their own space.
pub(crate) fn labelled(label: &str, paint: impl FnOnce(&str) -> String, text: &str) -> String {
    let gap = if label.ends_with('：') { "" } else { " " };
    format!("{}{gap}{text}", paint(label))
}

/// Where the last column of a line begins: behind two spaces or more, at this column at most. Without columns, where the
/// line itself begins.
fn column_start(line: &str, most: usize) -> usize {
    let (mut start, mut spaces, mut at) = (0, 0, 0);
    for character in visible_characters(line) {
        if character == ' ' {
            spaces += 1;
        } else {
            if at == spaces || spaces >= 2 {
                start = at;
            }
            spaces = 0;
        }
        at += character.width().unwrap_or_default();
        if at > most {
            break;
        }
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_breaks_between_words_and_goes_on_below_its_column() {
        let text =
            "refused with 90010\n  meaning  the sensor is locked after too many failures\n  counter  7";
        assert_eq!(
            wrapped(text, 32),
            "refused with 90010\n  meaning  the sensor is locked\n           after too many\n           failures\n  counter  7"
        );
    }

    #[test]
    fn chinese_breaks_anywhere_but_before_its_marks_and_keeps_words_and_numbers() {
        let text =
            "传感器已锁定，30 秒后再试；或者输入 `biometric unlock`（任何时候都可以）。订单 order-42：已签名";
        for columns in MIN_COLUMNS..80 {
            let broken = wrapped(text, columns);
            for line in broken.lines() {
                assert!(display_width(line) <= columns, "{columns}: {line}");
                assert!(!line.starts_with(['，', '。', '：', '；', '）', ' ']), "{columns}: {broken}");
                assert!(!line.ends_with('（'), "{columns}: {broken}");
            }
            let words = broken.split(|character: char| !character.is_ascii_graphic());
            let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
            assert_eq!(words, ["30", "`biometric", "unlock`", "order-42"], "{columns}: {broken}");
            let without_spaces = |text: &str| text.replace(char::is_whitespace, "");
            assert_eq!(without_spaces(&broken), without_spaces(text));
        }
        assert_eq!(wrapped("确认支付确认支付确认，支付", 20), "确认支付确认支付确\n认，支付");
    }

    #[test]
    fn what_is_longer_than_a_line_stays_whole_so_that_it_can_be_copied() {
        let address = "http://127.0.0.1:8777/page/with/a-long/path?and=a,query";
        assert_eq!(wrapped(&format!("page {address}, here"), 24), format!("page\n{address},\nhere"));
    }

    #[test]
    fn colours_take_no_columns() {
        let plain = "  advice   wait for 30 seconds, or unlock the phone";
        let coloured =
            "  \u{1b}[2madvice \u{1b}[0m  wait for 30 \u{1b}[36mseconds\u{1b}[0m, or unlock the phone";
        let broken = wrapped(coloured, 30);
        let stripped: String =
            broken.lines().map(|line| visible_characters(line).collect::<String>() + "\n").collect();
        assert_eq!(stripped.trim_end(), wrapped(plain, 30));
    }

    #[test]
    fn a_chinese_label_needs_no_space() {
        assert_eq!(labelled("error:", str::to_owned, "what"), "error: what");
        assert_eq!(labelled("错误：", str::to_owned, "什么"), "错误：什么");
    }

    proptest::proptest! {
        #[test]
        fn any_text_keeps_all_but_its_spaces(text in "(?s).{0,80}", columns in 0..100_usize) {
            let without_spaces = |text: &str| text.replace(char::is_whitespace, "");
            assert_eq!(without_spaces(&wrapped(&text, columns)), without_spaces(&text));
        }
    }
}
