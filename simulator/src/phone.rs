//! One phone: its secure world, its apps, its sensor, and its troubles.
//!
//! [`Phone`] has its methods in one file per subject. A file calls only those further down:
//!
//! ```text
//!   authentication          wx.startSoterAuthentication, step by step
//!   payment                 wx.requestPayment
//!   dialog_start            opens a dialog, and waits until it has ended
//!   touch                   sensor.touch and sensor.cancel
//!   dialog_touch            touches for the dialog, and how they end it
//!   signature               the answer after a touch that matched
//!   upload                  keys that WeChat's servers lack
//!   trusted_app             the commands of ISoterService
//!   app_touch               touches for an app's signing session
//!   danger, description, settings
//!   power, biometrics       seeding, switching off and resetting; fingers and faces
//!   wechat                  the other calls of a mini program, and who the caller is
//!   user_data               wx.getUserInfo and wx.getUserProfile
//!   ready_modes             what is enrolled and not locked
//!   screen, sensor          shows and closes the dialog; what a touch presents to the sensor
//!   secure_world            the TEE, switched on when it is needed
//!   state                   what a phone is made of
//! ```

pub(crate) use clock::check_clock;
pub(crate) use context::{PhoneContext, Place};
pub(crate) use danger::{CounterState, Flash};
pub(crate) use events::Events;
pub(crate) use key_stock::KeyStock;
pub(crate) use new_keys::{FleetKeyPool, NewKeys};
pub(crate) use record::Record;
pub(crate) use secure_world::stored_record;
pub(crate) use state::Phone;

mod app_touch;
mod apps;
mod authentication;
mod biometrics;
mod clock;
mod context;
mod danger;
mod description;
mod dialog;
mod dialog_queue;
mod dialog_start;
mod dialog_touch;
mod environment;
mod events;
mod key_stock;
mod new_keys;
mod outcome;
mod payment;
mod power;
mod ready_modes;
mod record;
mod screen;
mod secure_world;
mod sensor;
mod settings;
mod signature;
mod state;
mod touch;
mod trusted_app;
mod upload;
mod user_data;
mod wechat;
