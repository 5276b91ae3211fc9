//! `step-submit`: a client answers the current step of its session, resumes it after a redirect, or views it again.
//!
//! Maps URLs to calls; no branch on the journey, step or provider.

use axum::extract::State;
use domain::{SessionId, StepId};
use journeys::{Journeys, ResumeRequest, SessionView, SubmitRequest};
use tokens::KeyKind;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{ApiError, App, Bearer, Context, Json, Path, Problem};

/// The issuer's keys that this function uses.
pub const KEYS: &[KeyKind] = &[KeyKind::Session];

/// Every route of this function.
pub fn routes() -> OpenApiRouter<App<Journeys>> {
    web::for_browsers(OpenApiRouter::new().routes(routes!(submit)).routes(routes!(resume)).routes(routes!(view)))
}

/// Answers the current step of a session.
///
/// A repeat with the same `key` and data gets the same answer, and nothing is done twice.
#[utoipa::path(
    post,
    path = "/v1/sessions/{session}/steps/{step}",
    params(("session" = String, Path), ("step" = String, Path)),
    security(("session_token" = [])),
    request_body = SubmitRequest,
    responses(
        (status = 200, body = SessionView),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`invalid_request`, `unknown_client`, `invalid_redirect_uri`"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "`invalid_token`"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`unknown_session`"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`step_conflict`, with the current view"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "`invalid_input`, with the fields"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "`too_many_attempts`, with `retry_after`"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`unavailable`"),
    )
)]
async fn submit(
    State(app): State<App<Journeys>>,
    Context(cx): Context,
    Path((session, step)): Path<(SessionId, StepId)>,
    Bearer(token): Bearer,
    Json(response): Json<SubmitRequest>,
) -> Result<Json<SessionView>, ApiError> {
    Ok(Json(app.service.submit(&cx, &session, &step, &token, &response).await?))
}

/// Continues after a redirect: needs `resume` from the browser and the session token.
///
/// A repeat gets the same answer, and nothing is done twice.
#[utoipa::path(
    post,
    path = "/v1/sessions/{session}/resume",
    params(("session" = String, Path)),
    security(("session_token" = [])),
    request_body = ResumeRequest,
    responses(
        (status = 200, body = SessionView),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`invalid_request`, `unknown_client`, `invalid_redirect_uri`; `redirect_expired`, with the current view"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "`invalid_token`"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`unknown_session`"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`unavailable`"),
    )
)]
async fn resume(
    State(app): State<App<Journeys>>,
    Context(cx): Context,
    Path(session): Path<SessionId>,
    Bearer(token): Bearer,
    Json(request): Json<ResumeRequest>,
) -> Result<Json<SessionView>, ApiError> {
    Ok(Json(app.service.resume(&cx, &session, &token, &request.resume).await?))
}

/// Returns the view of a session, for example after a reload or a lost answer.
#[utoipa::path(
    get,
    path = "/v1/sessions/{session}",
    params(("session" = String, Path)),
    security(("session_token" = [])),
    responses(
        (status = 200, body = SessionView),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "`invalid_token`"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`unknown_session`"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`unavailable`"),
    )
)]
async fn view(
    State(app): State<App<Journeys>>,
    Context(cx): Context,
    Path(session): Path<SessionId>,
    Bearer(token): Bearer,
) -> Result<Json<SessionView>, ApiError> {
    Ok(Json(app.service.view(&cx, &session, &token).await?))
}
