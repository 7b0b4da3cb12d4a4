//! What an attacker did.

use soter_bridge::protocol::danger::Copied;

use super::visible;
use crate::front::Paint;

/// A phone that was copied or put back, and where its counter stands.
pub(super) fn copied(done: &str, copied: &Copied, paint: Paint) -> String {
    format!(
        "{done}: {} of {}, counter {}, cpu_id {}",
        paint.name(&copied.name),
        paint.name(&copied.device),
        copied.counter,
        visible(&copied.cpu_id)
    )
}
