//! The [`Base`]: what every function starts with, whatever it serves. `aws` makes it; the services of a function are made
//! from it, and each takes what it needs.
//!
//! **Must not know**: HTTP, AWS, providers, journeys. A function links what it serves and no more.
//!
//! **To add one more** thing that every function has: a field of [`Base`], which `aws` fills. What only some functions
//! need belongs to their services.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::{Clock, Counts, Entropy, Reach, SecretHash, SecretSource};
use store::{GuessLimits, Store};
use tokens::{Clients, Keys};

/// What every function starts with. Made once per process.
#[derive(Debug)]
pub struct Base {
    /// DynamoDB.
    pub store: Store,
    /// Applications.
    pub clients: Arc<Clients>,
    /// Those of the issuer's keys that the function uses.
    pub keys: Arc<Keys>,
    /// Secrets of connectors, of applications and of the issuer.
    pub secrets: Arc<dyn SecretSource>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The issuer's URL. From configuration: a request's Host is whatever its sender likes.
    pub issuer: String,
    /// Where connectors may lead.
    pub reach: Reach,
    /// What opens the administrators' routes beside IAM, where there is no API Gateway before them.
    pub admin: Option<SecretHash>,
    /// How long a request may take where no Lambda deadline says so.
    pub budget: Duration,
    /// The CloudFormation stack of the deployment: metrics are told apart by it.
    pub stack: Option<String>,
    /// How often secrets may be tried.
    pub guesses: GuessLimits,
    /// The cost of starting.
    pub startup: Startup,
}

/// The cost of starting, which the first request reports.
#[derive(Debug)]
pub struct Startup(Mutex<Option<Counts>>);

impl Startup {
    /// What was counted.
    pub fn new(counts: Counts) -> Self {
        Self(Mutex::new(Some(counts)))
    }

    /// What was counted, once.
    pub fn take(&self) -> Option<Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
