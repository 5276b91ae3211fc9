//! What one OpenID Connect provider is: data ([`Profile`]), and a few hooks for what cannot be data ([`OidcProvider`]).

use std::fmt::Debug;

use async_trait::async_trait;
use domain::{AssertionAudience, Challenge, ClientAuthMethod, ConnectorDocument, Method, Pending};
use egress::Response;
use http::HeaderMap;
use secrecy::SecretString;
use url::Url;

use super::authorize::PendingRedirect;
use super::callback::OF_A_REDIRECT;
use super::connection::Connection;
use super::discovery::{Endpoints, NO_DOCUMENT};
use super::issuer::IssuerPolicy;
use super::lookup::{Lookup, OF_AN_API};
use super::options::ResponseMode;
use super::parameters::AuthorizeParams;
use super::probe::Probing;
use super::signed_secret::SignedSecret;
use super::token::TokenAnswer;
use super::{VerifiedClaims, standard};
use crate::refusals::Refusals;
use crate::report::{NotPassed, Verdict};
use crate::{
    Answer, Attempt, Callback, Check, Finding, InvalidConnector, Notification, ProviderError, Received, Stage,
    not_switched_on,
};

/// A provider as data. Only the issuer has to be said; the rest is by the standard unless it is said otherwise.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Whose discovery document and ID tokens are believed.
    pub issuer: IssuerPolicy,
    /// Endpoints that stay as they are whatever the discovery document says. The connector's settings come before them.
    pub endpoints: Endpoints,
    /// What says who has logged in.
    pub identity: IdentityFrom,
    /// Whether every client knows a user by another `sub`: then accounts are known by the issuer key and the client together.
    pub is_pairwise: bool,
    /// Claims for which userinfo is asked where the ID token lacks one of them and its scope was asked for. The e-mail alone by
    /// default: an account has one, and a provider that keeps it out of its ID tokens keeps the rest of a profile out as well,
    /// so all of it comes with the one call. An account without a name is nothing to ask about at every login.
    pub userinfo_for: &'static [&'static str],
    /// What is asked for, unless the connector's settings say otherwise.
    pub scopes: &'static [&'static str],
    /// How browsers bring back the answer, likewise; `None`: as the provider does it.
    pub response_mode: Option<ResponseMode>,
    /// Parameters that come with the first callback of a user and never again: the session keeps them for another attempt.
    pub first_only: &'static [&'static str],
    /// Whether the provider takes PKCE (RFC 7636), likewise.
    pub pkce: bool,
    /// What it wants of every request that is sent to its token endpoint and to its API.
    pub headers: HeaderMap,
    /// What the provider has of its own for the authorization endpoint. What the connector or the journey says under the same
    /// name comes before it.
    pub authorize_params: AuthorizeParams,
    /// What the errors mean that browsers bring back.
    pub of_a_redirect: &'static [&'static Refusals],
    /// How a client with a secret authenticates, unless its document says otherwise.
    pub client_auth: ClientAuthMethod,
    /// By which the client signs its secret itself, where it does.
    pub signed_secret: Option<SignedSecret>,
    /// For whom a client's assertions are, likewise.
    pub assertion_audience: AssertionAudience,
    /// What the token endpoint's refusals of an authorization code mean.
    pub of_a_code: &'static [&'static Refusals],
    /// What its API's refusals mean ([`IdentityFrom::Api`], [`IdentityFrom::IdTokenOrApi`]).
    pub of_api: &'static [&'static Refusals],
    /// What to do where there is no discovery document: which of the settings say where it is.
    pub no_document: &'static str,
    /// What to do where the discovery document names another issuer than the settings.
    pub another_issuer: &'static str,
    /// What to do where the authorization endpoint refuses on a page of its own, and nothing is known of what it says.
    pub refused_page: &'static str,
    /// The connector test's finding when a wrong secret is answered like the right one. By default unverifiable: some providers
    /// check the code before the client.
    pub any_secret: NotPassed,
    /// By which grant the connector test sees whether the provider accepts the client.
    pub trial: Trial,
    /// Whether the provider sends notifications: [`OidcProvider::notification`].
    pub sends_notifications: bool,
}

/// What says who has logged in.
#[derive(Debug, Clone)]
pub enum IdentityFrom {
    /// The ID token, which has to be there after a redirect.
    IdToken,
    /// The ID token; where the provider gives none, its API, by this request. PKCE and `state` then bind the answer to the login.
    IdTokenOrApi(Lookup),
    /// The provider's API: these requests, one after the other. PKCE and `state` bind the answer to the login, and an ID token is not
    /// looked at.
    Api(Vec<Lookup>),
}

impl IdentityFrom {
    /// Whether it may be an ID token, which is verified by the provider's keys.
    pub fn is_signed(&self) -> bool {
        !matches!(self, Self::Api(_))
    }

    /// The requests to the provider's API.
    pub fn lookups(&self) -> &[Lookup] {
        match self {
            Self::IdToken => &[],
            Self::IdTokenOrApi(lookup) => std::slice::from_ref(lookup),
            Self::Api(lookups) => lookups,
        }
    }
}

/// A grant of which nothing comes, by which the connector test sees whether the provider accepts the client.
#[derive(Debug, Clone, Copy)]
pub enum Trial {
    /// A code that was never issued: the client is authenticated before it is read (RFC 6749 section 4.1.3).
    Code,
    /// A token for the client itself (RFC 6749 section 4.4) with this scope, if it is not empty; the token is dropped: for a provider that reads the code
    /// first. A client without a secret sends a code all the same.
    ClientCredentials(&'static str),
}

impl Profile {
    /// By the standard in everything but this.
    pub fn new(issuer: IssuerPolicy) -> Self {
        Self {
            issuer,
            endpoints: Endpoints::default(),
            identity: IdentityFrom::IdToken,
            is_pairwise: false,
            userinfo_for: &["email"],
            scopes: &["openid", "profile", "email"],
            response_mode: None,
            first_only: &[],
            pkce: true,
            headers: HeaderMap::new(),
            authorize_params: AuthorizeParams::default(),
            of_a_redirect: &[&OF_A_REDIRECT],
            client_auth: ClientAuthMethod::ClientSecretPost,
            signed_secret: None,
            assertion_audience: AssertionAudience::TokenEndpoint,
            of_a_code: &[&standard::OF_A_CODE],
            of_api: &[&OF_AN_API],
            no_document: NO_DOCUMENT,
            another_issuer: "the provider calls itself otherwise: put the issuer into the settings exactly as it names itself, \
                             to the last slash, if that is the one you mean",
            refused_page: "the provider refuses on a page of its own: register the redirect URI there, exactly as it stands in \
                           the detail, and check client.id",
            any_secret: NotPassed::Unverifiable(
                "a wrong secret is answered like the right one: the provider looks at the code first, or takes any secret",
            ),
            trial: Trial::Code,
            sends_notifications: false,
        }
    }
}

/// What a method other than the redirect has come to.
#[derive(Debug)]
pub enum Begun {
    /// The token endpoint has answered with tokens: who they are about is verified next.
    Tokens(TokenAnswer),
    /// The provider asks the user for something more; what to remember until they answer.
    Ask(Challenge, Pending),
    /// A login without a browser has ended in a code, which is redeemed next.
    Returned(Box<Returned>),
}

/// What a provider has answered to an authorization request that no browser has made (`Connection::authorize`).
#[derive(Debug)]
pub struct Returned {
    /// The request.
    pub(crate) redirect: PendingRedirect,
    /// The answer, which has to have the request's `state`.
    pub(crate) callback: Callback,
    /// Headers of the provider's own for the redemption of the code.
    pub(crate) headers: HeaderMap,
}

/// A provider's hooks. None of them knows the connector it is a part of: what a hook needs, it is handed.
#[async_trait]
pub trait OidcProvider: Debug + Send + Sync {
    /// What it is, as data.
    fn profile(&self) -> &Profile;

    /// Whether the methods of a connector's document can work with its settings. Looked at when it is saved.
    fn check(&self, _document: &ConnectorDocument) -> Result<(), InvalidConnector> {
        Ok(())
    }

    /// One more look at claims that have passed every check, of a login by `method`, before userinfo is asked: what they say is
    /// signed, unless there is no ID token. Decides who it is ([`VerifiedClaims::known_as`]), and whether they may sign in.
    /// `callback` is what the browser brought, where there was one.
    fn identify(
        &self,
        _method: Method,
        _claims: &mut VerifiedClaims,
        _callback: Option<&Callback>,
    ) -> Result<(), ProviderError> {
        Ok(())
    }

    /// What the claims mean, once userinfo has completed them: text that stands for a boolean, an e-mail that the provider does
    /// not vouch for. Nothing is refused any more.
    fn describe(&self, _claims: &mut VerifiedClaims) {}

    /// The address of a request to the provider's API, with what the provider wants in it beside the access token; with the client's
    /// secret, if there is one.
    fn api_address(&self, address: Url, _access_token: &str, _secret: Option<&SecretString>) -> Url {
        address
    }

    /// What the authorization endpoint's answer tells of the client and its redirect URI, where it is a page of the provider's own
    /// or leads to one; `None` if it does not tell.
    fn own_page(&self, _answer: &Response) -> Option<Verdict> {
        None
    }

    /// Whether users sign in by `method` at an API of the provider's own, and not at the token endpoint: the client authenticates
    /// in that API's way, and userinfo does not take the access tokens it gives.
    fn has_own_api(&self, _method: Method) -> bool {
        false
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

    /// What a request tells that the provider sends unasked, once its signature is verified.
    async fn notification(
        &self,
        _provider: &Connection<'_>,
        _received: &Received<'_>,
    ) -> Result<Notification, ProviderError> {
        Err(Stage::Notification.refused(Check::Unasked))
    }

    /// The connector test of its methods other than the redirect, as far as they are switched on.
    async fn probe(&self, _probing: &Probing<'_>) -> Vec<Finding> {
        Vec::new()
    }
}

/// A provider that is only data.
impl OidcProvider for Profile {
    fn profile(&self) -> &Profile {
        self
    }
}
