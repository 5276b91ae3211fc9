//! The token endpoint (RFC 6749 sections 3.2 and 5).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::{ClientAuthMethod, ConnectorClient};
use egress::{Request, Response};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::form_urlencoded::byte_serialize;

use super::discovery::Metadata;
use crate::answers::{self, OauthError};
use crate::{Check, Cx, ProviderError, Stage};

/// Posts a grant, authenticated as `client` in the way it says, and reads the answer of a success; `refused` says what
/// any other means.
///
/// What a grant carries is sent once, whatever becomes of it, with one exception: a client that is refused for its own
/// credentials, whose secret turns out to have been rotated, shows the new one, once. That sends nobody's password or code
/// twice to somebody who looked at it: the client is authenticated before the grant is (RFC 6749 sections 4.1.3 and 4.3.2
/// require it of both grants, in that order; `invalid_client` in section 5.2 says that it failed), so a password that was
/// wrong has not been counted and a code has not been used up. `refused` has to call only that
/// [`Stage::ClientAuthentication`].
pub(crate) async fn redeem(
    cx: &Cx<'_>,
    metadata: &Metadata,
    client: &ConnectorClient,
    grant: &[(&str, &str)],
    refused: impl Fn(&Response) -> ProviderError + Send,
) -> Result<TokenAnswer, ProviderError> {
    let secret = if client.shows_secret() { cx.secret(client).await? } else { None };
    let read = |response: Response| {
        // Some answer 200 with an error in it.
        let is_refusal = !response.status.is_success() || OauthError::of(&response).is_some();
        if is_refusal { Err(refused(&response)) } else { TokenAnswer::read(&response) }
    };
    let answer = read(post(cx, metadata, client, secret.as_ref(), grant).await?);
    let (Err(ProviderError::Misconfigured { stage: Stage::ClientAuthentication, .. }), Some(used)) = (&answer, &secret)
    else {
        return answer;
    };
    match cx.rotated_secret(client, used).await {
        Some(rotated) => read(post(cx, metadata, client, Some(&rotated), grant).await?),
        None => answer,
    }
}

/// Sends it once, with this secret.
pub(super) async fn post(
    cx: &Cx<'_>,
    metadata: &Metadata,
    client: &ConnectorClient,
    secret: Option<&SecretString>,
    grant: &[(&str, &str)],
) -> Result<Response, ProviderError> {
    let url = metadata.token_endpoint.clone();
    let request = match (secret, client.token_endpoint_auth_method) {
        (Some(secret), ClientAuthMethod::ClientSecretBasic) => {
            // One way of authenticating per request (RFC 6749 section 2.3): nothing about the client in the form.
            let request = Request::post_form(url, grant.iter().copied());
            request.basic(&credentials(&client.id, secret)).ok_or_else(|| Stage::Token.refused(Check::Format))?
        }
        (secret, _) => {
            let mut form = vec![("client_id", client.id.as_str())];
            form.extend(secret.map(|secret| ("client_secret", secret.expose_secret())));
            form.extend(grant);
            Request::post_form(url, form)
        }
    };
    cx.send(Stage::Token, request).await
}

/// Each half is form-urlencoded before they are joined (RFC 6749 section 2.3.1): a secret may have a colon in it.
fn credentials(id: &str, secret: &SecretString) -> String {
    let encoded = |half: &str| byte_serialize(half.as_bytes()).collect::<String>();
    STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret.expose_secret())))
}

/// A successful answer (RFC 6749 section 5.1, OIDC Core 3.1.3.3). What is not used need not be there.
pub struct TokenAnswer {
    access_token: Option<SecretString>,
    token_type: Option<String>,
    id_token: Option<SecretString>,
    /// Keycloak's and others' name of the session, as `sid` in the ID token.
    pub(crate) session_state: Option<String>,
}

impl TokenAnswer {
    fn read(response: &Response) -> Result<Self, ProviderError> {
        let mut answer = answers::object(Stage::Token, response)?;
        let mut text = |name: &str| match answer.remove(name) {
            Some(Value::String(text)) if !text.is_empty() => Some(text),
            _ => None,
        };
        Ok(Self {
            access_token: text("access_token").map(SecretString::from),
            token_type: text("token_type"),
            id_token: text("id_token").map(SecretString::from),
            session_state: text("session_state"),
        })
    }

    pub(crate) fn id_token(&self) -> Option<&str> {
        self.id_token.as_ref().map(ExposeSecret::expose_secret)
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
        let encoded = credentials("landfall:one", &SecretString::from("a+b %:ü"));
        let decoded = String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap();
        assert_eq!(decoded, "landfall%3Aone:a%2Bb+%25%3A%C3%BC");
    }
}
