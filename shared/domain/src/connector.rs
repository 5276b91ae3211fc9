//! Configured identity providers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ConnectorId, Method, ProviderKind, SecretName, Source};

/// A connector document: the provider, its pool of accounts, and Landfall's client there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectorDocument {
    /// The id, by which journeys name it.
    pub id: ConnectorId,
    /// The kind of provider: its name in the registry.
    pub provider: ProviderKind,
    /// The name that people see.
    pub name: String,
    /// A description, for administrators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The text of a button to this provider. `{name}` stands for the name. Absent: "Login with {name}".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub button: Option<String>,
    /// A disabled connector refuses every login. A change takes effect within the 60 s of the configuration cache.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The pool of accounts behind this connector. By default a name derived from the provider's issuer, so that two
    /// connectors to one issuer share the pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Seconds that a call to the provider may take; default 5. The request's deadline also applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u8>,
    /// CA certificates (PEM) of the company, trusted for this connector's calls in addition to the public ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_certificates: Option<String>,
    /// Whether the provider's tokens are kept after a login.
    #[serde(default, skip_serializing_if = "UpstreamPolicy::is_default")]
    pub tokens: UpstreamPolicy,
    /// How Landfall is registered at the provider.
    pub client: ConnectorClient,
    /// The enabled methods, each with its own settings.
    pub methods: BTreeMap<Method, MethodSettings>,
    /// The settings of this kind of provider. Its guide (`providers/guides`) lists them.
    #[serde(default)]
    pub settings: serde_json::Map<String, serde_json::Value>,
}

/// Whether a provider's tokens are kept after a login.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpstreamPolicy {
    /// They are dropped.
    #[default]
    Discard,
    /// They are handed on with the identity ([`crate::ExternalIdentity::tokens`]).
    Keep,
}

impl UpstreamPolicy {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Landfall's registration at a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectorClient {
    /// The client id.
    pub id: String,
    /// The name of its client secret or private key, found at `connectors/<name>` among the deployment's secrets; none for
    /// a public client. Never the secret itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// How it authenticates at the token endpoint, where it has a secret; absent: as the provider's clients do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<ClientAuthMethod>,
    /// How its assertions are signed; absent: RS256 with an RSA key, ES256 with one on P-256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<AssertionAlgorithm>,
    /// By which id the provider knows its key (`kid`), for a provider that gives each key one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// For whom its assertions are (`aud`); absent: as the provider's documentation says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assertion_audience: Option<AssertionAudience>,
}

/// How a client authenticates at a token endpoint (OIDC Core 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthMethod {
    /// `client_id` and `client_secret` in the form.
    ClientSecretPost,
    /// HTTP Basic (RFC 6749 section 2.3.1).
    ClientSecretBasic,
    /// An assertion signed with its private key (RFC 7523 section 2.2).
    PrivateKeyJwt,
    /// It only names itself: a public client. So does any client without a secret.
    None,
}

/// How a client signs assertions (RFC 7518 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AssertionAlgorithm {
    /// RSA, PKCS #1 v1.5.
    #[serde(rename = "RS256")]
    Rs256,
    /// RSA, PSS.
    #[serde(rename = "PS256")]
    Ps256,
    /// P-256.
    #[serde(rename = "ES256")]
    Es256,
}

/// For whom a client's assertions are: OIDC Core 9 recommends the token endpoint's URL, and the draft of its next errata
/// demands the issuer. Providers want the one or the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssertionAudience {
    /// The URL that they are sent to.
    TokenEndpoint,
    /// The issuer, as its discovery document spells it.
    Issuer,
}

impl AssertionAlgorithm {
    /// As headers name it.
    pub fn as_str(self) -> &'static str {
        match self {
            AssertionAlgorithm::Rs256 => "RS256",
            AssertionAlgorithm::Ps256 => "PS256",
            AssertionAlgorithm::Es256 => "ES256",
        }
    }
}

/// The settings of one method that differ from the connector's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodSettings {
    /// Another client for this method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ConnectorClient>,
}

impl ConnectorDocument {
    /// The pool of accounts behind this connector. `issuer_key` is the canonical issuer from its adapter.
    pub fn source(&self, issuer_key: &str) -> Source {
        self.source.clone().unwrap_or_else(|| Source::of_issuer(issuer_key))
    }

    /// The text of a button to the provider.
    pub fn label(&self) -> String {
        self.button.as_deref().unwrap_or("Login with {name}").replace("{name}", &self.name)
    }

    /// The names of the secrets of all clients that its methods use.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.methods.keys().filter_map(|method| self.client_for(*method)?.secret.as_deref())
    }

    /// The client that `method` uses; `None` if the method is disabled.
    pub fn client_for(&self, method: Method) -> Option<&ConnectorClient> {
        self.methods.get(&method).map(|settings| settings.client.as_ref().unwrap_or(&self.client))
    }

    /// The connector's client and those of its methods.
    pub fn clients_mut(&mut self) -> impl Iterator<Item = &mut ConnectorClient> {
        let of_methods = self.methods.values_mut().filter_map(|settings| settings.client.as_mut());
        std::iter::once(&mut self.client).chain(of_methods)
    }
}

impl ConnectorClient {
    /// Whether the client authenticates with its secret.
    pub fn shows_secret(&self) -> bool {
        self.secret.is_some() && self.token_endpoint_auth_method != Some(ClientAuthMethod::None)
    }

    /// The name of its secret.
    pub fn secret_name(&self) -> Option<SecretName> {
        self.secret.as_deref().map(SecretName::connector)
    }
}

fn yes() -> bool {
    true
}
