//! How a mode is stored: the wire's order and names can change without making old state unreadable.
//!
//! For `#[serde(with = "stored_mode")]`.

use serde::{Deserialize, Deserializer, Serializer, de};
use soter_wire::Mode;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature for `serialize_with`")]
pub(crate) fn serialize<S: Serializer>(mode: &Mode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(match mode {
        Mode::FingerPrint => 1,
        Mode::Facial => 2,
        Mode::Speech => 4,
    })
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Mode, D::Error> {
    match u8::deserialize(deserializer)? {
        1 => Ok(Mode::FingerPrint),
        2 => Ok(Mode::Facial),
        4 => Ok(Mode::Speech),
        other => Err(de::Error::custom(format_args!("no mode {other}"))),
    }
}
