//! `journey-start`: an application starts a journey.
//!
//! URL -> call -> answer; what a start is, `journeys` knows.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use domain::JourneyId;
use journeys::{SessionView, StartRequest};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{ApiError, App, Context, Json, Path, Problem};

/// Every route of this function.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(start))
}

/// Starts a journey: a new session, and what to show first.
#[utoipa::path(
    post,
    path = "/v1/journeys/{journey}/start",
    params(("journey" = String, Path)),
    request_body = StartRequest,
    responses(
        (status = 201, body = SessionView),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`invalid_request`, `unknown_client`, `invalid_redirect_uri`, `pkce_required`"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "`client_not_allowed`"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`unknown_journey`"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "`invalid_params`"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`unavailable`"),
    )
)]
async fn start(
    State(app): State<Arc<App>>,
    Context(cx): Context,
    Path(journey): Path<JourneyId>,
    Json(start): Json<StartRequest>,
) -> Result<(StatusCode, Json<SessionView>), ApiError> {
    Ok((StatusCode::CREATED, Json(app.journeys.start(&cx, &journey, start).await?)))
}
