//! The server whose phones the agent uses: one that runs elsewhere, or in this process.

use serde_json::Value;
use soter_bridge::Connection;
use soter_bridge::protocol::CommandError;
use soter_text::Language;
use soter_wechat::Secret;
use tokio::sync::Mutex;

/// A server, with a connection that is opened again when it is lost.
pub(crate) struct Remote {
    url: Secret,
    token: Option<Secret>,
    current: Mutex<Connection>,
}

impl Remote {
    /// Connects to the address in a server's ready line. The token may also be in the address.
    ///
    /// # Errors
    /// Those of [`Connection::open`].
    pub(crate) async fn open(url: Secret, token: Option<Secret>) -> Result<Self, CommandError> {
        let current = Mutex::new(open(&url, token.as_ref()).await?);
        Ok(Self { url, token, current })
    }

    /// The connection.
    ///
    /// # Errors
    /// Those of [`Connection::open`] if it was lost.
    pub(crate) async fn connection(&self) -> Result<Connection, CommandError> {
        let mut current = self.current.lock().await;
        if current.is_lost() {
            *current = open(&self.url, self.token.as_ref()).await?;
        }
        Ok(current.clone())
    }

    /// The names of the methods that the server offers.
    ///
    /// # Errors
    /// Those of [`Connection::raw`].
    pub(super) async fn methods(&self) -> Result<Vec<String>, CommandError> {
        let document = self.connection().await?.raw("rpc.discover", Value::Null).await?;
        let names = document["methods"].as_array().into_iter().flatten();
        Ok(names.filter_map(|method| method["name"].as_str()).map(str::to_owned).collect())
    }
}

/// Agents read English.
async fn open(url: &Secret, token: Option<&Secret>) -> Result<Connection, CommandError> {
    Connection::open_in_language(url.expose(), token.cloned(), Language::English).await
}
