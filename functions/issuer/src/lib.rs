//! `issuer`: our own OpenID provider.
//!
//! Maps URLs to calls of `tokens`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL};
use axum::response::IntoResponse;
use base::Base;
use tokens::{Issuer, KeyKind, Lifetimes, TokenRequest, TokenResponse};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{ApiError, App, Context, Credentials, Form, Json, OAuthError};

/// The issuer's keys that this function uses.
pub const KEYS: &[KeyKind] = &[KeyKind::Signing];

/// The service that the routes call.
pub fn service(base: &Base) -> Issuer {
    let (keys, clients, entropy) = (Arc::clone(&base.keys), Arc::clone(&base.clients), Arc::clone(&base.entropy));
    Issuer::new(base.issuer.clone(), keys, Lifetimes::default(), clients, base.store.clone(), entropy)
}

/// Every route of this function.
pub fn routes() -> OpenApiRouter<App<Issuer>> {
    web::for_browsers(OpenApiRouter::new().routes(routes!(token))).routes(routes!(jwks))
}

/// Public keys may be read by any page, and change only by rotation.
const KEYS_MAX_AGE: HeaderValue = HeaderValue::from_static("public, max-age=300");
const ANY_ORIGIN: HeaderValue = HeaderValue::from_static("*");

/// Redeems a code for tokens (RFC 6749 section 3.2, OIDC Core 3.1.3).
#[utoipa::path(
    post,
    path = "/oauth2/token",
    request_body(content = Object, content_type = "application/x-www-form-urlencoded",
        description = "`grant_type=authorization_code`, `code`, `redirect_uri`, `client_id`, `code_verifier`; `client_secret` or HTTP Basic for a client that has one"),
    responses(
        (status = 200, body = Object, description = "`access_token`, `token_type`, `expires_in`, `id_token`, `scope`"),
        (status = 400, body = Object, description = "`invalid_request`, `invalid_grant`, `unsupported_grant_type`"),
        (status = 401, body = Object, description = "`invalid_client`"),
        (status = 403, body = Object, description = "`origin_not_allowed`"),
        (status = 503, body = Object, description = "`unavailable`"),
    )
)]
async fn token(
    State(app): State<App<Issuer>>,
    Context(cx): Context,
    Credentials(basic): Credentials,
    Form(request): Form<TokenRequest>,
) -> Result<Json<TokenResponse>, OAuthError> {
    Ok(Json(app.service.exchange(&cx, &request, basic).await?))
}

/// The keys that verify our tokens (RFC 7517 section 5).
#[utoipa::path(get, path = "/oauth2/jwks", responses((status = 200, body = Object)))]
async fn jwks(State(app): State<App<Issuer>>, Context(cx): Context) -> Result<impl IntoResponse, ApiError> {
    let keys = app.service.keys().public(cx.now)?;
    Ok(([(CACHE_CONTROL, KEYS_MAX_AGE), (ACCESS_CONTROL_ALLOW_ORIGIN, ANY_ORIGIN)], Json(keys)))
}
