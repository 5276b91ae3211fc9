//! What adapters work with: the request, outbound HTTP, secrets, and the cached documents of each issuer.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    ConnectorClient, ConnectorDocument, ConnectorId, Entropy, RequestContext, SecretError, SecretName, SecretSource,
};
use egress::{CALL_LIMIT, Egress, EgressError, Request, Response};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::oidc::{IssuerCache, SignedSecrets};
use crate::{Outage, ProviderError, Stage};

/// How long to wait before a provider that has just failed is asked once more: too short for a user to notice, long enough
/// for a load balancer to choose another server.
const PAUSE: RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_millis(150);

/// What all connectors share. One for the life of the process: it keeps discovery documents and keys.
pub struct Providers {
    egress: Egress,
    /// HTTP clients that trust a company's own certificate authorities, by the certificates.
    trusting: Mutex<BTreeMap<String, Egress>>,
    secrets: Arc<dyn SecretSource>,
    entropy: Arc<dyn Entropy>,
    base: String,
    pause: RangeInclusive<Duration>,
    pub(crate) issuers: IssuerCache,
    pub(crate) signed_secrets: SignedSecrets,
}

impl Providers {
    /// Callbacks come in below `base`, without a trailing slash. Nothing is fetched before it is needed.
    pub fn new(
        egress: Egress,
        secrets: Arc<dyn SecretSource>,
        entropy: Arc<dyn Entropy>,
        base: impl Into<String>,
    ) -> Self {
        let (base, trusting) = (base.into(), Mutex::default());
        let (issuers, signed_secrets) = (IssuerCache::default(), SignedSecrets::default());
        Self { egress, trusting, secrets, entropy, base, pause: PAUSE, issuers, signed_secrets }
    }

    /// With another pause before a call is made once more.
    #[cfg(test)]
    pub(crate) fn pausing(self, pause: RangeInclusive<Duration>) -> Self {
        Self { pause, ..self }
    }

    /// A copy with empty caches, for connector tests: a test must not see what logins have cached, a secret above all, nor
    /// change it.
    pub fn afresh(&self) -> Self {
        Self {
            egress: self.egress.with_new_breaker(),
            trusting: Mutex::default(),
            secrets: Arc::new(ReadAnew(Arc::clone(&self.secrets))),
            entropy: Arc::clone(&self.entropy),
            base: self.base.clone(),
            pause: self.pause.clone(),
            issuers: IssuerCache::default(),
            signed_secrets: SignedSecrets::default(),
        }
    }

    /// What an adapter needs to serve `request`.
    pub fn cx<'a>(&'a self, request: &'a RequestContext) -> Cx<'a> {
        Cx { request, providers: self, limit: CALL_LIMIT, ca_certificates: None, user_ip: None }
    }

    /// The HTTP client that trusts these certificate authorities, too.
    fn egress(&self, ca_certificates: Option<&str>) -> Result<Egress, EgressError> {
        let Some(pem) = ca_certificates else { return Ok(self.egress.clone()) };
        let mut trusting = self.trusting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(egress) = trusting.get(pem) {
            return Ok(egress.clone());
        }
        let egress = self.egress.with_ca_certificates(pem)?;
        trusting.insert(pem.to_owned(), egress.clone());
        Ok(egress)
    }
}

/// Secrets as they are stored now, as far as their source lets itself be asked again.
#[derive(Debug)]
struct ReadAnew(Arc<dyn SecretSource>);

#[async_trait]
impl SecretSource for ReadAnew {
    async fn get(&self, cx: &RequestContext, name: &SecretName) -> Result<SecretString, SecretError> {
        self.0.reread(cx, name).await
    }
}

impl fmt::Debug for Providers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Providers").field("egress", &self.egress).finish_non_exhaustive()
    }
}

/// Where providers send browsers back to for `connector` of a deployment at `base`.
pub fn callback_url(base: &str, connector: &ConnectorId) -> String {
    format!("{base}/v1/callback/{connector}")
}

/// One request, as an adapter sees it: [`Providers::cx`].
#[derive(Debug, Clone, Copy)]
pub struct Cx<'a> {
    pub(crate) request: &'a RequestContext,
    pub(crate) providers: &'a Providers,
    limit: Duration,
    ca_certificates: Option<&'a str>,
    user_ip: Option<IpAddr>,
}

impl<'a> Cx<'a> {
    /// Applies one connector's timeout and ca_certificates to its calls. Every adapter calls this first.
    pub fn of(self, connector: &'a ConnectorDocument) -> Self {
        let limit = connector.timeout.map(|seconds| Duration::from_secs(seconds.into()));
        self.request.count(|counts| counts.providers.extend([connector.provider.clone()]));
        let ca_certificates = connector.ca_certificates.as_deref();
        Self { limit: limit.unwrap_or(self.limit), ca_certificates, ..self }
    }

    /// On behalf of a user at this address, if it is known.
    pub fn for_user(self, user_ip: Option<IpAddr>) -> Self {
        Self { user_ip, ..self }
    }

    /// The user's own address, for providers that count failures by it.
    pub fn user_ip(&self) -> Option<IpAddr> {
        self.user_ip
    }

    /// The cache key of an address: it includes the trusted certificates.
    pub(crate) fn trusted(&self, address: &str) -> String {
        self.ca_certificates.map_or_else(|| address.to_owned(), |pem| format!("{address}\n{pem}"))
    }

    /// The same with other bounds of the whole request.
    pub(crate) fn during(self, request: &'a RequestContext) -> Self {
        Self { request, ..self }
    }

    /// The time the request came in.
    pub fn now(&self) -> DateTime<Utc> {
        self.request.now
    }

    /// Where providers send browsers back to for `connector`, unless it says otherwise: to be registered there.
    pub(crate) fn callback_url(&self, connector: &ConnectorId) -> String {
        callback_url(&self.providers.base, connector)
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        self.providers.entropy.as_ref()
    }

    /// Sends once. A failure happened at `stage`.
    pub async fn send(&self, stage: Stage, request: Request) -> Result<Response, ProviderError> {
        self.call(self.request, request).await.map_err(|error| stage.unanswered(error))
    }

    /// Sends a request that only reads. If the provider answers with a server error or the connection breaks, sends it once
    /// more after a short pause, so that the login does not fail for that. Both together take no longer than one call may.
    /// After a 429 (too many calls) it is not sent again, and neither is a request that may change something.
    pub async fn read(&self, stage: Stage, request: Request) -> Result<Response, ProviderError> {
        // Of the request's time, not of the call's: a second call with little left of it says nothing about the host.
        let both = self.request.within(self.limit);
        let mut outcome = self.call(&both, request.clone()).await;
        if request.is_safe() && may_pass(&outcome) {
            let pause = self.entropy().pause(&self.providers.pause);
            if pause < both.remaining() {
                tokio::time::sleep(pause).await;
                outcome = self.call(&both, request).await;
            }
        }
        outcome.map_err(|error| stage.unanswered(error))
    }

    async fn call(&self, during: &RequestContext, request: Request) -> Result<Response, EgressError> {
        self.providers.egress(self.ca_certificates)?.send(during, request.within(self.limit)).await
    }

    /// Whether a call to `url` would be dialled: sends nothing there. As a failure it happened at `stage`.
    pub(crate) async fn vet(&self, stage: Stage, url: &Url) -> Result<(), ProviderError> {
        self.providers.egress.vet(self.request, url).await.map_err(|error| stage.unanswered(error))
    }

    /// The secret of a client; `None` for a public one.
    pub async fn secret(&self, client: &ConnectorClient) -> Result<Option<SecretString>, ProviderError> {
        let Some(name) = client.secret_name() else { return Ok(None) };
        match self.providers.secrets.get(self.request, &name).await {
            Ok(secret) => Ok(Some(secret)),
            Err(SecretError::Unknown(_)) => Err(Stage::ClientAuthentication.misconfigured(
                "the secret that client.secret names does not exist: store the client's secret under connectors/ \
                 and that name",
            )),
            Err(SecretError::Unavailable(_)) => Err(Stage::ClientAuthentication.unavailable(Outage::Secret)),
        }
    }

    /// The current secret of a client after `used` was refused: read again, past the cache. `None` if it has not changed or
    /// cannot be read.
    pub(crate) async fn rotated_secret(&self, client: &ConnectorClient, used: &SecretString) -> Option<SecretString> {
        let secret = self.providers.secrets.reread(self.request, &client.secret_name()?).await.ok()?;
        // Not in constant time: both are our own secrets, and no caller can choose either of them.
        (secret.expose_secret() != used.expose_secret()).then_some(secret)
    }
}

/// Whether the failure of a call may be over in a moment.
fn may_pass(outcome: &Result<Response, EgressError>) -> bool {
    match outcome {
        Ok(response) => response.status.is_server_error(),
        Err(error) => matches!(error, EgressError::Connect | EgressError::Interrupted),
    }
}

#[cfg(test)]
mod tests;
