//! The least that a server of `verify_signature` can do: the same server as `soter-sim`'s, with a handler that reads the
//! request, verifies with a key that is parsed already, and answers.

use std::borrow::Cow;
use std::error::Error;
use std::future::pending;
use std::io::{Write, stdout};
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;
use soter_bridge::server::{Server, ServerOptions, Services};
use soter_sim::{Desk, DeskOptions, State};
use soter_wire::{PublicKey, SignatureScheme, base64};

type Failed = Box<dyn Error + Send + Sync>;

/// Given to this bench with a key as PEM, it makes the bench such a server.
pub(crate) const ARGUMENT: &str = "--serve-the-limit";

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    json_string: Cow<'a, str>,
    #[serde(borrow)]
    json_signature: Cow<'a, str>,
}

/// Serves until the process is killed.
pub(crate) fn serve(key: &str) -> Result<(), Failed> {
    let key = Arc::new(PublicKey::from_pem(key)?);
    let handler = move |body: Bytes| {
        let key = Arc::clone(&key);
        async move { answer(&key, &body) }
    };
    let wechat = Router::new().route("/cgi-bin/soter/verify_signature", post(handler));
    let desk = Desk::open(DeskOptions::new(State::Ephemeral))?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let server = Server::bind(ServerOptions::new(SocketAddr::from(([127, 0, 0, 1], 0)))).await?;
        writeln!(stdout(), "ready {}", server.url())?;
        server.run(Services { wechat, ..desk.services(false) }, pending()).await;
        Ok(())
    })
}

fn answer(key: &PublicKey, body: &[u8]) -> Response {
    let is_ok = serde_json::from_slice(body).is_ok_and(|Body { json_string, json_signature }| {
        base64::decode(&json_signature).is_ok_and(|signature| {
            key.verify(SignatureScheme::default(), json_string.as_bytes(), &signature).is_ok()
        })
    });
    ([(CONTENT_TYPE, "application/json; charset=utf-8")], format!("{{\"is_ok\":{is_ok}}}")).into_response()
}
