//! Errors become answers here and nowhere else: a stable code, a constant title, never the text of an internal error.

use axum::response::{IntoResponse, Response};
use domain::{Code, RequestId, SecretError};
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use journeys::{ConnectorError, FieldError, JourneyError, SessionView};
use serde::Serialize;
use store::StoreError;
use tokens::{GrantError, KeyError};

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
    /// What is wrong with a document, and where in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
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
pub struct ApiError(ErrorAnswer);

/// The same from an OAuth endpoint.
#[derive(Debug)]
pub struct OAuthError(ErrorAnswer);

/// The same from an address that people's browsers are sent to: a page for them, a problem document for programs.
#[derive(Debug)]
pub struct PageError(ErrorAnswer);

/// How an error is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Problem,
    OAuth,
    Page,
}

/// An error on its way to the edge, which knows the request's id and writes the log line.
#[derive(Debug, Clone)]
pub(crate) struct ErrorAnswer {
    pub(crate) code: Code,
    /// For the log.
    pub(crate) reason: Option<String>,
    format: Format,
    detail: Option<String>,
    fields: Vec<FieldError>,
    view: Option<Box<SessionView>>,
    retry_after: Option<u32>,
}

impl ErrorAnswer {
    fn of(code: Code) -> Self {
        Self {
            code,
            reason: None,
            format: Format::Problem,
            detail: None,
            fields: Vec::new(),
            view: None,
            retry_after: None,
        }
    }

    fn because(code: Code, reason: impl ToString) -> Self {
        Self { reason: Some(reason.to_string()), ..Self::of(code) }
    }

    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The answer; `wants_page` if whoever asked is a person's browser.
    pub(crate) fn render(self, request_id: RequestId, wants_page: bool) -> Response {
        let (status, format) = (self.status(), self.format);
        let (title, retry_after) = (self.code.title(), self.retry_after);
        let (body, media_type) = match format {
            Format::Page if wants_page => (page(title, &request_id).into_bytes(), "text/html; charset=utf-8"),
            Format::Page | Format::Problem => {
                let ErrorAnswer { code, detail, fields, view, .. } = self;
                let problem =
                    Problem { code, title, status: status.as_u16(), request_id, detail, fields, view, retry_after };
                (serde_json::to_vec(&problem).unwrap_or_default(), "application/problem+json")
            }
            Format::OAuth => {
                let problem = OAuthProblem { error: self.code, error_description: title, request_id };
                (serde_json::to_vec(&problem).unwrap_or_default(), "application/json")
            }
        };
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        if format == Format::Page {
            headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
        }
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            let scheme = if self.code == Code::InvalidClient { "Basic realm=\"landfall\"" } else { "Bearer" };
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
        }
        response
    }
}

const PAGE_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Nothing in it comes from the request but its id, which the gateway may have let its sender choose.
fn page(title: &str, request_id: &RequestId) -> String {
    let request_id = request_id.as_str().replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Sign-in</title>\n\
         <style>:root {{ color-scheme: light dark; background: Canvas; color: CanvasText }} \
         body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 4rem auto; padding: 0 1rem }}</style>\n\
         <main>\n<h1>This did not work</h1>\n<p>{title}.</p>\n\
         <p>Go back to the application you wanted to sign in to, and try again.</p>\n\
         <p><small>{request_id}</small></p>\n</main>\n</html>\n"
    )
}

/// Seconds until a service that was away may be back.
const RETRY_SOON: u32 = 2;

impl From<StoreError> for ErrorAnswer {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Unavailable { .. } => {
                Self { retry_after: Some(RETRY_SOON), ..Self::because(Code::Unavailable, &error) }
            }
            StoreError::Refused { .. } | StoreError::Corrupt { .. } => Self::because(Code::Internal, &error),
        }
    }
}

impl From<SecretError> for ErrorAnswer {
    fn from(error: SecretError) -> Self {
        match &error {
            SecretError::Unavailable(_) => {
                Self { retry_after: Some(RETRY_SOON), ..Self::because(Code::Unavailable, &error) }
            }
            SecretError::Unknown(_) => Self::because(Code::Internal, &error),
        }
    }
}

impl From<KeyError> for ErrorAnswer {
    fn from(error: KeyError) -> Self {
        // A key is put back, and the next request has it.
        Self { retry_after: Some(RETRY_SOON), ..Self::because(Code::Unavailable, error) }
    }
}

impl From<KeyError> for ApiError {
    fn from(error: KeyError) -> Self {
        Self(error.into())
    }
}

impl From<JourneyError> for ErrorAnswer {
    fn from(error: JourneyError) -> Self {
        match error {
            JourneyError::Refused(code) => ErrorAnswer::of(code),
            JourneyError::Fields(code, fields) => ErrorAnswer { fields, ..ErrorAnswer::of(code) },
            JourneyError::Conflict(code, view) => ErrorAnswer { view: Some(view), ..ErrorAnswer::of(code) },
            JourneyError::Store(error) => error.into(),
            JourneyError::Secret(error) => error.into(),
            JourneyError::Keys(error) => error.into(),
            JourneyError::Contended => {
                ErrorAnswer { retry_after: Some(RETRY_SOON), ..ErrorAnswer::because(Code::Unavailable, error) }
            }
            JourneyError::Broken(_) => ErrorAnswer::because(Code::Internal, error),
        }
    }
}

impl ApiError {
    /// For a request whose handler has panicked.
    pub(crate) fn panicked() -> Self {
        Self(ErrorAnswer::because(Code::Internal, "it panicked"))
    }
}

impl From<ConnectorError> for ApiError {
    fn from(error: ConnectorError) -> Self {
        Self(match error {
            ConnectorError::Unknown => ErrorAnswer::of(Code::UnknownConnector),
            // An administrator's own document: what is wrong with it may quote it.
            ConnectorError::Invalid(error) => {
                ErrorAnswer { detail: Some(error.to_string()), ..ErrorAnswer::of(Code::InvalidConnector) }
            }
            ConnectorError::Store(error) => error.into(),
        })
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}

impl From<Code> for PageError {
    fn from(code: Code) -> Self {
        Self(ErrorAnswer { format: Format::Page, ..ErrorAnswer::of(code) })
    }
}

impl From<JourneyError> for PageError {
    fn from(error: JourneyError) -> Self {
        Self(ErrorAnswer { format: Format::Page, ..error.into() })
    }
}

impl From<Code> for ApiError {
    fn from(code: Code) -> Self {
        Self(ErrorAnswer::of(code))
    }
}

impl From<JourneyError> for ApiError {
    fn from(error: JourneyError) -> Self {
        Self(error.into())
    }
}

impl From<Code> for OAuthError {
    /// RFC 6749 section 5.2 has one answer for every malformed request.
    fn from(code: Code) -> Self {
        let code = match code {
            Code::UnsupportedMediaType | Code::BodyTooLarge => Code::InvalidRequest,
            other => other,
        };
        Self(ErrorAnswer { format: Format::OAuth, ..ErrorAnswer::of(code) })
    }
}

impl From<GrantError> for OAuthError {
    fn from(error: GrantError) -> Self {
        let failure = match error {
            GrantError::Refused(code) => ErrorAnswer::of(code),
            GrantError::Store(error) => error.into(),
            GrantError::Secret(error) => error.into(),
            GrantError::Keys(error) => error.into(),
            GrantError::Signing => ErrorAnswer::because(Code::Internal, error),
        };
        Self(ErrorAnswer { format: Format::OAuth, ..failure })
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

impl IntoResponse for ErrorAnswer {
    /// Rendered by the edge, which finds it among the response's extensions. Behind no edge it is a refusal still.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
