//! Calls to a server in a process of its own.

use std::error::Error;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::backend::OPENID;

type Failed = Box<dyn Error + Send + Sync>;

const SECRET: &str = "appid=wxemulated00000001&secret=emulated0000secret0000emulated00";

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Calls a command, and returns its answer.
pub(crate) async fn call(socket: &mut Socket, method: &str, params: Value) -> Result<Value, Failed> {
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    socket.send(Message::text(call.to_string())).await?;
    loop {
        // The server also sends pings.
        if let Message::Text(text) = socket.next().await.ok_or("the server has gone")?? {
            let mut answer: Value = serde_json::from_str(&text)?;
            if answer["error"].is_null() {
                return Ok(answer["result"].take());
            }
            return Err(format!("{method}: {}", answer["error"]).into());
        }
    }
}

/// Creates a phone whose sensor touches itself.
pub(crate) async fn create_phone(socket: &mut Socket, name: &str) -> Result<(), Failed> {
    call(socket, "device.create", json!({"name": name})).await?;
    call(socket, "sensor.setMode", json!({"device": name, "mode": "auto"})).await?;
    Ok(())
}

/// Authenticates, and returns the body with which a backend has the result verified.
pub(crate) async fn authenticate(socket: &mut Socket, name: &str) -> Result<Value, Failed> {
    let params = json!({"device": name, "requestAuthModes": ["fingerPrint"], "challenge": "order-42"});
    let mut result = call(socket, "wx.startSoterAuthentication", params).await?;
    if result["errCode"] != 0 {
        return Err(format!("no signature: {result}").into());
    }
    Ok(json!({
        "openid": OPENID,
        "json_string": result["resultJSON"].take(),
        "json_signature": result["resultJSONSignature"].take(),
    }))
}

/// An access token of the mini program.
pub(crate) async fn token(address: &str) -> Result<String, Failed> {
    let answer = get(address, &format!("/cgi-bin/token?grant_type=client_credential&{SECRET}")).await?;
    Ok(answer["access_token"].as_str().ok_or("no access token")?.to_owned())
}

/// The JSON at a path.
pub(crate) async fn get(address: &str, path: &str) -> Result<Value, Failed> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (_, body) = answer.split_once("\r\n\r\n").ok_or("no body")?;
    Ok(serde_json::from_str(body)?)
}
