//! Which language this process speaks.

use std::ffi::{OsStr, OsString};

use soter_text::Language;

/// The variable that chooses the language where `--lang` does not.
const VARIABLE: &str = "SOTER_SIM_LANG";

/// The language that the arguments, the environment or the locale ask for. Machine output is English.
///
/// The arguments are not parsed yet, because what is wrong with them is told in that language. A value that is no language
/// here is refused when they are parsed.
pub(super) fn choose(arguments: &[OsString]) -> Language {
    if arguments.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--json") {
        return Language::English;
    }
    option(arguments)
        .or_else(|| std::env::var(VARIABLE).ok().and_then(|tag| Language::from_tag(&tag)))
        .unwrap_or_else(Language::of_locale)
}

/// The last `--lang`, which wins when the arguments are parsed as well.
fn option(arguments: &[OsString]) -> Option<Language> {
    let mut words = arguments.iter().map(OsString::as_os_str).map(OsStr::to_string_lossy);
    let mut found = None;
    while let Some(word) = words.next() {
        // What follows are words of another program.
        if word == "--" {
            break;
        }
        if let Some(tag) = word.strip_prefix("--lang=") {
            found = Language::from_tag(tag);
        } else if word == "--lang" {
            found = words.next().and_then(|tag| Language::from_tag(&tag));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(line: &str) -> Option<Language> {
        let arguments: Vec<_> = line.split(' ').map(OsString::from).collect();
        option(&arguments)
    }

    #[test]
    fn the_last_option_before_another_programs_words_chooses_the_language() {
        assert_eq!(chosen("soter-sim --lang zh-CN help"), Some(Language::Chinese));
        assert_eq!(chosen("soter-sim --lang=zh_CN help --lang en"), Some(Language::English));
        assert_eq!(chosen("soter-sim exec -- npm test --lang zh"), None);
        assert_eq!(chosen("soter-sim help --lang"), None);
    }

    #[test]
    fn machine_output_is_english_in_every_locale() {
        let arguments = ["soter-sim", "keys", "--json", "--lang", "zh-CN"].map(OsString::from);
        assert_eq!(choose(&arguments), Language::English);
    }
}
