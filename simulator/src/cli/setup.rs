//! What commands need first: the place of the phones, a desk with them, and the async runtime.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use soter_bridge::protocol::{CommandError, ErrorKind, Service, device};
use soter_sim::{Desk, DeskOptions, State, default_state_folder};
use soter_text::text;
use tokio::runtime::{Builder, Runtime};

use crate::front;
use crate::grammar::Options;

/// The threads besides the runtime's: the ledger's writer, standard error, the stock of keys, the keyboard.
const OTHER_THREADS: usize = 4;
/// A worker, and the thread that runs its other tasks while it makes a key.
const THREADS_PER_WORKER: usize = 2;

/// The files of the runtime, the state folder, the ledger and one connection.
const FILES: usize = 16;

/// The place of the phones: the folder in the options, memory, or the platform's data folder.
pub(super) fn state(options: &Options) -> Result<State, CommandError> {
    if let Some(folder) = &options.state {
        return Ok(State::Folder(folder.clone()));
    }
    if options.ephemeral || options.seed.is_some() {
        return Ok(State::Ephemeral);
    }
    default_state_folder().map(State::Folder).ok_or_else(|| {
        CommandError::invalid_params(
            text!("this platform names no folder for a program's data"),
            text!("give one with --state DIR, or keep nothing with --ephemeral"),
        )
    })
}

/// Opens a desk for one command.
pub(super) fn open(state: State, options: &Options) -> Result<Desk, CommandError> {
    Desk::open(desk_options(state, options))
}

pub(super) fn desk_options(state: State, options: &Options) -> DeskOptions {
    DeskOptions {
        profile: options.profile.clone(),
        seed: options.seed.clone(),
        clock: options.clock,
        ..DeskOptions::new(state)
    }
}

/// The async runtime, with a worker for each processor, or fewer if this process may not start that many threads.
///
/// # Errors
/// `Environment` if there are not enough threads for one worker, or not enough files can be opened, or the runtime does not
/// start for another reason.
pub(super) fn runtime() -> Result<Runtime, CommandError> {
    let files = possible_files(FILES);
    if files < FILES {
        return Err(CommandError::environment(
            text!(
                "this process may open {files} more files, and needs {needed}",
                files = files,
                needed = FILES
            ),
            text!("raise the limit of open files (ulimit -n), then repeat"),
        ));
    }
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let wanted = OTHER_THREADS + THREADS_PER_WORKER * processors;
    let possible = possible_threads(wanted);
    let workers = possible.saturating_sub(OTHER_THREADS) / THREADS_PER_WORKER;
    let limits =
        text!("check the limits of this process (ulimit -u, the container's pids limit), then repeat");
    if workers == 0 {
        return Err(CommandError::environment(
            text!(
                "this process may start {possible} threads, and needs {needed}",
                possible = possible,
                needed = OTHER_THREADS + THREADS_PER_WORKER
            ),
            limits,
        ));
    }
    Builder::new_multi_thread().worker_threads(workers).enable_all().build().map_err(|error| {
        CommandError::environment(
            text!("the runtime does not start: {error}", error = error),
            text!("check the limits of this process (ulimit -n, ulimit -u), then repeat"),
        )
    })
}

/// The number of files that can be opened at present, up to a maximum. Without enough of them, the runtime panics.
fn possible_files(maximum: usize) -> usize {
    if cfg!(unix) {
        let open = |_| std::fs::File::open("/dev/null").ok();
        (0..maximum).map_while(open).collect::<Vec<_>>().len()
    } else {
        maximum
    }
}

/// The number of threads that can be started at present, up to a maximum. The runtime and the libraries panic or
/// hang if a thread that they need does not start.
fn possible_threads(maximum: usize) -> usize {
    let (release, held) = channel::<()>();
    let held = Arc::new(Mutex::new(held));
    let start = |_| {
        let held = Arc::clone(&held);
        // Each waits for the sender's end, so that all of them exist at the same time.
        std::thread::Builder::new().spawn(move || drop(held.lock().map(|held| held.recv()))).ok()
    };
    let threads: Vec<_> = (0..maximum).map_while(start).collect();
    drop(release);
    let started = threads.len();
    for thread in threads {
        // INVARIANT: a thread that only waits does not panic.
        let _ = thread.join();
    }
    started
}

/// Switches the phones off if a signal ends the process.
pub(super) fn close_desk_on_signal(runtime: &Runtime, desk: &Desk) {
    let desk = desk.clone();
    // If a counter block is not given back, its values are skipped, which is allowed.
    front::exit_cleanly_on_signal(runtime, move || drop(desk.close()));
}

/// Checks that the device exists that all commands are for.
///
/// # Errors
/// `UnknownDevice` if it does not. Those of the service.
pub(super) async fn check_device(desk: &impl Service, name: Option<&str>) -> Result<(), CommandError> {
    let Some(name) = name else { return Ok(()) };
    if front::find_device(desk, Some(name)).await?.is_some() {
        return Ok(());
    }
    let listed = desk.request(None, device::List::default()).await?.devices;
    let known: Vec<_> = listed.iter().take(10).map(|device| device.name.as_str()).collect();
    Err(CommandError::new(
        ErrorKind::UnknownDevice,
        text!("there is no device `{name}`", name = name),
        text!("devices: {known}", known = known.join(", ")),
    ))
}
