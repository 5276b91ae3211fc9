//! The adapter of every OpenID Connect connector: the authorization code flow (OIDC Core 3.1), and what other grants of the
//! same provider share with it.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{CallbackState, ConnectorClient, ConnectorDocument, Method, MethodSet, Pending};
use egress::Response;
use openidconnect::Nonce;
use url::Url;

use super::authorize::PendingRedirect;
use super::dialect::OidcDialect;
use super::discovery::{Endpoints, Metadata};
use super::jws::Expected;
use super::options::{self, Options, ResponseMode};
use super::token::{TokenAnswer, redeem};
use super::{callback, id_token, probe, userinfo};
use crate::registry::InvalidConnector;
use crate::{
    Answer, Attempt, Callback, Check, Cx, Hints, Probe, Progress, ProviderAdapter, ProviderError, Report, Stage,
};

/// A connector to a provider that speaks `D`.
#[derive(Debug)]
pub(crate) struct RelyingParty<D> {
    pub(super) document: ConnectorDocument,
    pub(super) dialect: D,
    pub(super) options: Options,
    pub(super) issuer: String,
    pub(super) endpoints: Endpoints,
    scope: String,
}

/// Builds the adapter of a document. Calls nobody.
pub(crate) fn build<D: OidcDialect>(
    document: &ConnectorDocument,
) -> Result<Arc<dyn ProviderAdapter>, InvalidConnector> {
    let (dialect, options) = options::read::<D>(document)?;
    Ok(Arc::new(RelyingParty {
        issuer: dialect.issuer()?,
        endpoints: dialect.endpoints()?,
        scope: options.scopes.join(" "),
        document: document.clone(),
        dialect,
        options,
    }))
}

/// A method that the connector's document does not name.
pub(crate) fn not_switched_on(method: Method) -> ProviderError {
    Stage::Attempt.misconfigured(match method {
        Method::Oidc => "the oidc method is not switched on for this connector",
        Method::Password => "the password method is not switched on for this connector",
        Method::EmailOtp => "the email_otp method is not switched on for this connector",
        Method::SmsOtp => "the sms_otp method is not switched on for this connector",
        Method::Totp => "the totp method is not switched on for this connector",
    })
}

/// What a verified answer has to be about.
#[derive(Clone, Copy)]
pub(crate) enum Proof<'a> {
    /// A redirect that went out with this nonce. Only an ID token can show it.
    Nonce(&'a Nonce),
    /// Credentials that went straight to the token endpoint. Where there is no ID token, userinfo will do.
    DirectGrant,
}

#[async_trait]
impl<D: OidcDialect> ProviderAdapter for RelyingParty<D> {
    fn methods(&self) -> MethodSet {
        self.document.methods.keys().copied().collect()
    }

    async fn begin(&self, cx: &Cx<'_>, attempt: Attempt<'_>) -> Result<Progress, ProviderError> {
        let cx = &cx.of(&self.document);
        match attempt {
            Attempt::Redirect(hints) => self.depart(cx, hints).await,
            other => self.dialect.begin(self, cx, other).await,
        }
    }

    async fn answer(&self, cx: &Cx<'_>, pending: &Pending, answer: Answer<'_>) -> Result<Progress, ProviderError> {
        let cx = &cx.of(&self.document);
        match answer {
            Answer::Callback(callback) => self.arrive(cx, &PendingRedirect::of(pending)?, callback).await,
            Answer::Code(_) | Answer::Resend => Err(Stage::Attempt.refused(Check::Unasked)),
        }
    }

    async fn hop(&self, cx: &Cx<'_>, pending: &Pending, state: &CallbackState) -> Result<Url, ProviderError> {
        let cx = &cx.of(&self.document);
        let departure = PendingRedirect::of(pending)?;
        self.client(Method::Oidc)?;
        let metadata = self.metadata(cx).await?;
        self.authorization_url(cx, &metadata, &departure, state.expose(), self.options.response_mode)
    }

    async fn probe(&self, cx: &Cx<'_>, with: &Probe<'_>) -> Report {
        probe::run(self, &cx.of(&self.document), with).await
    }

    fn callback_of_application(&self) -> Option<&str> {
        self.options.redirect_uri.as_deref()
    }
}

impl<D: OidcDialect> RelyingParty<D> {
    /// Where a browser is sent (RFC 6749 section 4.1.1).
    pub(super) fn authorization_url(
        &self,
        cx: &Cx<'_>,
        metadata: &Metadata,
        departure: &PendingRedirect,
        state: &str,
        response_mode: Option<ResponseMode>,
    ) -> Result<Url, ProviderError> {
        let client = self.client(Method::Oidc)?;
        let mut url = metadata.authorization_endpoint()?.clone();
        let (redirect_uri, options) = (self.redirect_uri(cx), &self.options);
        let (nonce, challenge) = (departure.nonce(), options.pkce.then(|| departure.challenge()));
        // What the endpoint's query has already stays (RFC 6749 section 3.1).
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &client.id)
            .append_pair("redirect_uri", &redirect_uri)
            .append_pair("scope", &self.scope)
            .append_pair("state", state)
            .append_pair("nonce", nonce.secret());
        if let Some(challenge) = &challenge {
            query.append_pair("code_challenge", challenge.as_str()).append_pair("code_challenge_method", "S256");
        }
        for (name, value) in [
            ("response_mode", response_mode.map(|mode| mode.as_str())),
            ("login_hint", departure.login_hint.as_deref()),
            ("ui_locales", departure.ui_locales.as_deref()),
            ("prompt", departure.prompt.as_deref().or(options.prompt.as_deref())),
            ("acr_values", departure.acr_values.as_deref().or(options.acr_values.as_deref())),
        ] {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        query.extend_pairs(&options.authorize_params);
        drop(query);
        Ok(url)
    }

    /// The client that `method` uses.
    pub(crate) fn client(&self, method: Method) -> Result<&ConnectorClient, ProviderError> {
        self.document.client_for(method).ok_or_else(|| not_switched_on(method))
    }

    /// The `scope` parameter (RFC 6749 section 3.3).
    pub(crate) fn scope(&self) -> &str {
        &self.scope
    }

    /// How the provider is spoken to.
    pub(crate) async fn metadata(&self, cx: &Cx<'_>) -> Result<Metadata, ProviderError> {
        Metadata::of(cx, &self.issuer, &self.endpoints).await
    }

    /// Where the provider sends browsers back to.
    pub(super) fn redirect_uri(&self, cx: &Cx<'_>) -> String {
        self.options.redirect_uri.clone().unwrap_or_else(|| cx.callback_url(&self.document.id))
    }

    async fn depart(&self, cx: &Cx<'_>, hints: Hints<'_>) -> Result<Progress, ProviderError> {
        self.client(Method::Oidc)?;
        // A provider that cannot be reached shows here, not on a browser's error page.
        self.metadata(cx).await?.authorization_endpoint()?;
        Ok(Progress::Hop(PendingRedirect::new(cx.entropy(), hints).into_pending()?))
    }

    async fn arrive(
        &self,
        cx: &Cx<'_>,
        from: &PendingRedirect,
        callback: &Callback,
    ) -> Result<Progress, ProviderError> {
        let client = self.client(Method::Oidc)?;
        let metadata = self.metadata(cx).await?;
        let code = callback::code(&metadata, callback)?;
        // Keys before the code: if the answer could not be verified, none is asked for.
        cx.providers.issuers.keys(cx, &metadata.jwks_uri, None).await?;

        let (redirect_uri, verifier) = (self.redirect_uri(cx), from.verifier());
        let mut grant = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", &redirect_uri)];
        if self.options.pkce {
            grant.push(("code_verifier", verifier.secret()));
        }
        let failed = |response: &Response| self.dialect.exchange_failed(cx.now(), response);
        let answer = redeem(cx, &metadata, client, &grant, failed).await?;
        self.identify(cx, &metadata, Method::Oidc, &answer, Proof::Nonce(&from.nonce())).await
    }

    /// Who a token answer is about.
    pub(crate) async fn identify(
        &self,
        cx: &Cx<'_>,
        metadata: &Metadata,
        method: Method,
        answer: &TokenAnswer,
        proof: Proof<'_>,
    ) -> Result<Progress, ProviderError> {
        let client_id = &self.client(method)?.id;
        let expected = Expected { client_id, algorithms: &self.options.algorithms };
        let asked = async || userinfo::ask(cx, metadata, &expected, answer.access_token()).await;
        let mut vouched = match (answer.id_token(), proof) {
            (Some(token), Proof::Nonce(nonce)) => id_token::verify(cx, metadata, &expected, Some(nonce), token).await?,
            (Some(token), Proof::DirectGrant) => id_token::verify(cx, metadata, &expected, None, token).await?,
            (None, Proof::Nonce(_)) => return Err(Stage::IdToken.refused(Check::Format)),
            (None, Proof::DirectGrant) => asked().await?,
        };
        self.dialect.check(method, &vouched)?;
        // Some providers name the session in the answer where an administrator's mappers leave `sid` out.
        let session = vouched.text("sid").map(str::to_owned).or_else(|| answer.session_state.clone());
        if answer.id_token().is_some()
            && metadata.userinfo_endpoint.is_some()
            && vouched.lacks_wanted(&self.options.scopes)
        {
            vouched = vouched.completed_by(asked().await?)?;
        }
        Ok(Progress::Done(vouched.into_identity(cx, &self.document, method, session)))
    }
}
