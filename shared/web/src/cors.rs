//! Which pages may call (Fetch standard, "CORS protocol").
//!
//! A preflight is answered for any client's `origins`, since a browser does not say whose it is; the answer itself is
//! readable for pages of the one client whose request it turned out to be. Routes that go by cookies are never here.

use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use domain::{Code, RequestContext};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ALLOW, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use utoipa_axum::router::OpenApiRouter;

use crate::{ApiError, App};

/// Marks the answers of routes that pages may call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ForBrowsers;

/// These routes may be called by pages of the applications' own origins.
pub fn for_browsers<S: Clone + Send + Sync + 'static>(routes: OpenApiRouter<S>) -> OpenApiRouter<S> {
    routes.layer(map_response(async |mut response: Response| {
        response.extensions_mut().insert(ForBrowsers);
        response
    }))
}

/// Whether a browser asks if it may send something, and does not send it yet.
pub(crate) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS && headers.contains_key(ORIGIN) && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// What the browser is told; `methods` are those of the route.
pub(crate) async fn preflight(app: &App, cx: &RequestContext, methods: Option<HeaderValue>) -> Response {
    let origin = cx.origin.as_deref().unwrap_or_default();
    match app.clients.any_admits(cx, origin).await {
        Ok(true) => {
            let mut response = StatusCode::NO_CONTENT.into_response();
            let headers = response.headers_mut();
            allow(headers, origin);
            headers.extend(methods.map(|methods| (ACCESS_CONTROL_ALLOW_METHODS, methods)));
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type"));
            headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
            response
        }
        Ok(false) => ApiError::from(Code::OriginNotAllowed).into_response(),
        Err(error) => ApiError::from(error).into_response(),
    }
}

/// The methods a route takes, as its own answer to another says.
pub(crate) fn methods(response: &Response) -> Option<HeaderValue> {
    response.headers().get(ALLOW).cloned()
}

/// Lets the page read the answer, if it is the application's own.
pub(crate) fn expose(headers: &mut HeaderMap, cx: &RequestContext) {
    headers.append(VARY, HeaderValue::from_static("origin"));
    let Some(origin) = cx.origin.as_deref() else { return };
    if cx.application().is_some_and(|client| client.admits(Some(origin))) {
        allow(headers, origin);
        let exposed = HeaderValue::from_static("retry-after, www-authenticate, x-request-id");
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
}

fn allow(headers: &mut HeaderMap, origin: &str) {
    // It is one that a client's registration has, byte for byte.
    headers.extend(HeaderValue::from_str(origin).ok().map(|origin| (ACCESS_CONTROL_ALLOW_ORIGIN, origin)));
}
