//! `oidc-callback`: a browser comes back from its identity provider.
//!
//! Maps URLs to calls; no branch on the journey or provider. The outcome is stored and the browser is redirected to the
//! application; nothing else changes: see [`Callbacks`].

use axum::extract::State;
use domain::ConnectorId;
use journeys::Callbacks;
use tokens::KeyKind;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{App, CallbackParameters, Context, PageError, Path, Problem, SeeOther};

/// The issuer's keys that this function uses.
pub const KEYS: &[KeyKind] = &[KeyKind::Session];

/// Every route of this function.
pub fn routes() -> OpenApiRouter<App<Callbacks>> {
    OpenApiRouter::new().routes(routes!(query)).routes(routes!(form_post))
}

/// The provider's answer in the query (OAuth 2.0 Multiple Response Types, `response_mode=query`).
#[utoipa::path(
    get,
    path = "/v1/callback/{connector}",
    params(("connector" = String, Path)),
    responses(
        (status = 303, description = "to the `redirect_uri` of the session's request, with `session` and `resume`"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`redirect_expired`, `invalid_request`, `unknown_client`, `invalid_redirect_uri`; a page for browsers"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`unavailable`; `prefetched` if a browser prefetches the address, which then stays valid; a page for browsers"),
    )
)]
async fn query(
    app: State<App<Callbacks>>,
    cx: Context,
    connector: Path<ConnectorId>,
    parameters: CallbackParameters,
) -> Result<SeeOther, PageError> {
    callback(app, cx, connector, parameters).await
}

/// The provider's answer as a form (OAuth 2.0 Form Post Response Mode).
#[utoipa::path(
    post,
    path = "/v1/callback/{connector}",
    params(("connector" = String, Path)),
    request_body(content = Object, content_type = "application/x-www-form-urlencoded", description = "`state`, `code`, ..."),
    responses(
        (status = 303, description = "to the `redirect_uri` of the session's request, with `session` and `resume`"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`redirect_expired`, `invalid_request`, `unknown_client`, `invalid_redirect_uri`; a page for browsers"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`unavailable`; a page for browsers"),
    )
)]
async fn form_post(
    app: State<App<Callbacks>>,
    cx: Context,
    connector: Path<ConnectorId>,
    parameters: CallbackParameters,
) -> Result<SeeOther, PageError> {
    callback(app, cx, connector, parameters).await
}

async fn callback(
    State(app): State<App<Callbacks>>,
    Context(cx): Context,
    Path(connector): Path<ConnectorId>,
    CallbackParameters(parameters): CallbackParameters,
) -> Result<SeeOther, PageError> {
    Ok(SeeOther(app.service.callback(&cx, &connector, parameters).await?))
}
