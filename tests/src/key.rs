//! The rows of `keys --json`.

use serde_json::Value;
use soter_wire::PublicKey;

/// One key's public half, as listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// `attk`, `ask` or `authkey`.
    pub kind: String,
    /// The app, if the key belongs to one.
    pub uid: Option<String>,
    /// The AuthKey's name.
    pub name: Option<String>,
    /// The PEM as listed.
    pub pem: String,
    /// SHA-256 of the SubjectPublicKeyInfo, in hexadecimal digits.
    pub fingerprint: String,
    /// Whether it signs.
    pub valid: bool,
}

impl Key {
    /// The members of a row, in their order.
    pub const MEMBERS: [&str; 6] = ["kind", "uid", "name", "publicKey", "fingerprint", "valid"];

    /// Reads the list, whose rows must have exactly [`MEMBERS`](Self::MEMBERS).
    #[track_caller]
    pub fn read_all(list: &Value) -> Vec<Self> {
        list.as_array().unwrap_or_else(|| panic!("{list} is not an array")).iter().map(Self::read).collect()
    }

    #[track_caller]
    fn read(row: &Value) -> Self {
        let names: Vec<_> = row.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, Self::MEMBERS, "{row}");
        let text = |name: &str| row[name].as_str().map(str::to_owned);
        Self {
            kind: text("kind").unwrap_or_else(|| panic!("{row}")),
            uid: text("uid"),
            name: text("name"),
            pem: text("publicKey").unwrap_or_else(|| panic!("{row}")),
            fingerprint: text("fingerprint").unwrap_or_else(|| panic!("{row}")),
            valid: row["valid"].as_bool().unwrap_or_else(|| panic!("{row}")),
        }
    }

    /// The key itself.
    #[track_caller]
    pub fn public(&self) -> PublicKey {
        PublicKey::from_pem(&self.pem).unwrap_or_else(|error| panic!("{}: {error}", self.pem))
    }

    /// The only key of a kind in a list.
    #[track_caller]
    pub fn only<'a>(keys: &'a [Self], kind: &str) -> &'a Self {
        let mut found = keys.iter().filter(|key| key.kind == kind);
        match (found.next(), found.next()) {
            (Some(key), None) => key,
            _ => panic!("not exactly one {kind} in {keys:?}"),
        }
    }
}
