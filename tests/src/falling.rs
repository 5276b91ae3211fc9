//! A provider that a company has compiled in, and that panics with what it was given.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{ConnectorDocument, Method, MethodSet};
use providers::{
    Attempt, Cx, InvalidConnector, Probe, Progress, Provider, ProviderAdapter, ProviderError, Registry, Report,
};
use secrecy::ExposeSecret;

use crate::Setup;

/// `provider: falling`.
pub const FALLING: Provider = Provider::new("falling", &[Method::Password], build);

/// Who has it panic with nothing but a constant.
pub const CONSTANT: &str = "constant@example.org";

const CONNECTOR: &str = r#"
  - id: falling
    provider: falling
    name: Falling
    client: { id: landfall }
    methods: { password: {} }
    settings: {}
"#;

impl Setup {
    /// Adds a connector to it.
    pub fn fall(&mut self) {
        self.registry = Registry::default().and(FALLING);
        self.connectors = format!("{}{}", self.connectors.trim_end(), CONNECTOR);
    }
}

#[derive(Debug)]
struct Adapter;

fn build(_document: &ConnectorDocument) -> Result<Arc<dyn ProviderAdapter>, InvalidConnector> {
    Ok(Arc::new(Adapter))
}

#[async_trait]
impl ProviderAdapter for Adapter {
    fn methods(&self) -> MethodSet {
        [Method::Password].into_iter().collect()
    }

    async fn begin(&self, _cx: &Cx<'_>, attempt: Attempt<'_>) -> Result<Progress, ProviderError> {
        match attempt {
            Attempt::Password { username: CONSTANT, .. } => panic!("the provider fell over"),
            Attempt::Password { username, password, .. } => {
                panic!("{username} has not the password {}", password.expose_secret())
            }
            _ => unreachable!("it has no such method"),
        }
    }

    async fn probe(&self, _cx: &Cx<'_>, _with: &Probe<'_>) -> Report {
        Report::of(Vec::new())
    }
}
