//! The system's clock, randomness and environment, the AWS clients, and the [`Base`] of every function, which is built
//! from them.
//!
//! **Must not know**: what a function does. Only this crate reads the environment, once, into [`Config`]; `landfall
//! serve` builds a `Config` by value.
//!
//! **To add one more setting**: a field of [`Config`], its name in [`Config::REQUIRED`] or [`Config::OPTIONAL`], and the
//! variable in `infra/template.yaml`, which a test compares. One more AWS service: its client in `clients.rs`, its port in
//! `domain`.

mod clients;
mod config;
mod secrets;
mod system;

use std::sync::Arc;
use std::time::Duration;

use ::base::{Base, Startup};
use domain::{ClientAddress, Clock, Entropy, RequestContext, RequestId, SecretSource};
use store::Store;
use tokens::{Clients, KeyError, KeyKind, Keys};

pub use config::{Account, Config, ConfigError, DynamoDb};
pub use domain::Reach;
pub use secrets::{SecretsManager, Unreadable, Unstored};
pub use system::{SystemClock, SystemEntropy};

/// The time limit of a request without a Lambda deadline, and of a start.
pub const BUDGET: Duration = Duration::from_secs(10);

/// How long a start waits for a connection to DynamoDB. After that, the first request opens it.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);

/// A function cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is invalid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The issuer's keys cannot be loaded.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The TLS configuration of the AWS clients cannot be created.
    #[error("the TLS configuration of the AWS clients cannot be created")]
    Tls,
}

/// The base of a deployed function: its configuration from the environment, secrets from Secrets Manager, and the
/// issuer's keys that it uses. Deployed functions pass [`Reach::Public`].
pub async fn start(keys: &'static [KeyKind], reach: Reach) -> Result<Arc<Base>, StartError> {
    let start = async {
        let config = Config { keys, ..Config::for_function(reach)? };
        let secrets = Arc::new(SecretsManager::connect(&config).await?);
        let cx = context(Arc::new(SystemClock), &SystemEntropy);
        let store = store(&config, Arc::new(SystemEntropy)).await?;
        // During its start a function has a full processor, whatever its memory size: a TLS handshake is cheapest now.
        let connected = tokio::time::timeout(CONNECT_LIMIT, store.connect(&cx));
        let base = base(&config, secrets, Arc::new(SystemClock), Arc::new(SystemEntropy));
        let (base, _connected) = tokio::join!(base, connected);
        base
    };
    // Lambda's runtime does not log the error.
    start.await.inspect_err(|error| tracing::error!(event = "start_failed", %error))
}

/// The base from a configuration and its ports.
pub async fn base(
    config: &Config,
    secrets: Arc<dyn SecretSource>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<Arc<Base>, StartError> {
    let cx = context(Arc::clone(&clock), entropy.as_ref());
    let stopwatch = cx.stopwatch();
    let keys = Arc::new(Keys::load(&cx, secrets.as_ref(), config.keys).await?);
    let store = store(config, Arc::clone(&entropy)).await?;
    cx.count(|counts| counts.init_ms = Some(stopwatch.millis()));
    Ok(Arc::new(Base {
        clients: Arc::new(Clients::new(store.clone(), Arc::clone(&secrets))),
        store,
        keys,
        secrets,
        clock,
        entropy,
        issuer: config.issuer.clone(),
        reach: config.reach,
        admin: config.admin,
        budget: config.budget,
        stack: config.stack.clone(),
        guesses: config.guesses,
        startup: Startup::new(cx.counts()),
    }))
}

/// The store for a configuration.
pub async fn store(config: &Config, entropy: Arc<dyn Entropy>) -> Result<Store, StartError> {
    Ok(Store::new(clients::dynamodb(config)?, config.tables.clone(), entropy))
}

/// The context of work outside a request: a start, or a command.
pub fn context(clock: Arc<dyn Clock>, entropy: &dyn Entropy) -> RequestContext {
    let id = RequestId::generate(clock.now(), entropy);
    RequestContext::new(id, clock, BUDGET, ClientAddress::default(), None)
}
