//! What one OpenID Connect provider is: data ([`Profile`]), and a few hooks for what cannot be data ([`OidcProvider`]).

use std::fmt::Debug;

use async_trait::async_trait;
use domain::{Challenge, Method, Pending};
use egress::Response;

use super::connection::Connection;
use super::discovery::Endpoints;
use super::probe::Probing;
use super::token::TokenAnswer;
use super::{VerifiedClaims, standard};
use crate::refusals::Refusals;
use crate::report::NotPassed;
use crate::{Answer, Attempt, Callback, Check, Finding, ProviderError, Stage, not_switched_on};

/// A provider as data. Only the issuer has to be said; the rest is by the standard unless it is said otherwise.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Whose discovery document and ID tokens are believed.
    pub issuer: IssuerPolicy,
    /// Endpoints that are as they are whatever the discovery document says.
    pub endpoints: Endpoints,
    /// Whether a connector's accounts are kept apart from those of others to the same issuer, unless its document names a
    /// `source`: where the settings alone say who answers as that issuer.
    pub keeps_accounts_apart: bool,
    /// What the token endpoint's refusals of an authorization code mean.
    pub of_a_code: &'static [&'static Refusals],
    /// What to do where the discovery document names another issuer than the settings.
    pub another_issuer: &'static str,
    /// The connector test's finding when a wrong secret is answered like the right one. By default unverifiable: some providers
    /// check the code before the client.
    pub any_secret: NotPassed,
}

impl Profile {
    /// By the standard in everything but this.
    pub fn new(issuer: IssuerPolicy) -> Self {
        Self {
            issuer,
            endpoints: Endpoints::default(),
            keeps_accounts_apart: false,
            of_a_code: &[&standard::OF_A_CODE],
            another_issuer: "the provider calls itself otherwise: put the issuer into the settings exactly as it names itself, \
                             to the last slash, if that is the one you mean",
            any_secret: NotPassed::Unverifiable(
                "a wrong secret is answered like the right one: the provider looks at the code first, or takes any secret",
            ),
        }
    }
}

/// How a provider may write its own name, and by which it is known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerPolicy {
    /// The discovery document names one of them, and ID tokens match what it names. The first says where it is fetched.
    spellings: Vec<String>,
    key: String,
}

impl IssuerPolicy {
    /// One spelling, to the last slash (OpenID Connect Discovery 1.0 section 4.3).
    pub fn exact(issuer: impl Into<String>) -> Self {
        Self::of(vec![issuer.into()])
    }

    /// With or without one slash at the end: for settings in which it cannot be seen which it is.
    pub fn with_or_without_slash(issuer: &str) -> Self {
        let bare = issuer.trim_end_matches('/');
        Self::of(vec![bare.to_owned(), format!("{bare}/")])
    }

    fn of(spellings: Vec<String>) -> Self {
        let key = spellings.first().map_or("", |first| first.trim_end_matches('/')).to_owned();
        Self { spellings, key }
    }

    /// By which its accounts are known: the same whichever spelling the settings and it use.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The issuer as it is looked for.
    pub(super) fn first(&self) -> &str {
        self.spellings.first().map_or("", String::as_str)
    }

    /// All of its spellings.
    pub(super) fn spellings(&self) -> &[String] {
        &self.spellings
    }

    /// Whether `issuer` is one of its spellings.
    pub fn admits(&self, issuer: &str) -> bool {
        self.spellings.iter().any(|spelling| spelling == issuer)
    }
}

/// What a method other than the redirect has come to.
#[derive(Debug)]
pub enum Begun {
    /// The token endpoint has answered with tokens: who they are about is verified next.
    Tokens(TokenAnswer),
    /// The provider asks the user for something more; what to remember until they answer.
    Ask(Challenge, Pending),
}

/// A provider's hooks. None of them knows the connector it is a part of: what a hook needs, it is handed.
#[async_trait]
pub trait OidcProvider: Debug + Send + Sync {
    /// What it is, as data.
    fn profile(&self) -> &Profile;

    /// One more look at claims that have passed every check, of a login by `method`; may take something away from them.
    /// `callback` is what the browser brought, where there was one.
    fn identify(
        &self,
        _method: Method,
        _claims: &mut VerifiedClaims,
        _callback: Option<&Callback>,
    ) -> Result<(), ProviderError> {
        Ok(())
    }

    /// What to do about a page on which the authorization endpoint refuses a request; `None` if the page does not tell.
    fn refused_page(&self, _page: &Response) -> Option<&'static str> {
        None
    }

    /// Starts a method other than the redirect.
    async fn begin(&self, _provider: &Connection<'_>, attempt: Attempt<'_>) -> Result<Begun, ProviderError> {
        Err(not_switched_on(attempt.method()))
    }

    /// Goes on from what [`OidcProvider::begin`] has asked.
    async fn answer(
        &self,
        _provider: &Connection<'_>,
        _pending: &Pending,
        _answer: Answer<'_>,
    ) -> Result<Begun, ProviderError> {
        Err(Stage::Attempt.refused(Check::Unasked))
    }

    /// The connector test of its methods other than the redirect, as far as they are switched on.
    async fn probe(&self, _probing: &Probing<'_>) -> Vec<Finding> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_admitted_in_its_own_spellings_only() {
        let exact = IssuerPolicy::exact("https://id.example/a/");
        assert!(exact.admits("https://id.example/a/"));
        let either = IssuerPolicy::with_or_without_slash("https://id.example/a");
        assert!(either.admits("https://id.example/a") && either.admits("https://id.example/a/"));
        assert_eq!((either.key(), exact.key()), ("https://id.example/a", "https://id.example/a"));
        for other in ["https://id.example/a", "https://id.example/A/", "https://id.example/a//", ""] {
            assert!(!exact.admits(other), "{other}");
        }
        assert!(!either.admits("https://id.example/a//"));
    }
}
