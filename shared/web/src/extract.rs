//! Extractors. Axum's own answer bad requests with texts of their own; these with our codes.

use axum::RequestPartsExt;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use domain::{Code, RequestContext, SessionToken, json};
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{ApiError, OAuthError};

/// No honest body comes near: a form of long fields, a journey's parameters.
const MAX_BODY: usize = 64 * 1024;

/// A JSON body, in or out.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        let body = body_of(request, "application/json").await?;
        // An object, nothing in it twice, not nested deep. What is wrong with it may quote it, and so goes nowhere.
        let object = json::object(&body).map_err(|_| Code::InvalidRequest)?;
        serde_json::from_value(object.into()).map(Json).map_err(|_| Code::InvalidRequest.into())
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response(),
            Err(_) => ApiError::from(Code::Internal).into_response(),
        }
    }
}

/// A form body of an OAuth endpoint. A parameter that is there twice is refused, as RFC 6749 section 3.2 has it.
#[derive(Debug, Clone, Copy)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Form<T> {
    type Rejection = OAuthError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, OAuthError> {
        let body = body_of(request, "application/x-www-form-urlencoded").await?;
        serde_urlencoded::from_bytes(&body).map(Form).map_err(|_| Code::InvalidRequest.into())
    }
}

async fn body_of(request: Request, media_type: &str) -> Result<Bytes, Code> {
    let headers = request.headers();
    if !is_media_type(headers, media_type) || headers.contains_key(CONTENT_ENCODING) {
        return Err(Code::UnsupportedMediaType);
    }
    read(request.into_body()).await
}

async fn read(body: Body) -> Result<Bytes, Code> {
    // The only error before the limit is a caller who hung up, and nobody reads that answer.
    to_bytes(body, MAX_BODY).await.map_err(|_| Code::BodyTooLarge)
}

fn is_media_type(headers: &HeaderMap, expected: &str) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(expected)
}

/// Ids from the path. A malformed one names nothing: 404, like an id that nobody has.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send + 'static, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        #[expect(clippy::disallowed_types, reason = "this is the wrapper that the ban sends everybody to")]
        let path = parts.extract::<axum::extract::Path<T>>().await;
        path.map(|path| Path(path.0)).map_err(|_| Code::UnknownRoute.into())
    }
}

/// `Authorization: Bearer` (RFC 6750 section 2.1).
#[derive(Debug, Clone)]
pub struct Bearer(pub SessionToken);

impl<S: Sync> FromRequestParts<S> for Bearer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        bearer(&parts.headers).map(Bearer).ok_or_else(|| Code::InvalidToken.into())
    }
}

fn bearer(headers: &HeaderMap) -> Option<SessionToken> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (scheme, token) = values.next()?.to_str().ok()?.split_once(' ')?;
    let fits = scheme.eq_ignore_ascii_case("bearer")
        && (1..=512).contains(&token.len())
        && token.bytes().all(|byte| byte.is_ascii_graphic())
        // Two of them: whichever we took, somebody in between may have taken the other.
        && values.next().is_none();
    fits.then(|| SessionToken::presented(token))
}

/// The request's context, which the edge has made.
#[derive(Debug, Clone)]
pub struct Context(pub RequestContext);

impl<S: Sync> FromRequestParts<S> for Context {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<RequestContext>().cloned().map(Context).ok_or_else(|| Code::Internal.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        bearer(&headers).map(|token| token.expose().to_owned())
    }

    #[test]
    fn one_bearer_token_and_nothing_else_is_a_bearer_token() {
        assert_eq!(token(&["Bearer abc"]), Some("abc".into()));
        assert_eq!(token(&["bearer abc"]), Some("abc".into()));
        for bad in [&["Basic abc"][..], &["Bearer"], &["Bearer "], &["Bearer a b"], &["Bearer a", "Bearer b"], &[]] {
            assert_eq!(token(bad), None, "{bad:?}");
        }
    }
}
