//! Grants: a client exchanges a code for tokens (RFC 6749 section 4).

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{
    AuthorizationCode, Client, ClientId, Code, Entropy, ErrorAnswer, RequestContext, SecretError, SessionUser,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use store::sessions::Redemption;
use store::{LockId, Redeemed, Store, StoreError};

use crate::{ClientCredentials, ClientError, Clients, KeyError, Keys, Lifetimes};

/// Our own issuer.
#[derive(Debug, Clone)]
pub struct Issuer {
    pub(crate) url: String,
    pub(crate) keys: Arc<Keys>,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) entropy: Arc<dyn Entropy>,
    clients: Arc<Clients>,
    store: Store,
}

/// A token request's form (RFC 6749 section 4.1.3). A parameter without a value counts as omitted (section 3.2).
#[derive(Deserialize)]
pub struct TokenRequest {
    /// `authorization_code`.
    #[serde(default, deserialize_with = "given")]
    pub grant_type: Option<String>,
    /// The authorization code.
    #[serde(default, deserialize_with = "given_secret")]
    pub code: Option<SecretString>,
    /// The redirect URI from the authorization request.
    #[serde(default, deserialize_with = "given")]
    pub redirect_uri: Option<String>,
    /// The application.
    #[serde(default, deserialize_with = "given")]
    pub client_id: Option<String>,
    /// The PKCE verifier (RFC 7636).
    #[serde(default, deserialize_with = "given_secret")]
    pub code_verifier: Option<SecretString>,
    /// The secret of a client that does not use HTTP Basic.
    #[serde(default, deserialize_with = "given_secret")]
    pub client_secret: Option<SecretString>,
}

fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(|text| Some(text).filter(|text| !text.is_empty()))
}

fn given_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    given(deserializer).map(|text| text.map(SecretString::from))
}

impl fmt::Debug for TokenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenRequest").field("grant_type", &self.grant_type).finish_non_exhaustive()
    }
}

/// A token response (RFC 6749 section 5.1, OIDC Core 3.1.3.3).
#[derive(Serialize)]
pub struct TokenResponse {
    /// The access token, for APIs.
    pub access_token: String,
    /// `Bearer`.
    pub token_type: &'static str,
    /// The access token's lifetime in seconds.
    pub expires_in: i64,
    /// The ID token, for the application. Only with scope `openid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// The granted scopes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

impl fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenResponse")
    }
}

/// No tokens were issued.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// The request is refused.
    #[error("{0}")]
    Refused(Code),
    /// DynamoDB.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The client's secret cannot be read.
    #[error(transparent)]
    Secret(SecretError),
    /// There is no signing key.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// A token could not be signed.
    #[error("a token could not be signed")]
    Signing,
}

impl From<GrantError> for ErrorAnswer {
    fn from(error: GrantError) -> Self {
        match error {
            GrantError::Refused(code) => code.into(),
            GrantError::Store(error) => error.into(),
            GrantError::Secret(error) => error.into(),
            GrantError::Keys(error) => error.into(),
            GrantError::Signing => Self::with_reason(Code::Internal, error),
        }
    }
}

impl From<ClientError> for GrantError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Refused(code) => GrantError::Refused(code),
            ClientError::Store(error) => GrantError::Store(error),
            ClientError::Secret(error) => GrantError::Secret(error),
        }
    }
}

impl Issuer {
    /// An issuer with this URL, which comes from configuration, never from a request.
    pub fn new(
        url: String,
        keys: Arc<Keys>,
        lifetimes: Lifetimes,
        clients: Arc<Clients>,
        store: Store,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { url, keys, lifetimes, entropy, clients, store }
    }

    /// The issuer's keys.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Answers a token request; `basic` has the credentials from HTTP Basic.
    ///
    /// # Errors
    /// `unsupported_grant_type`; `invalid_request` if a parameter is missing or malformed; `invalid_client` if the
    /// client is unknown or not authenticated; `origin_not_allowed`; `invalid_grant` if the code is unknown, used,
    /// expired, or issued for another client, redirect URI or challenge, or if the provider ended the login meanwhile. One answer for all of these, so that an
    /// attacker learns nothing about the code.
    pub async fn exchange(
        &self,
        cx: &RequestContext,
        request: &TokenRequest,
        basic: Option<ClientCredentials>,
    ) -> Result<TokenResponse, GrantError> {
        match request.grant_type.as_deref() {
            Some("authorization_code") => self.authorization_code(cx, request, basic).await,
            Some(_) => Err(GrantError::Refused(Code::UnsupportedGrantType)),
            None => Err(GrantError::Refused(Code::InvalidRequest)),
        }
    }

    async fn authorization_code(
        &self,
        cx: &RequestContext,
        request: &TokenRequest,
        basic: Option<ClientCredentials>,
    ) -> Result<TokenResponse, GrantError> {
        let missing = GrantError::Refused(Code::InvalidRequest);
        let client_id = request.client_id.as_ref().or(basic.as_ref().map(|basic| &basic.id));
        let (Some(code), Some(redirect_uri), Some(client_id), Some(verifier)) =
            (&request.code, &request.redirect_uri, client_id, &request.code_verifier)
        else {
            return Err(missing);
        };
        if !is_verifier(verifier.expose_secret()) {
            return Err(missing);
        }
        let refused = || GrantError::Refused(Code::InvalidGrant);
        let client = self.authenticate(cx, client_id, request.client_secret.as_ref(), basic.clone()).await?;
        let client_id = client.id.clone();
        // Checked against the current registration: a removed redirect URI gets no tokens.
        if !client.allows_redirect_uri(redirect_uri) {
            return Err(refused());
        }
        let (session, code) = AuthorizationCode::presented(code.expose_secret()).ok_or_else(refused)?;
        let redemption = Redemption {
            session: &session,
            code: &code,
            client_id: &client_id,
            redirect_uri,
            code_challenge: &challenge_of(verifier.expose_secret()),
        };
        let session = match self.store.redeem(cx, &redemption, &LockId::generate(self.entropy.as_ref())).await? {
            Redeemed::Yes(session) => session,
            Redeemed::Again(session) => {
                tracing::warn!(event = "code_reused", code = %Code::InvalidGrant, session = %session.id, client = %client_id);
                return Err(refused());
            }
            Redeemed::No => return Err(refused()),
        };
        // The engine completes no session without a user. If one exists anyway, no tokens are issued.
        let user = session.run.user.as_ref().ok_or_else(refused)?;
        if !self.is_valid_still(cx, user).await? {
            tracing::warn!(event = "login_ended", code = %Code::InvalidGrant, session = %session.id, client = %client_id);
            return Err(refused());
        }
        let access_token = self.access_token(cx.now, &session, user)?;
        let id_token = match session.request.scopes().any(|scope| scope == "openid") {
            true => Some(self.id_token(cx.now, &session, user, &access_token)?),
            false => None,
        };
        Ok(TokenResponse {
            access_token,
            token_type: "Bearer",
            expires_in: self.lifetimes.access_token.num_seconds(),
            id_token,
            scope: session.request.scope.clone(),
        })
    }
}

impl Issuer {
    /// Whether the provider has told of nothing meanwhile that ends the user's login. One read, for the users of providers
    /// that send notifications.
    async fn is_valid_still(&self, cx: &RequestContext, user: &SessionUser) -> Result<bool, StoreError> {
        let (Some(account), Some(_)) = (&user.by, user.notified_since) else { return Ok(true) };
        let link = self.store.get_link(cx, account).await?;
        Ok(link.is_some_and(|link| link.admits(user.notified_since)))
    }

    /// The client, authenticated if required. Only one authentication method per request (RFC 6749 section 2.3).
    async fn authenticate(
        &self,
        cx: &RequestContext,
        id: &str,
        posted: Option<&SecretString>,
        basic: Option<ClientCredentials>,
    ) -> Result<Arc<Client>, GrantError> {
        if posted.is_some() && basic.is_some() {
            return Err(GrantError::Refused(Code::InvalidRequest));
        }
        let unknown = || GrantError::Refused(Code::InvalidClient);
        let client_id: ClientId = id.parse().map_err(|_| unknown())?;
        let client = self.clients.find(cx, &client_id).await?.ok_or_else(unknown)?;
        let posted = posted.map(|secret| ClientCredentials { id: id.to_owned(), secret: secret.clone() });
        self.clients.authenticate(cx, &client, posted.or(basic).as_ref(), client.is_confidential()).await?;
        Ok(client)
    }
}

/// RFC 7636 section 4.1: 43 to 128 unreserved characters.
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'))
}

/// The code challenge of a verifier (RFC 7636 section 4.2, method S256).
pub fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_matches_the_rfcs_example() {
        // RFC 7636 appendix B.
        assert_eq!(
            challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn a_verifier_has_43_to_128_unreserved_characters() {
        assert!(is_verifier(&"a".repeat(43)));
        for bad in ["a".repeat(42), "a".repeat(129), "ä".repeat(43), " ".repeat(43)] {
            assert!(!is_verifier(&bad));
        }
    }
}
