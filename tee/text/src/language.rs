//! The languages, and which of them this process speaks.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether this process speaks Chinese.
static IS_CHINESE: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// The language in which this thread serializes texts.
    static SERIALIZED: Cell<Language> = const { Cell::new(Language::English) };
}

/// A language in which a person can be spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// English, which machine output is written in as well.
    #[default]
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Language {
    /// Both.
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// Its name as a language tag: `en` or `zh-CN`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }

    /// The language that a locale or a language tag asks for, such as `zh_CN.UTF-8`, `zh-Hans-CN` or `en`. `None` for
    /// others. Every form of Chinese is Simplified Chinese here.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let language = tag.split(['_', '-', '.', '@']).next().unwrap_or_default();
        match language.to_ascii_lowercase().as_str() {
            "zh" => Some(Self::Chinese),
            "en" => Some(Self::English),
            _ => None,
        }
    }

    /// The language of the person whose locale this is; English if we do not speak it.
    pub fn of_locale() -> Self {
        locale().and_then(|tag| Self::from_tag(&tag)).unwrap_or_default()
    }

    /// The language of this process: English until [`set_for_process`](Self::set_for_process).
    pub fn of_process() -> Self {
        if IS_CHINESE.load(Ordering::Relaxed) { Self::Chinese } else { Self::English }
    }

    /// The language in which texts are serialized now: English outside [`while_serializing`](Self::while_serializing).
    pub(crate) fn of_serialization() -> Self {
        SERIALIZED.get()
    }

    /// Runs this, and serializes texts in this language meanwhile: for an answer to somebody who has asked for it.
    pub fn while_serializing<T>(self, serialize: impl FnOnce() -> T) -> T {
        /// Restores the language, also if serializing panics.
        struct Restored(Language);
        impl Drop for Restored {
            fn drop(&mut self) {
                SERIALIZED.set(self.0);
            }
        }
        let _restored = Restored(SERIALIZED.replace(self));
        serialize()
    }

    /// Chooses the language of this process, from now on.
    pub fn set_for_process(self) {
        IS_CHINESE.store(self == Self::Chinese, Ordering::Relaxed);
    }
}

/// The user's locale, as the environment or the system names it.
pub fn locale() -> Option<String> {
    sys_locale::get_locale()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_chooses_the_language_that_it_begins_with() {
        for tag in ["zh_CN.UTF-8", "zh-Hans-CN", "zh", "ZH_SG", "zh_TW.UTF-8@radical"] {
            assert_eq!(Language::from_tag(tag), Some(Language::Chinese), "{tag}");
        }
        for tag in ["en", "en_US.UTF-8", "EN-GB"] {
            assert_eq!(Language::from_tag(tag), Some(Language::English), "{tag}");
        }
        for tag in ["", "C", "POSIX", "de_DE.UTF-8", "zhx", "english"] {
            assert_eq!(Language::from_tag(tag), None, "{tag}");
        }
    }

    #[test]
    fn a_tag_names_its_own_language() {
        for language in Language::ALL {
            assert_eq!(Language::from_tag(language.tag()), Some(language));
        }
    }
}
