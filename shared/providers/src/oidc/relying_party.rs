//! The adapter of every OpenID Connect connector: the authorization code flow (OIDC Core 3.1), and what other grants of the
//! same provider share with it.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{CallbackState, ConnectorDocument, Method, MethodSet, Pending, Source, UpstreamPolicy};
use egress::Response;
use http::HeaderMap;
use openidconnect::Nonce;
use serde::{Deserialize, Serialize};
use url::Url;

use super::authorize::{self, PendingRedirect};
use super::connection::{Connection, Grant, Registration};
use super::discovery::Metadata;
use super::jws::Expected;
use super::options::{self, ResponseMode};
use super::profile::{Begun, IdentityFrom, OidcProvider, Returned};
use super::token::{TokenAnswer, redeem};
use super::{VerifiedClaims, callback, id_token, lookup, probe, userinfo};
use crate::document::InvalidConnector;
use crate::registry::MakeOidc;
use crate::{
    Answer, Attempt, Callback, Check, Cx, Hints, Notification, Probe, Progress, ProviderAdapter, ProviderError,
    Received, Report, Stage,
};

/// A connector to a provider that speaks OpenID Connect.
#[derive(Debug)]
struct RelyingParty {
    registration: Registration,
    provider: Box<dyn OidcProvider>,
}

/// Builds the adapter of a document, with the provider that `make` reads out of its settings. Makes no call.
pub(crate) fn build(
    document: &ConnectorDocument,
    make: MakeOidc,
) -> Result<Arc<dyn ProviderAdapter>, InvalidConnector> {
    let (provider, options) = options::read(document, make)?;
    let registration = Registration::new(document.clone(), provider.profile().clone(), options);
    Ok(Arc::new(RelyingParty { registration, provider }))
}

/// What a provider's question is remembered by.
#[derive(Serialize, Deserialize)]
struct Asked {
    /// By which the login began.
    #[serde(rename = "m")]
    method: Method,
    /// What the provider's hooks have to remember.
    #[serde(rename = "p")]
    pending: Pending,
}

/// A token answer, and what it is an answer to.
struct Answered<'a> {
    method: Method,
    tokens: &'a TokenAnswer,
    /// What the browser brought, or the provider has answered without one, and the nonce of that request: only an ID token can show that. Without, credentials
    /// went straight to the token endpoint, and where there is no ID token, userinfo will do.
    redirect: Option<(&'a Callback, Nonce)>,
}

#[async_trait]
impl ProviderAdapter for RelyingParty {
    fn methods(&self) -> MethodSet {
        self.registration.document.methods.keys().copied().collect()
    }

    async fn begin(&self, cx: &Cx<'_>, attempt: Attempt<'_>) -> Result<Progress, ProviderError> {
        let cx = &cx.of(&self.registration.document);
        match attempt {
            Attempt::Redirect(hints) => self.start_redirect(cx, hints).await,
            other => {
                let begun = self.provider.begin(&self.connection(cx), other).await?;
                self.go_on(cx, attempt.method(), begun).await
            }
        }
    }

    async fn answer(&self, cx: &Cx<'_>, pending: &Pending, answer: Answer<'_>) -> Result<Progress, ProviderError> {
        let cx = &cx.of(&self.registration.document);
        match answer {
            Answer::Callback(callback) => {
                let redirect = PendingRedirect::of(pending)?;
                self.finish_redirect(cx, Method::Oidc, &redirect, callback, HeaderMap::new()).await
            }
            _ => {
                let asked = Asked::deserialize(&pending.0).map_err(|_| Stage::Attempt.refused(Check::Unasked))?;
                let begun = self.provider.answer(&self.connection(cx), &asked.pending, answer).await?;
                self.go_on(cx, asked.method, begun).await
            }
        }
    }

    async fn hop(&self, cx: &Cx<'_>, pending: &Pending, state: &CallbackState) -> Result<Url, ProviderError> {
        let cx = &cx.of(&self.registration.document);
        let redirect = PendingRedirect::of(pending)?;
        let metadata = self.registration.metadata(cx).await?;
        let response_mode = self.registration.options.response_mode.map(ResponseMode::as_str);
        authorize::url(self.connection(cx), Method::Oidc, &metadata, &redirect, state.expose(), response_mode)
    }

    async fn notification(&self, cx: &Cx<'_>, received: &Received<'_>) -> Result<Notification, ProviderError> {
        self.provider.notification(&self.connection(&cx.of(&self.registration.document)), received).await
    }

    async fn probe(&self, cx: &Cx<'_>, with: &Probe<'_>) -> Report {
        probe::run(&self.registration, self.provider.as_ref(), &cx.of(&self.registration.document), with).await
    }

    fn first_only(&self) -> &'static [&'static str] {
        self.registration.profile.first_only
    }

    fn callback_of_application(&self) -> Option<&str> {
        self.registration.options.redirect_uri.as_deref()
    }

    fn issuer_key(&self) -> Option<&str> {
        Some(self.registration.profile.issuer.key())
    }

    fn source(&self) -> Option<&Source> {
        Some(&self.registration.source)
    }
}

impl RelyingParty {
    fn connection<'a>(&'a self, cx: &'a Cx<'a>) -> Connection<'a> {
        Connection { cx, registration: &self.registration }
    }

    async fn start_redirect(&self, cx: &Cx<'_>, hints: Hints<'_>) -> Result<Progress, ProviderError> {
        self.registration.client(Method::Oidc)?;
        // A provider that cannot be reached shows here, not on a browser's error page.
        let metadata = self.registration.metadata(cx).await?;
        metadata.token_endpoint()?;
        metadata.authorization_endpoint()?;
        let (options, wishes) = (&self.registration.options, hints.wishes);
        let hints = Hints {
            prompt: hints.prompt.or(wishes.prompt.filter(|_| options.prompt.is_none())),
            acr_values: hints.acr_values.or(wishes.acr_values.filter(|_| options.acr_values.is_none())),
            ..hints
        };
        Ok(Progress::Hop(PendingRedirect::new(cx.entropy(), hints).into_pending()?))
    }

    async fn finish_redirect(
        &self,
        cx: &Cx<'_>,
        method: Method,
        redirect: &PendingRedirect,
        callback: &Callback,
        headers: HeaderMap,
    ) -> Result<Progress, ProviderError> {
        let registration = &self.registration;
        let client = registration.client(method)?;
        let metadata = registration.metadata(cx).await?;
        let code = callback::code(&metadata, &registration.profile, callback)?;
        // Keys before the code: if the answer could not be verified, none is asked for.
        if registration.profile.identity.is_signed() && registration.options.wants_id_token() {
            cx.providers.issuers.keys(cx, metadata.jwks_uri()?).await?;
        }

        let (redirect_uri, verifier) = (registration.redirect_uri(cx), redirect.verifier());
        let mut grant = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", &redirect_uri)];
        if registration.options.pkce {
            grant.push(("code_verifier", verifier.secret()));
        }
        let read =
            |response: &Response| TokenAnswer::of(response, |response| registration.code_refused(cx.now(), response));
        let grant = Grant { parameters: &grant, headers };
        let tokens = redeem(self.connection(cx), &metadata, client, &grant, read).await?;
        let redirect = Some((callback, redirect.nonce()));
        self.identify(cx, &metadata, Answered { method, tokens: &tokens, redirect }).await
    }

    async fn go_on(&self, cx: &Cx<'_>, method: Method, begun: Begun) -> Result<Progress, ProviderError> {
        match begun {
            Begun::Ask(challenge, pending) => {
                let asked = serde_json::to_value(Asked { method, pending });
                let pending = asked.map(Pending).map_err(|_| Stage::Attempt.refused(Check::Format))?;
                Ok(Progress::Ask(challenge, pending))
            }
            Begun::Returned(returned) => {
                let Returned { redirect, callback, headers } = *returned;
                // The session checks the state of a redirect: no browser and no session were part of this one.
                if callback.get("state") != Some(redirect.state().as_str()) {
                    return Err(Stage::Callback.refused(Check::Code));
                }
                self.finish_redirect(cx, method, &redirect, &callback, headers).await
            }
            Begun::Tokens(tokens) => {
                let metadata = self.registration.metadata(cx).await?;
                self.identify(cx, &metadata, Answered { method, tokens: &tokens, redirect: None }).await
            }
        }
    }

    /// Whether an API may say who has logged in, where there is no ID token. Without PKCE, a code of another login would fit.
    fn may_ask_api(&self) -> bool {
        matches!(self.registration.profile.identity, IdentityFrom::IdTokenOrApi(_)) && self.registration.options.pkce
    }

    /// Who a token answer is about.
    async fn identify(
        &self,
        cx: &Cx<'_>,
        metadata: &Metadata,
        answered: Answered<'_>,
    ) -> Result<Progress, ProviderError> {
        let Answered { method, tokens, redirect } = answered;
        let options = &self.registration.options;
        let client = self.registration.client(method)?;
        let client_id = &client.id;
        let (algorithms, trusted_audiences) = (&options.algorithms, &options.trusted_audiences);
        let expected = Expected { client_id, algorithms, trusted_audiences };
        let asked = async || userinfo::ask(cx, metadata, &expected, tokens.access_token()?).await;
        let by_api = async || {
            lookup::ask(self.connection(cx), self.provider.as_ref(), metadata, client, tokens.access_token()?).await
        };
        let nonce = redirect.as_ref().map(|(_, nonce)| nonce);
        let mut claims: VerifiedClaims = match (tokens.id_token(), nonce) {
            _ if !self.registration.profile.identity.is_signed() => by_api().await?,
            (Some(token), nonce) => id_token::verify(cx, metadata, &expected, nonce, token).await?,
            (None, None) => asked().await?,
            (None, Some(_)) if self.may_ask_api() => by_api().await?,
            (None, Some(_)) => {
                return Err(Stage::Token.misconfigured(
                    "the token answer has no id_token: the provider has to give one for the scope openid, unless an API of its says the same, \
                     and settings.pkce is on",
                ));
            }
        };
        self.provider.identify(method, &mut claims, redirect.as_ref().map(|(callback, _)| *callback))?;
        // Some providers name the session in the answer where an administrator's mappers leave `sid` out.
        let session = claims.text("sid").map(str::to_owned).or_else(|| tokens.session_state.clone());
        let lacks =
            !self.provider.has_own_api(method) && claims.lacks(self.registration.profile.userinfo_for, &options.scopes);
        if tokens.id_token().is_some() && metadata.userinfo_endpoint.is_some() && lacks {
            claims = claims.completed_by(asked().await?)?;
        }
        self.provider.describe(&mut claims);
        let kept = (self.registration.document.tokens == UpstreamPolicy::Keep).then(|| tokens.upstream(cx.now()));
        Ok(Progress::Done(Box::new(claims.into_identity(cx, &self.registration, method, session, kept))))
    }
}
