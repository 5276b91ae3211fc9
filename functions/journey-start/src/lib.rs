//! `journey-start`: an application starts a journey.
//!
//! Maps URLs to calls of `journeys`.

use axum::extract::State;
use axum::http::StatusCode;
use domain::JourneyId;
use journeys::{Journeys, SessionView, StartRequest};
use tokens::KeyKind;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{ApiError, App, Context, Credentials, Json, Path, Problem};

/// The issuer's keys that this function uses.
pub const KEYS: &[KeyKind] = &[KeyKind::Session];

/// Every route of this function.
pub fn routes() -> OpenApiRouter<App<Journeys>> {
    web::for_browsers(OpenApiRouter::new().routes(routes!(start)))
}

/// Starts a journey: creates a session and returns its first view.
///
/// A client whose `direct_api` is `confidential` authenticates with HTTP Basic (RFC 6749 section 2.3.1).
#[utoipa::path(
    post,
    path = "/v1/journeys/{journey}/start",
    params(("journey" = String, Path)),
    request_body = StartRequest,
    responses(
        (status = 201, body = SessionView),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`invalid_request`, `unknown_client`, `invalid_redirect_uri`, `pkce_required`, `login_required`, `request_not_supported`, `request_uri_not_supported`, `registration_not_supported`"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "`invalid_client`"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "`client_not_allowed`, `origin_not_allowed`"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`unknown_journey`"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "`invalid_params`"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`unavailable`"),
    )
)]
async fn start(
    State(app): State<App<Journeys>>,
    Context(cx): Context,
    Path(journey): Path<JourneyId>,
    Credentials(credentials): Credentials,
    Json(start): Json<StartRequest>,
) -> Result<(StatusCode, Json<SessionView>), ApiError> {
    Ok((StatusCode::CREATED, Json(app.service.start(&cx, &journey, start, credentials.as_ref()).await?)))
}
