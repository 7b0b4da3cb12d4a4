//! `tee`: the trusted app's commands, named as in the Android SDK's ISoterService.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};
use soter_bridge::protocol::{CommandError, soter};
use soter_text::text;

use super::prepared_call::PreparedCall;

/// `tee COMMAND [ARGS…] [--raw FILE]`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Tee {
    /// Also write the exported bytes to this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, global = true)]
    raw: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: TeeCommand,
}

/// The thirteen commands.
#[derive(Clone, Debug, Subcommand)]
#[command(rename_all = "camelCase")]
pub(crate) enum TeeCommand {
    /// Make an app's ASK; one that exists is replaced, with its AuthKeys
    GenerateAppSecureKey(App),
    /// Export an app's ASK, signed by the ATTK
    GetAppSecureKey(App),
    /// Whether an app has an ASK
    HasAskAlready(App),
    /// Make a named AuthKey; one that exists is replaced
    GenerateAuthKey(NamedKey),
    /// Export a named AuthKey, signed by the app's ASK
    GetAuthKey(NamedKey),
    /// Whether a named AuthKey exists, valid or not
    HasAuthKey(NamedKey),
    /// Remove a named AuthKey
    RemoveAuthKey(NamedKey),
    /// Remove an app's AuthKeys and its ASK
    RemoveAllAuthKey(App),
    /// Open a signing session, which waits for a touch (REPL only)
    InitSigh {
        #[command(flatten)]
        key: NamedKey,
        /// What is to be signed
        #[arg(value_name = "CHALLENGE")]
        challenge: String,
    },
    /// Sign in a session that a matching touch has armed (REPL only)
    FinishSign {
        /// The session that initSigh answered
        #[arg(value_name = "SESSION")]
        session: u64,
    },
    /// The cpu_id
    GetDeviceId,
    /// The SOTER version
    GetVersion,
    /// A hardware parameter
    GetExtraParam {
        /// fingerprint_type or fingerprint_hardware_position
        #[arg(value_name = "PARAMETER")]
        key: String,
    },
}

/// An app on the phone.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct App {
    /// The app's Android uid, for example 10115
    #[arg(value_name = "UID")]
    uid: u32,
}

/// An AuthKey of an app.
#[derive(Args, Clone, Debug)]
pub(crate) struct NamedKey {
    #[command(flatten)]
    app: App,
    /// The key's name
    #[arg(value_name = "KEY")]
    kname: String,
}

impl TeeCommand {
    /// Whether the command is about a signing session, which exists only as long as its process.
    pub(crate) fn needs_session(&self) -> bool {
        matches!(self, Self::InitSigh { .. } | Self::FinishSign { .. })
    }

    /// Whether the command exports bytes.
    fn exports(&self) -> bool {
        matches!(
            self,
            Self::GetAppSecureKey(_) | Self::GetAuthKey(_) | Self::FinishSign { .. } | Self::GetDeviceId
        )
    }
}

impl Tee {
    /// The protocol call for this command.
    ///
    /// # Errors
    /// `InvalidParams` if a file for exported bytes is named, and the command exports none.
    pub(super) fn prepared_call(self) -> Result<PreparedCall, CommandError> {
        if self.raw.is_some() && !self.command.exports() {
            return Err(CommandError::invalid_params(
                text!("--raw wants bytes to write, and this command exports none"),
                text!(
                    "leave --raw out; getAppSecureKey, getAuthKey, finishSign and getDeviceId export bytes"
                ),
            ));
        }
        let prepared_call = match self.command {
            TeeCommand::GenerateAppSecureKey(App { uid }) => {
                PreparedCall::new(soter::GenerateAppSecureKey { uid })
            }
            TeeCommand::GetAppSecureKey(App { uid }) => PreparedCall::new(soter::GetAppSecureKey { uid }),
            TeeCommand::HasAskAlready(App { uid }) => PreparedCall::new(soter::HasAskAlready { uid }),
            TeeCommand::GenerateAuthKey(NamedKey { app, kname }) => {
                PreparedCall::new(soter::GenerateAuthKey { uid: app.uid, kname })
            }
            TeeCommand::GetAuthKey(NamedKey { app, kname }) => {
                PreparedCall::new(soter::GetAuthKey { uid: app.uid, kname })
            }
            TeeCommand::HasAuthKey(NamedKey { app, kname }) => {
                PreparedCall::new(soter::HasAuthKey { uid: app.uid, kname })
            }
            TeeCommand::RemoveAuthKey(NamedKey { app, kname }) => {
                PreparedCall::new(soter::RemoveAuthKey { uid: app.uid, kname })
            }
            TeeCommand::RemoveAllAuthKey(App { uid }) => PreparedCall::new(soter::RemoveAllAuthKey { uid }),
            TeeCommand::InitSigh { key: NamedKey { app, kname }, challenge } => {
                PreparedCall::new(soter::InitSigh { uid: app.uid, kname, challenge })
            }
            TeeCommand::FinishSign { session } => PreparedCall::new(soter::FinishSign { session }),
            TeeCommand::GetDeviceId => PreparedCall::new(soter::GetDeviceId {}),
            TeeCommand::GetVersion => PreparedCall::new(soter::GetVersion {}),
            TeeCommand::GetExtraParam { key } => PreparedCall::new(soter::GetExtraParam { key }),
        };
        Ok(PreparedCall { raw: self.raw, ..prepared_call })
    }
}
