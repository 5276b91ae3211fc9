use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use directory::Directory;
use domain::{Clock, Counts, Entropy, SecretHash, SecretSource};
use egress::Egress;
use journeys::{Connectors, Journeys, Library, Limits, StepTypes};
use providers::{Providers, Registry};
use store::Store;
use tokens::{Clients, Issuer, Keys, Lifetimes};

/// All that the routes call. Made once per process.
#[derive(Debug)]
pub struct App {
    /// The engine.
    pub journeys: Journeys,
    /// Our own issuer.
    pub issuer: Issuer,
    /// Connectors, as administrators deal with them.
    pub connectors: Connectors,
    pub(crate) keys: Arc<Keys>,
    pub(crate) secrets: Arc<dyn SecretSource>,
    /// What opens the administrators' routes beside IAM.
    pub(crate) admin: Option<SecretHash>,
    pub(crate) clients: Arc<Clients>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) budget: Duration,
    pub(crate) stack: Option<String>,
    startup: Mutex<Option<Counts>>,
}

/// What an [`App`] is made of.
#[derive(Debug)]
pub struct AppParts {
    /// DynamoDB.
    pub store: Store,
    /// The kinds of providers.
    pub registry: Registry,
    /// The kinds of steps.
    pub steps: StepTypes,
    /// The way out.
    pub egress: Egress,
    /// Clients' and the issuer's secrets.
    pub secrets: Arc<dyn SecretSource>,
    /// The issuer's keys, loaded.
    pub keys: Arc<Keys>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The issuer's URL. From configuration: a request's Host is whatever its sender likes.
    pub issuer: String,
    /// What opens the administrators' routes, where there is no API Gateway before them.
    pub admin: Option<SecretHash>,
    /// Bounds of sessions.
    pub limits: Limits,
    /// How long tokens live.
    pub lifetimes: Lifetimes,
    /// How long a request may take where no Lambda deadline says so.
    pub budget: Duration,
    /// The deployment, as its metrics are told apart by it.
    pub stack: Option<String>,
    /// What starting up has come to.
    pub startup: Counts,
}

impl App {
    /// Puts the parts together.
    pub fn new(parts: AppParts) -> Self {
        let AppParts { store, registry, steps, egress, secrets, keys, clock, entropy, .. } = parts;
        let AppParts { issuer, admin, limits, lifetimes, budget, stack, startup, .. } = parts;
        let clients = Arc::new(Clients::new(store.clone(), Arc::clone(&secrets)));
        // They send browsers back to this deployment's own address.
        let providers = Arc::new(Providers::new(egress, Arc::clone(&secrets), Arc::clone(&entropy), issuer.clone()));
        let journeys = Journeys::new(journeys::Parts {
            library: Library::new(store.clone(), registry.clone(), steps),
            clients: Arc::clone(&clients),
            providers: Arc::clone(&providers),
            directory: Directory::new(store.clone(), Arc::clone(&entropy)),
            keys: Arc::clone(&keys),
            entropy: Arc::clone(&entropy),
            limits,
            store: store.clone(),
        });
        let connectors = Connectors::new(store.clone(), registry, providers);
        let issuer =
            Issuer::new(issuer, Arc::clone(&keys), lifetimes, Arc::clone(&clients), store, Arc::clone(&entropy));
        Self {
            journeys,
            issuer,
            connectors,
            keys,
            secrets,
            admin,
            clients,
            clock,
            entropy,
            budget,
            stack,
            startup: Mutex::new(Some(startup)),
        }
    }

    /// What starting up has come to, for the first request that asks.
    pub(crate) fn take_startup(&self) -> Option<Counts> {
        self.startup.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
