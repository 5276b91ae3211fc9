//! Extractors that answer bad requests with our error codes instead of axum's texts.

use std::convert::Infallible;
use std::fmt;

use axum::RequestPartsExt;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::{Code, RequestContext, SessionToken, json};
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use secrecy::SecretString;
use serde::Serialize;
use serde::de::DeserializeOwned;

use tokens::ClientCredentials;
use url::form_urlencoded;

use crate::{ApiError, OAuthError, PageError};

/// The largest body, in bytes. Legitimate bodies (forms, journey parameters) are much smaller.
const MAX_BODY: usize = 64 * 1024;

/// A JSON body, in or out.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        let body = body_of(request, "application/json").await?;
        // Strict JSON. The parser's message may quote the body, so it is dropped.
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

/// A form body of an OAuth endpoint. A repeated parameter is refused (RFC 6749 section 3.2).
#[derive(Debug, Clone, Copy)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Form<T> {
    type Rejection = OAuthError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, OAuthError> {
        let body = body_of(request, FORM).await?;
        serde_urlencoded::from_bytes(&body).map(Form).map_err(|_| Code::InvalidRequest.into())
    }
}

/// The parameters of a provider's callback, from the query or a form (`response_mode=form_post`). A repeated parameter
/// is refused (RFC 6749 section 3.1).
#[derive(Debug)]
pub struct CallbackParameters(pub Vec<(String, String)>);

impl<S: Sync> FromRequest<S> for CallbackParameters {
    type Rejection = PageError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, PageError> {
        let encoded = match *request.method() {
            // A prefetch would use up the `state`, and the user's own request would fail. After a 503 the browser loads
            // the address again.
            Method::GET if is_prefetch(request.headers()) => return Err(Code::Prefetched.into()),
            Method::GET => Bytes::copy_from_slice(request.uri().query().unwrap_or_default().as_bytes()),
            Method::POST => body_of(request, FORM).await?,
            // A HEAD request by a link scanner would use up the `state`, and the user's own request would fail.
            _ => return Err(Code::InvalidRequest.into()),
        };
        serde_urlencoded::from_bytes(&encoded).map(Self).map_err(|_| Code::InvalidRequest.into())
    }
}

/// A body of any media type: its sender is known by what it has signed.
#[derive(Debug)]
pub struct AnyBody(pub Bytes);

impl<S: Sync> FromRequest<S> for AnyBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        Ok(Self(read(request.into_body()).await?))
    }
}

/// Whether a browser prefetches: `Sec-Purpose` (<https://fetch.spec.whatwg.org/#sec-purpose-header>) and its older
/// forms `Purpose` (Chromium), `X-Purpose` (WebKit), `X-Moz` (Firefox).
fn is_prefetch(headers: &HeaderMap) -> bool {
    let values = ["sec-purpose", "purpose", "x-purpose", "x-moz"].into_iter().flat_map(|name| headers.get_all(name));
    let mut tokens = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split([',', ';']));
    tokens.any(|token| ["prefetch", "prerender", "preview"].iter().any(|word| token.trim().eq_ignore_ascii_case(word)))
}

/// A client's HTTP Basic credentials, both parts form-urlencoded (RFC 6749 section 2.3.1); `None` without the header.
/// Malformed credentials become empty ones, which match no client.
#[derive(Debug)]
pub struct Credentials(pub Option<ClientCredentials>);

impl<S: Sync> FromRequestParts<S> for Credentials {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(basic(&parts.headers)))
    }
}

fn basic(headers: &HeaderMap) -> Option<ClientCredentials> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?.to_str().unwrap_or_default();
    let (scheme, encoded) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let invalid = || ClientCredentials { id: String::new(), secret: SecretString::default() };
    if values.next().is_some() {
        return Some(invalid());
    }
    let decoded = STANDARD.decode(encoded.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let halves = decoded.as_deref().and_then(|text| text.split_once(':'));
    let Some((id, secret)) = halves else { return Some(invalid()) };
    Some(ClientCredentials { id: decode_form(id), secret: decode_form(secret).into() })
}

fn decode_form(text: &str) -> String {
    let decoded = form_urlencoded::parse(text.as_bytes()).next();
    // A text with an unencoded `&` or `=` is malformed: it becomes empty, which matches no client.
    decoded.filter(|(_, value)| value.is_empty()).map(|(name, _)| name.into_owned()).unwrap_or_default()
}

/// A 303 redirect: the browser follows it with a GET and without the body.
pub struct SeeOther(pub String);

impl fmt::Debug for SeeOther {
    // The URL contains a secret (`resume`).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SeeOther")
    }
}

impl IntoResponse for SeeOther {
    fn into_response(self) -> Response {
        match HeaderValue::try_from(self.0) {
            Ok(location) => (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response(),
            Err(_) => PageError::from(Code::Internal).into_response(),
        }
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

async fn body_of(request: Request, media_type: &str) -> Result<Bytes, Code> {
    let headers = request.headers();
    if !is_media_type(headers, media_type) || headers.contains_key(CONTENT_ENCODING) {
        return Err(Code::UnsupportedMediaType);
    }
    read(request.into_body()).await
}

async fn read(body: Body) -> Result<Bytes, Code> {
    // The only other error is a closed connection, whose answer is never read.
    to_bytes(body, MAX_BODY).await.map_err(|_| Code::BodyTooLarge)
}

fn is_media_type(headers: &HeaderMap, expected: &str) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(expected)
}

/// Ids from the path. A malformed id gets a 404, like an unknown one.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send + 'static, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        // No id needs percent-encoding, and API Gateway may already have decoded the path (see `gateway`).
        if parts.uri.path().contains('%') {
            return Err(Code::UnknownRoute.into());
        }
        #[expect(clippy::disallowed_types, reason = "this is the wrapper to use instead of the banned type")]
        let path = parts.extract::<axum::extract::Path<T>>().await;
        path.map(|path| Path(path.0)).map_err(|_| Code::UnknownRoute.into())
    }
}

/// Parameters in the query. Others are ignored; one that is there twice is refused.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        serde_urlencoded::from_str(query).map(Self).map_err(|_| Code::InvalidRequest.into())
    }
}

/// `Authorization: Bearer` (RFC 6750 section 2.1).
#[derive(Debug, Clone)]
pub struct Bearer(pub SessionToken);

impl<S: Sync> FromRequestParts<S> for Bearer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        bearer(&parts.headers).map(SessionToken::presented).map(Bearer).ok_or_else(|| Code::InvalidToken.into())
    }
}

pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (scheme, token) = values.next()?.to_str().ok()?.split_once(' ')?;
    let valid = scheme.eq_ignore_ascii_case("bearer")
        && (1..=512).contains(&token.len())
        && token.bytes().all(|byte| byte.is_ascii_graphic())
        // Two headers are refused: a proxy in front of us may have checked the other one.
        && values.next().is_none();
    valid.then_some(token)
}

/// The request's context, which the edge created.
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
        bearer(&headers).map(str::to_owned)
    }

    #[test]
    fn exactly_one_bearer_token_is_accepted() {
        assert_eq!(token(&["Bearer abc"]), Some("abc".into()));
        assert_eq!(token(&["bearer abc"]), Some("abc".into()));
        for bad in [&["Basic abc"][..], &["Bearer"], &["Bearer "], &["Bearer a b"], &["Bearer a", "Bearer b"], &[]] {
            assert_eq!(token(bad), None, "{bad:?}");
        }
    }
}
