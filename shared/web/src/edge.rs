//! The edge: what happens to every request, whichever route it takes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use domain::{ClientAddress, Code, RequestContext, RequestId};
use http::header::{
    ACCEPT, ACCEPT_LANGUAGE, ALLOW, CACHE_CONTROL, ORIGIN, REFERRER_POLICY, USER_AGENT, X_CONTENT_TYPE_OPTIONS,
};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use lambda_http::request::RequestContext as GatewayContext;
use tracing::Instrument;
use utoipa_axum::router::OpenApiRouter;

use crate::failure::Failure;
use crate::{ApiError, App, cors};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A function that lives until its deadline has to have answered a little before it.
const MARGIN: Duration = Duration::from_millis(500);

/// The routes behind the edge, ready to be served.
pub fn router(app: Arc<App>, routes: OpenApiRouter<Arc<App>>) -> Router {
    let (router, _openapi) = routes.split_for_parts();
    router
        .fallback(|| async { ApiError::from(Code::UnknownRoute) })
        .method_not_allowed_fallback(|| async { ApiError::from(Code::MethodNotAllowed) })
        .layer(from_fn_with_state(Arc::clone(&app), edge))
        .with_state(app)
}

/// Serves a function's routes as a Lambda.
pub async fn serve(app: Arc<App>, routes: OpenApiRouter<Arc<App>>) -> Result<(), lambda_http::Error> {
    lambda_http::run(router(app, routes)).await
}

async fn edge(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let cx = context(&app, request.extensions(), request.headers());
    let stopwatch = cx.stopwatch();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("unknown", |path| path.as_str()).to_owned();
    let wants_page = wants_page(request.headers());
    let span = tracing::info_span!("request", id = %cx.id);
    request.extensions_mut().insert(cx.clone());

    let answer = async {
        // Keys that have been rotated are known before anything is made with them.
        match app.keys.refresh(&cx, app.secrets.as_ref()).await {
            Ok(()) => next.run(request).await,
            Err(error) => ApiError::from(error).into_response(),
        }
    };
    let mut response = answer.instrument(span.clone()).await;

    let for_browsers = response.extensions_mut().remove::<cors::ForBrowsers>().is_some();
    let failure = response.extensions_mut().remove::<Failure>();
    let (code, reason) = match &failure {
        Some(failure) => (Some(failure.code.as_str()), failure.reason.clone()),
        None => (None, None),
    };
    if let Some(failure) = failure {
        // With 405, what the route would take (RFC 9110 section 15.5.6).
        let allow = response.headers_mut().remove(ALLOW);
        response = failure.render(cx.id.clone(), wants_page);
        response.headers_mut().extend(allow.map(|allow| (ALLOW, allow)));
    }
    if for_browsers {
        cors::expose(&app, &cx, &mut response).instrument(span.clone()).await;
    }
    set_headers(response.headers_mut(), &cx.id);
    let client = cx.application().map(|client| client.id.as_str());
    let (status, duration_ms) = (response.status().as_u16(), stopwatch.millis());
    span.in_scope(|| {
        let event = "request";
        match status {
            500.. => tracing::error!(event, %method, route, status, client, code, reason, duration_ms),
            400.. => tracing::warn!(event, %method, route, status, client, code, reason, duration_ms),
            _ => tracing::info!(event, %method, route, status, client, duration_ms),
        }
    });
    response
}

/// A session's answers are for one caller, once; what a route wants cached, it says itself.
fn set_headers(headers: &mut HeaderMap, id: &RequestId) {
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        headers.insert(REQUEST_ID, id);
    }
}

/// The address comes from API Gateway's context, locally from the connection: headers say what their sender likes.
fn context(app: &App, extensions: &Extensions, headers: &HeaderMap) -> RequestContext {
    let lambda = extensions.get::<lambda_http::Context>();
    let (id, ip) = match extensions.get::<GatewayContext>() {
        Some(GatewayContext::ApiGatewayV2(context)) => {
            (context.request_id.as_deref(), context.http.source_ip.as_deref())
        }
        Some(GatewayContext::ApiGatewayV1(context)) => {
            (context.request_id.as_deref(), context.identity.source_ip.as_deref())
        }
        _ => (None, None),
    };
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_owned);
    let client = ClientAddress { ip: ip.and_then(|ip| ip.parse().ok()).or(peer), user_agent: text(USER_AGENT) };
    let id =
        id.and_then(|id| id.parse().ok()).unwrap_or_else(|| RequestId::generate(app.clock.now(), app.entropy.as_ref()));
    let budget = lambda.map_or(app.budget, |lambda| remaining(app, lambda));
    let mut cx = RequestContext::new(id, Arc::clone(&app.clock), budget, client, text(ACCEPT_LANGUAGE));
    cx.origin = origin(headers);
    cx
}

/// The page's origin, if a browser says so. What nobody could have registered, or says two things, is nobody's.
fn origin(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(ORIGIN).iter();
    let value = values.next()?.to_str().ok().filter(|_| values.next().is_none());
    Some(value.unwrap_or_default().to_owned())
}

/// Whether a person's browser asks for a page rather than a program for data.
fn wants_page(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

/// What is left until the function's own deadline (`Lambda-Runtime-Deadline-Ms`).
fn remaining(app: &App, lambda: &lambda_http::Context) -> Duration {
    let now = u64::try_from(app.clock.now().timestamp_millis()).unwrap_or_default();
    Duration::from_millis(lambda.deadline.saturating_sub(now)).saturating_sub(MARGIN)
}
