//! Splits lines into words: finished lines to carry them out, unfinished ones to complete them.

use soter_bridge::protocol::CommandError;
use soter_text::text;

/// The maximum length of a REPL line in bytes: enough for JSON that contains any challenge with escapes.
pub(crate) const MAX_LINE_BYTES: usize = 1 << 16;

/// The words of a line, split as by a POSIX shell. Empty for an empty line or a comment (`#`).
///
/// If the parameters of `call` begin with a brace, they are used unchanged, so that JSON needs no quotes.
///
/// # Errors
/// `InvalidParams` if a quotation mark is not closed, or the line is too long.
pub(super) fn split(line: &str) -> Result<Vec<String>, CommandError> {
    let line = line.trim();
    if line.starts_with('#') {
        return Ok(Vec::new());
    }
    if line.len() > MAX_LINE_BYTES {
        return Err(CommandError::invalid_params(
            text!(
                "the line has {bytes} bytes; {most} are the most",
                bytes = line.len(),
                most = MAX_LINE_BYTES
            ),
            text!("split it, or put long texts into files"),
        ));
    }
    let (before, json) = match line.find('{') {
        Some(brace) if is_call_with_method(line.get(..brace).unwrap_or_default()) => line.split_at(brace),
        _ => (line, ""),
    };
    let mut words = shell_words::split(before).map_err(|_| {
        CommandError::invalid_params(
            text!("a quotation mark has no partner"),
            text!("close it, or write \\' or \\\" for the mark itself"),
        )
    })?;
    if !json.is_empty() {
        words.push(json.to_owned());
    }
    Ok(words)
}

/// Splits text that was typed or pasted at once into lines. A line end inside quotation marks does not end the line.
pub(crate) fn split_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut open = String::new();
    for line in text.split('\n') {
        if !open.is_empty() {
            open.push('\n');
        }
        open.push_str(line);
        if split(&open).is_ok() {
            lines.push(std::mem::take(&mut open));
        }
    }
    // The last line has an open quotation mark. Parsing it reports that.
    if !open.is_empty() {
        lines.push(open);
    }
    lines
}

/// Whether the text is `call`, a method and nothing else.
fn is_call_with_method(text: &str) -> bool {
    let mut words = text.split_whitespace();
    text.ends_with(char::is_whitespace)
        && words.next() == Some("call")
        && words.next().is_some()
        && words.next().is_none()
}

/// A line that is being typed, up to the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Typed {
    /// The words that are finished.
    pub(crate) finished: Vec<String>,
    /// The word that is being typed; empty after a space.
    pub(crate) partial: String,
    /// Where that word begins, in bytes.
    pub(crate) start: usize,
}

/// Splits an unfinished line. Quotation marks may be open.
pub(crate) fn parse_typed(line: &str) -> Typed {
    let mut typed = Typed { finished: Vec::new(), partial: String::new(), start: line.len() };
    let mut in_word = false;
    let mut quote = None;
    let mut characters = line.char_indices();
    while let Some((at, character)) = characters.next() {
        if quote.is_none() && character.is_whitespace() {
            if in_word {
                typed.finished.push(std::mem::take(&mut typed.partial));
                in_word = false;
            }
            typed.start = line.len();
            continue;
        }
        if !in_word {
            in_word = true;
            typed.start = at;
        }
        match (quote, character) {
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            (None | Some('"'), '\\') => typed.partial.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => typed.partial.push(character),
        }
    }
    typed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        split(line).unwrap()
    }

    #[test]
    fn words_are_split_as_a_shell_does() {
        assert_eq!(words("  auth   'pay 42' \"it's\" "), ["auth", "pay 42", "it's"]);
        assert_eq!(words("auth ''"), ["auth", ""]);
    }

    #[test]
    fn comments_and_empty_lines_have_no_words() {
        for line in ["", "   ", "# auth x", "  #"] {
            assert_eq!(words(line), [""; 0], "{line}");
        }
        assert_eq!(words("auth order#42"), ["auth", "order#42"]);
    }

    #[test]
    fn json_after_a_method_needs_no_quotes() {
        assert_eq!(
            words(r#"call sensor.touch {"touch": "wrong"}"#),
            ["call", "sensor.touch", r#"{"touch": "wrong"}"#]
        );
        assert_eq!(words(r#"call sensor.touch '{"touch":1}'"#), ["call", "sensor.touch", r#"{"touch":1}"#]);
        assert_eq!(words("auth a {b"), ["auth", "a", "{b"]);
    }

    #[test]
    fn a_pasted_text_is_split_at_line_feeds_outside_quotation_marks() {
        assert_eq!(split_lines("keys\nauth 'a\nb'\n\nkeys"), ["keys", "auth 'a\nb'", "", "keys"]);
        assert_eq!(split_lines("auth 'a\nkeys"), ["auth 'a\nkeys"]);
        assert_eq!(split_lines("keys"), ["keys"]);
    }

    #[test]
    fn a_line_that_cannot_be_split_is_an_error() {
        assert!(split("auth 'open").unwrap_err().what.english().contains("quotation mark"));
        assert!(split(&"x".repeat(MAX_LINE_BYTES + 1)).unwrap_err().what.english().contains("65537 bytes"));
    }

    #[test]
    fn the_word_under_the_cursor_is_found_in_an_unfinished_line() {
        let at = |line: &str| {
            let Typed { finished, partial, start } = parse_typed(line);
            (finished.join("|"), partial, start)
        };
        assert_eq!(at(""), (String::new(), String::new(), 0));
        assert_eq!(at("dev"), (String::new(), "dev".to_owned(), 0));
        assert_eq!(at("device "), ("device".to_owned(), String::new(), 7));
        assert_eq!(at("auth 'a b"), ("auth".to_owned(), "a b".to_owned(), 5));
        assert_eq!(at("auth a\\ b c"), ("auth|a b".to_owned(), "c".to_owned(), 10));
    }
}
