//! What can go wrong with a command. Each message says what is wrong, where, and what would be right.

use std::io::ErrorKind;
use std::path::PathBuf;

use aws::{ConfigError, StartError, Unreadable, Unstored};
use domain::InvalidClient;
use egress::EgressError;
use journeys::DocumentError;
use providers::InvalidConnector;
use store::StoreError;
use tokens::{KeyError, VerifyError};

/// A command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The port is taken.
    #[error(
        "port {port} of this machine is in use: stop the program that listens there, or choose another port with --port"
    )]
    PortInUse {
        /// Which.
        port: u16,
    },
    /// A file cannot be read, written, made or removed.
    #[error("{path}: {}", cause(.error))]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A document is not YAML or JSON, or has other members than it may.
    #[error("{place}:\n{error}\n{form}")]
    Syntax {
        /// Which file.
        place: String,
        /// Line, column and reason.
        error: Box<serde_saphyr::Error>,
        /// What such a file has in it.
        form: &'static str,
    },
    /// A file of secrets is not YAML or JSON, or has another form. The message shows nothing of its content.
    #[error(
        "{place}: line {line} column {column}: a file of secrets has lines `name: value`, each name once (its content is not shown here)"
    )]
    Secrets {
        /// Which file.
        place: String,
        /// From 1.
        line: u64,
        /// From 1.
        column: u64,
    },
    /// A connector's document is invalid.
    #[error("{place}: connector {connector}: {error}")]
    Connector {
        /// Which file.
        place: String,
        /// Which.
        connector: String,
        /// What is wrong, and where.
        error: InvalidConnector,
    },
    /// A client's document is invalid.
    #[error("{place}: client {client}: {error}")]
    Client {
        /// Which file.
        place: String,
        /// Which.
        client: String,
        /// What is wrong with it.
        error: InvalidClient,
    },
    /// A client names a journey that is not served.
    #[error(
        "client {client} names the journey {journey:?}, which is not served (there are: {served}): correct the name, or give the journey's file with --journey"
    )]
    NoJourney {
        /// Which.
        client: String,
        /// By which name.
        journey: String,
        /// Those that are.
        served: String,
    },
    /// A client names a journey that the deployment does not have.
    #[error("client {client} names the journey {journey:?}, which is not saved: give its file with --journey")]
    UnsavedJourney {
        /// Which.
        client: String,
        /// By which name.
        journey: String,
    },
    /// A client names no journey.
    #[error("client {client} names no journey, so it could start none: name them under `journeys`")]
    NoJourneys {
        /// Which.
        client: String,
    },
    /// A journey names a connector that does not exist.
    #[error(
        "journey {journey} names the connector {connector:?}, which does not exist (there are: {known}): correct the name, or give the file that has it with --connectors"
    )]
    UnknownConnector {
        /// Which.
        journey: String,
        /// By which name.
        connector: String,
        /// Those that exist.
        known: String,
    },
    /// Two documents or secrets have the same name.
    #[error(
        "{place}: {what} is there already, in this file, in another, or as one of Landfall's own: remove one of the two, or rename it"
    )]
    Twice {
        /// Which file.
        place: String,
        /// Which document.
        what: String,
    },
    /// Two connectors have one redirect URI.
    #[error(
        "{place}: connectors {one} and {other} have the same settings.redirect_uri: give each its own, or an answer cannot be told apart"
    )]
    SharedCallback {
        /// Which file.
        place: String,
        /// One of them.
        one: String,
        /// The other.
        other: String,
    },
    /// A journey's document is invalid.
    #[error("{place}:{}", list(.errors))]
    Journey {
        /// Which document.
        place: String,
        /// Each rule.
        errors: Vec<DocumentError>,
    },
    /// Another process uses the data folder.
    #[error("{path} is in use by another landfall: stop that one, or choose another folder with --data")]
    DataInUse {
        /// Which.
        path: PathBuf,
    },
    /// Others may write to the data folder, which has the issuer's keys.
    #[error(
        "{path} belongs to another user, or others may write to it: forbid that (chmod go-w {path}), or choose another folder with --data"
    )]
    DataShared {
        /// Which.
        path: PathBuf,
    },
    /// A file of connectors is empty.
    #[error(
        "{place}: there is no connector in this file: add one under `connectors`, with id, provider, name, client, methods and settings"
    )]
    NoConnector {
        /// Which file.
        place: String,
    },
    /// A connector's or client's secret is missing.
    #[error(
        "{whose} names the secret {secret:?}, which is in no file of secrets: write `{secret}: ...` into a file, and give that with --secrets"
    )]
    NoSecret {
        /// Of which connector or client.
        whose: String,
        /// By which name.
        secret: String,
    },
    /// The embedded DynamoDB cannot use its file.
    #[error(
        "{path}: the embedded DynamoDB cannot use this file ({reason}): put the file back, or start anew with --reset, which deletes users as well"
    )]
    Database {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A listener or server failed.
    #[error("the server has stopped: {0}")]
    Server(std::io::Error),
    /// The functions cannot start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The HTTP client for providers cannot be made.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// The environment names no deployment.
    #[error("{0}; infra/README.md, \"Its keys\", says how to set them for a deployment")]
    Deployment(#[from] ConfigError),
    /// A secret cannot be stored.
    #[error(transparent)]
    Unstored(#[from] Unstored),
    /// A connector's or client's secret is not in Secrets Manager.
    #[error("{whose} has no secret: store it first, as {name} (aws secretsmanager create-secret --name {name} ...)")]
    NotStored {
        /// Of which connector or client.
        whose: String,
        /// By which whole name.
        name: String,
    },
    /// The issuer's keys are missing or damaged.
    #[error("{path}: {error}: put the file back, or start anew with --reset, which deletes users as well")]
    KeysLost {
        /// Which file.
        path: PathBuf,
        /// Which key, and what is wrong with it.
        error: KeyError,
    },
    /// A secret cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// New keys cannot be made.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// A key cannot be rotated.
    #[error("{name}: {error}")]
    Unrotated {
        /// Which, by its whole name.
        name: String,
        /// Why.
        error: KeyError,
    },
    /// Another administrator has saved the document at the same time.
    #[error(
        "{what} was changed by another administrator while this command ran. It and the documents after it were not saved: compare the change with your file, then run the command again"
    )]
    Conflict {
        /// Which document.
        what: String,
    },
    /// DynamoDB.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The issuer cannot be asked for its keys.
    #[error("{url}: {error}: is `cargo run` running there?")]
    Unreachable {
        /// Where.
        url: String,
        /// Why.
        error: EgressError,
    },
    /// The issuer's address is invalid, or does not answer with a set of keys.
    #[error("{0} does not answer with a set of keys: is this Landfall's issuer?")]
    NoKeys(String),
    /// A connector's test has failed.
    #[error("failed: {failed} (of {of} tested). Next: do what the last line about each says, then run this again")]
    ConnectorsFailed {
        /// Which.
        failed: String,
        /// How many were tested.
        of: usize,
    },
    /// The token is refused.
    #[error("refused: {0}")]
    Refused(#[from] VerifyError),
    /// Standard output is closed.
    #[error("standard output cannot be written: {0}")]
    Output(std::io::Error),
}

/// Why a file or folder cannot be used, and what would be right.
fn cause(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file: correct the path".into(),
        ErrorKind::IsADirectory => "this is a folder: give the path of a file".into(),
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => "this is a file: give the path of a folder".into(),
        ErrorKind::InvalidData => "this is not text: give a file in UTF-8".into(),
        ErrorKind::PermissionDenied => "permission denied: allow this user to read and write it".into(),
        _ => error.to_string(),
    }
}

fn list(errors: &[DocumentError]) -> String {
    errors.iter().map(|error| format!("\n  {error}")).collect()
}
