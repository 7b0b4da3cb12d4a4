//! Text from outside, truncated to fit into a message.

/// The first `characters` of a text (Unicode scalar values), or the whole text if it has no more.
///
/// Errors quote the input that they reject. It comes from outside, so it is truncated first.
pub fn shortened(text: &str, characters: usize) -> &str {
    let end = text.char_indices().nth(characters).map_or(text.len(), |(end, _)| end);
    text.get(..end).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters_and_a_short_one_is_unchanged() {
        assert_eq!(shortened("支付 42", 3), "支付 ");
        assert_eq!(shortened("支付", 2), "支付");
        assert_eq!(shortened("pay", 80), "pay");
        assert_eq!(shortened("pay", 0), "");
    }
}
