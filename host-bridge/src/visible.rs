//! Makes foreign text safe to show to a person.

use std::borrow::Cow;

/// One line of text that cannot control the terminal, browser or report that shows it.
///
/// These characters are escaped: control characters, including line ends; characters that set the direction of
/// writing, and those without width (Unicode's `Bidi_Control`, U+200B to U+200F, U+2028 to U+202E, U+2060 to U+2069,
/// U+FEFF); and U+FFFE and U+FFFF, which are not characters and which XML cannot contain.
pub fn visible(text: &str) -> Cow<'_, str> {
    escape_where(text, is_unsafe_to_show)
}

/// The same for text of several lines: line feeds are kept.
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    escape_where(text, |character| character != '\n' && is_unsafe_to_show(character))
}

fn is_unsafe_to_show(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
        )
        || matches!(character, '\u{fffe}' | '\u{ffff}')
}

fn escape_where(text: &str, must_escape: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&must_escape) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if must_escape(character) {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_and_control_characters_are_escaped() {
        for steering in [
            '\0', '\t', '\n', '\r', '\u{1b}', '\u{7f}', '\u{85}', '\u{9b}', '\u{61c}', '\u{200b}',
            '\u{200d}', '\u{200f}', '\u{2028}', '\u{202e}', '\u{2060}', '\u{2066}', '\u{2069}', '\u{feff}',
            '\u{fffe}', '\u{ffff}',
        ] {
            let shown = visible(&format!("pay {steering}1")).into_owned();
            assert_eq!(shown, format!("pay {}1", steering.escape_unicode()));
        }
    }

    #[test]
    fn all_other_characters_are_unchanged() {
        for text in ["", "支付 ok 😀", "مرحبا", "\\u{1b}", "a\u{2027}\u{202f}\u{205f}\u{206a}\u{fffd}"]
        {
            assert!(matches!(visible(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn line_feeds_between_lines_are_kept() {
        assert_eq!(visible_lines("one\n\ttwo\r\n\u{202e}"), "one\n\\u{9}two\\u{d}\n\\u{202e}");
    }
}
