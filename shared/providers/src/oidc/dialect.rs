//! In what one OpenID Connect provider differs from the next.

use std::fmt::Debug;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::Method;
use egress::Response;
use serde::de::DeserializeOwned;

use super::Vouched;
use super::discovery::Endpoints;
use super::exchange;
use super::relying_party::{RelyingParty, not_switched_on};
use crate::{Attempt, Cx, InvalidConnector, Progress, ProviderError};

/// A provider, as its own part of the settings. Only the issuer has to be said; everything else is by the standard unless
/// it is said otherwise.
#[async_trait]
pub(crate) trait OidcDialect: Debug + DeserializeOwned + Send + Sync + 'static {
    /// What it can do at all.
    const METHODS: &'static [Method] = &[Method::Oidc];

    /// Whose ID tokens are believed: exactly as `iss` and the discovery document have it.
    fn issuer(&self) -> Result<String, InvalidConnector>;

    /// Endpoints that are as they are whatever the discovery document says.
    fn endpoints(&self) -> Result<Endpoints, InvalidConnector> {
        Ok(Endpoints::default())
    }

    /// One more look at what an ID token says that has passed all others, of a login by `method`.
    fn check(&self, _method: Method, _claims: &Vouched) -> Result<(), ProviderError> {
        Ok(())
    }

    /// What it means that the token endpoint answers an authorization code with something else than 200.
    fn exchange_failed(&self, now: DateTime<Utc>, response: &Response) -> ProviderError {
        exchange::classify(now, response)
    }

    /// Starts a method other than the redirect.
    async fn begin(
        &self,
        _party: &RelyingParty<Self>,
        _cx: &Cx<'_>,
        attempt: Attempt<'_>,
    ) -> Result<Progress, ProviderError> {
        Err(not_switched_on(attempt.method()))
    }
}
