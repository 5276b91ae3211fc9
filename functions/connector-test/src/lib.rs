//! `connector-test`: tests a connector for an administrator, before users meet its errors.
//!
//! Maps URLs to calls; no branch on the provider. The caller is authenticated as an administrator first. Nothing is
//! written.

use axum::extract::State;
use connectors::Connectors;
use domain::ConnectorId;
use providers::{Probe, Report};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokens::KeyKind;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Admin, ApiError, App, Context, Json, Path, Problem};

/// The issuer's keys that this function uses.
pub const KEYS: &[KeyKind] = &[];

/// Every route of this function.
pub fn routes() -> OpenApiRouter<App<Connectors>> {
    OpenApiRouter::new().routes(routes!(test_saved)).routes(routes!(test_draft))
}

/// The body of a test of a saved connector.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct TestRequest {
    /// A test user at the provider, enabled and without a second factor. Without one, checks that need a login are
    /// `unverifiable`.
    test_user: Option<String>,
}

/// The body of a test of a draft: a connector that is not saved.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct DraftRequest {
    /// The connector document.
    #[schema(value_type = Object)]
    connector: Map<String, Value>,
    /// A test user, as for a saved connector.
    test_user: Option<String>,
}

/// Tests a saved connector.
#[utoipa::path(
    post,
    path = "/v1/connectors/{connector}/test",
    params(("connector" = String, Path)),
    security(("administrator" = [])),
    request_body = TestRequest,
    responses(
        (status = 200, body = Report, description = "`ok` is false if a check failed"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`invalid_request`"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "`invalid_token`"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`unknown_connector`"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "`invalid_connector`, with the reason in `detail`"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`unavailable`"),
    )
)]
async fn test_saved(
    _admin: Admin,
    State(app): State<App<Connectors>>,
    Context(cx): Context,
    Path(connector): Path<ConnectorId>,
    Json(request): Json<TestRequest>,
) -> Result<Json<Report>, ApiError> {
    let with = Probe { test_user: request.test_user.as_deref() };
    Ok(Json(app.service.test_saved(&cx, &connector, &with).await?))
}

/// Tests a connector before it is saved. Its secret must be stored already, under a name that no saved connector with
/// other settings uses.
#[utoipa::path(
    post,
    path = "/v1/connectors/test",
    security(("administrator" = [])),
    request_body = DraftRequest,
    responses(
        (status = 200, body = Report, description = "`ok` is false if a check failed"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`invalid_request`"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "`invalid_token`"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "`invalid_connector`, with the reason in `detail`"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`unavailable`"),
    )
)]
async fn test_draft(
    _admin: Admin,
    State(app): State<App<Connectors>>,
    Context(cx): Context,
    Json(request): Json<DraftRequest>,
) -> Result<Json<Report>, ApiError> {
    let with = Probe { test_user: request.test_user.as_deref() };
    Ok(Json(app.service.test_draft(&cx, request.connector, &with).await?))
}
