//! `soter-sim ca`: what programs need to trust `https://api.weixin.qq.com` of a server with TLS.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, json};
use soter_bridge::protocol::CommandError;
use soter_bridge::server::ServerPath;
use soter_bridge::{BadAuthority, CertificateAuthority, download};
use soter_sim::State;
use soter_sim::store::{StateFolder, kept_authority};
use soter_text::{Text, text};
use soter_wire::pem;

use crate::files::{Input, read_input};
use crate::front::{Console, Exit};
use crate::grammar::{Ca, DEFAULT_ADDRESS, Options};

use super::preload::Preload;
use super::setup;
use super::trust::{CA, TrustFiles};

/// Writes the files, and prints the variables that name them.
///
/// # Errors
/// `InvalidParams` if nothing is kept and no server is named, or the folder has files that are not of an earlier export.
/// `Environment` if a file cannot be read or written, the
/// state folder is in use and keeps no authority yet, or the server has no TLS or cannot be reached.
pub(super) fn run(ca: &Ca, options: &Options, console: &mut Console) -> Result<Exit, CommandError> {
    let folder = std::path::absolute(&ca.export).map_err(|error| cannot_be_made(&ca.export, &error))?;
    check_export(&folder)?;
    let (certificate, server) = match &options.connect {
        Some(url) => of_server(url.expose())?,
        None => (kept(options)?, DEFAULT_ADDRESS.to_string()),
    };
    std::fs::create_dir_all(&folder).map_err(|error| cannot_be_made(&ca.export, &error))?;
    let files = TrustFiles::write(&folder, &certificate)?;
    for remark in &files.remarks {
        console.remark(remark);
    }
    let mut variables = files.variables(&server);
    variables.push(Preload::write(&folder, &server, true)?.variable());
    let variables = variables.iter().map(|(name, value)| (*name, value.to_string_lossy()));
    let text = if options.json {
        let variables: Map<_, _> = variables.map(|(name, value)| (name.to_owned(), json!(value))).collect();
        let names: Vec<_> = list().map(|(file, _)| file.display().to_string()).collect();
        json!({"files": names, "environment": variables}).to_string()
    } else {
        let files = list()
            .map(|(file, purpose)| format!("{:18}  {}", file.display().to_string(), purpose.localized()));
        let variables = variables.map(|(name, value)| assignment(name, &value));
        files.chain([String::new()]).chain(variables).collect::<Vec<_>>().join("\n")
    };
    console.write_answer(&text)?;
    Ok(Exit::Good)
}

fn cannot_be_made(folder: &Path, error: &io::Error) -> CommandError {
    CommandError::environment(
        text!("the folder {folder} cannot be made: {error}", folder = folder.display(), error = error),
        text!("check its path, permissions and free space, or name another one"),
    )
}

/// Checks that only files of an earlier export are replaced.
fn check_export(folder: &Path) -> Result<(), CommandError> {
    let is_there = |file: &Path| folder.join(file).symlink_metadata().ok();
    let is_earlier_export = || {
        let text = read_input(Input::File(&folder.join(CA))).ok()?;
        let der = pem::decode("CERTIFICATE", std::str::from_utf8(&text).ok()?).ok()?;
        let checked = CertificateAuthority::check_certificate(&der);
        matches!(checked, Ok(()) | Err(BadAuthority::Expired)).then_some(())
    };
    for (file, _) in list() {
        let Some(metadata) = is_there(&file) else { continue };
        if !metadata.is_file() || is_earlier_export().is_none() {
            return Err(CommandError::invalid_params(
                text!(
                    "{file} is there already, and is not of an earlier export",
                    file = folder.join(file).display()
                ),
                text!("name another folder, or move it away"),
            ));
        }
    }
    Ok(())
}

/// A line that sets a variable in the usual shell of the platform.
fn assignment(name: &str, value: &str) -> String {
    if cfg!(windows) {
        format!("$env:{name} = '{}'", value.replace('\'', "''"))
    } else {
        format!("export {name}={}", shell_words::quote(value))
    }
}

/// The files, each with what it is for.
fn list() -> impl Iterator<Item = (PathBuf, Text)> {
    TrustFiles::list().into_iter().chain(Preload::list())
}

/// The authority's certificate of a running server, as DER, and the server's address.
fn of_server(url: &str) -> Result<(Vec<u8>, String), CommandError> {
    let text = setup::runtime()?.block_on(download(url, ServerPath::CaCertificate))?;
    let text = String::from_utf8_lossy(&text);
    let certificate = pem::decode("CERTIFICATE", &text).map_err(|error| {
        CommandError::environment(
            text!("the server's certificate cannot be read: {error}", error = error.text()),
            text!("check that this is the address of a soter-sim server"),
        )
    })?;
    CertificateAuthority::check_certificate(&certificate).map_err(|bad| {
        CommandError::environment(
            text!("the server's certificate is not used: {bad}", bad = bad.text()),
            text!("check that this is the address of a soter-sim server of this version"),
        )
    })?;
    let address = url.split_once("://").map_or(url, |(_, rest)| rest);
    let address = address.split(['/', '?']).next().unwrap_or_default();
    Ok((certificate, address.to_owned()))
}

/// The certificate of the authority that the state folder keeps, as DER. If it keeps none, it gets one.
fn kept(options: &Options) -> Result<Vec<u8>, CommandError> {
    let State::Folder(path) = setup::state(options)? else {
        return Err(CommandError::invalid_params(
            text!("without a state folder, nothing keeps a certificate authority"),
            text!("give the folder with --state DIR, or a running server with --connect URL"),
        ));
    };
    let keep_new = |path: &Path| {
        let folder = StateFolder::open(path)?;
        // Another process may have kept one before the folder was locked.
        if let Some(kept) = kept_authority(path)? {
            return Ok(kept);
        }
        let authority = CertificateAuthority::generate()?;
        folder.keep_authority(&authority)?;
        Ok::<_, CommandError>(authority)
    };
    let authority = match kept_authority(&path)? {
        Some(kept) => kept,
        None => keep_new(&path)?,
    };
    Ok(authority.der().to_vec())
}
