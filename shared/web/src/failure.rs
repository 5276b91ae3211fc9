//! Error responses. Only this file writes them: a stable code and a constant title, never the text of an internal
//! error.

use axum::response::{IntoResponse, Response};
use domain::{Code, ErrorAnswer, FieldError, RequestId};
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::Value;

use crate::page::{POLICY, document, escape};

/// A problem document (RFC 9457) of media type `application/problem+json`.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// The stable code, for programs.
    #[schema(value_type = String, example = "step_conflict")]
    pub code: Code,
    /// The title, for people: one constant sentence per code.
    pub title: &'static str,
    /// The HTTP status, repeated.
    pub status: u16,
    /// The request id, to find the request in the log.
    #[schema(value_type = String)]
    pub request_id: RequestId,
    /// What is wrong in a document or a request, and where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The invalid fields, each `{ "name": "...", "code": "required" }`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    pub fields: Vec<FieldError>,
    /// With `step_conflict`: the session's current `SessionView`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub view: Option<Box<Value>>,
    /// Seconds until the client may try again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

/// An OAuth error of the token endpoint (RFC 6749 section 5.2).
#[derive(Debug, Serialize)]
struct OAuthProblem {
    error: Code,
    error_description: &'static str,
    request_id: RequestId,
}

/// An error response of an API route: a problem document.
#[derive(Debug)]
pub struct ApiError(ErrorResponse);

/// An error response of an OAuth endpoint.
#[derive(Debug)]
pub struct OAuthError(ErrorResponse);

/// An error response of an address that users' browsers visit: a page for browsers, a problem document for programs.
#[derive(Debug)]
pub struct PageError(ErrorResponse);

/// The format of an error response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Problem,
    OAuth,
    Page(About),
}

/// What the user wanted of the address where the error page is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    SignIn,
    Deletion,
}

/// An error on its way to the edge, which adds the request id and writes the log line.
#[derive(Debug, Clone)]
pub(crate) struct ErrorResponse {
    pub(crate) answer: ErrorAnswer,
    format: Format,
}

impl ErrorResponse {
    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.answer.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Renders the response; `wants_page` if the caller is a browser.
    pub(crate) fn render(self, request_id: RequestId, wants_page: bool) -> Response {
        let (status, format) = (self.status(), self.format);
        let ErrorAnswer { code, detail, fields, view, retry_after, back, .. } = self.answer;
        let title = code.title();
        let (body, media_type) = match format {
            Format::Page(about) if wants_page => {
                (page(about, code, back.as_deref(), &request_id).into_bytes(), "text/html; charset=utf-8")
            }
            Format::Page(_) | Format::Problem => {
                let problem =
                    Problem { code, title, status: status.as_u16(), request_id, detail, fields, view, retry_after };
                (serde_json::to_vec(&problem).unwrap_or_default(), "application/problem+json")
            }
            Format::OAuth => {
                let problem = OAuthProblem { error: code, error_description: title, request_id };
                (serde_json::to_vec(&problem).unwrap_or_default(), "application/json")
            }
        };
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        if matches!(format, Format::Page(_)) {
            headers.insert(CONTENT_SECURITY_POLICY, POLICY);
        }
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            let scheme = if code == Code::InvalidClient { "Basic realm=\"landfall\"" } else { "Bearer" };
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
        }
        response
    }
}

/// The error page. Its only inputs are the request id, which a caller may be able to choose, and the application's
/// registered address. Both are escaped.
fn page(about: About, code: Code, back: Option<&str>, request_id: &RequestId) -> String {
    let (name, way) = match (about, back) {
        (About::Deletion, _) if code == Code::UnknownDeletionRequest => (
            "Deletion request",
            "<p>Compare the address with the one that you were given. It has to be the whole address.</p>".to_owned(),
        ),
        (About::Deletion, _) => ("Deletion request", "<p>Open the address again later.</p>".to_owned()),
        (About::SignIn, Some(address)) => (
            "Sign-in",
            format!(
                "<p>The application shows where your sign-in stands, and lets you start again.</p>\n\
                 <p><a href=\"{}\">Back to the application</a></p>",
                escape(address)
            ),
        ),
        (About::SignIn, None) => {
            ("Sign-in", "<p>Go back to the application you wanted to sign in to, and start again there.</p>".to_owned())
        }
    };
    let (title, request_id) = (code.title(), escape(request_id.as_str()));
    let content =
        format!("<h1>This did not work</h1>\n<p>{title}.</p>\n{way}\n<p><small>Request {request_id}</small></p>\n");
    document(name, &content)
}

impl PageError {
    /// An error where a user wanted to know about their request to delete data, and not to sign in.
    pub fn about_deletion(error: impl Into<ErrorAnswer>) -> Self {
        Self(ErrorResponse { answer: error.into(), format: Format::Page(About::Deletion) })
    }
}

impl ApiError {
    /// The error of a request whose handler panicked.
    pub(crate) fn panicked() -> Self {
        ErrorAnswer::with_reason(Code::Internal, "the request's handler panicked").into()
    }
}

impl<E: Into<ErrorAnswer>> From<E> for ApiError {
    fn from(error: E) -> Self {
        Self(ErrorResponse { answer: error.into(), format: Format::Problem })
    }
}

impl<E: Into<ErrorAnswer>> From<E> for PageError {
    fn from(error: E) -> Self {
        Self(ErrorResponse { answer: error.into(), format: Format::Page(About::SignIn) })
    }
}

impl<E: Into<ErrorAnswer>> From<E> for OAuthError {
    /// RFC 6749 section 5.2 has one code for every malformed request.
    fn from(error: E) -> Self {
        let mut answer = error.into();
        if matches!(answer.code, Code::UnsupportedMediaType | Code::BodyTooLarge) {
            answer.code = Code::InvalidRequest;
        }
        Self(ErrorResponse { answer, format: Format::OAuth })
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl IntoResponse for ErrorResponse {
    /// The edge renders the error, which it finds in the response's extensions. Without an edge, the status alone is
    /// sent.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
