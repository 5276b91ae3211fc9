//! Where Landfall meets the machine: the system's clock, randomness and environment, AWS's clients, and the [`Base`] of
//! every function made from them.
//!
//! **Must not know**: what a function does with any of it. The environment is read here and nowhere else, once, into
//! [`Config`]; whoever runs on one machine makes a `Config` by value.
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

/// How long a request may take where no Lambda deadline says so, and how long a start may.
pub const BUDGET: Duration = Duration::from_secs(10);

/// How long a start waits for a connection to DynamoDB. A request may do better.
const CONNECTING: Duration = Duration::from_secs(1);

/// A function cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The environment.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The issuer's keys.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The TLS configuration of AWS's clients.
    #[error("the TLS configuration cannot be made")]
    Tls,
}

/// The base of a deployed function: configured by its environment, with secrets from Secrets Manager, and those of the
/// issuer's keys that it uses. `reach` is [`Reach::Public`] in whatever is deployed.
pub async fn start(keys: &'static [KeyKind], reach: Reach) -> Result<Arc<Base>, StartError> {
    let start = async {
        let config = Config { keys, ..Config::of_function(reach)? };
        let secrets = Arc::new(SecretsManager::connect(&config).await?);
        let cx = context(Arc::new(SystemClock), &SystemEntropy);
        let store = store(&config, Arc::new(SystemEntropy)).await?;
        // While a function starts it has a whole processor, whatever its memory: the cheapest time for a handshake.
        let connected = tokio::time::timeout(CONNECTING, store.connect(&cx));
        let base = base(&config, secrets, Arc::new(SystemClock), Arc::new(SystemEntropy));
        let (base, _connected) = tokio::join!(base, connected);
        base
    };
    // The runtime only shows that the process has ended.
    start.await.inspect_err(|error| tracing::error!(event = "start_failed", %error))
}

/// The base from a configuration by value.
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

/// The store of a configuration.
pub async fn store(config: &Config, entropy: Arc<dyn Entropy>) -> Result<Store, StartError> {
    Ok(Store::new(clients::dynamodb(config)?, config.tables.clone(), entropy))
}

/// The context of work that no request asked for: starting up, or a command.
pub fn context(clock: Arc<dyn Clock>, entropy: &dyn Entropy) -> RequestContext {
    let id = RequestId::generate(clock.now(), entropy);
    RequestContext::new(id, clock, BUDGET, ClientAddress::default(), None)
}
