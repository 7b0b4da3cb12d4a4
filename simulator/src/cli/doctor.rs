//! `soter-sim doctor`: looks at all that calls depend on, and says what is wrong and what to do, one line each.
//!
//! It changes nothing but the lock of the state folder, which it holds meanwhile: a folder that does not exist is not made, and
//! the phones in one are looked at as copies in memory.

mod computer;
mod observation;
mod port;
mod state_folder;
mod switches;
mod target;

use soter_bridge::Connection;
use soter_bridge::protocol::CommandError;
use soter_text::{text, tr};

use self::observation::{Observation, Severity};
use self::port::Port;
use self::state_folder::{Source, StateFolderCheck};
use self::target::Target;
use super::setup;
use crate::front::{Console, Exit};
use crate::grammar::{Doctor, Options};

/// Looks, and prints an observation per line. The exit code is 1 if one of them is a problem.
///
/// # Errors
/// `InvalidParams` for an address to listen on together with one to connect to. `Environment` if the answer cannot be written,
/// or the runtime does not start.
pub(super) fn run(doctor: &Doctor, options: &Options, console: &mut Console) -> Result<Exit, CommandError> {
    if options.connect.is_some() && doctor.listen.is_some() {
        return Err(CommandError::invalid_params(
            text!("--connect means the servers of a running process, and --listen an address for new ones"),
            text!("leave one of them out"),
        ));
    }
    let runtime = setup::runtime()?;
    // JSON is always English, so it says nothing about the language of a person.
    let mut observations = computer::observe(!options.json);
    let device = options.device.as_deref();
    if let Some(url) = &options.connect {
        observations.extend(runtime.block_on(async {
            match Connection::open(url.expose()).await {
                Ok(connection) => switches::observe(&connection, device, &Target::server(url.expose())).await,
                Err(error) => vec![Observation::failed("servers", error)],
            }
        }));
    } else {
        let port = runtime.block_on(Port::look_at(doctor.listen));
        let folder = StateFolderCheck::of(options, port.server_url());
        observations.push(port.observation());
        observations.push(folder.observation);
        observations.extend(match folder.source {
            Some(Source::Desk(desk)) => {
                let target = Target::state_folder(options);
                runtime.block_on(switches::observe(&desk, device, &target))
            }
            Some(Source::Server(url)) => runtime.block_on(of_found_server(&url, device)),
            None => Vec::new(),
        });
    }
    let answer = if options.json {
        serde_json::to_string(&observations)
            .map_err(|error| CommandError::defect(format!("the observations are not JSON: {error}")))?
    } else {
        observation::as_lines(&observations, console.paint)
    };
    console.write_answer(&answer)?;
    let [problems, notes] = [Severity::Problem, Severity::Note]
        .map(|severity| observations.iter().filter(|observation| observation.severity == severity).count());
    if !options.json {
        console.remark(&match (problems, notes) {
            (0, 0) => tr!("nothing stands in the way"),
            (0, notes) => tr!("no problems; notes: {notes}", notes = notes),
            (problems, _) => tr!("problems: {problems}", problems = problems),
        });
    }
    Ok(if problems == 0 { Exit::Good } else { Exit::Negative })
}

/// What a running server says that was found. Nobody has given its token.
async fn of_found_server(url: &str, device: Option<&str>) -> Vec<Observation> {
    match Connection::open(url).await {
        Ok(connection) => switches::observe(&connection, device, &Target::server(url)).await,
        Err(_) if port::wants_token(url).await => vec![Observation::note(
            "servers",
            text!("the server {url} wants its token: its phones and switches were not looked at", url = url),
            text!("give it: soter-sim doctor --connect '{url}/?token=TOKEN'", url = url),
        )],
        Err(error) => vec![Observation::failed("servers", error)],
    }
}
