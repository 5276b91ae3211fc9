//! The token endpoint (RFC 6749 sections 3.2 and 5).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{AssertionAudience, ClientAuthMethod, ConnectorClient, Entropy, UpstreamTokens};
use egress::{Request, Response};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use url::form_urlencoded::byte_serialize;

use super::assertion::{self, PrivateKey};
use super::connection::{Connection, Grant};
use super::discovery::Metadata;
use crate::answers::{self, OauthError};
use crate::{Check, Cx, ProviderError, Stage};

const PRIVATE_KEY: ProviderError = Stage::ClientAuthentication.misconfigured(
    "the secret that client.secret names is a private key, which is never sent: set what the provider's guide says to sign with it \
     (client.token_endpoint_auth_method private_key_jwt, or the key's id), or store the client secret in its place",
);

/// Posts a grant, authenticated as `client` in the way it says; `read` says what an answer means.
///
/// A grant (a password, a code) is sent once, whatever the outcome, but for a rotated secret: [`Connection::as_client`].
pub(crate) async fn redeem<T: Send>(
    provider: Connection<'_>,
    metadata: &Metadata,
    client: &ConnectorClient,
    grant: &Grant<'_>,
    read: impl Fn(&Response) -> Result<T, ProviderError> + Send + Sync,
) -> Result<T, ProviderError> {
    let read = &read;
    let send = |secret: Option<SecretString>| async move {
        let credentials = Credentials::of(provider, metadata, client, secret.as_ref())?;
        read(&post(provider.cx, metadata, client, &credentials, grant).await?)
    };
    provider.with_secret(client, send).await
}

/// What a client shows at the token endpoint beside its id (OIDC Core 9).
pub(super) enum Credentials {
    Nothing,
    Post(SecretString),
    Basic(SecretString),
    Assertion(SecretString),
}

impl Credentials {
    /// Those of `client`, if this is its secret.
    pub(super) fn of(
        Connection { cx, registration }: Connection<'_>,
        metadata: &Metadata,
        client: &ConnectorClient,
        secret: Option<&SecretString>,
    ) -> Result<Self, ProviderError> {
        let Some(secret) = secret else { return Ok(Self::Nothing) };
        if client.token_endpoint_auth_method == Some(ClientAuthMethod::PrivateKeyJwt) {
            let audience = match client.assertion_audience {
                Some(AssertionAudience::Issuer) => metadata.issuer(),
                _ => metadata.token_endpoint()?.as_str(),
            };
            return assertion::of_client(cx, client, &PrivateKey::read(secret)?, audience).map(Self::Assertion);
        }
        let shown = match &registration.profile.signed_secret {
            Some(signed) => cx.providers.signed_secrets.of(cx, client, secret, signed)?,
            // Otherwise a method that was forgotten would tell the provider the key.
            None if assertion::is_private_key(secret) => return Err(PRIVATE_KEY),
            None => secret.clone(),
        };
        Ok(match client.token_endpoint_auth_method {
            Some(ClientAuthMethod::ClientSecretBasic) => Self::Basic(shown),
            _ => Self::Post(shown),
        })
    }

    /// As members of a body: an API of the provider's own has no other place for them.
    pub(super) fn members(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Post(secret) | Self::Basic(secret) => vec![("client_secret", secret.expose_secret())],
            Self::Assertion(assertion) => {
                vec![("client_assertion_type", assertion::TYPE), ("client_assertion", assertion.expose_secret())]
            }
        }
    }

    /// The same, made wrong: a random secret, or a signature with one bit changed.
    pub(super) fn spoilt(self, entropy: &dyn Entropy) -> Self {
        let made_up = || SecretString::from(URL_SAFE_NO_PAD.encode(entropy.bytes::<32>()));
        match self {
            Self::Nothing => Self::Nothing,
            Self::Post(_) => Self::Post(made_up()),
            Self::Basic(_) => Self::Basic(made_up()),
            Self::Assertion(assertion) => {
                let (message, signature) = assertion.expose_secret().rsplit_once('.').unwrap_or_default();
                let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
                signature.last_mut().into_iter().for_each(|byte| *byte ^= 1);
                Self::Assertion(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)).into())
            }
        }
    }
}

/// Sends it once, with these credentials.
pub(super) async fn post(
    cx: &Cx<'_>,
    metadata: &Metadata,
    client: &ConnectorClient,
    credentials: &Credentials,
    grant: &Grant<'_>,
) -> Result<Response, ProviderError> {
    let mut form = vec![("client_id", client.id.as_str())];
    match credentials {
        Credentials::Nothing => {}
        Credentials::Post(secret) => form.push(("client_secret", secret.expose_secret())),
        // One way of authenticating per request (RFC 6749 section 2.3): nothing about the client in the form.
        Credentials::Basic(_) => form.clear(),
        Credentials::Assertion(assertion) => {
            form.extend([("client_assertion_type", assertion::TYPE), ("client_assertion", assertion.expose_secret())])
        }
    }
    form.extend(grant.parameters);
    let mut request = Request::post_form(metadata.token_endpoint()?.clone(), form);
    for (name, value) in metadata.headers.iter().chain(&grant.headers) {
        request = request.header(name.clone(), value.clone());
    }
    if let Credentials::Basic(secret) = credentials {
        request = request.basic(&basic(&client.id, secret)).ok_or_else(|| Stage::Token.refused(Check::Format))?;
    }
    cx.send(Stage::Token, request).await
}

/// Each half is form-urlencoded before they are joined (RFC 6749 section 2.3.1): a secret may have a colon in it.
fn basic(id: &str, secret: &SecretString) -> String {
    let encoded = |half: &str| byte_serialize(half.as_bytes()).collect::<String>();
    STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret.expose_secret())))
}

/// A successful answer (RFC 6749 section 5.1, OIDC Core 3.1.3.3). What is not used need not be there.
pub struct TokenAnswer {
    access_token: Option<SecretString>,
    token_type: Option<String>,
    refresh_token: Option<SecretString>,
    id_token: Option<SecretString>,
    /// For how many seconds the access token is good.
    expires_in: Option<u32>,
    /// Keycloak's and others' name of the session, as `sid` in the ID token.
    pub(crate) session_state: Option<String>,
}

impl TokenAnswer {
    /// The tokens of an answer; `refused` says what an answer means that is no success.
    pub(crate) fn of(response: &Response, refused: impl Fn(&Response) -> ProviderError) -> Result<Self, ProviderError> {
        // Some answer 200 with an error in it.
        if !response.status.is_success() || OauthError::of(response).is_some() {
            return Err(refused(response));
        }
        Ok(Self::read(answers::object(Stage::Token, response)?))
    }

    /// From the members of an answer, which have the standard's names.
    pub(crate) fn read(mut answer: Map<String, Value>) -> Self {
        // Some write it as text.
        let seconds =
            answer.get("expires_in").and_then(|value| value.as_u64().or_else(|| value.as_str()?.parse().ok()));
        let mut text = |name: &str| match answer.remove(name) {
            Some(Value::String(text)) if !text.is_empty() => Some(text),
            _ => None,
        };
        Self {
            access_token: text("access_token").map(SecretString::from),
            token_type: text("token_type"),
            refresh_token: text("refresh_token").map(SecretString::from),
            id_token: text("id_token").map(SecretString::from),
            expires_in: seconds.and_then(|seconds| seconds.try_into().ok()),
            session_state: text("session_state"),
        }
    }

    pub(crate) fn id_token(&self) -> Option<&str> {
        self.id_token.as_ref().map(ExposeSecret::expose_secret)
    }

    /// The tokens that a connector with `tokens: keep` hands on, without an access token whose type is not supported.
    pub(crate) fn upstream(&self, now: DateTime<Utc>) -> UpstreamTokens {
        UpstreamTokens {
            access: self.access_token().ok().map(SecretString::from),
            refresh: self.refresh_token.clone(),
            id: self.id_token.clone(),
            expires_at: self.expires_in.map(|seconds| now + TimeDelta::seconds(seconds.into())),
        }
    }

    /// The access token, for a call to the provider.
    pub(crate) fn access_token(&self) -> Result<&str, ProviderError> {
        // A token of a type one does not understand must not be used (RFC 6749 section 7.1).
        if self.token_type.as_ref().is_some_and(|token_type| !token_type.eq_ignore_ascii_case("bearer")) {
            return Err(
                Stage::Token.misconfigured("the token answer's token_type is not Bearer: no other type is supported")
            );
        }
        let missing = Stage::Token.misconfigured("the token answer has no access_token, which userinfo is asked with");
        self.access_token.as_ref().map(ExposeSecret::expose_secret).ok_or(missing)
    }
}

impl fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenAnswer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_form_urlencoded_first() {
        let encoded = basic("landfall:one", &SecretString::from("a+b %:ü"));
        let decoded = String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap();
        assert_eq!(decoded, "landfall%3Aone:a%2Bb+%25%3A%C3%BC");
    }
}
