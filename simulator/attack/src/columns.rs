//! How wide texts are in a fixed-width font.

/// The first character of those that take two columns, as Chinese ones do.
const FIRST_WIDE: char = '\u{2e80}';

/// The number of columns that a text takes.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().map(|one| if one >= FIRST_WIDE { 2 } else { 1 }).sum()
}

/// The text, and blanks up to this number of columns.
pub(crate) fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_characters_take_two_columns() {
        assert_eq!(columns("攻击 SOTER。"), 12);
        assert_eq!(padded("攻击", 6), "攻击  ");
        assert_eq!(padded("attack", 4), "attack");
    }
}
