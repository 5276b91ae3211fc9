//! In what one OpenID Connect provider differs from the next.

use std::fmt::Debug;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::Method;
use egress::Response;
use serde::de::DeserializeOwned;

use super::VerifiedClaims;
use super::discovery::Endpoints;
use super::exchange;
use super::probe::Probing;
use super::relying_party::{RelyingParty, not_switched_on};
use crate::report::NotPassed;
use crate::{Attempt, Cx, Finding, InvalidConnector, Progress, ProviderError};

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
    fn check(&self, _method: Method, _claims: &VerifiedClaims) -> Result<(), ProviderError> {
        Ok(())
    }

    /// What it means that the token endpoint answers an authorization code with something else than 200.
    fn exchange_failed(&self, now: DateTime<Utc>, response: &Response) -> ProviderError {
        exchange::classify(now, response)
    }

    /// What to do where the discovery document names another issuer than the settings.
    const ANOTHER_ISSUER: &'static str = "the provider calls itself otherwise: put the issuer into the settings exactly as it \
                                          names itself, to the last slash, if that is the one you mean";

    /// What it means that a code which nobody has issued is refused in the same way whatever secret is shown. Not every
    /// provider looks at the client first, so by itself it only means that nothing was learnt.
    const ANY_SECRET: NotPassed = NotPassed::Unverifiable(
        "a wrong secret is answered like the right one: the provider looks at the code first, or takes any secret",
    );

    /// What to do about a page on which the authorization endpoint refuses a request; `None`: nobody knows.
    fn refused_page(&self, _page: &Response) -> Option<&'static str> {
        None
    }

    /// The connector test of its methods other than the redirect, as far as they are switched on.
    async fn probe(&self, _probing: &Probing<'_, Self>) -> Vec<Finding> {
        Vec::new()
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
