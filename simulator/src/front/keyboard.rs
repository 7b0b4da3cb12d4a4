//! Single keys from the terminal, without waiting for the end of a line.

#[cfg(unix)]
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;
#[cfg(unix)]
use std::time::Instant;

use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::terminal;
use soter_bridge::protocol::CommandError;
use soter_text::text;
use tokio::sync::mpsc;

/// How long the reader waits for a key before it checks whether it should stop.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The maximum number of keys that wait to be handled; a person types fewer.
const KEY_QUEUE_LENGTH: usize = 16;

/// A paste has ended when nothing arrives for this long.
#[cfg(unix)]
const END_OF_PASTE: Duration = Duration::from_millis(200);

/// The pause between two discards. A terminal holds 4 KiB, so a long paste needs many.
#[cfg(unix)]
const DISCARD_INTERVAL: Duration = Duration::from_millis(5);

/// What was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// A character.
    Character(char),
    /// Escape, Ctrl-C or Ctrl-D, or the terminal is gone.
    Cancel,
    /// The window changed its size.
    Resize,
}

/// The keyboard in raw mode. Dropping it restores the terminal, also during a panic.
#[derive(Debug)]
pub(crate) struct Keyboard {
    keys: mpsc::Receiver<Key>,
    stop: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
    _raw: RawMode,
}

impl Keyboard {
    /// Starts reading single keys.
    ///
    /// # Errors
    /// `Environment` if the terminal does not support raw mode, or no thread can be started.
    pub(crate) fn open() -> Result<Self, CommandError> {
        let raw = RawMode::enter()?;
        let (sender, keys) = mpsc::channel(KEY_QUEUE_LENGTH);
        let stop = Arc::new(AtomicBool::new(false));
        let reader = thread::Builder::new().name("keyboard".to_owned()).spawn({
            let stop = Arc::clone(&stop);
            move || read_keys(&sender, &stop)
        });
        let reader = reader.map_err(|error| {
            CommandError::environment(
                text!("the thread for the keyboard does not start: {error}", error = error),
                text!(
                    "check the limits of this process (ulimit -u, the container's pids limit), then repeat"
                ),
            )
        })?;
        Ok(Self { keys, stop, reader: Some(reader), _raw: raw })
    }

    /// The next key. Cancel safe.
    pub(crate) async fn key(&mut self) -> Key {
        // The reader stops by itself only if the terminal is gone.
        self.keys.recv().await.unwrap_or(Key::Cancel)
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Waits for one poll at most. A reader that keeps running would take keys from the next reader.
        if let Some(reader) = self.reader.take() {
            // A reader that panicked has ended, too.
            let _ = reader.join();
        }
    }
}

/// Discards what the terminal has received, and what arrives until it pauses: a long paste arrives in parts.
///
/// On Windows the console has no bytes that are not text, so there is nothing that this must discard.
pub(crate) fn discard_typed() {
    #[cfg(unix)]
    {
        use rustix::io::ioctl_fionread;
        use rustix::termios::{QueueSelector, tcflush};

        // Without raw mode, the terminal shows what arrives. If the terminal is gone, nothing arrives.
        let _raw = RawMode::enter();
        let mut last_byte = Instant::now();
        while last_byte.elapsed() < END_OF_PASTE && tcflush(io::stdin(), QueueSelector::IFlush).is_ok() {
            thread::sleep(DISCARD_INTERVAL);
            if ioctl_fionread(io::stdin()).unwrap_or(0) > 0 {
                last_byte = Instant::now();
            }
        }
    }
}

fn read_keys(sender: &mpsc::Sender<Key>, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let key = match event::poll(POLL_INTERVAL) {
            Ok(false) => continue,
            Ok(true) => event::read().map(|event| translate_event(&event)),
            Err(error) => Err(error),
        };
        match key {
            Ok(None) => {}
            // Further keys are dropped, as on a phone that does not listen.
            Ok(Some(key)) => drop(sender.try_send(key)),
            Err(_) => return,
        }
    }
}

fn translate_event(event: &Event) -> Option<Key> {
    match event {
        Event::Key(KeyEvent { code, modifiers, kind: KeyEventKind::Press, .. }) => match code {
            KeyCode::Char('c' | 'd') if modifiers.contains(KeyModifiers::CONTROL) => Some(Key::Cancel),
            KeyCode::Char(character) if !modifiers.contains(KeyModifiers::CONTROL) => {
                Some(Key::Character(*character))
            }
            KeyCode::Esc => Some(Key::Cancel),
            _ => None,
        },
        Event::Resize(..) => Some(Key::Resize),
        _ => None,
    }
}

/// Keeps the terminal in raw mode until it is dropped.
#[derive(Debug)]
struct RawMode;

impl RawMode {
    fn enter() -> Result<Self, CommandError> {
        terminal::enable_raw_mode().map(|()| Self).map_err(|error| {
            CommandError::environment(
                text!("the terminal does not give single keys: {error}", error = error),
                text!("use --touch SCRIPT instead of the dialog"),
            )
        })
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        // This fails only if the terminal is gone.
        let _ = terminal::disable_raw_mode();
    }
}
