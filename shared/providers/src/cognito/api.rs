//! One call of the user pools API, which authenticates the client by `SECRET_HASH`:
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/signing-up-users-in-your-app.html#cognito-user-pools-computing-secret-hash>.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::Method;
use egress::{Request, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;

use crate::answers::{self, OauthError};
use crate::oidc::{Connection, TokenAnswer, is_private_key};
use crate::refusals::Refusals;
use crate::{Outage, ProviderError, Stage};

const PRIVATE_KEY: ProviderError = Stage::ClientAuthentication.misconfigured(
    "Cognito's API needs the client secret, and client.secret names a private key: store the app client's secret under that name",
);

/// The API, for one login by a method.
pub(super) struct Api<'a> {
    pub(super) endpoint: &'a Url,
    pub(super) provider: &'a Connection<'a>,
    pub(super) method: Method,
}

/// What the API is asked.
#[derive(Clone, Copy)]
pub(super) enum Operation<'a> {
    /// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_InitiateAuth.html>, with this `AuthFlow`.
    Initiate(&'static str),
    /// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_RespondToAuthChallenge.html>.
    Respond {
        /// `ChallengeName`.
        challenge: &'a str,
        /// The newest `Session`.
        session: &'a str,
    },
}

impl Operation<'_> {
    fn target(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Initiate(_) => "AWSCognitoIdentityProviderService.InitiateAuth",
            Self::Respond { .. } => "AWSCognitoIdentityProviderService.RespondToAuthChallenge",
        })
    }

    fn body(self, client_id: &str, parameters: Map<String, Value>) -> Value {
        match self {
            Self::Initiate(flow) => json!({ "AuthFlow": flow, "ClientId": client_id, "AuthParameters": parameters }),
            Self::Respond { challenge, session } => json!({
                "ChallengeName": challenge, "ClientId": client_id, "Session": session, "ChallengeResponses": parameters,
            }),
        }
    }
}

/// A successful answer: tokens, or the next question.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answered {
    authentication_result: Option<Map<String, Value>>,
    challenge_name: Option<String>,
    challenge_parameters: Option<Map<String, Value>>,
    available_challenges: Option<Vec<String>>,
    session: Option<String>,
}

impl Api<'_> {
    /// Sends it once, about the user of this name, with these parameters; `refusals` say what an answer means that is no success.
    pub(super) async fn ask(
        &self,
        operation: Operation<'_>,
        username: &str,
        parameters: &[(&str, &str)],
        refusals: &[&Refusals],
    ) -> Result<Answered, ProviderError> {
        let read = |response: &Response| {
            if !response.status.is_success() || OauthError::of(response).is_some() {
                return Err(self.provider.refused(response, refusals));
            }
            let answer = Value::Object(answers::object(Stage::Token, response)?);
            Answered::deserialize(answer).map_err(|_| Stage::Token.unavailable(Outage::Protocol))
        };
        self.ask_reading(operation, username, parameters, read).await
    }

    /// The same, where `read` says what an answer means.
    ///
    /// Discovery and keys come first: if tokens could not be verified, nothing secret is sent. The pool verifies the hash before the
    /// rest, so a call that was refused for it may be sent again with a rotated secret.
    pub(super) async fn ask_reading<T: Send>(
        &self,
        operation: Operation<'_>,
        username: &str,
        parameters: &[(&str, &str)],
        read: impl Fn(&Response) -> Result<T, ProviderError> + Send + Sync,
    ) -> Result<T, ProviderError> {
        let Self { endpoint, provider, method } = *self;
        let client_id = provider.client_id(method)?;
        provider.ready().await?;
        let read = &read;
        let send = |secret: Option<SecretString>| async move {
            let named = [("USERNAME", username)].into_iter().chain(parameters.iter().copied());
            let mut sent: Map<String, Value> = named.map(|(name, value)| (name.to_owned(), json!(value))).collect();
            if let Some(secret) = &secret {
                if is_private_key(secret) {
                    return Err(PRIVATE_KEY);
                }
                sent.insert("SECRET_HASH".to_owned(), json!(secret_hash(secret, username, client_id)));
            }
            let mut body = operation.body(client_id, sent);
            // It counts for clients with a secret alone, if they may propagate it.
            if let Some(ip) = provider.user_ip().filter(|_| secret.is_some()) {
                body["UserContextData"] = json!({ "IpAddress": ip });
            }
            let request = Request::post_json(endpoint.clone(), &body)
                .header(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"))
                .header(HeaderName::from_static("x-amz-target"), operation.target());
            read(&provider.send(request).await?)
        };
        provider.as_client(method, send).await
    }
}

fn secret_hash(secret: &SecretString, username: &str, client_id: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
    STANDARD.encode(hmac::sign(&key, format!("{username}{client_id}").as_bytes()))
}

impl Answered {
    /// The tokens, if the user has signed in. The ID token says who it is: no other endpoint takes this API's access tokens.
    pub(super) fn tokens(&mut self) -> Result<Option<TokenAnswer>, ProviderError> {
        let Some(mut result) = self.authentication_result.take() else { return Ok(None) };
        let named = [
            ("access_token", "AccessToken"),
            ("token_type", "TokenType"),
            ("refresh_token", "RefreshToken"),
            ("id_token", "IdToken"),
            ("expires_in", "ExpiresIn"),
        ];
        let members = named.into_iter().filter_map(|(name, own)| Some((name.to_owned(), result.remove(own)?)));
        let tokens = TokenAnswer::read(members.collect());
        match tokens.id_token() {
            Some(_) => Ok(Some(tokens)),
            None => Err(Stage::Token.unavailable(Outage::Protocol)),
        }
    }

    pub(super) fn challenge(&self) -> Option<&str> {
        self.challenge_name.as_deref()
    }

    pub(super) fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// Whether the user may choose this challenge. AWS's examples of that answer lack `ChallengeName` in places:
    /// <https://docs.aws.amazon.com/cognito/latest/developerguide/authentication-flows-selection-sdk.html>.
    pub(super) fn offers(&self, challenge: &str) -> bool {
        matches!(self.challenge(), None | Some("SELECT_CHALLENGE"))
            && self.available_challenges.iter().flatten().any(|available| available == challenge)
    }

    /// One of the `ChallengeParameters`.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.challenge_parameters.as_ref()?.get(name)?.as_str()
    }

    /// One of them that is a list: JSON as text.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        self.parameter(name).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_of_username_and_client_id() {
        // `printf 'adaclient' | openssl dgst -sha256 -hmac secret -binary | base64`
        let hash = secret_hash(&SecretString::from("secret"), "ada", "client");
        assert_eq!(hash, "FEW6rzXVdy2RLJp0KqkU9A6/pxQBq5FgsxTWe/Ot+CI=");
    }
}
