//! The phones and servers that were looked at, as the options of further commands name them.

use std::borrow::Cow;

use crate::grammar::Options;

/// Names the phones and servers that were looked at, on a command line.
#[derive(Debug)]
pub(super) struct Target {
    /// An option with its value, quoted for a shell. `None` for the phones that every command uses without an option.
    option: Option<String>,
}

impl Target {
    /// Those of a running server. A token in its address is not shown: `TOKEN` stands for it.
    pub(super) fn server(url: &str) -> Self {
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let shown = if query.is_empty() {
            Cow::Borrowed(address)
        } else {
            Cow::Owned(format!("{}/?token=TOKEN", address.trim_end_matches('/')))
        };
        Self { option: Some(format!("--connect {}", quoted(&shown))) }
    }

    /// Those of the state folder in the options, or of the usual one.
    pub(super) fn state_folder(options: &Options) -> Self {
        let folder = options.state.as_ref().map(|folder| folder.to_string_lossy());
        Self { option: folder.map(|folder| format!("--state {}", quoted(&folder))) }
    }

    /// The command line for a command, such as `clock default`.
    pub(super) fn command_line(&self, command: &str) -> String {
        match &self.option {
            Some(option) => format!("soter-sim {command} {option}"),
            None => format!("soter-sim {command}"),
        }
    }
}

/// As a shell takes it: in quotes only if it has more than letters, digits and what paths and addresses usually have.
fn quoted(value: &str) -> Cow<'_, str> {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "/:.-_".contains(character);
    if !value.is_empty() && value.chars().all(is_plain) {
        Cow::Borrowed(value)
    } else {
        shell_words::quote(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_names_the_server_without_its_token() {
        for (url, expected) in [
            ("http://127.0.0.1:8777", "soter-sim clock default --connect http://127.0.0.1:8777"),
            ("http://a:1?token=secret", "soter-sim clock default --connect 'http://a:1/?token=TOKEN'"),
            ("http://a:1/?token=secret", "soter-sim clock default --connect 'http://a:1/?token=TOKEN'"),
            ("http://[::1]:1", "soter-sim clock default --connect 'http://[::1]:1'"),
        ] {
            assert_eq!(Target::server(url).command_line("clock default"), expected);
        }
    }

    #[test]
    fn a_command_line_names_the_state_folder_that_was_given() {
        for (folder, expected) in [
            (None, "soter-sim device list"),
            (Some("/tmp/a"), "soter-sim device list --state /tmp/a"),
            (Some("my phones"), "soter-sim device list --state 'my phones'"),
        ] {
            let options = Options { state: folder.map(Into::into), ..Options::default() };
            assert_eq!(Target::state_folder(&options).command_line("device list"), expected);
        }
    }
}
