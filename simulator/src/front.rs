//! Shared by all front ends: carries out commands over any `Service`, and shows answers, events and dialogs.

mod answer;
mod authentication;
mod console;
mod dialog;
mod evidence;
mod exit;
mod find_device;
mod keyboard;
mod lines;
mod paint;
mod payment;
mod pending;
mod perform;
mod render;
mod termination;
#[cfg(test)]
pub(crate) mod test_phone;
mod troubles;

pub(crate) use self::answer::{Answer, code_json};
pub(crate) use self::console::{Console, Delivery};
pub(crate) use self::dialog::{Screen, wait_with_dialog};
pub(crate) use self::exit::Exit;
pub(crate) use self::find_device::{find_device, selected_device};
pub(crate) use self::keyboard::discard_typed;
pub(crate) use self::lines::labelled;
pub(crate) use self::paint::Paint;
pub(crate) use self::pending::{Pending, Progress, next_event, opened_dialog, opens_dialog, touches_of_call};
pub(crate) use self::perform::{explain, perform, verify_files, with_default_mode};
pub(crate) use self::render::{event_line, failing};
pub(crate) use self::termination::exit_cleanly_on_signal;
pub(crate) use self::troubles::troubles;
