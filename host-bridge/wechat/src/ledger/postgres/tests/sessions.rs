//! Codes, sessions and tokens of servers that share a database, by the database's clock.

use super::*;
use crate::sessions::switches::{ClockChange, Failure, SwitchChanges, SwitchStep};
use crate::sessions::{BadCode, BadToken, Expiry};

#[tokio::test]
async fn a_code_of_one_server_is_exchanged_once_at_any_server() {
    let Some(database) = TestDatabase::new() else { return };
    let (first, second) = (database.ledger().await, database.ledger().await);
    let code = first.login("wx", "anna").await.unwrap();
    assert!(second.session_key("wx", "anna").await.unwrap().is_some());
    assert_eq!(second.session_key("wx", "bert").await.unwrap(), None);
    assert_eq!(second.exchange("wy", &code).await.unwrap().unwrap_err(), BadCode::Invalid);
    let (one, two) = tokio::join!(second.exchange("wx", &code), first.exchange("wx", &code));
    let results = [one.unwrap(), two.unwrap()];
    let (user, key) = results.iter().flatten().next().unwrap();
    assert_eq!((user.as_str(), results.iter().flatten().count()), ("anna", 1));
    assert!(results.contains(&Err(BadCode::Used)));
    assert_eq!(first.session_key("wx", "anna").await.unwrap().as_ref(), Some(key));
    assert_eq!(first.exchange("wx", "guess").await.unwrap().unwrap_err(), BadCode::Invalid);

    let old = first.login("wx", "anna").await.unwrap();
    database.execute("UPDATE code SET made_at = made_at - interval '5 minutes'".to_owned()).await;
    assert_eq!(second.exchange("wx", &old).await.unwrap().unwrap_err(), BadCode::Invalid, "it has expired");
    database.execute("UPDATE session SET renewed_at = renewed_at - interval '3 days'".to_owned()).await;
    assert_eq!(first.session_key("wx", "anna").await.unwrap(), None);
    assert_eq!(first.session_key("wx", "anna").await.unwrap(), None, "asking for the key begins no session");
    first.login("wx", "anna").await.unwrap();
    let new = first.session_key("wx", "anna").await.unwrap().unwrap();
    assert!(new != *key, "a new session has another key");
}

#[tokio::test]
async fn a_token_of_one_server_is_valid_at_any_server() {
    let Some(database) = TestDatabase::new() else { return };
    let (first, second) = (database.ledger().await, database.ledger().await);
    let old = first.plain_token("wx").await.unwrap();
    let new = second.plain_token("wx").await.unwrap();
    assert_eq!((old.expires_in, new.expires_in), (7200, 7200));
    let check = async |token: &Secret| first.check_token(token.expose()).await.unwrap().1;
    assert_eq!(
        (check(&old.token).await, check(&new.token).await),
        (Ok("wx".to_owned()), Ok("wx".to_owned()))
    );
    assert_eq!(check(&"another".into()).await, Err(BadToken::Unknown));
    let stable = first.stable_token("wx", false).await.unwrap();
    let again = second.stable_token("wx", false).await.unwrap();
    assert!(again.token == stable.token && (7190..=7200).contains(&again.expires_in));

    database.execute("UPDATE token SET expires_at = expires_at - interval '5 minutes'".to_owned()).await;
    assert_eq!(check(&old.token).await, Err(BadToken::Replaced), "it was valid for 5 more minutes");
    assert_eq!(check(&new.token).await, Ok("wx".to_owned()));
    let forced = second.stable_token("wx", true).await.unwrap();
    assert_eq!(check(&stable.token).await, Err(BadToken::Replaced));
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
    assert_eq!(ledger.check_token(first.token.expose()).await.unwrap().1, Err(BadToken::Unknown));
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
    assert_eq!(kept, 256, "expired tokens are distinguished from unknown ones");
}

const FAILURE: Failure = Failure { errcode: -1, times: Some(3), path: None };

fn change(changes: SwitchChanges) -> SwitchStep {
    SwitchStep::Change(changes)
}

#[tokio::test]
async fn all_servers_have_the_same_switches_and_the_same_time() {
    let Some(database) = TestDatabase::new() else { return };
    let (first, second) = (database.ledger().await, database.ledger().await);
    let (old, stays) = (first.plain_token("wx").await.unwrap(), first.login("wx", "anna").await.unwrap());
    let check = async |token: &Secret| second.check_token(token.expose()).await.unwrap();
    assert_eq!(check(&old.token).await, (Arc::default(), Ok("wx".to_owned())));
    let clock = Some(ClockChange::Forward(7_200_000));
    let (switches, is_taken) =
        first.step_switches(change(SwitchChanges { clock, ..SwitchChanges::default() })).await.unwrap();
    assert!(is_taken && switches.clock_offset == 7_200_000);
    assert_eq!(check(&old.token).await, (Arc::clone(&switches), Err(BadToken::Expired)));
    assert_eq!(check(&"another".into()).await, (switches, Err(BadToken::Unknown)));
    assert_eq!(second.exchange("wx", &stays).await.unwrap().unwrap_err(), BadCode::Invalid);
    let new = second.plain_token("wx").await.unwrap();
    assert_eq!(check(&new.token).await.1, Ok("wx".to_owned()));
    let code = second.login("wx", "anna").await.unwrap();
    assert!(first.exchange("wx", &code).await.unwrap().is_ok());

    let back = SwitchChanges { clock: Some(ClockChange::Ahead(7_199_999)), ..SwitchChanges::default() };
    first.step_switches(change(back)).await.unwrap();
    assert_eq!(check(&new.token).await.1, Err(BadToken::Unknown), "it would live too long");
    assert_eq!(second.session_key("wx", "anna").await.unwrap(), None);
    let too_far = Some(ClockChange::Ahead(u64::MAX));
    let refused = second.step_switches(change(SwitchChanges { clock: too_far, ..SwitchChanges::default() }));
    assert_eq!(refused.await.unwrap(), (first.switches().await.unwrap(), false));
    second.forget_all().await.unwrap();
    assert_eq!(first.switches().await.unwrap(), Arc::default());
}

#[tokio::test]
async fn a_failure_that_is_told_three_times_happens_three_times_over_all_servers() {
    let Some(database) = TestDatabase::new() else { return };
    let servers = [database.ledger().await, database.ledger().await];
    let failure = Some(Some(FAILURE));
    servers[0].step_switches(change(SwitchChanges { failure, ..SwitchChanges::default() })).await.unwrap();
    let steps = (0..8).map(|number| servers[number % 2].step_switches(SwitchStep::CountFailure(FAILURE)));
    let taken = futures_util::future::join_all(steps).await;
    assert_eq!(taken.iter().filter(|step| step.as_ref().unwrap().1).count(), 3);
    assert_eq!(servers[1].switches().await.unwrap(), Arc::default());
}

#[tokio::test]
async fn a_session_key_is_renewed_replaced_and_ended_at_any_server() {
    let Some(database) = TestDatabase::new() else { return };
    let (first, second) = (database.ledger().await, database.ledger().await);
    first.login("wx", "anna").await.unwrap();
    let old = second.session_key("wx", "anna").await.unwrap().unwrap();
    second.login("wx", "anna").await.unwrap();
    let renewed = first.session_key("wx", "anna").await.unwrap().unwrap();
    assert_ne!(renewed, old, "each login renews it");
    let keep = SwitchChanges { login_renews_key: Some(false), ..SwitchChanges::default() };
    first.step_switches(change(keep)).await.unwrap();
    second.login("wx", "anna").await.unwrap();
    assert_eq!(first.session_key("wx", "anna").await.unwrap(), Some(renewed.clone()));

    assert_eq!(first.replace_session_key("wx", "anna", &old).await.unwrap(), None);
    let replaced = first.replace_session_key("wx", "anna", &renewed).await.unwrap().unwrap();
    assert_eq!(second.session_key("wx", "anna").await.unwrap(), Some(replaced));
    let expiry = Expiry::Session { appid: "wx".to_owned(), user: "anna".to_owned() };
    let unused = first.login("wx", "anna").await.unwrap();
    assert_eq!((second.expire(&expiry).await, first.expire(&expiry).await), (Ok(1), Ok(0)));
    assert_eq!(first.session_key("wx", "anna").await.unwrap(), None);
    assert_eq!(first.exchange("wx", &unused).await.unwrap().unwrap_err(), BadCode::Invalid);
}

#[tokio::test]
async fn codes_and_tokens_are_ended_before_their_time_and_each_code_has_its_purpose() {
    let Some(database) = TestDatabase::new() else { return };
    let (first, second) = (database.ledger().await, database.ledger().await);
    let (login, phone) =
        (first.login("wx", "anna").await.unwrap(), first.phone_code("wx", "anna").await.unwrap());
    assert_eq!(second.exchange("wx", &phone).await.unwrap().unwrap_err(), BadCode::OtherPurpose);
    assert_eq!(second.exchange_phone_code("wx", &login, None).await.unwrap(), Err(BadCode::OtherPurpose));
    let of_bert = second.exchange_phone_code("wx", &phone, Some("bert")).await.unwrap();
    assert_eq!(of_bert, Err(BadCode::OtherUser));
    assert_eq!(second.exchange_phone_code("wx", &phone, Some("anna")).await.unwrap(), Ok("anna".to_owned()));
    assert_eq!(first.exchange_phone_code("wx", &phone, None).await.unwrap(), Err(BadCode::Used));
    let expiry = Expiry::Codes { appid: "wx".to_owned(), user: "anna".to_owned() };
    assert_eq!((second.expire(&expiry).await, first.expire(&expiry).await), (Ok(1), Ok(0)));
    assert_eq!(first.exchange("wx", &login).await.unwrap().unwrap_err(), BadCode::Invalid);

    let check = async |token: &Secret| first.check_token(token.expose()).await.unwrap().1;
    for (expiry, expected) in [
        (Expiry::Tokens { appid: "wx".to_owned() }, BadToken::Expired),
        (Expiry::ReplacedTokens { appid: "wx".to_owned() }, BadToken::Replaced),
    ] {
        let (plain, stable) =
            (first.plain_token("wx").await.unwrap(), first.stable_token("wx", false).await.unwrap());
        let other = first.plain_token("wy").await.unwrap();
        assert_eq!(second.expire(&expiry).await, Ok(2));
        assert_eq!((check(&plain.token).await, check(&stable.token).await), (Err(expected), Err(expected)));
        assert_eq!(check(&other.token).await, Ok("wy".to_owned()));
    }
}

#[tokio::test]
async fn tables_of_the_first_format_are_converted_and_keep_their_rows() {
    let Some(database) = TestDatabase::new() else { return };
    let ledger = database.ledger().await;
    let (token, code) = (ledger.plain_token("wx").await.unwrap(), ledger.login("wx", "anna").await.unwrap());
    drop(ledger);
    database
        .execute(
            "ALTER TABLE ledger DROP COLUMN switches;
             ALTER TABLE token DROP COLUMN is_replaced;
             ALTER TABLE code DROP COLUMN is_for_phone_number, DROP COLUMN is_ended;
             DROP FUNCTION servers_now;
             UPDATE ledger SET format = 1;"
                .to_owned(),
        )
        .await;
    let ledger = database.ledger().await;
    assert_eq!(ledger.check_token(token.token.expose()).await.unwrap().1, Ok("wx".to_owned()));
    assert_eq!(ledger.exchange("wx", &code).await.unwrap().unwrap().0, "anna");
}
