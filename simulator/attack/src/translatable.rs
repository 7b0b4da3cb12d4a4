//! English texts of constants that have translations.

/// The English text of a constant that has a translation: what is in `text!`, where the test of the translations finds it.
macro_rules! english {
    ($text:ident!($english:literal)) => {
        $english
    };
}

pub(crate) use english;
