//! The userinfo endpoint (OIDC Core 5.3): asked for what an ID token lacks, or when a direct grant brings none.

use chrono::{DateTime, Utc};
use egress::{Request, Response};
use http::StatusCode;
use serde_json::{Map, Value};

use super::VerifiedClaims;
use super::discovery::Metadata;
use super::id_token::{LEEWAY, time};
use super::jws::{Expected, Unverified};
use crate::{Check, Cx, Outage, ProviderError, Stage, answers};

/// Who the access token is about. The issuer is the one whose discovery document named the endpoint: an answer that is
/// not signed has no `iss` of its own.
pub(crate) async fn ask(
    cx: &Cx<'_>,
    metadata: &Metadata,
    expected: &Expected<'_>,
    access_token: &str,
) -> Result<VerifiedClaims, ProviderError> {
    let stage = Stage::Userinfo;
    let Some(endpoint) = metadata.userinfo_endpoint.clone() else {
        return Err(stage
            .misconfigured("the provider gives no ID token and names no userinfo_endpoint: add openid to the scopes"));
    };
    let request = Request::get(endpoint).bearer(access_token).ok_or_else(|| Stage::Token.refused(Check::Format))?;
    let response = cx.read(stage, request).await?;
    if let Some(throttled) = answers::throttled(cx.now(), &response) {
        return Err(throttled);
    }
    match response.status {
        status if status.is_success() => {
            // Read as what it is: some call a signed answer JSON, and the other way round.
            let claims = match answers::body(&response).trim_ascii_start().first() {
                Some(b'e') => signed(cx, metadata, expected, &response).await?,
                _ => answers::object(stage, &response)?,
            };
            if claims.get("error").is_some_and(Value::is_string) {
                return Err(stage.misconfigured("userinfo answers with an error: add openid to the scopes"));
            }
            VerifiedClaims::new(stage, &metadata.issuer_key, claims)
        }
        StatusCode::UNAUTHORIZED => Err(stage.refused(Check::AccessToken)),
        // insufficient_scope (RFC 6750 section 3.1).
        StatusCode::FORBIDDEN => Err(stage.misconfigured("userinfo is not granted: add openid to the scopes")),
        status if status.is_server_error() => Err(stage.unavailable(Outage::ServerError)),
        _ => Err(stage.unavailable(Outage::Protocol)),
    }
}

/// The claims of an answer that is a signed JWT (OIDC Core 5.3.2), for clients that are registered to get one.
async fn signed(
    cx: &Cx<'_>,
    metadata: &Metadata,
    expected: &Expected<'_>,
    response: &Response,
) -> Result<Map<String, Value>, ProviderError> {
    let token = std::str::from_utf8(answers::body(response)).map_err(|_| refused(Check::Format))?;
    let token = Unverified::read(Stage::Userinfo, token.trim_ascii())?;
    let algorithm = token.check_header(expected.algorithms)?;
    check_claims(&token.claims, metadata, expected, cx.now())?;
    cx.providers.issuers.verify(cx, metadata.jwks_uri()?, &token, algorithm).await?;
    Ok(token.claims)
}

fn refused(check: Check) -> ProviderError {
    Stage::Userinfo.refused(check)
}

/// These may be missing: the answer comes from the provider itself, for a token it gave us a moment ago.
fn check_claims(
    claims: &Map<String, Value>,
    metadata: &Metadata,
    expected: &Expected<'_>,
    now: DateTime<Utc>,
) -> Result<(), ProviderError> {
    if claims.contains_key("iss") && !metadata.is_issuer_of(claims) {
        return Err(refused(Check::Issuer));
    }
    let is_us = |audience: &Value| audience.as_str() == Some(expected.client_id);
    let has_us = |audience: &Value| is_us(audience) || audience.as_array().is_some_and(|all| all.iter().any(is_us));
    if claims.get("aud").is_some_and(|audience| !has_us(audience)) {
        return Err(refused(Check::Audience));
    }
    let earliest = (now - LEEWAY).timestamp();
    match time(claims, "exp", f64::floor) {
        Some(expires) if expires.is_none_or(|expires| expires <= earliest) => Err(refused(Check::Expired)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://id.example";
    const NOW: i64 = 1_790_000_000;

    #[test]
    fn a_signed_answer_is_the_issuers_own_and_for_us() {
        let metadata = Metadata::for_tests(ISSUER);
        let expected = Expected { client_id: "landfall", algorithms: &[], trusted_audiences: &[] };
        let check = |claims: Value| {
            let now = DateTime::from_timestamp(NOW, 0).unwrap();
            check_claims(claims.as_object().unwrap(), &metadata, &expected, now)
        };
        for good in [
            json!({}),
            json!({ "iss": ISSUER, "aud": "landfall" }),
            json!({ "aud": ["other", "landfall"], "exp": NOW - 59 }),
        ] {
            assert_eq!(check(good.clone()), Ok(()), "{good}");
        }
        for (bad, failed) in [
            (json!({ "iss": "https://id.example/" }), Check::Issuer),
            (json!({ "iss": null }), Check::Issuer),
            (json!({ "aud": "other" }), Check::Audience),
            (json!({ "aud": ["other"] }), Check::Audience),
            (json!({ "aud": {} }), Check::Audience),
            (json!({ "exp": NOW - 60 }), Check::Expired),
            (json!({ "exp": "never" }), Check::Expired),
        ] {
            assert_eq!(check(bad.clone()), Err(refused(failed)), "{bad}");
        }
    }
}
