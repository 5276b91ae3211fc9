//! DynamoDB on one machine: an embedded engine that the unmodified SDK talks to over loopback.
//!
//! Whoever may write into the directory is whoever they like. On loopback that would be every process of the machine and
//! every page its browser has open, so a request has to be signed with an access key that is drawn anew at each start,
//! and one that a page has sent (`Origin`) is refused whatever it has.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use aws::DynamoDb;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use domain::Entropy;
use dynoxide::{Database, DynoxideError};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;

use crate::error::CommandError;

/// An embedded DynamoDB that listens, but does not answer before it is [served](Self::serve).
pub struct EmbeddedDynamoDb {
    listener: TcpListener,
    address: SocketAddr,
    engine: Engine,
}

#[derive(Clone)]
struct Engine {
    database: Database,
    access_key: SecretString,
}

impl fmt::Debug for EmbeddedDynamoDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedDynamoDb").field("address", &self.address).finish_non_exhaustive()
    }
}

impl EmbeddedDynamoDb {
    /// One that keeps its tables in a file.
    pub async fn open(path: &Path, entropy: &dyn Entropy) -> Result<Self, CommandError> {
        let unusable = |reason: String| CommandError::Database { path: path.to_owned(), reason };
        let text = path.to_str().ok_or_else(|| unusable("its name is not UTF-8".into()))?;
        Self::listen(Database::new(text).map_err(|error| unusable(error.to_string()))?, entropy).await
    }

    /// One that forgets everything.
    pub async fn in_memory(entropy: &dyn Entropy) -> Result<Self, CommandError> {
        let unusable =
            |error: DynoxideError| CommandError::Database { path: "memory".into(), reason: error.to_string() };
        Self::listen(Database::memory().map_err(unusable)?, entropy).await
    }

    async fn listen(database: Database, entropy: &dyn Entropy) -> Result<Self, CommandError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(CommandError::Server)?;
        let address = listener.local_addr().map_err(CommandError::Server)?;
        let access_key: String = entropy.bytes::<16>().iter().map(|byte| format!("{byte:02X}")).collect();
        Ok(Self { listener, address, engine: Engine { database, access_key: access_key.into() } })
    }

    /// How to reach it.
    pub fn location(&self) -> DynamoDb {
        DynamoDb::At { address: self.address, access_key: self.engine.access_key.clone() }
    }

    /// Answers until the future is dropped.
    pub async fn serve(self) -> Result<(), CommandError> {
        let router = Router::new().route("/", post(answer)).with_state(self.engine);
        axum::serve(self.listener, router).await.map_err(CommandError::Server)
    }
}

/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html>
async fn answer(State(engine): State<Engine>, headers: HeaderMap, body: Bytes) -> Response {
    if !engine.admits(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let database = &engine.database;
    let result = match target.rsplit('.').next().unwrap_or_default() {
        "CreateTable" => run(&body, |request| database.create_table(request)),
        "UpdateTimeToLive" => run(&body, |request| database.update_time_to_live(request)),
        "GetItem" => run(&body, |request| database.get_item(request)),
        "PutItem" => run(&body, |request| database.put_item(request)),
        "UpdateItem" => run(&body, |request| database.update_item(request)),
        "TransactWriteItems" => run(&body, |request| database.transact_write_items(request)),
        "Query" => run(&body, |request| database.query(request)),
        "Scan" => run(&body, |request| database.scan(request)),
        other => Err(DynoxideError::ValidationException(format!("Landfall does not use {other}"))),
    };
    let (status, json) = match result {
        Ok(json) => (StatusCode::OK, json),
        Err(error) => (StatusCode::from_u16(error.status_code()).unwrap_or(StatusCode::BAD_REQUEST), error.to_json()),
    };
    (status, [(CONTENT_TYPE, "application/x-amz-json-1.0")], json).into_response()
}

fn run<Q: DeserializeOwned, A: Serialize>(
    body: &[u8],
    operation: impl FnOnce(Q) -> Result<A, DynoxideError>,
) -> Result<String, DynoxideError> {
    let unreadable = |error: serde_json::Error| DynoxideError::SerializationException(error.to_string());
    let answer = operation(serde_json::from_slice(body).map_err(unreadable)?)?;
    serde_json::to_string(&answer).map_err(unreadable)
}

impl Engine {
    fn admits(&self, headers: &HeaderMap) -> bool {
        let credential = format!("Credential={}/", self.access_key.expose_secret());
        let signed = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        signed.is_some_and(|signed| signed.contains(&credential)) && !headers.contains_key(ORIGIN)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use domain::SeededEntropy;

    use super::*;

    #[tokio::test]
    async fn only_who_holds_the_access_key_and_no_page_is_admitted() {
        let embedded = EmbeddedDynamoDb::in_memory(&SeededEntropy::new(1)).await.unwrap();
        let key = embedded.engine.access_key.expose_secret();
        let headers = |key: &str, origin: Option<&'static str>| {
            let signed = format!("AWS4-HMAC-SHA256 Credential={key}/20260102/local/dynamodb/aws4_request");
            let mut headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_str(&signed).unwrap())]);
            headers.extend(origin.map(|origin| (ORIGIN, HeaderValue::from_static(origin))));
            headers
        };
        assert!(embedded.engine.admits(&headers(key, None)));
        assert!(!embedded.engine.admits(&headers(key, Some("https://evil.example"))));
        assert!(!embedded.engine.admits(&headers("local", None)));
        assert!(!embedded.engine.admits(&headers("", None)));
        assert!(!embedded.engine.admits(&HeaderMap::new()));
    }
}
