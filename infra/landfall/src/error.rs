//! What can go wrong with a command, said so that its reader can mend it.

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
    #[error("port {port} of this machine is in use: stop what listens there, or choose another with --port")]
    PortInUse {
        /// Which.
        port: u16,
    },
    /// A file cannot be read, written, made or removed.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A document is no YAML or JSON, or not of its form.
    #[error("{place}:\n{error}")]
    Syntax {
        /// Which file.
        place: String,
        /// Line, column and reason.
        error: Box<serde_saphyr::Error>,
    },
    /// A file of secrets is no YAML or JSON, or not of its form. Says nothing of what stands in it.
    #[error(
        "{place}: line {line} column {column}: this is no file of secrets, `name: value` each; nothing of it is shown"
    )]
    Secrets {
        /// Which file.
        place: String,
        /// From 1.
        line: u64,
        /// From 1.
        column: u64,
    },
    /// A connector describes none.
    #[error("{place}: connector {connector}: {error}")]
    Connector {
        /// Which file.
        place: String,
        /// Which.
        connector: String,
        /// What is wrong, and where.
        error: InvalidConnector,
    },
    /// A client's registration cannot be one.
    #[error("{place}: client {client}: {error}")]
    Client {
        /// Which file.
        place: String,
        /// Which.
        client: String,
        /// What is wrong with it.
        error: InvalidClient,
    },
    /// A client may start a journey that nobody can.
    #[error("client {client} names the journey {journey:?}, which is not served: there are {served}")]
    NoJourney {
        /// Which.
        client: String,
        /// By which name.
        journey: String,
        /// Those that are.
        served: String,
    },
    /// A client may start a journey that the deployment does not have.
    #[error("client {client} names the journey {journey:?}, which is not saved: give its file with --journey")]
    UnsavedJourney {
        /// Which.
        client: String,
        /// By which name.
        journey: String,
    },
    /// A client may start no journey.
    #[error("client {client} names no journey, so it could start none: name them under `journeys`")]
    NoJourneys {
        /// Which.
        client: String,
    },
    /// A journey leads to a connector that does not exist.
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
    /// A document is there twice.
    #[error(
        "{place}: {what} is there already, in this file, in another, or as one of Landfall's own: remove one of the two, or rename it"
    )]
    Twice {
        /// Which file.
        place: String,
        /// Which document.
        what: String,
    },
    /// Two connectors send browsers back to one address.
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
    /// A journey breaks rules.
    #[error("{place}:{}", list(.errors))]
    Journey {
        /// Which document.
        place: String,
        /// Each rule.
        errors: Vec<DocumentError>,
    },
    /// Another process has the data folder.
    #[error("{path} is in use by another landfall: stop that one, or choose another folder with --data")]
    DataInUse {
        /// Which.
        path: PathBuf,
    },
    /// Others may write to the data folder, which has the issuer's keys in it.
    #[error(
        "{path} is another user's, or others may write to it: take it from them (chmod go-w), or choose another folder with --data"
    )]
    DataShared {
        /// Which.
        path: PathBuf,
    },
    /// A file of connectors has none.
    #[error("{place}: there is no connector in this file")]
    NoConnector {
        /// Which file.
        place: String,
    },
    /// A connector's or client's secret is not there.
    #[error(
        "{whose} names the secret {secret:?}, and no file has it: write `{secret}: ...` into a file and name that with --secrets"
    )]
    NoSecret {
        /// Of which connector or client.
        whose: String,
        /// By which name.
        secret: String,
    },
    /// The embedded DynamoDB cannot use its file.
    #[error("{path}: the embedded DynamoDB cannot use this file: {reason}")]
    Database {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A listener or server failed.
    #[error("the server cannot go on: {0}")]
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
    /// The file of the issuer's keys does not have them.
    #[error("{path}: {error}: put the file back, or start anew with --reset, which forgets users as well")]
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
    /// Two administrators save a document at once, and the other was first.
    #[error(
        "{what} was changed by another administrator while this command ran: it is as they left it, and so is what comes after it here; compare their change with your file, then run the command again"
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
    /// The issuer's address is none, or what it answers is no set of keys.
    #[error("{0} does not answer with a set of keys: is this Landfall's issuer?")]
    NoKeys(String),
    /// A test has found something wrong.
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
    /// Standard output is gone.
    #[error("nothing can be printed: {0}")]
    Output(std::io::Error),
}

fn list(errors: &[DocumentError]) -> String {
    errors.iter().map(|error| format!("\n  {error}")).collect()
}
