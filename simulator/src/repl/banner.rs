//! The banner that a person reads first.

use std::path::PathBuf;

use soter_bridge::protocol::device::Summary;
use soter_bridge::protocol::{CommandError, Service};
use soter_bridge::visible;
use soter_text::{Text, text, tr};

use super::session::Session;
use crate::front::{Delivery, Paint, find_device, selected_device};

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
    let selected = selected_device(&*session.service).await?;
    let phone = find_device(&*session.service, Some(&selected)).await?;
    let banner = banner(&selected, phone.as_ref(), info, session.console.paint);
    session.console.answer(&banner)
}

/// What this program is and is not, its phone and state, and what to try.
fn banner(selected: &str, phone: Option<&Summary>, info: &BannerInfo, paint: Paint) -> String {
    let name = paint.name(selected);
    let profile = phone.map_or_else(|| text!("unknown"), |phone| Text::verbatim(phone.profile.as_str()));
    let mut lines = vec![
        tr!(
            "{program} {version}, a phone with SOTER on your desk",
            program = paint.strong("soter-sim"),
            version = env!("CARGO_PKG_VERSION")
        ),
        tr!(
            "The root key is {emulated}: no real server trusts what is signed here.",
            emulated = paint.strong(&tr!("emulated"))
        ),
        match &info.state {
            None => tr!("phone {name} ({profile}), nothing is kept", name = name, profile = profile),
            Some(folder) => tr!(
                "phone {name} ({profile}), kept in {folder}",
                name = name,
                profile = profile,
                folder = visible(&folder.display().to_string())
            ),
        },
    ];
    if phone.is_some_and(|phone| phone.seeded) {
        lines.push(tr!(
            "seeded: anyone who knows the seed knows the keys; the clock stands still until `device set clock`"
        ));
    }
    lines
        .extend(info.bridge.as_ref().map(|bridge| tr!("page and bridge {bridge}", bridge = visible(bridge))));
    lines.push(tr!(
        "Try {command}, or {help}.",
        command = paint.name("auth order-42"),
        help = paint.name("help")
    ));
    paint.wrapped(&lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phone(seeded: bool) -> Summary {
        Summary {
            name: "phone".to_owned(),
            profile: "ios".to_owned(),
            seeded,
            sensor: soter_bridge::protocol::sensor::SensorMode::Ask,
            fleet: false,
            waits: false,
        }
    }

    #[test]
    fn the_banner_says_that_the_root_key_is_emulated_and_where_the_state_is() {
        let bridge = Some("http://127.0.0.1:8777, mini program wx".to_owned());
        let info = BannerInfo { bridge, state: Some(PathBuf::from("desk")) };
        let text = banner("phone", Some(&phone(false)), &info, Paint::PLAIN);
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
        let text =
            banner("phone", Some(&phone(true)), &BannerInfo { bridge: None, state: None }, Paint::PLAIN);
        assert!(text.contains("clock stands still") && text.contains("nothing is kept"), "{text}");
    }
}
