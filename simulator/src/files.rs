//! Files that a command names: read with a size limit, written in one piece.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use soter_bridge::protocol::CommandError;
use soter_text::{Text, text};

/// The maximum size of a file that is read, in bytes: twice what the SDK accepts as JSON.
const MAX_FILE_BYTES: u64 = 2 << 20;

/// The source of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input<'a> {
    /// A file.
    File(&'a Path),
    /// Standard input, written `-`.
    Standard,
}

impl<'a> Input<'a> {
    /// The input that a path on a command line means.
    pub(crate) fn from_path(path: &'a Path) -> Self {
        if path == Path::new("-") { Self::Standard } else { Self::File(path) }
    }
}

/// Reads all bytes of a file or of standard input.
///
/// # Errors
/// `Environment` if the file does not exist, cannot be read, is not a regular file, or is larger than 2 MiB.
pub(crate) fn read_input(input: Input<'_>) -> Result<Vec<u8>, CommandError> {
    let next = text!("SOTER's texts, keys and signatures are far smaller: check that it is the right file");
    read_input_up_to(input, MAX_FILE_BYTES, next)
}

/// Reads all bytes of a file or of standard input, up to a limit. `next` says what to do if there are more.
///
/// # Errors
/// `Environment` if the file does not exist, cannot be read, is not a regular file, or is larger.
pub(crate) fn read_input_up_to(input: Input<'_>, limit: u64, next: Text) -> Result<Vec<u8>, CommandError> {
    match input {
        Input::Standard => read_bounded(io::stdin().lock(), &text!("standard input"), limit, next),
        Input::File(path) => {
            let name = Text::verbatim(path.display().to_string());
            let unreadable = |error: io::Error| {
                CommandError::environment(
                    text!("{name} cannot be read: {error}", name = name, error = error),
                    text!("check the path and its permissions"),
                )
            };
            // Opening a pipe would wait for a writer, and a device may never end.
            if !path.metadata().map_err(unreadable)?.is_file() {
                return Err(CommandError::environment(
                    text!("{name} is not a regular file", name = name),
                    text!("name a file, or `-` for standard input"),
                ));
            }
            read_bounded(File::open(path).map_err(unreadable)?, &name, limit, next)
        }
    }
}

fn read_bounded(source: impl Read, name: &Text, limit: u64, next: Text) -> Result<Vec<u8>, CommandError> {
    let mut bytes = Vec::new();
    source.take(limit + 1).read_to_end(&mut bytes).map_err(|error| {
        CommandError::environment(
            text!("{name} cannot be read: {error}", name = name, error = error),
            text!("check what it is, then repeat"),
        )
    })?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
        Ok(bytes)
    } else {
        Err(CommandError::environment(
            text!("{name} has more than {limit} bytes", name = name, limit = limit),
            next,
        ))
    }
}

/// Writes a file, and replaces its contents if it exists.
///
/// # Errors
/// `Environment` if the file cannot be written. The message contains its name.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), CommandError> {
    std::fs::write(path, bytes).map_err(|error| {
        CommandError::environment(
            text!("{path} cannot be written: {error}", path = path.display(), error = error),
            text!("check the folder, its permissions and the free space"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_two_mebibytes_is_read_and_one_byte_more_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        let mut bytes = vec![b'x'; usize::try_from(MAX_FILE_BYTES).unwrap()];
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(read_input(Input::from_path(&path)).unwrap(), bytes);
        bytes.push(b'x');
        std::fs::write(&path, &bytes).unwrap();
        assert!(read_input(Input::from_path(&path)).unwrap_err().what.english().contains("2097152"));
    }

    #[test]
    fn a_path_that_is_not_a_file_is_an_environment_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), folder.path().join("missing")] {
            let error = read_input(Input::from_path(&path)).unwrap_err();
            assert_eq!(error.kind, soter_bridge::protocol::ErrorKind::Environment);
            assert!(error.what.english().contains(&path.display().to_string()), "{error}");
        }
    }

    #[test]
    fn a_dash_is_standard_input() {
        assert_eq!(Input::from_path(Path::new("-")), Input::Standard);
        assert_eq!(Input::from_path(Path::new("./-")), Input::File(Path::new("./-")));
    }
}
