//! `danger`: an attacker's powers over a phone.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueHint};
use soter_bridge::protocol::danger::{Duplicate, Hash, Padding, Restore, SetClock, Sign, Snapshot};
use soter_bridge::protocol::{CommandError, PrivateKeyText};
use soter_text::text;
use zeroize::Zeroizing;

use super::prepared_call::PreparedCall;
use super::timestamp::parse_timestamp;
use super::wrong_value::WrongValue;
use crate::files::{Input, read_input};

/// `danger …`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Danger {
    /// Switch a phone off and copy its flash and its RPMB; the copy lives as long as the process
    Snapshot {
        /// The copy's name: 1 to 64 of a-z, 0-9 and `-`; one of the same name is replaced
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Put a copy back, flash and RPMB together: the counter goes back as well
    Restore {
        /// The copy's name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Put a duplicate of a phone on the desk: one identity, one state, two phones
    Clone {
        /// The duplicate's name: 1 to 64 of a-z, 0-9 and `-`, starting with a letter or digit
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Force any phone's clock to stand at a moment
    Clock {
        /// 2020-01-01T00:00:00Z or Unix milliseconds; `default` sets it free
        #[arg(value_name = "TIME", value_parser = parse_clock)]
        clock: Forced,
    },
    /// Sign with a key in software, in any form, right or wrong
    Sign(SignArguments),
}

/// A moment, or none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Forced(Option<u64>);

/// `danger sign TEXT …`.
#[derive(Args, Clone, Debug)]
pub(crate) struct SignArguments {
    /// What is signed: its UTF-8 bytes
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    text: String,
    /// A PKCS#8 private key in PEM; left out: the attacker's own, made when it is first needed
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    key: Option<PathBuf>,
    /// The padding
    #[arg(long, value_name = "PADDING", default_value = "pss", value_parser = padding())]
    padding: Padding,
    /// The hash of the text
    #[arg(long, value_name = "HASH", default_value = "sha256", value_parser = hash())]
    hash: Hash,
    /// The hash inside MGF1, for PSS
    #[arg(long, value_name = "HASH", default_value = "sha256", value_parser = hash())]
    mgf1: Hash,
    /// The salt's length in bytes, for PSS
    #[arg(long, value_name = "BYTES", default_value_t = soter_wire::SaltLength::DEFAULT.get())]
    salt: u16,
}

impl Danger {
    /// Whether the command needs copies, which exist only as long as their process.
    pub(crate) fn needs_copies(&self) -> bool {
        matches!(self, Self::Snapshot { .. } | Self::Restore { .. })
    }

    /// The protocol call for this command.
    ///
    /// # Errors
    /// `Environment` if the key's file cannot be read, `InvalidParams` if it is not UTF-8.
    pub(super) fn prepared_call(self) -> Result<PreparedCall, CommandError> {
        Ok(match self {
            Self::Snapshot { name } => PreparedCall::new(Snapshot { name }),
            Self::Restore { name } => PreparedCall::new(Restore { name }),
            Self::Clone { name } => PreparedCall::new(Duplicate { name }),
            Self::Clock { clock: Forced(clock) } => PreparedCall::new(SetClock { clock }),
            Self::Sign(SignArguments { text, key, padding, hash, mgf1, salt }) => {
                let private_key = key.as_deref().map(|path| read_key(Input::from_path(path))).transpose()?;
                PreparedCall::new(Sign { text, private_key, padding, hash, mgf1, salt })
            }
        })
    }
}

fn read_key(input: Input<'_>) -> Result<PrivateKeyText, CommandError> {
    let bytes = Zeroizing::new(read_input(input)?);
    std::str::from_utf8(&bytes).map(|pem| PrivateKeyText(pem.into())).map_err(|_| {
        CommandError::invalid_params(
            text!("the private key is not PEM: it is not UTF-8"),
            text!("name a PEM file in PKCS#8"),
        )
    })
}

fn parse_clock(text: &str) -> Result<Forced, WrongValue> {
    match text {
        "default" => Ok(Forced(None)),
        timestamp => parse_timestamp(timestamp).map(|timestamp| Forced(Some(timestamp))),
    }
}

fn padding() -> impl TypedValueParser<Value = Padding> {
    PossibleValuesParser::new(["pss", "pkcs1"])
        .map(|text| if text == "pkcs1" { Padding::Pkcs1 } else { Padding::Pss })
}

fn hash() -> impl TypedValueParser<Value = Hash> {
    PossibleValuesParser::new(["sha256", "sha1", "sha384", "sha512"]).map(|text| match text.as_str() {
        "sha1" => Hash::Sha1,
        "sha384" => Hash::Sha384,
        "sha512" => Hash::Sha512,
        _ => Hash::Sha256,
    })
}
