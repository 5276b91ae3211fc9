//! AWS's services on one machine: DynamoDB by an embedded engine, and as much of Secrets Manager as functions and
//! `landfall keys` need. The unmodified SDK talks to both over loopback, from this process and from others.
//!
//! Who writes into the directory can sign in as any user. On loopback, every process of the machine and every page in its
//! browser could. So a request must be signed with an access key that is new at each start, and a request from a page
//! (`Origin`) is refused.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

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
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::error::CommandError;
use crate::secrets::LocalSecrets;

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
    secrets: Option<Arc<LocalSecrets>>,
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

    /// One that keeps its tables in memory.
    pub async fn in_memory(entropy: &dyn Entropy) -> Result<Self, CommandError> {
        let unusable =
            |error: DynoxideError| CommandError::Database { path: "memory".into(), reason: error.to_string() };
        Self::listen(Database::memory().map_err(unusable)?, entropy).await
    }

    async fn listen(database: Database, entropy: &dyn Entropy) -> Result<Self, CommandError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(CommandError::Server)?;
        let address = listener.local_addr().map_err(CommandError::Server)?;
        let access_key: String = entropy.bytes::<16>().iter().map(|byte| format!("{byte:02X}")).collect();
        Ok(Self { listener, address, engine: Engine { database, access_key: access_key.into(), secrets: None } })
    }

    /// The same, with these secrets behind Secrets Manager.
    pub fn beside(mut self, secrets: Arc<LocalSecrets>) -> Self {
        self.engine.secrets = Some(secrets);
        self
    }

    /// How to reach it.
    pub fn location(&self) -> DynamoDb {
        DynamoDb::At { address: self.address, access_key: self.engine.access_key.clone() }
    }

    /// How functions in other processes reach it, and the secrets beside it: variables of the SDK's own, and ours.
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let here = format!("http://{}", self.address);
        vec![
            ("AWS_ENDPOINT_URL_DYNAMODB", here.clone()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", here),
            ("AWS_REGION", "local".to_owned()),
            ("AWS_ACCESS_KEY_ID", self.engine.access_key.expose_secret().to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            ("LANDFALL_SECRETS_PREFIX", SECRETS_PREFIX.to_owned()),
        ]
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
    if let Some(action) = target.strip_prefix("secretsmanager.") {
        return engine.secrets_manager(action, &body);
    }
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

/// The prefix of a deployment's secrets. Here it may be left out.
const SECRETS_PREFIX: &str = "landfall/";

impl Engine {
    /// What a function reads and what `landfall keys` writes.
    /// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_Operations.html>
    fn secrets_manager(&self, action: &str, body: &[u8]) -> Response {
        let asked: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| asked[name].as_str().unwrap_or_default();
        let id = text(if action == "CreateSecret" { "Name" } else { "SecretId" });
        let name = id.strip_prefix(SECRETS_PREFIX).unwrap_or(id);
        let found = self.secrets.as_ref().and_then(|secrets| secrets.find(name));
        let put = || {
            let put = self.secrets.as_ref().map(|secrets| secrets.put(name, text("SecretString").into()));
            put.and_then(Result::ok).map(|()| json!({ "Name": id })).ok_or("InternalServiceError")
        };
        let answer = match (action, found) {
            ("GetSecretValue", Some(secret)) => Ok(json!({ "Name": id, "SecretString": secret.expose_secret() })),
            ("CreateSecret", None) | ("PutSecretValue", Some(_)) => put(),
            ("CreateSecret", Some(_)) => Err("ResourceExistsException"),
            ("GetSecretValue" | "PutSecretValue", None) => Err("ResourceNotFoundException"),
            _ => Err("InvalidRequestException"),
        };
        let (status, answer) = match answer {
            Ok(answer) => (StatusCode::OK, answer),
            Err(error) => (StatusCode::BAD_REQUEST, json!({ "__type": error, "Message": error })),
        };
        (status, [(CONTENT_TYPE, "application/x-amz-json-1.1")], answer.to_string()).into_response()
    }

    fn admits(&self, headers: &HeaderMap) -> bool {
        let credential = format!("Credential={}/", self.access_key.expose_secret());
        let signed = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        signed.is_some_and(|signed| signed.contains(&credential)) && !headers.contains_key(ORIGIN)
    }
}

#[cfg(test)]
mod tests {
    use aws::{BUDGET, Config, SecretsManager, SystemClock};
    use axum::http::HeaderValue;
    use domain::{SecretError, SecretName, SecretSource, SeededEntropy};
    use egress::Reach;
    use store::{GuessLimits, TableNames};

    use super::*;

    #[tokio::test]
    async fn another_process_reads_secrets_by_the_sdk_as_a_deployed_function_does() {
        let entropy = SeededEntropy::new(1);
        let secrets = LocalSecrets::default();
        secrets.add_connector("keycloak", "hunter2".into());
        let embedded = EmbeddedDynamoDb::in_memory(&entropy).await.unwrap().beside(Arc::new(secrets));
        let config = |prefix: &str, dynamodb: DynamoDb| Config {
            issuer: "http://127.0.0.1".to_owned(),
            tables: TableNames::with_prefix("landfall"),
            secrets_prefix: prefix.to_owned(),
            dynamodb,
            keys: &[],
            reach: Reach::Public,
            admin: None,
            budget: BUDGET,
            stack: None,
            guesses: GuessLimits::default(),
        };
        let (location, stranger) =
            (embedded.location(), DynamoDb::At { address: embedded.address, access_key: "x".into() });
        let cx = aws::context(Arc::new(SystemClock), &entropy);
        let read = async {
            for (prefix, location) in [("landfall/", location.clone()), ("", location.clone())] {
                let manager = SecretsManager::connect(&config(prefix, location)).await.unwrap();
                let found = manager.get(&cx, &SecretName::connector("keycloak")).await.unwrap();
                assert_eq!(found.expose_secret(), "hunter2");
                let gone = manager.get(&cx, &SecretName::connector("other")).await;
                assert!(matches!(gone, Err(SecretError::Unknown(_))));
            }
            let manager = SecretsManager::connect(&config("landfall/", stranger)).await.unwrap();
            assert!(manager.get(&cx, &SecretName::connector("keycloak")).await.is_err());
        };
        tokio::select! {
            ended = embedded.serve() => panic!("{ended:?}"),
            () = read => {}
        }
    }

    #[tokio::test]
    async fn only_requests_with_the_access_key_and_from_no_page_are_admitted() {
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
