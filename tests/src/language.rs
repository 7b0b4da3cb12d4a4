//! Which language a text is in.

use regex::Regex;

/// Whether a text has Chinese characters.
#[must_use]
pub fn has_chinese(text: &str) -> bool {
    text.chars().any(|one| ('\u{4e00}'..='\u{9fff}').contains(&one))
}

/// Each place outside backquotes with at least this many English words in a row. Names of commands and members come
/// alone, or between commas.
#[must_use]
pub fn english_sentences(text: &str, words: usize) -> Vec<String> {
    let without_code = Regex::new("`[^`]*`").expect("a pattern").replace_all(text, "`");
    let others = words.saturating_sub(1);
    let sentence = Regex::new(&format!("[A-Za-z']+(?: [a-z']+){{{others},}}")).expect("a pattern");
    sentence.find_iter(&without_code).map(|found| found.as_str().to_owned()).collect()
}
