//! The userinfo endpoint (OIDC Core 5.3), asked when a token answer has no ID token.

use egress::Request;
use http::StatusCode;

use super::Vouched;
use super::discovery::Metadata;
use crate::{Check, Cx, Outage, ProviderError, Stage, answers};

/// Who the access token is about. The issuer is the one whose discovery document named the endpoint: the answer has no
/// `iss` of its own.
pub(crate) async fn ask(cx: &Cx<'_>, metadata: &Metadata, access_token: &str) -> Result<Vouched, ProviderError> {
    let stage = Stage::Userinfo;
    let Some(endpoint) = metadata.userinfo_endpoint.clone() else {
        return Err(stage.misconfigured("the provider gives no ID token and has no userinfo: add openid to the scopes"));
    };
    let request = Request::get(endpoint).bearer(access_token).ok_or_else(|| Stage::Token.refused(Check::Format))?;
    let response = cx.send(stage, request).await?;
    if let Some(throttled) = answers::throttled(cx.now(), &response) {
        return Err(throttled);
    }
    match response.status {
        StatusCode::OK if response.media_type() == "application/jwt" => {
            Err(stage
                .misconfigured("the client asks for signed userinfo: switch that off, or add openid to the scopes"))
        }
        StatusCode::OK => Vouched::new(stage, &metadata.issuer, answers::object(stage, &response)?),
        StatusCode::UNAUTHORIZED => Err(stage.refused(Check::AccessToken)),
        // insufficient_scope (RFC 6750 section 3.1).
        StatusCode::FORBIDDEN => Err(stage.misconfigured("userinfo is not granted: add openid to the scopes")),
        status if status.is_server_error() => Err(stage.unavailable(Outage::ServerError)),
        _ => Err(stage.unavailable(Outage::Protocol)),
    }
}
