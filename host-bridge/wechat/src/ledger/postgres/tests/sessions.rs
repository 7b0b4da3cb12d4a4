//! Codes, sessions and tokens of servers that share a database, by the database's clock.

use super::*;
use crate::sessions::{BadCode, BadToken};

#[tokio::test]
async fn a_code_of_one_server_is_exchanged_once_at_any_server() {
    let Some(database) = TestDatabase::new() else { return };
    let (first, second) = (database.ledger().await, database.ledger().await);
    let code = first.login("wx", "anna").await.unwrap();
    assert!(
        second.has_session("wx", "anna").await.unwrap() && !second.has_session("wx", "bert").await.unwrap()
    );
    assert_eq!(second.exchange("wy", &code).await.unwrap().unwrap_err(), BadCode::Invalid);
    let (one, two) = tokio::join!(second.exchange("wx", &code), first.exchange("wx", &code));
    let results = [one.unwrap(), two.unwrap()];
    let (user, key) = results.iter().flatten().next().unwrap();
    assert_eq!((user.as_str(), results.iter().flatten().count()), ("anna", 1));
    assert!(results.contains(&Err(BadCode::Used)));
    assert!(first.session("wx", "anna").await.unwrap().is(key.expose()));
    assert_eq!(first.exchange("wx", "guess").await.unwrap().unwrap_err(), BadCode::Invalid);

    let old = first.login("wx", "anna").await.unwrap();
    database.execute("UPDATE code SET made_at = made_at - interval '5 minutes'".to_owned()).await;
    assert_eq!(second.exchange("wx", &old).await.unwrap().unwrap_err(), BadCode::Invalid, "it has expired");
    database.execute("UPDATE session SET renewed_at = renewed_at - interval '3 days'".to_owned()).await;
    assert!(!first.has_session("wx", "anna").await.unwrap());
    assert!(!first.session("wx", "anna").await.unwrap().is(key.expose()), "a new session has another key");
}

#[tokio::test]
async fn a_token_of_one_server_is_valid_at_any_server() {
    let Some(database) = TestDatabase::new() else { return };
    let (first, second) = (database.ledger().await, database.ledger().await);
    let old = first.plain_token("wx").await.unwrap();
    let new = second.plain_token("wx").await.unwrap();
    assert_eq!((old.expires_in, new.expires_in), (7200, 7200));
    let check = async |token: &Secret| first.check_token(token.expose()).await.unwrap();
    assert_eq!(
        (check(&old.token).await, check(&new.token).await),
        (Ok("wx".to_owned()), Ok("wx".to_owned()))
    );
    assert_eq!(check(&"another".into()).await, Err(BadToken::Unknown));
    let stable = first.stable_token("wx", false).await.unwrap();
    let again = second.stable_token("wx", false).await.unwrap();
    assert!(again.token == stable.token && (7190..=7200).contains(&again.expires_in));

    database.execute("UPDATE token SET expires_at = expires_at - interval '5 minutes'".to_owned()).await;
    assert_eq!(check(&old.token).await, Err(BadToken::Expired), "it was valid for 5 more minutes");
    assert_eq!(check(&new.token).await, Ok("wx".to_owned()));
    let forced = second.stable_token("wx", true).await.unwrap();
    assert_eq!(check(&stable.token).await, Err(BadToken::Expired));
    assert!(first.stable_token("wx", false).await.unwrap().token == forced.token);
    database.execute("UPDATE token SET expires_at = now() + interval '4 minutes'".to_owned()).await;
    let late = first.stable_token("wx", false).await.unwrap();
    assert!(late.token != forced.token, "it was about to expire");
    assert_eq!(check(&forced.token).await, Ok("wx".to_owned()), "it is valid until it expires");
    first.forget_all().await.unwrap();
    assert_eq!(check(&late.token).await, Err(BadToken::Unknown));
}

#[tokio::test]
async fn tokens_of_an_app_are_limited_and_what_has_expired_is_removed() {
    let Some(database) = TestDatabase::new() else { return };
    let ledger = database.ledger().await;
    let first = ledger.plain_token("wx").await.unwrap();
    database
        .execute(
            "INSERT INTO token (hash, appid, expires_at, is_newest_plain)
             SELECT sha256(number::text::bytea), 'wx', now() + interval '1 hour', false
             FROM generate_series(1, 300) AS number"
                .to_owned(),
        )
        .await;
    ledger.plain_token("wx").await.unwrap();
    assert_eq!(ledger.check_token(first.token.expose()).await, Ok(Err(BadToken::Unknown)));
    let mut connection = database.connect().await;
    let count =
        "SELECT (SELECT count(*) FROM token) + (SELECT count(*) FROM code) + (SELECT count(*) FROM session)";
    let kept: i64 = sqlx::query_scalar(count).fetch_one(&mut connection).await.unwrap();
    assert_eq!(kept, 256);
    ledger.login("wx", "anna").await.unwrap();
    database
        .execute(
            "UPDATE token SET expires_at = now() - interval '25 hours';
             UPDATE code SET made_at = now() - interval '6 minutes';
             UPDATE session SET renewed_at = now() - interval '4 days';"
                .to_owned(),
        )
        .await;
    cleaning::remove_expired(&mut connection).await.unwrap();
    let kept: i64 = sqlx::query_scalar(count).fetch_one(&mut connection).await.unwrap();
    assert_eq!(kept, 0);
}
