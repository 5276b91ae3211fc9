//! `oidc-callback`: a browser comes back from its identity provider, or the provider itself sends a notification.
//!
//! Maps URLs to calls; no branch on the journey or provider. The outcome is stored and the browser is redirected to the
//! application; nothing else changes: see [`Callbacks`]. What a notification tells is kept with the links of the accounts:
//! see [`Notifications`]. A user who had their provider ask for the deletion of their data has a page about that.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::Base;
use connectors::{Connectors, Notifications};
use domain::{ConfirmationCode, ConnectorId};
use journeys::Callbacks;
use providers::{Acknowledgement, Received};
use serde::{Deserialize, Serialize};
use tokens::KeyKind;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{AnyBody, ApiError, App, CallbackParameters, Context, Json, Page, PageError, Path, Problem, Query, SeeOther};

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
    OpenApiRouter::new()
        .routes(routes!(query))
        .routes(routes!(form_post))
        .routes(routes!(notification))
        .routes(routes!(deletion))
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

/// For a provider that sends each kind of notification to an address of its own.
#[derive(Debug, Deserialize)]
struct About {
    about: Option<String>,
}

/// The answer to a request to delete data.
#[derive(Serialize, utoipa::ToSchema)]
struct Confirmation {
    /// The page about the request, for the user.
    url: String,
    /// The code of the request, likewise.
    confirmation_code: String,
}

/// A notification that the provider signed and sends unasked: that an account was deleted, for example.
#[utoipa::path(
    post,
    path = "/v1/connectors/{connector}/notifications",
    params(
        ("connector" = String, Path),
        ("about" = Option<String>, Query, description = "`deletion` or `deauthorisation`, for Meta"),
    ),
    request_body(content = Object, description = "as the provider sends it"),
    responses(
        (status = 200, body = Confirmation, description = "it is kept; a copy of an earlier one changes nothing. The body is there if it asks for the deletion of a user's data"),
        (status = 202, description = "the same, for providers that send security event tokens (RFC 8935)"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`invalid_request`: not signed by the provider, too old, for another application, or at an address that lacks `about`"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`unknown_connector`"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "`body_too_large`"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`unavailable`: the provider may send it again"),
    )
)]
async fn notification(
    State(app): State<App<Service>>,
    Context(cx): Context,
    Path(connector): Path<ConnectorId>,
    Query(About { about }): Query<About>,
    AnyBody(body): AnyBody,
) -> Result<Response, ApiError> {
    let notifications = &app.service.notifications;
    let received = Received { about: about.as_deref(), body: &body };
    Ok(match notifications.receive(&cx, &connector, &received).await? {
        Acknowledgement::Ok => StatusCode::OK.into_response(),
        Acknowledgement::Accepted => StatusCode::ACCEPTED.into_response(),
        Acknowledgement::Confirmed(code) => {
            let url = notifications.deletion_page(&connector, &code);
            Json(Confirmation { url, confirmation_code: code.expose().to_owned() }).into_response()
        }
    })
}

/// A page for a user whose provider has passed on their request to delete their data. It does not say who they are.
#[utoipa::path(
    get,
    path = "/v1/connectors/{connector}/notifications/{code}",
    params(("connector" = String, Path), ("code" = String, Path, description = "the `confirmation_code`")),
    responses(
        (status = 200, body = String, content_type = "text/html", description = "when the request was received"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`unknown_deletion_request`; a page for browsers"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`unavailable`; a page for browsers"),
    )
)]
async fn deletion(
    State(app): State<App<Service>>,
    Context(cx): Context,
    Path((connector, code)): Path<(ConnectorId, String)>,
) -> Result<Page, PageError> {
    let code = ConfirmationCode::presented(&code);
    let received = app.service.notifications.deletion_requested_at(&cx, &connector, &code).await;
    let received = received.map_err(PageError::about_deletion)?;
    Ok(Page {
        name: "Deletion request",
        heading: "Your request to delete your data",
        paragraphs: vec![
            format!(
                "It was received on {}. It is recorded for the operator of the application, who has to act on it.",
                received.format("%-d %B %Y at %H:%M UTC")
            ),
            format!("If you ask the operator about it, name this code: {}", code.expose()),
        ],
    })
}
