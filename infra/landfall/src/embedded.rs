//! DynamoDB on one machine: an embedded engine that the unmodified SDK talks to over loopback.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use dynoxide::Database;
use tokio::net::TcpListener;

use crate::error::CommandError;

/// An embedded DynamoDB that listens, but does not answer before it is [served](Self::serve).
#[derive(Debug)]
pub struct EmbeddedDynamoDb {
    listener: TcpListener,
    address: SocketAddr,
    database: DatabaseHandle,
}

struct DatabaseHandle(Database);

impl std::fmt::Debug for DatabaseHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Database")
    }
}

impl EmbeddedDynamoDb {
    /// One that keeps its tables in a file.
    pub async fn open(path: &Path) -> Result<Self, CommandError> {
        let unusable = |reason: String| CommandError::Database { path: path.to_owned(), reason };
        let text = path.to_str().ok_or_else(|| unusable("its name is not UTF-8".into()))?;
        Self::listen(Database::new(text).map_err(|error| unusable(error.to_string()))?).await
    }

    /// One that forgets everything.
    pub async fn in_memory() -> Result<Self, CommandError> {
        let unusable = |error: dynoxide::DynoxideError| CommandError::Database {
            path: "memory".into(),
            reason: error.to_string(),
        };
        Self::listen(Database::memory().map_err(unusable)?).await
    }

    async fn listen(database: Database) -> Result<Self, CommandError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(CommandError::Server)?;
        let address = listener.local_addr().map_err(CommandError::Server)?;
        Ok(Self { listener, address, database: DatabaseHandle(database) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until the future is dropped.
    pub async fn serve(self) -> Result<(), CommandError> {
        let served =
            dynoxide::server::serve_with_shutdown(self.listener, self.database.0, std::future::pending()).await;
        served.map_err(|reason| CommandError::Server(std::io::Error::other(reason)))
    }
}
