//! The dialog: shown while a call waits for a touch, and controlled by single keys.

mod view;

use std::sync::Arc;

use soter_bridge::protocol::biometric::{self, Enrolment};
use soter_bridge::protocol::sensor::TouchSensor;
use soter_bridge::protocol::{CommandError, ErrorKind, Event, Response, Service, Touch};
use soter_text::tr;

use self::view::{Choice, View};
use super::keyboard::{Key, Keyboard};
use super::pending::{Pending, Progress};
use super::termination::terminated;
use crate::stderr;

pub(crate) use self::view::Screen;

/// Waits for the answer of a call that shows a dialog. If the dialog waits for a person, it is shown on the screen.
///
/// The dialog ends with the call, either by a key here or by a touch from another front end.
///
/// # Errors
/// Those of [`Service::call`]. `Environment` if the terminal does not support single keys.
pub(crate) async fn wait_with_dialog<S: Service>(
    screen: Screen,
    service: &Arc<S>,
    pending: &mut Pending<S>,
) -> Result<Response, CommandError> {
    let mut dialog: Option<Dialog> = None;
    loop {
        tokio::select! {
            biased;
            progress = pending.progress() => match progress {
                Progress::Waits(prompt) => dialog = Some(Dialog::open(service, &prompt, screen).await?),
                Progress::Happened(event) => {
                    if let Some(dialog) = &mut dialog {
                        dialog.view.show(&event);
                    }
                }
                Progress::Ended(ended) => return *ended,
            },
            key = next_key(&mut dialog) => {
                if let Some(dialog) = &mut dialog {
                    dialog.handle_key(service, key).await;
                }
            }
            () = terminated() => {
                drop(dialog.take());
                // The signal's handler ends the process, with its own exit code.
                std::future::pending::<()>().await;
            }
        }
    }
}

/// The next key. Waits forever while there is no dialog, or after it was cancelled.
async fn next_key(dialog: &mut Option<Dialog>) -> Key {
    match dialog {
        Some(Dialog { cancelled: false, keyboard, .. }) => keyboard.key().await,
        _ => std::future::pending().await,
    }
}

/// The dialog on the screen.
struct Dialog {
    // Fields are dropped in this order: the picture is removed before the terminal is restored and the log continues.
    view: View,
    keyboard: Keyboard,
    _log_pause: stderr::LogPause,
    device: String,
    cancelled: bool,
}

impl Dialog {
    async fn open<S: Service>(
        service: &Arc<S>,
        prompt: &Event,
        screen: Screen,
    ) -> Result<Self, CommandError> {
        let device = prompt.device().unwrap_or_default().to_owned();
        let enrolled = service.request(Some(&device), biometric::List {}).await?.enrolments;
        let keyboard = Keyboard::open()?;
        let log_pause = stderr::pause_log();
        let view = View::draw(prompt, choices(&enrolled), screen);
        Ok(Self { view, keyboard, _log_pause: log_pause, device, cancelled: false })
    }

    async fn handle_key<S: Service>(&mut self, service: &Arc<S>, key: Key) {
        let touch = match key {
            Key::Resize => return self.view.redraw(),
            Key::Cancel | Key::Character('c' | 'C') => Touch::Cancel,
            Key::Character('x' | 'X') => Touch::Wrong,
            Key::Character(character) => match self.view.enrolment(character) {
                Some(number) => Touch::Enrolled(number),
                None => return self.view.remark(&tr!("press one of the keys above")),
            },
        };
        self.cancelled = touch == Touch::Cancel;
        match service.request(Some(&self.device), TouchSensor { touch }).await {
            // The result of the touch arrives as an event. If no dialog is open, the answer arrives soon.
            Ok(_) => {}
            Err(error) if error.kind == ErrorKind::NoDialog => {}
            Err(error) => self.view.remark(&error.what.localized()),
        }
    }
}

/// One key for each finger and face: the digit of its number if it has only one, otherwise an unused digit.
fn choices(enrolled: &[Enrolment]) -> Vec<Choice> {
    let number_key = |enrolment: &Enrolment| {
        char::from_digit(enrolment.number, 10).filter(|_| (1..=9).contains(&enrolment.number))
    };
    let used_keys: Vec<_> = enrolled.iter().filter_map(number_key).collect();
    let mut free_keys = ('0'..='9').filter(|digit| !used_keys.contains(digit));
    enrolled
        .iter()
        .filter_map(|enrolment| {
            let key = number_key(enrolment).or_else(|| free_keys.next())?;
            Some(Choice { key, enrolment: enrolment.clone() })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use soter_wire::Mode;

    use super::*;

    #[test]
    fn the_key_of_a_finger_is_its_number_if_that_has_one_digit() {
        let keys = |numbers: &[u32]| -> String {
            let enrolled: Vec<_> = numbers
                .iter()
                .map(|number| Enrolment { number: *number, mode: Mode::FingerPrint, fid: number.to_string() })
                .collect();
            choices(&enrolled).into_iter().map(|choice| choice.key).collect()
        };
        assert_eq!(keys(&[1, 2, 9]), "129");
        assert_eq!(keys(&[3, 12, 4_000_000_000]), "301");
        assert_eq!(keys(&(1..=30).collect::<Vec<_>>()), "1234567890");
    }
}
