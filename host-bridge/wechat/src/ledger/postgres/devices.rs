//! Devices and their keys: reads them, and accepts new ones by the rules of [`KeyUpload`].

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use soter_wire::{PublicKey, SignatureScheme};
use sqlx::{Connection, PgConnection};

use super::database::Database;
use super::groups::Answer;
use super::postgres_error::{Failure, may_repeat};
use super::spending::{signed, unsigned};
use crate::ledger::app_keys::AppKeys;
use crate::ledger::change::{AuthKey, Change};
use crate::ledger::key_upload::{KeyUpload, NotAccepted};
use crate::ledger::ledger_state::{LedgerState, MAX_RETIRED_KEYS};

/// Maximum number of keys that are kept parsed, because parsing takes as long as a verification.
const MAX_PARSED_KEYS: usize = 4096;
/// How often an upload is tried, because another transaction may undo it.
const MAX_ATTEMPTS: usize = 5;

const LOAD: &str = "
    SELECT cpu_id, 0 AS kind, '' AS uid, attk AS key, '' AS appid, '' AS openid, 0 AS salt_length, false AS is_retired,
        0 AS number, highest, keys_version
    FROM device JOIN counter USING (cpu_id) WHERE cpu_id = ANY ($1)
    UNION ALL
    SELECT cpu_id, 1, uid, key, '', '', salt_length, false, 0, 0, 0 FROM ask WHERE cpu_id = ANY ($1)
    UNION ALL
    SELECT cpu_id, 2, uid, key, appid, openid, salt_length, is_retired, number, 0, 0
    FROM auth_key WHERE cpu_id = ANY ($1)
    ORDER BY kind, number";

/// The columns of [`LOAD`]. The kind is the table: device, ask, auth_key.
type Row = (String, i32, String, Vec<u8>, String, String, i32, bool, i64, i64, i64);

/// Keys that were parsed before, by their DER.
#[derive(Debug, Default)]
pub(super) struct ParsedKeys(Mutex<HashMap<Vec<u8>, PublicKey>>);

impl ParsedKeys {
    fn parse(&self, spki: Vec<u8>) -> sqlx::Result<PublicKey> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys.get(&spki) {
            return Ok(key.clone());
        }
        let key = PublicKey::from_spki_der(&spki).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        if keys.len() >= MAX_PARSED_KEYS {
            keys.clear();
        }
        keys.insert(spki, key.clone());
        Ok(key)
    }
}

/// Reads devices with all their keys.
pub(super) async fn load(
    connection: &mut PgConnection,
    parsed: &ParsedKeys,
    cpu_ids: &[&str],
) -> sqlx::Result<LedgerState> {
    let rows: Vec<Row> = sqlx::query_as(LOAD).bind(cpu_ids).fetch_all(connection).await?;
    let mut state = LedgerState::default();
    let mut versions = BTreeMap::new();
    for row in rows {
        let (cpu_id, kind, uid, key, appid, openid, salt_length, is_retired, _, highest, version) = row;
        let key = parsed.parse(key)?;
        let change = match kind {
            0 => {
                versions.insert(cpu_id.clone(), unsigned(version));
                state.apply(&Change::Device { cpu_id: cpu_id.clone(), attk: key });
                Change::Counter { cpu_id, highest: unsigned(highest) }
            }
            1 => Change::Ask { cpu_id, uid, key, scheme: scheme(salt_length)? },
            _ => {
                let scheme = scheme(salt_length)?;
                let key = AuthKey { key, appid, openid, scheme, retired: is_retired };
                Change::AuthKey { cpu_id, uid, key }
            }
        };
        state.apply(&change);
    }
    for (cpu_id, version) in versions {
        state.set_version(&cpu_id, version);
    }
    Ok(state)
}

fn scheme(salt_length: i32) -> sqlx::Result<SignatureScheme> {
    let scheme = u16::try_from(salt_length).ok().and_then(SignatureScheme::rsa_pss);
    scheme.ok_or_else(|| sqlx::Error::Decode(format!("a salt length of {salt_length}").into()))
}

/// Answers with the keys of an app on a device, both given by name.
#[derive(Debug)]
pub(super) struct KeyReader(pub(super) Arc<ParsedKeys>);

#[async_trait]
impl Answer for KeyReader {
    type Request = (String, String);
    type Answer = Option<AppKeys>;
    const IS_READ: bool = true;

    async fn answer(
        &mut self,
        database: &Database,
        connection: &mut PgConnection,
        requests: &[(String, String)],
    ) -> Result<Vec<Option<AppKeys>>, Failure> {
        let cpu_ids: Vec<&str> =
            requests.iter().map(|(cpu_id, _)| cpu_id.as_str()).filter(|name| is_storable(name)).collect();
        let state = database.in_time(load(connection, &self.0, &cpu_ids)).await?;
        Ok(requests.iter().map(|(cpu_id, uid)| state.app_keys(cpu_id, uid)).collect())
    }
}

/// Accepts keys and spends their counters, in one transaction.
pub(super) async fn accept(
    connection: &mut PgConnection,
    parsed: &ParsedKeys,
    upload: &KeyUpload,
) -> sqlx::Result<Result<(), NotAccepted>> {
    for _ in 0..MAX_ATTEMPTS {
        match try_to_accept(connection, parsed, upload).await {
            Ok(Some(decided)) => return Ok(decided),
            Ok(None) => {}
            Err(error) if may_repeat(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Err(sqlx::Error::Protocol("the device was registered and removed again and again".to_owned()))
}

/// One try; `None` if another server registered the device at the same time.
async fn try_to_accept(
    connection: &mut PgConnection,
    parsed: &ParsedKeys,
    upload: &KeyUpload,
) -> sqlx::Result<Option<Result<(), NotAccepted>>> {
    let mut transaction = connection.begin().await?;
    // From here on nobody else changes the device.
    sqlx::query("SELECT 1 FROM counter WHERE cpu_id = $1 FOR UPDATE")
        .bind(&upload.cpu_id)
        .fetch_optional(&mut *transaction)
        .await?;
    let state = load(&mut transaction, parsed, &[&upload.cpu_id]).await?;
    let changes = match upload.decide(&state) {
        Ok(changes) => changes,
        Err(refused) => return Ok(Some(Err(refused))),
    };
    if changes.is_empty() {
        return Ok(Some(Ok(())));
    }
    for change in &changes {
        if !write(&mut transaction, change).await? {
            return Ok(None);
        }
    }
    sqlx::query("UPDATE counter SET keys_version = nextval('keys_version') WHERE cpu_id = $1")
        .bind(&upload.cpu_id)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(Some(Ok(())))
}

/// Writes a change. `false` if the device exists already.
async fn write(connection: &mut PgConnection, change: &Change) -> sqlx::Result<bool> {
    match change {
        // Only a reset empties a ledger.
        Change::Clear { .. } => {}
        Change::Device { cpu_id, attk } => {
            let inserted =
                sqlx::query("INSERT INTO device (cpu_id, attk) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                    .bind(cpu_id)
                    .bind(attk.spki_der())
                    .execute(&mut *connection)
                    .await?;
            if inserted.rows_affected() == 0 {
                return Ok(false);
            }
            sqlx::query("INSERT INTO counter (cpu_id) VALUES ($1)").bind(cpu_id).execute(connection).await?;
        }
        Change::Counter { cpu_id, highest } => {
            sqlx::query(
                "UPDATE counter SET recent = recent << least($2 - highest, 1024)::int, highest = $2
                 WHERE cpu_id = $1 AND highest < $2",
            )
            .bind(cpu_id)
            .bind(signed(*highest))
            .execute(connection)
            .await?;
        }
        Change::Ask { cpu_id, uid, key, scheme } => {
            let spki = key.spki_der();
            sqlx::query(
                "UPDATE auth_key SET is_retired = true WHERE cpu_id = $1 AND uid = $2
                 AND EXISTS (SELECT FROM ask WHERE cpu_id = $1 AND uid = $2 AND key <> $3)",
            )
            .bind(cpu_id)
            .bind(uid)
            .bind(spki)
            .execute(&mut *connection)
            .await?;
            sqlx::query(
                "INSERT INTO ask (cpu_id, uid, key, salt_length) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (cpu_id, uid) DO UPDATE SET key = $3, salt_length = $4",
            )
            .bind(cpu_id)
            .bind(uid)
            .bind(spki)
            .bind(salt_length(*scheme))
            .execute(connection)
            .await?;
        }
        Change::AuthKey { cpu_id, uid, key } => write_auth_key(connection, cpu_id, uid, key).await?,
    }
    Ok(true)
}

async fn write_auth_key(
    connection: &mut PgConnection,
    cpu_id: &str,
    uid: &str,
    key: &AuthKey,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE auth_key SET is_retired = true WHERE cpu_id = $1 AND uid = $2 AND appid = $3 AND openid = $4",
    )
    .bind(cpu_id)
    .bind(uid)
    .bind(&key.appid)
    .bind(&key.openid)
    .execute(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM auth_key WHERE cpu_id = $1 AND uid = $2 AND key = $3")
        .bind(cpu_id)
        .bind(uid)
        .bind(key.key.spki_der())
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "INSERT INTO auth_key (cpu_id, uid, key, appid, openid, salt_length, is_retired)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(cpu_id)
    .bind(uid)
    .bind(key.key.spki_der())
    .bind(&key.appid)
    .bind(&key.openid)
    .bind(salt_length(key.scheme))
    .bind(key.retired)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "DELETE FROM auth_key WHERE number IN (
             SELECT number FROM auth_key WHERE cpu_id = $1 AND uid = $2 AND is_retired ORDER BY number DESC OFFSET $3
         ) AND cpu_id = $1 AND uid = $2",
    )
    .bind(cpu_id)
    .bind(uid)
    .bind(i64::try_from(MAX_RETIRED_KEYS).unwrap_or(i64::MAX))
    .execute(connection)
    .await
    .map(drop)
}

/// The part of a scheme that a row stores.
fn salt_length(scheme: SignatureScheme) -> i32 {
    let SignatureScheme::RsaPss { salt_length } = scheme;
    salt_length.get().into()
}

/// Whether PostgreSQL can store a text. It cannot store a NUL, so a name with one is not known.
pub(super) fn is_storable(name: &str) -> bool {
    !name.contains('\0')
}
