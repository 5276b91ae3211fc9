//! The token endpoint (RFC 6749 sections 3.2 and 5).

use std::fmt;

use domain::{ConnectorClient, json};
use egress::{Request, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::discovery::Metadata;
use crate::{Check, Cx, ProviderError, Stage, answers};

/// Posts a grant, authenticated as `client` in the form (`client_secret_post`; a public client only names itself). Sent
/// once: what a grant carries is not sent again whatever becomes of it.
pub(crate) async fn post_as_client(
    cx: &Cx<'_>,
    metadata: &Metadata,
    client: &ConnectorClient,
    grant: &[(&str, &str)],
) -> Result<Response, ProviderError> {
    let secret = cx.secret(client).await?;
    let mut form = vec![("client_id", client.id.as_str())];
    form.extend(secret.as_ref().map(|secret| ("client_secret", secret.expose_secret())));
    form.extend(grant);
    cx.send(Stage::Token, Request::post_form(metadata.token_endpoint.clone(), form)).await
}

/// A successful answer (RFC 6749 section 5.1, OIDC Core 3.1.3.3).
#[derive(Deserialize)]
pub(crate) struct TokenAnswer {
    access_token: SecretString,
    token_type: String,
    id_token: Option<SecretString>,
    /// Keycloak's and others' name of the session, as `sid` in the ID token.
    pub(crate) session_state: Option<String>,
}

impl TokenAnswer {
    /// Reads the answer of a 200.
    pub(crate) fn read(response: &Response) -> Result<Self, ProviderError> {
        let stage = Stage::Token;
        let answer: Self =
            json::typed(answers::object(stage, response)?).ok_or_else(|| stage.refused(Check::Format))?;
        // A token of a type one does not understand must not be used (RFC 6749 section 7.1).
        if !answer.token_type.eq_ignore_ascii_case("bearer") {
            return Err(stage.refused(Check::Format));
        }
        Ok(answer)
    }

    pub(crate) fn id_token(&self) -> Option<&str> {
        self.id_token.as_ref().map(ExposeSecret::expose_secret)
    }

    pub(crate) fn access_token(&self) -> &str {
        self.access_token.expose_secret()
    }
}

impl fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenAnswer")
    }
}
