//! `oidc-callback`: a browser comes back from its identity provider, or the provider itself sends a notification.
//!
//! Maps URLs to calls; no branch on the journey or provider. The outcome is stored and the browser is redirected to the
//! application; nothing else changes: see [`Callbacks`]. What a notification tells is kept with the links of the accounts:
//! see [`Notifications`].

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use base::Base;
use connectors::{Connectors, Notifications};
use domain::ConnectorId;
use journeys::Callbacks;
use providers::Acknowledgement;
use tokens::KeyKind;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{AnyBody, ApiError, App, CallbackParameters, Context, PageError, Path, Problem, SeeOther};

/// The issuer's keys that this function uses.
pub const KEYS: &[KeyKind] = &[KeyKind::Session];

/// The services that the routes call.
#[derive(Debug)]
pub struct Service {
    callbacks: Callbacks,
    notifications: Notifications,
}

/// The services that the routes call.
pub fn service(base: &Base, connectors: &Arc<Connectors>) -> Service {
    let callbacks = Callbacks::new(base, Arc::clone(connectors));
    Service { callbacks, notifications: Notifications::new(base, Arc::clone(connectors)) }
}

/// Every route of this function.
pub fn routes() -> OpenApiRouter<App<Service>> {
    OpenApiRouter::new().routes(routes!(query)).routes(routes!(form_post)).routes(routes!(notification))
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
    app: State<App<Service>>,
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
    app: State<App<Service>>,
    cx: Context,
    connector: Path<ConnectorId>,
    parameters: CallbackParameters,
) -> Result<SeeOther, PageError> {
    callback(app, cx, connector, parameters).await
}

async fn callback(
    State(app): State<App<Service>>,
    Context(cx): Context,
    Path(connector): Path<ConnectorId>,
    CallbackParameters(parameters): CallbackParameters,
) -> Result<SeeOther, PageError> {
    Ok(SeeOther(app.service.callbacks.callback(&cx, &connector, parameters).await?))
}

/// A notification that the provider signed and sends unasked: that an account was deleted, for example.
#[utoipa::path(
    post,
    path = "/v1/connectors/{connector}/notifications",
    params(("connector" = String, Path)),
    request_body(content = Object, description = "as the provider sends it"),
    responses(
        (status = 200, description = "it is kept; a copy of an earlier one changes nothing"),
        (status = 202, description = "the same, for providers that send security event tokens (RFC 8935)"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`invalid_request`: not signed by the provider, too old, or for another application"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`unknown_connector`"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "`body_too_large`"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`unavailable`: the provider may send it again"),
    )
)]
async fn notification(
    State(app): State<App<Service>>,
    Context(cx): Context,
    Path(connector): Path<ConnectorId>,
    AnyBody(body): AnyBody,
) -> Result<StatusCode, ApiError> {
    Ok(match app.service.notifications.receive(&cx, &connector, &body).await? {
        Acknowledgement::Ok => StatusCode::OK,
        Acknowledgement::Accepted => StatusCode::ACCEPTED,
    })
}
