//! The connector test of every OpenID Connect connector: what can be checked without a login.
//!
//! A check is skipped if it depends on one that failed. Above all, no secret is sent to an endpoint from a discovery document
//! that is not the issuer's.

mod client;
mod document;
mod redirect;

use std::fmt;

use domain::{ConnectorClient, Method};
use serde_json::{Map, Value, json};
use url::Url;

use super::connection::{Connection, Grant, Registration};
use super::discovery::Metadata;
use super::keys::Keys;
use super::profile::OidcProvider;
use super::token::redeem;
use crate::refusals::Refusals;
use crate::report::{Finding, NotPassed, Probe, Report, Verdict};
use crate::{Cx, ProviderError, Stage};

const NOT_CALLED: NotPassed = NotPassed::Unverifiable("its endpoint may not be called: see endpoints");
const NOT_ACCEPTED: NotPassed =
    NotPassed::Unverifiable("the provider has not accepted the client's credentials: see client_credentials");
const NO_USER: NotPassed = NotPassed::Unverifiable(
    "only a user's access token shows what the provider's API says: log in once, and see whether the e-mail is there",
);
const NO_KEY: NotPassed = NotPassed::Failed(
    "the provider publishes no key that an ID token could be verified with: it has to sign with one of settings.algorithms, \
     and to publish that key at jwks_uri",
);

/// A connector test, as far as it has come.
pub struct Probing<'a> {
    registration: &'a Registration,
    provider: &'a dyn OidcProvider,
    cx: &'a Cx<'a>,
    with: &'a Probe<'a>,
    redirect_uri: String,
    /// How a client may authenticate, as the document says.
    auth_methods: Vec<&'static str>,
    /// How the provider is spoken to, if that is known.
    metadata: Result<Metadata, NotPassed>,
    /// Whether who is spoken to is the issuer.
    genuine: Verdict,
    /// What may not be called.
    refused: Vec<String>,
    /// Which clients the provider has accepted.
    accepted: Vec<&'a ConnectorClient>,
}

/// Runs all checks.
pub(super) async fn run(
    registration: &Registration,
    provider: &dyn OidcProvider,
    cx: &Cx<'_>,
    with: &Probe<'_>,
) -> Report {
    let (mut probing, mut checks) = document::read(registration, provider, cx, with).await;
    checks.push(probing.endpoints().await);
    if registration.profile.identity.is_signed() {
        checks.push(probing.keys().await);
    }
    checks.extend(probing.clients().await);
    if probing.has(Method::Oidc) {
        checks.push(probing.redirect().await);
    }
    if !registration.profile.identity.is_signed() {
        checks.push(Finding::of("userinfo", Err(NO_USER)));
    }
    checks.extend(provider.probe(&probing).await);
    if cx.request.remaining().is_zero() {
        checks.iter_mut().for_each(Finding::unanswered_by_us);
    }
    Report::of(checks)
}

impl Probing<'_> {
    /// Whether a method is switched on.
    pub fn has(&self, method: Method) -> bool {
        self.registration.document.methods.contains_key(&method)
    }

    /// The user made for tests, if there is one.
    pub fn test_user(&self) -> Option<&str> {
        self.with.test_user.filter(|user| !user.is_empty())
    }

    /// The scopes the connector asks for, as a request's `scope`.
    pub fn scope(&self) -> &str {
        self.registration.scope()
    }

    /// Sends a grant as the client of `method`, as far as it can be tried: that client has to have been accepted. Tokens, if
    /// any come, are let go of.
    pub async fn grant(
        &self,
        method: Method,
        parameters: &[(&str, &str)],
        refusals: &[&Refusals],
    ) -> Result<Result<(), ProviderError>, NotPassed> {
        self.may_send_as_client(method)?;
        let (metadata, client) = (self.callable("token_endpoint")?, self.registration.client(method)?);
        let connection = self.connection();
        let read = |response: &_| connection.tokens(response, refusals);
        Ok(redeem(connection, metadata, client, &Grant::of(parameters), read).await.map(drop))
    }

    /// The connector's way to an API of the provider's own, if the provider is who it should be.
    pub(crate) fn own_api(&self) -> Result<Connection<'_>, NotPassed> {
        self.callable("jwks_uri").map(|_| self.connection())
    }

    /// Whether the provider is genuine, and has accepted the client of `method`.
    pub(crate) fn may_send_as_client(&self, method: Method) -> Verdict {
        self.callable("token_endpoint")?;
        let client = self.registration.client(method)?;
        if self.accepted.contains(&client) { Ok(()) } else { Err(NOT_ACCEPTED) }
    }

    /// The connector's way to its provider.
    pub(crate) fn connection(&self) -> Connection<'_> {
        Connection { cx: self.cx, registration: self.registration }
    }

    /// Who the provider is, if that endpoint of its may be called.
    fn callable(&self, endpoint: &str) -> Result<&Metadata, NotPassed> {
        self.genuine?;
        let metadata = self.metadata.as_ref().map_err(|doubt| *doubt)?;
        if self.refused.iter().any(|refused| refused == endpoint) { Err(NOT_CALLED) } else { Ok(metadata) }
    }

    /// Whether every address that a login needs is one that may be called: told one by one, and nothing is sent.
    async fn endpoints(&mut self) -> Finding {
        let metadata = match &self.metadata {
            Ok(metadata) => metadata,
            Err(doubt) => return Finding::of("endpoints", Err(*doubt)),
        };
        let mut verdicts = Vec::new();
        if self.has(Method::Oidc) {
            // Browsers go there, wherever that is from here.
            let verdict = metadata.authorization_endpoint().map(|_| ());
            verdicts.push(("authorization_endpoint".to_owned(), verdict));
        }
        let named = [
            ("token_endpoint", Stage::Token, metadata.token_endpoint().ok()),
            ("userinfo_endpoint", Stage::Userinfo, metadata.userinfo_endpoint.as_ref()),
            ("jwks_uri", Stage::Keys, metadata.jwks_uri().ok()),
        ];
        let named = named.into_iter().filter_map(|(name, stage, url)| Some((name.to_owned(), stage, url?)));
        let lookups = self.registration.profile.identity.lookups().iter().enumerate();
        let lookups = lookups
            .filter_map(|(index, lookup)| Some((format!("userinfo[{index}]"), Stage::Userinfo, lookup.url.as_ref()?)));
        for (name, stage, url) in named.chain(lookups) {
            verdicts.push((name, self.cx.vet(stage, url).await));
        }

        let (mut detail, mut worst) = (Map::new(), Ok(()));
        for (name, verdict) in verdicts {
            let verdict = verdict.map_err(NotPassed::from);
            detail.insert(name.clone(), shown(verdict));
            if verdict.is_err() {
                self.refused.push(name);
                worst = worst.and(verdict);
            }
        }
        Finding::of("endpoints", worst).with(Value::Object(detail))
    }

    /// Whether there is a key to verify ID tokens with.
    async fn keys(&self) -> Finding {
        let (url, keys) = match self.published().await {
            Ok(published) => published,
            Err(doubt) => return Finding::of("keys", Err(doubt)),
        };
        let taken = &self.registration.options.algorithms;
        let (usable, algorithms) = (keys.usable(taken), keys.algorithms(taken));
        let verdict = if usable == 0 { Err(NO_KEY) } else { Ok(()) };
        Finding::of("keys", verdict).with(json!({ "jwks_uri": url, "keys": usable, "algorithms": algorithms }))
    }

    async fn published(&self) -> Result<(&Url, Keys), NotPassed> {
        let url = self.callable("jwks_uri")?.jwks_uri()?;
        Ok((url, Keys::fetch(self.cx, url).await?))
    }
}

impl fmt::Debug for Probing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probing").field("connector", &self.registration.document.id).finish_non_exhaustive()
    }
}

fn shown(verdict: Verdict) -> Value {
    match verdict {
        Ok(()) => json!({ "status": "passed" }),
        Err(NotPassed::Failed(hint)) => json!({ "status": "failed", "hint": hint }),
        Err(NotPassed::Unverifiable(why)) => json!({ "status": "unverifiable", "why": why }),
    }
}
