//! How wide texts are in a fixed-width font.

use unicode_width::UnicodeWidthStr;

/// The text, and blanks up to this number of columns.
pub(crate) fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_characters_take_two_columns() {
        assert_eq!(padded("攻击 SOTER。", 13), "攻击 SOTER。 ");
        assert_eq!(padded("攻击", 6), "攻击  ");
        assert_eq!(padded("attack", 4), "attack");
    }
}
