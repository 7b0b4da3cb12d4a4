//! A new file for a description. A file that is there already stays as it is.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use soter_bridge::protocol::CommandError;
use soter_bridge::visible;
use soter_text::text;

/// Writes a description into a file that is not there yet.
///
/// # Errors
/// `InvalidParams` if the file is there, `Environment` if it cannot be written.
pub(super) fn write_new(path: &Path, text: &str) -> Result<(), CommandError> {
    let opened = OpenOptions::new().write(true).create_new(true).open(path);
    let written = opened.and_then(|mut file| {
        file.write_all(text.as_bytes()).inspect_err(|_| {
            // What stays of it would be in the way of the next try. The error says what is wrong.
            let _ = std::fs::remove_file(path);
        })
    });
    written.map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            return is_there_already(path);
        }
        CommandError::environment(
            text!("{file} cannot be written: {error}", file = path.display(), error = error),
            text!("check the folder and its permissions, or name another file: --init FILE"),
        )
    })
}

/// The name of a file for a person, and as an argument of a command that they can copy.
pub(super) fn shown_path(path: &Path) -> [String; 2] {
    let path = path.display().to_string();
    [visible(&path).into_owned(), visible(&shell_words::quote(&path)).into_owned()]
}

/// The error for a file that is there already.
pub(super) fn is_there_already(path: &Path) -> CommandError {
    CommandError::invalid_params(
        text!("{file} is there already", file = path.display()),
        text!("name another file: --init FILE"),
    )
}
