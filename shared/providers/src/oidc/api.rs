//! A provider's own API, where it says who has logged in and no ID token does.

use domain::ConnectorClient;

use super::VerifiedClaims;
use super::connection::Connection;
use super::discovery::Metadata;
use super::profile::OidcProvider;
use crate::answers::{self, OauthError};
use crate::{Check, ProviderError, Stage, refusals};

const STAGE: Stage = Stage::Userinfo;

/// Who the access token is about that `client` was just given: the API at `userinfo_endpoint` is believed because it is the
/// provider's, over TLS.
pub(super) async fn ask(
    Connection { cx, registration }: Connection<'_>,
    provider: &dyn OidcProvider,
    metadata: &Metadata,
    client: &ConnectorClient,
    access_token: &str,
) -> Result<VerifiedClaims, ProviderError> {
    let Some(endpoint) = metadata.userinfo_endpoint.clone() else {
        return Err(
            STAGE.misconfigured("there is no ID token, and settings.userinfo_endpoint names no API to ask instead")
        );
    };
    let secret = if client.shows_secret() { cx.secret(client).await? } else { None };
    let request = provider.api_request(endpoint, access_token, secret.as_ref());
    let response = cx.read(STAGE, request.ok_or_else(|| Stage::Token.refused(Check::Format))?).await?;
    // Some answer 200 with an error in it.
    if !response.status.is_success() || OauthError::of(&response).is_some() {
        return Err(refusals::classify(cx.now(), STAGE, &response, registration.profile.of_api));
    }
    let claims = provider.api_claims(answers::object(STAGE, &response)?);
    VerifiedClaims::new(STAGE, &metadata.issuer_key, claims)
}
