//! What an app is made of.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::{Client, Clock, DirectApi, FixedClock, Method, SeededEntropy};
use landfall::demo::{self, Provider};
use providers::Registry;
use simulators::{Keycloak, Subject};
use store::GuessLimits;

use crate::house::House;
use crate::{ISSUER, changed};

/// Where [`Setup::take_own_callback`] has browsers come back to.
pub const OWN_CALLBACK: &str = "https://id.example.com/of-the-shop";

/// What an app is made of, before it is made.
pub struct Setup {
    /// The simulated provider. Its address is known to [`Setup::connectors`] as `{keycloak}`.
    pub subject: Arc<dyn Subject>,
    /// A provider of the company's own. Its address is known to [`Setup::connectors`] as `{house}`.
    pub house: Option<House>,
    /// The kinds of providers that connectors may lead to.
    pub registry: Registry,
    /// A file of connectors.
    pub connectors: String,
    /// Client secrets by the connectors' names.
    pub secrets: BTreeMap<&'static str, &'static str>,
    /// Our own clients' secrets, likewise.
    pub client_secrets: BTreeMap<&'static str, &'static str>,
    /// Journeys beside those that migrate from each connector.
    pub journeys: Vec<String>,
    /// More journeys, which are not checked when they are saved: as an older version of ours may have saved them.
    pub unchecked: Vec<String>,
    /// Changes of the demo application.
    pub client: fn(Client) -> Client,
    /// How long a request may take.
    pub budget: Duration,
    /// How often secrets may be tried: most tests are about something else, and try often.
    pub guesses: GuessLimits,
    /// The time: the clock of the app, unless a real server wants the system's.
    pub time: Arc<dyn Clock>,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) entropy: Arc<SeededEntropy>,
}

/// So many attempts as no test makes.
fn countless() -> GuessLimits {
    let mut limits = GuessLimits::default();
    (limits.account.size, limits.account.pause_from) = (10_000, u32::MAX);
    limits
}

/// A Keycloak, with all it can do that others cannot.
pub const KEYCLOAK: Provider = Provider { name: "Keycloak", ..demo::PROVIDERS[0] };

/// A textbook provider.
pub const PLAIN: Provider = Provider {
    id: "plain",
    name: "Plain",
    simulator: &simulators::plain::SIMULATOR,
    methods: &[Method::Oidc],
    factors: &[],
};

/// The providers over which every flow has to go that knows none of them.
pub const PROVIDERS: [Provider; 2] = [KEYCLOAK, PLAIN];

/// The provider of an app, which knows an issuer's callback.
pub fn subject_of(provider: &Provider, clock: Arc<dyn Clock>, issuer: &str) -> Arc<dyn Subject> {
    let subject = provider.subject(clock, Arc::new(SeededEntropy::new(2)));
    provider.register(subject.as_ref(), &providers::callback_url(issuer, &provider.id.parse().unwrap()));
    subject
}

pub(crate) fn keycloak_of(subject: &dyn Subject) -> &Keycloak {
    let subject: &dyn Any = subject;
    subject.downcast_ref().expect("the app's provider is a Keycloak")
}

impl Setup {
    /// The clock of the app, and of everything that it meets.
    pub fn clock(&self) -> Arc<FixedClock> {
        Arc::clone(&self.clock)
    }

    /// What only a Keycloak can do.
    pub fn keycloak(&self) -> &Keycloak {
        keycloak_of(self.subject.as_ref())
    }

    pub(crate) fn new(provider: &Provider) -> Self {
        let start: DateTime<Utc> = "2026-01-02T03:04:05Z".parse().unwrap();
        let clock = Arc::new(FixedClock::at(start));
        let subject = subject_of(provider, clock.clone(), ISSUER);
        Self {
            connectors: format!("connectors:\n{}", provider.connector(subject.as_ref(), "{keycloak}")),
            subject,
            house: None,
            registry: Registry::default(),
            secrets: BTreeMap::from([(provider.id, demo::SECRET)]),
            client_secrets: BTreeMap::new(),
            journeys: Vec::new(),
            unchecked: Vec::new(),
            client: |client| client,
            budget: Duration::from_secs(10),
            guesses: countless(),
            time: clock.clone(),
            clock,
            entropy: Arc::new(SeededEntropy::new(1)),
        }
    }

    /// Adds a second connector to the demo's Keycloak, and the journey `choose` that asks with which of the two to go on.
    pub fn offer_a_choice(&mut self) {
        let (_, one) = self.connectors.split_once("connectors:\n").unwrap();
        let two = changed(
            one,
            &[
                ("id: keycloak\n", "id: keycloak-two\n"),
                ("name: Keycloak", "name: The other one\n    button: Sign in at {name}"),
            ],
        );
        self.connectors = format!("{}{two}", self.connectors);
        self.journeys.push(include_str!("choose.yaml").to_owned());
    }

    /// Makes the demo application a confidential client, with this secret under the name `shop`.
    pub fn take_client_secret(&mut self, secret: &'static str) {
        self.client_secrets.insert("shop", secret);
        self.client = |client| Client { secret: Some("shop".into()), direct_api: DirectApi::Confidential, ..client };
    }

    /// Has the provider send browsers back to an address of the application's own.
    pub fn take_own_callback(&mut self) {
        let own = format!("realm: demo, redirect_uri: \"{OWN_CALLBACK}\" }}");
        self.connectors = self.connectors.replace("realm: demo }", &own);
        self.keycloak().change_client("demo", "landfall", |client| client.redirect_uri(OWN_CALLBACK)).unwrap();
    }
}
