//! `soter-sim ca`: what programs need to trust `https://api.weixin.qq.com` of a server with TLS.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, json};
use soter_bridge::protocol::CommandError;
use soter_bridge::server::ServerPath;
use soter_bridge::{CertificateAuthority, download};
use soter_sim::State;
use soter_sim::store::{StateFolder, kept_authority};
use soter_wire::pem;

use crate::front::{Console, Exit};
use crate::grammar::{Ca, DEFAULT_ADDRESS, Options};

use super::preload::Preload;
use super::setup;
use super::trust::TrustFiles;

/// Writes the files, and prints the variables that name them.
///
/// # Errors
/// `InvalidParams` if nothing is kept and no server is named. `Environment` if a file cannot be read or written, the
/// state folder is in use and keeps no authority yet, or the server has no TLS or cannot be reached.
pub(super) fn run(ca: &Ca, options: &Options, console: &mut Console) -> Result<Exit, CommandError> {
    let (certificate, server) = match &options.connect {
        Some(url) => of_server(url.expose())?,
        None => (kept(options)?, DEFAULT_ADDRESS.to_string()),
    };
    let unusable = |error: io::Error| {
        CommandError::environment(
            format!("the folder {} cannot be made: {error}", ca.export.display()),
            "check its path, permissions and free space, or name another one",
        )
    };
    let folder = std::path::absolute(&ca.export).map_err(unusable)?;
    std::fs::create_dir_all(&folder).map_err(unusable)?;
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
        let files = list().map(|(file, purpose)| format!("{:18}  {purpose}", file.display().to_string()));
        let variables = variables.map(|(name, value)| format!("{name}={value}"));
        files.chain([String::new()]).chain(variables).collect::<Vec<_>>().join("\n")
    };
    console.write_answer(&text)?;
    Ok(Exit::Good)
}

/// The files, each with what it is for.
fn list() -> impl Iterator<Item = (PathBuf, &'static str)> {
    TrustFiles::list().into_iter().chain(Preload::list())
}

/// The authority's certificate of a running server, as DER, and the server's address.
fn of_server(url: &str) -> Result<(Vec<u8>, String), CommandError> {
    let text = setup::runtime()?.block_on(download(url, ServerPath::CaCertificate))?;
    let text = String::from_utf8_lossy(&text);
    let certificate = pem::decode("CERTIFICATE", &text).map_err(|error| {
        CommandError::environment(
            format!("the server's certificate cannot be read: {error}"),
            "check that this is the address of a soter-sim server",
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
            "without a state folder, nothing keeps a certificate authority",
            "give the folder with --state DIR, or a running server with --connect URL",
        ));
    };
    let keep_new = |path: &Path| {
        let folder = StateFolder::open(path)?;
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
