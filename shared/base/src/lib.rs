//! The [`Base`]: the services that every function needs. `aws` creates it, and a function builds its own services from
//! it.
//!
//! **Must not know**: HTTP, AWS, providers, journeys, so that each function links only what it needs.
//!
//! **To add one more** service for every function: a field of [`Base`], which `aws` fills. What only some functions
//! need belongs to their own services.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::{Clock, Counts, Entropy, Reach, SecretHash, SecretSource};
use store::{GuessLimits, Store};
use tokens::{Clients, Keys};

/// The services that every function needs. Created once per process.
#[derive(Debug)]
pub struct Base {
    /// DynamoDB.
    pub store: Store,
    /// The registrations of applications.
    pub clients: Arc<Clients>,
    /// The issuer's keys that the function uses.
    pub keys: Arc<Keys>,
    /// The secrets of connectors, applications and the issuer.
    pub secrets: Arc<dyn SecretSource>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The issuer's URL, from configuration. Never from a request's `Host`, which the caller can forge.
    pub issuer: String,
    /// The addresses that connectors may reach.
    pub reach: Reach,
    /// The hash of the administrators' token. Only for a local server, where there is no API Gateway with IAM.
    pub admin: Option<SecretHash>,
    /// The time limit of a request without a Lambda deadline.
    pub budget: Duration,
    /// The deployment's CloudFormation stack: a dimension of the metrics.
    pub stack: Option<String>,
    /// The limits for guesses.
    pub guesses: GuessLimits,
    /// The counts of the start.
    pub startup: Startup,
}

/// The counts of the start, which the first request reports.
#[derive(Debug)]
pub struct Startup(Mutex<Option<Counts>>);

impl Startup {
    /// From the counts.
    pub fn new(counts: Counts) -> Self {
        Self(Mutex::new(Some(counts)))
    }

    /// The counts, only the first time.
    pub fn take(&self) -> Option<Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
