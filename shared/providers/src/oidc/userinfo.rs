//! The userinfo endpoint (OIDC Core 5.3): asked for what an ID token lacks, or when a direct grant brings none.

use chrono::{DateTime, Utc};
use egress::{Request, Response};
use http::StatusCode;
use serde_json::{Map, Value};

use super::VerifiedClaims;
use super::discovery::Metadata;
use super::id_token::LEEWAY;
use super::jws::{Expected, Unverified};
use super::keys::Keys;
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
        return Err(stage.misconfigured("the provider gives no ID token and has no userinfo: add openid to the scopes"));
    };
    let request = Request::get(endpoint).bearer(access_token).ok_or_else(|| Stage::Token.refused(Check::Format))?;
    let response = cx.read(stage, request).await?;
    if let Some(throttled) = answers::throttled(cx.now(), &response) {
        return Err(throttled);
    }
    match response.status {
        StatusCode::OK => {
            let claims = match response.media_type().as_str() {
                "application/jwt" => signed(cx, metadata, expected, &response).await?,
                _ => answers::object(stage, &response)?,
            };
            VerifiedClaims::new(stage, &metadata.issuer, claims)
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
    let token = std::str::from_utf8(&response.body).map_err(|_| refused(Check::Format))?;
    let unverified = Unverified::read(Stage::Userinfo, token.trim_ascii())?;
    // Before any key is fetched, and once more with them.
    unverified.check_header(expected.algorithms)?;
    let keys = cx.providers.issuers.keys(cx, &metadata.jwks_uri, unverified.kid()?).await?;
    verified(cx.now(), &metadata.issuer, expected, &keys, unverified)
}

fn refused(check: Check) -> ProviderError {
    Stage::Userinfo.refused(check)
}

fn verified(
    now: DateTime<Utc>,
    issuer: &str,
    expected: &Expected<'_>,
    keys: &Keys,
    token: Unverified<'_>,
) -> Result<Map<String, Value>, ProviderError> {
    let algorithm = token.check_header(expected.algorithms)?;
    let (message, signature) = token.signed()?;
    keys.verify(token.kid()?, &algorithm, message, &signature).map_err(refused)?;

    // These may be missing: the answer comes from the provider itself, for a token it gave us a moment ago.
    let claim = |name: &str| token.claims.get(name);
    if claim("iss").is_some_and(|named| named.as_str() != Some(issuer)) {
        return Err(refused(Check::Issuer));
    }
    let is_us = |audience: &Value| audience.as_str() == Some(expected.client_id);
    let has_us = |audience: &Value| is_us(audience) || audience.as_array().is_some_and(|all| all.iter().any(is_us));
    if claim("aud").is_some_and(|audience| !has_us(audience)) {
        return Err(refused(Check::Audience));
    }
    let earliest = (now - LEEWAY).timestamp();
    if claim("exp").is_some_and(|expires| expires.as_i64().is_none_or(|expires| expires <= earliest)) {
        return Err(refused(Check::Expired));
    }
    Ok(token.claims)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
    use jsonwebtoken::jwk::Jwk;
    use jsonwebtoken::{Algorithm, EncodingKey, Header};
    use serde_json::json;

    use super::*;
    use crate::oidc::jws;

    const ISSUER: &str = "https://id.example";
    const NOW: i64 = 1_790_000_000;

    fn key() -> EncodingKey {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref())
    }

    #[test]
    fn a_signed_answer_is_the_issuers_own_and_for_us() {
        let (key, algorithms) = (key(), jws::Algorithm::all());
        let published = serde_json::to_value(Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap()).unwrap();
        let keys = Keys::select(&[published]);
        let expected = Expected { client_id: "landfall", algorithms: &algorithms };
        let read = |token: &str| {
            let token = Unverified::read(Stage::Userinfo, token)?;
            verified(DateTime::from_timestamp(NOW, 0).unwrap(), ISSUER, &expected, &keys, token)
        };
        let sign = |claims: &Value, key: &EncodingKey| {
            jsonwebtoken::encode(&Header::new(Algorithm::ES256), claims, key).unwrap()
        };

        for good in [
            json!({}),
            json!({ "iss": ISSUER, "aud": "landfall" }),
            json!({ "aud": ["other", "landfall"], "exp": NOW - 59 }),
        ] {
            assert_eq!(read(&sign(&good, &key)), Ok(good.as_object().unwrap().clone()));
        }
        for (bad, check) in [
            (json!({ "iss": "https://id.example/" }), Check::Issuer),
            (json!({ "iss": null }), Check::Issuer),
            (json!({ "aud": "other" }), Check::Audience),
            (json!({ "aud": ["other"] }), Check::Audience),
            (json!({ "aud": {} }), Check::Audience),
            (json!({ "exp": NOW - 60 }), Check::Expired),
            (json!({ "exp": "never" }), Check::Expired),
            (json!({ "events": {} }), Check::Header),
        ] {
            assert_eq!(read(&sign(&bad, &key)), Err(refused(check)), "{bad}");
        }

        assert_eq!(read(&sign(&json!({}), &self::key())), Err(refused(Check::Signature)));
        let shared = EncodingKey::from_secret(b"secret");
        let hmac = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &json!({}), &shared).unwrap();
        assert_eq!(read(&hmac), Err(refused(Check::Algorithm)));
        // `{"alg":"none"}`
        assert_eq!(read("eyJhbGciOiJub25lIn0.e30."), Err(refused(Check::Algorithm)));
        assert_eq!(read("e30.e30.e30.e30.e30"), Err(refused(Check::Format)));
    }
}
