//! Prints events on the phones while a line is being typed. They appear above the line, so that it stays intact.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustyline::ExternalPrinter;
use soter_bridge::protocol::{Event, Service};
use soter_text::tr;
use tokio::runtime::Runtime;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

use crate::front::{self, Paint};

/// Prints events while the line editor waits. The effects of a command of this REPL are in its answer, so events are
/// not printed while a command runs.
pub(super) struct Watcher {
    task: JoinHandle<()>,
    shown: bool,
    is_active: Arc<AtomicBool>,
}

impl Watcher {
    pub(super) fn start<S: Service>(
        runtime: &Runtime,
        service: &S,
        printer: impl ExternalPrinter + Send + 'static,
        paint: Paint,
    ) -> Self {
        let is_active = Arc::new(AtomicBool::new(false));
        let task = runtime.spawn(watch(service.events(), printer, paint, Arc::clone(&is_active)));
        Self { task, shown: true, is_active }
    }

    /// Switches the printing on or off.
    pub(super) fn set_shown(&mut self, shown: bool) {
        self.shown = shown;
    }

    /// Call this when a line is being typed: events are printed.
    pub(super) fn resume(&self) {
        self.is_active.store(self.shown, Ordering::Relaxed);
    }

    /// Call this when a command runs: events are not printed.
    pub(super) fn pause(&self) {
        self.is_active.store(false, Ordering::Relaxed);
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn watch(
    mut events: broadcast::Receiver<Event>,
    mut printer: impl ExternalPrinter,
    paint: Paint,
    is_active: Arc<AtomicBool>,
) {
    loop {
        let line = match events.recv().await {
            Ok(event) => paint.wrapped(&front::event_line(&event, paint)),
            Err(broadcast::error::RecvError::Lagged(missed)) => {
                paint.wrapped(&tr!("{missed} events were missed", missed = missed))
            }
            Err(broadcast::error::RecvError::Closed) => return,
        };
        if is_active.load(Ordering::Relaxed) && printer.print(format!("{line}\n")).is_err() {
            return;
        }
    }
}
