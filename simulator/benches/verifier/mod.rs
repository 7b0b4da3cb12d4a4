//! A server whose `verify_signature` is measured, and the results of its phones.

use std::error::Error;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_tungstenite::connect_async;

use crate::backend::verify_request;
use crate::load::{Requests, send};
use crate::rpc;
use crate::server::Server;

type Failed = Box<dyn Error + Send + Sync>;

/// How the answer for a good result ends.
pub(crate) const IS_OK: &str = "\"is_ok\":true}";

/// A server with phones of its own.
pub(crate) struct Verifier {
    pub(crate) program: String,
    pub(crate) server: Server,
    pub(crate) token: String,
    pub(crate) phones: Vec<Phone>,
    _state: TempDir,
}

pub(crate) struct Phone {
    name: String,
    pub(crate) cpu_id: Value,
    /// The AuthKey, as PEM.
    pub(crate) public_key: String,
}

impl Verifier {
    /// Starts a server with this number of phones, and further arguments.
    pub(crate) async fn start(program: &Path, phones: usize, arguments: &[&str]) -> Result<Self, Failed> {
        let state = tempfile::tempdir()?;
        let folder = state.path().to_str().ok_or("the folder's name is not text")?;
        let server = Server::start(program, &[&["--state", folder], arguments].concat())?;
        let (mut socket, _) = connect_async(format!("ws://{}/ws", server.address)).await?;
        let names = (0..phones).map(|number| format!("phone-{number}"));
        let mut phones = Vec::new();
        for name in names {
            rpc::create_phone(&mut socket, &name).await?;
            let first = rpc::authenticate(&mut socket, &name).await?;
            let result: Value = serde_json::from_str(first["json_string"].as_str().unwrap_or_default())?;
            let keys = rpc::call(&mut socket, "keys.list", json!({"device": name})).await?;
            let keys = keys["keys"].as_array().ok_or("no keys")?;
            let public_key = keys
                .iter()
                .find(|key| key["kind"] == "authkey")
                .and_then(|key| key["publicKey"].as_str())
                .ok_or("no AuthKey")?
                .to_owned();
            phones.push(Phone { name, cpu_id: result["cpu_id"].clone(), public_key });
        }
        let token = rpc::token(&server.address).await?;
        Ok(Self { program: program.display().to_string(), server, token, phones, _state: state })
    }

    /// New results as bodies, in an order in which every counter is new: those of one phone stay with one connection.
    pub(crate) async fn bodies(&self, results: usize) -> Result<Vec<Vec<String>>, Failed> {
        let mut clients = JoinSet::new();
        for (index, phone) in self.phones.iter().enumerate() {
            let (address, name) = (self.server.address.clone(), phone.name.clone());
            clients.spawn(async move {
                let (mut socket, _) = connect_async(format!("ws://{address}/ws")).await?;
                let mut bodies = Vec::new();
                for _ in 0..results {
                    bodies.push(rpc::authenticate(&mut socket, &name).await?.to_string());
                }
                Ok::<_, Failed>((index, bodies))
            });
        }
        let mut all = vec![Vec::new(); self.phones.len()];
        while let Some(client) = clients.join_next().await {
            let (index, bodies) = client??;
            all[index] = bodies;
        }
        Ok(all)
    }

    /// Verifies results, and returns the rate.
    pub(crate) async fn turn(&self, bodies: &[Vec<String>]) -> Result<f64, Failed> {
        let requests = requests_for(&self.server.address, &self.token, bodies);
        Ok(send(&self.server.address, requests, IS_OK).await?.rate())
    }
}

pub(crate) fn requests_for(address: &str, token: &str, bodies: &[Vec<String>]) -> Vec<Requests> {
    let requests =
        |bodies: &Vec<String>| bodies.iter().map(|body| verify_request(address, token, body)).collect();
    bodies.iter().map(requests).collect()
}
