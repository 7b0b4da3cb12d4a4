//! Where a line of English or Chinese may be broken.

use textwrap::core::Word;
use textwrap::{Options, WordSeparator, WordSplitter};
use unicode_width::UnicodeWidthChar;

/// How lines of this many columns are broken: words, addresses and numbers stay whole, also longer ones, so that they can be
/// copied; Chinese breaks between any two characters, except before a mark such as `，`.
pub fn line_breaks<'a>(columns: usize) -> Options<'a> {
    Options::new(columns)
        .word_separator(WordSeparator::Custom(words))
        .word_splitter(WordSplitter::NoHyphenation)
        .break_words(false)
}

/// The pieces of a line that are not broken: words between spaces, and within them Chinese characters together with the
/// marks that may not begin or end a line. Unicode's rules alone would break addresses and JSON, too.
fn words(line: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    let mut pieces = WordSeparator::UnicodeBreakProperties.find_words(line).peekable();
    let mut rest = line;
    Box::new(std::iter::from_fn(move || {
        let mut length = 0;
        while let Some(piece) = pieces.next() {
            length += piece.word.len() + piece.whitespace.len();
            let may_end = match pieces.peek() {
                Some(next) => {
                    !piece.whitespace.is_empty()
                        || is_wide(piece.word.chars().next_back())
                        || is_wide(visible_characters(next.word).next())
                }
                None => true,
            };
            if may_end {
                break;
            }
        }
        let (word, after) = rest.split_at(length);
        rest = after;
        (!word.is_empty()).then(|| Word::from(word))
    }))
}

fn is_wide(character: Option<char>) -> bool {
    character.and_then(UnicodeWidthChar::width) == Some(2)
}

/// The characters of a text without its colours.
pub fn visible_characters(text: &str) -> impl Iterator<Item = char> {
    let mut characters = text.chars();
    std::iter::from_fn(move || {
        loop {
            match characters.next()? {
                '\u{1b}' => characters.by_ref().find(char::is_ascii_alphabetic)?,
                character => return Some(character),
            };
        }
    })
}
