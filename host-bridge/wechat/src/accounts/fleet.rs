//! The users of a fleet of phones: a number each, and a name and openids that are made from it.

use sha2::{Digest, Sha256};
use soter_wire::{base64, shortened};

/// Maximum number of phones, and so of users, in a fleet: a number has six digits.
pub const MAX_FLEET: u32 = 1_000_000;

/// What the names of a fleet's users and phones begin with.
pub const FLEET_NAME_PREFIX: &str = "fleet-";
/// The number of digits after it.
pub const FLEET_NAME_DIGITS: usize = 6;
const OPENID_PREFIX: &str = "oEmulatedFleet";
/// Characters of an openid after its number; together there are 28, as real ones have.
const CHECK_CHARS: usize = 8;

/// The name of a fleet's user and of their phone: `fleet-` and six digits.
pub fn fleet_name(number: u32) -> String {
    format!("{FLEET_NAME_PREFIX}{number:06}")
}

/// The number in a name that [`fleet_name`] makes.
pub fn fleet_number(name: &str) -> Option<u32> {
    read_number(name.strip_prefix(FLEET_NAME_PREFIX)?)
}

/// The openid of a fleet's user in a mini program.
pub(super) fn openid(number: u32, appid: &str) -> String {
    let digest = Sha256::digest(format!("fleet openid\0{appid}\0{number}"));
    let check = base64::encode(&digest).replace(['+', '/'], "_");
    format!("{OPENID_PREFIX}{number:06}{}", shortened(&check, CHECK_CHARS))
}

/// The number of the user who has this openid in a mini program.
pub(super) fn number_of_openid(given: &str, appid: &str) -> Option<u32> {
    let (number, _) = given.strip_prefix(OPENID_PREFIX)?.split_at_checked(FLEET_NAME_DIGITS)?;
    read_number(number).filter(|&number| openid(number, appid) == given)
}

fn read_number(digits: &str) -> Option<u32> {
    let is_number = digits.len() == FLEET_NAME_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_an_openid_say_the_number() {
        for number in [0, 7, 99_999, MAX_FLEET - 1] {
            assert_eq!(fleet_number(&fleet_name(number)), Some(number));
            let openid = openid(number, "wx0123456789abcdef");
            assert_eq!(openid.len(), 28);
            assert_eq!(number_of_openid(&openid, "wx0123456789abcdef"), Some(number));
            assert_eq!(
                number_of_openid(&openid, "wx0123456789abcdee"),
                None,
                "it is of another mini program"
            );
        }
    }

    #[test]
    fn other_names_and_openids_have_no_number() {
        for name in ["", "fleet-", "fleet-1", "fleet-0000001", "fleet-+00001", "fleet-00000x", "Fleet-000001"]
        {
            assert_eq!(fleet_number(name), None, "{name}");
        }
        for given in
            ["", "oEmulatedFleet", "oEmulatedFleet00000", "oEmulatedFleet000000", "oEmulatedFleet手机"]
        {
            assert_eq!(number_of_openid(given, "wx0123456789abcdef"), None, "{given}");
        }
    }
}
