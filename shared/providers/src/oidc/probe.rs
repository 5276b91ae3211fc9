//! The connector test of every OpenID Connect connector: what can be seen of it without anybody's login.
//!
//! A check that stands on one that failed is not tried; above all, no secret goes to whoever a document names that is not
//! the issuer's.

mod client;
mod document;
mod redirect;

use domain::{ConnectorClient, Method};
use serde_json::{Map, Value, json};
use url::Url;

use super::dialect::OidcDialect;
use super::discovery::Metadata;
use super::keys::Keys;
use super::relying_party::RelyingParty;
use crate::report::{Finding, NotPassed, Probe, Report, Verdict};
use crate::{Cx, Stage};

const NOT_CALLED: NotPassed = NotPassed::Unverifiable("its endpoint may not be called: see endpoints");
const NOT_ACCEPTED: NotPassed =
    NotPassed::Unverifiable("the provider has not taken the client's credentials: see client_credentials");
const NO_KEY: NotPassed = NotPassed::Failed(
    "the provider publishes no key that an ID token could be verified with: it has to sign with one of settings.algorithms, \
     and to publish that key at jwks_uri",
);

/// A connector test, as far as it has come.
pub(crate) struct Probing<'a, D> {
    pub(crate) party: &'a RelyingParty<D>,
    pub(crate) cx: &'a Cx<'a>,
    pub(crate) with: &'a Probe<'a>,
    redirect_uri: String,
    /// How the provider is spoken to, if that is known.
    metadata: Result<Metadata, NotPassed>,
    /// Whether who is spoken to is the issuer.
    genuine: Verdict,
    /// What may not be called.
    refused: Vec<&'static str>,
    /// Whom the provider has taken for its client.
    accepted: Vec<&'a ConnectorClient>,
}

/// Runs all checks.
pub(super) async fn run<D: OidcDialect>(party: &RelyingParty<D>, cx: &Cx<'_>, with: &Probe<'_>) -> Report {
    let (mut probing, mut checks) = document::read(party, cx, with).await;
    checks.push(probing.endpoints().await);
    checks.push(probing.keys().await);
    checks.extend(probing.clients().await);
    if probing.has(Method::Oidc) {
        checks.push(probing.redirect().await);
    }
    checks.extend(party.dialect.probe(&probing).await);
    if cx.request.remaining().is_zero() {
        checks.iter_mut().for_each(Finding::unanswered_by_us);
    }
    Report::of(checks)
}

impl<'a, D: OidcDialect> Probing<'a, D> {
    /// Whether a method is switched on.
    pub(crate) fn has(&self, method: Method) -> bool {
        self.party.document.methods.contains_key(&method)
    }

    /// The token endpoint, and a client that has been accepted there.
    pub(crate) fn client(&self, method: Method) -> Result<(&Metadata, &'a ConnectorClient), NotPassed> {
        let (metadata, client) = (self.callable("token_endpoint")?, self.party.client(method)?);
        if self.accepted.contains(&client) { Ok((metadata, client)) } else { Err(NOT_ACCEPTED) }
    }

    /// Who the provider is, if that endpoint of its may be called.
    fn callable(&self, endpoint: &str) -> Result<&Metadata, NotPassed> {
        self.genuine?;
        let metadata = self.metadata.as_ref().map_err(|doubt| *doubt)?;
        if self.refused.contains(&endpoint) { Err(NOT_CALLED) } else { Ok(metadata) }
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
            verdicts.push(("authorization_endpoint", metadata.authorization_endpoint().map(|_| ())));
        }
        let userinfo = metadata.userinfo_endpoint.as_ref().map(|url| ("userinfo_endpoint", Stage::Userinfo, url));
        let called: [Option<(_, _, &Url)>; 3] = [
            Some(("token_endpoint", Stage::Token, &metadata.token_endpoint)),
            userinfo,
            Some(("jwks_uri", Stage::Keys, &metadata.jwks_uri)),
        ];
        for (name, stage, url) in called.into_iter().flatten() {
            verdicts.push((name, self.cx.vet(stage, url).await));
        }

        let (mut detail, mut worst) = (Map::new(), Ok(()));
        for (name, verdict) in verdicts {
            let verdict = verdict.map_err(NotPassed::from);
            detail.insert(name.to_owned(), shown(verdict));
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
        let taken = &self.party.options.algorithms;
        let (usable, algorithms) = (keys.usable(taken), keys.algorithms(taken));
        let verdict = if usable == 0 { Err(NO_KEY) } else { Ok(()) };
        Finding::of("keys", verdict).with(json!({ "jwks_uri": url, "keys": usable, "algorithms": algorithms }))
    }

    async fn published(&self) -> Result<(&Url, Keys), NotPassed> {
        let url = &self.callable("jwks_uri")?.jwks_uri;
        Ok((url, Keys::fetch(self.cx, url).await?))
    }
}

fn shown(verdict: Verdict) -> Value {
    match verdict {
        Ok(()) => json!({ "status": "passed" }),
        Err(NotPassed::Failed(hint)) => json!({ "status": "failed", "hint": hint }),
        Err(NotPassed::Unverifiable(why)) => json!({ "status": "unverifiable", "why": why }),
    }
}
