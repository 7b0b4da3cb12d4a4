//! `soter-sim vectors`: a complete matching set of keys, results and signatures, for tests of a backend.

mod cases;
mod manifest;
mod recording;

use std::fs;
use std::path::Path;

use soter_bridge::protocol::sensor::{self, SensorMode};
use soter_bridge::protocol::{CommandError, Service, device};
use soter_bridge::{Connection, visible};
use soter_sim::State;
use soter_sim::store::StateFolder;
use soter_text::{text, tr};
use soter_wechat::Secret;

use self::cases::CaseSet;
use self::recording::VectorSet;
use crate::files::write_file;
use crate::front::{Console, Exit};
use crate::grammar::{Options, Vectors};

use super::setup;

/// Records the set on a phone that is discarded afterwards, and writes it.
///
/// # Errors
/// `InvalidParams` if the folder is not empty or is a state folder. `Environment` if a file cannot be written or the
/// server cannot be reached. `Internal` if the phone refuses or a signature does not verify.
pub(super) fn run(vectors: &Vectors, options: &Options, console: &mut Console) -> Result<Exit, CommandError> {
    let folder = vectors.folder.as_path();
    prepare(folder, vectors.force)?;
    let runtime = setup::runtime()?;
    let set = if let Some(url) = &options.connect {
        runtime.block_on(record_on_server(url.expose(), options.device.as_deref()))?
    } else {
        let desk = setup::open(State::Ephemeral, options)?;
        let set = runtime.block_on(recording::record(&desk, None));
        let closed = desk.close();
        let set = set?;
        closed?;
        set
    };
    let seed = options.seed.as_ref().map(Secret::expose);
    let cases = cases::make(&set.phone.profile, seed)?;
    write(&set, &cases, folder)?;
    let text = if options.json {
        manifest::manifest(&set, &cases).to_string()
    } else {
        summary(&set, &cases, folder)
    };
    console.write_answer(&text)?;
    Ok(Exit::Good)
}

/// Records on a running server. A new phone of the same family is created for this and removed afterwards, so that no
/// existing keys are replaced. The server's `verify_signature` keeps the new phone's keys.
async fn record_on_server(url: &str, device: Option<&str>) -> Result<VectorSet, CommandError> {
    let server = Connection::open(url).await?;
    let profile = Some(server.request(device, device::Show {}).await?.profile);
    let name = format!("vectors-{}", std::process::id());
    let create = device::Create { name: name.clone(), profile, ..device::Create::default() };
    server.request(None, create).await?;
    // The recording makes its own touches, whatever the server's sensor mode is.
    server.request(Some(&name), sensor::SetMode { mode: SensorMode::Ask }).await?;
    let set = recording::record(&server, Some(&name)).await;
    let removed = server.request(None, device::Remove { name }).await;
    let set = set?;
    removed?;
    Ok(set)
}

/// Creates the folder, and checks that it is empty or may be overwritten.
fn prepare(folder: &Path, force: bool) -> Result<(), CommandError> {
    let unusable = |error: std::io::Error| {
        CommandError::environment(
            text!("the folder {folder} cannot be used: {error}", folder = folder.display(), error = error),
            text!("check its path, permissions and free space, or name another one"),
        )
    };
    if StateFolder::exists_at(folder) {
        return Err(CommandError::invalid_params(
            text!("{folder} is a state folder, with phones in it", folder = folder.display()),
            text!("name another folder for the vectors"),
        ));
    }
    fs::create_dir_all(folder).map_err(unusable)?;
    let is_empty = fs::read_dir(folder).map_err(unusable)?.next().is_none();
    if is_empty || force {
        Ok(())
    } else {
        Err(CommandError::invalid_params(
            text!("the folder {folder} is not empty", folder = folder.display()),
            text!("name another one, or add --force to write over files of the same names"),
        ))
    }
}

/// Writes the files. The manifest comes last, so a folder that has one is complete.
fn write(set: &VectorSet, cases: &CaseSet, folder: &Path) -> Result<(), CommandError> {
    for file in set.files.iter().chain(&cases.files) {
        write_file(&folder.join(&file.name), &file.bytes)?;
    }
    write_file(&folder.join("README.txt"), manifest::readme(set).as_bytes())?;
    let manifest = serde_json::to_string_pretty(&manifest::manifest(set, cases))
        .map_err(|error| CommandError::defect(format!("the manifest does not serialise: {error}")))?;
    write_file(&folder.join("manifest.json"), format!("{manifest}\n").as_bytes())
}

fn summary(set: &VectorSet, cases: &CaseSet, folder: &Path) -> String {
    let width = set.files.iter().map(|file| file.name.len()).max().unwrap_or_default();
    let mut lines: Vec<_> = set
        .files
        .iter()
        .map(|file| format!("{:width$}  {}", file.name, file.description.localized()))
        .collect();
    let refused = cases.cases.iter().filter(|case| case.refused_by.is_some()).count();
    let others = [
        (
            "case_*",
            tr!(
                "cases for a verifier: {cases}; it must refuse {refused} of them",
                cases = cases.cases.len(),
                refused = refused
            ),
        ),
        ("README.txt", tr!("how to check them by hand")),
        ("manifest.json", tr!("which key verifies what, at which salt length, and the cases")),
    ];
    lines.extend(others.into_iter().map(|(name, what)| format!("{name:width$}  {what}")));
    lines.push(tr!(
        "files in {folder}: {files}; signatures, each checked: {signatures}",
        folder = visible(&folder.display().to_string()),
        files = set.files.len() + cases.files.len() + 2,
        signatures = set.checks.len()
    ));
    lines.join("\n")
}
