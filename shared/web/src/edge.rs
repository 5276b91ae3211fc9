//! The edge: the processing that every request gets, whatever its route.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use base::Base;
use chrono::{DateTime, Utc};
use domain::{ClientAddress, Code, JourneyResult, RequestContext, RequestId};
use futures_util::FutureExt;
use http::header::{
    ACCEPT, ACCEPT_LANGUAGE, ALLOW, CACHE_CONTROL, ORIGIN, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, USER_AGENT,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method};
use lambda_http::request::RequestContext as GatewayContext;
use tracing::Instrument;
use utoipa_axum::router::OpenApiRouter;

use crate::failure::ErrorResponse;
use crate::{ApiError, cors, metrics};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A function must answer a little before its deadline.
const MARGIN: Duration = Duration::from_millis(500);

/// The longest time that API Gateway waits for a function (REST APIs 29 seconds, HTTP APIs 30). Later answers are lost.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html>
const GATEWAY_TIMEOUT: Duration = Duration::from_secs(29);

/// The longest time that a Lambda function can run.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const LONGEST_INVOCATION: Duration = Duration::from_secs(15 * 60);

/// RFC 6797 section 6.1. Without subdomains: the issuer's host may have subdomains that Landfall does not know.
const TWO_YEARS: HeaderValue = HeaderValue::from_static("max-age=63072000");

/// The routes with the edge around them.
pub fn router(base: Arc<Base>, routes: OpenApiRouter) -> Router {
    let (router, _openapi) = routes.split_for_parts();
    router
        .fallback(|| async { ApiError::from(Code::UnknownRoute) })
        .method_not_allowed_fallback(|| async { ApiError::from(Code::MethodNotAllowed) })
        .layer(from_fn_with_state(base, edge))
}

async fn edge(State(base): State<Arc<Base>>, mut request: Request, next: Next) -> Response {
    let cx = context(&base, request.extensions(), request.headers());
    if let Some(startup) = base.startup.take() {
        cx.count(|counts| *counts = startup);
    }
    let stopwatch = cx.stopwatch();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("unknown", |path| path.as_str()).to_owned();
    let wants_page = wants_page(request.headers());
    let span = tracing::info_span!("request", id = %cx.id);
    request.extensions_mut().insert(cx.clone());

    let answer = async {
        // Rotated keys are read before the request uses any.
        match base.keys.refresh(&cx, base.secrets.as_ref()).await {
            Ok(()) => next.run(request).await,
            Err(error) => ApiError::from(error).into_response(),
        }
    };
    // Lambda's runtime would send the message of a panic to its API, and the message may quote secrets. Shared state
    // stays usable: the code recovers from poisoned locks.
    let answer = AssertUnwindSafe(answer.instrument(span.clone())).catch_unwind().await;
    let mut response = answer.unwrap_or_else(|_| ApiError::panicked().into_response());

    let for_browsers = response.extensions_mut().remove::<cors::ForBrowsers>().is_some();
    let failure = response.extensions_mut().remove::<ErrorResponse>();
    let (code, reason) = match &failure {
        Some(failure) => (Some(failure.answer.code.as_str()), failure.answer.reason.clone()),
        None => (None, None),
    };
    if let Some(failure) = failure {
        // A 405 must list the allowed methods (RFC 9110 section 15.5.6).
        let allow = response.headers_mut().remove(ALLOW);
        response = failure.render(cx.id.clone(), wants_page);
        response.headers_mut().extend(allow.map(|allow| (ALLOW, allow)));
    }
    if for_browsers {
        cors::expose(&base, &cx, &mut response).instrument(span.clone()).await;
    }
    set_headers(response.headers_mut(), &cx.id);
    let (status, duration_ms) = (response.status().as_u16(), stopwatch.millis());
    span.in_scope(|| {
        log(&cx, base.stack.as_deref(), &RequestLine { method, route, status, code, reason, duration_ms })
    });
    response
}

/// The fields of a request's last log line.
struct RequestLine {
    method: Method,
    route: String,
    status: u16,
    code: Option<&'static str>,
    reason: Option<String>,
    duration_ms: u64,
}

/// Writes the last log line of a request. Zero counts are omitted.
fn log(cx: &RequestContext, stack: Option<&str>, line: &RequestLine) {
    let RequestLine { method, route, status, code, reason, duration_ms } = line;
    let (client, counts) = (cx.application().map(|client| client.id.as_str()), cx.counts());
    let nonzero = |count: u64| (count > 0).then_some(count);
    let mut kinds = counts.providers.iter();
    let provider = match (kinds.next(), kinds.next()) {
        (Some(_), Some(_)) => Some("several"),
        (kind, _) => kind.map(|kind| kind.as_str()),
    };
    let login = counts.login.map(JourneyResult::as_str);
    // The level must be a constant.
    macro_rules! line {
        ($level:ident, $outcome:literal) => {
            tracing::$level!(
                event = metrics::EVENT,
                stack,
                %method,
                route,
                status,
                outcome = $outcome,
                client,
                code,
                reason,
                duration_ms,
                init_ms = counts.init_ms,
                dynamodb_calls = nonzero(counts.dynamodb_calls),
                dynamodb_conflicts = nonzero(counts.dynamodb_conflicts),
                secrets_reads = nonzero(counts.secrets_reads),
                provider,
                provider_calls = nonzero(counts.provider_calls),
                provider_ms = nonzero(counts.provider_calls).map(|_| counts.provider_ms),
                provider_failures = nonzero(counts.provider_failures),
                users_provisioned = nonzero(counts.user_provisioned.into()),
                users_recognised = nonzero(counts.user_recognised.into()),
                claims_left_out = nonzero(counts.claims_left_out),
                notices = nonzero(counts.notices),
                attempts = nonzero(counts.attempts),
                attempt = counts.attempt,
                logins = login.map(|_| 1_u64),
                login,
            )
        };
    }
    match status {
        // A refused prefetch has status 503 for the browser, but it is not a failure.
        500.. if *code != Some(Code::Prefetched.as_str()) => line!(error, "failed"),
        400.. => line!(warn, "refused"),
        _ => line!(info, "ok"),
    }
}

/// Sets the security headers. Answers must not be cached, unless the route sets `Cache-Control`.
fn set_headers(headers: &mut HeaderMap, id: &RequestId) {
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(STRICT_TRANSPORT_SECURITY, TWO_YEARS);
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        headers.insert(REQUEST_ID, id);
    }
}

/// The request context. The caller's address comes from API Gateway's context, or locally from the connection, never
/// from a header, which the caller can forge.
fn context(base: &Base, extensions: &Extensions, headers: &HeaderMap) -> RequestContext {
    let lambda = extensions.get::<lambda_runtime::Context>();
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
    let id = id
        .and_then(|id| id.parse().ok())
        .unwrap_or_else(|| RequestId::generate(base.clock.now(), base.entropy.as_ref()));
    let budget =
        lambda.map_or(base.budget, |lambda| remaining(base.clock.now(), lambda.deadline).unwrap_or(base.budget));
    let mut cx = RequestContext::new(id, Arc::clone(&base.clock), budget, client, text(ACCEPT_LANGUAGE));
    cx.origin = origin(headers);
    cx
}

/// The page's origin, if a browser sent one. An invalid or repeated `Origin` becomes the empty text, which matches no
/// application.
fn origin(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(ORIGIN).iter();
    let value = values.next()?.to_str().ok().filter(|_| values.next().is_none());
    Some(value.unwrap_or_default().to_owned())
}

/// Whether the caller is a browser that wants a page.
fn wants_page(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

/// The time left until the function's deadline (`Lambda-Runtime-Deadline-Ms`, in milliseconds since 1970), bounded by
/// API Gateway's timeout; `None` if it is not a real deadline.
fn remaining(now: DateTime<Utc>, deadline: u64) -> Option<Duration> {
    let now = Duration::from_millis(now.timestamp_millis().try_into().unwrap_or_default());
    let deadline = Duration::from_millis(deadline);
    // No function runs that long after its deadline: `cargo lambda watch` gives all requests a deadline in 1970.
    let is_real = deadline + LONGEST_INVOCATION >= now;
    is_real.then(|| deadline.saturating_sub(now).min(GATEWAY_TIMEOUT).saturating_sub(MARGIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_its_functions_time_up_to_the_gateways_timeout() {
        let now = "2026-01-02T03:04:05Z".parse::<DateTime<Utc>>().unwrap();
        let until = |milliseconds: i64| remaining(now, (now.timestamp_millis() + milliseconds).try_into().unwrap());
        for (left, expected) in [
            (10_000, 9_500),
            (501, 1),
            (500, 0),
            (0, 0),
            // A function that was frozen, or whose clock differs from Lambda's.
            (-60_000, 0),
            (60_000, 28_500),
            (900_000, 28_500),
        ] {
            assert_eq!(until(left), Some(Duration::from_millis(expected)), "{left}");
        }
        assert_eq!(remaining(now, u64::MAX), Some(Duration::from_millis(28_500)));
        for none in [0, 600_000] {
            assert_eq!(remaining(now, none), None);
        }
    }
}
