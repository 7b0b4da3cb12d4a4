//! The server whose phones the agent uses: one that runs elsewhere, or in this process.

use serde_json::Value;
use soter_bridge::Connection;
use soter_bridge::protocol::CommandError;
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
        let connection = Connection::open_with_token(url.expose(), token.clone()).await?;
        Ok(Self { url, token, current: Mutex::new(connection) })
    }

    /// The connection.
    ///
    /// # Errors
    /// Those of [`Connection::open`] if it was lost.
    pub(crate) async fn connection(&self) -> Result<Connection, CommandError> {
        let mut current = self.current.lock().await;
        if current.is_lost() {
            *current = Connection::open_with_token(self.url.expose(), self.token.clone()).await?;
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
