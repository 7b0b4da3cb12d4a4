//! `soter-sim doctor`: looks at all that calls depend on, and says in a sentence each what is wrong and what to do.
//!
//! It changes nothing: a state folder that does not exist is not made.

mod computer;
mod observation;
mod port;
mod state_folder;
mod switches;

use soter_bridge::Connection;
use soter_bridge::protocol::CommandError;
use soter_sim::Desk;
use soter_text::tr;

use self::observation::{Observation, Severity};
use self::port::Port;
use self::state_folder::StateFolderCheck;
use super::setup;
use crate::front::{Console, Exit};
use crate::grammar::{Doctor, Options};

/// Looks, and prints an observation per line. The exit code is 1 if one of them is a problem.
///
/// # Errors
/// `Environment` if the answer cannot be written, or the runtime does not start.
pub(super) fn run(doctor: &Doctor, options: &Options, console: &mut Console) -> Result<Exit, CommandError> {
    let runtime = setup::runtime()?;
    let mut observations = computer::observe();
    let source = if let Some(url) = &options.connect {
        Some(Source::Server(url.expose().to_owned()))
    } else {
        let port = runtime.block_on(Port::look_at(doctor.listen));
        let folder = StateFolderCheck::of(options, port.server_url());
        observations.push(port.observation());
        observations.push(folder.observation);
        folder.desk.map(Source::Desk).or_else(|| folder.server.map(Source::Server))
    };
    match source {
        Some(Source::Desk(desk)) => {
            observations.extend(runtime.block_on(switches::observe(&desk, options.device.as_deref())));
            desk.close()?;
        }
        Some(Source::Server(url)) => observations.extend(runtime.block_on(of_server(&url, options))),
        None => {}
    }
    let answer = if options.json {
        serde_json::to_string(&observations)
            .map_err(|error| CommandError::internal(format!("the observations are not JSON: {error}")))?
    } else {
        observation::as_lines(&observations, console.paint)
    };
    console.write_answer(&answer)?;
    let problems =
        observations.iter().filter(|observation| observation.severity == Severity::Problem).count();
    if !options.json {
        console.remark(&match problems {
            0 => tr!("nothing stands in the way"),
            problems => tr!("what has to be put right: {problems}", problems = problems),
        });
    }
    Ok(if problems == 0 { Exit::Good } else { Exit::Negative })
}

/// Where the switches of phones and servers are read.
enum Source {
    /// The state folder, which nobody uses.
    Desk(Desk),
    /// A running server with this address.
    Server(String),
}

/// What a running server says.
async fn of_server(url: &str, options: &Options) -> Vec<Observation> {
    match Connection::open(url).await {
        Ok(connection) => switches::observe(&connection, options.device.as_deref()).await,
        Err(error) => vec![("server", error).into()],
    }
}
