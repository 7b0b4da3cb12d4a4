//! `auth`: a mini program's call for a touch.

use clap::Args;
use soter_bridge::protocol::{Touch, TouchScript, TouchScriptError, wx};
use soter_text::text;

use super::prepared_call::PreparedCall;
use super::wrong_value::WrongValue;

/// `auth CHALLENGE [--modes MODES] [--content TEXT] [--touch SCRIPT]`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Auth {
    /// What is to be signed: 1 to 511 UTF-16 units
    #[arg(value_name = "CHALLENGE", required_unless_present = "named_challenge")]
    challenge: Option<String>,
    /// The challenge, for one that begins with a dash
    #[arg(
        id = "named_challenge",
        long = "challenge",
        value_name = "TEXT",
        allow_hyphen_values = true,
        conflicts_with = "challenge"
    )]
    named_challenge: Option<String>,
    /// Modes that are accepted, comma-separated; left out: the phone's usual one
    #[arg(long, value_name = "MODES")]
    modes: Option<String>,
    /// The dialog's text, at most 42 UTF-16 units
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    content: Option<String>,
    /// The mini program that calls; left out: the first one of WeChat's servers
    #[arg(long, value_name = "APPID")]
    app: Option<String>,
    /// Touches instead of a person: finger numbers, `wrong`, `cancel`, comma-separated
    #[arg(long, value_name = "SCRIPT", value_parser = parse_touch_script)]
    touch: Option<TouchScript>,
}

impl Auth {
    /// The protocol call for this command. Modes are passed on as given; an empty list means no modes.
    pub(crate) fn prepared_call(self) -> PreparedCall {
        let use_default_mode = self.modes.is_none();
        let request_auth_modes = self.modes.map(|modes| match modes.as_str() {
            "" => Vec::new(),
            names => names.split(',').map(str::to_owned).collect(),
        });
        let request = wx::StartSoterAuthentication {
            request_auth_modes,
            challenge: self.challenge.or(self.named_challenge),
            auth_content: self.content,
            appid: self.app,
            touch: self.touch,
        };
        PreparedCall { use_default_mode, ..PreparedCall::new(request) }
    }
}

/// Parses one touch.
pub(super) fn parse_touch(text: &str) -> Result<Touch, WrongValue> {
    text.parse()
        .map_err(|()| WrongValue::from(text!("a touch is a finger's number (1, 2, …), `wrong` or `cancel`")))
}

/// Parses a list of touches.
pub(super) fn parse_touch_script(text: &str) -> Result<TouchScript, WrongValue> {
    text.parse().map_err(|error: TouchScriptError| WrongValue::from(error.text()))
}
