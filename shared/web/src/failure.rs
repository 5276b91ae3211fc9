//! Errors become answers here and nowhere else: a stable code, a constant title, never the text of an internal error.

use axum::response::{IntoResponse, Response};
use domain::{Code, RequestId};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use journeys::{FieldError, JourneyError, SessionView};
use serde::Serialize;
use store::StoreError;
use tokens::GrantError;

/// A problem document (RFC 9457) of media type `application/problem+json`.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// What happened: stable, for programs.
    #[schema(value_type = String, example = "step_conflict")]
    pub code: Code,
    /// The same for people: one constant sentence per code.
    pub title: &'static str,
    /// The HTTP status, again.
    pub status: u16,
    /// To be named when asking about it.
    #[schema(value_type = String)]
    pub request_id: RequestId,
    /// Which fields do not fit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldError>,
    /// With `step_conflict`: where the session stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view: Option<Box<SessionView>>,
    /// After how many seconds to try again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

/// An OAuth error (RFC 6749 section 5.2), as the token endpoint answers it.
#[derive(Debug, Serialize)]
struct OAuthProblem {
    error: Code,
    error_description: &'static str,
    request_id: RequestId,
}

/// What a route answers when it does not answer what it is for.
#[derive(Debug)]
pub struct ApiError(Failure);

/// The same from an OAuth endpoint.
#[derive(Debug)]
pub struct OAuthError(Failure);

/// An error on its way to the edge, which knows the request's id and writes the log line.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    /// For the log.
    pub(crate) reason: Option<String>,
    oauth: bool,
    fields: Vec<FieldError>,
    view: Option<Box<SessionView>>,
    retry_after: Option<u32>,
}

impl Failure {
    fn of(code: Code) -> Self {
        Self { code, reason: None, oauth: false, fields: Vec::new(), view: None, retry_after: None }
    }

    fn because(code: Code, reason: impl ToString) -> Self {
        Self { reason: Some(reason.to_string()), ..Self::of(code) }
    }

    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The answer.
    pub(crate) fn render(self, request_id: RequestId) -> Response {
        let status = self.status();
        let (title, retry_after) = (self.code.title(), self.retry_after);
        let (body, media_type) = if self.oauth {
            let problem = OAuthProblem { error: self.code, error_description: title, request_id };
            (serde_json::to_vec(&problem), "application/json")
        } else {
            let Failure { code, fields, view, .. } = self;
            let problem = Problem { code, title, status: status.as_u16(), request_id, fields, view, retry_after };
            (serde_json::to_vec(&problem), "application/problem+json")
        };
        let mut response = (status, body.unwrap_or_default()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Seconds until a service that was away may be back.
const RETRY_SOON: u32 = 2;

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Unavailable { .. } => {
                Self { retry_after: Some(RETRY_SOON), ..Self::because(Code::Unavailable, &error) }
            }
            StoreError::Refused { .. } | StoreError::Corrupt { .. } => Self::because(Code::Internal, &error),
        }
    }
}

impl From<Code> for ApiError {
    fn from(code: Code) -> Self {
        Self(Failure::of(code))
    }
}

impl From<JourneyError> for ApiError {
    fn from(error: JourneyError) -> Self {
        Self(match error {
            JourneyError::Refused(code) => Failure::of(code),
            JourneyError::Fields(code, fields) => Failure { fields, ..Failure::of(code) },
            JourneyError::Conflict(view) => Failure { view: Some(view), ..Failure::of(Code::StepConflict) },
            JourneyError::Store(error) => error.into(),
            JourneyError::Contended => {
                Failure { retry_after: Some(RETRY_SOON), ..Failure::because(Code::Unavailable, error) }
            }
            JourneyError::Broken(_) => Failure::because(Code::Internal, error),
        })
    }
}

impl From<Code> for OAuthError {
    /// RFC 6749 section 5.2 has one answer for every malformed request.
    fn from(code: Code) -> Self {
        let code = match code {
            Code::UnsupportedMediaType | Code::BodyTooLarge => Code::InvalidRequest,
            other => other,
        };
        Self(Failure { oauth: true, ..Failure::of(code) })
    }
}

impl From<GrantError> for OAuthError {
    fn from(error: GrantError) -> Self {
        let failure = match error {
            GrantError::Refused(code) => Failure::of(code),
            GrantError::Store(error) => error.into(),
            GrantError::Signing => Failure::because(Code::Internal, error),
        };
        Self(Failure { oauth: true, ..failure })
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl IntoResponse for Failure {
    /// Rendered by the edge, which finds it among the response's extensions. Behind no edge it is a refusal still.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
