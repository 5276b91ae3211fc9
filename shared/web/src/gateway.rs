//! API Gateway's events, and their normalization before a route gets the request.
//!
//! lambda_http turns events into requests. It trusts the event and panics if the event is inconsistent, so each event
//! is normalized first. The request is then the same for payload version 2.0 and 1.0, and does not depend on the
//! function's environment.
//!
//! The format of events:
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html> (both versions),
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html> (REST APIs).
//!
//! # Limits
//!
//! An HTTP API accepts 10,240 bytes of request line and headers, and waits for 30 seconds
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>), Lambda accepts 6 MB of event
//! and of response (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>). Beyond these limits API
//! Gateway answers instead of Landfall, so ours are smaller: 64 KiB for a decoded body ([`crate::Json`],
//! [`crate::Form`]; a route without a body ignores it), 64 characters for an id, 512 for a token, 1024 for a parameter
//! of a start, and 2048 for its `redirect_uri`, which is most of the longest `Location`. A request ends before API
//! Gateway stops waiting. These limits also bound the responses: a problem document is at most a few times as long as
//! the body, and a view at most as long as the journey's document, which is one DynamoDB item.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::HOST;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName};
use lambda_http::Adapter;
use lambda_http::request::LambdaRequest;
use lambda_runtime::LambdaEvent;
use serde::Serialize;
use tower::{Service, ServiceExt};
use utoipa_axum::router::OpenApiRouter;

use crate::App;
use crate::edge::router;

const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Serves a function's routes as a Lambda.
pub async fn serve<T: Send + Sync + 'static>(
    app: App<T>,
    routes: OpenApiRouter<App<T>>,
) -> Result<(), lambda_runtime::Error> {
    let base = Arc::clone(&app.base);
    lambda_runtime::run(events(router(base, routes.with_state(app)))).await
}

/// A Lambda service that answers events by these routes.
pub fn events(
    router: Router,
) -> impl Service<LambdaEvent<LambdaRequest>, Response: Serialize, Error = Infallible, Future: Send> {
    Adapter::from(router).map_request(|mut event: LambdaEvent<LambdaRequest>| {
        normalize(&mut event.payload);
        event
    })
}

fn normalize(event: &mut LambdaRequest) {
    match event {
        LambdaRequest::ApiGatewayV2(event) => {
            remove_host(&mut event.headers);
            normalize_path(&mut event.raw_path, event.request_context.stage.take());
            event.raw_query_string.take_if(|query| !is_query(query));
            drop_invalid_body(&mut event.body, event.is_base64_encoded);
        }
        LambdaRequest::ApiGatewayV1(event) => {
            // `headers` has only the last value of each header, and lambda_http would use it instead of all values: of
            // two `Authorization` headers it would hide one.
            if !event.multi_value_headers.is_empty() {
                event.headers.clear();
            }
            remove_host(&mut event.headers);
            remove_host(&mut event.multi_value_headers);
            normalize_path(&mut event.path, event.request_context.stage.take());
            drop_invalid_body(&mut event.body, event.is_base64_encoded);
        }
        _ => {}
    }
}

/// Removes the headers from which lambda_http would build the request's URL. Landfall does not trust them.
fn remove_host(headers: &mut HeaderMap) {
    headers.remove(HOST);
    headers.remove(X_FORWARDED_PROTO);
}

/// Removes the name of the stage from the path. An HTTP API puts it before the path unless the stage is `$default`; a
/// REST API never does (<https://github.com/aws-powertools/powertools-lambda-python/issues/621>). So a stage must not
/// have the name of the first part of a route, `v1`.
///
/// REST APIs pass the path unchanged. HTTP APIs pass it decoded (<https://github.com/aws/aws-lambda-dotnet/pull/1901>):
/// `%252F` becomes `%2F`, and `%3F` would start a query. lambda_http makes a URL of it, which resolves `..` and
/// `%2e%2e`, and the router decodes it once more. So an attacker could write a path that is read in two ways. No route
/// or id needs encoding, so such a path is replaced by `/`, which is no route.
fn normalize_path(path: &mut Option<String>, stage: Option<String>) {
    let text = path.take().unwrap_or_default();
    let stage = stage.filter(|stage| stage != "$default");
    let inside = stage.and_then(|stage| text.strip_prefix('/')?.strip_prefix(&stage).map(str::to_owned));
    let text = inside.filter(|path| path.starts_with('/')).unwrap_or(text);
    *path = Some(if is_plain(&text) { text } else { "/".to_owned() });
}

fn is_plain(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'.' | b'_' | b'~');
    path.starts_with('/') && path.bytes().all(plain) && path.split('/').all(|part| !matches!(part, "." | ".."))
}

/// Whether the query is valid and no longer than API Gateway accepts.
fn is_query(query: &str) -> bool {
    query.len() <= 10_240 && PathAndQuery::try_from(format!("/?{query}")).is_ok()
}

/// Drops a body that is declared as base64 but cannot be decoded.
fn drop_invalid_body(body: &mut Option<String>, is_base64: bool) {
    if is_base64 {
        body.take_if(|body| STANDARD.decode(body.as_bytes()).is_err());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(path: &str, stage: Option<&str>) -> String {
        let mut path = Some(path.to_owned());
        normalize_path(&mut path, stage.map(str::to_owned));
        path.unwrap()
    }

    #[test]
    fn only_the_exact_stage_prefix_is_removed_once() {
        for (given, stage, left) in [
            ("/v1/journeys/a/start", None, "/v1/journeys/a/start"),
            ("/v1/journeys/a/start", Some("$default"), "/v1/journeys/a/start"),
            ("/v1/journeys/a/start", Some("prod"), "/v1/journeys/a/start"),
            ("/prod/v1/journeys/a/start", Some("prod"), "/v1/journeys/a/start"),
            ("/prod/prod/v1/journeys/a/start", Some("prod"), "/prod/v1/journeys/a/start"),
            ("/production/v1/journeys/a/start", Some("prod"), "/production/v1/journeys/a/start"),
            ("/prod", Some("prod"), "/prod"),
            ("/prod/", Some("prod"), "/"),
            ("/v1/prod/a", Some("prod"), "/v1/prod/a"),
            ("/v1//prod/a", Some(""), "/v1//prod/a"),
        ] {
            assert_eq!(path(given, stage), left, "{given} {stage:?}");
        }
    }

    #[test]
    fn an_ambiguous_path_matches_no_route() {
        for ambiguous in [
            "",
            "v1",
            ":80",
            "@evil.example/",
            "/v1/sessions/..",
            "/v1/./sessions",
            "/v1/sessions/%2e%2e/a",
            "/v1/sessions/a%2Fb",
            "/v1/sessions/a?b",
            "/v1/sessions/a#b",
            "/v1\\sessions",
            "/v1/sessions/a b",
            "/v1/sess\tions/a",
            "/v1/sessions/\u{e4}",
            "/prod/../v1",
        ] {
            assert_eq!(path(ambiguous, Some("prod")), "/", "{ambiguous}");
        }
    }
}
