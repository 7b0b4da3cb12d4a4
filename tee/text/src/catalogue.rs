//! The translations, by their English texts.

use std::collections::HashMap;
use std::sync::OnceLock;

use polib::po_file::{POParseError, parse_from_reader};

use crate::language::Language;

/// A file of translations.
#[derive(Clone, Copy, Debug)]
pub struct Catalogue {
    /// Its name without `.po`: what its messages are about.
    pub name: &'static str,
    content: &'static str,
}

macro_rules! catalogues {
    ($($name:literal),+ $(,)?) => {
        /// The files of translations.
        pub const CATALOGUES: &[Catalogue] =
            &[$(Catalogue { name: $name, content: include_str!(concat!("zh_CN/", $name, ".po")) }),+];
    };
}

catalogues!["attacks", "audit", "codes", "doctor", "grammar", "help", "phone", "program", "repl", "servers"];

impl Catalogue {
    /// The file as it is written.
    pub fn content(&self) -> &'static str {
        self.content
    }

    /// Its messages: the English text, and the Chinese one.
    ///
    /// # Errors
    /// The file is not a PO file, or a message has plural forms.
    pub fn messages(&self) -> Result<Vec<(String, String)>, POParseError> {
        let catalogue = parse_from_reader(self.content.as_bytes())?;
        let messages = catalogue.messages();
        Ok(messages
            .map(|message| {
                (message.msgid().to_owned(), message.msgstr().map(ToOwned::to_owned).unwrap_or_default())
            })
            .collect())
    }
}

/// The Chinese text of this English text or template; `None` if it has no translation.
pub(crate) fn chinese(english: &str) -> Option<&'static str> {
    static MESSAGES: OnceLock<HashMap<String, String>> = OnceLock::new();
    let messages = MESSAGES.get_or_init(|| {
        // A test reads every file, so no file is unreadable here.
        CATALOGUES.iter().flat_map(|catalogue| catalogue.messages().unwrap_or_default()).collect()
    });
    messages.get(english).map(String::as_str).filter(|text| !text.is_empty())
}

/// A text without values in the language of this process; the English one if it has no translation.
pub fn translated(english: &str) -> &str {
    translated_into(Language::of_process(), english)
}

/// A text without values in this language; the English one if it has no translation.
pub fn translated_into(language: Language, english: &str) -> &str {
    match language {
        Language::English => english,
        Language::Chinese => chinese(english).unwrap_or(english),
    }
}
