//! A connector's way to its provider, for the hooks of [`super::OidcProvider`] and for what every connector does alike.

use std::fmt;
use std::net::IpAddr;

use chrono::{DateTime, Utc};
use domain::{ConnectorClient, ConnectorDocument, IdentityKey, Method, Notice, NoticeKind, Source};
use egress::{Request, Response};
use http::HeaderMap;
use secrecy::SecretString;
use serde_json::{Map, Value};
use url::Url;

use super::authorize::{self, PendingRedirect};
use super::discovery::{self, Endpoints, Metadata, NO_DOCUMENT};
use super::issuer::IssuerPolicy;
use super::options::Options;
use super::profile::Profile;
use super::token::{Credentials, TokenAnswer, post, redeem};
use crate::refusals::{self, Refusals};
use crate::{Cx, Hints, ProviderError, Stage, not_switched_on};

/// Landfall's registration at one provider: the connector's document, and the provider as data.
#[derive(Debug)]
pub(crate) struct Registration {
    /// What it leaves to the provider is filled in.
    pub(crate) document: ConnectorDocument,
    pub(crate) profile: Profile,
    pub(crate) options: Options,
    /// Under which its accounts are kept.
    pub(crate) source: Source,
    scope: String,
    pinned: Endpoints,
}

impl Registration {
    pub(crate) fn new(mut document: ConnectorDocument, mut profile: Profile, options: Options) -> Self {
        if profile.is_pairwise {
            let key = format!("{}:{}", profile.issuer.key(), document.client.id);
            profile.issuer = profile.issuer.known_as(key);
        }
        for client in document.clients_mut() {
            client.token_endpoint_auth_method.get_or_insert(profile.client_auth);
            client.assertion_audience.get_or_insert(profile.assertion_audience);
        }
        let scope = options.scopes.join(" ");
        // What no discovery document has confirmed may be another server that calls itself so: its accounts are kept apart from
        // those of other connectors to the same issuer.
        let source = document.source.clone().unwrap_or_else(|| match options.endpoints.vouch_for_themselves() {
            true => Source::of_connector(&document.id),
            false => Source::of_issuer(profile.issuer.key()),
        });
        let pinned = options.endpoints.clone().or(profile.endpoints.clone());
        Self { document, profile, options, source, scope, pinned }
    }

    /// The client that `method` uses.
    pub(crate) fn client(&self, method: Method) -> Result<&ConnectorClient, ProviderError> {
        self.document.client_for(method).ok_or_else(|| not_switched_on(method))
    }

    /// The `scope` parameter (RFC 6749 section 3.3).
    pub(crate) fn scope(&self) -> &str {
        &self.scope
    }

    /// Endpoints that no discovery document changes.
    pub(crate) fn pinned(&self) -> &Endpoints {
        &self.pinned
    }

    /// How the provider is spoken to.
    pub(crate) async fn metadata(&self, cx: &Cx<'_>) -> Result<Metadata, ProviderError> {
        Metadata::of(cx, &self.profile, self.pinned()).await.map_err(|error| self.explained(error))
    }

    /// An error of discovery, with what the provider's own settings have to do with it.
    pub(crate) fn explained(&self, error: ProviderError) -> ProviderError {
        match error {
            ProviderError::Misconfigured { stage: Stage::Discovery, hint: NO_DOCUMENT } => {
                Stage::Discovery.misconfigured(self.profile.no_document)
            }
            other => other,
        }
    }

    /// Where the provider sends browsers back to.
    pub(crate) fn redirect_uri(&self, cx: &Cx<'_>) -> String {
        self.options.redirect_uri.clone().unwrap_or_else(|| cx.callback_url(&self.document.id))
    }

    /// What the token endpoint's refusal of an authorization code means.
    pub(crate) fn code_refused(&self, now: DateTime<Utc>, response: &Response) -> ProviderError {
        refusals::classify(now, Stage::Token, response, self.profile.of_a_code)
    }
}

/// What is sent to the token endpoint besides what authenticates the client.
#[derive(Clone, Default)]
pub struct Grant<'a> {
    /// The form.
    pub parameters: &'a [(&'a str, &'a str)],
    /// Headers of the provider's own.
    pub headers: HeaderMap,
}

impl<'a> Grant<'a> {
    /// A form without headers.
    pub fn of(parameters: &'a [(&'a str, &'a str)]) -> Self {
        Self { parameters, ..Self::default() }
    }
}

impl fmt::Debug for Grant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Grant")
    }
}

/// One request's way to the provider of one connector.
#[derive(Debug, Clone, Copy)]
pub struct Connection<'a> {
    pub(crate) cx: &'a Cx<'a>,
    pub(crate) registration: &'a Registration,
}

impl Connection<'_> {
    /// The scopes the connector asks for, as a request's `scope` (RFC 6749 section 3.3).
    pub fn scope(&self) -> &str {
        self.registration.scope()
    }

    /// How the provider is spoken to.
    pub(crate) async fn metadata(&self) -> Result<Metadata, ProviderError> {
        self.registration.metadata(self.cx).await
    }

    /// The issuer and the `jwks_uri` of a document that the provider publishes beside its discovery document, and that names
    /// one of the spellings of `issuer`.
    pub(crate) async fn document_beside(
        &self,
        name: &str,
        issuer: &IssuerPolicy,
    ) -> Result<(String, Url), ProviderError> {
        let Self { cx, registration } = self;
        let beside = discovery::address(&registration.profile.issuer, registration.pinned());
        let discovery_endpoint = beside.and_then(|url| url.join(name).ok());
        let at = Endpoints { discovery_endpoint, ..Endpoints::default() };
        let document = cx.providers.issuers.document(cx, issuer, &at).await?;
        let jwks_uri = document.endpoints.jwks_uri.clone().ok_or(Stage::Notification.misconfigured(
            "the provider's document about its notifications names no jwks_uri, or one that is no address",
        ))?;
        Ok((document.issuer.clone(), jwks_uri))
    }

    /// What the provider tells of the account with this subject key.
    pub fn notice(&self, subject_key: &str, kind: NoticeKind, at: DateTime<Utc>) -> Notice {
        let Registration { source, profile, .. } = self.registration;
        Notice { account: IdentityKey::of(source, profile.issuer.key(), subject_key), kind, at }
    }

    /// Sends a grant to the token endpoint, once, as the client of `method`; `refusals` say what an answer means that is no
    /// success. Discovery and keys come first: if the answer could not be verified, nothing secret is sent.
    pub async fn grant(
        &self,
        method: Method,
        parameters: &[(&str, &str)],
        refusals: &[&Refusals],
    ) -> Result<TokenAnswer, ProviderError> {
        self.grant_reading(method, &Grant::of(parameters), |response| self.tokens(response, refusals)).await
    }

    /// The same, where `read` says what an answer means: some that are no success ask for more.
    pub async fn grant_reading<T: Send>(
        &self,
        method: Method,
        grant: &Grant<'_>,
        read: impl Fn(&Response) -> Result<T, ProviderError> + Send + Sync,
    ) -> Result<T, ProviderError> {
        let client = self.registration.client(method)?;
        redeem(*self, &self.ready().await?, client, grant, read).await
    }

    /// The same at an endpoint beside the token endpoint that authenticates clients as it does. An assertion is then for that
    /// endpoint.
    pub async fn grant_beside<T: Send>(
        &self,
        name: &str,
        method: Method,
        grant: &Grant<'_>,
        read: impl Fn(&Response) -> Result<T, ProviderError> + Send + Sync,
    ) -> Result<T, ProviderError> {
        let client = self.registration.client(method)?;
        redeem(*self, &self.ready().await?.beside_token_endpoint(name)?, client, grant, read).await
    }

    /// The same for a client without a secret: it says its id, and shows nothing, whatever the connector has besides.
    pub(crate) async fn grant_as_public<T: Send>(
        &self,
        name: &str,
        method: Method,
        parameters: &[(&str, &str)],
        read: impl Fn(&Response) -> Result<T, ProviderError> + Send + Sync,
    ) -> Result<T, ProviderError> {
        let client = self.registration.client(method)?;
        let metadata = self.ready().await?.beside_token_endpoint(name)?;
        read(&post(self.cx, &metadata, client, &Credentials::Nothing, &Grant::of(parameters)).await?)
    }

    /// Likewise, and the secret of the client that `method` uses: for a login that shows it at its end only.
    pub(crate) async fn ready_for(&self, method: Method) -> Result<(), ProviderError> {
        let client = self.registration.client(method)?;
        let metadata = &self.ready().await?;
        self.with_secret(
            client,
            |secret| async move { Credentials::of(*self, metadata, client, secret.as_ref()).map(drop) },
        )
        .await
    }

    /// Sends an authorization request for `method`, to a provider that answers one with this `response_mode` without a browser:
    /// what is to be remembered of it, and the answer. It ends in [`super::Begun::Returned`].
    pub(crate) async fn authorize(
        &self,
        method: Method,
        response_mode: &str,
    ) -> Result<(PendingRedirect, Response), ProviderError> {
        let metadata = self.metadata().await?;
        let redirect = PendingRedirect::new(self.cx.entropy(), Hints::default());
        let url = authorize::url(*self, method, &metadata, &redirect, &redirect.state(), Some(response_mode))?;
        let response = self.cx.send(Stage::Authorize, Request::get(url)).await?;
        Ok((redirect, response))
    }

    /// Where authorization requests go.
    pub(crate) async fn authorization_endpoint(&self) -> Result<Url, ProviderError> {
        self.metadata().await?.authorization_endpoint().cloned()
    }

    /// Discovery and keys, by which tokens will be verified. Fetched before anything secret is sent.
    pub(crate) async fn ready(&self) -> Result<Metadata, ProviderError> {
        let metadata = self.metadata().await?;
        self.cx.providers.issuers.keys(self.cx, metadata.jwks_uri()?).await?;
        Ok(metadata)
    }

    /// The tokens of an answer; `refusals` say what an answer means that is no success.
    pub fn tokens(&self, response: &Response, refusals: &[&Refusals]) -> Result<TokenAnswer, ProviderError> {
        TokenAnswer::of(response, |response| self.refused(response, refusals))
    }

    /// What an answer means by these tables.
    pub fn refused(&self, response: &Response, refusals: &[&Refusals]) -> ProviderError {
        refusals::classify(self.cx.now(), Stage::Token, response, refusals)
    }

    /// Sends a request of the provider's own API, once.
    pub async fn send(&self, request: Request) -> Result<Response, ProviderError> {
        self.cx.send(Stage::Token, request).await
    }

    /// Posts JSON to an API of the provider's own, once, with what the client of `method` authenticates with among the members, by the
    /// names of the token endpoint's form; `read` says what an answer means. Discovery and keys come first, likewise.
    pub async fn post_json<T: Send>(
        &self,
        method: Method,
        url: &Url,
        members: &Map<String, Value>,
        read: impl Fn(&Response) -> Result<T, ProviderError> + Send + Sync,
    ) -> Result<T, ProviderError> {
        let (metadata, client) = (&self.ready().await?, self.registration.client(method)?);
        let read = &read;
        let post = |secret: Option<SecretString>| async move {
            let credentials = Credentials::of(*self, metadata, client, secret.as_ref())?;
            let shown = [("client_id", client.id.as_str())].into_iter().chain(credentials.members());
            let shown = shown.map(|(name, value)| (name.to_owned(), Value::from(value)));
            let body = Value::Object(members.clone().into_iter().chain(shown).collect());
            read(&self.send(Request::post_json(url.clone(), &body)).await?)
        };
        self.with_secret(client, post).await
    }

    /// The `client_id` of the client that `method` uses.
    pub fn client_id(&self, method: Method) -> Result<&str, ProviderError> {
        Ok(&self.registration.client(method)?.id)
    }

    /// The user's own address, for providers that count failures by it.
    pub fn user_ip(&self) -> Option<IpAddr> {
        self.cx.user_ip()
    }

    /// Sends something as the client of `method`, with its secret if it shows one.
    ///
    /// If the client is refused for its own credentials, and its secret has been rotated since it was read, it is sent once
    /// more with the new secret. The provider has not looked at the rest the first time: it authenticates the client first
    /// (RFC 6749 sections 4.1.3 and 4.3.2; `invalid_client` in section 5.2 says that this failed), so a wrong password has
    /// not been counted and a code has not been used up. `act` must return [`Stage::ClientAuthentication`] for that case
    /// only.
    pub async fn as_client<T, Sent>(
        &self,
        method: Method,
        act: impl Fn(Option<SecretString>) -> Sent + Send,
    ) -> Result<T, ProviderError>
    where
        T: Send,
        Sent: Future<Output = Result<T, ProviderError>> + Send,
    {
        self.with_secret(self.registration.client(method)?, act).await
    }

    pub(super) async fn with_secret<T, Sent>(
        &self,
        client: &ConnectorClient,
        act: impl Fn(Option<SecretString>) -> Sent + Send,
    ) -> Result<T, ProviderError>
    where
        T: Send,
        Sent: Future<Output = Result<T, ProviderError>> + Send,
    {
        let secret = if client.shows_secret() { self.cx.secret(client).await? } else { None };
        let outcome = act(secret.clone()).await;
        let is_refused =
            matches!(outcome, Err(ProviderError::Misconfigured { stage: Stage::ClientAuthentication, .. }));
        let Some(used) = secret.filter(|_| is_refused) else { return outcome };
        match self.cx.rotated_secret(client, &used).await {
            Some(rotated) => act(Some(rotated)).await,
            None => outcome,
        }
    }
}
