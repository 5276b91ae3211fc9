//! Which pages may call (Fetch standard, "CORS protocol").
//!
//! A preflight is answered for any client's `origins`, since a browser does not say whose it is; the answer itself is
//! readable for pages of the one client whose request it turned out to be. Routes that go by cookies are never here.

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

/// Marks the answers of routes that pages may call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ForBrowsers;

/// These routes may be called by pages of the applications' own origins.
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

/// What a browser is told that asks whether it may send something.
async fn preflight(base: &Base, cx: &RequestContext, methods: &'static str) -> Result<Response, ApiError> {
    let origin = cx.origin.as_deref().unwrap_or_default();
    if !base.clients.any_admits(cx, origin).await? {
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

/// Lets the page read the answer, if it is the application's own. A refusal that came before the
/// application was known says nothing about a user: any application's page may read it, or it could not tell it from a lost
/// answer.
pub(crate) async fn expose(base: &Base, cx: &RequestContext, response: &mut Response) {
    response.headers_mut().append(VARY, HeaderValue::from_static("origin"));
    let Some(origin) = cx.origin.as_deref() else { return };
    let admitted = match cx.application() {
        Some(client) => client.allows_origin(Some(origin)),
        None if response.status().is_client_error() => base.clients.any_admits(cx, origin).await.unwrap_or_default(),
        None => false,
    };
    if admitted {
        let headers = response.headers_mut();
        allow(headers, origin);
        let exposed = HeaderValue::from_static("retry-after, www-authenticate, x-request-id");
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
}

fn allow(headers: &mut HeaderMap, origin: &str) {
    // It is one that a client's registration has, byte for byte.
    headers.extend(HeaderValue::from_str(origin).ok().map(|origin| (ACCESS_CONTROL_ALLOW_ORIGIN, origin)));
}
