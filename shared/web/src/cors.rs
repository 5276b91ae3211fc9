//! CORS: the pages that may call (Fetch standard, "CORS protocol").
//!
//! A preflight is allowed for the `origins` of every client, because a preflight does not name the client. The answer
//! to the request itself is readable only for pages of that request's client. Routes that use cookies never get CORS
//! headers.

use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::options;
use base::Base;
use domain::{Code, RequestContext};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use utoipa::openapi::PathItem;
use utoipa_axum::router::OpenApiRouter;

use crate::{ApiError, Context};

/// A marker on the responses of routes that pages may call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ForBrowsers;

/// Lets pages of the applications' origins call these routes.
pub fn for_browsers<S>(mut routes: OpenApiRouter<S>) -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Arc<Base>: FromRef<S>,
{
    let paths = &routes.get_openapi().paths.paths;
    let paths: Vec<_> = paths.iter().map(|(path, item)| (path.clone(), methods_of(item))).collect();
    for (path, methods) in paths {
        let answer =
            async move |State(base): State<Arc<Base>>, Context(cx): Context| preflight(&base, &cx, methods).await;
        routes = routes.route(&path, options(answer));
    }
    routes.layer(map_response(async |mut response: Response| {
        response.extensions_mut().insert(ForBrowsers);
        response
    }))
}

fn methods_of(item: &PathItem) -> &'static str {
    match (&item.get, &item.post) {
        (Some(_), Some(_)) => "GET, POST",
        (Some(_), None) => "GET",
        _ => "POST",
    }
}

/// The answer to a preflight request.
async fn preflight(base: &Base, cx: &RequestContext, methods: &'static str) -> Result<Response, ApiError> {
    let origin = cx.origin.as_deref().unwrap_or_default();
    if !base.clients.any_allows_origin(cx, origin).await? {
        return Err(Code::OriginNotAllowed.into());
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    allow(headers, origin);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type"));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    Ok(response)
}

/// Lets the page read the answer, if its origin belongs to the request's application. If a request was refused before
/// the application was known, any application's page may read the refusal: it contains nothing about a user, and
/// otherwise the page could not distinguish it from a network error.
pub(crate) async fn expose(base: &Base, cx: &RequestContext, response: &mut Response) {
    response.headers_mut().append(VARY, HeaderValue::from_static("origin"));
    let Some(origin) = cx.origin.as_deref() else { return };
    let allowed = match cx.application() {
        Some(client) => client.allows_origin(Some(origin)),
        None if response.status().is_client_error() => {
            base.clients.any_allows_origin(cx, origin).await.unwrap_or_default()
        }
        None => false,
    };
    if allowed {
        let headers = response.headers_mut();
        allow(headers, origin);
        let exposed = HeaderValue::from_static("retry-after, www-authenticate, x-request-id");
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
}

fn allow(headers: &mut HeaderMap, origin: &str) {
    // The origin equals one in a client's registration, byte for byte.
    headers.extend(HeaderValue::from_str(origin).ok().map(|origin| (ACCESS_CONTROL_ALLOW_ORIGIN, origin)));
}
