//! Configured identity providers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ConnectorId, Method, ProviderKind, SecretName, Source};

/// A connector document: which provider, whose account pool, with which client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectorDocument {
    /// As journeys name it.
    pub id: ConnectorId,
    /// The kind of provider, as the registry names it.
    pub provider: ProviderKind,
    /// For people: what a button to this provider says, after "Continue with".
    pub name: String,
    /// A disabled connector refuses everything, within the configuration cache's 60 s.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The pool of accounts it vouches for; unless it says otherwise, a name derived from the provider's issuer, so that
    /// two connectors to one issuer share it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// How many seconds a call to the provider may take, instead of five. The request's own deadline bounds it all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u8>,
    /// Certificates (PEM) of authorities of the company's own, trusted for this connector's calls beside the public ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_certificates: Option<String>,
    /// How Landfall is registered at the provider.
    pub client: ConnectorClient,
    /// The methods that are switched on, each with what it does differently.
    pub methods: BTreeMap<Method, MethodSettings>,
    /// The provider's own settings: the provider's guide (`providers/guides`) lists them.
    #[serde(default)]
    pub settings: serde_json::Map<String, serde_json::Value>,
}

/// Landfall's registration at a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectorClient {
    /// The client id.
    pub id: String,
    /// The name of its client secret, found at `connectors/<name>` among the deployment's secrets; none for a public
    /// client. Never the secret itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// How it authenticates at the token endpoint, where it has a secret.
    #[serde(default, skip_serializing_if = "ClientAuthMethod::is_default")]
    pub token_endpoint_auth_method: ClientAuthMethod,
}

/// How a client authenticates at a token endpoint (OIDC Core 9).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthMethod {
    /// `client_id` and `client_secret` in the form.
    #[default]
    ClientSecretPost,
    /// HTTP Basic (RFC 6749 section 2.3.1).
    ClientSecretBasic,
    /// It only names itself: a public client. So does any client without a secret.
    None,
}

impl ClientAuthMethod {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What one method does differently from the connector as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodSettings {
    /// A client of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ConnectorClient>,
}

impl ConnectorDocument {
    /// The pool of accounts this connector vouches for, at the authority that its adapter calls `issuer_key`.
    pub fn source(&self, issuer_key: &str) -> Source {
        self.source.clone().unwrap_or_else(|| Source::of_issuer(issuer_key))
    }

    /// The names of the secrets of all clients that its methods use.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.methods.keys().filter_map(|method| self.client_for(*method)?.secret.as_deref())
    }

    /// The client that `method` uses; `None` where the method is switched off.
    pub fn client_for(&self, method: Method) -> Option<&ConnectorClient> {
        self.methods.get(&method).map(|settings| settings.client.as_ref().unwrap_or(&self.client))
    }
}

impl ConnectorClient {
    /// Whether it authenticates at all.
    pub fn shows_secret(&self) -> bool {
        self.secret.is_some() && self.token_endpoint_auth_method != ClientAuthMethod::None
    }

    /// Where its secret is kept.
    pub fn secret_name(&self) -> Option<SecretName> {
        self.secret.as_deref().map(SecretName::connector)
    }
}

fn yes() -> bool {
    true
}
