//! The banner that a person reads first.

use std::path::PathBuf;

use soter_bridge::protocol::device::{self, Devices};
use soter_bridge::protocol::{CommandError, Service};
use soter_bridge::visible;

use super::session::Session;
use crate::front::{Delivery, Paint};

/// What the REPL shows about itself.
#[derive(Clone, Debug)]
pub(crate) struct BannerInfo {
    /// The bridge's address and accounts; `None` if there is no bridge.
    pub(crate) bridge: Option<String>,
    /// The state folder; `None` if nothing is stored.
    pub(crate) state: Option<PathBuf>,
}

/// Shows the banner.
///
/// # Errors
/// Those of [`Service::call`], and `Environment` if the output cannot be written.
pub(super) async fn show<S: Service>(
    session: &mut Session<S>,
    info: &BannerInfo,
) -> Result<Delivery, CommandError> {
    let devices = session.service.request(None, device::List {}).await?;
    let banner = banner(&devices, info, session.console.paint);
    session.console.answer(&banner)
}

/// What this program is and is not, its phone and state, and what to try.
fn banner(devices: &Devices, info: &BannerInfo, paint: Paint) -> String {
    let phone = devices.devices.iter().find(|phone| phone.name == devices.selected);
    let profile = phone.map_or("unknown", |phone| phone.profile.as_str());
    let state = info.state.as_ref().map_or("nothing is kept".to_owned(), |folder| {
        format!("kept in {}", visible(&folder.display().to_string()))
    });
    let seeded = if phone.is_some_and(|phone| phone.seeded) {
        "\nseeded: keys are known to whoever knows the seed, and the clock stands still until `device set clock`"
    } else {
        ""
    };
    let bridge =
        info.bridge.as_ref().map_or(String::new(), |bridge| format!("\npage and bridge {}", visible(bridge)));
    format!(
        "{} {}, a phone with SOTER on your desk\n\
         The root key is {}: no real server trusts what is signed here.\n\
         phone {} ({profile}), {state}{seeded}{bridge}\n\
         Try {}, or {}.",
        paint.strong("soter-sim"),
        env!("CARGO_PKG_VERSION"),
        paint.strong("emulated"),
        paint.name(&devices.selected),
        paint.name("auth order-42"),
        paint.name("help"),
    )
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use soter_bridge::protocol::device::Summary;

    use super::*;

    fn desk(seeded: bool) -> Devices {
        let phone = Summary {
            name: "phone".to_owned(),
            profile: "ios".to_owned(),
            seeded,
            sensor: soter_bridge::protocol::sensor::SensorMode::Ask,
            waits: false,
        };
        Devices { devices: vec![phone], selected: "phone".to_owned() }
    }

    #[test]
    fn the_banner_says_that_the_root_key_is_emulated_and_where_the_state_is() {
        let bridge = Some("http://127.0.0.1:8777, mini program wx".to_owned());
        let info = BannerInfo { bridge, state: Some(PathBuf::from("desk")) };
        let text = banner(&desk(false), &info, Paint::PLAIN);
        assert_eq!(text.lines().count(), 5, "{text}");
        for part in [
            "page and bridge http://127.0.0.1:8777",
            "emulated",
            "no real server",
            "phone (ios)",
            "kept in desk",
            "auth order-42",
            "help",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn the_banner_says_that_a_seeded_clock_stands_still() {
        let text = banner(&desk(true), &BannerInfo { bridge: None, state: None }, Paint::PLAIN);
        assert!(text.contains("clock stands still") && text.contains("nothing is kept"), "{text}");
    }
}
