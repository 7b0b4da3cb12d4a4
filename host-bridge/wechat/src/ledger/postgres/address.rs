//! The address of a database, and the part of it that belongs to one group of servers.

use std::fmt;
use std::str::FromStr;

use soter_text::{Text, text};
use soter_wire::shortened;
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

use crate::ledger::error::LedgerError;
use crate::secret::Secret;

/// The parameters of an address that mean something. Another one is refused, because a misspelt `sslmode` would otherwise be a
/// connection without TLS: sqlx 0.9 ignores unknown parameters.
const PARAMETERS: [&str; 12] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "user",
];
/// Maximum length of a namespace in characters. With its prefix it fits into a name of PostgreSQL, which has 63 bytes.
const MAX_NAMESPACE_CHARACTERS: usize = 40;
/// Maximum number of characters of each part of an address that are shown.
const MAX_SHOWN_CHARACTERS: usize = 64;
const SCHEMA_PREFIX: &str = "soter_sim_";

/// The part of a database that belongs to one group of servers: a schema of its own, `soter_sim_NAME`.
///
/// 1 to 40 lower-case letters, digits, hyphens and underscores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace(String);

/// A text is no [`Namespace`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text().english())]
pub struct BadNamespace;

impl BadNamespace {
    /// What happened, in one line.
    pub fn text(&self) -> Text {
        text!(
            "a namespace has 1 to {most} lower-case letters, digits, hyphens and underscores",
            most = MAX_NAMESPACE_CHARACTERS
        )
    }
}

impl Namespace {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The schema's name.
    pub(super) fn schema(&self) -> String {
        format!("{SCHEMA_PREFIX}{}", self.0)
    }

    /// The schema's name as it stands in statements. It needs no escapes.
    pub(super) fn quoted_schema(&self) -> String {
        format!("\"{}\"", self.schema())
    }
}

impl Default for Namespace {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

impl FromStr for Namespace {
    type Err = BadNamespace;

    fn from_str(text: &str) -> Result<Self, BadNamespace> {
        let is_allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        if (1..=MAX_NAMESPACE_CHARACTERS).contains(&text.len()) && text.bytes().all(is_allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadNamespace)
        }
    }
}

/// A database and a namespace in it. It is shown without the password.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) options: PgConnectOptions,
    pub(super) namespace: Namespace,
}

impl Address {
    /// Reads an address: `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…`, with the parameters of libpq that
    /// [`PARAMETERS`] lists. What is missing comes from the variables of libpq (`PGUSER`, …) and its password file.
    pub(super) fn parse(url: &Secret, namespace: Namespace) -> Result<Self, LedgerError> {
        let refused = |what: Text| LedgerError {
            what,
            next: text!(
                "write postgres://USER:PASSWORD@HOST:5432/DATABASE, with ?sslmode=verify-full&sslrootcert=FILE for TLS"
            ),
            may_pass: false,
        };
        let parsed = Url::parse(url.expose())
            .map_err(|error| refused(text!("the ledger's address cannot be read: {error}", error = error)))?;
        if !["postgres", "postgresql"].contains(&parsed.scheme()) {
            return Err(refused(text!(
                "the ledger's address begins with `{scheme}:`, which is no database",
                scheme = parsed.scheme()
            )));
        }
        // Nothing of the address is shown: if it is misread, any part of it may be the password.
        let behind_host = [parsed.path(), parsed.query().unwrap_or_default()];
        if parsed.fragment().is_some() || behind_host.iter().any(|part| part.contains('@')) {
            let what = text!(
                "the ledger's address has `@` or `#` behind the host; in a password, write %40, %23, %2F, %3A and %3F for @, #, /, : and ?"
            );
            return Err(refused(what));
        }
        if parsed.query_pairs().any(|(name, _)| !PARAMETERS.contains(&name.as_ref())) {
            return Err(refused(text!(
                "the ledger's address has an unknown parameter; known are {known}",
                known = PARAMETERS.join(", ")
            )));
        }
        let options = PgConnectOptions::from_str(url.expose())
            .map_err(|error| refused(text!("the ledger's address cannot be read: {error}", error = error)))?;
        Ok(Self { options: settings(options, &namespace), namespace })
    }
}

/// Adds what every connection needs.
fn settings(options: PgConnectOptions, namespace: &Namespace) -> PgConnectOptions {
    let options = if options.get_application_name().is_none() {
        options.application_name("soter-sim")
    } else {
        options
    };
    options
        .options([
            ("search_path", namespace.quoted_schema().as_str()),
            // What is accepted must be durable. The database's own default may be another one.
            ("synchronous_commit", "on"),
            // A statement waits for another transaction that has the row, and judges the row that this one leaves. Stricter
            // levels would fail instead, also where the counter is not greater.
            ("default_transaction_isolation", "read committed"),
            // A server that is frozen in the middle of a transaction must not stop the others.
            ("idle_in_transaction_session_timeout", "5s"),
            ("statement_timeout", "10s"),
            // Plans are made once, perhaps when the tables are empty. Every statement looks up few rows by their keys.
            ("enable_seqscan", "off"),
            ("enable_hashjoin", "off"),
            ("enable_mergejoin", "off"),
            ("jit", "off"),
        ])
        .disable_statement_logging()
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { options, namespace } = self;
        let short = |text| shortened(text, MAX_SHOWN_CHARACTERS);
        write!(formatter, "postgres://{}@", short(options.get_username()))?;
        match options.get_socket() {
            Some(socket) => write!(formatter, "{}", socket.display())?,
            None => write!(formatter, "{}:{}", short(options.get_host()), options.get_port())?,
        }
        if let Some(database) = options.get_database() {
            write!(formatter, "/{}", short(database))?;
        }
        if matches!(options.get_ssl_mode(), PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull)
        {
            write!(formatter, " with TLS")?;
        }
        write!(formatter, ", namespace {}", namespace.as_str())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Result<Address, LedgerError> {
        Address::parse(&url.into(), Namespace::default())
    }

    #[test]
    fn an_address_is_shown_without_its_password() {
        for (url, shown) in [
            ("postgres://anna:s3cret@db:5433/shop", "postgres://anna@db:5433/shop, namespace default"),
            ("postgresql://anna@db/shop?password=s3cret", "postgres://anna@db:5432/shop, namespace default"),
            (
                "postgres://anna:s3cret@db/shop?sslmode=require",
                "postgres://anna@db:5432/shop with TLS, namespace default",
            ),
            (
                "postgres:///shop?host=/run/pg&user=anna&password=s3cret",
                "postgres://anna@/run/pg/shop, namespace default",
            ),
        ] {
            let address = address(url).unwrap();
            assert_eq!(address.to_string(), shown);
            assert!(!format!("{address:?}").contains("s3cret"));
        }
        let long = "x".repeat(100_000);
        let shown = address(&format!("postgres://{long}:s3cret@{long}/{long}")).unwrap().to_string();
        assert!(shown.len() < 300, "{} bytes", shown.len());
    }

    #[test]
    fn an_address_that_cannot_be_used_is_refused_without_showing_it() {
        for url in [
            "s3cret",
            "mysql://anna:s3cret@db/shop",
            "postgres://anna:s3cret@db:99999/shop",
            "postgres://anna:s3cret@db/shop?sslmod=verify-full",
            "postgres://anna:s3cret@db/shop?sslmode=s3cretly",
            "postgres://anna:s3cret@db/shop?port=s3cret",
        ] {
            let LedgerError { what, next, .. } = address(url).unwrap_err();
            let (what, next) = (what.english(), next.english());
            assert!(!what.contains("s3cret@") && !what.contains('\n'), "{what}");
            assert!(next.contains("postgres://USER"));
        }
        for url in [
            "postgres://anna:?s3cret@db/shop",
            "postgres://anna:12?s3cret@db/shop",
            "postgres://anna@db/shop?password=a&s3cret",
            "postgres://anna:123/s3cret@db/shop",
            "postgres://anna:12#s3cret@db/shop",
        ] {
            let LedgerError { what, .. } = address(url).unwrap_err();
            let what = what.english();
            assert!(!what.contains("s3cret") && !what.contains("12"), "{what}");
        }
        let unknown = address("postgres://db/shop?sslmod=verify-full").unwrap_err();
        assert!(
            unknown.what.english().contains("unknown parameter; known are")
                && unknown.what.english().contains("sslmode"),
            "{unknown}"
        );
    }

    #[test]
    fn a_namespace_has_a_schema_of_its_own() {
        for name in ["default", "a", "pr-1234", "team_a", &"x".repeat(40)] {
            let namespace: Namespace = name.parse().unwrap();
            assert_eq!(namespace.quoted_schema(), format!("\"soter_sim_{name}\""));
            assert!(namespace.schema().len() < 63);
        }
        for name in ["", "A", "a b", "ä", "a\"", "a;b", "a.b", "a\0", &"x".repeat(41)] {
            assert_eq!(name.parse::<Namespace>(), Err(BadNamespace), "{name:?}");
        }
    }
}
